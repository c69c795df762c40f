"""Whether a manifest fits the table of fields: one function for types, unknown fields and what is no JSON."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from kagit.findings import Issue, Severity
from kagit.spelling import closest, describe, short
from kagit.v1beta1 import fields_common, fields_experiment
from kagit.v1beta1.shape import ANY, BOOL, INT, NUMBER, OBJECT, TEXT, TEXTS, Leaf, ListOf, MapOf, Record, Shape

__all__ = [
    "ANY", "BOOL", "EXPERIMENT", "INT", "MAX_DEPTH", "MAX_ISSUES", "METADATA", "NUMBER", "OBJECT", "SPEC", "TEXT",
    "TEXTS", "Leaf", "ListOf", "MapOf", "Place", "Record", "Shape", "fit",
]  # fmt: skip

Place: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 110
MAX_ISSUES = 200
"""More than these in one object are counted, not explained."""
_INT32 = 2**31
_HUGE = 2**1000
"""Below this every number is a finite float."""
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool) and -_INT32 <= value < _INT32,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE,
    "bool": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "any": lambda _value: True,
}
_WORDS = {"text": "text", "int": "a whole number", "number": "a number", "bool": "true or false", "object": "a mapping"}


EXPERIMENT, SPEC, METADATA = fields_experiment.EXPERIMENT, fields_experiment.SPEC, fields_common.METADATA


def fit(value: object, shape: Shape, at: Place, issues: list[Issue]) -> Any:  # noqa: ANN401 - untyped data by nature
    """A copy of `value` with only what fits `shape` (None where nothing does); what does not is added to `issues`.

    Null counts as absent, as in Kubernetes.
    """
    if value is None:
        return None
    match shape:
        case Leaf():
            return _leaf(value, shape.kind, at, issues)
        case ListOf():
            if isinstance(value, list | tuple):
                items = cast("list[object]", value)
                return [fit(item, shape.item, (*at, i), issues) for i, item in enumerate(items)]
            issues.append(_wrong(value, "a list", at))
        case MapOf() | Record():
            if isinstance(value, Mapping):
                return _fit_mapping(cast("Mapping[object, object]", value), shape, at, issues)
            issues.append(_wrong(value, "a mapping", at))
    return None


def _fit_mapping(
    value: Mapping[object, object], shape: MapOf | Record, at: Place, issues: list[Issue]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            issues.append(_not_text(key, at))
            continue
        if isinstance(shape, MapOf):
            inner: Shape | None = shape.item
        else:
            inner = shape.fields.get(key)
        if inner is None:
            known = cast("Record", shape).fields
            issues.append(_unknown(key, known, at, guessing=len(issues) < MAX_ISSUES))
            continue
        fitted = fit(item, inner, (*at, key), issues)
        if fitted is not None:
            fields[key] = fitted
    return fields


def _leaf(value: object, kind: str, at: Place, issues: list[Issue]) -> object:
    if kind == "text" and isinstance(value, str):  # most leaves by far
        return value
    if isinstance(value, float) and not math.isfinite(value):
        issues.append(Issue(at=at, message=f"{_name(at)} is {value}; give a finite number", slug="not-finite"))
        return None
    fits = _FITS[kind](value)
    if fits and kind in {"object", "any"}:
        bad = list(_not_json(value, at))
        issues.extend(bad)
        return None if any(issue.slug == "too-deep" for issue in bad) else value
    if fits:
        return value
    issues.append(_wrong(value, _WORDS[kind], at))
    return None


def _wrong(value: object, wanted: str, at: Place) -> Issue:
    name = _name(at)
    slug = {"text": "not-text", "a list": "not-a-list", "a mapping": "not-a-mapping"}.get(wanted, "wrong-type")
    if wanted == "text" and isinstance(value, bool):
        out = "put it in quotes (YAML reads a bare true, yes, on, y and the like as booleans)"
    elif wanted == "text" and isinstance(value, int | float):
        out = f'put it in quotes: "{short(value)}"'
    elif wanted == "a whole number" and isinstance(value, str) and value.strip().lstrip("+-").isdigit():
        out = "remove the quotes"
    elif wanted == "a number" and isinstance(value, str):
        out = "write a plain number without quotes"
    elif wanted == "a whole number" and isinstance(value, int) and not isinstance(value, bool):
        out = f"give a number below {_INT32}"
    else:
        out = f"write {wanted}"
    return Issue(at=at, message=f"{name} is {describe(value)}, not {wanted}; {out}", slug=slug)


def _unknown(key: str, known: Mapping[str, object], at: Place, *, guessing: bool) -> Issue:
    guess = closest(key, known) if guessing else ""
    where = ".".join(str(part) for part in at if isinstance(part, str)) or "the object"
    if guess:
        message = f"{short(key)} is no field of {where}; did you mean {guess}?"
        return Issue(at=(*at, key), message=message, slug="unknown-field")
    message = f"{short(key)} is no field of {where} and is ignored; remove it, known are {', '.join(known)}"
    return Issue(at=(*at, key), message=message, slug="unknown-field", severity=Severity.WARNING)


def _name(at: Place) -> str:
    tail: list[str] = []
    for part in reversed(at):
        tail.append(f"[{part}]" if isinstance(part, int) else part)
        if isinstance(part, str):
            break
    return "".join(reversed(tail)) or "the document"


def _not_json(value: object, at: Place) -> Iterator[Issue]:
    stack: list[tuple[object, Place]] = [(value, at)]
    while stack:
        item, place = stack.pop()
        if len(place) > MAX_DEPTH:
            yield Issue(at=place, message=f"more than {MAX_DEPTH} levels deep; flatten it", slug="too-deep")
            return
        if isinstance(item, dict) or isinstance(item, Mapping):  # noqa: SIM101 - asking for dict first is ten times as fast
            fields = cast("Mapping[object, object]", item)
            yield from (_not_text(key, place) for key in fields if not isinstance(key, str))
            stack.extend((inner, (*place, key)) for key, inner in fields.items() if isinstance(key, str))
        elif isinstance(item, list | tuple):
            stack.extend((inner, (*place, i)) for i, inner in enumerate(cast("list[object]", item)))
        else:
            yield from _not_json_leaf(item, place)


def _not_json_leaf(item: object, at: Place) -> Iterator[Issue]:
    if isinstance(item, float) and not math.isfinite(item):
        yield Issue(
            at=at, message=f"{_name(at)} is {item}; give a finite number, or put it in quotes", slug="not-finite"
        )
    elif item is not None and not isinstance(item, str | int | float | bool):
        message = f"{_name(at)} is {describe(item)}, which JSON does not know; put it in quotes"
        yield Issue(at=at, message=message, slug="not-json")


def _not_text(key: object, at: Place) -> Issue:
    return Issue(at=at, message=f"key {short(key)!r} is not text; put it in quotes", slug="key-not-text")
