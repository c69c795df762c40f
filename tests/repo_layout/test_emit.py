"""YAML that kagit writes: PyYAML (1.1), ruamel (1.2) and kagit's own reader (kubectl's rules) read the same values."""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from kagit.errors import Refused
from kagit.space import ParameterType
from repo_layout import emit, read
from reports import exports

WORDS = "y n Y N on off On NO yes no true True FALSE null Null ~ = << < > | - -- --- ... ? : , [ ] { } # & * ! % @ `"
NUMBERLIKE = "012 0o17 0x1F 0b1 1e3 1E3 1_000 1:30 1:30.5 .5 +.5 +1 -1 1. 08 .inf -.INF .nan 2024-01-02 1.2.3 e3 inf"
PUNCTUATED = (
    "- a|-a|--a|--lr=0.1|a:|a: b|a:b|:a|?a|? a|#a|a #b|a#b|&a|*a|!a|%a|@a|`a|'a|\"a|a'b|a\"b|\\|\\n|{a}|[a]|a, b|"
    "${trialParameters.lr}|$(HOME)|/bin/sh|http://a.b/c?d=e#f|kubeflow.org/v1beta1|image:tag|a:  b|a  b|a  #b"
)
NASTY = [
    *WORDS.split(),
    *NUMBERLIKE.split(),
    *PUNCTUATED.split("|"),
    *["", " ", "  ", " a", "a ", "\t", "a\tb", "\ta", "a\t", "\n", "a\n", "a\nb", "a\nb\n", "a\n\nb\n", "a\n\n", "\na"],
    *["a \nb", "a\n b", " a\nb", "a\n#b\n", "#a\nb\n", "a\n---\nb\n", "---\na", "a\n...\n", "a\n\tb", "a\r\nb", "a\rb"],
    *["\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u200e", "\u2028", "\u2029", "\ufeff"],
    *[
        "\ufffd",
        "\ufffe",
        "\uffff",
        "é",
        "日本",
        "\U0001f600",
        "\U0010ffff",
        "a\u2028b",
        "a\x85b\n",
        "\u202e",
        "é\nb\n",
    ],
    "x" * 200,
    "word " * 60 + "end",
    "a" * 2000,
    "'" * 600,
    "é" * 500,
]

TEXTS = (
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
    | st.sampled_from(NASTY)
    | st.text("ab \n\t:#-'\"\\{}[],&*!|>%@`?=<.01e_~é\u2028", max_size=12)
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def own(text):
    (document,), findings = read.documents(text.encode(), "a.yaml")
    assert (findings, document.issues) == ((), ())
    return document.value


READERS = [
    pytest.param(yaml.safe_load, id="yaml-1.1"),
    pytest.param(YAML(typ="safe", pure=True).load, id="yaml-1.2"),
    pytest.param(own, id="kubectl"),
]


def typed(value):
    """The value so that 1, 1.0 and true differ, and so does the order of keys."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    return [typed(item) for item in value] if isinstance(value, list) else (type(value).__name__, repr(value))


@pytest.mark.parametrize("load", READERS)
@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:20])
def test_nasty_text_in_every_place(load, text):
    value = {text: text, "list": [text, [text, [text]], {text: {text: text}, "b": text}], "last": text}
    written = emit.dump(value)
    assert typed(load(written)) == typed(value)
    assert load(emit.dump(text)) == text
    assert not {"\x1b", "\u202e", "\ufeff"} & set(written)


@settings(max_examples=400)
@given(VALUES)
def test_what_is_written_is_read_by_everyone(value):
    written = emit.dump(value)
    for load in (reader.values[0] for reader in READERS):
        assert typed(load(written)) == typed(value)
    assert emit.dump(own(written)) == written


@settings(max_examples=300)
@given(VALUES)
def test_no_anchor_is_ever_written(value):
    shared = {"a": value, "b": value, "c": [value, value]}
    tokens = [type(token) for token in yaml.scan(emit.dump(shared))]
    assert not {yaml.AnchorToken, yaml.AliasToken, yaml.TagToken} & set(tokens)


def test_how_it_looks():
    value = {
        "apiVersion": "kubeflow.org/v1beta1",
        "metadata": {"name": "n", "labels": {}, "annotations": {"on": "012"}},
        "spec": {
            "parameters": [{"name": "lr", "list": ["0.1", "1e3"]}, [["a"], []]],
            "goal": 1e-9,
            "big": 1e22,
            "command": ["sh", "-c", "set -e\n\necho  a # ä\n"],
            "image": "registry:5000/a@sha256:0f",
            "text": "no newline\nat the end",
        },
    }
    assert emit.dump(value) == (
        "apiVersion: kubeflow.org/v1beta1\n"
        "metadata:\n"
        '  name: "n"\n'
        "  labels: {}\n"
        "  annotations:\n"
        '    "on": "012"\n'
        "spec:\n"
        "  parameters:\n"
        "  - name: lr\n"
        "    list:\n"
        '    - "0.1"\n'
        '    - "1e3"\n'
        "  - - - a\n"
        "    - []\n"
        "  goal: 1.0e-09\n"
        "  big: 1.0e+22\n"
        "  command:\n"
        "  - sh\n"
        '  - "-c"\n'
        "  - |\n"
        "    set -e\n"
        "\n"
        "    echo  a # ä\n"
        "  image: registry:5000/a@sha256:0f\n"
        "  text: |-\n"
        "    no newline\n"
        "    at the end\n"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [math.nan]}, "a[0] is nan, which JSON cannot carry; give a finite number, or make it text"),
        (-math.inf, "the document is -inf, which JSON cannot carry; give a finite number, or make it text"),
        ({"a": 2**64}, "a is a whole number beyond 64 bits, which readers round; make it text"),
        ({"a": {"b": "\ud800"}}, "a.b holds half a character (U+D800 to U+DFFF), which no file can; remove it"),
        ({"\udc00": 1}, "\udc00 holds half a character (U+D800 to U+DFFF), which no file can; remove it"),
        ({"a": b"x"}, "a is bytes, which YAML cannot carry; make it text"),
        ({"a": {1: 2}}, "a has the key 1, which is the number 1; only text can be a key"),
    ],
)
def test_what_readers_would_not_agree_about_is_refused(value, message):
    with pytest.raises(Refused) as refused:
        emit.dump(value)
    assert str(refused.value) == message


def test_a_circle_and_a_deep_value_are_refused():
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(Refused, match="more than 100 levels"):
        emit.dump({"a": circle})


def numbers_as_text(draw_from):
    return draw_from.map(repr) | st.sampled_from(
        [
            "1e3",
            "1E3",
            "1e-05",
            "+1",
            ".5",
            "5.",
            "1_000",
            "0x1",
            "012",
            "+.5",
            "-.5",
            "08",
            "1e400",
            "9" * 30,
            "1:30",
            "",
            "n",
        ]
    )


@settings(max_examples=300)
@given(TEXTS | numbers_as_text(NUMBERS), st.sampled_from(ParameterType))
def test_reports_write_by_the_same_law(text, kind):
    """The rooms may not meet, so best.yaml quotes by itself: it must read alike, too."""
    written = (
        f"{exports.quoted(text)}: {exports.scalar(kind, text)}\n" if len(text) < 900 else f"a: {exports.quoted(text)}\n"
    )
    values = [load(written) for load in (reader.values[0] for reader in READERS)]
    assert typed(values[0]) == typed(values[1]) == typed(values[2])
    ((key, value),) = values[0].items()
    assert key in {text, "a"}
    assert value == text or float(value) == float(text)
