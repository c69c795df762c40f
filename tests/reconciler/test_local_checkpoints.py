"""Checkpoints on one machine: what a trial finds in its directory, whatever parents and earlier tries have left."""

import json
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kagit.errors import Refused
from kagit.experiment import Collector
from kagit.trial import Checkpoint
from reconciler.adapters.keeper import checkpoint
from reconciler.ports import State
from tests.contract.executor_rigs import LocalRig, job, text, work

PATH = "/ckpt"
SHOW = "for f in /ckpt/*; do [ -f $f ] && echo $(basename $f) $(cat $f); done; true"


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path)
    yield made
    made.executor.close()


def folder(rig: LocalRig, trial: str) -> Path:
    return rig.state / "checkpoints/default" / trial.rpartition("-")[0] / trial


def names_in(directory: Path) -> list[str]:
    return sorted(one.name for one in directory.iterdir())


def ran(
    rig: LocalRig, trial: str, *command: str, manifest: dict[str, Any] | None = None, attempt: int = 1, **given: Any
):
    """The end of an attempt of a trial, and what it has printed."""
    wanted = Checkpoint(**{"path": PATH, **given})
    name = f"{trial}.{attempt}"
    body = manifest or job(*command)
    rig.executor.start(
        rig_work(rig, name, trial, body, checkpoint=wanted),
    )
    seen = rig.until(name)
    return seen, text(rig, name)


def rig_work(rig: LocalRig, name: str, trial: str, manifest: dict[str, Any], **more: Any):
    return replace(work(name, manifest, rig.home, **more), trial=trial)


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_a_trial_begins_with_a_copy_of_what_its_parent_left(rig):
    ran(rig, "e-1-0000", *sh("echo one > /ckpt/a; mkdir /ckpt/sub; echo two > /ckpt/sub/b; chmod 700 /ckpt/sub/b"))
    seen, told = ran(rig, "e-1-0001", *sh(f"{SHOW}; cat /ckpt/sub/b; echo more > /ckpt/a"), parent="e-1-0000")
    assert seen.succeeded
    assert told == "a one\ntwo\n"
    assert (folder(rig, "e-1-0000") / "a").read_text() == "one\n", "the parent's own is not touched"
    assert (folder(rig, "e-1-0001") / "a").read_text() == "more\n"
    assert (folder(rig, "e-1-0001") / "sub/b").stat().st_mode & 0o777 == 0o700
    assert names_in(folder(rig, "e-1-0000").parent) == ["e-1-0000", "e-1-0001"]


def test_a_first_trial_finds_an_empty_directory_and_a_variable_that_names_it(rig):
    seen, told = ran(
        rig, "e-1-0000", *sh("ls $KAGIT_CHECKPOINT_DIR; echo $KAGIT_CHECKPOINT_DIR; echo --dir=/ckpt/x"), path=""
    )
    assert seen.succeeded
    assert told == f"{folder(rig, 'e-1-0000')}\n--dir=/ckpt/x\n"


def test_every_attempt_and_every_try_of_one_begins_anew(rig):
    ran(rig, "e-1-0000", *sh("echo good > /ckpt/a"))
    script = f"{SHOW}; echo half > /ckpt/a; echo more > /ckpt/b; exit 1"
    rig.options["first_backoff"] = 0.05
    rig.crash()
    seen, told = ran(rig, "e-1-0001", parent="e-1-0000", manifest=job(*sh(script), backoffLimit=2))
    assert (seen.reason, told) == ("BackoffLimitExceeded", "a good\n" * 3)
    assert ran(rig, "e-1-0001", *sh(SHOW), parent="e-1-0000", attempt=2)[1] == "a good\n"
    assert ran(rig, "e-1-0000", *sh(SHOW), attempt=2)[1] == "", "nor does a first trial go on from its own half"


@pytest.mark.parametrize("gone", [True, False])
def test_where_the_parent_left_nothing_that_is_said(rig, gone):
    ran(rig, "e-1-0000", "true")
    if gone:
        shutil.rmtree(folder(rig, "e-1-0000"))
    seen, told = ran(rig, "e-1-0001", *sh(SHOW), parent="e-1-0000")
    assert seen.succeeded
    assert told == "kagit: e-1-0000, from which this trial goes on, has left no checkpoint; it begins without one\n"


def test_links_lead_into_the_copy_and_nothing_waits_at_a_pipe(rig):
    script = (
        "cd /ckpt; echo 7 > step-7; ln -s step-7 latest; ln -s /ckpt/step-7 last; ln -s /etc/hostname far; mkfifo pipe"
    )
    ran(rig, "e-1-0000", *sh(script))
    seen, told = ran(rig, "e-1-0001", *sh("cd /ckpt; cat latest last; readlink last far; ls"), parent="e-1-0000")
    assert seen.succeeded
    own = folder(rig, "e-1-0001")
    assert told.splitlines() == ["7", "7", f"{own}/step-7", "/etc/hostname", "far", "last", "latest", "step-7"]


def test_what_is_too_old_is_thrown_away_but_for_what_is_kept(rig):
    for index in range(4):
        ran(rig, f"e-1-{index:04}", *sh("echo x > /ckpt/a"))
    ran(rig, "e-2-0000", "true")
    (folder(rig, "e-1-0000").parent / "e-1-0001.new").mkdir()
    (folder(rig, "e-1-0000").parent / "notes").write_text("somebody's")
    kept = frozenset({"e-1-0002", "e-1-0009"})
    assert ran(rig, "e-1-0004", *sh(SHOW), parent="e-1-0003", oldest=3, kept=kept)[1] == "a x\n"
    left = names_in(folder(rig, "e-1-0000").parent)
    assert left == ["e-1-0002", "e-1-0003", "e-1-0004", "notes"]
    assert folder(rig, "e-2-0000").is_dir()


def test_a_pod_of_several_containers_has_it_too_and_nobody_empties_it(rig):
    containers = [
        {"name": "main", "command": sh("cat /ckpt/a; echo two > /ckpt/a"), "volumeMounts": [MOUNT]},
        {"name": "side", "command": sh("test -d /ckpt && test -f $KAGIT_CHECKPOINT_DIR/a")},
    ]
    manifest = job("true", pod={"containers": containers, "volumes": [{"name": "data", "emptyDir": {}}]})
    ran(rig, "e-1-0000", *sh("echo one > /ckpt/a"))
    wanted = Checkpoint(path=PATH, parent="e-1-0000")
    work = rig_work(rig, "e-1-0001.1", "e-1-0001", manifest, checkpoint=wanted, primary_container="main")
    rig.executor.start(work)
    rig.until("e-1-0001.1")
    assert text(rig, "e-1-0001.1") == "one\n"
    assert (folder(rig, "e-1-0001") / "a").read_text() == "two\n"


MOUNT = {"name": "data", "mountPath": "/data"}


def test_a_command_that_is_not_there_is_told_as_ever(rig):
    seen, _ = ran(rig, "e-1-0000", "no-such-command")
    assert (seen.state, seen.reason) == (State.ENDED, "StartError")
    assert "command 'no-such-command' was not found in PATH" in seen.message


def test_an_exit_code_of_its_own_is_not_taken_for_ours(rig):
    seen, _ = ran(rig, "e-1-0000", *sh(f"exit {checkpoint.FAILED}"))
    assert (seen.reason, seen.exit_code) == ("BackoffLimitExceeded", checkpoint.FAILED)


def test_signals_are_as_every_other_trial_finds_them(rig):
    _, told = ran(rig, "e-1-0000", *sh("grep SigIgn /proc/self/status"))
    rig.submit("plain", job(*sh("grep SigIgn /proc/self/status")))
    rig.until("plain")
    assert told == text(rig, "plain")


def test_a_disk_that_is_full_is_named_and_half_a_copy_is_taken_away(tmp_path):
    """The limit on file sizes stands for the disk: the copy breaks off in the middle of a file."""
    parent, own, end = tmp_path / "e-1-0000", tmp_path / "e-1-0001", tmp_path / "end.json"
    parent.mkdir()
    (parent / "a").write_bytes(bytes(1 << 20))
    own.mkdir()
    (own / "mine").write_text("from an earlier try")

    done = subprocess.run(
        [sys.executable, "-I", "-S", checkpoint.__file__, end, own, parent, "0", "--", "echo", "ran"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16)),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(end.read_text())
    assert (done.returncode, done.stdout) == (checkpoint.FAILED, "")
    assert told["reason"] == "StartError"
    assert told["message"].startswith(f"its checkpoint {own} could not be made: File too large")
    assert told["message"] in done.stderr
    assert names_in(tmp_path) == ["e-1-0000", "e-1-0001", "end.json"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"parent": "../e-1-0000"}, "trial name '../e-1-0000' cannot be a directory name"),
        ({"parent": ".."}, "cannot be a directory name"),
        ({"kept": frozenset({"a/b"})}, "cannot be a directory name"),
    ],
)
def test_names_cannot_leave_their_directory(rig, given, part):
    with pytest.raises(Refused, match=part):
        ran(rig, "e-1-0001", "true", **given)
    with pytest.raises(Refused, match="cannot be a directory name"):
        ran(rig, "../../x", "true", attempt=3)


def test_the_collector_cannot_have_the_same_directory(rig):
    collector = Collector(kind="File", source={"fileSystemPath": {"path": "/ckpt/metrics.log", "kind": "File"}})
    work = rig_work(rig, "a.1", "e-1-0000", job("true"), checkpoint=Checkpoint(path="/ckpt/"), collector=collector)
    with pytest.raises(Refused, match="/ckpt is the directory of the metrics collector and of checkpoints"):
        rig.executor.start(work)


def test_without_a_checkpoint_nothing_is_made(rig):
    rig.submit("a", job(*sh("echo ${KAGIT_CHECKPOINT_DIR:-none} /ckpt")))
    rig.until("a")
    assert text(rig, "a") == "none /ckpt\n"
    assert not (rig.state / "checkpoints").exists()
