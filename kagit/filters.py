"""Which regular expressions of users are accepted as metric filters, and what they mean to Python.

Katib reads them as RE2 does. `re` backtracks, so what could take for ever is refused; what RE2 writes in another way is
rewritten, and what only one of the two knows is refused, so that a filter means the same here and there.
"""

import re
import warnings

from kagit.errors import Refused
from kagit.spelling import short

DEFAULT = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""What Katib looks for where a manifest gives no filter."""

_DEFAULT_NAME = re.compile(r"[\w|-]+", re.ASCII)
_GROUPS = 2
_LONGEST = 1000
_TOKEN = re.compile(
    r"(?P<looking>\(\?<?[=!])|(?P<back>\\[1-9]|\(\?P=|\(\?\()|(?P<foreign>\(\?[>#])"
    r"|(?P<flags>\(\?[a-zA-Z-]+\))"
    r"|(?P<escape>\\x\{[0-9a-fA-F]*\}|\\[pP](?:\{[^}]*\}|.)?|\\.)|(?P<set>\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\])"
    r"|(?P<open>\((?:\?(?:P?<\w+>|[a-zA-Z-]*:))?)|(?P<close>\))|(?P<alternative>\|)"
    r"|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?)|(?P<bare>\{,\d+\})|(?P<plain>.)",
    re.DOTALL,
)
_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": r"\w", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_REWRITTEN = {r"\z": r"\Z", r"\C": r"[\x00-\xff]"}
_ESCAPES = {
    "p": "write the set itself, e.g. [0-9] for \\pN or [A-Za-z] for \\pL",
    "P": "write the set itself, e.g. [^0-9] for \\PN",
    "Q": "put a \\ before each special character instead",
    "E": "put a \\ before each special character instead",
    "Z": "write \\z, or $, for the end",
    "N": "write the character itself",
    "u": "write the character itself",
    "U": "write the character itself",
}
_FLAGS = frozenset("ims-")


def finds_by_default(metric: str) -> bool:
    """Whether the default filter can ever find a metric of that name."""
    return _DEFAULT_NAME.fullmatch(metric) is not None


def compiled(pattern: str) -> re.Pattern[bytes]:
    """A user's filter, ready for bytes; Refused with the reason and the way out where it cannot be one."""
    why, made = _made(pattern)
    if made is None:
        raise Refused(f"metricsFormat {short(pattern)!r} {why}")
    return made


def problem(pattern: str) -> str:
    """Why a text cannot be a metrics filter, with the way out; empty if it can."""
    return _made(pattern)[0]


def _made(pattern: str) -> tuple[str, re.Pattern[bytes] | None]:
    if len(pattern) > _LONGEST:
        return f"is too long; give at most {_LONGEST} characters", None
    why = _slow(pattern)
    rewritten: list[str] = []
    for token in _TOKEN.finditer(pattern) if not why else ():
        why, text = _meaning(token.lastgroup or "", token[0])
        if why:
            break
        rewritten.append(text)
    if why:
        return why, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets that may mean something else in a later Python
            made = re.compile("".join(rewritten).encode(errors="surrogatepass"))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}; correct it", None
    if made.groups < _GROUPS:
        return "has no two groups; put the metric's name and its value in parentheses, in this order", None
    return "", made


def _meaning(kind: str, text: str) -> tuple[str, str]:
    """Why one part of a filter is refused, or how Python spells it."""
    match kind:
        case "looking" | "back" | "foreign":
            return f"has {text!r}, which RE2 does not know; do without looking around, comments and references back", ""
        case "flags" if not _FLAGS.issuperset(text[2:-1]):
            return f"has the flags {text}, which not every reader knows; only i, m and s are common to all", ""
        case "bare":
            return f"has {text!r}, which readers take differently; write {{0{text[1:]}", ""
        case "repeat" if len(text) > 1 and text.endswith("+"):
            return f"has the possessive {text!r}, which RE2 does not know; remove the second +", ""
        case "open" if text.startswith("(?<"):
            return "", f"(?P{text[2:]}"
        case "escape":
            return _escape(text)
        case "set":
            return _set(text)
        case _:
            return "", text


def _escape(text: str) -> tuple[str, str]:
    if text.startswith(r"\x{"):
        return f"has {text}, which only RE2 knows; write the character itself", ""
    way = _ESCAPES.get(text[1])
    return (f"has {text}, which not every reader knows; {way}", "") if way else ("", _REWRITTEN.get(text, text))


def _set(text: str) -> tuple[str, str]:
    unknown = [name for negated, name in _CLASS.findall(text) if negated or name not in _CLASSES]
    if unknown:
        return f"has the class {unknown[0]!r} in {text}, which is none; known are {', '.join(_CLASSES)}", ""
    if re.search(r"\\[pP]", text):
        return f"has \\p in {text}, which only RE2 knows; {_ESCAPES['p']}", ""
    return "", text[0] + _CLASS.sub(lambda found: _CLASSES[found[2]], text[1:])


def _slow(pattern: str) -> str:
    """Whether a repeated group contains a repeat or an alternative: `(a+)+` needs time exponential in the line."""
    varied = [False]
    closed = False
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if kind == "repeat":
            if closed and token[0][0] != "?":
                return (
                    f"could take for ever: the repeated group before {token[0]!r} contains a repeat or an alternative; "
                    "repeat a set instead, e.g. `[0-9,]+` for `([0-9]+,?)+`"
                )
            varied[-1] = True
        elif kind == "open":
            varied.append(False)
        elif kind == "alternative":
            varied[-1] = True
        closed = False
        if kind == "close" and len(varied) > 1:
            closed = varied.pop()
            varied[-1] = varied[-1] or closed
    return ""
