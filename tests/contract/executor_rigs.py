"""Two worlds for the executor contract: real processes, and a script in simulated time. Same works, same answers."""

import hashlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagit.trial import Artifact
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.executor_local import LocalExecutor
from reconciler.ports import Executor, Sighting, State, Work
from tests.sim.executor_scripted import Machine, Script, ScriptedExecutor

PATIENCE = 20.0


def eventually(check: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if answer := check():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"did not happen within {PATIENCE:g} s: {what}")


def job(*command: str, pod: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "command": list(command)}
    template = {"spec": {"restartPolicy": "Never", "containers": [container], **(pod or {})}}
    meta = {"name": "job", "namespace": "default"}
    spec = {"backoffLimit": 0, **spec, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def work(name: str, manifest: dict[str, Any], directory: Path = Path("/"), **more: Any) -> Work:
    return Work(name=name, trial=name, namespace="default", manifest=manifest, directory=directory, **more)


@dataclass(frozen=True, kw_only=True)
class Play:
    """What an attempt of a test does: print, leave an artifact, live for some seconds, end with a code."""

    prints: str = ""
    seconds: float = 0.0
    code: int = 0
    ignores_term: bool = False
    artifact: str = ""
    missing: bool = False


class Rig:
    """One world with one reconciler in it."""

    executor: Executor

    def __init__(self) -> None:
        self.seen: list[Sighting] = []

    def start(self, name: str, play: Play) -> None:
        raise NotImplementedError

    def look(self, timeout: float = 0.0) -> list[Sighting]:
        """Sightings of one call, remembered."""
        found = list(self.executor.sightings(timeout=timeout))
        self.seen += found
        return found

    def until(self, name: str, *states: State) -> Sighting:
        """The first sighting of the attempt in one of these states (default: any end), looking again until it comes."""
        wanted = states or (State.ENDED, State.LOST)

        def found() -> Sighting | None:
            known = next((s for s in self.seen if s.name == name and s.state in wanted), None)
            return known or (self.look(timeout=0.2) and None)

        return eventually(found, f"{name} in {wanted}; seen {self.seen}")

    def crash(self) -> None:
        """The reconciler ends without a word and a new one comes."""
        raise NotImplementedError

    def disaster(self) -> None:
        """Whoever watches the attempts is killed, attempts as well; the same reconciler goes on."""
        raise NotImplementedError

    def starts(self, name: str) -> int:
        """How often the attempt really ran."""
        raise NotImplementedError

    def end(self) -> None:
        self.executor.close()


class LocalRig(Rig):
    """Real processes below a temporary directory."""

    def __init__(self, directory: Path, **options: Any) -> None:
        super().__init__()
        self.home, self.state, self.options = directory, directory / "state", options
        self.executor = self._executor()

    def start(self, name: str, play: Play) -> None:
        ran = self.home / f"{name}.ran"
        lines = [f"echo x >> {ran}"]
        if play.ignores_term:
            lines.append("trap '' TERM")
        lines += [f"printf %s '{play.prints}'"] if play.prints else []
        lines += [f"printf %s '{play.artifact}' > $KAGIT_TRIAL_DIR/artifacts/a.txt"] if play.artifact else []
        lines += [f"sleep {play.seconds} & wait"] if play.seconds and not play.ignores_term else []
        lines += [f"exec sleep {play.seconds}"] if play.seconds and play.ignores_term else []
        command = ["no-such-command"] if play.missing else ["sh", "-c", "; ".join([*lines, f"exit {play.code}"])]
        self.submit(name, job(*command, pod={"terminationGracePeriodSeconds": 1}))

    def _executor(self) -> LocalExecutor:
        return LocalExecutor(self.state, clock=SystemClock(), environment=os.environ, **self.options)

    def submit(self, name: str, manifest: dict[str, Any], **more: Any) -> None:
        self.executor.start(work(name, manifest, self.home, **more))

    def crash(self) -> None:
        self.executor.detach()
        self.executor = self._executor()
        self.seen = []

    def keeper(self) -> int:
        """Pid of the living keeper."""
        mine = str(self.state).encode()
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if mine in words and words[3].endswith(b"__main__.py"):
                return int(entry.parent.name)
        raise AssertionError("no keeper runs")

    def kill_keeper(self) -> None:
        """SIGKILL, and wait until it is really dead: who dies still accepts connections for a moment."""
        pid = self.keeper()
        os.kill(pid, signal.SIGKILL)
        stat = Path(f"/proc/{pid}/stat")
        eventually(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z", "it is dead")

    def disaster(self) -> None:
        self.kill_keeper()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self.processes(), "all processes are gone")

    def starts(self, name: str) -> int:
        ran = self.home / f"{name}.ran"
        return len(ran.read_text().split()) if ran.exists() else 0

    def processes(self) -> list[int]:
        """Living processes that carry a KAGIT_TRIAL_DIR of this rig."""
        mark, found = f"KAGIT_TRIAL_DIR={self.state}/".encode(), []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if any(v.startswith(mark) for v in (entry / "environ").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


class ScriptedRig(Rig):
    """A script in simulated time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_000_000.0
        self.plays: dict[str, Play] = {}
        self.machine = Machine(lambda: self.time, lambda work: self._script(self.plays[work.name]))
        self.executor = self._executor()

    def _executor(self) -> ScriptedExecutor:
        return ScriptedExecutor(self.machine, wait=self._wait)

    def _wait(self, seconds: float) -> None:
        self.time += seconds

    @staticmethod
    def _script(play: Play) -> Script:
        if play.missing:
            return Script(reason="StartError", message="command 'no-such-command' was not found")
        data = play.artifact.encode()
        kept = (Artifact(path="a.txt", size=len(data), digest=hashlib.sha256(data).hexdigest()),) if data else ()
        return Script(
            seconds=play.seconds,
            output=play.prints.encode(),
            exit_code=play.code,
            ignores_term=play.ignores_term,
            grace=1.0,
            artifacts=kept,
        )

    def start(self, name: str, play: Play) -> None:
        self.plays[name] = play
        command = "no-such-command" if play.missing else "script"
        self.executor.start(work(name, job(command)))

    def crash(self) -> None:
        self.executor = self._executor()
        self.seen = []

    def disaster(self) -> None:
        self.machine.lose()

    def starts(self, name: str) -> int:
        return self.machine.starts.count(name)


def ran(rig: LocalRig, *command: str, name: str = "a", **spec: object) -> Sighting:
    rig.submit(name, job(*command, **spec))
    return rig.until(name)


def text(rig: LocalRig, name: str = "a") -> str:
    return rig.executor.output(name).data.decode()
