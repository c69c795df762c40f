"""Katib's `medianstop`: a trial is stopped if it is still worse than the middle of those before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms import settings
from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from kagit.findings import Issue
from kagit.objective import ObjectiveType
from kagit.trial import Comparison, EarlyStoppingRule

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
        high=2**31 - 1,
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
)


@dataclass(frozen=True, slots=True)
class MedianStop:
    """The median of the averages over the first `start_step` reports of every trial that has succeeded.

    Katib takes the mean of these averages in spite of the name: that is `statistic: mean` here.
    """

    name: str = "medianstop"

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        return tuple(settings.check(case.settings, SETTINGS, algorithm=self.name, field="earlyStopping"))

    def start(self, case: Case) -> "_Median":
        """A fresh stopper that knows nothing yet."""
        return _Median(case)


class _Median:
    def __init__(self, case: Case) -> None:
        self._metric = case.metric
        self._comparison = Comparison.GREATER if case.direction is ObjectiveType.MINIMIZE else Comparison.LESS
        self._needed = settings.whole(case.settings, "min_trials_required", 3)
        self._step = settings.whole(case.settings, "start_step", 4)
        self._mean = case.settings.get("statistic") == "mean"
        self._averages: list[float] = []

    def tell(self, curve: Sequence[float | None]) -> None:
        first = [value for value in curve[: self._step] if value is not None]
        if first:
            self._averages.append(_average(first))

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        if len(self._averages) < self._needed:
            return ()
        middle = _average(self._averages) if self._mean else _middle(self._averages)
        return (
            EarlyStoppingRule(
                metric=self._metric, value=repr(middle), comparison=self._comparison, start_step=self._step
            ),
        )


def _average(values: Sequence[float]) -> float:
    """The mean; each value is divided first, so that no sum of finite values is infinite."""
    count = len(values)
    return sum(value / count for value in sorted(values))


def _middle(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else ordered[half - 1] / 2 + ordered[half] / 2
