"""What may be wrong with the settings that all halving algorithms have."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeAlias

from algorithms import dimensions, settings
from algorithms.contract import Problem
from algorithms.halving import ladder
from algorithms.halving.ladder import Rung
from algorithms.settings import Kind, Setting
from kagit.errors import Refused
from kagit.findings import Issue, Severity
from kagit.space import Distribution, Parameter, ParameterType, Space
from kagit.spelling import short

SETTINGS = (
    Setting(
        name="r_l",
        kind=Kind.REAL,
        low=0,
        open=True,
        required=True,
        meaning="the most of the resource that one trial is given",
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
        meaning="one of so many trials goes on to the next rung, which has so many times as much of the resource",
    ),
    settings.RANDOM_STATE,
)

Needs: TypeAlias = Callable[[tuple[Rung, ...]], tuple[int, int, str]]
"""Of these rungs: trials of the lowest, trials until one has climbed to the highest, and that in words."""


def check(problem: Problem, *, algorithm: str, unknown: Severity, needs: Needs) -> Iterator[Issue]:
    """What is wrong with settings or space, with places below `spec`; empty when it can run."""
    found = (
        *settings.check(problem.settings, SETTINGS, algorithm=algorithm, unknown=unknown),
        *dimensions.check(problem.space),
    )
    yield from found
    if len(problem.space) and not any(issue.severity is Severity.ERROR for issue in found):
        yield from _resource(problem, needs)


def _resource(problem: Problem, needs: Needs) -> Iterator[Issue]:
    name, r_l = problem.settings["resource_name"], problem.settings["r_l"]
    resource = next((one for one in problem.space if one.name == name), None)
    if resource is None:
        known = ", ".join(parameter.name for parameter in problem.space)
        message = f"resource_name is {short(name)!r}, which is no parameter; give one of {known}"
        yield Issue(at=_value(problem, "resource_name"), message=message, slug="resource-unknown")
        return
    try:
        rungs = ladder.rungs(resource, problem.settings)
    except Refused as error:
        culprit = "resource_name" if resource.type is ParameterType.CATEGORICAL else "r_l"
        yield Issue(at=_value(problem, culprit), message=str(error), slug="resource-without-rungs")
        return
    end = ladder.end(resource)
    if Decimal(r_l) > end:
        message = f"r_l is {r_l}, but {name} ends at {end}, so no trial is given more"
        message = f"{message}; let it go on to {r_l}, or give r_l {end}"
        yield _warning(_value(problem, "r_l"), message, "resource-ends-below")
    yield from _shape(problem, resource, rungs)
    yield from _counts(problem, rungs, needs)


def _shape(problem: Problem, resource: Parameter, rungs: tuple[Rung, ...]) -> Iterator[Issue]:
    if len(rungs) == 1:
        message = f"every trial is given {rungs[0].text} of {resource.name}, so nothing is halved"
        way = "let the range begin above 0, and r_l and its end be at least eta times that, or use random"
        yield _warning(_value(problem, "r_l"), f"{message}; {way}", "one-rung")
    if resource.is_range and resource.distribution is not Distribution.UNIFORM:
        at = ("parameters", list(problem.space).index(resource), "feasibleSpace", "distribution")
        message = f"distribution of {resource.name} has no effect, because its values come from r_l and eta; remove it"
        yield _warning(at, message, "distribution-ignored")


def _counts(problem: Problem, rungs: tuple[Rung, ...], needs: Needs) -> Iterator[Issue]:
    first, whole, said = needs(rungs)
    name, budget = problem.settings["resource_name"], problem.max_trials
    if budget is not None and budget < whole:
        message = f"maxTrialCount is {budget}, but {said}"
        message = f"{message}; raise it to at least {whole}, or give a smaller r_l or a larger eta"
        yield _warning(("maxTrialCount",), message, "budget-below-bracket")
    others = Space(tuple(one for one in problem.space if one.name != name))
    size = dimensions.combinations(dimensions.of(others))
    if size is not None and size < first:
        message = f"the lowest rung tries {first} configurations, but without {name} there are only {size}"
        way = "some are tried twice; widen the search space, or give a smaller r_l"
        yield _warning(("parameters",), f"{message}; {way}", "space-smaller-than-rung")


def _value(problem: Problem, setting: str) -> tuple[str | int, ...]:
    return ("algorithm", "algorithmSettings", list(problem.settings).index(setting), "value")


def _warning(at: tuple[str | int, ...], message: str, slug: str) -> Issue:
    return Issue(at=at, message=message, slug=slug, severity=Severity.WARNING)
