"""What an unquoted YAML scalar means to kubectl and Katib, and where readers disagree about it."""

import math
import re
from typing import NamedTuple

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OCTAL = re.compile(r"[-+]?0o?[0-7_]+")
_BASED = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|b[01_]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_AMBIGUOUS: dict[str, bool] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_NUMERIC = frozenset("+-.0123456789")
_LONGEST_INT = 19


class Meaning(NamedTuple):
    """The value, and why readers may disagree (slug empty: they don't). `error` marks what no JSON can carry."""

    value: object
    slug: str = ""
    message: str = ""
    error: bool = False


def plain(text: str) -> Meaning:
    """The meaning of an unquoted scalar, as kubectl reads it (YAML 1.1)."""
    if text in _WORDS:
        return Meaning(_WORDS[text])
    if text in _AMBIGUOUS:
        value = _AMBIGUOUS[text]
        meant = str(value).lower()
        message = f'{text} is the boolean {meant} to kubectl and text to newer readers; write {meant}, or "{text}"'
        return Meaning(value, "yaml-boolean", message)
    return _number(text) if text[0] in _NUMERIC else Meaning(text)


def _number(text: str) -> Meaning:
    if _INT.fullmatch(text):
        digits = text.replace("_", "")
        return Meaning(int(digits)) if len(digits) <= _LONGEST_INT else _finite(text, digits)
    if _BASED.fullmatch(text):
        return Meaning(int(text.replace("_", ""), 0)) if len(text) <= _LONGEST_INT else Meaning(text)
    if _OCTAL.fullmatch(text) and any(digit in text for digit in "01234567"):
        return _octal(text)
    if _FLOAT.fullmatch(text):
        return _finite(text, text)
    if _INFINITE.fullmatch(text):
        return _finite(text, text.replace(".", ""))
    return Meaning(text)


def _octal(text: str) -> Meaning:
    digits = text.replace("_", "").replace("o", "")
    if len(digits) > _LONGEST_INT:
        return Meaning(text)
    value = int(digits, 8)
    message = f'{text} is {value} (octal) to kubectl and another number to newer readers; write {value}, or "{text}"'
    return Meaning(value, "yaml-octal", message)


def _finite(text: str, digits: str) -> Meaning:
    value = float(digits)
    if math.isfinite(value):
        return Meaning(value)
    shown = text if len(text) <= _LONGEST_INT else f"{text[:_LONGEST_INT]}..."
    message = f"{shown} is no finite number, which JSON cannot carry; give a finite one, or put it in quotes"
    return Meaning(None, "not-finite", message, error=True)
