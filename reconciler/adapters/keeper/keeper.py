"""All attempts of one state directory: what is wished, what the kernel reports, what the journal says."""

import contextlib
import os
import time

from reconciler.adapters.keeper import processes, scratch
from reconciler.adapters.keeper.attempt import NEVER, Attempt
from reconciler.adapters.keeper.journal import Journal, Record, compact, decoded
from reconciler.adapters.keeper.tidier import Tidier

MEMORY_LOOK = 0.25
PATIENCE = 0.25


class Keeper:
    """The attempts that run and the journal of all; never blocks."""

    def __init__(self, directory: str, tidier: Tidier) -> None:
        """Compact the journal and take up what an earlier keeper left."""
        path = f"{directory}/journal"
        left = {
            name: {what: decoded(text) for what, text in lines.items()}
            for name, lines in compact(path).items()
            if "ended" not in lines
        }
        self.journal = Journal(path)
        self._tidier = tidier
        self._attempts: dict[str, Attempt] = {}
        self.patience = PATIENCE
        self._memory_at = NEVER
        used = {records["accepted"]["scratch"] for records in left.values()}
        self._scratches = scratch.Scratches(f"{directory}/scratch", used)
        for name, records in left.items():
            self._take_up(name, records)

    def _take_up(self, name: str, records: dict[str, Record]) -> None:
        accepted, started = records["accepted"], records.get("started")
        if "exited" in records:
            record = {key: value for key, value in records["exited"].items() if key != "exited"}
            self._tidier.add(name, accepted["scratch"], accepted["place"], record)
            return
        order = {"deadline": accepted["deadline"], "grace": accepted["grace"], "memory": 0}
        attempt = self._attempts[name] = Attempt(self, name, accepted["place"], order)
        attempt.scratch = accepted["scratch"]
        if started is not None and processes.alive(started["pid"], started["identity"]):
            attempt.adopt(started["pid"], started["identity"], started["at"])
        else:
            # The output is what tells later that the name was used.
            with contextlib.suppress(OSError):
                os.close(scratch.open_output(accepted["place"]))
            attempt.adopt(0, "", started["at"] if started else 0.0)
            attempt.lose()

    # What attempts report.

    def write(self, record: Record) -> None:
        """See `Desk`."""
        self.journal.append(record)

    def over(self, attempt: Attempt, record: Record) -> None:
        """See `Desk`."""
        self._attempts.pop(attempt.name, None)
        self.patience = 0.0
        if not attempt.scratch or (attempt.quiet and self._scratches.give_back(attempt.scratch)):
            self.write({"ended": attempt.name, **record})
            return
        self.write({"exited": attempt.name, **record})
        self._tidier.add(attempt.name, attempt.scratch, attempt.place, record)

    # What the reconciler wishes.

    def start(self, wish: Record, environment: dict[str, str]) -> None:
        """Start an attempt, unless its name was ever used here."""
        name, place = wish["start"], wish["place"]
        if name in self._attempts or os.path.lexists(f"{place}.log"):
            return
        attempt = self._attempts[name] = Attempt(self, name, place, wish["order"])
        attempt.begin(environment, self._scratches.take)
        if attempt.memory_limit:
            self._memory_at = min(self._memory_at, time.monotonic() + MEMORY_LOOK)

    def stop(self, name: str) -> None:
        """Stop an attempt that runs or waits for another try."""
        attempt = self._attempts.get(name)
        if attempt is not None:
            attempt.stop("Stopped")

    def stop_all(self, reason: str, grace: float) -> None:
        """Stop every attempt, with at most so much grace."""
        for attempt in list(self._attempts.values()):
            attempt.stop(reason, grace)

    # What the kernel and the clock say.

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self._attempts and not self._tidier.open and not self.journal.blocked

    def due(self) -> float:
        """Monotonic time at which `tick` has to be called."""
        return min([self._memory_at, *(attempt.due() for attempt in self._attempts.values())])

    def tick(self) -> None:
        """Do what is due, and write what the tidier has found."""
        now = time.monotonic()
        for attempt in [a for a in self._attempts.values() if a.due() <= now]:
            attempt.tick(now)
        if now >= self._memory_at:
            self._look_at_memory(now)
        while self._tidier.done:
            name, record = self._tidier.done.popleft()
            self._tidier.open -= 1
            self.patience = 0.0
            self.write({"ended": name, **record})

    def _look_at_memory(self, now: float) -> None:
        limits = {a.pid: a for a in self._attempts.values() if a.memory_limit and a.pid}
        self._memory_at = now + MEMORY_LOOK if any(a.memory_limit for a in self._attempts.values()) else NEVER
        for pid, size in processes.resident(list(limits)).items():
            # Shared pages count twice in the quick sum, so only the exact one may kill.
            limit = limits[pid].memory_limit
            if size > limit and processes.proportional(pid) > limit:
                limits[pid].kill_for_memory()

    def reap(self) -> None:
        """Take notice of every child that ended, and end what it left behind."""
        while True:
            mains = {a.pid: a for a in self._attempts.values() if a.pid and not a.adopted}
            ended = processes.reap(mains)
            if ended is None:
                return
            pid, status = ended
            if pid not in mains:
                self.sweep()
                continue
            mains[pid].pid = 0
            mains[pid].quiet = self.sweep() and mains[pid].quiet
            mains[pid].exited(status)

    def sweep(self) -> bool:
        """Kill children whose attempt is over; True where there are none but main processes.

        Who hides his environment is spared until nothing else runs."""
        mains = {attempt.pid: attempt for attempt in self._attempts.values() if attempt.pid}
        strays = [pid for pid in processes.children() if pid not in mains]
        running = {attempt.place for attempt in mains.values()}
        for pid in strays:
            place = processes.place(pid)
            if place not in running and (place or not running):
                processes.kill(pid)
        return not strays

    def clear(self) -> None:
        """Remove what was kept for the next attempt."""
        self._scratches.clear()
