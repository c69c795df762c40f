"""Which trial is which: brackets of Hyperband (Li et al., 2018), laid out in one endless row that is fixed beforehand.

A bracket gives every rung a number of trials; those of the next rung are the best of the rung below. The row goes
through the brackets from the one with most trials to the one with fewest, and begins again. A few trials of the
round's next brackets stand between two rungs, so that nothing is idle while the last trials of a rung still run.
Neither the budget of trials nor how many run at once has a part in it, because both may change during a run.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from algorithms.halving.ladder import Rung

AHEAD = 8
"""So many trials of other brackets stand between two rungs; fewer where the rung below is smaller itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Trials of each rung, the first of which is rung number `first` of the ladder."""

    first: int
    sizes: tuple[int, ...]

    @property
    def trials(self) -> int:
        """Trials of the whole bracket."""
        return sum(self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One trial of the row: brackets are numbered through, rungs as on the ladder, `slot` counts within the rung."""

    bracket: int
    rung: int
    slot: int
    is_first: bool


def brackets(rungs: tuple[Rung, ...]) -> tuple[Bracket, ...]:
    """One round: a bracket for each rung to begin with, each of which costs about as much as the others."""
    return tuple(_bracket(rungs, first) for first in range(len(rungs)))


def _bracket(rungs: tuple[Rung, ...], first: int) -> Bracket:
    most = rungs[first].divisor
    trials = math.ceil(len(rungs) * most / (len(rungs) - first))
    return Bracket(first=first, sizes=tuple(math.floor(trials * rung.divisor / most) for rung in rungs[first:]))


def until_first(around: tuple[Bracket, ...]) -> int:
    """After so many trials of the row, at the latest, the first bracket is over."""
    others = sum(gap(size) for size in around[0].sizes[:-1])
    return min(around[0].trials + others, sum(one.trials for one in around))


def gap(size: int) -> int:
    """How many others stand between a rung of that size and the next."""
    return min(size, AHEAD)


class Row:
    """The endless row: one round, again and again. As much of the round as was asked for is remembered."""

    def __init__(self, around: tuple[Bracket, ...]) -> None:
        """Take the brackets of one round."""
        self._brackets, self._trials = len(around), sum(one.trials for one in around)
        self._places = _round(around)
        self._known: list[Place] = []

    def place(self, index: int) -> Place:
        """What trial number `index` is."""
        turn, within = divmod(index, self._trials)
        if within >= len(self._known):
            self._known += islice(self._places, within + 1 - len(self._known))
        place = self._known[within]
        return replace(place, bracket=place.bracket + turn * self._brackets) if turn else place


class _Climb:
    """A bracket of a round that is not over."""

    def __init__(self, number: int, bracket: Bracket) -> None:
        self._number, self._bracket = number, bracket
        self._level, self._slot, self.ripe = 0, 0, 0

    @property
    def is_over(self) -> bool:
        return self._level == len(self._bracket.sizes)

    def next(self, index: int) -> Place:
        rung, first = self._bracket.first + self._level, self._level == 0
        place = Place(bracket=self._number, rung=rung, slot=self._slot, is_first=first)
        size = self._bracket.sizes[self._level]
        self._slot += 1
        if self._slot == size:
            self._level, self._slot, self.ripe = self._level + 1, 0, index + 1 + gap(size)
        return place


def _round(around: tuple[Bracket, ...]) -> Iterator[Place]:
    """Always the first bracket whose next trial is ripe; where there is none, the first that is not over."""
    climbing = [_Climb(number, bracket) for number, bracket in enumerate(around)]
    index = 0
    while climbing:
        one = next((one for one in climbing if one.ripe <= index), climbing[0])
        yield one.next(index)
        if one.is_over:
            climbing.remove(one)
        index += 1
