"""Settings of Katib's algorithms that are not in the catalog yet (spec katib.md section 5).

Whoever adds one of them to the catalog takes its settings from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from algorithms import settings
from algorithms.contract import Problem
from algorithms.settings import RANDOM_STATE, Kind, Setting
from kagit.findings import Issue, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An algorithm as far as its settings go. `unknown`: how bad a setting is that Katib's own service passes over."""

    settings: tuple[Setting, ...] = ()
    unknown: Severity | None = Severity.ERROR
    instead: str = "random or tpe"


def check(name: str, problem: Problem) -> Iterator[Issue]:
    """What is wrong with the settings of one of `ALGORITHMS` for this problem, with places below `spec`."""
    known = ALGORITHMS[name]
    yield from settings.check(problem.settings, known.settings, algorithm=name, unknown=known.unknown)


def _whole(name: str, low: int, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.WHOLE, low=low, default=default, meaning=meaning)


def _choice(name: str, choices: tuple[str, ...], meaning: str) -> Setting:
    return Setting(name=name, kind=Kind.TEXT, choices=choices, default=choices[0], meaning=meaning)


_BAYESIAN = (
    _choice("base_estimator", ("GP", "RF", "ET", "GBRT"), "the model of the objective"),
    _whole("n_initial_points", 0, "10", "until so many trials have a value, points are random"),
    _choice("acq_func", ("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"), "what makes a point worth trying"),
    _choice("acq_optimizer", ("auto", "sampling", "lbfgs"), "how the best point of the model is found"),
    RANDOM_STATE,
)


ALGORITHMS: Mapping[str, Known] = {
    "bayesianoptimization": Known(settings=_BAYESIAN, instead="tpe"),
}
"""By Katib's names; those that are in the catalog say by themselves what they take."""
