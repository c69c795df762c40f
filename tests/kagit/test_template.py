"""Spec katib.md sections 3.6, 4.1.4 and 13.2: filling templates."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit import template
from kagit.errors import Refused
from kagit.experiment import TrialParameter, TrialTemplate

SPEC = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"annotations": {"a/b": "noted"}, "labels": {"x": "labelled"}},
    "spec": {
        "backoffLimit": 2,
        "suspend": False,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "command": ["--lr=${trialParameters.learningRate}", "--momentum=${trialParameters.momentum}"],
                        "env": [
                            {"name": "Name", "value": "${trialParameters.trialName}"},
                            {"name": "Namespace", "value": "${trialParameters.trialNamespace}"},
                            {"name": "Kind", "value": "${trialParameters.jobKind}"},
                            {"name": "APIVersion", "value": "${trialParameters.jobAPIVersion}"},
                        ],
                    }
                ]
            }
        },
    },
}
PARAMETERS = {
    "learningRate": "lr",
    "momentum": "momentum",
    "trialName": "${trialSpec.Name}",
    "trialNamespace": "${trialSpec.Namespace}",
    "jobKind": "${trialSpec.Kind}",
    "jobAPIVersion": "${trialSpec.APIVersion}",
}
POINT = {"lr": "0.05", "momentum": "0.9"}


def made(spec=SPEC, parameters=PARAMETERS, **more):
    names = tuple(TrialParameter(name=name, reference=reference) for name, reference in parameters.items())
    return TrialTemplate(trial_spec=copy.deepcopy(spec), parameters=names, **more)


def filled(one, point=POINT, **more):
    return template.fill(one, trial="trial-name", namespace="trial-namespace", point=point, **more)


def test_valid():
    body = filled(made())
    container = body["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["--lr=0.05", "--momentum=0.9"]
    assert [e["value"] for e in container["env"]] == ["trial-name", "trial-namespace", "Job", "batch/v1"]
    assert body["metadata"] == {**SPEC["metadata"], "name": "trial-name", "namespace": "trial-namespace"}
    assert body["spec"]["backoffLimit"] == 2
    assert body["spec"]["suspend"] is False


def test_the_template_is_not_changed():
    one = made()
    filled(one)
    assert one.trial_spec == SPEC


@pytest.mark.parametrize(
    ("reference", "value"), [("${trialSpec.Annotations[a/b]}", "noted"), ("${trialSpec.Labels[x]}", "labelled")]
)
def test_annotations_and_labels(reference, value):
    spec = {**SPEC, "spec": {"x": "${trialParameters.m}"}}
    assert filled(made(spec, {"m": reference}), {})["spec"]["x"] == value


@pytest.mark.parametrize("reference", ["${trialSpec.Labels[none]}", "${trialSpec.Labels}", "${trialSpec.Owner}"])
def test_metadata_that_is_not_there(reference):
    with pytest.raises(Refused, match="trialParameters: m refers to"):
        filled(made(SPEC, {"m": reference}), {})


def test_a_point_without_the_parameter():
    with pytest.raises(Refused, match="learningRate refers to 'lr'"):
        filled(made(), {"invalid-name": "0.05", "momentum": "0.9"} | {"lr2": "1"})


def test_a_parameter_that_nothing_refers_to():
    with pytest.raises(Refused, match="none refers to parameter extra-name"):
        filled(made(), POINT | {"extra-name": "1"})


def test_a_placeholder_that_nobody_declared():
    spec = {**SPEC, "spec": {"x": "${trialParameters.other}"}}
    with pytest.raises(Refused, match=r"\$\{trialParameters.other\} has no trialParameter"):
        filled(made(spec))


def test_a_config_map_that_was_not_found():
    one = TrialTemplate(trial_spec=None, config_map={"configMapName": "c"}, parameters=made().parameters)
    with pytest.raises(Refused, match="the ConfigMap was not found; put it beside"):
        filled(one)


def test_scalars_without_quotes_are_read_anew():
    def read(text):
        return int(text) if text.isdigit() else text

    plain = {
        name: template.Unquoted(text, read)
        for name, text in {
            "a": "${trialParameters.x}",
            "b": "1${trialParameters.x}",
            "c": "-${trialParameters.x}",
        }.items()
    }
    spec = {"kind": "K", "apiVersion": "v1", "spec": {**plain, "d": "${trialParameters.x}"}}
    for one in (made(spec, {"x": "x"}), copy.deepcopy(made(spec, {"x": "x"}))):
        assert filled(one, {"x": "7"})["spec"] == {"a": 7, "b": 17, "c": "-7", "d": "7"}


def test_two_keys_never_become_one():
    spec = {"kind": "K", "apiVersion": "v1", "spec": {"${trialParameters.x}": 1, "a": 2}}
    assert filled(made(spec, {"x": "x"}), {"x": "b"})["spec"] == {"b": 1, "a": 2}
    with pytest.raises(Refused, match="make two keys the same; use them in values only"):
        filled(made(spec, {"x": "x"}), {"x": "a"})


def test_keys_are_filled_too_and_values_are_not_filled_again():
    spec = {"kind": "Job", "apiVersion": "batch/v1", "spec": {"${trialParameters.learningRate}": "x"}}
    body = filled(made(spec, {"learningRate": "lr"}), {"lr": "${trialParameters.learningRate}"})
    assert body["spec"] == {"${trialParameters.learningRate}": "x"}


@given(st.text())
def test_no_value_breaks_the_quoting(value):
    spec = {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "spec": {"args": ["--x=${trialParameters.x}", "${trialParameters.x}"]},
    }
    assert filled(made(spec, {"x": "x"}), {"x": value})["spec"]["args"] == [f"--x={value}", value]
