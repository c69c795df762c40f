"""The search space (spec katib.md section 3.5, and what Katib only finds out when it is too late)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from kagit.findings import Issue, Severity
from kagit.objective import number
from kagit.shapes import mapping, sequence, text
from kagit.space import Distribution, ParameterType
from kagit.spelling import did_you_mean, short
from kagit.v1beta1.schema import Place

_TYPES = tuple(ParameterType)
_DISTRIBUTIONS = tuple(Distribution)
_RANGE = ("min", "max", "step")
_LONGEST_NUMBER = 64
_INT64 = 2**63


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with parameters and nasConfig of an effective spec."""
    parameters, nas = sequence(spec.get("parameters")), "nasConfig" in spec
    if not parameters and not nas:
        message = "there is nothing to search; give at least one parameter under parameters"
        yield Issue(at=("spec",), message=message, slug="parameters-missing")
    if parameters and nas:
        message = "parameters and nasConfig exclude each other; remove one"
        yield Issue(at=("spec",), message=message, slug="parameters-and-nas")
    seen: set[str] = set()
    for i, one in enumerate(parameters):
        at: Place = ("spec", "parameters", i)
        if one is not None:
            yield from _identity(mapping(one), at, seen)
            yield from _parameter(mapping(one), at)


def _identity(parameter: Mapping[str, Any], at: Place, seen: set[str]) -> Iterator[Issue]:
    name = text(parameter.get("name"))
    if not name:
        yield Issue(at=(*at, "name"), message="parameter has no name; give one", slug="parameter-name-missing")
    elif name in seen:
        message = f"parameter {short(name)} is there twice; rename or remove one"
        yield Issue(at=(*at, "name"), message=message, slug="parameter-twice")
    seen.add(name)


def _parameter(parameter: Mapping[str, Any], at: Place) -> Iterator[Issue]:
    kind, name = text(parameter.get("parameterType")), short(text(parameter.get("name")))
    if kind not in _TYPES:
        what = f"is {short(kind)!r}; {did_you_mean(kind, _TYPES)}" if kind else f"is missing; give {', '.join(_TYPES)}"
        yield Issue(at=(*at, "parameterType"), message=f"parameterType of {name} {what}", slug="parameter-type-unknown")
    at = (*at, "feasibleSpace")
    space = {key: value for key, value in mapping(parameter.get("feasibleSpace")).items() if value not in ("", [])}
    distribution = text(space.pop("distribution", "uniform"))
    if distribution not in (*_DISTRIBUTIONS, "unknown"):
        message = f"distribution of {name} is {short(distribution)!r}; {did_you_mean(distribution, _DISTRIBUTIONS)}"
        yield Issue(at=(*at, "distribution"), message=message, slug="distribution-unknown")
    if not space:
        message = f"feasibleSpace of {name} is empty; give min and max, or a list"
        yield Issue(at=at, message=message, slug="space-empty")
    elif kind in {"double", "int"}:
        yield from _range(space, at, name=name, whole=kind == "int", log=distribution in {"logUniform", "logNormal"})
    elif kind in _TYPES:
        yield from _list(space, at, name=name, numeric=kind == "discrete")
        if distribution in _DISTRIBUTIONS and distribution != "uniform":
            message = f"distribution of {name} has no effect on a {kind} parameter; remove it"
            yield Issue(
                at=(*at, "distribution"), message=message, slug="distribution-ignored", severity=Severity.WARNING
            )


def _range(space: Mapping[str, Any], at: Place, *, name: str, whole: bool, log: bool) -> Iterator[Issue]:
    if "list" in space:
        message = f"{name} is a number between min and max, but has a list; remove it, or make it discrete"
        yield Issue(at=(*at, "list"), message=message, slug="list-on-range")
    for key in ("max", "min"):
        if key not in space:
            yield Issue(at=(*at, key), message=f"{name} has no {key}; give one", slug="range-incomplete")
    numbers: dict[str, Decimal] = {}
    for key in _RANGE:
        if key in space:
            why = number_problem(space[key], whole=whole)
            if why:
                yield Issue(
                    at=(*at, key), message=f"{key} of {name} is {short(space[key])!r}, {why}", slug="not-a-number"
                )
            else:
                numbers[key] = Decimal(space[key])
    yield from _order(numbers, at, name=name, log=log)


def _order(numbers: Mapping[str, Decimal], at: Place, *, name: str, log: bool) -> Iterator[Issue]:
    low, high, step = (numbers.get(key) for key in _RANGE)
    if low is not None and high is not None and low > high:
        message = f"min of {name} is {low}, above max {high}; swap them"
        yield Issue(at=(*at, "min"), message=message, slug="range-inverted")
    if log and low is not None and low <= 0:
        message = f"min of {name} is {low}; a logarithmic distribution needs a min above 0"
        yield Issue(at=(*at, "min"), message=message, slug="log-not-positive")
    if step is not None and float(step) <= 0:
        message = f"step of {name} is {step}; give a step above 0, or remove it"
        yield Issue(at=(*at, "step"), message=message, slug="step-not-positive")
    elif step is not None and low is not None and high is not None and low < high and step > high - low:
        message = f"step of {name} is {step}, wider than min to max, so that only min is tried; give a smaller step"
        yield Issue(at=(*at, "step"), message=message, slug="step-too-wide", severity=Severity.WARNING)


def _list(space: Mapping[str, Any], at: Place, *, name: str, numeric: bool) -> Iterator[Issue]:
    if any(key in space for key in _RANGE):
        message = f"{name} takes its values from a list; remove {', '.join(key for key in _RANGE if key in space)}"
        yield Issue(at=at, message=message, slug="range-on-list")
    values = sequence(space.get("list"))
    if not values:
        message = f"list of {name} is empty; give the values to choose from"
        yield Issue(at=(*at, "list"), message=message, slug="list-empty")
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value is None:
            continue
        why = number_problem(value, whole=False) if numeric else ""
        if why:
            message = f"value of {name} is {short(value)!r}, {why}, or make {name} categorical"
            yield Issue(at=(*at, "list", i), message=message, slug="not-a-number")
        if value in seen:
            message = f"value {short(value)!r} of {name} is there twice; remove one"
            yield Issue(at=(*at, "list", i), message=message, slug="value-twice", severity=Severity.WARNING)
        seen.add(value)


def number_problem(text_: str, *, whole: bool) -> str:
    """Why a text cannot be a bound, with the way out; empty if it can."""
    if len(text_) > _LONGEST_NUMBER:
        return f"which is too long; give at most {_LONGEST_NUMBER} characters"
    try:
        value = Decimal(text_)
    except ArithmeticError:
        return "not a number; give one"
    if number(text_) is None or "_" in text_ or text_ != text_.strip() or not text_.isascii():
        return "not a finite number; give a plain one"
    if whole and (value != value.to_integral_value() or abs(value) >= _INT64):
        return "not a whole number below 2**63; give one, or make the parameter double"
    return ""
