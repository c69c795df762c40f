"""The one door to optuna: its tree-structured Parzen estimator behind our own history.

Its sampler is made anew before every answer, with the seed of that answer.
"""

import math
import warnings
from bisect import insort
from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from algorithms import budgets, dimensions, settings
from algorithms.contract import Finished, Problem
from algorithms.dimensions import Dimension
from algorithms.parzen import Codes, Model, Parzen, is_ranked
from algorithms.settings import Kind, Setting
from kagit.findings import Issue

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

_STARTUP = 10
_BY_NUMBER = attrgetter("number")


@dataclass(frozen=True, slots=True)
class Tpe:
    """Katib's `tpe`: every parameter by itself, with running trials taken for bad ones so that a batch spreads out.

    Called `multivariate-tpe` it looks at all parameters together, so that it sees how they depend on each other. With
    several objectives it prefers points that no other beats, and with constraints those that break them least.
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

    def start(self, problem: Problem) -> Parzen:
        """A fresh optimizer without history."""
        startup = settings.whole(problem.settings, "n_startup_trials", _STARTUP)
        return Parzen(problem, startup=startup, opening=partial(_open_model, together=self.name != "tpe"))

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
        if one.size is None or not is_ranked(one):
            return FloatDistribution(0, 1)
        return IntDistribution(0, one.size - 1) if one.ordered else CategoricalDistribution(range(one.size))

    return {one.name: distribution(one) for one in space}


def _freezer(ranges: dict[str, Any]) -> Callable[..., Any]:
    """Makes optuna's trials over these distributions: one without `values` runs."""
    from optuna.trial import FrozenTrial, TrialState

    def frozen(
        index: int, params: Codes, *, values: Sequence[float] | None = None, excess: Sequence[float] = ()
    ) -> FrozenTrial:
        state = TrialState.RUNNING if values is None else TrialState.COMPLETE
        broken = {"constraints": list(excess)} if excess else {}
        return FrozenTrial(index, state, None, None, None, params, ranges, {}, broken, {}, index, values=values)

    return frozen


@_quiet()
def _open_model(problem: Problem, space: tuple[Dimension, ...], *, together: bool) -> Model:
    """Optuna without history, which it will read from us: a trial's number is its index, some may be missing."""
    from optuna import load_study
    from optuna.pruners import NopPruner
    from optuna.samplers import TPESampler
    from optuna.storages import InMemoryStorage
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState

    ranges = _ranges(space)
    frozen = _freezer(ranges)
    arguments = _arguments(problem.settings)

    class Storage(InMemoryStorage):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[FrozenTrial] = []
            self.all: list[FrozenTrial] = []
            aims = (problem.direction, *problem.others)
            self.create_new_study([StudyDirection[one.name] for one in aims], "kagit")

        def get_all_trials(
            self,
            study_id: int,
            deepcopy: bool = True,  # noqa: FBT001, FBT002 - optuna's signature
            states: Container[TrialState] | None = None,
        ) -> list[FrozenTrial]:
            del study_id, deepcopy
            return self.all if states is None or TrialState.RUNNING in states else self.told

        def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ANN401 - optuna's signature
            """Nothing: what the sampler notes for other processes is not looked at by anybody."""
            del trial_id, key, value

        def tell(self, trial: Finished, params: Codes) -> None:
            values = (trial.value or 0.0, *trial.others)
            insort(self.told, frozen(trial.index, params, values=values, excess=trial.excess), key=_BY_NUMBER)

        @_quiet()
        def ask(self, index: int, *, running: Mapping[int, Codes], seed: int) -> Codes:
            now = [frozen(i, params) for i, params in running.items()]
            self.all = sorted(self.told + now, key=_BY_NUMBER) if now else self.told
            trial = frozen(index, {})
            sampler = TPESampler(seed=seed, multivariate=together, constant_liar=True, **arguments)
            study = load_study(study_name="kagit", storage=self, sampler=sampler, pruner=NopPruner())
            if together:
                return sampler.sample_relative(study, trial, ranges)
            return {name: sampler.sample_independent(study, trial, name, ranges[name]) for name in ranges}

    return Storage()
