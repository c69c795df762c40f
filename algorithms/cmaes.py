"""Evolution of a distribution over the space, with restarts.

The state is never stored: it follows from the history, a generation being the next trials with a value in the order of
their numbers. Where one ends out of order the generations are made anew, which is cheap.
"""

import math
from bisect import insort
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from algorithms import dimensions, settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.evolution import Cube, Draw, Search
from algorithms.history import is_new
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Kind, Setting
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
_SAME = 1e-12
_TRIES = 16
_PATIENCE = 4
"""Generations that a trial may be late before the others go on without it."""


@dataclass(frozen=True, slots=True)
class CmaEs:
    """Katib's `cmaes`: CMA-ES where all is continuous, CatCMA with margin where there are steps or categories."""

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
        self._cube = Cube(self._space)
        self._draws = Draws(self._space, seed=self._seed)
        self._told: dict[int, Finished] = {}
        self._valued: list[int] = []
        self._points: set[tuple[str, ...]] = set()
        self._evolution: _Evolution | None = None
        self._used = 0

    def tell(self, trial: Finished) -> None:
        if not is_new(trial, self._told, space=self._problem.space):
            return
        if trial.value is None:
            return
        self._points.add(self._key(trial.point))
        if self._used and trial.index < self._valued[self._used - 1]:
            self._evolution, self._used = None, 0  # it belongs to a generation that was made without it
        insort(self._valued, trial.index)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        running_points = {self._key(point) for point in others.values()}
        for point in self._samples(index, others):
            if self._key(point) not in running_points and self._key(point) not in self._points:
                return Proposal(point=point)
        taken = running_points | self._points
        free = self._draws.another(index, taken=taken) or self._draws.another(index, taken=running_points)
        return Proposal(point=free or self._draws.point(index))

    def _samples(self, index: int, running: Mapping[int, Point]) -> Iterator[Point]:
        evolution = self._grown(index, running)
        if evolution is None:
            return
        begin = self._valued[self._used - 1] + 1 if self._used else 0
        for attempt in range(_TRIES):
            yield evolution.sample(Draw(generation=self._used, slot=index - begin, index=index, attempt=attempt))

    def _key(self, point: Point) -> tuple[str, ...]:
        return tuple(point[one.name] for one in self._space)

    def _grown(self, index: int, running: Mapping[int, Point]) -> "_Evolution | None":
        """The evolution after all generations that are complete, up to the first trial that is waited for.

        None where every parameter has one value.
        """
        if not self._cube.count:
            return None
        evolution = self._evolution or _Evolution(self._problem, self._cube, self._seed)
        late = index - _PATIENCE * evolution.first_population
        limit = min((i for i in running if i >= late), default=index)
        if self._used and self._valued[self._used - 1] >= limit:
            # What is waited for now was not waited for before: the answer must not depend on that.
            evolution, self._used = _Evolution(self._problem, self._cube, self._seed), 0
        self._evolution = evolution
        sign = -1.0 if self._problem.direction is ObjectiveType.MAXIMIZE else 1.0
        while True:
            end = self._used + evolution.population
            if end > len(self._valued) or self._valued[end - 1] >= limit:
                return evolution
            trials = [self._told[i] for i in self._valued[self._used : end]]
            evolution.learn([(trial.point, sign * (trial.value or 0.0)) for trial in trials])
            self._used = end


class _Evolution:
    """One search after the other; begun anew where it has converged and that is wished."""

    def __init__(self, problem: Problem, cube: Cube, seed: int) -> None:
        self._cube, self._seed = cube, seed
        self._sigma = settings.real(problem.settings, "sigma", _FIRST_SIGMA)
        self._strategy = problem.settings.get("restart_strategy", "none").lower()
        self.first_population: int = 4 + math.floor(3 * math.log(cube.count))
        self._restarts = 0
        self._spent = {"small": 0, "large": 0}
        self._regime = "large"
        self._large = self.first_population
        self._begin(self.first_population)

    @property
    def population(self) -> int:
        """How many trials make the next generation."""
        return self._search.population

    def sample(self, draw: Draw) -> Point:
        """A point of the present generation."""
        return self._search.sample(draw)

    def learn(self, generation: Sequence[tuple[Point, float]]) -> None:
        """One generation more; values are minimised."""
        best_first = sorted(generation, key=lambda one: one[1])
        is_sound = self._search.learn([point for point, _ in best_first])
        self._spent[self._regime] += len(generation)
        self._seen.append((best_first[0][1], best_first[-1][1]))
        anew = is_sound and self._strategy != "none" and (self._is_flat() or self._search.has_converged())
        if anew or not is_sound:
            self._restarts += 1
            self._begin(self._next_population() if anew else self.population)

    def _is_flat(self) -> bool:
        """Whether all values of the last generations are the same (TolFun of Hansen, 2016)."""
        full = len(self._seen) == self._seen.maxlen
        return full and max(high for _, high in self._seen) - min(low for low, _ in self._seen) < _SAME

    def _next_population(self) -> int:
        """Twice as many (IPOP); BIPOP goes back to few as long as those have cost less so far (Hansen, 2009)."""
        if self._strategy == "bipop" and self._spent["small"] < self._spent["large"]:
            self._regime = "small"
            share = stream(self._seed, "population", self._restarts).random() ** 2
            ratio = max(1.0, self._large / (2 * self.first_population))
            return int(self.first_population * ratio**share)
        self._regime = "large"
        self._large *= 2
        return self._large

    def _begin(self, population: int) -> None:
        self._search = Search(
            self._cube, population=population, sigma=self._sigma, seed=self._seed, restarts=self._restarts
        )
        term = 10 + math.ceil(30 * self._cube.count / population)
        self._seen: deque[tuple[float, float]] = deque(maxlen=term)
