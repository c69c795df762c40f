"""A trial's object from its template: substitution on the parsed structure, so that quoting cannot break."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self, TypeAlias, cast

from kagit.errors import Refused
from kagit.experiment import Json, TrialParameter, TrialTemplate
from kagit.shapes import at as look
from kagit.shapes import mapping
from kagit.space import Point

Place: TypeAlias = tuple[str | int, ...]

# Without braces inside a name (rule 9 refuses those), so that a long hostile text takes linear time.
PLACEHOLDER = re.compile(r"\$\{trialParameters\.([^{}\n]+)\}")
REFERENCE = re.compile(r"\$\{trialSpec\.([^{}\n]+)\}")
_INDEXED = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
META_KEYS = ("Name", "Namespace", "Kind", "APIVersion")
META_MAPS = {"Annotations": "annotations", "Labels": "labels"}


class Unquoted(str):
    """A YAML scalar without quotes that holds placeholders: once they are filled, `read` tells what it means.

    Katib fills the text of a ConfigMap before it is parsed, so that `replicas: ${trialParameters.n}` becomes a number.
    """

    __slots__ = ("read",)
    read: Callable[[str], object]

    def __new__(cls, text: str, read: Callable[[str], object] = str) -> Self:
        """A scalar as it is written."""
        made = super().__new__(cls, text)
        made.read = read
        return made


class Reference(NamedTuple):
    """A metadata reference such as `${trialSpec.Labels[x]}`: key `Labels`, entry `x`."""

    key: str
    entry: str


def metadata(reference: str) -> Reference | None:
    """What `${trialSpec.…}` in a reference asks for; None where the reference is a parameter's name."""
    found = REFERENCE.search(reference)
    if found is None:
        return None
    indexed = _INDEXED.fullmatch(found[1])
    return Reference(indexed[1], indexed[2]) if indexed else Reference(found[1], "")


def fill(template: TrialTemplate, *, trial: str, namespace: str, point: Point) -> Json:
    """The object to run for one trial: placeholders replaced, metadata.name and namespace set.

    Refused names the field that cannot be filled.
    """
    body = template.trial_spec
    if body is None:
        raise Refused("spec.trialTemplate.configMap: the ConfigMap was not found; put it beside the experiment")
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
        value = look(body, "metadata", META_MAPS.get(wanted.key, ""), wanted.entry) if wanted.entry else None
    if not isinstance(value, str):
        raise Refused(f"{place} refers to {parameter.reference}, which the template's metadata does not have; add it")
    return value


def _replace(value: object, values: Mapping[str, str]) -> object:
    if isinstance(value, str):
        if "${" not in value:
            return value
        text = _text(value, values)
        return value.read(text) if isinstance(value, Unquoted) else text
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        made = {_text(key, values): _replace(inner, values) for key, inner in items}
        if len(made) < len(items):
            raise Refused("spec.trialTemplate.trialSpec: placeholders make two keys the same; use them in values only")
        return made
    if isinstance(value, list | tuple):
        return [_replace(item, values) for item in cast("list[object]", value)]
    return value


def _text(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: _known(found, values), text) if "${" in text else text


def _known(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found[1] not in values:
        raise Refused(f"spec.trialTemplate.trialSpec: {found[0]} has no trialParameter of that name; declare it")
    return values[found[1]]


def placeholders(text: str) -> Iterator[str]:
    """Names in the `${trialParameters.…}` of a text."""
    return (found[1] for found in PLACEHOLDER.finditer(text))


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
