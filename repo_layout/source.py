"""A YAML document as its author wrote it: nodes with their very text, and every comment beside what it is about.

A comment above a key belongs to it; one that is indented deeper than what follows ends the block before. No library
promises that: ruamel hangs a comment on the key before it, so that it goes astray when keys are put in order.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from repo_layout import read
from repo_layout.source_notes import Note, Odd, block_text, notes

_DASH = re.compile(r"(?<!\S)#[^\n]*|(?<!\S)-(?!\S)")
_QUESTION = re.compile(r"(?<!\S)#[^\n]*|(?<!\S)\?(?!\S)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A scalar or alias: its text, and for a literal or folded block the lines without their indentation.

    A block that `keeps` all line ends takes blank lines below it for its own.
    """

    text: str
    value: str = ""
    plain: bool = False
    lines: tuple[str, ...] = ()
    keeps: bool = False
    column: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A collection in brackets, with the text between its entries."""

    entries: tuple["Entry", ...]
    gaps: tuple[str, ...]
    is_mapping: bool
    column: int = 0
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A mapping or list by indentation; `comment` ends the line above it, `tail` stands below its last entry."""

    entries: tuple["Entry", ...]
    is_mapping: bool
    anchor: str = ""
    comment: str = ""
    tail: tuple[str, ...] = ()


Node: TypeAlias = Leaf | Flow | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with its value, or an item; `above` are the comments and blank lines before it."""

    value: Node
    key: Leaf | None = None
    colon: str = ":"
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A whole document; `has_anchors` warns that one text may mean several places."""

    root: Entry
    tail: tuple[str, ...]
    comments: tuple[str, ...]
    has_anchors: bool


def parse(text: str) -> Source:
    """The one document in `text`, whose lines end in LF; raises Odd at what cannot be laid out anew."""
    return _Parser(text).source()


class _Parser:
    """Goes through the events and the comments at the same time."""

    def __init__(self, text: str) -> None:
        self._text = text
        found = list(read.events(text))
        self._events = [one for one in found if not one[0].startswith(("Stream", "Document"))]
        self._next = 0
        self._notes: list[Note] = notes(text, [event for _, event in self._events])
        self._noted = 0
        self._at = 0  # the end of the last leaf or indicator
        self._columns: list[int] = []
        self._lists: list[bool] = []

    def source(self) -> Source:
        above: tuple[str, ...] = ()
        name, event = self._events[0]
        if self._is_leaf(name, event):
            above = self._above(event.start_mark.index)
        root = Entry(value=self._value(0), above=above)
        tail = self._above(len(self._text))
        anchors = any(getattr(event, "anchor", None) for _, event in self._events)
        comments = tuple(sorted(note.text.lstrip() for note in self._notes if note.text))
        return Source(root=root, tail=tail, comments=comments, has_anchors=anchors)

    @staticmethod
    def _is_leaf(name: str, event: Any) -> bool:  # noqa: ANN401 - PyYAML has no types
        return name in {"ScalarEvent", "AliasEvent"} or bool(event.flow_style)

    def _value(self, column: int) -> Node:
        name, event = self._events[self._next]
        if not self._is_leaf(name, event):
            return self._block(event, is_mapping=name == "MappingStartEvent")
        note = self._note()
        if note is not None and note.at < event.start_mark.index:
            raise self._odd(note.at, "a comment stands between this and its value; move it above or behind")
        node = self._leaf(column) if name in {"ScalarEvent", "AliasEvent"} else self._flow(column)
        note = self._note()
        if note is None or note.own_line or "\n" in self._text[self._at : note.at]:
            return node
        self._noted += 1
        return replace(node, comment=note.text)

    def _leaf(self, column: int) -> Leaf:
        name, event = self._events[self._next]
        self._next += 1
        start, self._at = event.start_mark.index, event.end_mark.index
        if name == "AliasEvent":
            return Leaf(text=self._text[start : self._at], column=column)
        if event.style in ("|", ">"):
            block = block_text(self._text, event)
            self._at = block.end
            return Leaf(text=block.header, lines=block.lines, keeps=block.keeps, value=event.value, column=column)
        text = self._text[start : self._at]
        plain = event.implicit[0] and not event.style and event.tag is None and "\n" not in text
        return Leaf(text=text, value=event.value, plain=plain, column=column)

    def _flow(self, column: int) -> Flow:
        name, event = self._events[self._next]
        self._next += 1
        self._at = event.start_mark.index
        gaps: list[str] = []
        entries: list[Entry] = []
        while not self._events[self._next][0].endswith("EndEvent"):
            gaps.append(self._up_to_next())
            key, colon = None, ""
            if name == "MappingStartEvent":
                key = self._leaf(column)
                colon = self._up_to_next()
            inner, event = self._events[self._next]
            value = self._leaf(column) if inner in {"ScalarEvent", "AliasEvent"} else self._flow(column)
            entries.append(Entry(key=key, colon=colon, value=value))
        start, self._at = self._at, self._events[self._next][1].end_mark.index
        self._next += 1
        gaps.append(self._text[start : self._at])
        is_mapping = name == "MappingStartEvent"
        return Flow(entries=tuple(entries), gaps=tuple(gaps), is_mapping=is_mapping, column=column)

    def _up_to_next(self) -> str:
        start, self._at = self._at, self._events[self._next][1].start_mark.index
        return self._text[start : self._at]

    def _block(self, event: Any, *, is_mapping: bool) -> Block:  # noqa: ANN401 - PyYAML has no types
        if event.tag is not None:
            raise self._odd(event.start_mark.index, "a tag stands here; remove it")
        if event.anchor and not self._columns:
            raise self._odd(event.start_mark.index, "an anchor stands before the whole document; remove it")
        anchor = f"&{event.anchor}" if event.anchor else ""
        self._at = max(self._at, event.start_mark.index + len(anchor))
        self._next += 1
        start = self._entry_start(in_list=not is_mapping)
        comment = ""
        note = self._note()
        if note is not None and not note.own_line and note.at < start:
            comment = note.text
            self._noted += 1
        column = start - (self._text.rfind("\n", 0, start) + 1)
        self._columns.append(column)
        self._lists.append(not is_mapping)
        entries: list[Entry] = []
        while not self._events[self._next][0].endswith("EndEvent"):
            entries.append(self._entry(column, is_mapping=is_mapping))
        tail = self._tail()
        self._columns.pop()
        self._lists.pop()
        self._next += 1
        return Block(entries=tuple(entries), is_mapping=is_mapping, anchor=anchor, comment=comment, tail=tail)

    def _entry(self, column: int, *, is_mapping: bool) -> Entry:
        start = self._entry_start(in_list=not is_mapping)
        above = self._above(start)
        if not is_mapping:
            self._at = start + 1
            return Entry(value=self._value(column), above=above)
        for match in _QUESTION.finditer(self._text, self._at, start):
            if match[0] == "?":
                raise self._odd(match.start(), "a key is written with a question mark; write it before a colon")
        key = self._leaf(column)
        return Entry(key=key, value=self._value(column), above=above)

    def _entry_start(self, *, in_list: bool) -> int:
        """Where the next key or dash stands."""
        limit = self._events[self._next][1].start_mark.index
        if in_list:
            for match in _DASH.finditer(self._text, self._at, limit):
                if match[0] == "-":
                    return match.start()
            raise self._odd(limit, "the dash of this item cannot be found")
        return int(limit)

    def _note(self) -> Note | None:
        return self._notes[self._noted] if self._noted < len(self._notes) else None

    def _above(self, index: int) -> tuple[str, ...]:
        lines: list[str] = []
        note = self._note()
        while note is not None and note.at < index:
            if not note.own_line:
                raise self._odd(note.at, "it is not clear what this comment is about; give it a line of its own")
            lines.append(note.text)
            self._noted += 1
            note = self._note()
        return tuple(lines)

    def _tail(self) -> tuple[str, ...]:
        """The comments below the last entry that are indented like it, and deeper than what comes next."""
        ends = 0
        while self._next + ends < len(self._events) and self._events[self._next + ends][0].endswith("EndEvent"):
            ends += 1
        outer, limit = -1, len(self._text)
        if self._next + ends < len(self._events):
            outer = self._columns[-1 - ends]
            here, self._next = self._next, self._next + ends
            limit = self._entry_start(in_list=self._lists[-1 - ends])
            self._next = here
        end = self._noted
        for i in range(self._noted, len(self._notes)):
            note = self._notes[i]
            if (
                not note.own_line
                or note.at >= limit
                or (note.text and not max(outer + 1, self._columns[-1]) <= note.column)
            ):
                break
            end = i + 1 if note.text else end
        taken = self._notes[self._noted : end]
        self._noted = end
        return tuple(note.text for note in taken)

    def _odd(self, index: int, message: str) -> Odd:
        start = self._text.rfind("\n", 0, index) + 1
        return Odd(self._text.count("\n", 0, index) + 1, index - start + 1, message)
