"""A trial that is not over, with what its executor and its output have said of it so far."""

from dataclasses import dataclass, field

from kagit import names
from kagit.experiment import Json
from kagit.objective import Observation
from kagit.trial import Phase, Trial
from reconciler.core.stopping import Watch
from reconciler.core.tally import Tally
from reconciler.ports import Sighting, State
from reconciler.shell.sources import Sources
from reconciler.world import Live


@dataclass(slots=True, kw_only=True)
class Follow:
    """A trial that is not over, with what is being read of it. `sources` know how far.

    `recorded` says that its object has a status, `created` when the object was made.
    """

    trial: Trial
    namespace: str
    manifest: Json = field(repr=False)
    slots: int = 1
    gpus_wanted: int = 0
    claims: frozenset[str] = frozenset()
    gpus: tuple[str, ...] = ()
    order: int = 0
    sighting: Sighting | None = None
    since: float = 0.0
    sources: Sources | None = None
    tally: Tally | None = None
    watch: Watch | None = None
    drained: bool = False
    stopping: bool = False
    note: str = ""
    observation: Observation = ()
    recorded: bool = False
    created: str = ""

    @property
    def work_name(self) -> str:
        """Name of the present attempt, unique on a machine and the same for the same attempt."""
        return names.work_name(namespace=self.namespace, trial=self.trial.name, attempt=self.trial.attempt)

    def restart(self, trial: Trial) -> None:
        """Forget what was seen of an attempt that is gone."""
        self.trial, self.sighting, self.sources, self.tally, self.watch = trial, None, None, None, None
        self.since, self.drained, self.stopping, self.note, self.observation = 0.0, False, False, "", ()

    @property
    def rules_met(self) -> bool:
        """Whether it is to be stopped early."""
        return self.watch is not None and self.watch.met

    def seen(self, seconds: float, *, twin: Trial | None = None) -> Live:
        """The frozen picture that decisions are made from."""
        return Live(
            trial=self.trial,
            sighting=self.sighting,
            observation=self.observation,
            drained=self.drained,
            note=self.note,
            stopping=self.stopping,
            gpus=self.gpus,
            age=seconds - self.since if self.uses else 0.0,
            rules_met=self.rules_met,
            twin=twin,
            recorded=self.recorded,
        )

    @property
    def unread(self) -> bool:
        """Whether it has ended and not all of its output was read."""
        return self.sighting is not None and self.sighting.state is not State.RUNNING and not self.drained

    @property
    def uses(self) -> bool:
        """Whether it occupies its slots and devices now."""
        return self.sighting is not None and self.sighting.state is State.RUNNING

    @property
    def waits(self) -> bool:
        """Whether it could start if it were given a place."""
        return self.sighting is None and self.trial.phase is Phase.CREATED
