"""What an unquoted YAML scalar means to kubectl and Katib, and where readers disagree about it.

kubectl is sigs.k8s.io/yaml, measured; "older readers" are those of YAML 1.1 such as PyYAML, "newer" those of 1.2.
"""

import math
import re
from typing import NamedTuple

from repo_layout.emit import number

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[bB][01]+)")
_OCTAL = re.compile(r"[-+]?0[oO]?[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SAME_TO_ALL = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?|[-+]?\.[iInN][a-zA-Z]+"
)
_SIXTIES = re.compile(r"[-+]?(?:[1-9][0-9_]*(?::[0-5]?[0-9])+|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_AMBIGUOUS: dict[str, bool] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_SPECIAL = ("=", "<<")
_NUMERIC = frozenset("+-.0123456789")
_MOST_DIGITS = 70
"""More than 64 bits have in any base."""
_SHOWN = 19


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
    if text in _SPECIAL:
        message = f'{text} is text to kubectl and an error to other readers; put it in quotes: "{text}"'
        return Meaning(text, "yaml-special", message)
    return _numeric(text) if text[0] in _NUMERIC else Meaning(text)


def _numeric(text: str) -> Meaning:
    value = _value(text)
    if isinstance(value, float) and not math.isfinite(value):
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        message = f"{shown} is no finite number, which JSON cannot carry; give a finite one, or put it in quotes"
        return Meaning(None, "not-finite", message, error=True)
    if isinstance(value, str):
        return _text(text)
    if _SAME_TO_ALL.fullmatch(text):
        return Meaning(value)
    out = f'write {number(value)}, or "{text}"'
    if not _OCTAL.fullmatch(text.replace("_", "")):
        message = f"{text} is the number {number(value)} to kubectl and text to some readers; {out}"
        return Meaning(value, "yaml-number", message)
    other = "text to older readers" if "o" in text.lower() else "another number to newer readers"
    return Meaning(value, "yaml-octal", f"{text} is {value} (octal) to kubectl and {other}; {out}")


def _value(text: str) -> float | str:
    """What kubectl makes of a scalar that starts as a number does: base 60 and dates are text to it."""
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    bare = text if text[0] == "." else text.replace("_", "")
    if len(bare) <= _MOST_DIGITS and (_INT.fullmatch(bare) or _OCTAL.fullmatch(bare)):
        octal = _OCTAL.fullmatch(bare) and bare.lstrip("+-") != "0"
        whole = int(bare.replace("o", "").replace("O", ""), 8) if octal else int(bare, 0)
        if -(2**63) <= whole < 2**64:
            return whole
    if _FLOAT.fullmatch(bare) or _DOT_FIRST.fullmatch(bare):
        return float(bare)
    return text


def _text(text: str) -> Meaning:
    if _SIXTIES.fullmatch(text):
        message = f'{text} is text to kubectl and a number in base 60 to older readers; put it in quotes: "{text}"'
        return Meaning(text, "yaml-number", message)
    if _DATE.fullmatch(text):
        message = f'{text} is text to kubectl and a date to other readers; put it in quotes: "{text}"'
        return Meaning(text, "yaml-date", message)
    return Meaning(text)
