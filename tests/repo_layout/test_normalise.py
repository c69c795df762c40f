"""`kagit fmt` without its command line: order, comments, scalars, and that meaning stays."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kagit.findings import Severity
from repo_layout import normalise, read, scaffold, source
from tests.repo_layout import messy

ROOT = Path(__file__).parents[2]
HEAD = "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\n"
OTHER = "kind:   ConfigMap\napiVersion: v1\ndata: {y: 1e3}\n"

MESSY = """\
# for the whole team

# about this file
kind: Experiment   # the kind
apiVersion: kubeflow.org/v1beta1
metadata:
    # where
    namespace: kubeflow
    name: random # nm


    labels: {b: x, a: "on",
       c: "x"}   # behind brackets
    # end of metadata
spec:
    trialTemplate:
        trialSpec:
            kind: Job
            apiVersion: batch/v1
            spec:
                containers:
                    - name: t
                      command:
                        - sh
                        - |   # header comment
                          # inside
                          echo 1

                            deeper
                      env:
                        -   name: A
                            # why
                            value: yes
                        -
                            # first
                            value: 012
                        - # dash
                          name: C
                        - |2
                             x
                        - >+
                          folded
                          text


                        # after keep
                        - "multi
                           line \\
                             text"
                        - plain
                          multi
                        - - - a
                            # deep
                        - {a: b, # in brackets
                           c: d}
                        -
        # tp
        trialParameters:
            - {reference: lr, name: learningRate, description: foo}
            # tail of tp
    # about parameters
    parameters:
    - feasibleSpace: {max: 0.1, min: 1e-3}
      parameterType: double
      name: lr
    # next
    - name: n # n
      parameterType: int
      feasibleSpace:
        max: 5
        min: "1"
      # end of n

    # objective!
    objective:
      objectiveMetricName: loss
      type: minimize
      goal: 1e-3
    algorithm:
      algorithmName: random
      # tail of algorithm
    maxTrialCount: 1_0
  # odd column
# the end
    # deep end
"""

NEAT = """\
# for the whole team

# about this file
apiVersion: kubeflow.org/v1beta1
kind: Experiment   # the kind
metadata:
  name: random # nm
  # where
  namespace: kubeflow

  labels: {b: x, a: "on",
     c: "x"}   # behind brackets
  # end of metadata
spec:
  # objective!
  objective:
    type: minimize
    goal: 0.001
    objectiveMetricName: loss
  algorithm:
    algorithmName: random
    # tail of algorithm
  maxTrialCount: 10
  # about parameters
  parameters:
  - name: lr
    parameterType: double
    feasibleSpace: {min: "1e-3", max: "0.1"}
  # next
  - name: "n" # n
    parameterType: int
    feasibleSpace:
      min: "1"
      max: "5"
    # end of n
  trialTemplate:
    # tp
    trialParameters:
    - {name: learningRate, description: foo, reference: lr}
    # tail of tp
    trialSpec:
      kind: Job
      apiVersion: batch/v1
      spec:
        containers:
        - name: t
          command:
          - sh
          - |   # header comment
            # inside
            echo 1

              deeper
          env:
          - name: A
            # why
            value: true
          # first
          - value: 10
          - # dash
            name: C
          - |2
               x
          - >+
            folded
            text


          # after keep
          - "multi
             line \\
               text"
          - plain
            multi
          - - - a
              # deep
          - {a: b, # in brackets
             c: d}
          -
# odd column
# the end
# deep end
"""


def formatted(text):
    data = text if isinstance(text, bytes) else text.encode()
    return normalise.file("a.yaml", data)


def neat(text):
    new = formatted(text)
    assert not [finding for finding in new.findings if finding.severity is Severity.ERROR]
    assert formatted(new.data).data == new.data
    return new.data.decode()


def told(text):
    return [str(finding) for finding in formatted(text).findings]


def values(data):
    documents, findings = read.documents(data, "a.yaml")
    assert not [finding for finding in findings if finding.severity is Severity.ERROR]
    return [document.value for document in documents]


def test_everything_at_once():
    assert neat(MESSY.replace("name: n #", 'name: "n" #')) == NEAT
    assert told(NEAT) == []


def test_what_stood_as_a_number_is_told():
    assert told(MESSY) == [
        'a.yaml:63:23: max is the number 0.1, where Katib wants text; fmt writes it as "0.1" [fmt-text]',
        'a.yaml:63:33: min is the number 1e-3, where Katib wants text; fmt writes it as "1e-3" [fmt-text]',
        'a.yaml:70:9: max is the number 5, where Katib wants text; fmt writes it as "5" [fmt-text]',
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # scalars outside of fields for text keep what kubectl reads
        ("spec: {trialTemplate: {retain: yes}}\n", "spec: {trialTemplate: {retain: true}}\n"),
        ("spec: {trialTemplate: {retain: off}}\n", "spec: {trialTemplate: {retain: false}}\n"),
        ("spec:\n  maxTrialCount: 012\n", "spec:\n  maxTrialCount: 10\n"),
        ("spec:\n  maxTrialCount: 0x1F\n", "spec:\n  maxTrialCount: 0x1F\n"),
        ("spec:\n  maxTrialCount: 0X1F\n", "spec:\n  maxTrialCount: 31\n"),
        ("spec:\n  objective: {goal: 1e-7}\n", "spec:\n  objective: {goal: 1.0e-07}\n"),
        ("spec:\n  objective: {goal: 0.10}\n", "spec:\n  objective: {goal: 0.10}\n"),
        ("spec:\n  a: 1:30\n", 'spec:\n  a: "1:30"\n'),
        ("spec:\n  a: [2024-01-02, =, <<, x]\n", 'spec:\n  a: ["2024-01-02", "=", "<<", x]\n'),
        ("spec:\n  1:30: a\n", 'spec:\n  "1:30": a\n'),
        # text fields: numbers become text, but nothing is guessed
        ("metadata: {labels: {v: 1.10}}\n", 'metadata: {labels: {v: "1.10"}}\n'),
        ("metadata: {labels: {v: +.5e3}}\n", 'metadata: {labels: {v: "+.5e3"}}\n'),
        ("metadata: {labels: {v: 012}}\n", "metadata: {labels: {v: 012}}\n"),
        ("metadata: {labels: {v: 0x1}}\n", "metadata: {labels: {v: 0x1}}\n"),
        ("metadata: {labels: {v: 1_0}}\n", "metadata: {labels: {v: 1_0}}\n"),
        ("metadata: {labels: {v: yes, w: true, x: ~}}\n", "metadata: {labels: {v: yes, w: true, x: ~}}\n"),
        ("metadata: {labels: {v: 1:30}}\n", 'metadata: {labels: {v: "1:30"}}\n'),
        ("metadata: {labels: {v: &a 5}}\n", "metadata: {labels: {v: &a 5}}\n"),
        # order
        ("status: {}\nspec: {}\n", "spec: {}\nstatus: {}\n"),
        ("spec:\n  unknown: 1\n  algorithm: {}\n", "spec:\n  algorithm: {}\n  unknown: 1\n"),
        (
            "spec:\n  parameters:\n    - feasibleSpace: {step: '1', max: '5', min: '1'}\n      name: a\n",
            "spec:\n  parameters:\n  - name: a\n    feasibleSpace: {min: '1', max: '5', step: '1'}\n",
        ),
        (
            "spec:\n  trialTemplate:\n    trialSpec: {kind: b, apiVersion: a}\n    retain: true\n",
            "spec:\n  trialTemplate:\n    retain: true\n    trialSpec: {kind: b, apiVersion: a}\n",
        ),
        # comments
        (
            "spec:\n  # c\n\n  # d\n  algorithm: {}\n  objective: {}\n",
            "spec:\n  # c\n\n  objective: {}\n  # d\n  algorithm: {}\n",
        ),
        (
            "spec:\n  algorithm: {} # a\n  objective: # o\n    type: x\n",
            "spec:\n  objective: # o\n    type: x\n  algorithm: {} # a\n",
        ),
        ("spec:\n  x: {b: c, # c\n    a: d}\n", "spec:\n  x: {b: c, # c\n    a: d}\n"),
        ("spec:\n  objective: {goal: 1, # c\n    type: x}\n", "spec:\n  objective: {goal: 1, # c\n    type: x}\n"),
        ("spec: # c\n    - a\n", "spec: # c\n- a\n"),
        ("spec:\n  a: '#b' #c\n", "spec:\n  a: '#b' #c\n"),
        # layout
        ("spec:\n      a:\n        - b\n        -   - c\n            - d\n", "spec:\n  a:\n  - b\n  - - c\n    - d\n"),
        ("spec:\n  a:\n    b\n", "spec:\n  a: b\n"),
        ("spec:\n  a: |\n        b\n         c\n", "spec:\n  a: |\n    b\n     c\n"),
        ("spec:\n  a: |", "spec:\n  a: |\n"),
        ("spec:\n  a: |\n    b", "spec:\n  a: |-\n    b\n"),
        ("spec:\n  a: |+\n    b\n\n\n", "spec:\n  a: |+\n    b\n\n\n"),
        ("spec:\n  a: |+\n    b\n\n\n  # c\n", "spec:\n  a: |+\n    b\n\n\n  # c\n"),
        ("spec:\n  a: b\n\n\n\n  c: d\n\n\n", "spec:\n  a: b\n\n  c: d\n"),
        ("spec:\n\n  a: b", "spec:\n  a: b\n"),
        ("spec:\n  a: >\n    b\n    c\n\n    d\n", "spec:\n  a: >\n    b\n    c\n\n    d\n"),
        ("spec:\n  a: 'b\n\n    c'\n", "spec:\n  a: 'b\n\n    c'\n"),
        (f"spec:\n  a: {'long ' * 90}end\n", f"spec:\n  a: {'long ' * 90}end\n"),
        # anchors
        ("spec:\n    a: &x\n        b: c\n    d: *x\n", "spec:\n  a: &x\n    b: c\n  d: *x\n"),
        ("spec:\n    - &x\n      b: c\n    - <<: *x\n      d: e\n", "spec:\n- &x\n  b: c\n- <<: *x\n  d: e\n"),
        ("spec:\n  a: &x 012\n  b: *x\n", "spec:\n  a: &x 10\n  b: *x\n"),
        ("spec:\n  a: &x   # c\n    - b\n", "spec:\n  a: &x   # c\n  - b\n"),
    ],
)  # fmt: skip
def test_small_things(old, new):
    assert neat(HEAD + old) == HEAD + new


def test_a_whole_manifest_in_brackets():
    text = '{kind: Experiment, "apiVersion": kubeflow.org/v1beta1, spec: {maxTrialCount: 012}}'
    assert neat(text) == '{"apiVersion": kubeflow.org/v1beta1, kind: Experiment, spec: {maxTrialCount: 10}}\n'


class TestFiles:
    def test_other_documents_stay_byte_for_byte(self):
        windows = OTHER.replace("\n", "\r\n") + "\r\n\r\n"
        text = f"# top\n---\n{windows}---  # ours\nspec: {{}}\n{HEAD}\n\n# end\n---\n{OTHER}"
        assert neat(text) == f"# top\n---\n{windows}---  # ours\n{HEAD}spec: {{}}\n\n# end\n---\n{OTHER}"

    @pytest.mark.parametrize(
        "text", ["", "# nothing\n\n\n", OTHER, "a:   b", "just text", "\ufeff" + OTHER, "---\n---\n"]
    )
    def test_files_without_experiments_stay(self, text):
        assert formatted(text).data == text.encode()
        assert told(text) == []

    def test_line_ends_and_marks(self):
        windows = ("\ufeff" + HEAD + "spec:\n  a: |\n    b\n    c").replace("\n", "\r\n")
        assert neat(windows) == HEAD + "spec:\n  a: |-\n    b\n    c\n"

    def test_ends_of_documents(self):
        assert neat(f"%YAML 1.1\n---\nspec: {{}}\n{HEAD}...\n# c\n---\n{OTHER}") == (
            f"%YAML 1.1\n---\n{HEAD}spec: {{}}\n...\n# c\n---\n{OTHER}"
        )

    def test_lists(self):
        text = (
            "items:\n  - kind: X\n    apiVersion: v1\n    a: 012\n"
            "  - kind: Experiment\n    apiVersion: kubeflow.org/v1beta1\nkind: List\n"
        )
        assert neat(text) == (
            "kind: List\nitems:\n- kind: X\n  apiVersion: v1\n  a: 012\n"
            "- apiVersion: kubeflow.org/v1beta1\n  kind: Experiment\n"
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "spec: {\n", "3:8: not YAML: did not find expected node content while parsing a flow node; "),
        (HEAD + "spec: 1\nspec: 2\n", "4:1: spec is there twice, first in line 3; remove one [duplicate-key]"),
        (HEAD + "spec: !x 1\n", "3:1: tag !x is not read; remove it, and quote what is text [yaml-tag]"),
        (HEAD + "spec: {y: 1}\n", "3:8: key y is the boolean true, not text; put it in quotes [key-not-text]"),
        (HEAD + "spec: .inf\n", "3:1: .inf is no finite number, which JSON cannot carry; "),
        (HEAD + "spec: *a\n", "3:7: *a refers to nothing; define &a before it [alias-unknown]"),
        (b"\xff", "1:1: byte 0xff is not UTF-8; save the file as UTF-8 [encoding]"),
        ("[" * 100_000, "more than 100 levels deep; flatten it [too-deep]"),
        ("#" * (1 << 20) + "\n", "the file has 1048577 bytes; split it, 1048576 are allowed [file-too-large]"),
        (HEAD + "---\n" * 101, "more than 100 documents; split the file [too-many-documents]"),
    ],
    ids=range(10),
)
def test_wrong_files_stay_with_what_is_wrong(text, message):
    new = formatted(text)
    assert new.data == (text if isinstance(text, bytes) else text.encode())
    (finding,) = new.findings
    assert finding.severity is Severity.ERROR
    assert message in str(finding)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec: # c\n  {a: b}\n", "3:7: a comment stands between this and its value; move it above or behind"),
        ("spec:\n- # c\n  x\n", "4:3: a comment stands between this and its value; move it above or behind"),
        ("? spec\n: {}\n", "3:1: a key is written with a question mark; write it before a colon"),
        ("spec: 'a\u2028b'\n", "3:1: this line holds U+2028, which ends a line to some readers; write an escape"),
        ("spec: &a\n  |\n  x\n", "3:7: the block and its anchor stand on different lines; put them on one"),
        ("spec: |2\n     \n", "3:7: the block holds nothing but blanks; write it in quotes"),
        (
            "spec:\n  # c\n  &x # d\n  a: b\n",
            "5:6: it is not clear what this comment is about; give it a line of its own",
        ),
    ],
)
def test_what_cannot_be_laid_out_stays_and_is_told(text, message):
    new = formatted(f"{HEAD}{text}---\nspec: {{}}\n{HEAD}")
    assert new.data.decode() == f"{HEAD}{text}---\n{HEAD}spec: {{}}\n"
    assert [str(one) for one in new.findings] == [f"a.yaml:{message} [fmt-left-alone]"]
    assert [one.severity for one in new.findings] == [Severity.WARNING]


def test_content_beside_the_marker_stays():
    text = "--- {kind: Experiment, apiVersion: kubeflow.org/v1beta1}\n"
    assert told(text) == ["a.yaml:1:1: content stands beside ---; put it on the next line [fmt-left-alone]"]
    assert formatted(text).data.decode() == text


def test_keys_keep_their_order_where_an_alias_would_come_first():
    text = HEAD + "spec:\n    trialTemplate:\n        trialSpec: &a {b: 012}\n    objective: *a\n"
    assert neat(text) == HEAD + "spec:\n  trialTemplate:\n    trialSpec: &a {b: 10}\n  objective: *a\n"
    assert told(text) == [
        (
            "a.yaml:1:1: keys keep their order here, because an alias would stand before its anchor; "
            "write out what it means [fmt-order]"
        )
    ]


def test_a_change_of_meaning_is_refused(monkeypatch):
    text = HEAD + "spec:   {a: b}\n"
    monkeypatch.setattr(normalise.layout, "text", lambda _: HEAD + "spec: {a: c}\n")
    new = formatted(text)
    assert new.data.decode() == text
    assert [finding.slug for finding in new.findings] == ["fmt-meaning"]


def test_a_lost_comment_is_refused(monkeypatch):
    text = HEAD + "spec:   {a: b} # c\n"
    monkeypatch.setattr(normalise.layout, "text", lambda _: HEAD + "spec: {a: b}\n")
    assert formatted(text).data.decode() == text
    assert "fmt-meaning" in told(text)[0]


@settings(max_examples=250)
@given(st.integers(0, 1 << 32))
@example(32)
@example(102)
def test_messy_manifests(seed):
    text = messy.manifest(seed)
    new = formatted(text)
    assert {finding.slug for finding in new.findings} <= {"fmt-text"}
    again = new.data.decode()
    assert formatted(again) == normalise.Formatted(data=new.data)
    (before,), (after,) = values(text.encode()), values(new.data)
    changed = list(differences(before, after, ()))
    assert len(changed) == len(new.findings)
    for place, old, now in changed:
        assert float(now) == old, place
    assert source.parse(text).comments == source.parse(again).comments
    assert messy.astray(text, again) == []


def differences(old, new, at):
    """Where two values differ, keys in any order."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from differences(old[key], new[key], (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, two) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, two, (*at, i))
    elif type(old) is not type(new) or old != new:
        yield at, old, new


@settings(max_examples=100)
@given(st.integers(0, 1 << 32))
def test_what_validate_says_stays_less_what_fmt_has_mended(seed):
    text = messy.manifest(seed, bare=False)
    new = formatted(text)
    assert new.findings == ()
    before, after = (read.file("a.yaml", data) for data in (text.encode(), new.data))
    mended = {"yaml-boolean", "yaml-octal", "yaml-number", "yaml-date", "yaml-special"}
    assert sorted(one.slug for one in after.findings) == sorted(
        one.slug for one in before.findings if one.slug not in mended
    )
    assert [one.experiment for one in after.experiments] == [one.experiment for one in before.experiments]


@settings(max_examples=100)
@given(st.integers(0, 1 << 32))
def test_mended_places_are_no_longer_wrong(seed):
    text = messy.manifest(seed)
    wrong, left = (
        [one for one in read.file("a.yaml", data).findings if one.slug == "not-text"]
        for data in (text.encode(), formatted(text).data)
    )
    assert len(left) == len(wrong) - len(formatted(text).findings)


@settings(max_examples=300)
@given(st.binary(max_size=100) | st.text(" \n:-#?&*!|>'\"{}[],ab1\t\r%.\u2028", max_size=60).map(str.encode))
@example(b"%TAG ! tag:x,2000:\n---\nkind: Experiment\n")
@example(b"--- |\n")
@example(b"--- &a\n")
@example(b"&0\t#")
def test_no_bytes_crash_it(data):
    for text in (data, HEAD.encode() + data, HEAD.encode() + b"spec:\n  a: b\n" + data, data + b"\n" + HEAD.encode()):
        new = formatted(text)
        assert formatted(new.data).data == new.data
        assert new.data == text or not [one for one in new.findings if one.severity is Severity.ERROR]
        assert "fmt-meaning" not in [one.slug for one in new.findings]


FOLDERS = [ROOT / "examples", Path(os.environ.get("KAGIT_CORPUS") or ROOT.parent / "shared" / "corpus")]


@pytest.mark.parametrize(
    "path", [path for one in FOLDERS for path in sorted(one.rglob("*.yaml"))], ids=lambda path: path.stem
)
def test_examples_keep_meaning_and_comments(path):
    text = path.read_text()
    assert values(text.encode()) == values(neat(text).encode())
    assert sorted(re.findall(r"# .*", text)) == sorted(re.findall(r"# .*", neat(text)))


@pytest.mark.parametrize("path", [path for path in scaffold.files("x") if path.endswith(".yaml")])
def test_what_init_writes_is_in_normal_form(path):
    text = scaffold.files("x")[path].decode()
    assert neat(text) == text


LINES = "      - a: [1, 2]  # c{i}\n        # above\n        b: c\n"
ITEMS = "- apiVersion: kubeflow.org/v1beta1\n  kind: Experiment\n  spec: {{y{i}: a, a: 012}} # c\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}spec:\n    x:\n" + "".join(LINES.format(i=i) for i in range(4_000)),
        "kind: List\napiVersion: v1\nitems:\n" + "".join(ITEMS.format(i=i) for i in range(4_000)),
        f"{HEAD}spec:\n  a: [{'b, ' * 40_000}c]\n",
        f"{HEAD}spec:\n" + "".join(f"{'  ' * i}a:\n" for i in range(1, 90)) + "# c\n" * 20_000,
        f"{HEAD}spec:\n  a: |+\n" + "\n" * 200_000,
        f"{HEAD}# c\n" * 5_000 + "---\n" * 90,
    ],
    ids=["lines", "list", "brackets", "comments", "blanks", "twice"],
)
def test_large_files_are_answered(text):
    """None takes more than a few seconds; each would take minutes if anything were looked at once per entry."""
    new = formatted(text)
    assert "fmt-meaning" not in [one.slug for one in new.findings]
