"""The one door to hyperopt: the estimator that Katib's `tpe` is made of, without the faults of Katib's service.

Of losses it looks at the order alone, and which of two equal ones comes first it leaves to chance. So it is given the
places of the trials instead: by value, then by number, running trials last.
"""

import warnings
from bisect import insort
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from algorithms import budgets, dimensions, settings
from algorithms.contract import Finished, Problem
from algorithms.dimensions import Dimension
from algorithms.parzen import Codes, Parzen, is_ranked
from algorithms.settings import Kind, Setting
from kagit.findings import Issue
from kagit.objective import ObjectiveType

SETTINGS = (
    Setting(
        name="gamma",
        kind=Kind.REAL,
        low=0,
        high=1,
        open=True,
        default="0.25",
        meaning="gamma × sqrt(n) of the n trials count as good, rounded up, at most 25",
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
        name="n_startup_trials",
        kind=Kind.WHOLE,
        low=0,
        high=1_000_000,
        default="20",
        meaning="until so many trials have a value, points are random",
    ),
    settings.RANDOM_STATE,
)
_STARTUP = 20


@dataclass(frozen=True, slots=True)
class HyperoptTpe:
    """The estimator of Katib's `tpe`, for those who want the very one; kagit's own `tpe` finds better points."""

    name: str = "hyperopt-tpe"
    is_blind: bool = False

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

    def start(self, problem: Problem) -> Parzen:
        """A fresh optimizer without history."""
        startup = settings.whole(problem.settings, "n_startup_trials", _STARTUP)
        return Parzen(problem, startup=startup, opening=_Hyperopt)

    def engine(self) -> str:
        """Library and version that answers."""
        from importlib.metadata import version

        return f"hyperopt {version('hyperopt')}"


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep hyperopt's warnings (logarithms of 0, what its dependencies have to say) inside this door."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Hyperopt:
    """The estimator and, in the place of hyperopt's Trials, the history that it reads: a trial's tid is its index."""

    def __init__(self, problem: Problem, space: tuple[Dimension, ...]) -> None:
        self._library = _library()
        ranges = {one.name: _range(self._library.hp, one) for one in space}
        self._domain = self._library.Domain(dict, ranges)
        self._ranked = {one.name for one in space if is_ranked(one)}
        self._sign = -1.0 if problem.direction is ObjectiveType.MAXIMIZE else 1.0
        self._settings: dict[str, Any] = {
            "gamma": settings.real(problem.settings, "gamma", 0.25),
            "prior_weight": settings.real(problem.settings, "prior_weight", 1.0),
            "n_EI_candidates": settings.whole(problem.settings, "n_EI_candidates", 24),
            "n_startup_jobs": 0,
        }
        self._best_first: list[tuple[float, int]] = []
        self._told: dict[int, dict[str, Any]] = {}
        self.trials: list[dict[str, Any]] = []

    def tell(self, trial: Finished, params: Codes) -> None:
        insort(self._best_first, (self._sign * (trial.value or 0.0), trial.index))
        self._told[trial.index] = _document(trial.index, params)

    def ask(self, index: int, *, running: Mapping[int, Codes], seed: int) -> Codes:
        self.trials = [self._told[i] for _, i in self._best_first]
        self.trials += [_document(i, running[i]) for i in sorted(running)]
        for place, trial in enumerate(self.trials):
            trial["result"]["loss"] = place
        with _quiet():
            (new,) = self._library.tpe.suggest([index], self._domain, self, seed, verbose=False, **self._settings)
        values = {name: float(value) for name, (value,) in new["vals"].items()}
        return {name: round(value) if name in self._ranked else value for name, value in values.items()}

    @staticmethod
    def new_trial_docs(_tids: object, _specs: object, _results: object, miscs: list[Any]) -> list[Any]:
        """What hyperopt makes of an answer: nothing but the answer."""
        return miscs


def _library() -> Any:  # noqa: ANN401 - it has no types
    """What is imported here only, and takes seconds."""
    with _quiet():
        import hyperopt  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - see above
    return hyperopt


def _range(hp: Any, one: Dimension) -> Any:  # noqa: ANN401 - see above
    """The dimension as hyperopt's: steps count from the first value on, and the outer ones are no rarer."""
    if one.size is None or not is_ranked(one):
        return hp.uniform(one.name, 0, 1)
    return hp.quniform(one.name, -0.5, one.size - 0.5, 1) if one.ordered else hp.randint(one.name, one.size)


def _document(index: int, params: Codes) -> dict[str, Any]:
    idxs, vals = ({name: [index] for name in params}, {name: [value] for name, value in params.items()})
    return {"tid": index, "misc": {"tid": index, "idxs": idxs, "vals": vals}, "result": {}}
