"""What the parts of a compiled GJSON path do: each takes a value and gives one, or MISSING, and never raises."""

import json
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard, cast

from kagit.errors import Refused

Step: TypeAlias = Callable[[Any], Any]
Test: TypeAlias = Callable[[Any], bool]

MISSING: Any = object()
"""What a path finds where nothing is; null is something."""

_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def itself(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
    """The modifier `@this`."""
    return value


def chain(parts: Sequence[Step]) -> Step:
    """One step after the other; nothing comes out of what is not there."""
    if len(parts) == 1:
        return parts[0]

    def step(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
        for part in parts:
            value = part(value)
            if value is MISSING:
                break
        return value

    return step


def field(name: str) -> Step:
    """A key of an object, or an index of a list."""
    # Go's parser knows ASCII digits only; an index longer than this is longer than any list.
    index = int(name) if re.fullmatch("[0-9]{1,9}", name) else None

    def step(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
        if isinstance(value, dict):
            return cast("dict[str, Any]", value).get(name, MISSING)
        if index is not None and _is_list(value) and index < len(value):
            return value[index]
        return MISSING

    return step


def wild(fits: Callable[[str], bool], inner: Step) -> Step:
    """The first key that fits and from which the rest of the path leads to something."""

    def step(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
        if isinstance(value, dict):
            fields = cast("dict[object, Any]", value)
            # Katib looks at JSON that Go wrote: its keys are sorted.
            for key in sorted(key for key in fields if isinstance(key, str) and fits(key)):
                found = inner(fields[key])
                if found is not MISSING:
                    return found
        return MISSING

    return step


def elements(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
    """`#` before a dot: all elements of a list."""
    return value if _is_list(value) else MISSING


def count(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
    """`#` at the end: how many elements a list has."""
    return len(value) if _is_list(value) else MISSING


def each(many: Step, inner: Step) -> Step:
    """The rest of a path for each element, without those where it leads nowhere."""

    def step(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
        items = many(value)
        return items if items is MISSING else [one for item in items if (one := inner(item)) is not MISSING]

    return step


def every(test: Test) -> Step:
    """`#(…)#`: the elements that are meant."""
    return lambda value: [item for item in value if test(item)] if _is_list(value) else MISSING


def one(test: Test) -> Step:
    """`#(…)`: the first element that is meant."""
    return lambda value: next((item for item in value if test(item)), MISSING) if _is_list(value) else MISSING


def means(inner: Step | None, compare: Test | None) -> Test:
    """Whether a query means an element: its left side leads to something that compares well, if it compares at all."""

    def test(item: Any) -> bool:  # noqa: ANN401 - untyped data by nature
        if inner is None:
            found = MISSING if isinstance(item, dict | list) else item
        else:
            found = inner(item) if isinstance(item, dict | list) else MISSING
        return found is not MISSING and (compare is None or compare(found))

    return test


def listed(parts: Sequence[tuple[str, Step]]) -> Step:
    """`[a,b]`: what the paths find, without what is missing."""
    inner = [step for _, step in parts]
    return lambda value: [found for step in inner if (found := step(value)) is not MISSING]


def named(parts: Sequence[tuple[str, Step]]) -> Step:
    """`{a,b}`: what the paths find under their names, the first of a name."""

    def step(value: Any) -> Any:  # noqa: ANN401 - untyped data by nature
        made: dict[str, Any] = {}
        for name, inner in parts:
            found = inner(value)
            if found is not MISSING:
                made.setdefault(name, found)
        return made

    return step


def comparison(sign: str, right: str, *, place: str) -> Test:
    """How a found value compares with the right side of a query: by its own type, as gjson does it."""
    wanted = _literal(right, place)
    if wanted.startswith("~"):
        raise Refused(f"{place}~ is not supported on the right side; write true, false, a number or a text")
    if sign in _SIGNS:
        compare = _SIGNS[sign]
        number, truths = _number(wanted), _truths(sign.replace("==", "="), wanted)
        return lambda value: _compare(value, compare, (wanted, number, truths))
    fits, positive = glob(wanted), sign == "%"
    return lambda value: isinstance(value, str) and fits(value) is positive


def _literal(right: str, place: str) -> str:
    if len(right) < 2 or not right.startswith('"') or not right.endswith('"'):  # noqa: PLR2004 - two quotes
        return right
    if "\\" not in right:
        return right[1:-1]
    try:
        return str(json.loads(right, strict=False))
    except ValueError as error:
        raise Refused(f'{place}{right[:40]} is no JSON text ({error}); write \\\\ for \\, \\" for a quote') from None


def _number(text: str) -> float:
    """What Go's ParseFloat makes of a text whose error nobody looks at: 0 where it is no number."""
    return float(text) if _FLOAT.fullmatch(text) or _ENDLESS.fullmatch(text) else 0.0


def _truths(sign: str, wanted: str) -> tuple[bool, bool]:
    """The answers for false and for true; only what gjson knows: true is above false."""
    answers = {
        "=": (wanted == "false", wanted == "true"),
        "!=": (wanted != "false", wanted != "true"),
        "<": (wanted == "true", False),
        "<=": (True, False),
        ">": (False, wanted == "false"),
        ">=": (False, True),
    }
    return answers[sign]


def _compare(value: object, compare: Callable[[Any, Any], bool], wanted: tuple[str, float, tuple[bool, bool]]) -> bool:
    if isinstance(value, str):
        return compare(value, wanted[0])
    if isinstance(value, bool):
        return wanted[2][value]
    if isinstance(value, int | float):
        return compare(_float(value), wanted[1])
    return False


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def glob(pattern: str) -> Callable[[str], bool]:
    r"""Whether a text fits `*` (any characters), `?` (one) and `\` (the next as it is); never takes long."""
    pieces = [""]
    for part in re.findall(r"(?s)\\.|.", pattern):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "?" else re.escape(part[-1])
    head, *middle = (re.compile(piece, re.DOTALL) for piece in pieces)
    if not middle:
        return lambda text: head.fullmatch(text) is not None
    tail = re.compile(rf"(?:{middle.pop().pattern})\Z", re.DOTALL)
    return lambda text: _fits(text, (head, *middle), tail)


def _fits(text: str, pieces: Sequence[re.Pattern[str]], tail: re.Pattern[str]) -> bool:
    """Each piece has one length only, so that the leftmost place for it is the best; the tail ends the text."""
    found = pieces[0].match(text)
    for piece in pieces[1:]:
        found = piece.search(text, found.end()) if found is not None else None
    return found is not None and tail.search(text, found.end()) is not None
