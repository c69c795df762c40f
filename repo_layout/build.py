"""YAML events into plain data without recursion, counting as it goes so that no file can grow in memory."""

from typing import Any, NamedTuple, Union, cast

from kagit.findings import Issue, Severity
from kagit.spelling import describe
from repo_layout.scalars import plain

MAX_DEPTH = 100
MAX_NODES = 100_000
MAX_SCALAR = 256 * 1024
_TEXT_UNIT = 100
"""A long text counts as one value for each so many characters, so that aliases cannot multiply it."""
_MERGE = "<<"


class Stop(Exception):
    """The rest of a file cannot be read; line and column count from 1."""

    def __init__(self, line: int, column: int, message: str, slug: str) -> None:
        super().__init__(message)
        self.line, self.column, self.message, self.slug = line, column, message, slug


class Position(NamedTuple):
    """Where a key or item starts, from 1, and what stands inside its value."""

    line: int
    column: int
    children: Union["dict[object, Position]", "list[Position]", None] = None


class _Built(NamedTuple):
    value: object
    position: Position
    size: int


class _Frame:
    """A mapping or list under construction."""

    __slots__ = (
        "anchor",
        "children",
        "is_key",
        "items",
        "key",
        "key_position",
        "line_column",
        "mapping",
        "merged",
        "size",
    )

    def __init__(self, *, mapping: bool, anchor: str | None, line_column: tuple[int, int]) -> None:
        self.mapping, self.anchor, self.line_column = mapping, anchor, line_column
        self.items: Any = {} if mapping else []
        self.children: Any = {} if mapping else []
        self.merged: dict[object, tuple[object, Position]] = {}
        self.is_key, self.size = mapping, 1
        self.key: Any = None
        self.key_position = line_column


class Builder:
    """Takes the events of one document after another; raises Stop where a limit is passed."""

    def __init__(self) -> None:
        self._nodes = 0
        self.reset()

    def reset(self, _event: object = None) -> None:
        """Begin a document: anchors do not reach across documents, the count of nodes does."""
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Built | None] = {}
        self._issues: list[Issue] = []
        self._root = _Built(None, Position(1, 1), 0)

    def result(self) -> tuple[object, Position, tuple[Issue, ...]]:
        """The document that has ended."""
        return self._root.value, self._root.position, tuple(self._issues)

    def scalar(self, event: Any) -> None:  # noqa: ANN401 - PyYAML has no types
        """A scalar: quoted is text, plain is what kubectl makes of it."""
        text: str = event.value
        size = 1 + len(text) // _TEXT_UNIT
        place = self._count(event, size)
        if len(text) > MAX_SCALAR:
            raise Stop(*place, f"a text of {len(text)} characters; {MAX_SCALAR} are allowed", "scalar-too-large")
        is_plain = event.implicit[0] and not event.style
        value: object = text
        if event.tag is not None:
            self._tag(event)
        elif is_plain:
            value = self._plain(text)
        self._attach(_Built(value, Position(*place), size), event.anchor, merge=is_plain and text == _MERGE)

    def _plain(self, text: str) -> object:
        meaning = plain(text)
        if self._frames and self._frames[-1].is_key:
            if not isinstance(meaning.value, str):
                message = f"key {text[:60]} is {describe(meaning.value)}, not text; put it in quotes"
                self._issue_at((_json_key(meaning.value),), message, "key-not-text")
            elif meaning.slug and text != _MERGE:
                self._issue_at((text,), f"key {meaning.message}", meaning.slug, Severity.WARNING)
        elif meaning.slug:
            self._issue(meaning.message, meaning.slug, Severity.ERROR if meaning.error else Severity.WARNING)
        return meaning.value

    def start(self, event: Any, *, mapping: bool) -> None:  # noqa: ANN401 - PyYAML has no types
        """A mapping or list begins."""
        place = self._count(event, 1)
        if event.tag is not None:
            self._tag(event)
        if len(self._frames) >= MAX_DEPTH:
            raise Stop(*place, f"more than {MAX_DEPTH} levels deep; flatten it", "too-deep")
        if self._frames and self._frames[-1].is_key:
            raise Stop(*place, "a key is a mapping or a list; write a text", "key-not-text")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._frames.append(_Frame(mapping=mapping, anchor=event.anchor, line_column=place))

    def end(self, _event: object = None) -> None:
        """The innermost mapping or list ends."""
        frame = self._frames.pop()
        for key, (value, position) in frame.merged.items():
            if key not in frame.items:
                frame.items[key], frame.children[key] = value, position
        built = _Built(frame.items, Position(*frame.line_column, frame.children), frame.size)
        self._attach(built, frame.anchor)

    def alias(self, event: Any) -> None:  # noqa: ANN401 - PyYAML has no types
        """A reference to an anchor: the same value again, counted again."""
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor not in self._anchors:
            raise Stop(*place, f"*{event.anchor} refers to nothing; define &{event.anchor} before it", "alias-unknown")
        built = self._anchors[event.anchor]
        if built is None:
            raise Stop(*place, f"*{event.anchor} refers to itself; break the circle", "alias-circle")
        if self._frames and self._frames[-1].is_key and not isinstance(built.value, str):
            raise Stop(*place, f"the key *{event.anchor} is {describe(built.value)}; write a text", "key-not-text")
        self._count(event, built.size)
        self._attach(_Built(built.value, Position(*place, built.position.children), built.size), None)

    def _count(self, event: Any, size: int) -> tuple[int, int]:  # noqa: ANN401 - PyYAML has no types
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise Stop(*place, f"more than {MAX_NODES} values, aliases expanded; split the file", "too-many-values")
        return place

    def _attach(self, built: _Built, anchor: str | None, *, merge: bool = False) -> None:
        if anchor is not None:
            self._anchors[anchor] = built
        if not self._frames:
            self._root = built
            return
        frame = self._frames[-1]
        frame.size += built.size
        if not frame.mapping:
            frame.items.append(built.value)
            frame.children.append(built.position)
        elif frame.is_key:
            self._key(frame, built, merge=merge)
        else:
            frame.is_key = True
            self._value(frame, built)

    def _key(self, frame: _Frame, built: _Built, *, merge: bool) -> None:
        frame.is_key, frame.key_position = False, built.position[:2]
        key = built.value
        if merge:
            frame.key = None
        elif isinstance(key, str):
            if key in frame.items:
                first = frame.children[key].line
                self._issue_at((key,), f"{key[:60]} is there twice, first in line {first}; remove one", "duplicate-key")
            frame.key = key
        else:
            frame.key = _json_key(key)

    def _value(self, frame: _Frame, built: _Built) -> None:
        position = Position(*frame.key_position, built.position.children)
        if frame.key is not None:
            frame.items[frame.key], frame.children[frame.key] = built.value, position
            return
        many = isinstance(built.value, list)
        sources = cast("list[object]", built.value) if many else [built.value]
        places: Any = built.position.children if many else [built.position]
        for source, place in zip(sources, places, strict=True):
            if not isinstance(source, dict):
                raise Stop(*position[:2], "<< takes a mapping or a list of them; give an alias to one", "merge-invalid")
            for key, value in cast("dict[str, object]", source).items():
                frame.merged.setdefault(key, (value, place.children[key]))

    def _tag(self, event: Any) -> None:  # noqa: ANN401 - PyYAML has no types
        short = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
        self._issue(f"tag {short} is not read; remove it, and quote what is text", "yaml-tag", Severity.ERROR)

    def _issue(self, message: str, slug: str, severity: Severity) -> None:
        self._issues.append(Issue(at=self._here(), message=message, slug=slug, severity=severity))

    def _issue_at(self, tail: tuple[str, ...], message: str, slug: str, severity: Severity = Severity.ERROR) -> None:
        at = (*(self._outer()), *tail)
        self._issues.append(Issue(at=at, message=message, slug=slug, severity=severity))

    def _here(self) -> tuple[str | int, ...]:
        frames = self._frames
        if not frames:
            return ()
        top = frames[-1]
        if top.mapping:
            return self._outer() if top.is_key or top.key is None else (*self._outer(), top.key)
        return (*self._outer(), len(top.items))

    def _outer(self) -> tuple[str | int, ...]:
        return tuple((f.key or _MERGE) if f.mapping else len(f.items) for f in self._frames[:-1])


def _json_key(value: object) -> str:
    """A key that is no text, in the form in which it reaches JSON; only ever looked at in objects of other people."""
    return "null" if value is None else str(value).lower()
