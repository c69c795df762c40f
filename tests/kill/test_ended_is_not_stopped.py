"""A trial that was complete before anybody stopped it is complete: it is not run a second time."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.contract.executor_rigs import LocalRig, eventually, job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def is_over(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_attempt_that_ended_before_the_stop_came_has_completed(tmp_path: Path):
    rig = LocalRig(tmp_path)
    rig.submit("a", job("sh", "-c", "echo $$$$ > pid; while [ ! -e go ]; do sleep 0.01; done"))
    pid = tmp_path / "pid"
    rig.look(timeout=0.2)
    eventually(lambda: pid.exists() and pid.read_text().endswith("\n"), "it runs")
    keeper = rig.keeper()
    os.kill(keeper, signal.SIGSTOP)  # a busy machine: the keeper has not yet noticed the end when the stop comes
    try:
        (tmp_path / "go").touch()
        eventually(lambda: is_over(int(pid.read_text())), "it has ended")
        rig.executor.stop("a")
    finally:
        os.kill(keeper, signal.SIGCONT)
    end = rig.until("a")
    rig.executor.close()
    assert (end.exit_code, end.reason) == (0, "Completed")
