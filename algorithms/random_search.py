"""Random search: point n depends on the seed and n alone, and repeats itself as late as it can."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random

from algorithms import budgets, dimensions, settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.dimensions import Dimension
from algorithms.history import checked
from algorithms.seeds import seed_of, stream
from algorithms.settings import Setting
from kagit import __version__
from kagit.findings import Issue
from kagit.space import Point

SETTINGS = (settings.RANDOM_STATE,)

SMALL = 4096
"""Up to so many combinations are put into a random order; more are drawn one by one."""

_TRIES = 100


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Katib's `random`: honours steps and all distributions, normal ones cut off at the range."""

    name: str = "random"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name),
            *dimensions.check(problem.space),
            *budgets.check(problem, ends=False),
        )

    def start(self, problem: Problem) -> "_RandomSearch":
        """A fresh optimizer without history."""
        return _RandomSearch(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        return f"kagit {__version__}"


class _RandomSearch:
    def __init__(self, problem: Problem) -> None:
        self._draws = Draws(dimensions.of(problem.space), seed=seed_of(problem))

    def tell(self, trial: Finished) -> None:
        checked(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        del running
        return Proposal(point=self._draws.point(index))


class Draws:
    """An endless sequence of random points without history.

    A small space is gone through without repeats, again and again; in a large one a draw that was there before is
    drawn again, up to a hundred times. The sequence is fixed by the seed, only its beginning is remembered.
    """

    def __init__(self, space: tuple[Dimension, ...], *, seed: int) -> None:
        """Take the dimensions and the seed."""
        self._space, self._seed = space, seed
        self._size = dimensions.combinations(space)
        self._known: list[Point] = []
        self._seen: set[tuple[str, ...]] = set()

    def point(self, index: int) -> Point:
        """Point number `index`."""
        if self._size is not None and self._size <= SMALL:
            return dict(self._order[index % self._size])
        if any(one.roomy for one in self._space):
            return self._draw(stream(self._seed, index))
        while len(self._known) <= index:
            self._known.append(self._fresh(len(self._known)))
        return dict(self._known[index])

    def another(self, index: int, *, taken: set[tuple[str, ...]]) -> Point | None:
        """A point outside `taken` for number `index`; None if none was found, which in a small space means none is."""
        if self._size is not None and self._size <= SMALL:
            points = (self._order[(index + k) % self._size] for k in range(self._size))
        else:
            chance = stream(self._seed, "another", index)
            points = (self._draw(chance) for _ in range(_TRIES))
        return next((point for point in points if tuple(point.values()) not in taken), None)

    def _draw(self, chance: Random) -> Point:
        return {one.name: one.at(chance.random()) for one in self._space}

    def _fresh(self, index: int) -> Point:
        chance = stream(self._seed, index)
        point = self._draw(chance)
        for _ in range(_TRIES):
            if tuple(point.values()) not in self._seen:
                break
            point = self._draw(chance)
        self._seen.add(tuple(point.values()))
        return point

    @cached_property
    def _order(self) -> list[Point]:
        """All points as if drawn one by one without putting back: exponential waiting times, likely ones come early."""
        chance = stream(self._seed, "order")
        points: list[tuple[float, Point]] = [(1.0, {})]
        for one in self._space:
            if one.size is not None:
                pairs = [(one.weight(rank), one.text(rank)) for rank in range(one.size)]
                points = [(w * weight, {**point, one.name: text}) for w, point in points for weight, text in pairs]
        waits = [-math.log(1 - chance.random()) / max(weight, 1e-300) for weight, _ in points]
        return [points[k][1] for k in sorted(range(len(points)), key=waits.__getitem__)]
