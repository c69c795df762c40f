"""The Executor's contract, the same for real processes and for the simulated machine."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kagit.errors import NotFound, Refused
from reconciler.ports import State
from tests.contract.executor_rigs import LocalRig, Play, Rig, ScriptedRig, eventually, job, work

LONG = Play(seconds=600.0)


@pytest.fixture(params=["local", "scripted"])
def rig(request, tmp_path: Path):
    made: Rig = LocalRig(tmp_path) if request.param == "local" else ScriptedRig()
    yield made
    made.end()


def test_success_is_seen_with_times_code_and_reason(rig: Rig):
    rig.start("a", Play(prints="loss=1"))
    end = rig.until("a")
    assert end.succeeded
    assert (end.exit_code, end.signal, end.reason, end.message) == (0, None, "Completed", "")
    times = [datetime.fromisoformat(text) for text in (end.started, end.finished)]
    assert times == sorted(times)
    assert all(time.tzinfo == UTC for time in times)


def test_failure_is_seen_with_its_code_and_says_so(rig: Rig):
    rig.start("a", Play(code=3))
    end = rig.until("a")
    assert not end.succeeded
    assert (end.state, end.exit_code, end.reason) == (State.ENDED, 3, "BackoffLimitExceeded")
    assert "exit code 3" in end.message


def test_running_is_told_once_and_then_nothing_until_it_changes(rig: Rig):
    rig.start("a", LONG)
    rig.until("a", State.RUNNING)
    assert rig.look() == []
    assert [s.state for s in rig.seen] == [State.RUNNING]


def test_starting_twice_runs_once(rig: Rig):
    rig.start("a", Play(prints="x"))
    rig.start("a", Play(prints="x"))
    rig.until("a")
    rig.start("a", Play(prints="x"))
    rig.start("b", Play())
    rig.until("b")
    assert rig.starts("a") == 1


def test_starting_again_after_a_crash_and_after_forgetting_runs_nothing(rig: Rig):
    rig.start("a", Play())
    rig.until("a")
    rig.crash()
    rig.start("a", Play())
    rig.until("a")
    rig.executor.forget("a")
    rig.start("b", Play())
    rig.until("b")
    rig.crash()
    rig.start("a", Play())
    rig.start("c", Play())
    rig.until("c")
    assert rig.starts("a") == 1


def test_a_new_reconciler_is_told_everything_but_what_was_forgotten(rig: Rig):
    for name in ("a", "b"):
        rig.start(name, Play())
        rig.until(name)
    rig.start("c", LONG)
    rig.until("c", State.RUNNING)
    rig.executor.forget("a")
    rig.start("d", Play())
    rig.until("d")
    rig.crash()
    first = {s.name: s.state for s in rig.look(timeout=1.0)}
    assert first == {"b": State.ENDED, "c": State.RUNNING, "d": State.ENDED}


def test_an_end_while_no_reconciler_was_there_is_known_exactly(rig: Rig):
    rig.start("a", Play(seconds=0.3, code=7))
    rig.until("a", State.RUNNING)
    rig.crash()
    assert rig.until("a").exit_code == 7
    assert rig.starts("a") == 1


def test_when_the_watcher_dies_too_attempts_are_lost_and_not_started_again(rig: Rig):
    rig.start("a", LONG)
    rig.until("a", State.RUNNING)
    rig.disaster()
    end = rig.until("a")
    assert (end.state, end.exit_code, end.succeeded) == (State.LOST, None, False)
    assert end.message
    rig.start("a", LONG)
    rig.start("b", Play())
    rig.until("b")
    assert rig.starts("a") == 1


def test_stop_ends_an_attempt_and_says_that_it_was_stopped(rig: Rig):
    rig.start("a", LONG)
    rig.until("a", State.RUNNING)
    rig.executor.stop("a")
    end = rig.until("a")
    assert (end.state, end.reason, end.signal, end.exit_code) == (State.ENDED, "Stopped", 15, 143)


def test_stop_kills_after_the_grace_period(rig: Rig):
    rig.start("a", Play(prints="trapped", seconds=600.0, ignores_term=True))
    rig.until("a", State.RUNNING)
    eventually(lambda: rig.executor.output("a").data == b"trapped", "the trap is set")
    rig.executor.stop("a")
    end = rig.until("a")
    assert (end.reason, end.signal, end.exit_code) == ("Stopped", 9, 137)


def test_stop_of_something_unknown_or_ended_does_nothing(rig: Rig):
    rig.executor.stop("never-heard-of")
    rig.start("a", Play())
    end = rig.until("a")
    rig.executor.stop("a")
    rig.start("b", Play())
    rig.until("b")
    assert [s for s in rig.seen if s.name == "a" and s.state is State.ENDED] == [end]


def test_a_missing_command_ends_the_attempt_with_a_start_error(rig: Rig):
    rig.start("a", Play(missing=True))
    end = rig.until("a")
    assert (end.state, end.reason, end.exit_code) == (State.ENDED, "StartError", 128)
    assert "no-such-command" in end.message
    assert rig.starts("a") == 0
    assert rig.executor.output("a").data == b""


def test_output_is_read_in_pieces_by_offset(rig: Rig):
    rig.start("a", Play(prints="0123456789"))
    rig.until("a")
    assert rig.executor.output("a") == (b"0123456789", 0, 10)
    assert rig.executor.output("a", start=2, limit=3) == (b"234", 2, 5)
    assert rig.executor.output("a", start=10) == (b"", 10, 10)
    rig.executor.forget("a")
    rig.crash()
    assert rig.executor.output("a", start=8) == (b"89", 8, 10)


def test_output_of_an_unknown_attempt_is_not_found(rig: Rig):
    with pytest.raises(NotFound):
        rig.executor.output("never-heard-of")


def test_artifacts_are_listed_with_size_and_digest(rig: Rig):
    rig.start("a", Play(artifact="abc"))
    (one,) = rig.until("a").artifacts
    assert (one.path, one.size, one.digest[:8]) == ("a.txt", 3, "ba7816bf")


def test_close_ends_everything_and_the_next_reconciler_hears_of_it(rig: Rig):
    for name in ("a", "b"):
        rig.start(name, LONG)
        rig.until(name, State.RUNNING)
    rig.executor.close()
    rig.crash()
    assert {rig.until(name).reason for name in ("a", "b")} == {"Stopped"}


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", "", ".hidden", "a\0b", "x" * 300])
def test_names_that_could_leave_the_directory_are_refused(rig: Rig, name: str):
    with pytest.raises(Refused, match="cannot be a directory name"):
        rig.executor.start(work(name, job("true")))


def test_what_cannot_run_here_is_refused_by_name_and_never_started(rig: Rig):
    manifest = {"apiVersion": "kubeflow.org/v1", "kind": "PaddleJob", "spec": {}}
    assert "Kubeflow Training Operator" in rig.executor.refusal(manifest)
    with pytest.raises(Refused, match="PaddleJob"):
        rig.executor.start(work("a", manifest))
    assert rig.executor.refusal(job(sys.executable)) == ""


def test_many_attempts_end_each_exactly_once(rig: Rig):
    names = [f"a{number}" for number in range(40)]
    for name in names:
        rig.start(name, Play(prints=name))
    for name in names:
        rig.until(name)
    ends = [s.name for s in rig.seen if s.state is State.ENDED]
    assert sorted(ends) == sorted(names)
    assert all(rig.executor.output(name).data == name.encode() for name in names)
    assert all(rig.starts(name) == 1 for name in names)
