"""The rungs: how much of the resource a trial may be given, from the least to the most.

The most is `r_l`, or the end of the parameter's range where that is less; each rung below has an `eta`-th of it,
rounded down to a legal value, as long as that is at least the parameter's least value above 0. Rungs whose values
fall together are one.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from algorithms import dimensions
from algorithms.contract import Finished, Problem
from algorithms.dimensions import Choices, Dimension, Reals
from algorithms.history import is_new
from algorithms.numbers import clamped_text, number_of
from kagit.errors import Refused
from kagit.space import Parameter, ParameterType, Point, Space

MOST_RUNGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """An amount of the resource: as a point has it, as a number, and how many times less it is than the most."""

    text: str
    value: Decimal
    divisor: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The rungs from the least to the most, and the space of configurations, which is all but the resource."""

    resource: str
    rungs: tuple[Rung, ...]
    whole: Space
    space: Space

    def point(self, configuration: Point, *, rung: int) -> Point:
        """A configuration with as much of the resource as that rung has."""
        given = {**configuration, self.resource: self.rungs[rung].text}
        return {one.name: given[one.name] for one in self.whole}

    def configuration(self, point: Point) -> Point:
        """A point without the resource."""
        return {one.name: point[one.name] for one in self.space}

    def rung_of(self, point: Point) -> int | None:
        """The rung that a point stands on, if it is on one."""
        value = number_of(point[self.resource])
        return next((i for i, rung in enumerate(self.rungs) if rung.value == value), None)

    def learns(self, told: dict[int, Finished], trial: Finished) -> bool:
        """Whether the trial is new, which is noted; Broken if it contradicts what was told or is outside the space."""
        return is_new(trial, told, space=self.whole)


def ladder(problem: Problem) -> Ladder:
    """The ladder of a problem; Refused where its settings allow none."""
    missing = [name for name in ("r_l", "resource_name") if name not in problem.settings]
    if missing:
        raise Refused(f"settings are missing; give {' and '.join(missing)}")
    name = problem.settings["resource_name"]
    resource = next((one for one in problem.space if one.name == name), None)
    if resource is None:
        raise Refused(f"resource_name is {name!r}, which is no parameter; give one of {_names(problem.space)}")
    space = Space(tuple(one for one in problem.space if one.name != name))
    return Ladder(resource=name, rungs=rungs(resource, problem.settings), whole=problem.space, space=space)


def rungs(resource: Parameter, settings: Mapping[str, str]) -> tuple[Rung, ...]:
    """The rungs of a resource, the least first; Refused where there is none, or more than anybody can climb."""
    one = _numeric(resource)
    r_l, eta = Fraction(Decimal(settings["r_l"])), Fraction(Decimal(settings.get("eta", "3")))
    least = _least(one, r_l)
    top = _legal(one, r_l)
    if top is None:
        way = f"give at least {least}" if least else f"give {one.name} a value above 0"
        raise Refused(f"r_l is {settings['r_l']}, and {one.name} has no value above 0 up to that; {way}")
    lowest, most = Fraction(number_of(least or top)), Fraction(number_of(top))
    found: dict[str, Rung] = {}
    for power in range(MOST_RUNGS + 1):
        divisor = eta**power
        text = _legal(one, most / divisor) if most / divisor >= lowest else None
        if text is None:
            return tuple(sorted(found.values(), key=lambda rung: rung.value))
        found[text] = Rung(text=text, value=number_of(text), divisor=divisor)
    message = f"there are more than {MOST_RUNGS} rungs from {lowest} to {most}"
    raise Refused(f"{message}; give a larger eta, a smaller r_l, or a larger min of {one.name}")


def end(resource: Parameter) -> Decimal:
    """The largest value of a numeric parameter."""
    return resource.bounds[1] if resource.is_range else max(number_of(text) for text in resource.values)


def _names(parameters: Iterable[Parameter]) -> str:
    return ", ".join(one.name for one in parameters)


def _numeric(resource: Parameter) -> Dimension:
    if resource.type is ParameterType.CATEGORICAL:
        message = f"{resource.name} is categorical, and a resource is a number"
        raise Refused(f"{message}; make it int, double or discrete, or name another parameter")
    return next(iter(dimensions.of(Space((resource,)))))


def _legal(one: Dimension, most: Fraction) -> str | None:
    """The largest legal value above 0 that is at most `most`."""
    if isinstance(one, Reals):
        text = clamped_text(float(min(most, Fraction(one.high))), low=one.low, high=one.high)
        within = one.low <= most
    elif isinstance(one, Choices):
        rank = sum(Fraction(number_of(value)) <= most for value in one.values) - 1
        text, within = one.text(max(rank, 0)), rank >= 0
    else:
        rank = min(math.floor((most - Fraction(one.low)) / Fraction(one.step)), one.size - 1)
        text, within = one.text(max(rank, 0)), rank >= 0
    return text if within and number_of(text) > 0 else None


def _least(one: Dimension, r_l: Fraction) -> str | None:
    """The least legal value above 0; doubles that begin at 0 or below have none, so 1 is taken for it, as in Katib."""
    if isinstance(one, Reals):
        if one.low > 0:
            return clamped_text(float(one.low), low=one.low, high=one.high)
        return _legal(one, min(Fraction(1), r_l))
    if isinstance(one, Choices):
        return next((value for value in one.values if number_of(value) > 0), None)
    rank = max(0, math.floor(-Fraction(one.low) / Fraction(one.step)) + 1)
    return one.text(rank) if rank < one.size else None
