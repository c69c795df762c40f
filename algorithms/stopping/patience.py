"""`patience`: a trial is stopped once so many of its reports have brought no gain, whatever other trials do."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithms import settings
from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from algorithms.stopping.table import MOST_STEPS
from kagit.findings import Issue
from kagit.trial import Comparison, EarlyStoppingRule

SETTINGS = (
    Setting(
        name="patience",
        kind=Kind.WHOLE,
        low=1,
        high=MOST_STEPS,
        default="10",
        meaning="how many reports in a row may bring no gain; with the last of them the trial is stopped",
    ),
    Setting(
        name="min_delta",
        kind=Kind.REAL,
        low=0,
        default="0",
        meaning="a report is a gain if it betters the last gain by more than this",
    ),
    Setting(
        name="start_step",
        kind=Kind.WHOLE,
        low=1,
        high=MOST_STEPS,
        default="1",
        meaning="the first report that counts against a trial",
    ),
)


@dataclass(frozen=True, slots=True)
class Patience:
    """A trial against itself, as Keras' EarlyStopping; Optuna's PatientPruner waits until it has become worse."""

    name: str = "patience"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        return tuple(settings.check(case.settings, SETTINGS, algorithm=self.name, field="earlyStopping"))

    def start(self, case: Case) -> "_Patience":
        """A fresh stopper, which has nothing to learn."""
        return _Patience(case)


class _Patience:
    def __init__(self, case: Case) -> None:
        self._rule = EarlyStoppingRule(
            metric=case.metric,
            value=case.settings.get("min_delta", "0"),
            comparison=Comparison.STALE,
            start_step=settings.whole(case.settings, "start_step", 1),
            patience=settings.whole(case.settings, "patience", 10),
        )

    def tell(self, curve: Sequence[float | None]) -> None:
        """Others' curves say nothing."""

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        return (self._rule,)
