"""Scratch directories and artifacts of local attempts."""

import sys
from pathlib import Path

import pytest

from tests.contract.executor_rigs import LocalRig, eventually, ran, text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path)
    yield made
    made.executor.close()
    assert made.processes() == []


def test_artifacts_are_kept_and_everything_else_of_the_scratch_is_removed(rig: LocalRig):
    script = """
cd $KAGIT_TRIAL_DIR; mkdir -p artifacts/deep/er junk/more; echo hello > artifacts/deep/er/model.bin
ln -s /etc/passwd artifacts/link; mkfifo artifacts/pipe; echo x > junk/more/file; chmod 0 junk/more
"""
    end = ran(rig, "sh", "-c", script)
    assert [(a.path, a.size) for a in end.artifacts] == [("deep/er/model.bin", 6)]
    assert (rig.state / "trials/default/a.artifacts/deep/er/model.bin").read_text() == "hello\n"
    rig.executor.close()
    left = sorted(str(p.relative_to(rig.state)) for p in rig.state.glob("**/*") if p.is_file() and not p.is_symlink())
    assert left == [
        "journal",
        "keeper.log",
        "lock",
        "trials/default/a.artifacts/deep/er/model.bin",
        "trials/default/a.log",
    ]


def test_artifacts_replaced_by_a_link_are_not_followed(rig: LocalRig):
    end = ran(rig, "sh", "-c", "rmdir $KAGIT_TRIAL_DIR/artifacts; ln -s /etc $KAGIT_TRIAL_DIR/artifacts")
    assert (end.succeeded, end.artifacts) == (True, ())
    assert not (rig.state / "trials/default/a.artifacts").exists()


def test_too_many_artifacts_are_cut_and_it_is_said(rig: LocalRig):
    end = ran(rig, "sh", "-c", "cd $KAGIT_TRIAL_DIR/artifacts; for i in $(seq 1001); do : > f$i; done")
    assert len(end.artifacts) == 1000
    assert "first 1,000" in end.message
    assert end.succeeded


def test_a_scratch_directory_that_cannot_be_made_is_the_attempts_own_failure(rig: LocalRig):
    ran(rig, "sh", "-c", "touch $KAGIT_TRIAL_DIR/x", name="a")
    eventually(lambda: not list((rig.state / "scratch").iterdir()), "it is tidied")
    (rig.state / "scratch").rmdir()
    (rig.state / "scratch").write_text("")
    end = ran(rig, "true", name="b")
    assert end.reason == "StartError"
    assert "scratch directory could not be made" in end.message
    (rig.state / "scratch").unlink()
    (rig.state / "scratch").mkdir()
    assert ran(rig, "true", name="c").succeeded


def test_each_attempt_has_an_empty_scratch_directory_of_its_own(rig: LocalRig):
    look = "cd $KAGIT_TRIAL_DIR; pwd; find . ; "
    ran(rig, "sh", "-c", look, name="a")
    ran(rig, "sh", "-c", look + "touch x; chmod 500 .", name="b")
    ran(rig, "sh", "-c", look + "rmdir artifacts", name="c")
    ran(rig, "sh", "-c", look + "(setsid sleep 600 &)", name="d")
    ran(rig, "sh", "-c", look + 'test "$0" = $KAGIT_TRIAL_DIR', "$(KAGIT_TRIAL_DIR)", name="e")
    seen = [text(rig, name).split("\n", 1) for name in "abcde"]
    assert {found for _, found in seen} == {".\n./artifacts\n"}
    places = [place for place, _ in seen]
    assert places[0] == places[1], "left as it was found, it is used again"
    assert len(set(places[1:])) == 4
    assert rig.seen[-1].succeeded
