"""What Argo's Workflows and Tekton's PipelineRuns have in common: processes, what each waits for, and late texts.

A text may hold what an earlier node will leave, so it is a sequence of parts; whoever runs the graph puts them together
just before the node starts. Nothing of it ever goes through a shell that the author did not name.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from re import Match, Pattern
from typing import Any, TypeAlias

from kagit.errors import Refused
from kagit.experiment import Json

MOST_NODES = 2000
MOST_LEVELS = 20
STDOUT = "result"
"""The output that is what a node prints (Argo's `outputs.result`)."""


@dataclass(frozen=True, slots=True)
class Late:
    """The text that a node leaves as one of its outputs."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class File:
    """The path of the file in which a node (empty: the one itself) leaves an output."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The path of a directory that the nodes of one graph share."""

    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """The path of the file that holds the node's own script."""


Part: TypeAlias = str | Late | File | Folder | Source
Text: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A condition: Argo's comparison when `values` is None, else whether `text` is (not) among the values."""

    text: Text
    values: tuple[Text, ...] | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One process. `after` names nodes that are over before; `always` runs it whatever became of them.

    `outputs` are the files that it leaves, by name, with the text that counts where there is none (None: a failure).
    `retries` counts further tries; with `forgiven` its failure is not the graph's. `deadline` in seconds, 0 for none.
    `resources` are its container's.
    """

    name: str
    argv: tuple[Text, ...]
    env: Mapping[str, Text] = field(default_factory=dict[str, Text])
    directory: str = ""
    script: Text = ()
    after: tuple[str, ...] = ()
    tests: tuple[Test, ...] = ()
    outputs: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    retries: int = 0
    forgiven: bool = False
    always: bool = False
    deadline: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    container: str = "main"
    resources: Json = field(default_factory=dict[str, Any])

    @property
    def texts(self) -> Iterable[Text]:
        """Every text of the node."""
        yield from self.argv
        yield from self.env.values()
        yield self.script
        for test in self.tests:
            yield test.text
            yield from test.values or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in an order in which each comes after all that it waits for; `primary` is the one that is the trial."""

    nodes: tuple[Node, ...]
    primary: str
    deadline: float = 0.0


def text(value: str) -> Text:
    """A text without late parts."""
    return (value,) if value else ()


def joined(parts: Iterable[Text]) -> Text:
    """Texts one behind the other, neighbouring plain parts made one."""
    result: list[Part] = []
    for part in (part for parts_ in parts for part in parts_):
        if isinstance(part, str) and result and isinstance(result[-1], str):
            result[-1] += part
        else:
            result.append(part)
    return tuple(result)


def plain(given: Text) -> str | None:
    """The text where nothing of it is late, else None."""
    return "".join(part for part in given if isinstance(part, str)) if all(isinstance(p, str) for p in given) else None


def substituted(value: str, pattern: Pattern[str], known: Callable[[Match[str]], Text]) -> Text:
    """`value` with each match replaced by what `known` says, once: what is put in is never looked at again."""
    parts: list[Text] = []
    at = 0
    for found in pattern.finditer(value):
        parts += [text(value[at : found.start()]), known(found)]
        at = found.end()
    return joined([*parts, text(value[at:])])


def mapped(given: Text, places: Mapping[str, File | Folder]) -> Text:
    """A text in which absolute paths, and what is below them, lead to places of our own."""
    if not places:
        return given
    paths = "|".join(re.escape(path.rstrip("/")) for path in sorted(places, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w./-])(?:{paths})(?![\w.-])")
    known = {path.rstrip("/"): place for path, place in places.items()}

    def place(found: re.Match[str]) -> Text:
        return (known[found[0]],)

    return joined(substituted(one, pattern, place) if isinstance(one, str) else (one,) for one in given)


def ordered(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes so that each stands behind all that it waits for; Refused where they wait for each other.

    What a node reads from others it waits for, too.
    """
    waiting = {one.name: _with_sources(one) for one in nodes}
    for one in waiting.values():
        for name in one.after:
            if name not in waiting:
                raise Refused(f"{one.name} waits for {name!r}, which is not there; correct the name")
    result: dict[str, Node] = {}
    while waiting:
        ready = [one for one in waiting.values() if all(name in result for name in one.after)]
        if not ready:
            raise Refused(f"{', '.join(sorted(waiting)[:5])} wait for each other in a circle; remove one dependency")
        for one in ready:
            result[one.name] = waiting.pop(one.name)
    return tuple(result.values())


def _with_sources(node: Node) -> Node:
    read = [part.node for given in node.texts for part in given if isinstance(part, Late)]
    return replace(node, after=tuple(dict.fromkeys([*node.after, *read])))


def primary_of(nodes: Iterable[Node], labels: Mapping[str, str], *, container: str = "") -> str:
    """The node whose labels hold those of `primaryPodLabels`; without labels the last one. Refused where none fits."""
    known = tuple(nodes)
    fitting = [one for one in known if labels.items() <= one.labels.items()]
    named = [one for one in fitting if one.container == container]
    if not fitting:
        shown = ", ".join(f"{key}: {value}" for key, value in labels.items())
        raise Refused(f"no step bears the primaryPodLabels {shown}; give these labels to the step that trains")
    return (named or fitting)[0 if labels else -1].name
