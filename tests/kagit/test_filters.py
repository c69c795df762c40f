"""Metric filters: what RE2 and Python both know is accepted, everything else is refused with a way out."""

import re

import pytest

from kagit import filters
from kagit.errors import Refused

P = r"=(\d+)"
"""The second group of most cases."""


@pytest.mark.parametrize(
    ("pattern", "line", "pair"),
    [
        (filters.DEFAULT, b"x loss=0.5", (b"loss", b"0.5")),
        (r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}", b"{metricName: a, metricValue: 5}", (b"a", b"5")),
        (r"(\w+);(\d+)", b"loss;5", (b"loss", b"5")),
        (r"(?i)(LOSS)=(\d+)", b"loss=5", (b"loss", b"5")),
        (r"(?i:(LOSS))=(\d+)", b"loss=5", (b"loss", b"5")),
        (r"(?<name>\w+)=(?P<value>\d+)", b"loss=5", (b"loss", b"5")),
        (r"([[:alpha:]_]+)=([[:digit:]]+)", b"my_loss=5", (b"my_loss", b"5")),
        (r"([[:punct:]]+)=(\d+)", b"-]^=5", (b"-]^", b"5")),
        (r"([[]\w+)=(\d+)", b"[loss=5", (b"[loss", b"5")),
        (r"([\w||-]+)=(\d+)", b"a|b=5", (b"a|b", b"5")),
        (r"([:alpha:]+)=(\d+)", b"hal=5", (b"hal", b"5")),
        (r"(\w+)=(\d+)\z", b"a=1 b=2", (b"b", b"2")),
        (r"(\C+?)=(\d+)", b"\xff=5", (b"\xff", b"5")),
        (r"(\w+?)=(\d{1,3}?)", b"loss=512", (b"loss", b"5")),
        (r"(a{x})=(\d+)", b"a{x}=5", (b"a{x}", b"5")),
        (r"(über/alles).*-> ([\d.]+)", "über/alles: -> 0.5".encode(), ("über/alles".encode(), b"0.5")),
        (r"((?:ab)*)=(\d+)", b"abab=5", (b"abab", b"5")),
        (r"((?:ab?)?)=(\d+)", b"ab=5", (b"ab", b"5")),
    ],
)
def test_accepted(pattern, line, pair):
    assert filters.problem(pattern) == ""
    found = filters.compiled(pattern).search(line)
    assert found is not None
    assert (found[1], found[2]) == pair


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("", "has no two groups"),
        (r"(\d+)", "has no two groups"),
        (r"(\w+" + P, "is not a regular expression: missing ), unterminated subpattern at position 0; correct it"),
        ("[", "is not a regular expression"),
        (r"(\w+)=(\d+)(?=x)", "has '(?=', which RE2 does not know"),
        (r"(\w+)(?<!x)" + P, "has '(?<!', which RE2"),
        (r"(\w)\1" + P, r"has '\\1', which RE2"),
        (r"(?P<a>\w)(?P=a)" + P, "has '(?P=', which RE2"),
        (r"((a)?(?(2)b|c))" + P, "has '(?(', which RE2"),
        (r"(?>\w+)(a)" + P, "has '(?>', which RE2"),
        (r"(?#note)(a)" + P, "has '(?#', which RE2"),
        (r"(\w++)" + P, "has the possessive '++'"),
        (r"(\w{,3})" + P, "has '{,3}', which readers take differently; write {0,3}"),
        (r"(?U)(\w+)" + P, "has the flags (?U)"),
        (r"(?x)(\w+)" + P, "has the flags (?x)"),
        (r"(\pL+)" + P, r"has \pL, which not every reader knows; write the set itself"),
        (r"(\p{Greek}+)" + P, r"has \p{Greek}"),
        (r"([\pL]+)" + P, r"has \p in [\pL], which only RE2 knows; write the set itself"),
        (r"([[:greek:]]+)" + P, "has the class 'greek'"),
        (r"([[:^alpha:]]+)" + P, "has the class 'alpha'"),
        (r"(\Qa\E)" + P, r"has \Q"),
        (r"(a)=(\d+)\Z", r"has \Z, which not every reader knows; write \z, or $"),
        (r"(\x{e9})" + P, r"has \x{e9}"),
        (r"(\u00e9)" + P, r"has \u"),
        (r"(\w+)=(\d+)" * 200, "is too long; give at most 1000 characters"),
        (r"(a+)+" + P + "()", "could take for ever"),
        (r"((\w|x)*)" + P, "could take for ever"),
        (r"(\w+)=((\d{1,3},){2,})", "could take for ever"),
        (r"((((a+)b)c)*)" + P, "could take for ever"),
        ("(a)(b{99999999999})", "is not a regular expression"),
    ],
)
def test_refused(pattern, part):
    why = filters.problem(pattern)
    assert part in why
    assert "; " in why
    with pytest.raises(Refused, match=r"^metricsFormat ") as caught:
        filters.compiled(pattern)
    assert why in str(caught.value)


def test_one_pattern_is_compiled_for_bytes():
    assert isinstance(filters.compiled(filters.DEFAULT), re.Pattern)


@pytest.mark.parametrize(
    ("name", "found"),
    [("loss", True), ("val-loss_2", True), ("a|b", True), ("val loss", False), ("a/b", False), ("a:b", False),
     ("a.b", False), ("ü", False), ("", False)],
)  # fmt: skip
def test_which_names_the_default_filter_finds(name, found):
    assert filters.finds_by_default(name) is found
    line = f"{name}=1"
    matched = [match[1] for match in re.finditer(filters.DEFAULT, line, re.ASCII)]
    assert (name in matched) is found
