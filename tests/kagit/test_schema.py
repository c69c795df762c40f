"""One table of fields, and what is generated from it: nothing of Katib's types is missing, and examples fit."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given

from kagit.suggestion import Suggestion
from kagit.v1beta1 import answers, fields_trial, manifest, objects, openapi, pieces
from kagit.v1beta1.admission import crd
from kagit.v1beta1.fields_experiment import STATUS
from kagit.v1beta1.shape import Leaf, ListOf, MapOf, Record
from tests.kagit import admission, test_objects
from tests.katib import test_corpus as corpus

FIELDS = yaml.safe_load((admission.CASES / "fields.yaml").read_text(encoding="utf-8"))
KIND = crd.KINDS["Experiment"]
TYPED = {"not-text", "not-a-mapping", "wrong-type", "objective-type-unknown", "resume-unknown", "budget-empty",
         "budget-negative", "distribution-unknown", "parameter-type-unknown", "collector-unknown", "objective-missing",
         "algorithm-missing", "template-missing", "trial-parameters-missing", "config-map-incomplete"}  # fmt: skip
"""Slugs of what a JSON Schema can see."""
UNSEEN = {"template: 5 no source", "template: 18 a number among arguments", "a collector without kind"}
"""One of two has to be there, what stands inside a template, and what is only needed with something else."""
STRICTER = {"null counts as absent", "empty resumePolicy", "empty distribution"}
"""An editor has no use for nothing where a word is expected; whoever writes it may leave the line out."""


def paths(schema, at=""):
    """Every field of a structural schema with its type, in the words of fields.yaml."""
    kind = "int-or-string" if "x-kubernetes-int-or-string" in schema else schema.get("format") or schema.get("type")
    yield at, "number" if kind == "double" else kind
    for key, one in schema.get("properties", {}).items():
        yield from paths(one, f"{at}.{key}" if at else key)
    if "items" in schema:
        yield from paths(schema["items"], f"{at}[]")


def schema_of(kind):
    return crd.definition(crd.KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@pytest.mark.parametrize("kind", crd.KINDS)
def test_every_field_of_katib_is_there_with_its_type(kind):
    found = dict(paths(schema_of(kind)))
    assert {path: found.get(path) for path in FIELDS[kind]} == FIELDS[kind]


@pytest.mark.parametrize("kind", crd.KINDS)
def test_no_field_is_there_that_the_list_does_not_know(kind):
    """Top levels only: what several kinds share is listed once."""
    found = {path for path, _ in paths(schema_of(kind)) if path.count(".") == 1 and "[]" not in path}
    assert {path for path in found if path.startswith(("spec.", "status."))} <= set(FIELDS[kind])


def nodes(schema, at=""):
    yield at, schema
    for key, one in schema.get("properties", {}).items():
        yield from nodes(one, f"{at}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{at}[]")


@pytest.mark.parametrize("kind", crd.KINDS)
def test_no_default_is_ever_stored(kind):
    assert [at for at, node in nodes(schema_of(kind)) if "default" in node] == []


def test_only_objects_of_others_are_free():
    free = [at for at, node in nodes(schema_of("Experiment")) if node.get("x-kubernetes-preserve-unknown-fields")]
    template = ".spec.trialTemplate.trialSpec"
    assert free == [template, f"{template}.metadata", ".spec.metricsCollectorSpec.collector.customCollector"]


def test_what_a_server_would_say_in_its_own_words_is_left_to_the_rules():
    """A missing or unknown word stops the server before it asks the rules; only keys of lists are required."""
    for at, node in nodes(schema_of("Experiment")["properties"]["spec"]):
        assert not {"enum", "minimum", "minLength", "pattern"} & node.keys(), at
        assert node.get("required", ["name"]) == ["name"], at


@pytest.mark.parametrize("kind", crd.KINDS)
def test_keys_of_lists_are_required_texts(kind):
    for at, node in nodes(schema_of(kind)):
        for key in node.get("x-kubernetes-list-map-keys", ()):
            assert key in node["items"]["required"], at
            assert node["items"]["properties"][key]["type"] == "string", at


def described(shape):
    if isinstance(shape, Leaf):
        return bool(shape.doc) or shape.kind in {"text", "any"}
    if isinstance(shape, ListOf | MapOf):
        return bool(shape.doc) and described(shape.item)
    return all(map(described, shape.fields.values()))


def test_every_field_is_described():
    shapes = [part for kind in crd.KINDS.values() for part in (kind.spec, kind.status)]
    assert [shape for shape in shapes if not (shape.doc and described(shape))] == []
    assert all(isinstance(shape, Record) for shape in shapes)


def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def editor():
    """What an editor would say."""
    return validator(crd.json_schema(KIND))


@pytest.mark.parametrize("file", corpus.each())
def test_katibs_examples_fit(editor, file):
    for body in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if body and body.get("kind") == "Experiment":
            assert [one.message for one in editor.iter_errors(body)] == []


@pytest.mark.parametrize("case", [pytest.param(one, id=one["name"]) for one in admission.ALL])
def test_an_editor_sees_types_and_words(editor, case):
    body = case["body"]
    slugs = {one.rpartition("[")[2].rstrip("]") for one in case.get("errors", [])}
    found = [error.message for error in editor.iter_errors(body)]
    if slugs & TYPED and case["name"] not in UNSEEN:
        assert found
    if not slugs and not case.get("warnings") and case["name"] not in STRICTER:
        assert found == []


def fits(shape, body):
    """Whether nothing is in a body that its shape does not know."""
    return [error.message for error in validator(openapi.json_schema(shape)).iter_errors(json.loads(json.dumps(body)))]


@given(test_objects.waiting | test_objects.running | test_objects.over)
def test_trials_that_we_write_fit(trial):
    body = test_objects.body(trial)
    assert fits(fields_trial.TRIAL_SPEC, body["spec"]) == []
    assert fits(fields_trial.TRIAL_STATUS, body["status"]) == []


@given(test_objects.over)
def test_statuses_that_we_write_fit(trial):
    experiment, _ = manifest.experiment(admission.validation.BASE)
    status = objects.experiment_status(
        conditions=(), started=test_objects.NOW, completed="", trials={trial.name: trial}, best=trial.name,
        now=test_objects.NOW, waiting=("RunningTrials(2)",),
    )  # fmt: skip
    assert fits(STATUS, status) == []
    suggestion = Suggestion(
        index=0, point=trial.point, seed=5, history_digest="d", engine="e", running=(0, 2), parent=0
    )
    kept = answers.status((suggestion,), experiment="fake", run=1, asked=1, exhausted=False, now=test_objects.NOW)
    assert fits(fields_trial.SUGGESTION_STATUS, {**kept, "conditions": pieces.conditions_out(())}) == []
    body = answers.body(experiment, requests=3, owned_by=test_objects.OWNER)
    assert fits(fields_trial.SUGGESTION_SPEC, body["spec"]) == []


def test_a_field_too_many_does_not_fit():
    """So that the tests above can fail."""
    assert fits(fields_trial.TRIAL_STATUS, {"attempts": 1})
    assert fits(STATUS, {"trials": "3"})


def test_there_is_no_schema_of_a_file_that_is_gone():
    assert Path(admission.CASES, "fields.yaml").exists()
    assert set(FIELDS) == set(crd.KINDS)
