"""One attempt from acceptance to its end: tries, deadlines, grace periods and memory limits."""

import os
import signal
import time
from collections.abc import Callable
from typing import Protocol

from reconciler.adapters.keeper import endings, processes, scratch
from reconciler.adapters.keeper.journal import Record

NEVER = float("inf")
SCRATCH = "\0"
"""What stands for the scratch directory in an order: no argument or variable can hold it otherwise."""
LONGEST_BACKOFF = 360.0
ADOPTED_LOOK = 0.1


class Desk(Protocol):
    """Where an attempt reports to."""

    def write(self, record: Record) -> None:
        """Put a record into the journal."""
        ...

    def over(self, attempt: "Attempt", record: Record) -> None:
        """The attempt has ended as the record says."""
        ...


class Attempt:
    """One accepted attempt. Its timers are looked at by `due` and `tick`, in seconds of the monotonic clock."""

    __slots__ = (
        "_base", "_deadline_at", "_desk", "_identity", "_kill_at", "_look_at", "_order", "_out_of_memory", "_reason",
        "_retry_at", "_started", "_tries", "adopted", "name", "pid", "place", "quiet", "scratch",
    )  # fmt: skip

    def __init__(self, desk: Desk, name: str, place: str, order: Record) -> None:
        """Nothing happens yet. `quiet` tells whether no process of it can still be writing into `scratch`."""
        self._desk, self.name, self.place, self._order = desk, name, place, order
        self.scratch, self.quiet = "", True
        self._base: dict[str, str] = {}
        self.pid, self._identity, self._tries, self._started = 0, "", 0, 0.0
        self._reason, self._out_of_memory, self.adopted = "", False, False
        self._deadline_at = self._kill_at = self._retry_at = self._look_at = NEVER

    def begin(self, environment: dict[str, str], take_scratch: Callable[[], str]) -> None:
        """Accept it for good and start its first try."""
        problem = ""
        try:
            self.scratch = take_scratch()
        except OSError as error:
            problem = f"its scratch directory could not be made: {error.strerror}"
        self._base = environment
        order = self._order
        self._desk.write({
            "accepted": self.name, "place": self.place, "scratch": self.scratch, "at": time.time(),
            "deadline": order["deadline"], "grace": order["grace"],
        })  # fmt: skip
        if order["deadline"]:
            self._deadline_at = time.monotonic() + order["deadline"]
        if problem:
            self._end(None, "StartError", problem)
            return
        try:
            output = scratch.create_output(self.place)
        except OSError as error:
            self._end(None, "StartError", f"its output could not be opened: {error.strerror}")
            return
        self._try(output)

    def adopt(self, pid: int, identity: str, started: float) -> None:
        """Watch a process that an earlier keeper started; how it ends cannot be known."""
        self.pid, self._identity, self._started, self.adopted = pid, identity, started, True
        self._look_at = time.monotonic()
        if self._order["deadline"]:
            self._deadline_at = time.monotonic() + max(0.0, started + self._order["deadline"] - time.time())

    def _try(self, output: int) -> None:
        order = self._order
        self._tries += 1
        self._out_of_memory = False
        argv = [word.replace(SCRATCH, self.scratch) for word in order["argv"]]
        own = {name: value.replace(SCRATCH, self.scratch) for name, value in order["env"].items()}
        environment = {**self._base, **own, processes.MARK: self.place}
        try:
            os.chdir(order["cwd"])
            self.pid = processes.spawn(argv, environment, output)
        except (OSError, ValueError) as error:
            self._end(None, "StartError", endings.start_error(error, argv[0], order["cwd"]))
            return
        finally:
            os.close(output)
            os.chdir("/")
        self._started = self._started or time.time()
        self._identity = processes.identity(self.pid)
        self._desk.write({
            "started": self.name, "pid": self.pid, "identity": self._identity, "at": self._started,
        })  # fmt: skip
        if order["memory"]:
            processes.limit_memory(self.pid, order["memory"])

    def exited(self, status: int) -> None:
        """Its main process was reaped: the end, or another try later."""
        self.pid, self._look_at, self._kill_at = 0, NEVER, NEVER
        limit = self._order["backoff_limit"]
        if self._reason or os.waitstatus_to_exitcode(status) == 0 or 0 <= limit < self._tries:
            self._end(status, *endings.of(status, self._end_reason(), tries=self._tries, order=self._order))
            return
        self._retry_at = time.monotonic() + min(
            self._order["backoff"] * 2.0 ** min(self._tries - 1, 10), LONGEST_BACKOFF
        )

    def _end_reason(self) -> str:
        return self._reason or ("OOMKilled" if self._out_of_memory else "")

    def stop(self, reason: str, grace: float = NEVER) -> None:
        """SIGTERM now and SIGKILL after the grace period; what waits for another try ends at once."""
        if not self._reason:
            self._reason = reason
            self._signal(signal.SIGTERM)
        self._kill_at = min(self._kill_at, time.monotonic() + min(grace, self._order["grace"]))
        self._deadline_at = NEVER
        if not self.pid:
            self._retry_at = NEVER
            self._end(None, *endings.unstarted(reason, tries=self._tries, order=self._order))

    def due(self) -> float:
        """When `tick` has to be called next."""
        return min(self._deadline_at, self._kill_at, self._retry_at, self._look_at)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if now >= self._deadline_at:
            self.stop("DeadlineExceeded")
        elif now >= self._kill_at:
            self._kill_at = now + 1.0
            self._signal(signal.SIGKILL)
        elif now >= self._retry_at:
            self._retry_at = NEVER
            self._retry()
        elif now >= self._look_at:
            self._look(now)

    def _retry(self) -> None:
        try:
            output = scratch.open_output(self.place)
        except OSError as error:
            self._end(None, "StartError", f"its output could not be opened: {error.strerror}")
            return
        self._try(output)

    def _look(self, now: float) -> None:
        self._look_at = now + ADOPTED_LOOK
        if not processes.alive(self.pid, self._identity):
            self.lose()

    def _signal(self, number: int) -> None:
        # A child keeps its pid until it is reaped; an adopted process may have left its pid to somebody else.
        if self.pid and (not self.adopted or processes.alive(self.pid, self._identity)):
            processes.send(self.pid, number)

    @property
    def memory_limit(self) -> int:
        """Bytes that its processes may take together, 0 for no limit."""
        return 0 if self.adopted else self._order["memory"]

    def kill_for_memory(self) -> None:
        """It took more than its limit."""
        self._out_of_memory = True
        processes.send(self.pid, signal.SIGKILL)

    def lose(self) -> None:
        """It is gone and nobody saw how; what is left of it goes too."""
        for pid in processes.everybody():
            if processes.place(pid) == self.place:
                processes.kill(pid)
        self.quiet = False
        self.pid, self._look_at, self._kill_at, self._deadline_at = 0, NEVER, NEVER, NEVER
        message = "its keeper was killed, so how it ended is not known"
        self._desk.over(self, {"state": "Lost", "message": message, **self._times()})

    def _end(self, status: int | None, reason: str, message: str) -> None:
        self._deadline_at = NEVER
        record = {"state": "Ended", **endings.codes(status, reason), "reason": reason, "message": message}
        kept: Record = {name: self._order[name] for name in ("kind", "group") if name in self._order}
        self._desk.over(self, {**record, **kept, **self._times()})

    def _times(self) -> Record:
        return {"started_at": self._started, "at": time.time()}
