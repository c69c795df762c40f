"""A trial's object from its template: substitution on the parsed structure, so that quoting cannot break."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, TypeAlias, cast

from kagit.errors import Refused
from kagit.experiment import Json, TrialParameter, TrialTemplate
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping
from kagit.space import Point, Space
from kagit.spelling import did_you_mean

Place: TypeAlias = tuple[str | int, ...]

# Without braces inside a name (rule 9 refuses those), so that a long hostile text takes linear time.
PLACEHOLDER = re.compile(r"\$\{trialParameters\.([^{}\n]+)\}")
_REFERENCE = re.compile(r"\$\{trialSpec\.([^{}\n]+)\}")
_INDEXED = re.compile(r"(.+)\[(.+)\]")
_PLAIN = ("Name", "Namespace", "Kind", "APIVersion")
_MAPS = {"Annotations": "annotations", "Labels": "labels"}
_AT: Place = ("spec", "trialTemplate")
META_KEYS = (*_PLAIN, *_MAPS)


class Reference(NamedTuple):
    """A metadata reference such as `${trialSpec.Labels[x]}`: key `Labels`, entry `x`."""

    key: str
    entry: str


def metadata(reference: str) -> Reference | None:
    """What `${trialSpec.…}` in a reference asks for; None where the reference is a parameter's name."""
    found = _REFERENCE.search(reference)
    if found is None:
        return None
    indexed = _INDEXED.fullmatch(found[1])
    return Reference(indexed[1], indexed[2]) if indexed else Reference(found[1], "")


def fill(template: TrialTemplate, *, trial: str, namespace: str, point: Point, source: Json | None = None) -> Json:
    """The object to run for one trial: placeholders replaced by text, metadata.name and namespace set.

    `source` is the parsed object behind a `configMap` template; Refused names the field that cannot be filled.
    """
    body = template.trial_spec if template.trial_spec is not None else source
    if body is None:
        raise Refused("spec.trialTemplate.configMap: its object was not read; give the parsed template")
    values = {one.name: _value(one, body, trial=trial, namespace=namespace, point=point) for one in template.parameters}
    used = {one.reference for one in template.parameters}
    for name in point:
        if name not in used:
            raise Refused(f"spec.trialTemplate.trialParameters: none refers to parameter {name}; add one to use it")
    filled = cast("Json", _replace(body, values))
    filled["metadata"] = {**mapping(filled.get("metadata")), "name": trial, "namespace": namespace}
    return filled


def _value(parameter: TrialParameter, body: Json, *, trial: str, namespace: str, point: Point) -> str:
    place = f"spec.trialTemplate.trialParameters: {parameter.name}"
    wanted = metadata(parameter.reference)
    if wanted is None:
        if parameter.reference not in point:
            raise Refused(f"{place} refers to {parameter.reference!r}, which the point does not have")
        return point[parameter.reference]
    plain = {"Name": trial, "Namespace": namespace, "Kind": body.get("kind"), "APIVersion": body.get("apiVersion")}
    if wanted.key in plain and not wanted.entry:
        value = plain[wanted.key]
    else:
        value = look(body, "metadata", _MAPS.get(wanted.key, ""), wanted.entry) if wanted.entry else None
    if not isinstance(value, str):
        raise Refused(f"{place} refers to {parameter.reference}, which the template's metadata does not have; add it")
    return value


def _replace(value: object, values: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: _known(found, values), value) if "${" in value else value
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {cast("str", _replace(key, values)): _replace(inner, values) for key, inner in items}
    if isinstance(value, list | tuple):
        return [_replace(item, values) for item in cast("list[object]", value)]
    return value


def _known(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found[1] not in values:
        raise Refused(f"spec.trialTemplate.trialSpec: {found[0]} has no trialParameter of that name; declare it")
    return values[found[1]]


def placeholders(text: str) -> Iterator[str]:
    """Names in the `${trialParameters.…}` of a text."""
    return (found[1] for found in PLACEHOLDER.finditer(text))


def check(template: TrialTemplate, space: Space) -> tuple[Issue, ...]:
    """What is wrong with trialParameters and placeholders (spec katib.md section 3.6, rules 9 to 17)."""
    return tuple(issues(template, names=[parameter.name for parameter in space]))


def issues(template: TrialTemplate, *, names: Sequence[str]) -> Iterator[Issue]:
    """As `check`, for a space of which only the names are known."""
    clean = True
    for issue in _parameters(template, frozenset(names)):
        clean = False
        yield issue
    if clean:
        yield from _unused(template, names)
    if template.trial_spec is not None:
        yield from _placeholders(template.trial_spec, template)
        yield from _identity(template.trial_spec)


def _parameters(template: TrialTemplate, names: AbstractSet[str]) -> Iterator[Issue]:
    seen: set[str] = set()
    referred: set[str] = set()
    for i, one in enumerate(template.parameters):
        at: Place = (*_AT, "trialParameters", i)
        if not one.name or not one.reference:
            lacking = "name" if not one.name else "reference"
            yield Issue(at=at, message=f"trialParameter has no {lacking}; give one", slug="trial-parameter-incomplete")
        elif "{" in one.name or "}" in one.name:
            yield Issue(at=at, message=f"name {one.name!r} holds a brace; remove it", slug="trial-parameter-name")
        elif one.name in seen:
            message = f"trialParameter {one.name} is there twice; rename or remove one"
            yield Issue(at=(*at, "name"), message=message, slug="trial-parameter-twice")
        elif one.reference in referred:
            message = f"{one.reference} is referred to twice; use one trialParameter in both places"
            yield Issue(at=(*at, "reference"), message=message, slug="reference-twice")
        else:
            yield from _reference(one.reference, names, (*at, "reference"))
        seen.add(one.name)
        referred.add(one.reference)


def _reference(reference: str, names: AbstractSet[str], at: Place) -> Iterator[Issue]:
    wanted = metadata(reference)
    if not names or reference in names:
        return
    if wanted is None:
        message = f"{reference!r} is no parameter of this experiment; {did_you_mean(reference, tuple(sorted(names)))}"
        yield Issue(at=at, message=message, slug="reference-unknown")
    elif wanted.key not in META_KEYS or (wanted.key in _MAPS) != bool(wanted.entry):
        known = ", ".join((*_PLAIN, *(f"{key}[…]" for key in _MAPS)))
        message = f"{reference!r} is no metadata of a trial; known are {known}"
        yield Issue(at=at, message=message, slug="reference-unknown")


def _unused(template: TrialTemplate, names: Sequence[str]) -> Iterator[Issue]:
    used = {one.reference for one in template.parameters}
    for i, name in enumerate(names):
        if name and name not in used:
            message = f"parameter {name} reaches no trial; add a trialParameter that refers to it, or remove it"
            yield Issue(at=("spec", "parameters", i, "name"), message=message, slug="parameter-unused")


def _placeholders(body: Json, template: TrialTemplate) -> Iterator[Issue]:
    declared = {one.name for one in template.parameters}
    found: set[str] = set()
    for place, text in walk(body):
        for name in placeholders(text):
            if name not in declared and name not in found:
                message = f"${{trialParameters.{name}}} has no trialParameter; {_guess(name, declared)}"
                yield Issue(at=(*_AT, "trialSpec", *place), message=message, slug="placeholder-unknown")
            found.add(name)
        if _REFERENCE.search(text):
            message = f"{text!r} is left as it is; refer to it from a trialParameter and use that placeholder"
            yield Issue(
                at=(*_AT, "trialSpec", *place), message=message, slug="reference-in-template", severity=Severity.WARNING
            )
    for i, one in enumerate(template.parameters):
        if one.name and one.name not in found and "{" not in one.name and "}" not in one.name:
            message = f"${{trialParameters.{one.name}}} stands nowhere in the template; use it there, or remove this"
            yield Issue(at=(*_AT, "trialParameters", i, "name"), message=message, slug="placeholder-missing")


def _guess(name: str, declared: set[str]) -> str:
    return did_you_mean(name, tuple(sorted(declared))) if declared else "declare it under trialParameters"


def _identity(body: Json) -> Iterator[Issue]:
    at: Place = (*_AT, "trialSpec")
    for key in ("name", "namespace"):
        if mapping(body.get("metadata")).get(key):
            message = f"metadata.{key} of the template is set for each trial; remove it"
            yield Issue(at=(*at, "metadata", key), message=message, slug="template-named")
    for key in ("apiVersion", "kind"):
        if not isinstance(body.get(key), str) or not body[key]:
            yield Issue(at=at, message=f"the template has no {key}; give one, e.g. for a Job", slug="template-kind")


def walk(value: object, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in a structure with its place, keys included."""
    stack: list[tuple[Place, object]] = [(at, value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, Mapping):
            for key, inner in cast("Mapping[object, object]", item).items():
                if isinstance(key, str):
                    yield (*place, key), key
                    stack.append(((*place, key), inner))
        elif isinstance(item, list | tuple):
            stack.extend(((*place, i), inner) for i, inner in enumerate(cast("list[object]", item)))
