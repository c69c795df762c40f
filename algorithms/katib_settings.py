"""Settings of Katib's algorithms that are not in the catalog yet (spec katib.md section 5).

Whoever adds one of them to the catalog takes its settings from here.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from algorithms import settings
from algorithms.contract import Problem
from algorithms.settings import RANDOM_STATE, Kind, Setting
from kagit.findings import Issue, Severity
from kagit.spelling import short


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An algorithm as far as its settings go. `unknown`: how bad a setting is that Katib's own service passes over."""

    settings: tuple[Setting, ...] = ()
    unknown: Severity | None = Severity.ERROR
    instead: str = "random or tpe"
    rule: Callable[[Problem], Iterator[Issue]] | None = None


def check(name: str, problem: Problem) -> Iterator[Issue]:
    """What is wrong with the settings of one of `ALGORITHMS` for this problem, with places below `spec`."""
    known = ALGORITHMS[name]
    found = list(settings.check(problem.settings, known.settings, algorithm=name, unknown=known.unknown))
    yield from found
    if known.rule is not None and not any(issue.severity is Severity.ERROR for issue in found):
        yield from known.rule(problem)


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
_HYPERBAND = (
    Setting(
        name="r_l", kind=Kind.REAL, low=1, required=True, meaning="the most of the resource that one trial is given"
    ),
    Setting(
        name="resource_name", kind=Kind.TEXT, required=True, meaning="the parameter that is the resource, e.g. epochs"
    ),
    Setting(
        name="eta",
        kind=Kind.REAL,
        low=1,
        open=True,
        default="3",
        meaning="one of so many trials goes on to the next rung",
    ),
)
_PBT = (
    Setting(
        name="suggestion_trial_dir", kind=Kind.TEXT, required=True, meaning="where a trial finds and leaves checkpoints"
    ),
    Setting(name="n_population", kind=Kind.WHOLE, low=5, required=True, meaning="members of a generation"),
    Setting(
        name="truncation_threshold",
        kind=Kind.REAL,
        low=0,
        high=1,
        required=True,
        meaning="the share of the population that is replaced, and that is copied",
    ),
    Setting(
        name="resample_probability",
        kind=Kind.REAL,
        low=0,
        high=1,
        default="unset: values are changed by a fifth",
        meaning="how often a value is drawn anew instead of changed a little",
    ),
)


def _resource(problem: Problem) -> Iterator[Issue]:
    name, places = problem.settings["resource_name"], list(problem.settings)
    if len(problem.space) and name not in {parameter.name for parameter in problem.space}:
        at = ("algorithm", "algorithmSettings", places.index("resource_name"), "value")
        known = ", ".join(parameter.name for parameter in problem.space)
        message = f"resource_name is {short(name)!r}, which is no parameter; give one of {known}"
        yield Issue(at=at, message=message, slug="resource-unknown")
    most, eta = settings.real(problem.settings, "r_l", 1), settings.real(problem.settings, "eta", 3)
    rungs = int(math.log(most) / math.log(eta))  # as Katib computes it, rounding included
    least = math.ceil(eta**rungs)
    if problem.parallel < least:
        message = (
            f"parallelTrialCount is {problem.parallel}, but hyperband starts {least} trials at once "
            f"with r_l {most:g} and eta {eta:g}; give at least {least}, a smaller r_l or a larger eta"
        )
        yield Issue(at=("parallelTrialCount",), message=message, slug="parallel-below-rung")


ALGORITHMS: Mapping[str, Known] = {
    "bayesianoptimization": Known(settings=_BAYESIAN, instead="tpe"),
    "hyperband": Known(settings=_HYPERBAND, unknown=Severity.WARNING, rule=_resource),
    "pbt": Known(settings=_PBT, unknown=Severity.WARNING),
}
"""By Katib's names; those that are in the catalog say by themselves what they take."""
