"""The parameters of a space as what algorithms need: countable values with a rank, or a range of doubles."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

from algorithms.curves import Curve
from algorithms.numbers import clamped_text, is_roomy, number_of, real_text, tick, tick_count, tick_index, whole_text
from kagit.findings import Issue
from kagit.space import Distribution, Parameter, ParameterType, Space

MAX_TICKS = 2**53
"""A double with more steps than a float can count is refused; ints end at 2**63 anyway."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """A list: discrete values in the order of their numbers, categories in the order of the manifest."""

    name: str
    values: tuple[str, ...]
    ordered: bool
    roomy: bool = False
    even: bool = True

    @property
    def size(self) -> int:
        """Count of values."""
        return len(self.values)

    def at(self, share: float) -> str:
        """The value at a share (0 .. 1) of the probability."""
        return self.values[min(int(share * self.size), self.size - 1)]

    def text(self, rank: int) -> str:
        """The value of that rank, as the manifest has it."""
        return self.values[rank]

    def rank(self, text: str) -> int:
        """The rank of a value."""
        return self._ranks[text]

    def share(self, text: str) -> float:
        """Where a value lies: the middle of its share of the probability."""
        return (self.rank(text) + 0.5) / self.size

    def weight(self, rank: int) -> float:
        """How much of the probability one value has; the same for all."""
        del rank
        return 1 / self.size

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        return {text: rank for rank, text in enumerate(self.values)}


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """low, low + step, ... : an int, or a double with a step. Every value is exact."""

    name: str
    low: Decimal
    step: Decimal
    size: int
    whole: bool
    distribution: Distribution
    ordered: bool = True
    roomy: bool = False

    @property
    def even(self) -> bool:
        """Whether all values are equally likely."""
        return self.size == 1 or self.distribution is Distribution.UNIFORM

    def at(self, share: float) -> str:
        """The value at a share (0 .. 1) of the probability."""
        if self.even:
            return self.text(min(int(share * self.size), self.size - 1))
        place = (self._curve.value(share) - float(self.low)) / float(self.step)
        return self.text(min(max(round(place), 0), self.size - 1))

    def text(self, rank: int) -> str:
        """The value of that rank."""
        value = tick(rank, low=self.low, step=self.step)
        return whole_text(value) if self.whole else real_text(value)

    def rank(self, text: str) -> int:
        """The rank of a value."""
        return tick_index(number_of(text), low=self.low, step=self.step)

    def share(self, text: str) -> float:
        """Where a value lies: the middle of its share of the probability."""
        rank = self.rank(text)
        if self.even:
            return (rank + 0.5) / self.size
        return (self._curve.share(self._edge(rank)) + self._curve.share(self._edge(rank + 1))) / 2

    def weight(self, rank: int) -> float:
        """How much of the probability one value has."""
        if self.even:
            return 1 / self.size
        return self._curve.share(self._edge(rank + 1)) - self._curve.share(self._edge(rank))

    @cached_property
    def _curve(self) -> Curve:
        high = float(tick(self.size - 1, low=self.low, step=self.step))
        edges = {"first": self._edge(0), "last": self._edge(self.size)}
        return Curve(distribution=self.distribution, low=float(self.low), high=high, **edges)

    def _edge(self, rank: int) -> float:
        """The border between a value and the one before it: half-way, and above 0 for a logarithm."""
        low, step = float(self.low), float(self.step)
        edge = low + (rank - 0.5) * step
        logarithmic = self.distribution in {Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL}
        return max(edge, low / 2) if logarithmic else edge


@dataclass(frozen=True, kw_only=True)
class Reals:
    """Every double between two bounds."""

    name: str
    low: Decimal
    high: Decimal
    distribution: Distribution
    ordered: bool = True
    even: bool = False
    size: None = None

    @cached_property
    def roomy(self) -> bool:
        """Whether two random draws hardly ever meet."""
        return is_roomy(float(self.low), float(self.high))

    def at(self, share: float) -> str:
        """The value at a share (0 .. 1) of the probability."""
        return clamped_text(self._curve.value(share), low=self.low, high=self.high)

    def share(self, text: str) -> float:
        """The share of the probability below a value."""
        return self._curve.share(float(text))

    @cached_property
    def _curve(self) -> Curve:
        low, high = float(self.low), float(self.high)
        return Curve(distribution=self.distribution, low=low, high=high, first=low, last=high)


Countable: TypeAlias = Choices | Ticks
Dimension: TypeAlias = Choices | Ticks | Reals


def of(space: Space) -> tuple[Dimension, ...]:
    """The dimensions of a checked space, in its order."""
    return tuple(_dimension(parameter) for parameter in space)


def combinations(dimensions: tuple[Dimension, ...]) -> int | None:
    """How many points there are; None where a range of doubles has no step."""
    sizes = [one.size for one in dimensions if one.size is not None]
    return math.prod(sizes) if len(sizes) == len(dimensions) else None


def check(space: Space) -> Iterator[Issue]:
    """What no algorithm can search although it is well-formed, with places below `spec`."""
    for i, one in enumerate(space):
        at = ("parameters", i, "feasibleSpace")
        logarithmic = one.distribution in {Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL}
        if one.is_range and logarithmic and float(one.bounds[0]) <= 0:
            message = f"min of {one.name} is {one.bounds[0]}; a logarithmic distribution needs a min of at least 5e-324"
            yield Issue(at=(*at, "min"), message=message, slug="log-not-positive")
        if one.type is ParameterType.DOUBLE and one.step is not None:
            low, high = one.bounds
            if tick_count(low=low, high=high, step=one.step) > MAX_TICKS:
                message = f"step of {one.name} is {one.step}, more than 2**53 steps from min to max; give a larger step"
                yield Issue(at=(*at, "step"), message=message, slug="step-too-small")


def _dimension(parameter: Parameter) -> Dimension:
    if not parameter.is_range:
        values = list(dict.fromkeys(parameter.values))
        discrete = parameter.type is ParameterType.DISCRETE
        ordered = sorted(values, key=number_of) if discrete else values
        return Choices(name=parameter.name, values=tuple(ordered), ordered=discrete)
    low, high = parameter.bounds
    whole = parameter.type is ParameterType.INT
    step = parameter.step or (Decimal(1) if whole else None)
    if low == high and step is None:
        return Choices(name=parameter.name, values=(real_text(low),), ordered=True)
    if step is None:
        return Reals(name=parameter.name, low=low, high=high, distribution=parameter.distribution)
    size = tick_count(low=low, high=high, step=step)
    return Ticks(name=parameter.name, low=low, step=step, size=size, whole=whole, distribution=parameter.distribution)
