"""An Executor in simulated time: a script says how long an attempt takes, what it prints and how it ends.

`Machine` is the world and outlives any reconciler; `ScriptedExecutor(machine)` is one reconciler's view of it. To
crash the reconciler, drop the executor and make another one on the same machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kagit.errors import NotFound, Refused
from kagit.experiment import Json
from kagit.trial import Artifact
from reconciler.adapters.local_manifest import check_names, refusal
from reconciler.ports import Output, Sighting, State, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How one attempt goes. `output` is bytes printed at once or (seconds after the start, bytes) in order; `files`
    holds the same for files where its collector looks."""

    seconds: float = 1.0
    output: bytes | Sequence[tuple[float, bytes]] = b""
    files: Mapping[str, bytes | Sequence[tuple[float, bytes]]] = field(default_factory=dict)
    exit_code: int = 0
    signal: int | None = None
    reason: str = ""
    message: str = ""
    ignores_term: bool = False
    grace: float = 30.0
    artifacts: tuple[Artifact, ...] = ()

    def printed(self, after: float, file: str = "") -> bytes:
        """Everything printed, or written to a file, within so many seconds after the start."""
        pieces = self.files.get(file, b"") if file else self.output
        if isinstance(pieces, bytes):
            return pieces
        return b"".join(data for at, data in pieces if at <= after)


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt as the machine knows it; `end` is its simulated time of ending, known from the start on."""

    work: Work
    script: Script
    started: float
    end: float
    stopped: bool = False
    over: bool = False


def moment(seconds: float) -> str:
    """Simulated seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Machine:
    """The simulated machine. `now` tells simulated seconds since 1970, `script` decides how a work goes.

    `starts` names every real start in order: a name twice in it means that something ran twice.
    """

    now: Callable[[], float]
    script: Callable[[Work], Script] = lambda _: Script()
    starts: list[str] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    live: dict[str, Attempt] = field(default_factory=dict)
    told: list[Sighting] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)

    def start(self, work: Work) -> None:
        """Begin an attempt; a known name changes nothing."""
        self.settle()
        if work.name in self.attempts:
            return
        script, now = self.script(work), self.now()
        attempt = Attempt(work=work, script=script, started=now, end=now + script.seconds)
        self.attempts[work.name] = self.live[work.name] = attempt
        if script.reason == "StartError":
            attempt.end = now
        else:
            self.starts.append(work.name)
            self.told.append(Sighting(name=work.name, state=State.RUNNING, started=moment(now)))
        self.settle()

    def stop(self, name: str) -> None:
        """SIGTERM now; who ignores it dies after the grace period."""
        self.settle()
        attempt = self.attempts.get(name)
        if attempt is None or attempt.over or attempt.stopped:
            return
        attempt.stopped = True
        end = self.now() + (attempt.script.grace if attempt.script.ignores_term else 0.0)
        attempt.end = min(attempt.end, end) if attempt.script.ignores_term else end
        self.settle()

    def lose(self) -> None:
        """Whoever watched the attempts died with them: all that ran is lost."""
        self.settle()
        for name, attempt in self.live.items():
            attempt.over, attempt.end = True, self.now()
            self.told.append(_lost(name, attempt))
        self.live.clear()

    def settle(self) -> None:
        """Let everything happen that is due by now, in the order of its time."""
        now = self.now()
        due = [(attempt.end, name) for name, attempt in self.live.items() if attempt.end <= now]
        for _, name in sorted(due):
            attempt = self.live.pop(name)
            attempt.over = True
            self.told.append(_ended(name, attempt))

    def next_event(self) -> float | None:
        """Simulated time at which the next attempt ends or prints; None when nothing will happen by itself."""
        now = self.now()
        times: list[float] = []
        for attempt in self.live.values():
            times.append(attempt.end)
            if not isinstance(attempt.script.output, bytes):
                times += [attempt.started + at for at, _ in attempt.script.output]
        return min((t for t in times if t > now), default=None)

    def running(self) -> list[str]:
        """Names of the attempts that run now."""
        self.settle()
        return list(self.live)


def _ended(name: str, attempt: Attempt) -> Sighting:
    script = attempt.script
    sighting = Sighting(
        name=name,
        state=State.ENDED,
        started="" if script.reason == "StartError" else moment(attempt.started),
        finished=moment(attempt.end),
        artifacts=script.artifacts,
    )
    if attempt.stopped:
        signal = 9 if script.ignores_term else 15
        return replace(sighting, exit_code=128 + signal, signal=signal, reason="Stopped", message="stopped on request")
    if script.reason == "StartError":
        return replace(
            sighting, exit_code=128, reason="StartError", message=script.message or "it could not be started"
        )
    code = 128 + script.signal if script.signal is not None else script.exit_code
    reason = script.reason or ("Completed" if code == 0 else "BackoffLimitExceeded")
    message = script.message or ("" if code == 0 else f"ended with exit code {code}")
    return replace(sighting, exit_code=code, signal=script.signal, reason=reason, message=message)


def _lost(name: str, attempt: Attempt) -> Sighting:
    return Sighting(
        name=name,
        state=State.LOST,
        started=moment(attempt.started),
        finished=moment(attempt.end),
        message="it ended while nobody watched; how is not known",
    )


class ScriptedExecutor:
    """One reconciler's view of a `Machine`; keeps nothing that a crash could lose.

    `wait` advances simulated time by so many seconds when `sightings` has to wait; without it, nothing waits.
    """

    def __init__(self, machine: Machine, *, wait: Callable[[float], None] | None = None) -> None:
        self._machine = machine
        self._wait = wait
        self._position = 0

    def refusal(self, manifest: Json) -> str:
        """As the local executor."""
        return refusal(manifest)

    def start(self, work: Work) -> None:
        """See the port."""
        check_names(work)
        if why := refusal(work.manifest):
            raise Refused(why)
        self._machine.start(work)

    def stop(self, name: str) -> None:
        """See the port."""
        self._machine.stop(name)

    def sightings(self, *, timeout: float = 0.0) -> Sequence[Sighting]:
        """See the port; waiting jumps from event to event in simulated time."""
        machine = self._machine
        machine.settle()
        until = machine.now() + timeout
        while self._wait is not None and self._position == len(machine.told):
            event = machine.next_event()
            step = (until if event is None else min(event, until)) - machine.now()
            if step <= 0:
                break
            self._wait(step)
            machine.settle()
        news = {sighting.name: sighting for sighting in machine.told[self._position :]}
        self._position = len(machine.told)
        return [sighting for name, sighting in news.items() if name not in machine.forgotten]

    def output(self, name: str, *, start: int = 0, limit: int = 1 << 20, file: str = "", container: str = "") -> Output:
        """See the port; there are no other containers."""
        data = b"" if container else self._printed(name, file)
        start = min(start, len(data))
        piece = data[start : start + limit]
        return Output(piece, start, start + len(piece))

    def files(self, name: str) -> Sequence[str]:
        """See the port."""
        self._printed(name, "")
        return sorted(file for file in self._machine.attempts[name].script.files if self._printed(name, file))

    def containers(self, name: str) -> Sequence[str]:
        """See the port."""
        self._printed(name, "")
        return ()

    def _printed(self, name: str, file: str) -> bytes:
        attempt = self._machine.attempts.get(name)
        if attempt is None:
            raise NotFound(f"attempt {name!r} was never started here")
        self._machine.settle()
        return attempt.script.printed(min(self._machine.now(), attempt.end) - attempt.started, file)

    def forget(self, name: str) -> None:
        """See the port."""
        self._machine.forgotten.add(name)

    def close(self) -> None:
        """See the port; who ignores SIGTERM is killed at the end of its grace period."""
        for name in self._machine.running():
            self._machine.stop(name)
            attempt = self._machine.attempts[name]
            attempt.end = min(attempt.end, self._machine.now())
        self._machine.settle()
