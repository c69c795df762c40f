"""What an early stopping algorithm is to kagit: curves of trials that succeeded in, rules for the next trial out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from algorithms.settings import Setting
from kagit.findings import Issue
from kagit.objective import ObjectiveType
from kagit.trial import EarlyStoppingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that stays the same during one run: the metric that is optimised, and the settings as Katib has them."""

    metric: str
    direction: ObjectiveType
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


class Stopper(Protocol):
    """What was learnt so far. It only caches: its rules depend on what it was told, never on when or in which order."""

    def tell(self, curve: Sequence[float | None]) -> None:
        """Learn from the objective's readings of one trial that has succeeded, in their order; None is no number."""
        ...

    def rules(self) -> tuple[EarlyStoppingRule, ...]:
        """The rules for a trial that is made now; none while too little is known."""
        ...


class Stopping(Protocol):
    """An entry of the catalog: knows its settings, makes stoppers. Importing it must be cheap."""

    @property
    def name(self) -> str:
        """Katib's algorithmName."""
        ...

    @property
    def is_blind(self) -> bool:
        """Whether its rules depend on the settings alone, so that nobody need read a curve for it."""
        ...

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say; docs/algorithms.md lists it."""
        ...

    def check(self, case: Case) -> tuple[Issue, ...]:
        """What is wrong with the settings, with places below `spec`; empty when it can run."""
        ...

    def start(self, case: Case) -> Stopper:
        """A fresh stopper that knows nothing yet."""
        ...
