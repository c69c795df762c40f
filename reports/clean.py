"""Foreign text made harmless before any format escapes it (spec reports.md section 6a, rules 8 and 9).

Only fixed code point ranges are used: Unicode tables differ between Python versions, reports may not.
"""

import re

INLINE_LIMIT = 300
BLOCK_LINES = 20
BLOCK_WIDTH = 400
WINDOW = 65_536
"""Characters at the end of a long output that are looked at; far more than a block shows."""

REDACTED = "[redacted]"

_ANSI = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles and hyperlinks
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001fffe\U0001ffff\U000e0000-\U000e0fff\U0010fffe\U0010ffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

_SECRETS = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        REDACTED,
    ),
    (re.compile(r"(?i)((?:proxy-)?authorization[\"']?\s*[:=][ \t]*)[^\n]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(bearer\s+)[a-z0-9._~+/=-]{8,}"), rf"\1{REDACTED}"),
    (re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{0,20}://)[^\s/?#]*@"), rf"\1{REDACTED}@"),
    (re.compile(r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16}\b"), REDACTED),
    (re.compile(r"(?i)(secret_?access_?key[\"']?\s*[:=]\s*)\S{16,}"), rf"\1{REDACTED}"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abeprs]-)[A-Za-z0-9_-]{16,}"), REDACTED),
    (re.compile(r"\b(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,})"), REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), REDACTED),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[:=]\s*[\"']?)(?!\[redacted)[^\s\"']{8,}"
        ),
        rf"\1{REDACTED}",
    ),
)
"""Patterns and what replaces them. A commit is for ever, so a harmless word lost is the better mistake."""


def text(value: str) -> str:
    """The text with plain line ends and tabs, without terminal sequences, control, bidi and invisible characters."""
    if value.isascii() and value.isprintable():
        return value
    value = _LINE_END.sub("\n", _ANSI.sub("", value))
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", value))


def redact(value: str) -> str:
    """The text without what looks like a secret: keys, tokens, passwords, user info in URLs."""
    for pattern, replacement in _SECRETS:
        value = pattern.sub(replacement, value)
    return value


def inline(value: str, limit: int = INLINE_LIMIT) -> str:
    """Cleaned and redacted text on one line of at most `limit` characters, ending in an ellipsis where it was cut."""
    line = " ".join(redact(text(value[:WINDOW])).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def block(value: str, lines: int = BLOCK_LINES) -> str:
    """The last `lines` lines, cleaned and redacted, each cut to a bounded width; empty for blank text."""
    kept = redact(text(value[-WINDOW:])).rstrip().split("\n")[-lines:]
    return "\n".join(line if len(line) <= BLOCK_WIDTH else f"{line[: BLOCK_WIDTH - 1]}…" for line in kept).strip("\n")
