"""Runs the pods of one attempt as a plan says, in the session of its own process.

The plan is JSON. `units` are pods; `need` names those that decide (none: all), and with `any` one of them is enough;
`parallel` of them run at once (0: all), those first that wait for nobody in their `after`. `budgets` say how many more
tries pods may have together (-1: no bound), `restarts` how often all may begin again; those that do not decide may go
on for `linger` seconds when it has succeeded. How it went is written to `end`.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Set as AbstractSet

from reconciler.adapters.keeper import processes
from reconciler.adapters.keeper.attempt import NEVER
from reconciler.adapters.keeper.journal import Record, written
from reconciler.adapters.keeper.ports import Ports
from reconciler.adapters.keeper.task import Fill, Task
from reconciler.adapters.keeper.unit import (
    AGAIN,
    FAILED,
    OVER,
    PAUSING,
    STOPPED,
    SUCCEEDED,
    WAITING,
    Failure,
    House,
    Unit,
)

MEMORY_LOOK = 0.25
_START_ERROR = 128 << 8


class Launcher:
    """The pods of one attempt, until they are over."""

    def __init__(self, plan: Record) -> None:
        """Take up the plan; nothing is started."""
        self._plan = plan
        self._wake_read, wake_write = os.pipe()
        for descriptor in (self._wake_read, wake_write):
            os.set_blocking(descriptor, False)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _ignore)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._wake_read, select.POLLIN)
        self._used: dict[str, int] = dict.fromkeys(plan["budgets"], 0)
        self._restarts, self._ending, self._terminated, self._closing = 0, "", False, False
        self._failure: Failure | None = None
        self._ports = Ports(plan["ports"])
        fill = Fill(dict(os.environ), os.environ["KAGIT_TRIAL_DIR"], self._ports.numbers)
        house = House(plan["logs"], plan["backoff"], fill, self._charge)
        self._units = [Unit(order, house) for order in plan["units"]]
        limited = any(task.memory for unit in self._units for task in unit.tasks)
        self._memory_at = 0.0 if limited else NEVER
        self._halt_at = NEVER

    def _on_term(self, *_: object) -> None:
        self._terminated = True

    def _charge(self, budget: str) -> tuple[bool, str]:
        used, limit = self._used[budget], self._plan["budgets"][budget]
        if 0 <= limit <= used:
            tries = f" after {used + 1} tries" if used else ""
            return False, f"{tries} (backoffLimit {limit})"
        self._used[budget] += 1
        return True, ""

    def run(self) -> int:
        """Run all of it to its end; answers the wait status of the container that decided."""
        os.makedirs(self._plan["logs"], mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib costs start-up time
        self._ports.open()
        while not self._step():
            self._wait()
        status = self._status()
        self._tell()
        return status

    def _step(self) -> bool:
        """Do all that can be done now; whether it is over."""
        now = time.monotonic()
        self._reap(now)
        for unit in self._units:
            if unit.due() <= now:
                unit.tick(now)
        if now >= self._memory_at:
            self._look_at_memory(now)
        if self._terminated and self._ending in {"", AGAIN}:
            self._end(STOPPED, now)
        if now >= self._halt_at or (self._terminated and self._halt_at < NEVER):
            self._halt(now)
        self._judge(now)
        return bool(self._ending) and all(unit.state is OVER for unit in self._units)

    def _judge(self, now: float) -> None:
        """Start what may start, until there is a verdict."""
        while not self._ending:
            verdict = self._verdict()
            if verdict and not (verdict == FAILED and self._closes(now)):
                self._end(verdict, now)
            elif not self._begin(now):
                return
        if self._ending == AGAIN and all(unit.state is OVER for unit in self._units):
            self._ending, self._failure, self._closing = "", None, False
            self._used = dict.fromkeys(self._used, 0)
            for unit in self._units:
                unit.reset()
            self._judge(now)

    def _closes(self, now: float) -> bool:
        """Whether it has failed and some units still have to run, which run whatever happens; the others end."""
        left = any(unit.final and unit.state is not OVER for unit in self._units)
        if left and not self._closing:
            self._closing = True
            for unit in self._units:
                if not unit.final:
                    unit.halt(STOPPED, now)
        return left

    def _verdict(self) -> str:
        need = [unit for unit in self._units if unit.name in self._plan["need"]] or self._units
        good = [unit.passed for unit in need]
        if any(good) if self._plan["any"] else all(good):
            return SUCCEEDED
        self._failure = next((unit.failure for unit in self._units if unit.failure), None)
        return FAILED if self._failure else ""

    def _end(self, ending: str, now: float) -> None:
        if ending == FAILED and self._restarts < self._plan["restarts"]:
            self._restarts += 1
            ending = AGAIN
        self._ending = ending
        if ending == SUCCEEDED and self._plan["linger"]:
            self._halt_at = now + self._plan["linger"]
            self._halt(now, only={WAITING, PAUSING})
        else:
            self._halt(now)

    def _halt(self, now: float, *, only: AbstractSet[str] = frozenset()) -> None:
        """End all pods, or those in these states."""
        if not only:
            self._halt_at = NEVER
        for unit in self._units:
            if not only or unit.state in only:
                unit.halt(STOPPED, now)

    def _begin(self, now: float) -> bool:
        """Start the next unit that may start; False where there is none."""
        most = self._plan["parallel"]
        if most and sum(unit.state not in {WAITING, OVER} for unit in self._units) >= most:
            return False
        done = {unit.name for unit in self._units if unit.passed}
        closed = all(unit.state is OVER for unit in self._units if not unit.final)
        for unit in self._units:
            ready = closed if unit.final else not self._closing and done.issuperset(unit.after)
            if unit.state is WAITING and ready:
                unit.start(now)
                return True
        return False

    def _reap(self, now: float) -> None:
        while True:
            # Anew each time: what has ended lets others begin, and these may have ended already.
            mains = {task.pid: (unit, task) for unit in self._units for task in unit.tasks if task.pid}
            ended = processes.reap(mains)
            if ended is None:
                return
            if ended[0] in mains:
                unit, task = mains[ended[0]]
                unit.exited(task, ended[1], now)

    def _look_at_memory(self, now: float) -> None:
        self._memory_at = now + MEMORY_LOOK
        running = {task.pid: task for unit in self._units for task in unit.tasks if task.pid and task.memory}
        for pid, size in processes.resident(list(running), by=processes.GROUP).items():
            limit = running[pid].memory
            # Shared pages count twice in the quick sum, so only the exact one may kill.
            if size > limit and processes.proportional(pid, by=processes.GROUP) > limit:
                running[pid].too_large = True
                running[pid].signal(signal.SIGKILL)

    def _wait(self) -> None:
        due = min(self._memory_at, self._halt_at, *(unit.due() for unit in self._units))
        patience = None if due == NEVER else max(0, due - time.monotonic()) * 1000 + 1
        self._poll.poll(patience)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _status(self) -> int:
        if self._ending == SUCCEEDED:
            return 0
        if self._failure is not None:
            return self._failure.status if self._failure.status > 0 else _START_ERROR
        own = _own(self._units)
        return own.status if own is not None and own.status > 0 else signal.SIGTERM

    def _tell(self) -> None:
        """Write down how it went: all of it, or nothing. Without room for it the exit code still says the most."""
        failure = self._failure if self._ending == FAILED else None
        record: Record = {
            "reason": failure.reason if failure else "Completed" if self._ending == SUCCEEDED else STOPPED,
            "message": failure.message if failure else "",
            "restarts": self._restarts,
            "units": [unit.told for unit in self._units],
        }
        path = self._plan["end"]
        with contextlib.suppress(OSError):
            with open(f"{path}.new", "wb") as file:  # noqa: PTH123 - see above
                file.write(written(record))
            os.replace(f"{path}.new", path)  # noqa: PTH105 - see above


def _own(units: list[Unit]) -> Task | None:
    """The container whose output is the attempt's."""
    return next((task for unit in units for task in unit.tasks if not task.output), None)


def _ignore(*_: object) -> None:
    """A handler that only wakes the loop; an ignored signal would not."""
