"""Katib's `bayesianoptimization`: which point is handed out; the one door to the model.

The model is made of the finished trials in the order of their index and kept until there is another one. Running
trials are taken for finished ones that gave what the model expects of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from algorithms import budgets, dimensions
from algorithms.bayesian import settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.dimensions import Dimension
from algorithms.history import is_new
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Setting, whole
from algorithms.sobol import MOST_DIMENSIONS, Sobol
from kagit.findings import Issue, Severity
from kagit.objective import ObjectiveType
from kagit.space import Point

_MANY_DIMENSIONS = 100


@dataclass(frozen=True, slots=True)
class BayesianOptimization:
    """Katib's `bayesianoptimization`: a Gaussian process over shares of probability."""

    name: str = "bayesianoptimization"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return settings.SETTINGS

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings),
            *dimensions.check(problem.space),
            *budgets.check(problem, ends=False),
            *_many(len(problem.space)),
        )

    def start(self, problem: Problem) -> "_BayesianOptimization":
        """A fresh optimizer without history."""
        return _BayesianOptimization(problem)

    def engine(self) -> str:
        """Libraries and versions that answer."""
        from importlib.metadata import version

        return f"numpy+scipy {version('numpy')}+{version('scipy')}"


def _many(count: int) -> Iterator[Issue]:
    if count > MOST_DIMENSIONS:
        message = f"bayesianoptimization takes {MOST_DIMENSIONS} parameters at most, here are {count}; use random"
        yield Issue(at=("parameters",), message=message, slug="too-many-parameters")
    elif count > _MANY_DIMENSIONS:
        message = f"a Gaussian process learns little from {count} parameters; remove some, or use tpe"
        yield Issue(at=("parameters",), message=message, slug="many-parameters", severity=Severity.WARNING)


class _Model(Protocol):
    """What is used of `model.py`, which needs NumPy and SciPy."""

    def tell(self, trial: Finished) -> None: ...

    def ask(self, *, running: list[Point], seed: int) -> Iterator[Point]: ...


class _BayesianOptimization:
    def __init__(self, problem: Problem) -> None:
        self._problem, self._seed = problem, seed_of(problem)
        self._space = dimensions.of(problem.space)
        self._names = tuple(one.name for one in self._space)
        self._draws = Draws(self._space, seed=self._seed)
        self._startup = max(whole(problem.settings, "n_initial_points", 10), 1)
        self._told: dict[int, Finished] = {}
        self._tried: set[tuple[str, ...]] = set()
        self._valued = 0
        self._news: list[Finished] = []
        self._even = Sobol().start(problem)
        self._model: _Model | None = None

    def tell(self, trial: Finished) -> None:
        if not is_new(trial, self._told, space=self._problem.space):
            return
        self._tried.add(self._key(trial.point))
        self._valued += trial.value is not None
        self._news.append(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        others = [running[i] for i in sorted(running) if i != index and i not in self._told]
        taken = {self._key(point) for point in others}
        for point in self._candidates(index, others):
            key = self._key(point)
            if key not in taken and key not in self._tried:
                return Proposal(point=point)
        free = self._draws.another(index, taken=taken | self._tried) or self._draws.another(index, taken=taken)
        return Proposal(point=free or self._draws.point(index))

    def _key(self, point: Point) -> tuple[str, ...]:
        return tuple(point[name] for name in self._names)

    def _candidates(self, index: int, running: list[Point]) -> Iterator[Point]:
        if self._valued < self._startup or all(one.size == 1 for one in self._space):
            answer = self._even.ask(index=index, running={})
            if isinstance(answer, Proposal):
                yield answer.point
            return
        yield from self._fed().ask(running=running, seed=stream(self._seed, "search", index).getrandbits(64))

    def _fed(self) -> _Model:
        """The model with all that was told."""
        if self._model is None:
            self._model = _model(self._problem, self._space)
        while self._news:
            self._model.tell(self._news.pop())
        return self._model


def _model(problem: Problem, space: tuple[Dimension, ...]) -> _Model:
    from algorithms.bayesian.model import Model

    return Model(
        space,
        gain=settings.gain(problem.settings),
        polish=settings.polishes(problem.settings),
        sign=-1.0 if problem.direction is ObjectiveType.MAXIMIZE else 1.0,
    )
