"""Whoever is killed, and whenever: nothing is started twice, no end that was seen is lost, no process is left."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reconciler.adapters.keeper import journal
from reconciler.ports import State
from tests.contract.executor_rigs import LocalRig, Play, eventually, job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

RECONCILER = """
    import os, sys, time
    from pathlib import Path
    from tests.contract.executor_rigs import LocalRig, Play
    rig = LocalRig(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        rig.start(f"a{number}", Play(prints=f"from {number}", seconds=0.3, code=number % 3))
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def rig(tmp_path: Path):
    made = LocalRig(tmp_path)
    yield made
    made.executor.close()
    eventually(lambda: not made.processes(), "no process is left")


def killed_reconciler(home: Path, works: int, *, wait: bool) -> None:
    """A reconciler in a process of its own, killed with SIGKILL after (or while) it started its works."""
    command = [sys.executable, "-c", textwrap.dedent(RECONCILER), str(home), str(works)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    if wait:
        assert process.stdout.readline() == b"started\n"
    else:
        eventually((home / "a0.ran").exists, "the first work runs")
    process.kill()
    process.communicate()


@pytest.mark.parametrize("wait", [True, False])
def test_a_killed_reconciler_loses_no_exit_code_and_starts_nothing_twice(rig: LocalRig, wait):
    killed_reconciler(rig.home, 8, wait=wait)
    for number in range(8):
        rig.start(f"a{number}", Play(prints=f"from {number}", seconds=0.3, code=number % 3))
    for number in range(8):
        assert rig.until(f"a{number}").exit_code == number % 3
        assert rig.starts(f"a{number}") == 1
        assert rig.executor.output(f"a{number}").data == f"from {number}".encode()


def test_after_a_crash_the_same_process_is_still_running(rig: LocalRig):
    rig.submit("a", job("sh", "-c", "echo $$$$; exec sleep 600"))
    before = eventually(lambda: rig.executor.output("a").data, "its pid is printed")
    rig.crash()
    rig.submit("a", job("sh", "-c", "echo again; exec sleep 600"))
    rig.until("a", State.RUNNING)
    assert rig.executor.output("a").data == before
    assert rig.processes() == [int(before)]


def test_a_killed_keeper_gets_a_successor_that_watches_the_living_and_reports_them_lost(rig: LocalRig):
    rig.start("short", Play(code=4))
    rig.until("short")
    rig.start("long", Play(seconds=600.0))
    rig.until("long", State.RUNNING)
    first = rig.keeper()
    rig.kill_keeper()
    eventually(lambda: rig.look() == [] and rig.keeper() != first, "another keeper runs")
    rig.start("long", Play(seconds=600.0))
    rig.start("next", Play())
    rig.until("next")
    assert rig.processes(), "the living process is only watched"
    assert [s.state for s in rig.seen if s.name == "long"] == [State.RUNNING]
    rig.executor.stop("long")
    assert rig.until("long").state is State.LOST
    assert [s.state for s in rig.seen if s.name == "short"].count(State.ENDED) == 1
    assert rig.starts("long") == 1


def test_reconciler_and_keeper_both_killed(rig: LocalRig):
    rig.start("long", Play(seconds=600.0))
    rig.start("done", Play(code=5))
    rig.until("long", State.RUNNING)
    rig.until("done")
    rig.kill_keeper()
    rig.crash()
    rig.start("long", Play(seconds=600.0))
    assert rig.until("done").exit_code == 5
    rig.until("long", State.RUNNING)
    rig.disaster()
    assert rig.until("long").state is State.LOST
    assert rig.starts("long") == 1


def test_a_start_that_the_keeper_never_heard_is_sent_to_its_successor(rig: LocalRig):
    rig.start("a", Play())
    rig.until("a")
    keeper = rig.keeper()
    os.kill(keeper, signal.SIGSTOP)
    rig.start("b", Play(code=6))
    os.kill(keeper, signal.SIGKILL)
    assert rig.until("b").exit_code == 6
    assert rig.starts("b") == 1


def test_close_after_the_keeper_was_killed_leaves_no_process(tmp_path: Path):
    rig = LocalRig(tmp_path)
    rig.submit("a", job("sh", "-c", "setsid sleep 600 & exec sleep 600"))
    eventually(lambda: rig.look() is not None and len(rig.processes()) == 2, "both processes run")
    rig.kill_keeper()
    rig.executor.close()
    assert rig.processes() == []
    with pytest.raises(AssertionError, match="no keeper"):
        rig.keeper()


def test_sigterm_to_the_keeper_is_a_graceful_end(rig: LocalRig):
    rig.start("a", Play(seconds=600.0))
    rig.until("a", State.RUNNING)
    os.kill(rig.keeper(), signal.SIGTERM)
    assert rig.until("a").reason == "Stopped"


def test_an_abandoned_keeper_ends_everything_and_goes(tmp_path: Path):
    rig = LocalRig(tmp_path, abandon_after=0.3)
    rig.start("a", Play(seconds=600.0))
    rig.until("a", State.RUNNING)
    rig.executor.detach()
    eventually(lambda: not rig.processes(), "the attempt was ended")
    rig.crash()
    end = rig.until("a")
    assert end.reason == "Stopped"
    assert "no reconciler came back" in end.message
    rig.executor.close()


def test_a_keeper_without_work_and_reconciler_goes_at_once(rig: LocalRig):
    rig.start("a", Play())
    rig.until("a")
    rig.executor.detach()

    def gone() -> bool:
        try:
            return not rig.keeper()
        except AssertionError:
            return True

    eventually(gone, "the keeper is gone")


def test_a_torn_line_is_tolerated_and_dropped_by_the_next_keeper(rig: LocalRig):
    rig.start("a", Play(code=3))
    rig.until("a")
    rig.executor.close()
    path = rig.state / "journal"
    with path.open("ab") as file:
        file.write(b'{"accepted":"b","place":"/x')
    rig.crash()
    assert rig.until("a").exit_code == 3
    rig.start("b", Play())
    assert rig.until("b").succeeded
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_start_cut_between_acceptance_and_spawn_is_lost_not_repeated(rig: LocalRig):
    rig.state.mkdir()
    place = rig.state / "trials/default/a"
    place.parent.mkdir(parents=True)
    accepted = {
        "accepted": "a",
        "place": str(place),
        "scratch": str(rig.state / "scratch/1"),
        "at": 1.0,
        "deadline": 0.0,
        "grace": 1.0,
    }
    (rig.state / "journal").write_text(json.dumps(accepted) + "\n")
    rig.start("a", Play())
    assert rig.until("a").state is State.LOST
    assert rig.starts("a") == 0


def test_artifacts_that_a_killed_keeper_had_not_listed_are_listed_by_the_next(rig: LocalRig):
    place = rig.state / "trials/default/a"
    place.parent.mkdir(parents=True)
    scratch = rig.state / "scratch/4"
    (scratch / "artifacts").mkdir(parents=True)
    (scratch / "artifacts/model").write_text("abc")
    common = {"place": str(place), "scratch": str(scratch), "at": 1.0, "deadline": 0.0, "grace": 1.0}
    exited = {"state": "Ended", "exit_code": 0, "reason": "Completed", "message": "", "started_at": 1.0, "at": 2.0}
    lines = [{"accepted": "a", **common}, {"exited": "a", **exited}]
    (rig.state / "journal").write_text("".join(json.dumps(line) + "\n" for line in lines))
    end = rig.until("a")
    assert end.succeeded
    assert [(a.path, a.size) for a in end.artifacts] == [("model", 3)]


def test_the_journal_is_compacted_when_a_keeper_starts(rig: LocalRig):
    for number in range(20):
        rig.start(f"a{number}", Play())
        rig.until(f"a{number}")
        if number:
            rig.executor.forget(f"a{number}")
    rig.executor.close()
    rig.crash()
    rig.look()
    assert list(journal.unforgotten(str(rig.state / "journal"))) == ["a0"]
    assert (rig.state / "journal").read_bytes().count(b"\n") == 3


def test_a_foreign_process_with_the_pid_of_an_attempt_is_never_touched(rig: LocalRig):
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as innocent:
        place = rig.state / "trials/default/a"
        place.parent.mkdir(parents=True)
        lines = [
            {
                "accepted": "a",
                "place": str(place),
                "scratch": str(rig.state / "scratch/1"),
                "at": 1.0,
                "deadline": 0.0,
                "grace": 0.1,
            },
            {"started": "a", "pid": innocent.pid, "identity": "another boot:1", "at": 1.0},
        ]
        (rig.state / "journal").write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert rig.until("a").state is State.LOST
        rig.executor.close()
        assert innocent.poll() is None
        innocent.kill()


def test_a_failing_job_is_tried_again_up_to_its_limit_into_the_same_output(tmp_path: Path):
    rig = LocalRig(tmp_path, first_backoff=0.05)
    rig.submit("a", job("sh", "-c", "echo try; exit 9", backoffLimit=2))
    end = rig.until("a")
    assert (end.exit_code, end.reason) == (9, "BackoffLimitExceeded")
    assert "after 3 tries (backoffLimit 2)" in end.message
    assert rig.executor.output("a").data == b"try\n" * 3
    rig.executor.close()


def test_a_second_try_that_works_is_a_success(tmp_path: Path):
    rig = LocalRig(tmp_path, first_backoff=0.05)
    rig.submit("a", job("sh", "-c", "test -e seen || { touch seen; exit 1; }", backoffLimit=6))
    assert rig.until("a").succeeded
    rig.executor.close()


def test_stop_between_two_tries_ends_at_once(rig: LocalRig):
    rig.submit("a", job("sh", "-c", "echo x; exit 9", backoffLimit=2))
    eventually(lambda: rig.look() or (rig.executor.output("a").data and not rig.processes()), "the first try is over")
    rig.executor.stop("a")
    end = rig.until("a")
    assert end.reason == "Stopped"


def test_hundreds_of_attempts_leave_no_descriptor_no_zombie_and_no_memory_in_the_keeper(rig: LocalRig):
    def run(first: int, count: int) -> tuple[int, int, int]:
        names = [f"a{number}" for number in range(first, first + count)]
        for name in names:
            rig.submit(name, job("true"))
        for name in names:
            rig.until(name)
            rig.executor.forget(name)
        rig.seen.clear()
        status = Path(f"/proc/{keeper}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        return len(list(Path(f"/proc/{keeper}/fd").iterdir())), len(children), memory

    rig.look()
    keeper = rig.keeper()
    before = run(0, 50)
    after = run(50, 300)
    assert after[:2] == (before[0], 0)
    assert after[2] - before[2] < 1024
