"""The one writer of YAML: block style in which every scalar means the same to YAML 1.1, YAML 1.2 and kubectl.

Written by hand, because no library promises that: ruamel and PyYAML each leave bare what only their own version reads
alike (ruamel `on` and `1e3`, PyYAML `y`, `0o17` and `1e3`), and both need seconds for what takes milliseconds here.
"""

import math
import re
from collections.abc import Iterator, Mapping

from kagit.errors import Refused
from kagit.shapes import mapping, sequence
from kagit.spelling import describe, short

MAX_DEPTH = 100
_PLAIN = re.compile(r"(?:[A-Za-z_/$(]|--[A-Za-z])(?:[!-9;-~]|:(?=[!-~])|[ ](?=[!-\"$-~]))*")
"""Text that no reader takes for anything else; words and what ends in a colon are looked at apart."""
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_LITERAL = re.compile(r"[^ \n](?:.*[^ \n])?\n?", re.DOTALL)
_BLANK_AT_END = re.compile(r" \n")
_UNSEEN = (
    r"[^ -~\u00a1-\u00ac\u00ae-\u034e\u0370-\u061b\u061d-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1fff"
    r"\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\u3163\u3165-\ud7ff\U00010000-\U0001fffd]"
)
# Patterns with characters above U+00FF are compiled when they are needed, which takes milliseconds.
_UNSEEN_IN_BLOCK = rf"(?!\n){_UNSEEN}"
_ESCAPED = rf'["\\]|{_UNSEEN}'
"""What is not printable, or invisible; whoever looks at the file must see what is in it."""
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONG_KEY = 1000
"""Readers refuse keys of more than 1024 characters on the line of their value."""


def dump(value: object) -> str:
    """A document of mappings, lists, text, numbers, booleans and None as YAML, in the order in which they are there.

    Refuses what YAML readers would not agree about: NaN, whole numbers beyond 64 bits, half characters, other objects.
    """
    return "\n".join(_node(value, 0, ())).lstrip(" ") + "\n"


def _node(value: object, indent: int, at: tuple[str, ...]) -> Iterator[str]:
    if len(at) > MAX_DEPTH:
        raise Refused(f"{_place(at[:3])} has more than {MAX_DEPTH} levels; flatten it")
    fields, items = mapping(value), sequence(value)
    for key, item in fields.items():
        yield from _entry(key, item, indent, at)
    for i, item in enumerate(items):
        lines = _node(item, indent + 2, (*at, f"[{i}]"))
        yield f"{' ' * indent}- {next(lines).lstrip(' ')}"
        yield from lines
    if not fields and not items:
        yield from _leaf(value, indent or 2, at)  # a literal block at the root is indented too


def _entry(key: object, item: object, indent: int, at: tuple[str, ...]) -> Iterator[str]:
    here = (*at, str(key))
    if not isinstance(key, str):
        raise Refused(f"{_place(at)} has the key {short(key)}, which is {describe(key)}; only text can be a key")
    pad, written = " " * indent, text(key, at=_place(here))
    if len(written) > _LONG_KEY:
        yield f"{pad}? {written}"
        written = ""
    if mapping(item) or sequence(item):
        yield f"{pad}{written}:"
        yield from _node(item, indent + 2 if mapping(item) else indent, here)
    else:
        lines = _leaf(item, indent + 2, here)
        yield f"{pad}{written}: {next(lines).lstrip(' ')}"
        yield from lines


def _leaf(value: object, indent: int, at: tuple[str, ...]) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, str) and "\n" in value and _fits_block(value):
        yield f"{pad}|" if value.endswith("\n") else f"{pad}|-"
        yield from (f"{pad}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{pad}{_scalar(value, _place(at))}"


def _fits_block(value: str) -> bool:
    """Whether every reader gets the same from a literal block: nothing depends on blanks that nobody sees."""
    return (
        bool(_LITERAL.fullmatch(value)) and not _BLANK_AT_END.search(value) and not re.search(_UNSEEN_IN_BLOCK, value)
    )


def _scalar(value: object, at: str) -> str:
    if isinstance(value, str):
        return text(value, at=at)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return number(value, at=at)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise Refused(f"{at} is {describe(value)}, which YAML cannot carry; make it text")


def number(value: float, *, at: str = "the value") -> str:
    """A number in the form that every reader takes for the same number: an exponent has a dot before it, and a sign."""
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise Refused(f"{at} is a whole number beyond 64 bits, which readers round; make it text")
        return str(value)
    if not math.isfinite(value):
        raise Refused(f"{at} is {value}, which JSON cannot carry; give a finite number, or make it text")
    written = repr(value)
    return written.replace("e", ".0e") if "e" in written and "." not in written else written


def text(value: str, *, at: str = "the value") -> str:
    """Text on one line: bare where no reader takes it for anything else, in double quotes otherwise."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if _SURROGATE.search(value):
        raise Refused(f"{at} holds half a character (U+D800 to U+DFFF), which no file can; remove it")
    return quoted(value)


def quoted(value: str) -> str:
    """Text in double quotes; what is invisible is escaped."""
    return f'"{re.sub(_ESCAPED, _escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    char, code = match[0], ord(match[0])
    if char in _NAMED:
        return _NAMED[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _place(at: tuple[str, ...]) -> str:
    return short(".".join(at).replace(".[", "[")) if at else "the document"
