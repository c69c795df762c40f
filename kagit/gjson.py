"""The part of GJSON paths that success and failure conditions need, compiled once (spec kubernetes.md section 4.2).

Keys and indexes, `#` (length, or each element), `#(key op value)` (the first match) and `#(…)#` (all of them), nested
at will; `.` after `#` goes on in every element where `|` goes on with the whole result; `[a,b]`, `{a,b}` and `@this`.
A path that needs more of GJSON is refused, and whatever the data are, looking into them never fails.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NoReturn, TypeAlias, cast

from kagit.comparing import WILD, comparison
from kagit.errors import Refused

MISSING: Final = object()
"""What a path finds where there is nothing; null is something."""
MOST_LEVELS = 20
LONGEST = 1000

Find: TypeAlias = Callable[[object], object]
_Step: TypeAlias = tuple[Find, bool]
"""A step and whether what follows a `.` after it goes on in every element of what it finds."""

_OPERATORS = ("==", "!=", "<=", ">=", "!%", "=", "<", ">", "%")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@lru_cache(maxsize=1024)
def compiled(path: str) -> Find:
    """The function from an object to what the path finds in it, or MISSING; Refused with place and way out."""
    if not path or len(path) > LONGEST:
        raise Refused(f"path {path[:40]!r} is {'empty' if not path else 'too long'}; give 1 to {LONGEST} characters")
    return _Parser(path).whole(end="", level=0)


def first(found: object) -> Mapping[str, object] | None:
    """Katib's rule for a match (spec katib.md 4.3): an object, or the first element of a list that has one.

    An element that is no object matches without saying anything; a bare text, number or boolean never matches.
    """
    if isinstance(found, Mapping):
        return cast("Mapping[str, object]", found)
    if isinstance(found, list) and found:
        head = cast("list[object]", found)[0]
        return cast("Mapping[str, object]", head) if isinstance(head, Mapping) else {}
    return None


class _Parser:
    """Reads one path from left to right."""

    def __init__(self, path: str) -> None:
        self._path, self._at = path, 0

    def whole(self, *, end: str, level: int) -> Find:
        """A path up to one of the characters in `end`, which is left unread."""
        if level > MOST_LEVELS:
            self._refuse(f"more than {MOST_LEVELS} levels deep; make it flatter")
        segments: list[list[_Step]] = [[]]
        while True:
            segments[-1].append(self._step(end, level))
            if self._at == len(self._path) or self._peek() in end:
                return _piped([_dotted(steps) for steps in segments])
            if self._peek() not in ".|":
                self._refuse("a '.' or '|' is missing here")
            if self._next() == "|":
                segments.append([])

    def _peek(self) -> str:
        return self._path[self._at] if self._at < len(self._path) else ""

    def _next(self) -> str:
        self._at += 1
        return self._path[self._at - 1]

    def _refuse(self, why: str) -> NoReturn:
        raise Refused(f"path {self._path!r}, character {self._at + 1}: {why}")

    def _step(self, end: str, level: int) -> _Step:
        match self._peek():
            case "#":
                return self._hash(level)
            case "[" | "{" as opening:
                return self._many(opening, level), False
            case "@":
                if not self._path.startswith("@this", self._at) or self._path[self._at + 5 : self._at + 6] == ":":
                    self._refuse("of all modifiers only @this is known; write it without")
                self._at += len("@this")
                return _this, False
            case "!":
                self._refuse("literals are not known; write it without")
            case _:
                pass
        return _key(self._word(end)), False

    def _word(self, end: str) -> str:
        r"""A key, with what `\` protects taken as it is."""
        word = ""
        while self._peek() and self._peek() not in ".|" and self._peek() not in end:
            char = self._next()
            if char == "\\":
                if not self._peek():
                    self._refuse("nothing follows the last '\\'; remove it")
                word += self._next()
                continue
            if char in WILD:
                self._at -= 1
                self._refuse(f"'{char}' in a key is not known; give the whole key")
            word += char
        if not word:
            self._refuse("a key is missing here")
        return word

    def _hash(self, level: int) -> _Step:
        self._next()
        if self._peek() != "(":
            return _count, True
        self._next()
        test = self._test(level)
        if self._peek() != ")":
            self._refuse("the ')' of this query is missing")
        self._next()
        if self._peek() == "#":
            self._next()
            return (lambda value: [one for one in _elements(value) if test(one)]), True
        return (lambda value: next((one for one in _elements(value) if test(one)), MISSING)), False

    def _test(self, level: int) -> Callable[[object], bool]:
        """What stands between the parentheses of a query."""
        self._blanks()
        if any(self._path.startswith(one, self._at) for one in _OPERATORS):
            left: Find = _this
        else:
            left = self.whole(end="=!<>%) ", level=level + 1)
        self._blanks()
        operator = next((one for one in _OPERATORS if self._path.startswith(one, self._at)), "")
        if not operator:
            return lambda one: left(one) is not MISSING
        self._at += len(operator)
        compare = comparison(operator, self._literal())
        return lambda one: compare(left(one))

    def _blanks(self) -> None:
        while self._peek() == " ":
            self._next()

    def _literal(self) -> str:
        self._blanks()
        start = self._at
        if self._peek() == '"':
            self._next()
            while self._peek() and self._peek() != '"':
                self._at += 2 if self._peek() == "\\" else 1
            if not self._peek():
                self._refuse("the closing '\"' is missing")
            self._next()
            quoted = self._path[start : self._at]
            self._blanks()
            try:
                return cast("str", json.loads(quoted))
            except ValueError:
                self._refuse("this text is no JSON; write quotes and '\\' as JSON does")
        if self._peek() == "~":
            self._refuse("'~' is not known; compare with true or false")
        while self._peek() and self._peek() != ")":
            self._next()
        self_text = self._path[start : self._at].strip()
        self._at = start + len(self._path[start : self._at].rstrip())
        self._blanks()
        return self_text

    def _many(self, opening: str, level: int) -> Find:
        """`[a,b]` as a list, `{a,"name":b}` as an object, of what is there."""
        self._next()
        closing = _CLOSING[opening]
        parts: list[tuple[str, Find]] = []
        while True:
            name = self._name() if opening == "{" else ""
            begin = self._at
            find = self.whole(end=f",{closing}", level=level + 1)
            parts.append((name or _last_key(self._path[begin : self._at]), find))
            if self._peek() == "":
                self._refuse(f"the '{closing}' is missing")
            if self._next() == closing:
                break
        if opening == "[":
            return lambda value: [one for _, find in parts if (one := find(value)) is not MISSING]
        return lambda value: {name: one for name, find in parts if (one := find(value)) is not MISSING}

    def _name(self) -> str:
        """`"name":` before a part of an object, if it is there."""
        if self._peek() != '"':
            return ""
        end = self._path.find('":', self._at + 1)
        if end < 0:
            self._refuse("a ':' is missing after this name")
        name, self._at = self._path[self._at + 1 : end], end + 2
        return name


def _last_key(path: str) -> str:
    return path.replace("|", ".").rsplit(".", 1)[-1]


def _piped(parts: Sequence[Find]) -> Find:
    if len(parts) == 1:
        return parts[0]

    def find(value: object) -> object:
        for part in parts:
            if value is MISSING:
                break
            value = part(value)
        return value

    return find


def _dotted(steps: Sequence[_Step]) -> Find:
    """Steps with dots between them; behind `#` and `#(…)#` the rest is looked for in every element."""
    step, spreads = steps[0]
    if len(steps) == 1:
        return step
    rest = _dotted(steps[1:])
    if spreads:
        each = _elements if step is _count else step
        return lambda value: [one for item in cast("list[object]", each(value)) if (one := rest(item)) is not MISSING]

    def find(value: object) -> object:
        found = step(value)
        return MISSING if found is MISSING else rest(found)

    return find


def _this(value: object) -> object:
    return value


def _elements(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _count(value: object) -> object:
    return len(cast("list[object]", value)) if isinstance(value, list) else MISSING


def _key(word: str) -> Find:
    index = int(word) if word.isascii() and word.isdigit() and len(word) < 10 else -1  # noqa: PLR2004 - no list is longer

    def find(value: object) -> object:
        if isinstance(value, Mapping):
            return cast("Mapping[str, object]", value).get(word, MISSING)
        if isinstance(value, list) and 0 <= index < len(cast("list[object]", value)):
            return cast("list[object]", value)[index]
        return MISSING

    return find
