"""Points as rows of numbers: a category is the number of its value, everything else a place in 0 .. 1.

Places are shares of probability, so every distribution, logarithm and step is honoured without being known here.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from algorithms.dimensions import Choices, Dimension, Reals
from kagit.space import Point

Array: TypeAlias = NDArray[np.float64]

MOST_LEVELS = 1024
"""An ordered dimension of more values is searched as if it had no steps."""
FEW_LEVELS = 64
"""One of more values than this is searched as if it had no steps first, then step by step."""
_MOST_MOVES = 256
_STRIDES = np.array([-16, -8, -4, -2, -1, 1, 2, 4, 8, 16])


class Features:
    """The dimensions that have more than one value, as columns."""

    def __init__(self, space: Sequence[Dimension]) -> None:
        """Take the dimensions."""
        self._space = tuple(space)
        self.open = tuple(one for one in space if one.size != 1)
        self.is_category = np.array([not one.ordered for one in self.open], dtype=bool)
        self._levels = tuple(_levels(one) for one in self.open)
        self.smooth = np.array([k for k in range(self.count) if self._is_smooth(k)], dtype=int)

    @property
    def count(self) -> int:
        """How many columns a row has."""
        return len(self.open)

    @property
    def is_listed(self) -> bool:
        """Whether every column has a list of values."""
        return all(levels is not None for levels in self._levels)

    @property
    def combinations(self) -> float:
        """How many rows there are; infinite where a column is smooth."""
        return math.inf if not self.is_listed else math.prod(len(x) for x in self._levels if x is not None)

    def row(self, point: Point) -> list[float]:
        """A point as numbers."""
        return [_place(one, point[one.name]) for one in self.open]

    def point(self, row: Array) -> dict[str, str]:
        """The point of a row, in the order of the space."""
        texts: Mapping[str, str] = {one.name: self._text(k, float(row[k])) for k, one in enumerate(self.open)}
        return {one.name: texts[one.name] if one.size != 1 else one.text(0) for one in self._space}

    def _is_smooth(self, column: int) -> bool:
        levels = self._levels[column]
        return levels is None or (not self.is_category[column] and len(levels) > FEW_LEVELS)

    def _text(self, column: int, place: float) -> str:
        one, levels = self.open[column], self._levels[column]
        if levels is None or isinstance(one, Reals):
            return one.at(min(max(place, 0.0), 1.0))
        return one.text(int(np.argmin(np.abs(levels - place))))

    def legal(self, places: Array) -> Array:
        """Rows from places of the unit cube: each goes to a value that the column has."""
        rows = places.copy()
        for k, levels in enumerate(self._levels):
            if levels is None:
                continue
            if self.is_category[k]:
                rows[:, k] = np.minimum(np.floor(places[:, k] * len(levels)), len(levels) - 1)
            else:
                rows[:, k] = _nearest(levels, places[:, k])
        return rows

    def stepped(self, rows: Array) -> Array:
        """Rows that lie between values put on the nearest ones."""
        there = rows.copy()
        for k, levels in enumerate(self._levels):
            if self._is_smooth(k):
                there[:, k] = np.clip(rows[:, k], 0, 1) if levels is None else _nearest(levels, rows[:, k])
        return there

    @cached_property
    def every_row(self) -> Array:
        """All rows of a space of lists."""
        grid = np.meshgrid(*[levels for levels in self._levels if levels is not None], indexing="ij")
        return np.stack([one.ravel() for one in grid], axis=1)

    def around(self, rows: Array, chance: np.random.Generator) -> Array:
        """Each row a little changed: some columns move by a small step, or to another value."""
        count = self.count
        moved = chance.random(rows.shape) < max(1 / count, 0.4)
        moved[np.arange(len(rows)), chance.integers(count, size=len(rows))] = True
        scale = 10.0 ** -chance.uniform(0.5, 3.5, size=(len(rows), 1))
        near = np.clip(rows + scale * chance.standard_normal(rows.shape), 0.0, 1.0)
        fresh = self.legal(chance.random(rows.shape))
        for k, levels in enumerate(self._levels):
            if levels is None or self._is_smooth(k):
                fresh[:, k] = near[:, k]
            elif not self.is_category[k]:
                at = np.searchsorted(levels, rows[:, k]) + chance.choice([-1, 1], size=len(rows))
                fresh[:, k] = levels[np.clip(at, 0, len(levels) - 1)]
        return self.stepped(np.where(moved, fresh, rows))

    def moves(self, row: Array, chance: np.random.Generator) -> Array:
        """All rows that differ from this one in one column with steps."""
        changed: list[tuple[int, float]] = []
        for k in range(self.count):
            others = self._others(k, float(row[k]), chance)
            changed += [(k, place) for place in others[others != row[k]].tolist()]
        rows = np.tile(row, (len(changed), 1))
        for i, (k, place) in enumerate(changed):
            rows[i, k] = place
        return rows

    def _others(self, column: int, place: float, chance: np.random.Generator) -> Array:
        levels = self._levels[column]
        if levels is None:
            return np.empty(0)
        if self._is_smooth(column):
            at = int(np.searchsorted(levels, place)) + _STRIDES
            some: Array = levels[at[(at >= 0) & (at < len(levels))]]
        else:
            some = levels if len(levels) <= _MOST_MOVES else chance.choice(levels, _MOST_MOVES, replace=False)
        return some


def _place(one: Dimension, text: str) -> float:
    return one.rank(text) if isinstance(one, Choices) and not one.ordered else one.share(text)


def _nearest(levels: Array, places: Array) -> Array:
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, places)]


def _levels(one: Dimension) -> Array | None:
    if one.size is None or (one.ordered and one.size > MOST_LEVELS):
        return None
    if not one.ordered:
        return np.arange(one.size, dtype=float)
    return np.array([one.share(one.text(rank)) for rank in range(one.size)])
