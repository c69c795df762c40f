"""What the tree-structured Parzen estimators here have in common; the estimator itself is a library behind its door.

A model is a cache in the order of the index. Each of its answers depends on what it was told and on the seed of the
number of the point alone, so that a search that lived on and one that was rebuilt answer alike, bit by bit.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from algorithms import dimensions
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.dimensions import Dimension
from algorithms.history import is_new
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from kagit.space import Point

_MAX_RANKS = 2**31
_TRIES = 4

Codes: TypeAlias = dict[str, Any]
"""Parameters as a model sees them: a rank (int) where `is_ranked`, else a share of the probability (float)."""


class Model(Protocol):
    """What is used of a library."""

    def tell(self, trial: Finished, params: Codes) -> None:
        """Learn of a trial with a value."""
        ...

    def ask(self, index: int, *, running: Mapping[int, Codes], seed: int) -> Codes:
        """Parameters for a trial, away from those that run."""
        ...


Opening: TypeAlias = Callable[[Problem, tuple[Dimension, ...]], Model]
"""Makes a model without history, of the dimensions that have several values."""


def is_ranked(one: Dimension) -> bool:
    """Whether a model sees the rank of a value; of a skewed or endless dimension it sees the share of probability."""
    return one.size is not None and one.even and one.size <= _MAX_RANKS


class Parzen:
    """A live search: random points until enough trials have a value, then those of the model."""

    def __init__(self, problem: Problem, *, startup: int, opening: Opening) -> None:
        """Begin without history; the model is opened when it is needed."""
        self._problem, self._startup, self._opening = problem, startup, opening
        self._seed = seed_of(problem)
        space = dimensions.of(problem.space)
        self._fixed = {one.name: one.text(0) for one in space if one.size == 1}
        self._open = tuple(one for one in space if one.size != 1)
        self._names = tuple(one.name for one in space)
        self._draws = Draws(space, seed=self._seed)
        self._told: dict[int, Finished] = {}
        self._news: list[Finished] = []
        self._valued = 0
        self._running: dict[int, tuple[Point, Codes]] = {}
        self._model: Model | None = None

    def tell(self, trial: Finished) -> None:
        """Learn of one finished trial; each index once."""
        if not is_new(trial, self._told, space=self._problem.space):
            return
        if trial.value is not None:
            self._valued += 1
            self._news.append(trial)

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        """Point number `index`, which no running trial has as long as there is another."""
        others = {i: point for i, point in running.items() if i != index and i not in self._told}
        taken = {tuple(point[name] for name in self._names) for point in others.values()}
        for point in self._candidates(index, others):
            if tuple(point.values()) not in taken:
                return Proposal(point=point)
        return Proposal(point=self._draws.another(index, taken=taken) or self._draws.point(index))

    def _candidates(self, index: int, running: Mapping[int, Point]) -> Iterator[Point]:
        if self._valued < self._startup or not self._open:
            yield self._draws.point(index)
            return
        model, codes = self._fed(), self._codes(running)
        for attempt in range(_TRIES):
            seed = stream(self._seed, index, attempt).getrandbits(32)
            params = model.ask(index, running=codes, seed=seed)
            texts = {**self._fixed, **{one.name: _text(one, params[one.name]) for one in self._open}}
            yield {name: texts[name] for name in self._names}

    def _fed(self) -> Model:
        if self._model is None:
            self._model = self._opening(self._problem, self._open)
        while self._news:
            trial = self._news.pop()
            self._model.tell(trial, self._code(trial.point))
        return self._model

    def _codes(self, running: Mapping[int, Point]) -> dict[int, Codes]:
        """Of the running points; those of the last ask are known."""
        known, self._running = self._running, {}
        for i, point in running.items():
            same = i in known and known[i][0] == point
            self._running[i] = known[i] if same else (point, self._code(point))
        return {i: codes for i, (_, codes) in self._running.items()}

    def _code(self, point: Point) -> Codes:
        return {one.name: _code(one, point[one.name]) for one in self._open}


def _code(one: Dimension, text: str) -> int | float:
    return one.rank(text) if one.size is not None and is_ranked(one) else one.share(text)


def _text(one: Dimension, code: float) -> str:
    return one.text(int(code)) if one.size is not None and is_ranked(one) else one.at(code)
