"""Executor on this machine: attempts are processes, kept by a keeper that outlives the reconciler.

Images are ignored. What is more than one process has a launcher as its process (`keeper/group.py`). A pod of a Job is
tried again as its backoffLimit says (default 6, as in Kubernetes, after 10 s, 20 s, 40 s ... 6 min, with restartPolicy
Never and OnFailure alike); a Pod runs once, or with OnFailure until it works.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kagit.errors import NotFound, Unavailable
from kagit.experiment import Json
from kagit.filetree import check_path
from reconciler.adapters import local_checkpoints, local_manifest
from reconciler.adapters.keeper.checkpoint import FAILED
from reconciler.adapters.keeper.journal import Entry, Record, decoded, entries, unforgotten, written
from reconciler.adapters.local_endings import moment, sighting
from reconciler.adapters.local_group import LOGS
from reconciler.adapters.local_keeper import Gone, Line, call, wait_until_gone
from reconciler.adapters.local_output import METRICS, Outputs, listed
from reconciler.ports import Clock, Output, Sighting, State, Work

_TRIES = 5
_LAUNCHER = Path(__file__).with_name("keeper") / "group.py"


class LocalExecutor:
    """Runs attempts below `directory`; for one thread. Nothing is started or written before it is needed.

    Every attempt inherits `environment`. A keeper whose reconciler stays away for `abandon_after` seconds ends
    everything; `close` grants at most `closing_grace` seconds; `first_backoff` is the pause before the second try, and
    it doubles. Of an output larger than `kept_output` bytes, what was read longer ago than that is freed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        environment: Mapping[str, str],
        abandon_after: float = 600.0,
        closing_grace: float = 10.0,
        first_backoff: float = 10.0,
        kept_output: int = 64 << 20,
    ) -> None:
        self._directory = directory.absolute()
        self._clock, self._environment = clock, dict(environment)
        self._abandon_after, self._closing_grace, self._first_backoff = abandon_after, closing_grace, first_backoff
        self._outputs = Outputs(kept_output)
        self._line: Line | None = None
        self._journal = -1
        self._offset = 0
        self._outbox = b""
        self._unconfirmed: dict[str, bytes] = {}
        self._stopping: set[str] = set()
        self._told: dict[str, State] = {}
        self._places: dict[str, Path] = {}

    def refusal(self, manifest: Json, *, primary_container: str = "") -> str:
        """See the port; of several containers, `primary_container` says which one is the trial's."""
        return local_manifest.refusal(manifest, primary_container=primary_container, found=self._found)

    def _found(self, command: str) -> bool:
        return shutil.which(command, path=self._environment.get("PATH")) is not None

    def start(self, work: Work) -> None:
        """See the port."""
        local_manifest.check_names(work)
        place = f"{self._directory}/trials/{work.namespace}/{work.name}"
        order = local_manifest.order(work, place=place, exists=os.path.isdir, found=self._found)
        if work.name in self._unconfirmed or work.name in self._told:
            return
        plan = order.pop("plan", None)
        if plan is not None or work.collector.kind != "StdOut":
            order |= self._prepare(place, plan)
        order["argv"] = local_checkpoints.command(work, order["argv"], place=place)
        message = written({"start": work.name, "place": place, "order": order | {"backoff": self._first_backoff}})
        self._send(message)
        # A keeper that is killed right now has not heard it: kept until the journal has it.
        self._unconfirmed[work.name] = message
        self._stopping.discard(work.name)
        self._places[work.name] = Path(f"{place}.log")

    def _prepare(self, place: str, plan: Json | None) -> Json:
        """Make what has to be beside the attempt before it starts; answers what starts a plan."""
        path = f"{place}.plan.json"
        try:
            Path(place).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            Path(place + METRICS).mkdir(exist_ok=True, mode=0o700)
            if plan is None:
                return {}
            # A name that was used is not started again, and its launcher may be about to read its own plan.
            if not os.path.lexists(f"{place}.log"):
                Path(f"{path}.new").write_bytes(written({**plan, "backoff": self._first_backoff}))
                Path(f"{path}.new").replace(path)
        except OSError as error:
            raise Unavailable(f"state directory {self._directory} cannot be used: {error.strerror}") from error
        return {"argv": [sys.executable, "-I", "-S", str(_LAUNCHER), path]}

    def stop(self, name: str) -> None:
        """See the port."""
        if self._told.get(name, State.RUNNING) is State.RUNNING:
            self._send(written({"stop": name}))
            self._stopping.add(name)

    def sightings(self, *, timeout: float = 0.0) -> Sequence[Sighting]:
        """See the port."""
        until = self._clock.now() + timeout
        self._send(b"")
        while True:
            # The wake-up is taken before the journal is read, so that no news can fall between the two.
            stuck = self._wait(0.0)
            if news := self._news():
                return news
            if stuck:
                raise Unavailable(f"the disk of {self._directory} is full: nothing is started until there is room")
            left = until - self._clock.now()
            if left <= 0:
                return ()
            self._wait(left, look=True)

    def output(self, name: str, *, start: int = 0, limit: int = 1 << 20, file: str = "", container: str = "") -> Output:
        """See the port."""
        place = self._place(name)
        if container:
            path = place.with_suffix(LOGS) / check_path(f"{container}.log")
            return self._outputs.read(path, start, limit, free=False)
        if file:
            return self._outputs.read(place.with_suffix(METRICS) / check_path(file), start, limit, free=False)
        # Only the reconciler that follows the attempts frees; somebody who looks into the files leaves them alone.
        return self._outputs.read(place, start, limit, free=self._line is not None)

    def files(self, name: str) -> Sequence[str]:
        """See the port."""
        return listed(self._place(name).with_suffix(METRICS))

    def containers(self, name: str) -> Sequence[str]:
        """See the port."""
        found = listed(self._place(name).with_suffix(LOGS))
        return [file.removesuffix(".log") for file in found if file.endswith(".log")]

    def forget(self, name: str) -> None:
        """See the port."""
        self._outbox += written({"forget": name})
        place = self._places.pop(name, None)
        if place is not None:
            self._outputs.forget(place)

    def close(self) -> None:
        """See the port."""
        for _ in range(_TRIES):
            if self._line is None and not self._has_open_attempts() and not (self._directory / "socket").exists():
                break
            self._close_once()
        self._let_go()

    def detach(self) -> None:
        """Let go of the keeper and leave everything running, as the end of the process would."""
        self._let_go()

    def _close_once(self) -> None:
        child = None
        try:
            self._send(written({"close": self._closing_grace}))
            while self._line is not None:
                child = self._line.child
                self._line.wait(None)
        except Gone:
            pass
        self._let_go()
        wait_until_gone(self._directory, child)

    def _has_open_attempts(self) -> bool:
        return any("ended" not in records for records in unforgotten(str(self._directory / "journal")).values())

    def _let_go(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._journal >= 0:
            os.close(self._journal)
            self._journal = -1

    def _connect(self) -> Line:
        if self._line is not None:
            return self._line
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            line = call(self._directory, environment=self._environment, abandon_after=self._abandon_after)
            self._journal = os.open(self._directory / "journal", os.O_RDONLY)
        except OSError as error:
            raise Unavailable(f"state directory {self._directory} cannot be used: {error.strerror}") from error
        self._line, self._offset = line, 0
        stops = [written({"stop": name}) for name in sorted(self._stopping)]
        again = [written({"environment": self._environment}), *self._unconfirmed.values(), *stops]
        self._outbox = b"".join(again) + self._outbox
        return line

    def _send(self, message: bytes) -> None:
        for _ in range(_TRIES):
            line = self._connect()
            try:
                if self._outbox or message:
                    line.send(self._outbox + message)
            except Gone:
                self._let_go()
                continue
            self._outbox = b""
            return
        raise Unavailable(f"the keeper of {self._directory} ends as soon as it is spoken to; see keeper.log there")

    def _wait(self, timeout: float, *, look: bool = False) -> bool:
        """Wait for a wake-up and, but for a `look`, take it; a keeper that is gone gets a successor."""
        line = self._connect()
        try:
            return line.peek(timeout) if look else line.wait(timeout)
        except Gone:
            self._let_go()
            self._send(b"")
            return False

    def _news(self) -> list[Sighting]:
        news: dict[str, Sighting] = {}
        for found, offset in entries(self._journal, self._offset):
            self._offset = offset
            if found is not None:
                self._learn(found, news)
        return list(news.values())

    def _learn(self, found: Entry, news: dict[str, Sighting]) -> None:
        name = found.name
        if found.what == "accepted":
            self._unconfirmed.pop(name, None)
            self._places[name] = Path(f"{found.record['place']}.log")
        elif found.what == "forgotten":
            news.pop(name, None)
            self._told.pop(name, None)
            self._places.pop(name, None)
        elif found.what == "started" and name not in self._told:
            self._told[name] = State.RUNNING
            news[name] = Sighting(name=name, state=State.RUNNING, started=moment(found.record["at"]))
        elif found.what == "ended" and self._told.get(name) in {None, State.RUNNING}:
            self._stopping.discard(name)
            news[name] = sighting(name, found.record, self._group_ending(found.record, name))
            self._told[name] = news[name].state

    def _group_ending(self, record: Record, name: str) -> Record | None:
        if not record.get("group") and record.get("exit_code") != FAILED:
            return None
        with contextlib.suppress(OSError, ValueError, NotFound):
            return decoded(self._place(name).with_suffix(local_checkpoints.END).read_bytes())
        return None

    def _place(self, name: str) -> Path:
        if name in self._places:
            return self._places[name]
        local_manifest.check_name("attempt name", name)
        trials = self._directory / "trials"
        for namespace in sorted(trials.iterdir()) if trials.is_dir() else ():
            if (namespace / f"{name}.log").is_file():
                return namespace / f"{name}.log"
        raise NotFound(f"attempt {name!r} was never started in {self._directory}")
