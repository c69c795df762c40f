"""Spec katib.md section 3.6 and its tables in 13.1: trial templates, row by row."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit.findings import Severity
from kagit.v1beta1 import manifest

FILE = Path(__file__).parents[1] / "cases" / "katib" / "template.yaml"
BASE = yaml.safe_load(FILE.with_name("base.yaml").read_text())
CASES = yaml.safe_load(FILE.read_text())
SHORT = {
    "T": "spec.trialTemplate",
    "B": "spec.trialTemplate.trialSpec",
    "C": "spec.trialTemplate.trialSpec.spec.template.spec.containers[0]",
}


def long(path):
    head, rest = re.fullmatch(r"(.+?)((?:[.\[ ].*)?)", path).groups()
    return SHORT.get(head, head) + rest


def keys(path):
    return [int(part[1:-1]) if part[0] == "[" else part for part in re.findall(r"\[\d+\]|[^.\[]+", long(path))]


def holder(body, path):
    *outer, last = keys(path)
    for key in outer:
        body = body[key]
    return body, last


def changed(case):
    body = copy.deepcopy(BASE)
    del body["spec"]["earlyStopping"]  # a word of its own, not for templates to say
    for path in case.get("remove", ()):
        inner, last = holder(body, path)
        del inner[last]
    for path, value in case.get("set", {}).items():
        inner, last = holder(body, path)
        inner[last] = value
    return body


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_case(case):
    body = changed(case)
    before = copy.deepcopy(body)
    experiment, issues = manifest.experiment(body)
    told = {one: sorted(f"{i.field} [{i.slug}]" for i in issues if i.severity is one) for one in Severity}
    assert told[Severity.ERROR] == sorted(map(long, case.get("errors", [])))
    about = [one for one in told[Severity.WARNING] if one.startswith(SHORT["T"])]
    assert about == sorted(map(long, case.get("warnings", [])))
    assert (experiment is None) == bool(case.get("errors"))
    assert repr(body) == repr(before), "the author's object was changed"
    assert all("; " in i.message or "did you mean" in i.message for i in issues), "a message without a way out"
    assert case.get("says", "") in "\n".join(i.message for i in issues)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_what_katib_refuses_is_refused_at_the_same_field(case):
    if "differs" not in case:
        theirs = sorted(one.split(" ")[1] for one in case["katib"])
        assert sorted(one.split(" ")[0] for one in case.get("errors", [])) == theirs


def test_every_rule_has_its_row():
    rules = {int(found[0]) for case in CASES for found in [re.match(r"\d+", case["name"])] if found}
    assert rules == set(range(1, 19)) - {15}, "15 needs a text: tests/repo_layout/test_config_maps.py"
    assert len(CASES) == len({case["name"] for case in CASES}) > 60


KINDS = ("Job", "PyTorchJob", "TFJob", "XGBoostJob", "MPIJob", "TrainJob", "JobSet", "Workflow", "PipelineRun", "Other")
WORDS = (
    *("metadata", "labels", "annotations", "spec", "template", "containers", "name", "replicas", "steps", "templates"),
    *(
        "pytorchReplicaSpecs",
        "tfReplicaSpecs",
        "mpiReplicaSpecs",
        "replicatedJobs",
        "pipelineSpec",
        "tasks",
        "taskSpec",
    ),
    *("podMetadata", "containerSet", "container", "sidecars", "Master", "${trialParameters.x}", "restartPolicy"),
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from((*WORDS, "${trialSpec.Name}", "{{trialParam.x"))
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.integers(0, 3), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(st.sampled_from(KINDS), BODIES, BODIES, st.text(max_size=20))
def test_no_template_is_too_odd(kind, meta, spec, condition):
    body = copy.deepcopy(BASE)
    body["spec"]["trialTemplate"] |= {
        "trialSpec": {"apiVersion": "batch/v1", "kind": kind, "metadata": meta, "spec": spec},
        "primaryPodLabels": {"x": "y"},
        "successCondition": condition,
        "failureCondition": condition,
    }
    manifest.experiment(body)
