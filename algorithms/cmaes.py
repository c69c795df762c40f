"""The one door to cmaes: evolution of a normal distribution over the unit cube, with restarts.

The state is never stored: it follows from the history, a generation being the next trials with a value in the order of
their numbers. Where one ends out of order the generations are made anew, which is cheap.
"""

import math
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from algorithms import dimensions, settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.dimensions import Choices, Dimension, Ticks
from algorithms.history import checked
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Kind, Setting
from kagit.errors import Broken
from kagit.findings import Issue, Severity
from kagit.objective import ObjectiveType
from kagit.space import Point

SETTINGS = (
    Setting(
        name="restart_strategy",
        kind=Kind.TEXT,
        choices=("none", "None", "ipop", "bipop"),
        default="none",
        meaning="once converged, ipop begins anew with twice the population, bipop also with smaller ones",
    ),
    Setting(
        name="sigma",
        kind=Kind.REAL,
        low=0,
        open=True,
        default="1/6",
        meaning="standard deviation of the first generation, as a share of each range",
    ),
    settings.RANDOM_STATE,
)
_FIRST_SIGMA = 1 / 6
_MOST_STEPS = 64
"""A range of more values than this is searched as if it had no steps."""
_TRIES = 16
_PATIENCE = 4
"""Generations that a trial may be late before the others go on without it."""


@dataclass(frozen=True, slots=True)
class CmaEs:
    """Katib's `cmaes`: CMA-ES with margin, so that steps never freeze; a category is one number a value."""

    name: str = "cmaes"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, SETTINGS, algorithm=self.name, unknown=Severity.WARNING),
            *dimensions.check(problem.space),
            *_too_few(problem),
        )

    def start(self, problem: Problem) -> "_CmaEs":
        """A fresh optimizer without history."""
        return _CmaEs(problem)

    def engine(self) -> str:
        """Library and version that answers."""
        from importlib.metadata import version

        return f"cmaes {version('cmaes')}"


def _too_few(problem: Problem) -> Iterator[Issue]:
    ranges = sum(one.is_range for one in problem.space)
    if ranges < 2:  # noqa: PLR2004 - Katib's rule
        message = f"cmaes needs two parameters of type double or int, here are {ranges}; add one, or use tpe"
        yield Issue(at=("parameters",), message=message, slug="too-few-parameters")


class _CmaEs:
    def __init__(self, problem: Problem) -> None:
        self._problem, self._seed = problem, seed_of(problem)
        self._space = dimensions.of(problem.space)
        self._axes = tuple(_Axis(one, at) for one, at in _placed(self._space))
        self._draws = Draws(self._space, seed=self._seed)
        self._told: dict[int, Finished] = {}
        self._valued: list[int] = []
        self._points: set[tuple[str, ...]] = set()
        self._evolution: _Evolution | None = None
        self._used = 0

    def tell(self, trial: Finished) -> None:
        known = self._told.setdefault(checked(trial).index, trial)
        if known is not trial:
            if known != trial:
                raise Broken(f"trial {trial.index} was told twice and differently: {known} and {trial}")
            return
        if not self._problem.space.contains(trial.point):
            raise Broken(f"trial {trial.index} was told with a point outside the search space: {dict(trial.point)}")
        if trial.value is None:
            return
        self._points.add(self._key(trial.point))
        if self._used and trial.index < self._valued[self._used - 1]:
            self._evolution, self._used = None, 0  # it belongs to a generation that was made without it
        insort(self._valued, trial.index)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        running_points = {self._key(point) for point in others.values()}
        taken = running_points | self._points
        for point in self._samples(index, others):
            if self._key(point) not in taken:
                return Proposal(point=point)
        free = self._draws.another(index, taken=taken) or self._draws.another(index, taken=running_points)
        return Proposal(point=free or self._draws.point(index))

    def _samples(self, index: int, running: Mapping[int, Point]) -> Iterator[Point]:
        evolution = self._grown(index, running)
        if evolution is None:
            return
        for attempt in range(_TRIES):
            sample = evolution.sample(stream(self._seed, index, attempt).getrandbits(32))
            yield {name: text for axis in self._axes for name, text in axis.texts(sample)}

    def _key(self, point: Point) -> tuple[str, ...]:
        return tuple(point[one.name] for one in self._space)

    def _grown(self, index: int, running: Mapping[int, Point]) -> "_Evolution | None":
        """The evolution after all generations that are complete, up to the first trial that is waited for.

        None where every parameter has one value.
        """
        if not any(axis.count for axis in self._axes):
            return None
        evolution = self._evolution or _Evolution(self._problem, self._axes, self._seed)
        late = index - _PATIENCE * evolution.first_population
        limit = min((i for i in running if i >= late), default=index)
        if self._used and self._valued[self._used - 1] >= limit:
            # What is waited for now was not waited for before: the answer must not depend on that.
            evolution, self._used = _Evolution(self._problem, self._axes, self._seed), 0
        self._evolution = evolution
        sign = -1.0 if self._problem.direction is ObjectiveType.MAXIMIZE else 1.0
        while True:
            end = self._used + evolution.population
            if end > len(self._valued) or self._valued[end - 1] >= limit:
                return evolution
            trials = [self._told[i] for i in self._valued[self._used : end]]
            evolution.learn([(trial.point, sign * (trial.value or 0.0)) for trial in trials])
            self._used = end


class _Axis:
    """One dimension as coordinates of the cube: itself, or one for each value of a category."""

    def __init__(self, dimension: Dimension, at: int) -> None:
        self._one, self._at = dimension, at
        self.count = dimension.size if isinstance(dimension, Choices) and not dimension.ordered else 1
        self.step = 0.0
        if self.count == 0 or dimension.size == 1:
            self.count = 0
        elif self.count > 1:
            self.step = 1.0
        elif dimension.size is not None and dimension.size <= _MOST_STEPS:
            self.step = 1 / (dimension.size - 1)

    def texts(self, sample: Sequence[float]) -> Iterator[tuple[str, str]]:
        """Name and value at a place of the cube."""
        one, place = self._one, sample[self._at : self._at + self.count]
        if not place:
            yield one.name, one.text(0) if isinstance(one, Choices | Ticks) else one.at(0.5)
        elif self.count > 1 and isinstance(one, Choices):
            yield one.name, one.text(max(range(self.count), key=place.__getitem__))
        elif self.step and isinstance(one, Choices | Ticks):
            yield one.name, one.text(round(place[0] / self.step))
        else:
            yield one.name, one.at(min(max(place[0], 0.0), 1.0))

    def places(self, point: Point) -> list[float]:
        """The coordinates of a value."""
        one = self._one
        if self.count == 0:
            return []
        if isinstance(one, Choices | Ticks) and self.step:
            rank = one.rank(point[one.name])
            return [float(i == rank) for i in range(self.count)] if self.count > 1 else [rank * self.step]
        return [one.share(point[one.name])]


def _placed(space: Sequence[Dimension]) -> Iterator[tuple[Dimension, int]]:
    at = 0
    for one in space:
        yield one, at
        at += _Axis(one, at).count


class _Evolution:
    """The distribution, generation after generation; begun anew where it has converged and that is wished."""

    def __init__(self, problem: Problem, axes: Sequence[_Axis], seed: int) -> None:
        self._axes, self._seed = axes, seed
        self._sigma = settings.real(problem.settings, "sigma", _FIRST_SIGMA)
        self._strategy = problem.settings.get("restart_strategy", "none").lower()
        self._count = sum(axis.count for axis in axes)
        self.first_population: int = 4 + math.floor(3 * math.log(max(self._count, 1)))
        self._restarts = 0
        self._spent = {"small": 0, "large": 0}
        self._regime = "large"
        self._large = self.first_population
        self._search: Any = None
        self._begin(self.first_population)

    @property
    def population(self) -> int:
        """How many trials make the next generation."""
        return self._size

    def sample(self, seed: int) -> list[float]:
        """A place of the cube, drawn with this seed."""
        self._search.reseed_rng(seed)
        place, _ = self._search.ask()
        return [min(max(float(one), 0.0), 1.0) for one in place]

    def learn(self, generation: Sequence[tuple[Point, float]]) -> None:
        """One generation more; values are minimised."""
        import numpy as np

        told = [(np.array([x for axis in self._axes for x in axis.places(p)]), value) for p, value in generation]
        self._search.tell(told)
        self._spent[self._regime] += len(generation)
        if self._strategy != "none" and self._search.should_stop():
            self._restarts += 1
            self._begin(self._next_population())

    def _next_population(self) -> int:
        """Twice as many (IPOP); BIPOP goes back to few as long as those have cost less so far (Hansen, 2009)."""
        if self._strategy == "bipop" and self._spent["small"] < self._spent["large"]:
            self._regime = "small"
            share = stream(self._seed, "population", self._restarts).random() ** 2
            return max(2, int(self.first_population * (self._large / (2 * self.first_population)) ** share))
        self._regime = "large"
        self._large *= 2
        return self._large

    def _begin(self, population: int) -> None:
        import numpy as np
        from cmaes import CMAwM  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - it has none

        self._size = population
        chance = stream(self._seed, "restart", self._restarts)
        middle = [chance.random() if self._restarts else 0.5 for _ in range(self._count)]
        self._search = CMAwM(
            mean=np.array(middle),
            sigma=self._sigma,
            bounds=np.array([[0.0, 1.0]] * self._count),
            steps=np.array([axis.step for axis in self._axes for _ in range(axis.count)]),
            population_size=population,
            seed=0,
        )
