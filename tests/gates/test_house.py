"""The house rules hold for the whole project (tests/gates/house.py has them)."""

import os
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_house_rules_hold() -> None:
    command = [sys.executable, "-P", str(ROOT / "tests/gates/house.py"), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_entry_of_ci_can_be_executed() -> None:
    mode = (ROOT / ".ci/run").stat().st_mode
    assert mode & stat.S_IXUSR
    assert os.access(ROOT / ".ci/run", os.X_OK)
