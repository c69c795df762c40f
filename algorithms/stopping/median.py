"""Katib's `medianstop`: a trial is stopped if it is still worse than the middle of those before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms import settings
from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from algorithms.stopping.spread import Spread, averages
from algorithms.stopping.table import INTERVAL, MOST_STEPS, Table
from kagit.findings import Issue, Severity
from kagit.trial import EarlyStoppingRule

SETTINGS = (
    Setting(
        name="min_trials_required",
        kind=Kind.WHOLE,
        low=1,
        default="3",
        meaning="how many trials must have succeeded before any is stopped",
    ),
    Setting(
        name="start_step",
        kind=Kind.WHOLE,
        low=1,
        high=MOST_STEPS,
        default="4",
        meaning="how many reports of the objective a trial may make before it is judged, and how many are averaged",
    ),
    Setting(
        name="statistic",
        kind=Kind.TEXT,
        choices=("median", "mean"),
        default="median",
        meaning="what of the averages a trial is compared with; Katib takes the mean",
    ),
    Setting(
        name="average",
        kind=Kind.TEXT,
        choices=("first", "running"),
        default="first",
        meaning="of the first start_step reports for ever, as in Katib, or of all up to the step that is judged",
    ),
    INTERVAL,
)


@dataclass(frozen=True, slots=True)
class MedianStop:
    """The median of the averages over the first `start_step` reports of every trial that has succeeded.

    Katib takes the mean of these averages in spite of the name: that is `statistic: mean` here. `average: running` is
    the rule of Google Vizier (Golovin et al. 2017): at each step the averages of all reports up to it.
    """

    name: str = "medianstop"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        found = settings.check(case.settings, SETTINGS, algorithm=self.name, field="earlyStopping")
        return (*found, *_idle(case)) if case.settings.get("average") != "running" else tuple(found)

    def start(self, case: Case) -> "_Median":
        """A fresh stopper that knows nothing yet."""
        return _Median(case)


def _idle(case: Case) -> tuple[Issue, ...]:
    """The interval has no effect where there is one step only."""
    if INTERVAL.name not in case.settings:
        return ()
    at = ("earlyStopping", "algorithmSettings", list(case.settings).index(INTERVAL.name))
    message = "interval_steps of medianstop has no effect with average first; set average to running, or remove it"
    return (Issue(at=at, message=message, slug="setting-without-effect", severity=Severity.WARNING),)


class _Median:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._needed = settings.whole(case.settings, "min_trials_required", 3)
        self._step = settings.whole(case.settings, "start_step", 4)
        self._running = case.settings.get("average") == "running"
        self._mean = case.settings.get("statistic") == "mean"
        self._table = Table(start=self._step, interval=settings.whole(case.settings, INTERVAL.name, 1))

    def tell(self, curve: Sequence[float | None]) -> None:
        found = list(averages(curve if self._running else curve[: self._step]))
        if len(found) < self._step:  # who has reported less often counts with what there is
            self._table.begin(found[-1] if found else None)
        self._table.add(found)

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        return self._table.rules(self._case, middle=self._middle, least=self._needed)

    def _middle(self, spread: Spread) -> float:
        return spread.mean() if self._mean else spread.below(50)
