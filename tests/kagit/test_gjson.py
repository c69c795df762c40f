"""GJSON paths: answers recorded from gjson 1.14.1, what is refused, and hostile input."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit import gjson
from kagit.errors import Refused

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "gjson" / "paths.yaml").read_text())
NOTHING = "nothing"

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
data = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abt.", max_size=2), inner, max_size=4)
)
tokens = (
    "a",
    "b",
    "t",
    "0",
    "1",
    ".",
    ".",
    "|",
    "#",
    "#(",
    ")",
    ")#",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "==",
    "!=",
    "<",
    ">=",
)
more = ("%", "!%", '"', "'", "\\", "*", "?", "@this", "@", "!", "~", " ", "é", "\n", "9" * 400, "1e999", "nan")
paths = st.lists(st.sampled_from((*tokens, *more)), max_size=14).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['in']} {row['path']}") for row in CASES["paths"]])
def test_path(row):
    found = gjson.compiled(row["path"]).get(CASES["documents"][row["in"]])
    found = NOTHING if found is gjson.MISSING else json.dumps(found, sort_keys=True)
    assert found == (json.dumps(row["gives"], sort_keys=True) if "gives" in row else NOTHING)


def test_there_are_enough_rows():
    assert len(CASES["paths"]) >= 280
    assert [row["path"] for row in CASES["paths"] if "gjson" in row] == [
        'status.[@this].#(phase=="Succeeded")#',
        "people.{0.age,1.age}",
    ]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["path"]) for row in CASES["refused"]])
def test_refused(row):
    with pytest.raises(Refused) as caught:
        gjson.compiled(row["path"])
    assert row["says"] in str(caught.value)
    assert "; " in str(caught.value), "a message without a way out"


@pytest.mark.parametrize("row", [pytest.param(row, id=row["path"]) for row in CASES["notes"]])
def test_notes(row):
    notes = gjson.compiled(row["path"]).notes
    assert [row["says"] in note for note in notes] == [True] * ("says" in row)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("status.conditions.#(type==Complete)#", ("done", "all is well")),
        ("status.conditions.#(type==Complete)", ("done", "all is well")),
        ("status.conditions", ("test-reason", "test-message")),
        ("status.[@this].#(succeeded==1)", ("", "")),
        ("status.conditions.#.type", ("", "")),
        ("status.conditions.#(type==Suspended)#", None),
        ("status.conditions.#(type==Suspended)", None),
        ("status.conditions.#", None),
        ("status.succeeded", None),
        ("status.ready", None),
        ("status.active", None),
        ("status.nothing", None),
        ("kind", None),
        ('{"reason":kind,"message":status.succeeded}', ("Job", "")),
    ],
)
def test_an_object_or_the_first_of_a_list_is_a_match_and_nothing_else(path, match):
    assert gjson.first(gjson.compiled(path), CASES["documents"]["job"]) == match


@pytest.mark.parametrize(
    ("path", "last"), [("a.b", "b"), ("a.#(b==1)#", ""), ("a.#", "#"), ("a.#.b", "b"), ("a*", "a*")]
)
def test_the_key_that_a_path_ends_in(path, last):
    assert gjson.compiled(path).last == last


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*ab*ab*", "ab-ab", True),
        ("*ab*ab*", "aab", False),
        ("?", "", False),
        ("?", "\n", True),
        ("?*?", "a", False),
        ("?*?", "ab", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        (r"a\?c", "abc", False),
        (r"\a", "a", True),
        ("a.c", "abc", False),
        ("(a|b)+", "(a|b)+", True),
        ("*é?", "xéy", True),
    ],
)
def test_glob(pattern, text, fits):
    body = {"a": [{"b": text}]}
    path = gjson.compiled(f"a.#(b%{json.dumps(pattern)})")
    assert (path.get(body) is not gjson.MISSING) is fits
    path = gjson.compiled(f"a.#(b!%{json.dumps(pattern)})")
    assert (path.get(body) is gjson.MISSING) is fits


def test_no_glob_takes_long():
    text = "a" * 20_000
    for pattern in ("*a" * 300 + "b", "?*" * 300 + "b", "*a" * 300 + "*b*"):
        assert gjson.compiled(f"#(%{pattern})").get([text]) is gjson.MISSING


def test_long_and_deep_paths():
    body = deep = {}
    for _ in range(1500):
        deep["a"] = {}
        deep = deep["a"]
    assert gjson.compiled(".".join(["a"] * 1500)).get(body) == {}
    assert gjson.compiled(".".join(["a"] * 1501)).get(body) is gjson.MISSING
    assert gjson.compiled("|".join(["@this"] * 500)).get(body) is body
    with pytest.raises(Refused, match="the path has 5000 characters; 4096 are allowed"):
        gjson.compiled("a" * 5000)
    for bracket in ("[", "{", "#(", "#.", "*."):
        with pytest.raises(Refused):
            gjson.compiled(bracket * 1000)


@given(paths, data)
def test_never_raises_but_refused(path, body):
    try:
        made = gjson.compiled(path)
    except Refused:
        return
    made.get(body)
    found = gjson.first(made, body)
    assert found is None or (isinstance(found.reason, str) and isinstance(found.message, str))


@given(data)
def test_true_and_false_queries_share_the_elements_that_compare(body):
    """What `==` finds and what `!=` finds are all elements that are text, number or boolean, each once."""
    body = [*body] if isinstance(body, list) else [body]
    equal, other = (gjson.compiled(f"#({sign}1)#").get(body) for sign in ("==", "!="))
    plain = [one for one in body if isinstance(one, str | int | float)]
    assert len(equal) + len(other) == len(plain)
