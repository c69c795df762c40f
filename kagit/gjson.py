"""GJSON paths compiled to closures: the part of the language that conditions of trials are written in.

Semantics are those of gjson 1.14.1, which Katib uses, but nothing comes out of what is not there: its `missing.{a}` is
an empty object. Absent: modifiers other than `@this`, literals (`!true`), `~` in queries and JSON lines (`..`); each is
refused with its place.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

from kagit import gjson_steps as steps
from kagit.errors import Refused
from kagit.gjson_steps import Step
from kagit.shapes import text as as_text

MAX_LENGTH = 4096
MAX_DEPTH = 16
MAX_BRANCHES = 64
"""Multipaths may ask for the same data again and again; so many answers at most are made of one value."""

MISSING = steps.MISSING
_KNOWN = "known are keys, indexes, #, #(…), #(…)#, [a,b], {a,b} and @this"
_COMPLEX = "()[]{}#|!"


class Match(NamedTuple):
    """What a condition found: the fields of its first object, empty where it has none."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A compiled path. `get` gives a value or MISSING and never raises; `last` is the key or `#` that it ends in."""

    text: str
    get: Callable[[object], Any]
    last: str = ""
    notes: tuple[str, ...] = ()
    """What is allowed but probably not meant."""


@lru_cache(maxsize=512)
def compiled(path: str) -> Path:
    """The path ready to use; Refused names the character and the way out."""
    if len(path) > MAX_LENGTH:
        raise Refused(f"the path has {len(path)} characters; {MAX_LENGTH} are allowed")
    compiler = _Compiler()
    step, last = compiler.path(path, 0, depth=0)
    return Path(text=path, get=step, last=last, notes=tuple(compiler.notes))


def first(path: Path, body: object) -> Match | None:
    """What a condition finds, by Katib's rule: an object, or the first of a non-empty list; all else is no match."""
    found = path.get(body)
    if isinstance(found, list):
        items = cast("list[object]", found)
        if not items:
            return None
        found = items[0]
    elif not isinstance(found, dict):
        return None
    fields: dict[str, object] = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    return Match(as_text(fields.get("reason")), as_text(fields.get("message")))


def _refused(at: int, what: str) -> Refused:
    return Refused(f"at character {at + 1}: {what}")


class _Compiler:
    """One path on its way; `branches` multiplies the answers that its multipaths ask for."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._branches = 1

    def path(self, text: str, at: int, *, depth: int) -> tuple[Step, str]:
        """The steps of a path and the key that it ends in."""
        if depth > MAX_DEPTH:
            raise _refused(at, f"more than {MAX_DEPTH} brackets inside each other; simplify the path")
        chain: list[Step] = []
        start, last = 0, ""
        while True:
            step, end, last, spreads = self._component(text[start:], at + start, depth)
            end += start
            if spreads and text[end : end + 1] == ".":
                stop = _pipe(text, end + 1)
                inner, last = self.path(text[end + 1 : stop], at + end + 1, depth=depth + 1)
                step, end = steps.each(step, inner), stop
            chain.append(step)
            if end == len(text):
                return steps.chain(chain), last
            if text[end] not in ".|":
                what = f"{text[end : end + 20]!r} follows a bracket; write . or | before it"
                raise _refused(at + end, what)
            start = end + 1

    def _component(self, text: str, at: int, depth: int) -> tuple[Step, int, str, bool]:
        """The first component: its step, its length, its key, and whether `.` after it goes into each element."""
        match text[:1]:
            case "#":
                return self._hash(text, at, depth)
            case "[" | "{":
                step, end = self._multipath(text, at, depth)
                return step, end, "", False
            case "@":
                return steps.itself, _this(text, at), "", False
            case "!":
                raise _refused(at, r"literals are not supported; compare inside #(…), or write \! for a key")
            case _:
                return self._key(text, at, depth)

    def _key(self, text: str, at: int, depth: int) -> tuple[Step, int, str, bool]:
        parts = list(_characters(text, at))
        end = sum(length for _, length, _ in parts)
        if not parts:
            what = "the path ends here" if not text else "there is no key here"
            raise _refused(at, f"{what}; give a key, {_KNOWN}")
        name = "".join(char for char, _, _ in parts)
        if not any(wild for _, _, wild in parts):
            return steps.field(name), end, name, False
        pattern = "".join(char if wild or char not in "*?\\" else f"\\{char}" for char, _, wild in parts)
        if text[end : end + 1] != "." or text[end + 1 : end + 2] in {"[", "{", "@"}:
            return steps.wild(steps.glob(pattern), steps.itself), end, name, False
        stop = _pipe(text, end + 1)
        inner, last = self.path(text[end + 1 : stop], at + end + 1, depth=depth + 1)
        return steps.wild(steps.glob(pattern), inner), stop, last, False

    def _hash(self, text: str, at: int, depth: int) -> tuple[Step, int, str, bool]:
        if text[1:2] not in {"(", "["}:
            if text[1:2] not in {"", ".", "|"}:
                raise _refused(at, f"{text[:20]!r} is no query; write #(key==value), or # alone for how many there are")
            return (steps.elements if text[1:2] == "." else steps.count), 1, "#", True
        end = _closing(text, 1, at)
        matches = self._query(text[2:end], at + 2, depth)
        every = text[end + 1 : end + 2] == "#"
        if every:
            return steps.every(matches), end + 2, "", True
        return steps.one(matches), end + 1, "", False

    def _query(self, text: str, at: int, depth: int) -> Callable[[Any], bool]:
        """Whether an element of a list is meant."""
        sign = _operator(text)
        left = text[:sign].strip()
        compare = None
        if sign < len(text):
            operator, right = _sides(text[sign:], at + sign)
            if right.startswith("'"):
                self.notes.append(f"{right} compares with the quotes; write double ones")
            if "==" in right or "&&" in right or "||" in right:
                self.notes.append(f"{right} is one text, there is no and/or; write #(…)#|#(…)# for both")
            compare = steps.comparison(operator, right, place=f"at character {at + sign + 1}: ")
        inner = None
        if left:
            inner, _ = self.path(left, at + text.index(left), depth=depth + 1)
        return steps.means(inner, compare)

    def _multipath(self, text: str, at: int, depth: int) -> tuple[Step, int]:
        end = _closing(text, 0, at)
        parts = [self._branch(part, at + place, depth) for part, place in _parts(text[:end])]
        self._branches *= len(parts)
        if self._branches > MAX_BRANCHES:
            raise _refused(at, f"multipaths ask for more than {MAX_BRANCHES} answers; name fewer paths")
        return (steps.listed if text[0] == "[" else steps.named)(parts), end + 1

    def _branch(self, text: str, at: int, depth: int) -> tuple[str, Step]:
        name, path = _named(text, at)
        step, _ = self.path(path, at + len(text) - len(path), depth=depth + 1)
        if name is None:
            name = re.split(r"(?<!\\)[.|]", path)[-1]
            name = "_" if any(char in _COMPLEX or char < " " for char in name) else name
        return name, step


def _characters(text: str, at: int) -> Iterator[tuple[str, int, bool]]:
    """The characters of a key: what each means, how long it is written and whether it is a wildcard."""
    i = 0
    while i < len(text) and text[i] not in ".|":
        if text[i] != "\\":
            yield text[i], 1, text[i] in "*?"
            i += 1
        elif i + 1 < len(text):
            yield text[i + 1], 2, False
            i += 2
        else:
            raise _refused(at + i, r"\ escapes nothing; write \\ for itself")


def _this(text: str, at: int) -> int:
    name = re.split(r"[.|]", text, maxsplit=1)[0]
    if name != "@this":
        raise _refused(at, rf"{name[:40]} is not supported; {_KNOWN}, write \@ for a key that starts with it")
    return len(name)


def _scan(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Characters outside quotes with their place and the depth of brackets after them; escaped ones are left out."""
    depth, i = 0, start
    while i < len(text):
        char = text[i]
        if char == "\\":
            i += 2
            continue
        if char == '"':
            i += 1
            while i < len(text) and text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        depth += (char in "([{") - (char in ")]}")
        yield i, char, depth
        i += 1


def _closing(text: str, start: int, at: int) -> int:
    """Where the bracket at `start` is closed."""
    for i, char, depth in _scan(text, start):
        if depth == 0 and char in ")]}":
            return i
    raise _refused(at + start, f"{text[start]} is never closed; close it")


def _pipe(text: str, start: int) -> int:
    """Where the next `|` stands that is not in brackets, or the end."""
    return next((i for i, char, depth in _scan(text, start) if char == "|" and depth == 0), len(text))


def _operator(text: str) -> int:
    """Where the comparison of a query begins, or the end."""
    return next((i for i, char, depth in _scan(text, 0) if char in "!=<>%" and depth == 0), len(text))


def _sides(text: str, at: int) -> tuple[str, str]:
    found = re.match(r"==|!=|!%|<=|>=|[=<>%]", text)
    if found is None:
        raise _refused(at, f"{text[:2]!r} is no comparison; known are ==, !=, <, <=, >, >=, % and !%")
    return found[0], text[found.end() :].strip()


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """The paths of a multipath, with their places."""
    start = 1
    for i, char, depth in _scan(text, 0):
        if char == "," and depth == 1:
            yield text[start:i], start
            start = i + 1
    yield text[start:], start


def _named(text: str, at: int) -> tuple[str | None, str]:
    """The name before a colon, and the path."""
    for i, char, depth in _scan(text, 0):
        if char == ":" and depth == 0:
            name = text[:i]
            try:
                return (str(json.loads(name)) if name.startswith('"') else name), text[i + 1 :]
            except ValueError:
                raise _refused(at, f"name {name[:40]} is no JSON text; correct its quotes") from None
    return None, text
