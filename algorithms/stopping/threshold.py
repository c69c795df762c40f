"""`threshold`, as Optuna's pruner: a trial is stopped once a report leaves a range, or is no number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from algorithms import settings
from algorithms.settings import Kind, Setting
from algorithms.stopping.contract import Case
from algorithms.stopping.table import MOST_STEPS
from kagit.findings import Issue
from kagit.trial import Comparison, EarlyStoppingRule

SETTINGS = (
    Setting(
        name="lower",
        kind=Kind.REAL,
        default="none",
        meaning="a report below it stops the trial",
    ),
    Setting(
        name="upper",
        kind=Kind.REAL,
        default="none",
        meaning="a report above it stops the trial",
    ),
    Setting(
        name="start_step",
        kind=Kind.WHOLE,
        low=1,
        high=MOST_STEPS,
        default="1",
        meaning="the report with which a trial is first judged; Optuna's n_warmup_steps is one less",
    ),
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Every report of the objective from `start_step` on, whatever other trials do."""

    name: str = "threshold"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        found = tuple(settings.check(case.settings, SETTINGS, algorithm=self.name, field="earlyStopping"))
        return found or tuple(_range(case))

    def start(self, case: Case) -> "_Threshold":
        """A fresh stopper, which has nothing to learn."""
        return _Threshold(case)


def _range(case: Case) -> Iterator[Issue]:
    """Whether the legal settings leave a trial somewhere to be, and forbid anything."""
    at = ("earlyStopping", "algorithmSettings")
    lower, upper = case.settings.get("lower"), case.settings.get("upper")
    if lower is None and upper is None:
        message = "threshold has neither lower nor upper; give one of them, or both"
        yield Issue(at=at, message=message, slug="setting-missing")
    elif lower is not None and upper is not None and float(lower) >= float(upper):
        message = f"setting lower of threshold is {lower}, not below upper {upper}; give a lower one, or remove it"
        yield Issue(at=(*at, list(case.settings).index("lower"), "value"), message=message, slug="setting-invalid")


class _Threshold:
    def __init__(self, case: Case) -> None:
        lower, upper = case.settings.get("lower", "-inf"), case.settings.get("upper", "inf")
        self._rule = EarlyStoppingRule(
            metric=case.metric,
            value=f"{lower},{upper}",
            comparison=Comparison.OUTSIDE,
            start_step=settings.whole(case.settings, "start_step", 1),
        )

    def tell(self, curve: Sequence[float | None]) -> None:
        """Others' curves say nothing."""

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        return (self._rule,)
