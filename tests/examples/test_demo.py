"""The demo's script, with small experiments in the place of those that train models: every step is real."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples/demo/main.py"
SECONDS = 180
ODD = """[user]
	useConfigOnly = true
[commit]
	gpgSign = true
[core]
	autocrlf = true
	hooksPath = {hooks}
[init]
	defaultBranch = odd
	templateDir = {hooks}
[push]
	default = nothing
[url "https://127.0.0.1:9/"]
	insteadOf = file://
"""


def demo(script: Path, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own, as a newcomer's machine would start it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT)} | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The demo with the quadratic example, cut to four trials, instead of its own experiments."""
    place = tmp_path / "demo"
    (place / "experiments").mkdir(parents=True)
    shutil.copy(SCRIPT, place)
    for file in (ROOT / "examples/quadratic/experiments").iterdir():
        if file.suffix in {".yaml", ".py"}:
            text = file.read_text(encoding="utf-8").replace("maxTrialCount: 25", "maxTrialCount: 4")
            (place / "experiments" / file.name).write_text(text, encoding="utf-8")
    return place / "main.py"


@pytest.fixture
def odd_home(tmp_path: Path) -> Path:
    """A home whose Git settings would spoil every step."""
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    hook = hooks / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(ODD.format(hooks=hooks))
    return home


def test_it_ends_with_results_reports_and_the_log_whatever_the_users_git_settings(
    small: Path, odd_home: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    done = demo(small, "--dir", str(root), cwd=tmp_path, HOME=str(odd_home), XDG_CONFIG_HOME=str(odd_home))
    assert done.returncode == 0, done.stderr
    assert "default/quadratic  Succeeded  4" in done.stdout
    page = root / "tuning/reports/default/quadratic/index.html"
    assert page.is_file()
    assert str(page) in done.stdout
    assert "report default/quadratic: Succeeded, 4 trials" in done.stdout
    assert "(A. Newcomer) " in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    again = demo(small, "--dir", str(root), cwd=tmp_path, HOME=str(odd_home))
    assert again.returncode == 1
    assert again.stderr == f"demo: {root} is not empty; give a new directory with --dir, or leave it out\n"


def test_a_failure_is_passed_on_and_says_which_step(small: Path, tmp_path: Path) -> None:
    manifest = small.parent / "experiments/quadratic.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("maxTrialCount: 4", "maxTrialCount: 0"))
    done = demo(small, "--dir", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 1
    assert "demo: kagit validate ended with exit code 1" in done.stderr
    assert "maxTrialCount" in done.stdout


def test_nothing_of_the_caller_reaches_git_and_python_may_keep_what_it_compiled() -> None:
    module = runpy.run_path(str(SCRIPT))
    made = module["environment"](
        {"PATH": "/bin", "GIT_DIR": "/x", "KAGIT_STATE": "/y", "PYTHONDONTWRITEBYTECODE": "1", "KEPT": "1"}
    )
    assert "GIT_DIR" not in made
    assert "KAGIT_STATE" not in made
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["KEPT"] == "1"
    assert made["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]
    assert made["GIT_CONFIG_GLOBAL"] == os.devnull
