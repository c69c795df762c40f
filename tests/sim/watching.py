"""What must hold at every step of every simulated walk, whatever happens on the way."""

from collections import Counter, defaultdict

from kagit.errors import KagitError
from kagit.shapes import at
from tests.sim.executor_scripted import ScriptedExecutor
from tests.sim.universe import Crash, Universe

OVER = {"Succeeded", "Failed", "Killed", "MetricsUnavailable", "EarlyStopped"}


class Watched:
    """A universe whose every step is followed by a check of what may never happen."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.ended: dict[str, tuple[str, dict]] = {}
        self.known: set[str] = set()

    def step(self) -> bool:
        """One step through crashes and faults, then all checks; True when everything is over, quiet and reported."""
        universe, done = self.universe, False
        try:
            done = universe.step()
        except Crash:
            universe.crashed()
        except KagitError:
            assert universe.follower is None, "only a starting reconciler may give up"
            universe.crashed()
        self.check()
        return done

    def shut_down(self) -> None:
        """The reconciler is asked to end: it stops its trials, writes what is buffered and is gone."""
        universe = self.universe
        if universe.follower is not None:
            ScriptedExecutor(universe.machine).close()
            universe.store.flush()
        universe.follower = None

    def check(self) -> None:
        """The promises."""
        machine = self.universe.machine
        running = machine.running()
        assert len(running) <= self.universe.slots, f"{running} run on {self.universe.slots} slots"
        twice = [name for name, count in Counter(machine.starts).items() if count > 1]
        assert not twice, f"started twice: {twice}"
        trials = self.universe.objects("Trial")
        self._ended(trials)
        self._budget(trials)

    def _ended(self, trials: list[dict]) -> None:
        """A trial that is over never changes."""
        for trial in trials:
            name, status = f"{trial['metadata']['namespace']}/{trial['metadata']['name']}", trial.get("status", {})
            if phase(trial) in OVER:
                uid, before = self.ended.setdefault(name, (trial["metadata"]["uid"], status))
                assert uid == trial["metadata"]["uid"], f"{name} was made twice"
                assert before == status, f"{name} was over and changed"

    def _budget(self, trials: list[dict]) -> None:
        """A new trial never exceeds what its experiment allows; lowering a budget makes no new ones."""
        specs = {
            (one["metadata"]["namespace"], one["metadata"]["name"]): one for one in self.universe.objects("Experiment")
        }
        runs: dict[tuple, list[dict]] = defaultdict(list)
        for trial in trials:
            meta = trial["metadata"]
            runs[meta["namespace"], meta["labels"]["katib.kubeflow.org/experiment"], run_of(trial)].append(trial)
        for (space, name, run), members in runs.items():
            new = [one for one in members if one["metadata"]["uid"] not in self.known]
            self.known.update(one["metadata"]["uid"] for one in members)
            body = specs.get((space, name))
            if not new or body is None or run_of(body) != run:
                continue
            spec = body["spec"]
            most = spec.get("maxTrialCount")
            assert most is None or len(members) <= most, f"{name} run {run}: {len(members)} trials of {most}"
            active = [one for one in members if phase(one) not in OVER]
            assert len(active) <= spec["parallelTrialCount"], f"{name} run {run}: {len(active)} active"


def phase(trial: dict) -> str:
    """The trial's phase; Created before its first status."""
    conditions = at(trial, "status", "conditions") or []
    return next((c["type"] for c in reversed(conditions) if c["status"] == "True"), "Created")


def run_of(body: dict) -> str:
    """The run that an object belongs to."""
    return str(at(body, "metadata", "annotations", "kagit.dev/run") or at(body, "metadata", "labels", "kagit.dev/run"))
