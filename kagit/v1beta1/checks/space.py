"""The search space (spec katib.md section 3.5, and what Katib only finds out when it is too late)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.space import Distribution, ParameterType
from kagit.spelling import did_you_mean, short
from kagit.v1beta1.checks import numbers
from kagit.v1beta1.schema import Place

_TYPES = tuple(ParameterType)
_DISTRIBUTIONS = tuple(Distribution)
_RANGE = ("min", "max", "step")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AWKWARD = re.compile(r"""[\s"'`\\${}=]""")
_METADATA = re.compile(r"\$\{trialSpec\..+?\}")


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with parameters of an effective spec."""
    given, nas = sequence(spec.get("parameters")), "nasConfig" in spec
    if not given and not nas:
        message = "there is nothing to search; give at least one parameter under parameters"
        yield Issue(at=("spec",), message=message, slug="parameters-missing")
    if given and nas:
        message = "parameters and nasConfig exclude each other; remove one"
        yield Issue(at=("spec",), message=message, slug="parameters-and-nas")
    resource = _resource(spec)
    for issue in parameters(given, ("spec", "parameters")):
        # What hyperband gives out needs no range: the algorithm sets it.
        if issue.slug != "range-single" or text(look(spec, *issue.at[1:3], "name")) != resource:
            yield issue


def _resource(spec: Mapping[str, Any]) -> str:
    settings = sequence(look(spec, "algorithm", "algorithmSettings"))
    return next((text(look(one, "value")) for one in settings if look(one, "name") == "resource_name"), "")


def parameters(given: Sequence[Any], at: Place) -> Iterator[Issue]:
    """What is wrong with a list of parameters, each by itself and together."""
    seen: set[str] = set()
    for i, one in enumerate(given):
        yield from _identity(mapping(one), (*at, i), seen)
        yield from _parameter(mapping(one), (*at, i))


def _identity(fields: Mapping[str, Any], at: Place, seen: set[str]) -> Iterator[Issue]:
    at, name = (*at, "name"), text(fields.get("name"))
    if not name:
        yield Issue(at=at, message="parameter has no name; give one", slug="parameter-name-missing")
    elif name in seen:
        message = f"parameter {short(name)} is there twice; rename or remove one"
        yield Issue(at=at, message=message, slug="parameter-twice")
    elif _CONTROL.search(name) or _METADATA.search(name):
        what = "a line end or control character" if _CONTROL.search(name) else "the form of trial metadata"
        message = f"parameter name {short(name)!r} has {what}; use letters, digits, '_' and '-'"
        yield Issue(at=at, message=message, slug="parameter-name-invalid")
    elif _AWKWARD.search(name):
        message = f"parameter name {short(name)!r} can be no flag and no variable; use letters, digits, '_' and '-'"
        yield Issue(at=at, message=message, slug="parameter-name-awkward", severity=Severity.WARNING)
    seen.add(name)


def _parameter(fields: Mapping[str, Any], at: Place) -> Iterator[Issue]:
    kind, name = text(fields.get("parameterType")), short(text(fields.get("name"))) or "this parameter"
    if kind not in _TYPES:
        what = f"is {short(kind)!r}; {did_you_mean(kind, _TYPES)}" if kind else f"is missing; give {', '.join(_TYPES)}"
        yield Issue(at=(*at, "parameterType"), message=f"parameterType of {name} {what}", slug="parameter-type-unknown")
    at = (*at, "feasibleSpace")
    space = {key: value for key, value in mapping(fields.get("feasibleSpace")).items() if value not in ("", [])}
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
            yield _warning((*at, "distribution"), message, "distribution-ignored")


def _range(space: Mapping[str, Any], at: Place, *, name: str, whole: bool, log: bool) -> Iterator[Issue]:
    if "list" in space:
        message = f"{name} is a number between min and max, but has a list; remove it, or make it discrete"
        yield Issue(at=(*at, "list"), message=message, slug="list-on-range")
    for key in ("max", "min"):
        if key not in space:
            yield Issue(at=(*at, key), message=f"{name} has no {key}; give one", slug="range-incomplete")
    known: dict[str, Decimal] = {}
    for key in _RANGE:
        if key in space:
            why = numbers.problem(space[key], whole=whole)
            if why:
                message = f"{key} of {name} is {short(space[key])!r}, {why}"
                yield Issue(at=(*at, key), message=message, slug="not-a-number")
            else:
                known[key] = Decimal(space[key])
    yield from _ends(known, at, name=name, log=log)
    yield from _step(known, at, name=name)
    if whole:
        yield from _large(known, at, name=name)


def _ends(known: Mapping[str, Decimal], at: Place, *, name: str, log: bool) -> Iterator[Issue]:
    low, high = known.get("min"), known.get("max")
    if low is not None and high is not None and low > high:
        message = f"min of {name} is {low}, above max {high}; swap them"
        yield Issue(at=(*at, "min"), message=message, slug="range-inverted")
    if low is not None and low == high:
        message = f"min and max of {name} are both {low}, so there is nothing to search"
        message = f"{message}; widen the range, or put {low} into the template"
        yield _warning((*at, "min"), message, "range-single")
    if log and low is not None and low <= 0:
        message = f"min of {name} is {low}; a logarithmic distribution needs a min above 0"
        yield Issue(at=(*at, "min"), message=message, slug="log-not-positive")


def _step(known: Mapping[str, Decimal], at: Place, *, name: str) -> Iterator[Issue]:
    low, high, step = (known.get(key) for key in _RANGE)
    at = (*at, "step")
    if step is None:
        return
    if float(step) <= 0:
        message = f"step of {name} is {step}; give a step above 0, or remove it"
        yield Issue(at=at, message=message, slug="step-not-positive")
    elif low is None or high is None or low >= high:
        return
    elif step > high - low:
        message = f"step of {name} is {step}, wider than min to max, so that only min is tried; give a smaller step"
        yield _warning(at, message, "step-too-wide")
    elif _rest(high - low, step):
        last = high - _rest(high - low, step)
        message = f"step of {name} is {step}, so that the last value is {last} and max {high} is never tried"
        yield _warning(at, f"{message}; give max {last}, or a step that divides {high - low}", "step-uneven")


def _rest(width: Decimal, step: Decimal) -> Decimal:
    """What is left over of a range; nothing where there are more steps than the context can count."""
    try:
        return width % step
    except ArithmeticError:
        return Decimal(0)


def _large(known: Mapping[str, Decimal], at: Place, *, name: str) -> Iterator[Issue]:
    for key in ("min", "max"):
        if key in known and abs(known[key]) > numbers.DOUBLES:
            message = f"{key} of {name} is {known[key]}, beyond 2**53, where doubles skip whole numbers"
            yield _warning((*at, key), f"{message}; give a smaller range, or scale it in the trial", "beyond-doubles")


def _list(space: Mapping[str, Any], at: Place, *, name: str, numeric: bool) -> Iterator[Issue]:
    if any(key in space for key in _RANGE):
        message = f"{name} takes its values from a list; remove {', '.join(key for key in _RANGE if key in space)}"
        yield Issue(at=at, message=message, slug="range-on-list")
    values = sequence(space.get("list"))
    if not values:
        message = f"list of {name} is empty; give the values to choose from"
        yield Issue(at=(*at, "list"), message=message, slug="list-empty")
    if len(values) == 1:
        message = f"list of {name} has one value, so there is nothing to search; add more, or put it into the template"
        yield _warning((*at, "list"), message, "list-single")
    seen: dict[object, str] = {}
    for i, value in enumerate(values):
        yield from _value(value, (*at, "list", i), name=name, numeric=numeric, seen=seen)


def _value(value: object, at: Place, *, name: str, numeric: bool, seen: dict[object, str]) -> Iterator[Issue]:
    if not isinstance(value, str):
        message = f"a value of {name} is nothing; write it down, or remove the line"
        yield Issue(at=at, message=message, slug="value-missing")
        return
    why = numbers.problem(value, whole=False) if numeric else ""
    if why:
        message = f"value of {name} is {short(value)!r}, {why}, or make {name} categorical"
        yield Issue(at=at, message=message, slug="not-a-number")
    means = Decimal(value) if numeric and not why else value
    if means in seen:
        also = "" if seen[means] == value else f", as {short(seen[means])!r}"
        message = f"value {short(value)!r} of {name} is there twice{also}; remove one"
        yield _warning(at, message, "value-twice")
    seen.setdefault(means, value)


def _warning(at: Place, message: str, slug: str) -> Issue:
    return Issue(at=at, message=message, slug=slug, severity=Severity.WARNING)
