"""GJSON paths and outcomes: cases in tests/cases/conditions."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit import comparing, gjson, outcome
from kagit.errors import Refused
from kagit.v1beta1 import defaults

CASES = Path(__file__).parents[1] / "cases" / "conditions"
FINDS = [
    (case["object"], path, value)
    for case in yaml.safe_load((CASES / "gjson.yaml").read_text())
    for path, value in case["finds"].items()
]
REFUSED = yaml.safe_load((CASES / "refused.yaml").read_text())
OUTCOMES = yaml.safe_load((CASES / "outcome.yaml").read_text())
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["", "True", "Complete", "a"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["status", "conditions", "type", "a", "0", "#"]), inner, max_size=3),
    ),
    max_leaves=12,
)
PIECES = st.lists(
    st.sampled_from([*'.|[]{}",*~!: \0', "a", "status", "#", "#(", ")", ")#", "==", "<", "%", "@this"]), max_size=14
)


@pytest.mark.parametrize(("body", "path", "value"), FINDS, ids=[path for _, path, _ in FINDS])
def test_what_a_path_finds(body, path, value):
    found = gjson.compiled(path)(body)
    assert json.dumps(found) == json.dumps(value) if found is not gjson.MISSING else value == "none"


@pytest.mark.parametrize(("path", "part"), [one for one in REFUSED.items() if one[1] != "none"])
def test_what_is_refused_says_where_and_the_way_out(path, part):
    with pytest.raises(Refused) as refusal:
        gjson.compiled(path)
    assert part in str(refusal.value)
    assert ";" in str(refusal.value) or "missing" in str(refusal.value)


@pytest.mark.parametrize("path", ["a." * 600 + "a", "[" * 30 + "a" + "]" * 30])
def test_long_and_deep_paths_are_refused(path):
    with pytest.raises(Refused, match=r"too long|levels deep"):
        gjson.compiled(path)


@pytest.mark.parametrize("case", OUTCOMES, ids=[case["name"] for case in OUTCOMES])
def test_how_an_object_stands(case):
    usual = defaults.effective({"trialTemplate": {"trialSpec": {"kind": "Job"}}})["trialTemplate"]
    body = {"kind": case["kind"], **({"status": case["status"]} if "status" in case else {})}
    found = outcome.of(
        body,
        success=case.get("success", usual["successCondition"]),
        failure=case.get("failure", usual["failureCondition"]),
    )
    assert found == (case["outcome"], case.get("reason", ""), case.get("message", ""))


@given(path=PIECES, body=JSON)
def test_no_path_and_no_object_breaks_it(path, body):
    try:
        find = gjson.compiled("".join(path))
    except Refused:
        return
    found = find(body)
    gjson.first(found)
    assert find(body) == found or found != found or "nan" in repr(found)  # noqa: PLR0124 - nan


@given(text=st.text("ab?*\\", max_size=8), pattern=st.text("ab?*\\", max_size=8))
def test_globs_mean_what_they_say(text, pattern):
    def slow(text, tokens):
        if not tokens:
            return not text
        if tokens[0] == "*":
            return any(slow(text[i:], tokens[1:]) for i in range(len(text) + 1))
        return bool(text) and (tokens[0] == "?" or tokens[0] == f"={text[0]}") and slow(text[1:], tokens[1:])

    assert comparing.matches(text, pattern) is slow(text, comparing._tokens(pattern))


def test_a_hostile_glob_takes_no_time():
    assert not comparing.matches("a" * 5000, "*a" * 300 + "b")


def test_the_answer_is_plain_data():
    found = gjson.compiled("{a,[b]}")({"a": 1, "b": 2})
    assert json.loads(json.dumps(found)) == found
