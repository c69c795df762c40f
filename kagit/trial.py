"""A trial as the reconciler, the algorithms and the report see it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kagit.objective import Objective, Observation
from kagit.space import Point


class Phase(StrEnum):
    """Katib's trial condition types; exactly one is current (`Created` means waiting to start)."""

    CREATED = "Created"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    KILLED = "Killed"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    EARLY_STOPPED = "EarlyStopped"


ACTIVE = frozenset({Phase.CREATED, Phase.RUNNING})
COUNTED = frozenset({Phase.SUCCEEDED, Phase.EARLY_STOPPED})
"""Phases whose readings are a result: what a crashed or killed trial printed before is kept, but is never the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a trial left under $KAGIT_TRIAL_DIR/artifacts: relative path, bytes, SHA-256 in hex."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A directory in which a trial leaves what another one may go on from: `path` in its containers, empty where only a
    variable says so. It begins as a copy of that of the trial `parent`, or empty.

    What trials of its run with a number below `oldest` have left is not needed any more, but for those in `kept`.
    """

    path: str = ""
    parent: str = ""
    oldest: int = 0
    kept: frozenset[str] = frozenset()


class Comparison(StrEnum):
    """How a reading stands to the value of an early stopping rule when the rule is met; the last two are not Katib's.

    OUTSIDE: the report itself is outside of `low,high`, or no finite number. STALE: so many reports as the rule has
    patience have brought no gain above the value.
    """

    EQUAL = "equal"
    LESS = "less"
    GREATER = "greater"
    OUTSIDE = "outside"
    STALE = "stale"


class Limit(NamedTuple):
    """The value of a rule from report `step` on."""

    step: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStoppingRule:
    """A trial is stopped once each of its rules was met by a report of `metric`, from number `start_step` on.

    With Katib's comparisons the best report of the objective so far counts, and the values of `later` take the place of
    `value`, each from its own report on. `patience` is for STALE alone.
    """

    metric: str
    value: str
    comparison: Comparison
    start_step: int = 0
    later: tuple[Limit, ...] = ()
    patience: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial; `started` and `finished` are RFC 3339 UTC texts or empty; `attempt` counts from 1.

    `parent` is the number of the trial whose checkpoint it goes on from, if any;
    `result_of` is the name of the trial with equal assignments whose result it took over instead of running;
    `lost` counts the attempts that ended without a fault of their own, `rules` say when it is stopped early.
    """

    name: str
    run: int
    index: int
    point: Point
    parent: int | None = None
    phase: Phase = Phase.CREATED
    reason: str = ""
    message: str = ""
    started: str = ""
    finished: str = ""
    attempt: int = 1
    lost: int = 0
    rules: tuple[EarlyStoppingRule, ...] = ()
    observation: Observation = ()
    artifacts: tuple[Artifact, ...] = ()
    result_of: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.phase not in ACTIVE

    def result(self, objective: Objective) -> float | None:
        """Its objective value if it may be the best; None where it came to none, or its readings are no result."""
        return objective.result(self.observation) if self.phase in COUNTED else None
