"""What `kagit run` has run is taken over by a repository that asks for it: as a new run, at a commit."""

from pathlib import Path

from tests.cli import support


def test_run_then_reconcile_as_the_readme_has_it(tmp_path: Path) -> None:
    place = tmp_path / "tuning"
    assert support.kagit("init", str(place), cwd=tmp_path).returncode == 0
    assert support.kagit("run", "experiments/hello.yaml", cwd=place).returncode == 0
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "Tune"],
    ):
        support.git(place, *command)
    planned = support.kagit("plan", "--repo", ".", cwd=place)
    assert planned.returncode == 2
    assert "new run" in planned.stdout
    done = support.kagit("reconcile", "--repo", ".", "--once", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "hello-2-" in done.stdout
    assert (place / "reports" / "default" / "hello" / "best.yaml").exists()
    assert support.kagit("plan", "--repo", ".", cwd=place).returncode == 0
