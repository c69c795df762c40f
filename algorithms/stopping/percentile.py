"""`percentile`, as Optuna's pruner: a trial is stopped where its best is not among the best at its step."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms import settings
from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from algorithms.stopping.spread import Spread
from algorithms.stopping.table import INTERVAL, MOST_STEPS, Table
from kagit.findings import Issue
from kagit.objective import ObjectiveType
from kagit.trial import EarlyStoppingRule

SETTINGS = (
    Setting(
        name="percentile",
        kind=Kind.REAL,
        low=0,
        high=100,
        default="25",
        meaning="a trial is kept while its best is as good as that of the best so many percent at the same step",
    ),
    Setting(
        name="min_trials_required",
        kind=Kind.WHOLE,
        low=1,
        default="5",
        meaning="how many trials must have succeeded before any is stopped; Optuna's n_startup_trials",
    ),
    Setting(
        name="start_step",
        kind=Kind.WHOLE,
        low=1,
        high=MOST_STEPS,
        default="4",
        meaning="the report with which a trial is first judged; Optuna's n_warmup_steps is one less",
    ),
    INTERVAL,
    Setting(
        name="n_min_trials",
        kind=Kind.WHOLE,
        low=1,
        default="1",
        meaning="how many trials must have a number at a step for it to be judged",
    ),
)


@dataclass(frozen=True, slots=True)
class Percentile:
    """At each step from `start_step` on, the best of a trial so far against what those before it had at that step."""

    name: str = "percentile"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        return tuple(settings.check(case.settings, SETTINGS, algorithm=self.name, field="earlyStopping"))

    def start(self, case: Case) -> "_Percentile":
        """A fresh stopper that knows nothing yet."""
        return _Percentile(case)


class _Percentile:
    def __init__(self, case: Case) -> None:
        self._case = case
        share = settings.real(case.settings, "percentile", 25)
        self._percent = share if case.direction is ObjectiveType.MINIMIZE else 100 - share
        self._needed = settings.whole(case.settings, "min_trials_required", 5)
        self._least = settings.whole(case.settings, "n_min_trials", 1)
        start = settings.whole(case.settings, "start_step", 4)
        self._table = Table(start=start, interval=settings.whole(case.settings, INTERVAL.name, 1))
        self._told = 0

    def tell(self, curve: Sequence[float | None]) -> None:
        self._told += any(value is not None for value in curve)
        self._table.add(curve)

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        if self._told < self._needed:
            return ()
        return self._table.rules(self._case, middle=self._middle, least=self._least)

    def _middle(self, spread: Spread) -> float:
        return spread.below(self._percent)
