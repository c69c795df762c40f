"""The configurations of one rung, best first."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from algorithms.contract import Finished
from kagit.objective import ObjectiveType
from kagit.space import Point

Key: TypeAlias = tuple[str, ...]
"""What is equal for equal configurations."""


def key(configuration: Point) -> Key:
    """The texts of a configuration, in the order of the space."""
    return tuple(configuration.values())


class Ranking:
    """Sorted trials with a value; of equal configurations the best trial stands for all, of equal values the first."""

    def __init__(self, direction: ObjectiveType) -> None:
        """Take the direction of the objective."""
        self._sign = -1 if direction is ObjectiveType.MAXIMIZE else 1
        self._order: list[tuple[float, int, Key]] = []
        self._entries: dict[Key, tuple[float, int, Key]] = {}

    def add(self, of: Key, trial: Finished) -> None:
        """Put in one trial; one that failed is worse than all and not kept."""
        if trial.value is None:
            return
        entry, known = (self._sign * trial.value, trial.index, of), self._entries.get(of)
        if known is not None:
            if known <= entry:
                return
            del self._order[bisect_left(self._order, known)]
        self._entries[of] = entry
        insort(self._order, entry)

    def __len__(self) -> int:
        """How many configurations have a value."""
        return len(self._order)

    def best(self, count: int) -> Iterator[tuple[int, Key]]:
        """Trial and configuration of the best so many."""
        return ((index, of) for _, index, of in islice(self._order, count))

    def at(self, place: int) -> int:
        """The trial at a place, the best at 0."""
        return self._order[place][1]
