"""What a bare scalar means to kubectl; a warning stands exactly where PyYAML or ruamel reads something else."""

import math
from datetime import date

import pytest
import yaml
from ruamel.yaml import YAML

from kagit.findings import Severity
from repo_layout import read

ERROR = "error"

# What sigs.k8s.io/yaml 1.4.0 (kubectl's reader) made of `a: TEXT`, turned into JSON.
KUBECTL = [
    ("y", True, "yaml-boolean"),
    ("Y", True, "yaml-boolean"),
    ("on", True, "yaml-boolean"),
    ("yes", True, "yaml-boolean"),
    ("n", False, "yaml-boolean"),
    ("NO", False, "yaml-boolean"),
    ("off", False, "yaml-boolean"),
    ("true", True, ""),
    ("TRUE", True, ""),
    ("tRue", "tRue", ""),
    ("~", None, ""),
    ("Null", None, ""),
    ("nULL", "nULL", ""),
    ("012", 10, "yaml-octal"),
    ("-012", -10, "yaml-octal"),
    ("0o17", 15, "yaml-octal"),
    ("-0o17", -15, "yaml-octal"),
    ("0O17", 15, "yaml-octal"),
    ("0_7", 7, "yaml-octal"),
    ("0o_7", 7, "yaml-octal"),
    ("08", 8.0, "yaml-number"),
    ("0_8", 8.0, "yaml-number"),
    ("08.5", 8.5, ""),
    ("012.5", 12.5, ""),
    ("1e3", 1000.0, "yaml-number"),
    ("1E3", 1000.0, "yaml-number"),
    ("1e+3", 1000.0, "yaml-number"),
    ("1.5e3", 1500.0, "yaml-number"),
    ("1.5e+3", 1500.0, ""),
    ("1.e+3", 1000.0, ""),
    ("1_000", 1000, "yaml-number"),
    ("1_000.5", 1000.5, "yaml-number"),
    ("1__0", 10, "yaml-number"),
    ("+_1", 1, "yaml-number"),
    ("_1", "_1", ""),
    (".5", 0.5, ""),
    (".5_0", 0.5, "yaml-number"),
    ("+.5", 0.5, "yaml-number"),
    ("-.5", -0.5, "yaml-number"),
    ("._5", "._5", ""),
    ("1.", 1.0, ""),
    ("0.0", 0.0, ""),
    ("0x1F", 31, ""),
    ("0x1_F", 31, "yaml-number"),
    ("+0x1F", 31, "yaml-number"),
    ("0X1F", 31, "yaml-number"),
    ("0x", "0x", ""),
    ("0b101", 5, "yaml-number"),
    ("0B1", 1, "yaml-number"),
    ("0b2", "0b2", ""),
    ("1:30", "1:30", "yaml-number"),
    ("-1:30", "-1:30", "yaml-number"),
    ("1:30.5", "1:30.5", "yaml-number"),
    ("190:20:30", "190:20:30", "yaml-number"),
    ("1:60", "1:60", ""),
    ("01:30", "01:30", ""),
    ("2024-01-02", "2024-01-02", "yaml-date"),
    ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z", "yaml-date"),
    ("2024-1-2", "2024-1-2", ""),
    ("=", "=", "yaml-special"),
    ("+1", 1, ""),
    ("-0", 0, ""),
    ("1.2.3", "1.2.3", ""),
    ("1,000", "1,000", ""),
    ("1e", "1e", ""),
    ("9223372036854775808", 9223372036854775808, ""),
    ("-9223372036854775808", -9223372036854775808, ""),
    ("-1000000000000000000", -1000000000000000000, ""),
    ("99999999999999999999999", 1e23, ""),
    (".inf", ERROR, "not-finite"),
    ("-.INF", ERROR, "not-finite"),
    (".nan", ERROR, "not-finite"),
]
# Newer readers need not be as generous as ruamel, which reads these as kubectl does: YAML 1.2 says text.
RUAMEL_IS_GENEROUS = {"1_000", "1_000.5", "1__0", "+_1", ".5_0", "0x1_F", "+0x1F", "0b101", "0_7"}
LEFT_OUT = {"._5", "9" * 23}
"""A number to ruamel alone, by mistake; and one that Python reads exactly, JSON rounded."""


def loaded(load, text):
    try:
        value = load(f"a: {text}\n")["a"]
    except Exception:  # noqa: BLE001 - whatever a reader raises
        return ERROR
    return ERROR if isinstance(value, float) and not math.isfinite(value) else value


def same(one, two):
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    return one == two and (numbers or type(one) is type(two))


@pytest.mark.parametrize(("text", "value", "slug"), KUBECTL)
def test_a_scalar_is_what_kubectl_makes_of_it(text, value, slug):
    (document,), findings = read.documents(f"a: {text}".encode(), "a.yaml")
    assert findings == ()
    assert same(document.value["a"], None if value == ERROR else value)
    assert [issue.slug for issue in document.issues] == ([slug] if slug else [])
    for issue in document.issues:
        assert issue.severity is (Severity.ERROR if value == ERROR else Severity.WARNING)
        assert text in issue.message
        assert "; " in issue.message


@pytest.mark.parametrize(("text", "value", "slug"), [case for case in KUBECTL if case[0] not in LEFT_OUT])
def test_a_warning_stands_exactly_where_readers_disagree(text, value, slug):
    older, newer = (loaded(load, text) for load in (yaml.safe_load, YAML(typ="safe", pure=True).load))
    agree = same(older, value) and same(newer, value) and text not in RUAMEL_IS_GENEROUS
    assert agree is (slug in {"", "not-finite"}), (older, newer)


def test_the_exceptions_are_real():
    assert loaded(YAML(typ="safe", pure=True).load, "._5") == 0.5
    assert loaded(yaml.safe_load, "1:30") == 90
    assert loaded(yaml.safe_load, "2024-01-02") == date(2024, 1, 2)
    assert all(isinstance(loaded(YAML(typ="safe", pure=True).load, text), int | float) for text in RUAMEL_IS_GENEROUS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e3", '1e3 is the number 1000.0 to kubectl and text to some readers; write 1000.0, or "1e3"'),
        ("1e-5", '1e-5 is the number 1.0e-05 to kubectl and text to some readers; write 1.0e-05, or "1e-5"'),
        ("0o17", '0o17 is 15 (octal) to kubectl and text to older readers; write 15, or "0o17"'),
        ("012", '012 is 10 (octal) to kubectl and another number to newer readers; write 10, or "012"'),
        ("1:30", '1:30 is text to kubectl and a number in base 60 to older readers; put it in quotes: "1:30"'),
        ("2024-01-02", '2024-01-02 is text to kubectl and a date to other readers; put it in quotes: "2024-01-02"'),
        ("=", '= is text to kubectl and an error to other readers; put it in quotes: "="'),
    ],
)
def test_messages_give_the_way_out(text, message):
    (document,), _ = read.documents(f"- {text}".encode(), "a.yaml")
    assert [issue.message for issue in document.issues] == [message]


@pytest.mark.parametrize("key", ["1:30", "2024-01-02", "="])
def test_a_key_that_is_text_to_kubectl_only_is_a_warning_where_it_stands(key):
    (document,), _ = read.documents(f"a:\n  {key}: b".encode(), "a.yaml")
    assert document.value == {"a": {key: "b"}}
    assert [(issue.at, issue.severity) for issue in document.issues] == [(("a", key), Severity.WARNING)]


def test_merge_keys_are_not_judged():
    (document,), _ = read.documents(b"a: &a {b: c}\nd:\n  <<: *a\n", "a.yaml")
    assert document.issues == ()


@pytest.mark.parametrize(
    "text", ["9" * 5000, "0x" + "f" * 5000, "0" * 5000, "1:" * 2000 + "1", "1_" * 5000, "." * 5000]
)
def test_long_ones_are_answered(text):
    assert len(read.documents(f"a: {text}".encode(), "a.yaml")[0]) == 1
