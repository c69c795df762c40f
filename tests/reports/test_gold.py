"""Gold trees, byte for byte, rendered by other processes in other time zones, locales and hash seeds.

`KAGIT_UPDATE_GOLD=1 pytest tests/reports/test_gold.py` writes tests/gold/reports anew; read the diff before the commit.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLD = HERE.parent / "gold" / "reports"
WORLDS = (
    {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77", "PYTHONUTF8": "0"},
)


def wants_update(environment):
    """Whether the gold trees shall be written anew; never in CI, where a wrong tree would approve itself."""
    if not environment.get("KAGIT_UPDATE_GOLD"):
        return False
    if environment.get("CI", "").lower() in {"1", "true"}:
        raise RuntimeError("KAGIT_UPDATE_GOLD is refused in CI: refresh the gold trees at your desk and commit them")
    return True


ENVIRONMENT = dict(os.environ)  # read now: the session clears KAGIT_* before tests run


def render(out, world):
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(HERE.parents[1]), **world}
    subprocess.run([sys.executable, str(HERE / "render.py"), str(out)], check=True, env=environment, timeout=120)


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world["TZ"].replace("/", "-"))
def test_every_byte_is_as_agreed_in_any_world(world, tmp_path):
    render(tmp_path, world)
    if wants_update(ENVIRONMENT) and world is WORLDS[0]:
        shutil.rmtree(GOLD, ignore_errors=True)
        shutil.copytree(tmp_path, GOLD)
    made, gold = files(tmp_path), files(GOLD)
    assert sorted(made) == sorted(gold)
    different = [path for path in made if made[path] != gold[path]]
    assert different == [], "see the docstring of this file for the refresh"


def test_gold_is_never_refreshed_in_ci():
    assert wants_update({"KAGIT_UPDATE_GOLD": "1"})
    assert not wants_update({"CI": "true"})
    with pytest.raises(RuntimeError, match="refused in CI"):
        wants_update({"KAGIT_UPDATE_GOLD": "1", "CI": "true"})


def test_gold_is_plain_text_that_git_leaves_alone():
    for path, data in files(GOLD).items():
        text = data.decode("utf-8")
        assert "\r" not in text, path
        assert text.endswith("\n"), path
