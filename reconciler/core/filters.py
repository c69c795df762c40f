"""Which regular expressions of users are accepted as metric filters."""

import re

from kagit.errors import Refused

_GROUPS = 2
_TOKEN = re.compile(
    r"(?P<foreign>\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9])|(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<open>\((?:\?(?:P<\w+>|[a-zA-Z-]*:))?)|(?P<close>\))|(?P<alternative>\|)"
    r"|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})[?+]?)|(?P<plain>.)",
    re.DOTALL,
)


def compiled(pattern: str) -> re.Pattern[bytes]:
    """A user's filter, ready for bytes; Refused if it is no regex, lacks two groups, or could take for ever.

    `re` backtracks where Katib's RE2 does not. So what RE2 has not (back-references, looking around) is refused, and so
    is a repeated group that itself contains a repeat or an alternative: `(a+)+` needs time exponential in the line.
    """
    _refuse_slow(pattern)
    try:
        made = re.compile(pattern.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(f"metricsFormat {pattern!r} is not a regular expression: {error}") from None
    if made.groups < _GROUPS:
        raise Refused(f"metricsFormat {pattern!r} needs two groups, one for the metric's name and one for its value")
    return made


def _refuse_slow(pattern: str) -> None:
    varied = [False]
    closed = False
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if kind == "foreign":
            raise Refused(f"metricsFormat {pattern!r}: Katib's regular expressions have no {token[0]!r}; do without it")
        if kind == "repeat":
            if closed and token[0][0] != "?":
                raise Refused(
                    f"metricsFormat {pattern!r}: the repeated group before {token[0]!r} contains a repeat or an "
                    "alternative and could take for ever; repeat a set instead, e.g. `[0-9,]+` for `([0-9]+,?)+`"
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
