"""A document's nodes as lines: indented by two, lists below their key at its own depth, as kubectl writes them."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from repo_layout.source import Block, Entry, Flow, Leaf, Node, Source

_BLANK = "\0a blank line, unless there is one already"
_NO_BLANK = "\0no blank line, which the block above would take for its own"


def text(source: Source) -> str:
    """The document; its last line has an end, and no blank lines stand around it."""
    root = source.root.value
    lines = [*_notes(source.root.above, ""), *(_block(root, 0) if isinstance(root, Block) else _leaf("", root, 0))]
    tail = list(source.tail)
    while tail and not tail[-1]:
        tail.pop()
    written: list[str] = []
    may_be_blank = False
    for line in (*lines, *_notes(tail, "")):
        if line == _BLANK and may_be_blank:
            written.append("")
        elif line not in (_BLANK, _NO_BLANK):
            written.append(line)
        may_be_blank = line not in (_BLANK, _NO_BLANK)
    return "\n".join(written) + "\n"


def _notes(lines: Sequence[str], pad: str) -> Iterator[str]:
    yield from (pad + line if line else _BLANK for line in lines)


def _block(block: Block, indent: int) -> Iterator[str]:
    pad = " " * indent
    for entry in block.entries:
        yield from _notes(entry.above, pad)
        if isinstance(entry.value, Block):
            yield from _nested(entry, entry.value, indent)
        else:
            yield from _leaf(pad + _head(entry), entry.value, indent)
    yield from _notes(block.tail, pad)


def _nested(entry: Entry, value: Block, indent: int) -> Iterator[str]:
    pad = " " * indent
    head = pad + _head(entry) + (f" {value.anchor}" if value.anchor else "") + value.comment
    in_list = entry.key is None
    if not in_list or value.anchor or value.comment:
        yield head
        yield from _block(value, indent if value.is_mapping is in_list is False else indent + 2)
        return
    lines = list(_block(value, indent + 2))
    above = list(takewhile(lambda line: line == _BLANK or line.lstrip().startswith("#"), lines))
    yield from (
        pad + line.lstrip() if line != _BLANK else line for line in above
    )  # an item's comments stand before its dash
    yield f"{head} {lines[len(above)].lstrip()}"
    yield from lines[len(above) + 1 :]


def _head(entry: Entry) -> str:
    return "-" if entry.key is None else f"{entry.key.text}:"


def _leaf(head: str, value: Leaf | Flow, indent: int) -> Iterator[str]:
    first, *more = inline(value).split("\n")
    start = f"{head} {first}" if head and first else head + first
    if not more:
        yield start + value.comment
    else:
        yield start
        shifted = [_shifted(line, indent - value.column) for line in more]
        yield from shifted[:-1]
        yield shifted[-1] + value.comment
    if isinstance(value, Leaf):
        yield from (" " * (indent + 2) + line if line else "" for line in value.lines)
        if value.keeps:
            yield _NO_BLANK


def _shifted(line: str, by: int) -> str:
    blanks = len(line) - len(line.lstrip(" "))
    return line if not line.strip() else " " * max(0, blanks + by) + line.lstrip(" ")


def inline(node: Node) -> str:
    """The text of a leaf or of a collection in brackets."""
    if isinstance(node, Leaf):
        return node.text
    if isinstance(node, Block):
        return ""
    parts: list[str] = []
    for gap, entry in zip(node.gaps, node.entries, strict=False):
        key = entry.key.text + entry.colon if entry.key is not None else ""
        parts.append(gap + key + inline(entry.value))
    return "".join([*parts, node.gaps[-1]])
