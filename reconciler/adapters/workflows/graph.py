"""What Argo's Workflows and Tekton's PipelineRuns have in common: processes, what each waits for, and late texts.

A text may hold what an earlier node will leave, so it is a sequence of parts; whoever runs the graph puts them together
just before the node starts. Nothing of it ever goes through a shell that the author did not name.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from re import Match, Pattern
from typing import Any, TypeAlias

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.spelling import short

MOST_NODES = 1000
MOST_LEVELS = 20
MARK = "\1"
"""What encloses the parts that are not known yet, once a text is written for whoever runs it."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
STDOUT = ".stdout"
"""The output that is what a node prints (Argo's `outputs.result`); no author can call one so."""


@dataclass(frozen=True, slots=True)
class Late:
    """The text that a node leaves as one of its outputs, to the letter or without its last line end."""

    node: str
    output: str
    exact: bool = False


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
    """Nodes in an order in which each comes after all that it waits for; `deadline` in seconds, 0 for none."""

    nodes: tuple[Node, ...]
    deadline: float = 0.0

    @property
    def width(self) -> int:
        """How many nodes may run at once: those that are equally many steps from the beginning."""
        depths: dict[str, int] = {}
        for node in self.nodes:
            depths[node.name] = 1 + max((depths[name] for name in node.after), default=0)
        return max(Counter(depths.values()).values())


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
    if MARK in value:
        raise Refused(f"text {short(value)!r} holds the control character U+0001; remove it")
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
    waiting = _named(nodes)
    result: dict[str, Node] = {}
    while waiting:
        ready = [one for one in waiting.values() if all(name in result for name in one.after)]
        if not ready:
            raise Refused(f"{', '.join(sorted(waiting)[:5])} wait for each other in a circle; remove one dependency")
        for one in ready:
            result[one.name] = waiting.pop(one.name)
    return tuple(result.values())


def _named(nodes: Iterable[Node]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in nodes:
        _check_names(node)
        if node.name in found:
            raise Refused(f"two steps are called {node.name!r}; give each its own name")
        found[node.name] = _with_sources(node)
    for one in found.values():
        for name in one.after:
            if name not in found:
                raise Refused(f"{one.name} waits for {name!r}, which is not there; correct the name")
    return found


def _check_names(node: Node) -> None:
    """Names become those of files."""
    for name in (node.name, *node.outputs):
        if not _NAME.fullmatch(name):
            raise Refused(f"name {short(name)!r} cannot be a file name; use letters, digits, '-', '_' and '.'")


def _with_sources(node: Node) -> Node:
    read = [part.node for given in node.texts for part in given if isinstance(part, Late)]
    return replace(node, after=tuple(dict.fromkeys([*node.after, *read])))
