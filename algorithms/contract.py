"""What an algorithm is to kagit: a function from history to the next point (spec algorithms.md section 9)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeAlias

from algorithms.settings import Setting
from kagit.findings import Issue
from kagit.objective import ObjectiveType
from kagit.search import Rules
from kagit.space import Point, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that stays the same during one run; `seed` is in 0 .. 2**31 - 1.

    `others` are the types of further objectives, `constraints` says how many there are. `nas` is Katib's nasConfig as
    it was written; where it is set the space is empty. `rules` and `initial` (points that are tried first, also in
    part) are the business of `algorithms/search.py`; no algorithm looks at them.
    """

    space: Space
    direction: ObjectiveType
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    seed: int = 0
    max_trials: int | None = None
    parallel: int = 3
    others: tuple[ObjectiveType, ...] = ()
    constraints: int = 0
    nas: Mapping[str, Any] | None = None
    rules: Rules = field(default_factory=Rules)
    initial: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A trial that is over; `value` is None where it failed or reported no finite objective.

    `others` are the values of further objectives, `excess` says by how much it breaks each constraint (0: kept). Only
    algorithms that say so are told of them: for the others, a trial that breaks a constraint has no value.
    """

    index: int
    point: Point
    value: float | None
    others: tuple[float, ...] = ()
    excess: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A point to try. `labels` are put on its trial; `parent` is the trial whose checkpoint it goes on from.

    No later answer has a parent below `oldest_parent`: what those trials left may be thrown away.
    """

    point: Point
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    parent: int | None = None
    oldest_parent: int = 0


class Absence(Enum):
    """Why there is no point. EXHAUSTED: there will never be one again. LATER: not before a running trial is over."""

    EXHAUSTED = "exhausted"
    LATER = "later"


Answer: TypeAlias = Proposal | Absence


class Optimizer(Protocol):
    """A live search. It only caches: the answer depends on what it was told, never on when.

    `tell` may be called in any order of completion and costs O(1); answers must be the same as if all
    trials had been told in the order of their index to a fresh optimizer.
    """

    def tell(self, trial: Finished) -> None:
        """Learn of one finished trial; each index once."""
        ...

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        """Point number `index`, knowing the points that run now. LATER is no answer while nothing runs."""
        ...


class Algorithm(Protocol):
    """An entry of the catalog: knows its settings, makes optimizers. Importing it must be cheap."""

    @property
    def name(self) -> str:
        """Katib's algorithmName."""
        ...

    @property
    def is_blind(self) -> bool:
        """Whether answers depend on the point's number alone, so that they may be asked for ahead of time."""
        ...

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say; docs/algorithms.md lists it."""
        ...

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        ...

    def start(self, problem: Problem) -> Optimizer:
        """A fresh optimizer without history."""
        ...

    def engine(self) -> str:
        """Library and version that answers, e.g. `optuna 5.0.0`; kept with every suggestion."""
        ...


class HistoryDigest:
    """Order-independent digest of the finished trials, updated in O(1) for each trial."""

    __slots__ = ("_sum",)

    def __init__(self, trials: Iterable[Finished] = ()) -> None:
        """Start with these trials."""
        self._sum = 0
        for trial in trials:
            self.add(trial)

    def add(self, trial: Finished) -> None:
        """Count one more finished trial."""
        more = [trial.others, trial.excess] if trial.others or trial.excess else []
        self._sum = (self._sum + _hash([trial.index, sorted(trial.point.items()), trial.value, *more])) % 2**256

    def value(self, running: int = 0) -> str:
        """Hex digest of the finished trials together with the running points, whose `share`s sum up to `running`."""
        return f"{(self._sum + running) % 2**256:064x}"

    @staticmethod
    def share(index: int, point: Point) -> int:
        """What one running point adds."""
        return _hash([index, sorted(point.items())])


def _hash(value: object) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(value).encode()).digest())
