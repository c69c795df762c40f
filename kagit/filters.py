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
    parts = [(token.lastgroup or "", token[0]) for token in _TOKEN.finditer(pattern)]
    why = _slow(pattern) or next(filter(None, (_flaw(*part) for part in parts)), "")
    if why:
        return why, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets that may mean something else in a later Python
            made = re.compile("".join(_spelled(*part) for part in parts).encode(errors="surrogatepass"))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}; correct it", None
    if made.groups < _GROUPS:
        return "has no two groups; put the metric's name and its value in parentheses, in this order", None
    return "", made


def _flaw(kind: str, text: str) -> str:
    """Why one part of a filter is refused; empty where readers agree about it."""
    flaw = ""
    if kind in {"looking", "back", "foreign"}:
        flaw = f"has {text!r}, which RE2 does not know; do without looking around, comments and references back"
    elif kind == "flags" and not _FLAGS.issuperset(text[2:-1]):
        flaw = f"has the flags {text}, which not every reader knows; only i, m and s are common to all"
    elif kind == "bare":
        flaw = f"has {text!r}, which readers take differently; write {{0{text[1:]}"
    elif kind == "repeat" and len(text) > 1 and text.endswith("+"):
        flaw = f"has the possessive {text!r}, which RE2 does not know; remove the second +"
    elif kind == "escape":
        flaw = _escape_flaw(text)
    elif kind == "set":
        flaw = _set_flaw(text)
    return flaw


def _escape_flaw(text: str) -> str:
    if text.startswith(r"\x{"):
        return f"has {text}, which only RE2 knows; write the character itself"
    way = _ESCAPES.get(text[1])
    return f"has {text}, which not every reader knows; {way}" if way else ""


def _set_flaw(text: str) -> str:
    unknown = [name for negated, name in _CLASS.findall(text[1:]) if negated or name not in _CLASSES]
    if unknown:
        return f"has the class {unknown[0]!r} in {text}, which is none; known are {', '.join(_CLASSES)}"
    return f"has \\p in {text}, which only RE2 knows; {_ESCAPES['p']}" if re.search(r"\\[pP]", text) else ""


def _spelled(kind: str, text: str) -> str:
    """How Python spells a part that is no flaw."""
    if kind == "open" and text.startswith("(?<"):
        return f"(?P{text[2:]}"
    if kind == "set":
        return text[0] + _CLASS.sub(lambda found: _CLASSES[found[2]], text[1:])
    return _REWRITTEN.get(text, text) if kind == "escape" else text


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
