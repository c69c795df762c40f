"""The one door to optuna: its tree-structured Parzen estimator behind our own history.

What optuna holds is a cache in the order of the index. Before every answer its sampler is made anew from the seed and
the number of the point, so that a search that lived on and one that was rebuilt answer alike, bit by bit.
"""

import math
import warnings
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from algorithms import budgets, dimensions, settings
from algorithms.contract import Answer, Finished, Problem, Proposal
from algorithms.dimensions import Dimension
from algorithms.history import checked
from algorithms.random_search import Draws
from algorithms.seeds import seed_of, stream
from algorithms.settings import Kind, Setting
from kagit.errors import Broken
from kagit.findings import Issue
from kagit.objective import ObjectiveType
from kagit.space import Point

SETTINGS = (
    Setting(
        name="gamma",
        kind=Kind.REAL,
        low=0,
        high=1,
        open=True,
        default="unset: a tenth of the n finished trials count as good, at most 25",
        meaning="gamma × sqrt(n) of the n finished trials count as good, rounded up, at most 25",
    ),
    Setting(
        name="prior_weight",
        kind=Kind.REAL,
        low=0,
        open=True,
        default="1.0",
        meaning="weight of the prior against a trial",
    ),
    Setting(
        name="n_EI_candidates",
        kind=Kind.WHOLE,
        low=1,
        high=10_000,
        default="24",
        meaning="draws of which the best counts",
    ),
    Setting(
        name="n_ei_candidates", kind=Kind.WHOLE, low=1, high=10_000, default="24", meaning="the same as n_EI_candidates"
    ),
    Setting(
        name="n_startup_trials",
        kind=Kind.WHOLE,
        low=0,
        high=1_000_000,
        default="10",
        meaning="until so many trials have a value, points are random",
    ),
    settings.RANDOM_STATE,
)

TOGETHER = tuple(one for one in SETTINGS if one.name in {"n_ei_candidates", "n_startup_trials", "random_state"})
"""What Katib's `multivariate-tpe` takes."""

_MAX_RANKS = 2**31
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Tpe:
    """Katib's `tpe`: every parameter by itself, with running trials taken for bad ones so that a batch spreads out.

    Called `multivariate-tpe` it looks at all parameters together, so that it sees how they depend on each other.
    """

    name: str = "tpe"
    is_blind: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What `algorithmSettings` may say."""
        return SETTINGS if self.name == "tpe" else TOGETHER

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """What is wrong with settings or space, with places below `spec`; empty when it can run."""
        return (
            *settings.check(problem.settings, self.settings, algorithm=self.name),
            *_one_spelling(problem.settings),
            *dimensions.check(problem.space),
            *budgets.check(problem, ends=False),
        )

    def start(self, problem: Problem) -> "_Tpe":
        """A fresh optimizer without history."""
        return _Tpe(problem, together=self.name != "tpe")

    def engine(self) -> str:
        """Library and version that answers."""
        from importlib.metadata import version

        return f"optuna {version('optuna')}"


def _one_spelling(given: Mapping[str, str]) -> Iterator[Issue]:
    both = [given[name] for name in ("n_EI_candidates", "n_ei_candidates") if name in given]
    if len(set(both)) > 1:
        at = ("algorithm", "algorithmSettings", list(given).index("n_ei_candidates"), "name")
        message = "n_ei_candidates and n_EI_candidates are the same setting with two values; remove one"
        yield Issue(at=at, message=message, slug="setting-twice")


class _Model(Protocol):
    """What is used of optuna. Parameters are ranks (int) or shares of the probability (float)."""

    def tell(self, index: int, params: dict[str, Any], value: float) -> None: ...

    def ask(self, index: int, *, running: Mapping[int, dict[str, Any]], seed: int) -> dict[str, Any]: ...


class _Tpe:
    def __init__(self, problem: Problem, *, together: bool) -> None:
        self._problem, self._together = problem, together
        self._seed = seed_of(problem)
        space = dimensions.of(problem.space)
        self._fixed = {one.name: one.text(0) for one in space if one.size == 1}
        self._open = tuple(one for one in space if one.size != 1)
        self._names = tuple(one.name for one in space)
        self._draws = Draws(space, seed=self._seed)
        self._startup = settings.whole(problem.settings, "n_startup_trials", 10)
        self._told: dict[int, Finished] = {}
        self._news: list[tuple[Finished, float]] = []
        self._valued = 0
        self._model: _Model | None = None

    def tell(self, trial: Finished) -> None:
        known = self._told.setdefault(checked(trial).index, trial)
        if known is not trial:
            if known != trial:
                raise Broken(f"trial {trial.index} was told twice and differently: {known} and {trial}")
            return
        if not self._problem.space.contains(trial.point):
            raise Broken(f"trial {trial.index} was told with a point outside the search space: {dict(trial.point)}")
        if trial.value is not None:
            self._valued += 1
            self._news.append((trial, trial.value))

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
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
        model = self._fed()
        codes = {i: self._code(point) for i, point in running.items()}
        for attempt in range(_TRIES):
            seed = stream(self._seed, index, attempt).getrandbits(32)
            with _quiet():
                params = model.ask(index, running=codes, seed=seed)
            texts = {**self._fixed, **{one.name: _text(one, params[one.name]) for one in self._open}}
            yield {name: texts[name] for name in self._names}

    def _fed(self) -> _Model:
        with _quiet():
            if self._model is None:
                self._model = _open_model(self._problem, self._open, together=self._together)
            while self._news:
                trial, value = self._news.pop()
                self._model.tell(trial.index, self._code(trial.point), value)
        return self._model

    def _code(self, point: Point) -> dict[str, Any]:
        return {one.name: _code(one, point[one.name]) for one in self._open}


def _ranked(one: Dimension) -> bool:
    """Whether optuna sees the rank of a value; of a skewed or endless dimension it sees the share of probability."""
    return one.size is not None and one.even and one.size <= _MAX_RANKS


def _code(one: Dimension, text: str) -> int | float:
    return one.rank(text) if one.size is not None and _ranked(one) else one.share(text)


def _text(one: Dimension, code: float) -> str:
    return one.text(int(code)) if one.size is not None and _ranked(one) else one.at(code)


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep optuna's log lines and warnings (deprecated settings, logarithms of 0) inside this door."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from optuna import logging

        before = logging.get_verbosity()
        logging.set_verbosity(logging.CRITICAL)
        try:
            yield
        finally:
            logging.set_verbosity(before)


def _arguments(given: Mapping[str, str]) -> dict[str, Any]:
    """The settings as optuna's TPESampler takes them; gamma as hyperopt means it."""
    candidates = settings.whole(given, "n_EI_candidates", settings.whole(given, "n_ei_candidates", 24))
    arguments: dict[str, Any] = {"n_startup_trials": 0, "n_ei_candidates": candidates}
    if "prior_weight" in given:
        arguments["prior_weight"] = float(given["prior_weight"])
    if "gamma" in given:
        arguments["gamma"] = _good_trials(float(given["gamma"]))
    return arguments


def _good_trials(gamma: float) -> Callable[[int], int]:
    return lambda finished: min(math.ceil(gamma * math.sqrt(finished)), 25)


def _ranges(space: tuple[Dimension, ...]) -> dict[str, Any]:
    """The dimensions as optuna's distributions."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def distribution(one: Dimension) -> Any:  # noqa: ANN401 - types of a library that is imported only here
        if one.size is None or not _ranked(one):
            return FloatDistribution(0, 1)
        return IntDistribution(0, one.size - 1) if one.ordered else CategoricalDistribution(range(one.size))

    return {one.name: distribution(one) for one in space}


def _open_model(problem: Problem, space: tuple[Dimension, ...], *, together: bool) -> _Model:
    """Optuna without history, which it will read from us: a trial's number is its index, some may be missing."""
    from optuna import load_study
    from optuna.pruners import NopPruner
    from optuna.samplers import TPESampler
    from optuna.storages import InMemoryStorage
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState

    ranges = _ranges(space)
    arguments = _arguments(problem.settings)

    def frozen(index: int, params: dict[str, Any], value: float | None = None) -> FrozenTrial:
        state = TrialState.RUNNING if value is None else TrialState.COMPLETE
        return FrozenTrial(index, state, value, None, None, params, ranges, {}, {}, {}, index)

    class Model(InMemoryStorage):
        def __init__(self) -> None:
            super().__init__()
            self.told: dict[int, FrozenTrial] = {}
            self.seen: list[FrozenTrial] = []
            maximize = problem.direction is ObjectiveType.MAXIMIZE
            self.create_new_study([StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE], "kagit")

        def get_all_trials(
            self,
            study_id: int,
            deepcopy: bool = True,  # noqa: FBT001, FBT002 - optuna's signature
            states: Container[TrialState] | None = None,
        ) -> list[FrozenTrial]:
            del study_id, deepcopy
            return [trial for trial in self.seen if states is None or trial.state in states]

        def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - optuna's signature
            """Nothing: what the sampler notes for other processes is not looked at by anybody."""
            del trial_id, key, value

        def tell(self, index: int, params: dict[str, Any], value: float) -> None:
            self.told[index] = frozen(index, params, value)

        def ask(self, index: int, *, running: Mapping[int, dict[str, Any]], seed: int) -> dict[str, Any]:
            known = self.told | {i: frozen(i, params) for i, params in running.items()}
            self.seen = [known[i] for i in sorted(known)]
            sampler = TPESampler(seed=seed, multivariate=together, constant_liar=True, **arguments)
            study = load_study(study_name="kagit", storage=self, sampler=sampler, pruner=NopPruner())
            trial = frozen(index, {})
            if together:
                return sampler.sample_relative(study, trial, ranges)
            return {name: sampler.sample_independent(study, trial, name, ranges[name]) for name in ranges}

    return Model()
