"""A whole reconciler in simulated time: what survives a crash is the universe, the reconciler itself is thrown away.

Every call of every port goes through one counter, so that a test can stop the reconciler before or after the n-th
call, or answer it with a fault, and start over.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kagit.errors import KagitError
from kagit.filetree import FileTree
from reconciler.adapters.clock import ManualClock
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from reconciler.adapters.repo_memory import Remote, RepoMemory
from reconciler.adapters.store_memory import MemoryStore
from reconciler.core.slots import Need
from reconciler.ports import Work
from reconciler.shell.follow import Follower, Policy
from reconciler.shell.hands import Hands
from reconciler.shell.loop import Loop
from reconciler.shell.sharing import Capacity
from tests.sim.executor_scripted import Machine, Script, ScriptedExecutor

START = 1_700_000_000.0
STEP = 0.25
MAX_STEPS = 3000


class Crash(BaseException):
    """The reconciler's process is gone."""


class Buffered(MemoryStore):
    """A store that loses what was not flushed when the process dies."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = MemoryStore()
        self.waiting = []

    def append(self, readings, *, cursors) -> None:
        super().append(readings, cursors=cursors)
        self.waiting.append((list(readings), dict(cursors)))

    def flush(self) -> None:
        for readings, cursors in self.waiting:
            self.kept.append(readings, cursors=cursors)
        self.waiting = []

    def crash(self) -> None:
        self._readings = copy.deepcopy(self.kept._readings)
        self._cursors = dict(self.kept._cursors)
        self.waiting = []


@dataclass
class Calls:
    """Counts the calls of all ports and does something at chosen ones."""

    count: int = 0
    before: dict[int, Callable[[], None]] = field(default_factory=dict)
    after: dict[int, Callable[[], None]] = field(default_factory=dict)


class Port:
    """A port whose calls are counted."""

    def __init__(self, real, calls: Calls) -> None:
        self._real, self._calls = real, calls

    def __getattr__(self, name):
        found = getattr(self._real, name)
        if not callable(found):
            return found

        def call(*args, **kwargs):
            self._calls.count += 1
            number = self._calls.count
            if number in self._calls.before:
                self._calls.before.pop(number)()
            try:
                return found(*args, **kwargs)
            finally:
                if number in self._calls.after:
                    self._calls.after.pop(number)()

        return call


class Universe:
    """What outlives the reconciler: the cluster's objects, the machine's processes, the store's file, the remote."""

    def __init__(self, script: Callable[[Work], Script], *, slots: int = 2) -> None:
        self.clock = ManualClock(START)
        self.machine = Machine(now=self.clock.now, script=script)
        self.cluster = EmbeddedCluster(Path(":memory:"), clock=self.clock.now, create_namespaces=True)
        self.store = Buffered()
        self.remote, self.url = Remote(), "memory"
        self.calls = Calls()
        self.slots = slots
        self.said: list[str] = []
        self.crashes = 0
        self.follower: Follower | None = None
        self.finishing = False

    def push(self, files: dict[str, str | dict | None], *, message: str = "a push") -> str:
        """Somebody pushes files (None removes one)."""
        repo = RepoMemory(self.remote)
        tip = self.remote.refs.get("refs/heads/main", "")
        text = {k: v if isinstance(v, str) else yaml.safe_dump(v) for k, v in files.items() if v is not None}
        removed = [path for path, content in files.items() if content is None]
        tree = FileTree({path: content.encode() for path, content in text.items()})
        commit = repo.commit(parent=tip, files=tree, replace=removed, message=message, time=int(self.clock.now()))
        repo.push(branch="main", commit=commit, expected=tip)
        return commit

    def begin(self, **policy) -> Follower:
        """A fresh reconciler process."""
        executor = ScriptedExecutor(self.machine)
        hands = Hands(
            cluster=Port(self.cluster, self.calls),
            executor=Port(executor, self.calls),
            store=Port(self.store, self.calls),
            clock=self.clock,
            workplace=lambda _: Path("/"),
            demand=lambda *_: Need(slots=1, gpus=0),
        )
        loop = Loop(hands=hands, capacity=Capacity(slots=self.slots))
        self.follower = None
        loop.start()
        self.follower = Follower(
            loop=loop,
            repo=Port(RepoMemory(self.remote), self.calls),
            url=self.url,
            branch="main",
            say=self.said.append,
            write=lambda _: None,
            policy=Policy(interval=1.0, **policy),
        )
        return self.follower

    def step(self) -> bool:
        """One step of the reconciler, and time goes on to whatever happens next."""
        if self.follower is None:
            self.begin()
        done = self.follower.step(timeout=0.0)
        event = self.machine.next_event()
        now = self.clock.now()
        self.clock.advance(STEP if event is None else max(0.0, min(event - now, STEP)))
        return done

    def settle(self, *, steps: int = MAX_STEPS) -> None:
        """Go on, through crashes, until everything is over, quiet and reported."""
        least = self.clock.now() + 1.5  # long enough to see a push
        for _ in range(steps):
            try:
                if self.step() and self.clock.now() >= least:
                    self.finishing = True
                    self.follower.loop.finish()
                    return
            except Crash:
                self.crashed()
            except KagitError:
                assert self.follower is None or self.finishing, "only a starting or an ending reconciler may give up"
                self.crashed()
        said = "\n".join(self.said[-10:])
        waiting = [one.waiting for one in self.follower.loop.ledgers.values()] if self.follower else []
        raise AssertionError(f"not quiet after {steps} steps: {waiting}\n{said}")

    def crashed(self) -> None:
        """Everything in memory is lost."""
        self.crashes += 1
        self.finishing = False
        self.follower = None
        self.store.crash()

    # ---------------------------------------------------------------------------------------------------- looking

    def objects(self, kind: str) -> list[dict]:
        return self.cluster.list(kind=kind).items

    def trials(self) -> dict[str, tuple]:
        """Name to what must not depend on crashes."""
        return {
            one["metadata"]["name"]: (
                tuple((a["name"], a["value"]) for a in one["spec"]["parameterAssignments"]),
                one["status"]["conditions"][-1]["type"],
                one["status"].get("observation"),
                one["metadata"]["annotations"]["kagit.dev/index"],
            )
            for one in self.objects("Trial")
        }

    def suggestions(self) -> dict[str, tuple]:
        """Name to what clients read of it: all conditions in order, points wanted, given and not yet used."""
        found: dict[str, tuple] = {}
        for one in self.objects("Suggestion"):
            status = one["status"]
            told = [(c["type"], c["status"], c["reason"]) for c in status["conditions"]]
            counts = (one["spec"]["requests"], status["suggestionCount"], len(status["suggestions"]))
            found[one["metadata"]["name"]] = (told, counts)
        return found

    def status(self, name: str, namespace: str = "default") -> str:
        body = self.cluster.get(kind="Experiment", namespace=namespace, name=name)
        return body["status"]["conditions"][-1]["type"]

    def reports(self) -> dict[str, str]:
        """Path to blob id of every report file on the remote."""
        tip = self.remote.refs["refs/heads/main"]
        return {blob.path: blob.id for blob in RepoMemory(self.remote).tree(tip, "reports").files}

    def readings(self) -> dict:
        return self.store.kept._readings


def manifest(name: str, *, trials: int = 4, parallel: int = 2, algorithm: str = "random", **spec) -> dict:
    """A small experiment with one parameter."""
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name},
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "algorithm": {"algorithmName": algorithm},
            "parallelTrialCount": parallel,
            "maxTrialCount": trials,
            "parameters": [
                {"name": "x", "parameterType": "double", "feasibleSpace": {"min": "-1", "max": "1"}},
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "x", "reference": "x"}],
                "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {
                        "template": {
                            "spec": {
                                "restartPolicy": "Never",
                                "containers": [
                                    {"name": "main", "image": "a", "command": ["train", "${trialParameters.x}"]},
                                ],
                            }
                        }
                    },
                },
            },
            **spec,
        },
    }


def with_config_map(body: dict) -> dict[str, str | dict]:
    """Files of an experiment whose template stands in a ConfigMap of its own, with a number that has no quotes."""
    name, template = body["metadata"]["name"], body["spec"]["trialTemplate"]
    text = yaml.safe_dump(template.pop("trialSpec")).replace("${trialParameters.x}", "'${trialParameters.x}'")
    path = 'status.conditions.#(type=="{}")#|#(status=="True")#'
    template["configMap"] = {"configMapName": name, "configMapNamespace": "default", "templatePath": "job.yaml"}
    template |= {"successCondition": path.format("Complete"), "failureCondition": path.format("Failed")}
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"job.yaml": text}}
    return {f"experiments/{name}.yaml": body, f"experiments/{name}-template.yaml": held}


def argument(work: Work) -> float:
    """The value that the template put into the command."""
    return float(work.manifest["spec"]["template"]["spec"]["containers"][0]["command"][1])


def square(work: Work) -> Script:
    """Takes between 1 and 2 seconds, prints three readings of x squared going down."""
    x = argument(work)
    lines = tuple((0.3 * (i + 1), f"epoch={i} loss={x * x + 1 / (i + 1)}\n".encode()) for i in range(3))
    return Script(seconds=1.0 + abs(x), output=lines)
