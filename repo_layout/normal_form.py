"""The nodes of a document in normal form: keys in Katib's order, scalars that every reader takes for the same.

Inside a trialSpec, which is somebody else's object, keys keep their order.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kagit.v1beta1 import schema
from repo_layout import emit, scalars
from repo_layout.document import Place
from repo_layout.source import Block, Entry, Flow, Leaf, Node, Source

_EXPERIMENT = schema.Record({**schema.EXPERIMENT.fields, "metadata": schema.Record(schema.METADATA)})
_LIST = schema.Record({"apiVersion": schema.TEXT, "kind": schema.TEXT, "metadata": schema.OBJECT, "items": schema.ANY})
# Where people read in another order than the fields are declared in, by a field that only this record has. The long
# template comes last, as in all of Katib's examples.
_ORDERS = {
    "trialTemplate": (
        *("objective", "algorithm", "earlyStopping", "parallelTrialCount", "maxTrialCount", "maxFailedTrialCount"),
        *("resumePolicy", "metricsCollectorSpec", "parameters", "nasConfig", "trialTemplate"),
    ),
    "distribution": ("min", "max", "step", "list", "distribution"),
    "trialSpec": (
        *("retain", "primaryPodLabels", "primaryContainerName", "successCondition", "failureCondition"),
        *("trialParameters", "configMap", "trialSpec"),
    ),
}
_MERGE = "<<"
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
"""Numbers that Katib, too, reads from text as what they say."""


def normal(source: Source, experiments: AbstractSet[Place], *, in_order: bool) -> tuple[Source, dict[Place, str]]:
    """The document in normal form, and which numbers became text because their field is one."""
    former = _Former(experiments, in_order=in_order, into_text=not source.has_anchors)
    shape = None if () in experiments else _LIST
    root = replace(source.root, value=former.node(source.root.value, shape, (), ours=False))
    return replace(source, root=root), former.texts


class _Former:
    def __init__(self, experiments: AbstractSet[Place], *, in_order: bool, into_text: bool) -> None:
        self._experiments, self._in_order, self._into_text = experiments, in_order, into_text
        self.texts: dict[Place, str] = {}

    def node(self, node: Node, shape: schema.Shape | None, at: Place, *, ours: bool) -> Node:
        """A node and all that is in it."""
        if at in self._experiments:
            shape, ours = _EXPERIMENT, True
        if isinstance(node, Leaf):
            return self._scalar(node, shape, at) if ours else node
        entries: list[Entry] = []
        for i, entry in enumerate(node.entries):
            name = entry.key.value if entry.key is not None else i
            value = self.node(entry.value, _inner(shape, name), (*at, name), ours=ours)
            key = _key(entry.key) if ours and entry.key is not None else entry.key
            entries.append(replace(entry, key=key, value=value))
        return replace(node, entries=tuple(self._sorted(node, entries, shape)))

    def _sorted(self, node: Block | Flow, entries: Sequence[Entry], shape: schema.Shape | None) -> list[Entry]:
        top = () if isinstance(node, Flow) or not entries else entries[0].above
        stays = len(top) if shape in (_EXPERIMENT, _LIST) else _last_blank(top)
        header, rest = top[:stays], top[stays:]
        entries = [replace(entry, above=rest) if i == 0 else entry for i, entry in enumerate(entries)]
        if self._in_order and node.is_mapping and isinstance(shape, schema.Record) and _movable(node):
            rank = _ranks(shape.fields)
            entries = sorted(entries, key=lambda one: rank.get(one.key.value if one.key else "", len(rank)))
        if entries and not isinstance(node, Flow):
            entries[0] = replace(entries[0], above=_without_blanks_above((*header, *entries[0].above)))
        return list(entries)

    def _scalar(self, leaf: Leaf, shape: schema.Shape | None, at: Place) -> Leaf:
        if not leaf.plain or not leaf.value:
            return leaf
        meaning = scalars.plain(leaf.value)
        is_number = isinstance(meaning.value, int | float) and not isinstance(meaning.value, bool)
        is_text = isinstance(shape, schema.Leaf) and shape.kind == "text"
        if is_text and not isinstance(meaning.value, str):
            if is_number and self._into_text and _DECIMAL.fullmatch(leaf.value):
                self.texts[at] = leaf.value
                return _written(leaf, emit.quoted(leaf.value))
            return leaf  # an error, and not ours to guess what was meant
        if not meaning.slug or meaning.error:
            return leaf
        if isinstance(meaning.value, str):
            return _written(leaf, emit.quoted(leaf.value))
        return _written(leaf, emit.dump(meaning.value).rstrip("\n"))


def _inner(shape: schema.Shape | None, name: str | int) -> schema.Shape | None:
    if isinstance(shape, schema.Record) and isinstance(name, str):
        return shape.fields.get(name)
    if (isinstance(shape, schema.ListOf) and isinstance(name, int)) or isinstance(shape, schema.MapOf):
        return shape.item
    return None


def _key(leaf: Leaf) -> Leaf:
    ambiguous = leaf.plain and leaf.value and leaf.value != _MERGE and scalars.plain(leaf.value).slug
    return _written(leaf, emit.quoted(leaf.value)) if ambiguous else leaf


def _written(leaf: Leaf, text: str) -> Leaf:
    return replace(leaf, text=leaf.text.removesuffix(leaf.value) + text)  # an anchor stays before it


def _ranks(fields: Mapping[str, schema.Shape]) -> dict[str, int]:
    order = next((order for mark, order in _ORDERS.items() if mark in fields), tuple(fields))
    return {name: i for i, name in enumerate((_MERGE, *order))}


def _movable(node: Block | Flow) -> bool:
    """Whether entries may change places: a comment between brackets cannot be told to whom it belongs."""
    return isinstance(node, Block) or not any(
        "#" in text for text in (*node.gaps, *(entry.colon for entry in node.entries))
    )


def _last_blank(lines: Sequence[str]) -> int:
    """How many lines there are up to the last blank one: what stands above it is about more than the next key."""
    return max((i + 1 for i, line in enumerate(lines) if not line), default=0)


def _without_blanks_above(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[next((i for i, line in enumerate(lines) if line), len(lines)) :]
