"""Tekton's parameters: texts, lists and objects, and the `$(…)` that stand for them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from kagit.errors import Refused
from kagit.shapes import at, text
from kagit.spelling import did_you_mean, short
from reconciler.adapters.workflows import graph as g
from reconciler.adapters.workflows.graph import Text

Value: TypeAlias = Text | list[Text] | dict[str, Text]
"""A parameter's value: a string, an array or an object."""

_REFERENCE = re.compile(r"\$\(([^()$]+)\)")
_QUOTED = re.compile(r"""(params)\[(?:"([^"]+)"|'([^']+)')\]""")
_WHOLE = re.compile(r"\$\(params\.([A-Za-z0-9_.-]+)\[\*\]\)")
_OURS = ("params.", "tasks.", "results.", "context.", "workspaces.", "steps.", "finally.", "inputs.", "outputs.")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What `$(…)` may name at one place: texts, and lists that `[*]` spreads out."""

    place: str
    texts: Mapping[str, Text]
    lists: Mapping[str, tuple[Text, ...]]

    def at(self, place: str, more: Mapping[str, Text]) -> "Scope":
        """The scope of another place, with more names."""
        return replace(self, place=place, texts={**self.texts, **more})

    def with_texts(self, more: Mapping[str, Text]) -> "Scope":
        """The same place with more names."""
        return replace(self, texts={**self.texts, **more})

    def fill(self, value: object) -> Text:
        """A text with its references replaced; Refused for one that is ours and unknown. `$(HOME)` is the kubelet's."""
        written = value if isinstance(value, str) else str(value)

        def known(found: re.Match[str]) -> Text:
            name = _QUOTED.sub(lambda quoted: f"params.{quoted[2] or quoted[3]}", found[1])
            if name in self.texts:
                return self.texts[name]
            if name.startswith(_OURS):
                way = did_you_mean(name, tuple(self.texts))
                raise Refused(f"{self.place}: {short(found[0])} is not known here; {way}")
            return g.text(found[0])

        return g.substituted(written, _REFERENCE, known)

    def words(self, value: object) -> Iterator[Text]:
        """One argument as one or, where it is a whole list, as many."""
        whole = _WHOLE.fullmatch(value) if isinstance(value, str) else None
        if whole is not None and whole[1] in self.lists:
            yield from self.lists[whole[1]]
        else:
            yield self.fill(value)


def given(params: Sequence[Any], scope: Scope) -> dict[str, Value]:
    """Values that are given to a pipeline or task, by name; texts in them are filled in the giver's scope."""
    values: dict[str, Value] = {}
    for one in params:
        name, value = text(at(one, "name")), at(one, "value")
        if value is None:
            raise Refused(f"{scope.place}: parameter {name!r} has no value; give one")
        values[name] = _filled(value, scope)
    return values


def _filled(value: object, scope: Scope) -> Value:
    if isinstance(value, Mapping):
        return {str(key): scope.fill(inner) for key, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [word for inner in cast("Sequence[object]", value) for word in scope.words(inner)]
    return scope.fill(value)


def defaults(declared: Sequence[Any], values: Mapping[str, Value], scope: Scope) -> Scope:
    """The scope inside: given values, then defaults; Refused where a declared parameter has neither.

    What the outside knows stays known, as Tekton does for embedded tasks (propagated parameters).
    """
    known = dict(values)
    for one in declared:
        name = text(at(one, "name"))
        if name in known:
            continue
        if at(one, "default") is None:
            if f"params.{name}" in scope.texts or name in scope.lists:
                continue
            raise Refused(f"{scope.place}: parameter {name!r} is missing; give it, or a default")
        known[name] = _filled(at(one, "default"), scope)
    texts, lists = dict(scope.texts), dict(scope.lists)
    for name, value in known.items():
        if isinstance(value, dict):
            texts |= {f"params.{name}.{key}": inner for key, inner in value.items()}
        elif isinstance(value, list):
            lists[name] = tuple(value)
            texts |= {f"params.{name}[{i}]": inner for i, inner in enumerate(lists[name])}
        else:
            texts[f"params.{name}"] = value
    return replace(scope, texts=texts, lists=lists)


def seconds(value: object, place: str) -> float:
    """A duration such as `1h0m0s` in seconds, 0 for none."""
    if value is None or value in {"0", "0s", 0}:
        return 0
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        raise Refused(f"{place} is {short(value)!r}; give a duration such as 1h30m or 90s")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + rest
