"""Where comments and blank lines stand in a YAML document, and where a literal block ends."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_COMMENT = re.compile(r"(?<!\S)#[^\n]*")
_INDICATOR = re.compile(r"(?<!\S)[|>][0-9+-]*(?!\S)")


class Odd(Exception):
    """Something that is right YAML but cannot be laid out anew; line and column count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line, self.column, self.message = line, column, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment or a blank line (no text). One that shares its line keeps the blanks before it."""

    at: int
    column: int
    text: str
    own_line: bool


def notes(text: str, events: Sequence[Any]) -> list[Note]:
    """All comments and blank lines outside of values, in order; of many blank lines one is left."""
    found: list[Note] = []
    for start, end in _gaps(text, events):
        inside = list(_in_gap(text, start, end))
        found += [one for one, last in zip(inside, [None, *inside], strict=False) if one.text or not last or last.text]
    return found


def _gaps(text: str, events: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """What lies between the values: whitespace, indicators and comments."""
    at = depth = 0
    for event in events:
        opens = getattr(event, "flow_style", None)
        kind = type(event).__name__
        if kind.endswith("EndEvent"):
            if depth:
                depth -= 1
                at = event.end_mark.index
        elif depth:
            depth += opens is not None
        elif opens or kind in {"ScalarEvent", "AliasEvent"}:
            yield at, event.start_mark.index
            depth += bool(opens)
            is_block = getattr(event, "style", None) in ("|", ">")
            at = block_text(text, event).end if is_block else event.end_mark.index
    yield at, len(text)


def _in_gap(text: str, first: int, end: int) -> Iterator[Note]:
    start = first
    while start < end:
        stop = text.find("\n", start, end)
        at_last = stop < 0
        stop = end if at_last else stop
        line_start = text.rfind("\n", 0, start) + 1
        match = _COMMENT.search(text, start, stop)
        before = text[line_start : match.start() if match else stop]
        if match:
            own = not before.strip()
            kept = "" if own else before[len(before.rstrip()) :]
            yield Note(at=match.start(), column=len(before), text=kept + match[0], own_line=own)
        elif not before.strip() and not at_last and (line_start > first or first == 0):
            yield Note(at=line_start, column=0, text="", own_line=True)
        start = stop + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockText:
    """A literal or folded block: its header, its lines without their indentation, and where it ends.

    The header says 2 where it says how deep the lines are, and keeps no line end that the file has not.
    """

    header: str
    lines: tuple[str, ...]
    keeps: bool
    end: int


def block_text(text: str, event: Any) -> BlockText:  # noqa: ANN401 - PyYAML has no types
    """The block that starts with an event."""
    start = event.start_mark.index
    stop = _line_end(text, start)
    match = _INDICATOR.search(text, start, stop)
    if match is None:  # anchor and indicator on different lines
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        raise Odd(line, column, "the block and its anchor stand on different lines; put them on one")
    keeps = "+" in match[0]
    lines, end = _block_lines(text, stop, _indentation(text, stop, event), keeps=keeps)
    indicator = re.sub(r"[0-9]", "2", match[0])
    if lines and "-" not in indicator and not event.value.endswith("\n"):
        indicator = indicator.replace("+", "") + "-"  # the file ends without a line end, the new one with it
        keeps = False
    header = text[start : match.start()] + indicator + text[match.end() : stop]
    return BlockText(header=header, lines=tuple(lines), keeps=keeps, end=end)


def _block_lines(text: str, header_end: int, indent: int | None, *, keeps: bool) -> tuple[list[str], int]:
    lines: list[str] = []
    blanks, end, at = 0, header_end, header_end + 1
    while at < len(text):
        stop = _line_end(text, at)
        line = text[at:stop]
        if line.strip(" "):
            if indent is None or len(line) - len(line.lstrip(" ")) < indent:
                break
            blanks, end = 0, stop
        else:
            blanks, end = blanks + 1, stop if keeps else end
        lines.append(line[indent or 0 :] if line.strip(" ") or indent is not None else "")
        at = stop + 1
    return lines if keeps else lines[: len(lines) - blanks], end


def _indentation(text: str, header_end: int, event: Any) -> int | None:  # noqa: ANN401 - see above
    """How deep the lines of a block are; None where it has none."""
    inside = next((line for line in event.value.split("\n") if line.strip(" ")), None)
    if inside is None:
        if event.value.strip("\n"):
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            raise Odd(line, column, "the block holds nothing but blanks; write it in quotes")
        return None
    at = header_end + 1
    while not text[at : _line_end(text, at)].strip(" "):
        at = _line_end(text, at) + 1
    line = text[at : _line_end(text, at)]
    return (len(line) - len(line.lstrip(" "))) - (len(inside) - len(inside.lstrip(" ")))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
