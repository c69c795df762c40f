"""Time from the machine, and time that a test moves by hand."""

import threading
import time


class SystemClock:
    """The wall clock, made so that it never goes backwards within a process and never stands still."""

    def __init__(self) -> None:
        self._offset = float("-inf")
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970; after a jump backwards of the wall clock, time goes on from where it was."""
        with self._lock:
            wall, steady = time.time(), time.monotonic()
            self._offset = max(self._offset, wall - steady)
            return self._offset + steady


class ManualClock:
    """A clock for tests."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since 1970, as last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass; it does not go backwards."""
        if seconds < 0:
            msg = "time does not go backwards"
            raise ValueError(msg)
        self._now += seconds


def wait(seconds: float) -> None:
    """Let real time pass."""
    time.sleep(seconds)
