"""What is optimised, and what was observed of it (spec katib.md sections 1.2 and 4.1.3)."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from kagit.names import UNAVAILABLE


class ObjectiveType(StrEnum):
    """Katib's objective.type."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Strategy(StrEnum):
    """Katib's metricStrategies value: which of all readings counts."""

    MIN = "min"
    MAX = "max"
    LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Roll-up of all readings of one metric; texts as they were printed, `unavailable` without a value."""

    name: str
    min: str = UNAVAILABLE
    max: str = UNAVAILABLE
    latest: str = UNAVAILABLE
    time: str = field(default="", compare=False)
    """When `latest` was printed, RFC 3339, where that is known: a reading of an earlier time comes before it."""


Observation: TypeAlias = tuple[Metric, ...]
"""The metrics of one trial, objective first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What a trial must keep to be a solution: its metric stands `<=` or `>=` to the bound."""

    metric: str
    sign: str
    bound: float

    def excess(self, value: float) -> float:
        """By how much a value is on the wrong side, 0 where it is not."""
        return max(0.0, value - self.bound if self.sign == "<=" else self.bound - value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Objective with its strategies complete (defaults applied).

    `others` are further objectives, metric → type; of trials that break one of the `constraints` none is the best.
    """

    type: ObjectiveType
    metric: str
    goal: float | None = None
    additional: tuple[str, ...] = ()
    strategies: Mapping[str, Strategy] = field(default_factory=dict[str, Strategy])
    others: Mapping[str, ObjectiveType] = field(default_factory=dict[str, ObjectiveType])
    constraints: tuple[Constraint, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metric names, objective first."""
        return (self.metric, *self.additional)

    def better(self, left: float, right: float) -> bool:
        """Whether `left` is strictly better than `right`."""
        return left < right if self.type is ObjectiveType.MINIMIZE else left > right

    def reached(self, best: float | None) -> bool:
        """Whether the goal is set and `best` meets it (inclusive)."""
        if self.goal is None or best is None:
            return False
        return best <= self.goal if self.type is ObjectiveType.MINIMIZE else best >= self.goal

    def value(self, observation: Observation, metric: str | None = None) -> float | None:
        """The number that counts for `metric` (default: the objective); None where there is none that is finite."""
        name = metric or self.metric
        strategy = self.strategies.get(name, Strategy.LATEST)
        for one in observation:
            if one.name == name:
                text = {Strategy.MIN: one.min, Strategy.MAX: one.max, Strategy.LATEST: one.latest}[strategy]
                return number(one.latest if text == UNAVAILABLE else text)
        return None

    def values(self, observation: Observation) -> tuple[float, ...] | None:
        """The numbers of all objectives, the first one first; None where one is missing."""
        found = tuple(self.value(observation, name) for name in (self.metric, *self.others))
        whole = tuple(one for one in found if one is not None)
        return whole if len(whole) == len(found) else None

    def excess(self, observation: Observation) -> tuple[float, ...]:
        """By how much each constraint is broken, 0 where it is kept; without a value it is broken without end."""
        values = (self.value(observation, one.metric) for one in self.constraints)
        return tuple(
            math.inf if value is None else one.excess(value)
            for one, value in zip(self.constraints, values, strict=True)
        )

    def result(self, observation: Observation) -> float | None:
        """The objective of a trial that may be the best; None without one, or with a broken constraint."""
        return None if any(self.excess(observation)) else self.value(observation)

    def words(self, observation: Observation, metric: str | None = None) -> str:
        """What `metric` (default: the objective) came to where that is a text and no number; else empty.

        Only networks are told like this: a trial of darts says `Best-Genotype=Genotype(...)`.
        """
        said = next((one.latest for one in observation if one.name == (metric or self.metric)), UNAVAILABLE)
        return "" if said == UNAVAILABLE or is_numeric(said) else said


def front(points: Sequence[tuple[float, ...]], types: Sequence[ObjectiveType]) -> tuple[int, ...]:
    """The places of the points that no other point beats: better in one objective and worse in none."""
    signs = [1.0 if one is ObjectiveType.MINIMIZE else -1.0 for one in types]
    costs = [tuple(sign * x for sign, x in zip(signs, point, strict=True)) for point in points]
    order = sorted(set(costs))
    unbeaten = set(_stairs(order) if len(signs) <= _FLAT else _pairwise(order))
    return tuple(place for place, cost in enumerate(costs) if cost in unbeaten)


_FLAT = 3
"""For so many objectives the last two of what is unbeaten are stairs, and a look at one step is enough."""


def _stairs(order: Sequence[tuple[float, ...]]) -> Iterator[tuple[float, ...]]:
    """The unbeaten ones of different costs in their order: those before are never worse in the first objective."""
    across: list[float] = []
    down: list[float] = []
    for cost in order:
        x, y = (0.0, 0.0, *cost[1:])[-2:]
        at = bisect_right(across, x)
        if at and down[at - 1] <= y:
            continue
        yield cost
        end = start = bisect_left(across, x)
        while end < len(down) and down[end] >= y:
            end += 1
        across[start:end], down[start:end] = [x], [y]


def _pairwise(order: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    kept: list[tuple[float, ...]] = []
    for cost in order:
        if not any(_not_worse(other, cost) for other in kept):
            kept.append(cost)
    return kept


def _not_worse(left: tuple[float, ...], right: tuple[float, ...]) -> bool:
    return all(one <= other for one, other in zip(left, right, strict=True))


def is_numeric(text: str) -> bool:
    """Whether a text is a number, one that is not finite included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def number(text: str) -> float | None:
    """`text` as a finite float, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
