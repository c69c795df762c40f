"""Reading files: places, limits, ambiguity, and that no bytes crash it."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kagit.findings import Issue, Severity
from repo_layout import read
from repo_layout.settings import Settings

WHOLE = (Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text()
STOPPING = WHOLE[WHOLE.index("  earlyStopping:") : WHOLE.index("  metricsCollectorSpec:")]
EMPTY = "maxTrialCount is 0; give at least 1, or remove the line for no limit [budget-empty]"
GOOD = WHOLE.replace(STOPPING, "")


def told(text, path="a.yaml", **more):
    data = text if isinstance(text, bytes) else text.encode()
    return [str(finding) for finding in read.file(path, data, **more).findings]


def slugs(text):
    return [
        finding.slug for finding in read.file("a.yaml", text if isinstance(text, bytes) else text.encode()).findings
    ]


def named(name, namespace="fakens"):
    return GOOD.replace("name: fake,", f"name: {name},").replace("fakens", namespace)


def test_the_model_of_a_message():
    text = GOOD.replace("maxTrialCount: 6", "maxTrialCount: 0")
    assert told(text, "experiments/mnist.yaml") == [
        f"experiments/mnist.yaml:6:3: {EMPTY}",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('min: "1"', "min: 1", '13:54: min is the number 1, not text; put it in quotes: "1" [not-text]'),
        (
            "name: fake,",
            "name: n,",
            (
                "4:12: name is the boolean false, not text; put it in quotes (YAML reads a bare true, "
                "yes, on, y and the like as booleans) [not-text]"
            ),
        ),
        (
            "maxTrialCount",
            "maxTrialCounts",
            ("6:3: maxTrialCounts is no field of spec; did you mean maxTrialCount? [unknown-field]"),
        ),
        (
            "goal: 0.11",
            "goal: .inf",
            (
                "7:31: .inf is no finite number, which JSON cannot carry; give a finite one, or put "
                "it in quotes [not-finite]"
            ),
        ),
        (
            "kind: Experiment",
            "kind: Experimnt",
            ("3:1: kind Experimnt does not exist; did you mean Experiment? [kind-unknown]"),
        ),
        (
            "lr, parameterType: int",
            "lr, name: lr, parameterType: int",
            ("13:18: name is there twice, first in line 13; remove one [duplicate-key]"),
        ),
        (
            "${trialParameters.momentum}",
            "${trialParameters.momentun}",
            ("35:21: ${trialParameters.momentun} has no trialParameter; did you mean momentum? [placeholder-unknown]"),
        ),
    ],
)
def test_places_and_messages(old, new, message):
    assert old in GOOD
    assert f"a.yaml:{message}" in told(GOOD.replace(old, new, 1))


def test_every_finding_stands_where_the_file_says_it():
    """Each `at` of an extra check is resolved to the line on which that key stands."""
    places = [("spec", "algorithm", "algorithmName"), ("spec", "parameters", 1), ("spec", "nothing", "here")]
    issues = tuple(Issue(at=at, message="x; y", slug=str(i)) for i, at in enumerate(places))
    found = read.file("a.yaml", GOOD.encode(), extra=lambda _: issues)
    lines = GOOD.splitlines()
    where = {finding.slug: lines[finding.line - 1][finding.column - 1 :] for finding in found.findings}
    assert where["0"].startswith("algorithmName")
    assert where["1"].startswith("{name: momentum")
    assert where["2"].startswith("spec:")
    assert found.experiments == ()
    assert found.refused[0].name == "fake"


def test_one_bad_file_never_stops_the_others():
    files = {"experiments/a.yaml": b"a: [1", "experiments/b.yaml": GOOD.encode(), "experiments/c.yaml": b"\xff"}
    found = read.declared(files, Settings())
    assert [one.path for one in found.experiments] == ["experiments/b.yaml"]
    assert [one.line for one in found.experiments] == [2]
    assert {finding.path for finding in found.findings} == {"experiments/a.yaml", "experiments/c.yaml"}
    assert found.broken == {"experiments/a.yaml", "experiments/c.yaml"}


def test_only_yaml_below_the_named_folders_is_read():
    files = dict.fromkeys(["experiments/a.yaml", "experiments-2/a.yaml", "a.yaml", "experiments/a.txt"], GOOD.encode())
    found = read.declared(files, Settings(experiments=("experiments",)))
    assert [one.path for one in found.experiments] == ["experiments/a.yaml"]


def test_the_same_experiment_in_two_files():
    files = {"experiments/a.yaml": GOOD.encode(), "experiments/b.yaml": b"\n" + GOOD.encode()}
    found = read.declared(files, Settings())
    assert [one.path for one in found.experiments] == ["experiments/a.yaml"]
    assert [str(finding) for finding in found.findings] == [
        (
            "experiments/b.yaml:3:1: fakens/fake is declared already in experiments/a.yaml:2; rename or remove one "
            "[experiment-twice]"
        )
    ]
    assert found.broken == frozenset()


def test_the_same_name_in_two_namespaces():
    files = {"experiments/a.yaml": GOOD.encode(), "experiments/b.yaml": named("fake", "other").encode()}
    assert len(read.declared(files, Settings()).experiments) == 2


def test_documents_and_lists():
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [yaml.safe_load(named("c")), {"kind": "X", "apiVersion": "v1"}],
    }
    text = "\n---\n".join([named("a"), named("b"), "", yaml.safe_dump(listed)])
    found = read.file("a.yaml", text.encode())
    assert [one.experiment.name for one in found.experiments] == ["a", "b", "c"]
    assert found.findings == ()


def test_an_error_in_one_document_leaves_the_others():
    found = read.file("a.yaml", f"{named('a')}\n---\n{named('B')}\n---\n{named('c')}".encode())
    assert [one.experiment.name for one in found.experiments] == ["a", "c"]
    assert [one.name for one in found.refused] == ["B"]
    assert [finding.slug for finding in found.refused[0].errors] == ["name-invalid"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: y}",
        "apiVersion: v1\nkind: ConfigMap\ndata: {on: !Ref x, 1: 2}",
        "apiVersion: kubeflow.org/v1\nkind: PyTorchJob",
        "apiVersion: iter8.tools/v2\nkind: Experiment",
    ],
)
def test_other_kinds_are_not_judged(text):
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "empty-file"),
        ("# only a comment\n---\n", "empty-file"),
        ("a: [1", "yaml-syntax"),
        ("a: 'x", "yaml-syntax"),
        ("a: \tb\n\tc: d", "yaml-tab"),
        ("a: b\0c", "control-character"),
        ("a: \x1b[31m", "control-character"),
        (b"a: \xff", "encoding"),
        ("a: b".encode("utf-16"), "encoding"),
        ("a: b".encode("utf-32"), "encoding"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "byte-order-mark"),
        ("- 1\n- 2", "not-a-manifest"),
        ("just text", "not-a-manifest"),
        ("kind: Job", "not-a-manifest"),
        ("epochs: 5", "not-a-manifest"),
        ("apiVersion: kubeflow.org/v1beta1\nkind: Trial", "kind-ignored"),
        ("apiVersion: kubeflow.org/v1beta1\nkind: experiment", "kind-unknown"),
        ("apiVersion: kubeflow.org/v1beta1", "kind-unknown"),
        ("a: *b", "alias-unknown"),
        ("&a [*a]", "alias-circle"),
        ("? [a]\n: b", "key-not-text"),
        ("a: &m {b: c}\n*m : d", "key-not-text"),
        ("<<: 5", "merge-invalid"),
        ("[" * 100_000, "too-deep"),
        ("- " * 100_000, "too-deep"),
        ("{a: " * 100_000, "too-deep"),
        ("\n".join(" " * i + "a:" for i in range(300)), "too-deep"),
        ("---\n" * 101, "too-many-documents"),
        ("[" + "1," * 100_001 + "]", "too-many-values"),
        ("a: " + "x" * 300_000, "scalar-too-large"),
        ("#" * (1 << 20) + "\n", "file-too-large"),
        (GOOD.replace("kind: Exp", "kind: !!python/object/apply:os.system Exp"), "yaml-tag"),
        (GOOD.replace("kind: Exp", "kind: !!binary Exp"), "yaml-tag"),
    ],
    ids=lambda value: None if len(value) > 30 else repr(value),
)
def test_bad_files(text, slug):
    assert slugs(text) == [slug]


def test_an_alias_bomb_is_refused_before_it_grows():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert slugs("\n".join(lines)) == ["too-many-values"]


def test_a_long_text_cannot_be_multiplied_either():
    text = f"a: &a {'x' * 200_000}\nb: [{', '.join(['*a'] * 1000)}]"
    assert slugs(text) == ["too-many-values"]


def test_anchors_and_merge_keys_mean_what_they_say():
    text = WHOLE.replace("algorithm:\n", "algorithm: &same\n").replace(
        "  earlyStopping:\n    algorithmName: test\n    algorithmSettings: [{name: test1, value: value1}]\n",
        "  earlyStopping:\n    <<: *same\n    algorithmName: other\n",
    )
    found = read.file("a.yaml", text.encode())
    assert found.findings == ()
    body = found.experiments[0].experiment.manifest
    assert body["spec"]["earlyStopping"]["algorithmName"] == "other"
    assert body["spec"]["earlyStopping"]["algorithmSettings"] == [{"name": "test1", "value": "value1"}]


def test_an_ambiguous_boolean_is_a_warning_where_a_boolean_may_stand():
    text = GOOD.replace("primaryContainerName", "retain: yes\n    primaryContainerName")
    found = read.file("a.yaml", text.encode())
    assert found.experiments[0].experiment.template.retain is True
    assert [(f.slug, f.severity) for f in found.findings] == [("yaml-boolean", Severity.WARNING)]


@pytest.mark.parametrize("written", ["1e3", "y"])
def test_an_error_is_not_followed_by_a_warning_that_says_the_same(written):
    assert slugs(GOOD.replace('min: "1"', f"min: {written}", 1)) == ["not-text"]


def test_a_boolean_as_key_is_refused_where_it_stands():
    text = GOOD.replace("metadata: {name: fake,", "metadata: {labels: {y: a}, name: fake,")
    assert "a.yaml:4:21: key y is the boolean true, not text; put it in quotes [key-not-text]" in told(text)


SNIPPETS = st.sampled_from(
    ["kind: ", "Experiment", "\n", "  ", "- ", "&a ", "*a", "{", "}", "[", "]",
     ": ", "!!", "|", ">", "'", '"', "%", "?",
     "---", "...", "<<: ", "#", "\t", "apiVersion: kubeflow.org/v1beta1\n", "spec:\n", "é", "\ufeff", "\u2028", "0o7"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.lists(SNIPPETS, max_size=25).map(lambda parts: "".join(parts).encode()))
@example(b"%YAML 3.0\n---\n")
@example(b"%TAG ! tag:x,2000:\n---\n!a b")
@example(b"? \n: \n")
@example(b"- <<: [{a: b}, 5]")
@example(b"&a : *a")
def test_no_bytes_crash_it(data):
    found = read.declared({"experiments/a.yaml": data, "experiments/b.yaml": GOOD.encode()}, Settings())
    assert "fake" in [one.experiment.name for one in found.experiments]
    for finding in found.findings:
        lines = data.count(b"\n") + data.count(b"\r") + data.decode(errors="replace").count("\u2028") + 2
        assert finding.line <= lines
        assert finding.message
    read.settings(data)


@settings(max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_no_changed_byte_crashes_it(place, byte):
    data = bytearray(GOOD.encode())
    data[place] = byte
    found = read.file("a.yaml", bytes(data))
    assert found.experiments or found.findings


def test_reading_the_same_file_twice_is_the_same():
    assert read.file("a.yaml", GOOD.encode()) == read.file("a.yaml", GOOD.encode())


def test_the_machine_does_not_matter(monkeypatch):
    before = read.file("a.yaml", GOOD.encode())
    monkeypatch.setitem(os.environ, "LC_ALL", "tr_TR.UTF-8")
    assert read.file("a.yaml", GOOD.encode()) == before


@pytest.mark.parametrize(
    ("text", "broken", "refused"),
    [
        (GOOD, False, []),
        (GOOD.replace("maxTrialCount: 6", "maxTrialCount: 0"), False, ["fake"]),
        (GOOD.replace("kind: Experiment", "kind: Experimnt"), True, []),
        (GOOD.replace("name: fake", "nam: fake"), True, [""]),
        (GOOD + "\n---\na: [", True, []),
        ("", False, []),
    ],
)
def test_it_is_known_what_may_be_missing(text, broken, refused):
    found = read.file("a.yaml", text.encode())
    assert (found.broken == {"a.yaml"}) is broken
    assert [one.name for one in found.refused] == refused


def many(line, count):
    return "".join(line.format(i) for i in range(count))


@pytest.mark.parametrize(
    "text",
    [
        GOOD + many("  maxTrialCoun{}: 1\n", 20_000),
        GOOD.replace("  trialTemplate:\n", many("    - {{name: x{}}}\n", 9_000) + "  trialTemplate:\n"),
        GOOD.replace("    trialSpec:\n", many("      - {{name: x{0}, reference: y{0}}}\n", 9_000) + "    trialSpec:\n"),
        GOOD.replace("--epochs=1", "'" + "${trialParameters." * 14_000 + "'"),
        "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\n" + many("spek{}: 1\n", 30_000),
        "kind: List\napiVersion: v1\nitems:\n"
        + many("- {{kind: Experimen{}, apiVersion: kubeflow.org/v1beta1}}\n", 9_000),
    ],
    ids=["fields", "parameters", "references", "placeholders", "top", "list"],
)
def test_hostile_files_are_answered(text):
    """Each of these took minutes while every wrong word was compared with every known one."""
    assert len(text) < read.MAX_BYTES
    found = read.file("a.yaml", text.encode())
    assert found.findings or found.experiments
