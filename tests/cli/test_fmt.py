"""`kagit fmt`: what it writes, what it says, and that a file is whole at every moment."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import KAGIT, LOSS, environment, kagit, manifest

HEAD = "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\n"
MESSY = f"# mine\n{HEAD}spec:\n    parallelTrialCount:   2 # two\n    objective: {{type: minimize}}\n"
NEAT = f"# mine\n{HEAD}spec:\n  objective: {{type: minimize}}\n  parallelTrialCount: 2 # two\n"
DIFF = """\
--- a.yaml (as it is)
+++ a.yaml (in normal form)
@@ -2,6 +2,6 @@
 apiVersion: kubeflow.org/v1beta1
 kind: Experiment
 spec:
-    parallelTrialCount:   2 # two
-    objective: {type: minimize}
+  objective: {type: minimize}
+  parallelTrialCount: 2 # two
\x20
"""


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "a.yaml"
    path.write_text(MESSY)
    return path


def test_a_file_is_formatted_and_named(cli, file: Path):
    done = cli("fmt", "a.yaml")
    assert (done.code, done.out, done.err) == (0, "formatted a.yaml\n", "")
    assert file.read_text() == NEAT
    before = file.stat()
    done = cli("fmt", "a.yaml")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert file.stat() == before


def test_check_writes_nothing_and_fails(cli, file: Path):
    done = cli("fmt", "--check", "a.yaml")
    assert (done.code, done.out) == (1, "would change a.yaml\n")
    assert file.read_text() == MESSY
    file.write_text(NEAT)
    done = cli("fmt", "--check", "a.yaml")
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize(("more", "code"), [((), 0), (("--check",), 1)])
def test_diff_writes_nothing(cli, file: Path, more: tuple[str, ...], code: int):
    done = cli("fmt", "--diff", *more, "a.yaml")
    assert (done.code, done.out) == (code, DIFF)
    assert file.read_text() == MESSY


def test_a_diff_shows_what_is_invisible(cli, file: Path):
    file.write_bytes(MESSY.replace("\n", "\r\n").encode())
    assert "-spec:\\r\n" in cli("fmt", "--diff", "a.yaml").out


def test_standard_input_becomes_standard_output(here: Path):
    done = kagit("fmt", "-", cwd=here, stdin=MESSY)
    assert (done.returncode, done.stdout, done.stderr) == (0, NEAT, "")
    done = kagit("fmt", "-", "--check", cwd=here, stdin=MESSY)
    assert (done.returncode, done.stdout) == (1, "")
    done = kagit("fmt", "-", cwd=here, stdin=f"{MESSY}spec: 1\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "stdin:7:1: spec is there twice" in done.stderr


def test_folders_are_searched_as_validate_does(cli, here: Path):
    assert cli("init", "repo").code == 0
    for path in ("repo/experiments/x/a.yml", "repo/experiments/.hidden/b.yaml", "repo/ci/c.yaml"):
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(MESSY)
    assert cli("fmt", "repo", "repo/experiments").out == "formatted repo/experiments/x/a.yml\n"


def test_a_refused_file_does_not_stop_the_others(cli, file: Path):
    for name, text in {"0.yaml": "a: [", "1.yaml": f"{HEAD}spec: 1\nspec: 2\n", "2.yaml": "kind:   Other\n"}.items():
        (file.parent / name).write_text(text)
    done = cli("fmt", ".", "missing")
    assert done.code == 1
    assert done.out == "formatted a.yaml\n"
    assert [line.rpartition(" ")[2] for line in done.err.splitlines()] == [
        "[yaml-syntax]",
        "[duplicate-key]",
        "[path-missing]",
    ]
    assert (file.parent / "0.yaml").read_text() == "a: ["
    assert (file.parent / "2.yaml").read_text() == "kind:   Other\n"


def test_numbers_that_became_text_are_told(cli, file: Path):
    file.write_text(f"{HEAD}metadata: {{labels: {{v: 1.10}}}}\n")
    done = cli("fmt", "a.yaml")
    assert done.code == 0
    assert done.err == (
        'a.yaml:3:21: warning: v is the number 1.10, where Katib wants text; fmt writes it as "1.10" [fmt-text]\n'
    )
    assert file.read_text() == f'{HEAD}metadata: {{labels: {{v: "1.10"}}}}\n'


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_permissions_stay(cli, file: Path, mode: int):
    file.chmod(mode)
    assert cli("fmt", "a.yaml").code == 0
    assert file.stat().st_mode & 0o777 == mode


def left(file: Path) -> list[str]:
    """What is in the folder, provided that the file is what it was."""
    assert file.read_text() == MESSY
    return sorted(path.name for path in file.parent.iterdir())


def test_a_read_only_file_is_left_alone(cli, file: Path):
    file.chmod(0o444)
    done = cli("fmt", "a.yaml")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "a.yaml:0:0: the file is read-only and was left as it is; correct its permissions [unwritable]\n"
    )
    assert left(file) == ["a.yaml"]


def test_a_link_is_never_followed(cli, file: Path):
    (file.parent / "b.yaml").symlink_to(file)
    done = cli("fmt", "b.yaml")
    assert done.code == 1
    assert "[symbolic-link]" in done.err
    assert left(file) == ["a.yaml", "b.yaml"]


def test_a_full_disk_changes_nothing(file: Path):
    """A limit of no bytes per file is a disk that is full."""
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", *KAGIT, "fmt", "a.yaml"],
        cwd=file.parent,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "a.yaml:0:0: cannot be written and was left as it is (File too large); make room" in done.stderr
    assert left(file) == ["a.yaml"]


def test_a_file_that_changes_meanwhile_is_left_alone(cli, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "fsync", lambda _: file.write_text("somebody else's\n"))
    done = cli("fmt", "a.yaml")
    assert done.code == 1
    assert "somebody else changed the file meanwhile" in done.err
    assert file.read_text() == "somebody else's\n"
    assert [path.name for path in file.parent.iterdir()] == ["a.yaml"]


def test_a_killed_process_leaves_the_old_file_or_the_new(file: Path):
    """It dies just before the new file takes the place of the old one."""
    code = (
        "import os, pathlib; from reconciler.cli import main; "
        "pathlib.Path.replace = lambda *_: os._exit(9); main(['fmt', 'a.yaml'])"
    )
    done = subprocess.run([*KAGIT[:2], "-c", code], cwd=file.parent, env=environment(), check=False)
    assert done.returncode == 9
    assert [name for name in left(file) if not name.startswith(".kagit-fmt-")] == ["a.yaml"]


def test_what_runs_means_the_same_afterwards(cli, here: Path):
    (here / "a.yaml").write_text(manifest("a", LOSS))
    before = cli("validate", "a.yaml")
    assert cli("fmt", "a.yaml").code == 0
    after = cli("validate", "a.yaml")
    assert (before.code, before.out) == (after.code, after.out) == (0, "")
