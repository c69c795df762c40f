"""The one door to SciPy's quasi-random numbers: a scrambled Sobol sequence, which fills a space evenly from the start.

Point n is number n of one sequence that the seed fixes. Where a space has few values, numbers of the sequence that
would repeat a point are left out until every point was there, as random search does.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from algorithms import dimensions, settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.history import checked
from algorithms.random_search import Draws
from algorithms.seeds import seed_of
from algorithms.settings import Setting
from kagit.findings import Issue, Severity
from kagit.space import Point

SETTINGS = (settings.RANDOM_STATE,)

MOST_DIMENSIONS = 21_201
"""Direction numbers that SciPy has (Joe and Kuo, 2008)."""
_BLOCK = 64
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Sobol:
    """Katib's `sobol`: honours steps and all distributions, which Katib ignores."""

    name: str = "sobol"
    is_blind: bool = True

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name, unknown=Severity.WARNING),
            *dimensions.check(problem.space),
            *_too_many(len(problem.space)),
        )

    def start(self, problem: Problem) -> "_Sobol":
        """A fresh optimizer without history."""
        return _Sobol(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        from importlib.metadata import version

        return f"scipy {version('scipy')}"


def _too_many(count: int) -> Iterator[Issue]:
    if count > MOST_DIMENSIONS:
        message = f"sobol knows {MOST_DIMENSIONS} dimensions, here are {count}; remove parameters, or use random"
        yield Issue(at=("parameters",), message=message, slug="too-many-parameters")


class _Sobol:
    def __init__(self, problem: Problem) -> None:
        self._space = dimensions.of(problem.space)
        self._seed = seed_of(problem)
        self._draws = Draws(self._space, seed=self._seed)
        self._sequence: Iterator[tuple[float, ...]] = _sequence(len(self._space), self._seed)
        self._known: list[Point] = []
        self._seen: set[tuple[str, ...]] = set()
        self._size = dimensions.combinations(self._space)

    def tell(self, trial: Finished) -> None:
        checked(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        del running
        if self._size is not None:
            index %= self._size  # all over again in the same order, so that a batch never sees a point twice
        while len(self._known) <= index:
            self._known.append(self._fresh())
        return Proposal(point=dict(self._known[index]))

    def _fresh(self) -> Point:
        """The next number of the sequence whose point was not there before."""
        for shares in islice(self._sequence, _TRIES):
            point: Point = {one.name: one.at(share) for one, share in zip(self._space, shares, strict=True)}
            if tuple(point.values()) not in self._seen:
                break
        else:  # what is left has hardly any probability
            number = len(self._known)
            point = self._draws.another(number, taken=self._seen) or self._draws.point(number)
        self._seen.add(tuple(point.values()))
        return point


def _sequence(count: int, seed: int) -> Iterator[tuple[float, ...]]:
    """The points of the unit cube, drawn in blocks: one at a time costs twenty times as much."""
    import numpy as np
    from scipy.stats import qmc

    engine = qmc.Sobol(count, scramble=True, rng=np.random.default_rng(seed))
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            block: list[list[float]] = engine.random(_BLOCK).tolist()
        yield from map(tuple, block)
