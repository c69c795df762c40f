"""One pod of a group: containers that start together and are tried again together."""

import contextlib
import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from reconciler.adapters.keeper import endings, late, scratch
from reconciler.adapters.keeper.attempt import LONGEST_BACKOFF, NEVER
from reconciler.adapters.keeper.journal import Record
from reconciler.adapters.keeper.task import Fill, Task

LINGER = 5.0
"""Seconds for which an `after` task may go on by itself when all others have ended."""
WAITING, RUNNING, STOPPING, PAUSING, OVER = "Waiting", "Running", "Stopping", "Pausing", "Over"
SUCCEEDED, FAILED, STOPPED, AGAIN, SKIPPED = "Succeeded", "Failed", "Stopped", "Again", "Skipped"
RETRYABLE = 128


class Failure(NamedTuple):
    """Why a unit has failed for good: reason and message, and the wait status to answer with."""

    reason: str
    message: str
    status: int


class House(NamedTuple):
    """What units share. `charge` answers whether a budget grants another try, and how many tries it has granted."""

    logs: str
    backoff: float
    fill: Fill
    charge: Callable[[str], tuple[bool, str]]


class Unit:
    """A pod from its first try to its end."""

    __slots__ = (
        "_deadline_at", "_house", "_kill_at", "_linger_at", "_next", "_order", "_retry_at", "_tries", "failure", "name",
        "outcome", "state", "tasks",
    )  # fmt: skip

    def __init__(self, order: Record, house: House) -> None:
        """Nothing happens yet."""
        self._order, self._house = order, house
        self.name: str = order["name"]
        self.tasks = [Task(spec) for spec in order["tasks"]]
        self._tries = 0
        self.reset()

    def reset(self) -> None:
        """As if it had never run."""
        self.state, self.outcome, self._next = WAITING, "", ""
        self.failure: Failure | None = None
        self._deadline_at = self._kill_at = self._linger_at = self._retry_at = NEVER
        for task in self.tasks:
            task.reset()

    @property
    def after(self) -> list[str]:
        """Names of the units that must have succeeded before."""
        names: list[str] = self._order["after"]
        return names

    @property
    def final(self) -> bool:
        """Whether it runs when all others are over, whatever became of them."""
        return bool(self._order["final"])

    @property
    def passed(self) -> bool:
        """Whether it is over and those that wait for it may run: it succeeded, was passed over, or may fail."""
        return self.outcome in {SUCCEEDED, SKIPPED} or (self.outcome == FAILED and self._order["forgiven"])

    @property
    def told(self) -> Record:
        """What is written down of it at the end."""
        return {**self._order["told"], "name": self.name, "state": self.outcome or self.state, "tries": self._tries}

    def start(self, now: float) -> None:
        """Begin a try from the start."""
        self.reset()
        self._tries += 1
        self.state = RUNNING
        try:
            if not self._is_wanted():
                self.state, self.outcome = OVER, SKIPPED
                return
        except (OSError, ValueError) as error:
            self._fail(
                Failure("StartError", f"{self._order['shown']}has a condition that cannot be read: {error}", -1), now
            )
            return
        if self._order["deadline"]:
            self._deadline_at = now + self._order["deadline"]
        try:
            self._prepare()
        except OSError as error:
            message = f"its volumes could not be made: {error.filename}: {error.strerror}"
            self._fail(Failure("StartError", self._order["shown"] + message, -1), now)
            return
        self._advance(now)

    def _is_wanted(self) -> bool:
        """Whether its conditions are met and what it reads was left."""
        base, order = self._house.fill.base, self._order
        texts = [word for task in self.tasks for word in task.texts]
        texts += [*order["files"].values(), *(one["text"] for one in order["tests"])]
        return not any(late.lacks(text, base) for text in texts) and all(
            late.holds(one, base) for one in order["tests"]
        )

    def _prepare(self) -> None:
        fill = self._house.fill
        for path in map(fill, self._order["fresh"]):
            scratch.remove(path)
        for path in map(fill, [*self._order["fresh"], *self._order["folders"]]):
            os.makedirs(path, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib costs start-up time
        for path, text in self._order["files"].items():
            with open(fill(path), "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - see above
                file.write(fill(text))
                os.fchmod(file.fileno(), 0o700)
        for place, target in self._order["links"]:
            os.makedirs(os.path.dirname(fill(place)), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - see above
            with contextlib.suppress(FileExistsError):
                os.symlink(fill(target), fill(place))  # noqa: PTH211 - see above

    def _advance(self, now: float) -> None:
        """Start whatever may start now, and see whether all is done."""
        for task in self.tasks:
            if task.fresh:
                task.start(self._house.logs, self._house.fill)
                if task.problem:
                    self._fail(Failure("StartError", self._shown(task) + task.problem, -1), now)
                    return
            if task.role == "init" and not task.good:
                return
        if all(task.good for task in self.tasks if task.role == "main"):
            self._wind_up(now)

    def _wind_up(self, now: float) -> None:
        if all(task.good for task in self.tasks if task.role == "after"):
            self._succeed(now)
        elif self._linger_at == NEVER:
            self._linger_at = now + LINGER

    def _succeed(self, now: float) -> None:
        try:
            problem = late.keep(self._order["outputs"], self._house.fill.base, self.name)
        except OSError as error:
            problem = f"its outputs could not be kept: {error.strerror}"
        if problem:
            self._fail(Failure("Error", f"{self._order['shown']}{problem}", 1 << 8), now)
        else:
            self.halt(SUCCEEDED, now)

    def exited(self, task: Task, status: int, now: float) -> None:
        """A process of it was reaped."""
        task.pid, task.status = 0, status
        with contextlib.suppress(OSError):
            task.show(self._house.logs, self._house.fill)
        if self.state is STOPPING:
            self._rest(now)
        elif task.role == "beside":
            task.retry_at = now + self._pause(task.tries)
        elif task.good:
            self._advance(now)
        else:
            self._failed(task, now)

    def _failed(self, task: Task, now: float) -> None:
        code = os.waitstatus_to_exitcode(task.status)
        retry, budget = self._order["retry"], self._order["budget"]
        again, tries = False, ""
        if retry != "never" and (retry != "code" or not 0 <= code < RETRYABLE):
            again, tries = self._house.charge(budget)
        if not again:
            reason, words = self._how(task, code)
            line = task.last_line(self._house.logs)
            message = f"{self._shown(task)}{words}{tries}" + (f"; its last line: {line}" if line else "")
            self._fail(Failure(reason, message, task.status), now)
        elif retry == "container":
            task.retry_at = now + self._pause(task.tries)
        else:
            self.halt(AGAIN, now)

    def _how(self, task: Task, code: int) -> tuple[str, str]:
        if task.too_large:
            return "OOMKilled", f"used more memory than its limit of {task.memory:,} bytes and was killed"
        return self._order["reason"], endings.how(code)

    def _shown(self, task: Task) -> str:
        """Who a message is about; nothing for the container whose output is the attempt's."""
        if not task.output:
            return ""
        pod = self._order["shown"].rstrip()
        alone = len(self.tasks) == 1
        return f"{pod} " if pod and alone else f"container {task.name}{' of ' + pod if pod else ''} "

    def _pause(self, tries: int) -> float:
        return min(self._house.backoff * 2.0 ** min(tries - 1, 10), LONGEST_BACKOFF)

    def _fail(self, failure: Failure, now: float) -> None:
        self.failure = None if self._order["forgiven"] else failure
        self.halt(FAILED, now)

    def halt(self, outcome: str, now: float) -> None:
        """End it: SIGTERM now, SIGKILL after its grace period; then it has this outcome."""
        if self.state is OVER:
            return
        self._linger_at = self._deadline_at = self._retry_at = NEVER
        for task in self.tasks:
            task.retry_at = NEVER
            if self.state is not STOPPING:
                task.signal(signal.SIGTERM)
        if self.state is not STOPPING:
            self._kill_at = now + self._order["grace"]
        self.state = STOPPING
        if self._next not in {SUCCEEDED, FAILED}:
            self._next = outcome
        self._rest(now)

    def _rest(self, now: float) -> None:
        """When nothing of it runs any more, what was meant to come next comes."""
        if any(task.pid for task in self.tasks):
            return
        self._kill_at = NEVER
        if self._next == AGAIN:
            self.state, self._retry_at = PAUSING, now + self._pause(self._tries)
        else:
            self.state, self.outcome = OVER, self._next

    def due(self) -> float:
        """When `tick` has to be called next."""
        timers = (self._deadline_at, self._kill_at, self._linger_at, self._retry_at)
        return min(*timers, *(task.retry_at for task in self.tasks))

    def tick(self, now: float) -> None:
        """Do what is due."""
        if now >= self._retry_at:
            self.start(now)
        self._tick_ending(now)
        if any(now >= task.retry_at for task in self.tasks):
            for task in self.tasks:
                if now >= task.retry_at:
                    task.reset()
            self._advance(now)

    def _tick_ending(self, now: float) -> None:
        if now >= self._deadline_at:
            text = f"{self._order['shown']}ran longer than activeDeadlineSeconds ({self._order['deadline']:g} s)"
            self._fail(Failure("DeadlineExceeded", text, -1), now)
        if now >= self._kill_at:
            self._kill_at = now + 1.0
            for task in self.tasks:
                task.signal(signal.SIGKILL)
        if now >= self._linger_at:
            self._linger_at, self._kill_at = NEVER, now + self._order["grace"]
            for task in self.tasks:
                if task.role == "after" and task.pid:
                    task.cut = True
                    task.signal(signal.SIGTERM)
