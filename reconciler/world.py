"""What is wanted and what is, as frozen values: all that a decision may look at."""

from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field

from kagit.conditions import Conditions
from kagit.experiment import Experiment, ResumePolicy
from kagit.objective import Objective, Observation
from kagit.suggestion import Suggestion
from kagit.trial import Phase, Trial
from kagit.wishes import MOST_WITHOUT_GAIN
from reconciler.ports import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a manifest was read; `clean` is None where there is no Git."""

    url: str = ""
    commit: str = ""
    path: str = ""
    line: int = 0
    clean: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What Git (or the command line) asks for. With `errors` the manifest cannot be used and `experiment` is None.

    A run with a number up to `after` is not enough: the same spec is to be run once more.
    """

    experiment: Experiment | None
    source: Source = field(default_factory=Source)
    errors: tuple[str, ...] = ()
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that the cluster holds; `started` and `completed` are RFC 3339 UTC or empty."""

    experiment: Experiment
    number: int
    seed: int
    conditions: Conditions = ()
    started: str = ""
    completed: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the experiment has succeeded or failed."""
        return any(c.type in {"Succeeded", "Failed"} and c.status == "True" for c in self.conditions)

    @property
    def is_suspended(self) -> bool:
        """Whether nothing is to run for now, because its author says so."""
        return self.experiment.wishes.suspended and not self.is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Trials of the current run by phase."""

    by_phase: Mapping[Phase, int] = field(default_factory=dict[Phase, int])

    def of(self, *phases: Phase) -> int:
        """How many trials are in one of the phases."""
        return sum(self.by_phase.get(phase, 0) for phase in phases)

    @property
    def total(self) -> int:
        """All trials."""
        return sum(self.by_phase.values())

    @property
    def over(self) -> int:
        """Trials that will not change any more."""
        return self.total - self.of(Phase.CREATED, Phase.RUNNING)

    @property
    def failed(self) -> int:
        """Failed trials and those without metrics, which count alike (spec katib.md 4.1.5)."""
        return self.of(Phase.FAILED, Phase.METRICS_UNAVAILABLE)

    def moved(self, old: Phase, new: Phase) -> "Counts":
        """The counts after one trial has changed its phase."""
        counts = dict(self.by_phase)
        counts[old] = counts.get(old, 0) - 1
        counts[new] = counts.get(new, 0) + 1
        return Counts(by_phase=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A trial that is not over: what its executor sees and what its output has said so far.

    `drained` is True when all output of an ended attempt was read. `note` is what the collector has to say about
    readings that are none (NaN, empty). `stopping` says that a stop was asked for, `gpus` which devices it holds, `age`
    how many seconds ago it was seen to start. `rules_met` says that its early stopping rules were all met. `twin` is a
    trial with the same assignments, whose result a trial that waits takes, or waits for. `recorded` is False while its
    object has no status yet.
    """

    trial: Trial
    sighting: Sighting | None = None
    observation: Observation = ()
    drained: bool = False
    note: str = ""
    stopping: bool = False
    gpus: tuple[str, ...] = ()
    age: float = 0.0
    rules_met: bool = False
    twin: Trial | None = None
    recorded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The Suggestion as it is stored: what clients take for the algorithm's service."""

    conditions: Conditions = ()
    requests: int = 0
    resume: ResumePolicy = ResumePolicy.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A place to run, given to one trial: it may start now, on these devices."""

    trial: str
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best trial so far, its number and its objective value; None where that is no number but words."""

    trial: str
    index: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Numbers and objective values of the last trials with a result, in the order of their numbers, at most as many as
    a wish may ask about; `before` is the best of all trials with lower numbers, None where there are none.

    The same trials give the same, in whatever order they end.
    """

    results: tuple[tuple[int, float], ...] = ()
    before: float | None = None

    def add(self, index: int, value: float, objective: Objective) -> "Recent":
        """With one more trial that has come to a result."""
        place = bisect(self.results, (index, value))
        results = (*self.results[:place], (index, value), *self.results[place:])
        if len(results) <= MOST_WITHOUT_GAIN:
            return Recent(results=results, before=self.before)
        (_, oldest), *rest = results
        better = self.before is None or objective.better(oldest, self.before)
        return Recent(results=tuple(rest), before=oldest if better else self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything about one experiment at one moment.

    `listed` is False while the source does not tell what is gone (`unlisted` says why), so that nothing is ever deleted
    by mistake. `live` holds the active trials of every run, `suggestions` the answers without a trial, `asked` how many
    points were asked for in this run and `ahead` how many may be asked for before they are needed, `postponed` says
    that the algorithm waits for a trial to end, `last_run` the highest run number ever used under this name.
    `status_age` is the seconds since the status was last written, `changes` how many changes it lacks. `positions`
    tells who waits in which place. `service` is None while there is no Suggestion for this run.
    """

    now: str
    namespace: str
    name: str
    listed: bool = True
    unlisted: str = "SourceUnreadable()"
    wanted: Wanted | None = None
    refusal: str = ""
    run: Run | None = None
    last_run: int = 0
    counts: Counts = field(default_factory=Counts)
    live: tuple[Live, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    asked: int = 0
    ahead: int = 0
    exhausted: bool = False
    postponed: bool = False
    service: Service | None = None
    best: Best | None = None
    recent: Recent = field(default_factory=Recent)
    grants: tuple[Grant, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict[str, int])
    changes: int = 0
    status_age: float = 0.0
