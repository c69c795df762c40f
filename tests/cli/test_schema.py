"""`kagit schema`: the same in JSON and YAML, and no kind that there is not."""

import json

import jsonschema
import pytest
import yaml

from repo_layout import scaffold, settings, settings_schema


@pytest.mark.parametrize("of", ["", "experiment", "suggestion", "trial", "settings"])
def test_a_json_schema_is_one(cli, of):
    done = cli("schema", *filter(None, [of]))
    assert done.code == 0
    schema = json.loads(done.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"].lower() == {"": "experiment", "settings": ".kagit.yaml"}.get(of, of)
    assert yaml.safe_load(cli("schema", *filter(None, [of]), "-o", "yaml").out) == schema


def test_crds_come_as_yaml_documents_or_as_a_list(cli):
    bodies = list(yaml.safe_load_all(cli("schema", "--crd").out))
    assert [one["spec"]["names"]["kind"] for one in bodies] == ["Experiment", "Suggestion", "Trial"]
    assert json.loads(cli("schema", "--crd", "-o", "json").out) == {"apiVersion": "v1", "kind": "List", "items": bodies}
    assert json.loads(cli("schema", "trial", "--crd", "-o", "json").out) == bodies[2]


def test_policies_come_with_their_bindings(cli):
    kinds = [one["kind"] for one in yaml.safe_load_all(cli("schema", "policies").out)]
    assert kinds == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] * 2


@pytest.mark.parametrize("of", ["settings", "policies"])
def test_what_is_no_kind_has_no_crd(cli, of):
    done = cli("schema", of, "--crd")
    assert done.code == 1
    assert "leave out --crd" in done.err


SETTINGS = [
    ({}, True),
    ({"experiments": "a/b", "reports": "out", "namespace": "team"}, True),
    ({"experiments": ["a", "b"], "reports": {"path": "r", "branch": "x/y", "interval": "5m", "push": False}}, True),
    ({"experiments": []}, False),
    ({"experiments": 5}, False),
    ({"reports": {"interval": "5 minutes"}}, False),
    ({"reports": {"interval": 300}}, False),
    ({"reports": {"push": "yes"}}, False),
    ({"reports": {"branch": "-x"}}, False),
    ({"reports": {"folder": "x"}}, False),
    ({"namespace": "Team"}, False),
    ({"experiment": "x"}, False),
]


@pytest.mark.parametrize(("value", "good"), SETTINGS)
def test_the_schema_of_settings_says_what_their_reader_says(value, good):
    found = list(jsonschema.Draft202012Validator(settings_schema.json_schema()).iter_errors(value))
    _, issues = settings.settings(value)
    assert (not found, not issues) == (good, good)


def test_the_settings_of_a_new_repository_fit():
    value = yaml.safe_load(scaffold.files("x")[".kagit.yaml"])
    assert not list(jsonschema.Draft202012Validator(settings_schema.json_schema()).iter_errors(value))


def test_every_setting_is_in_the_schema():
    schema = settings_schema.json_schema()["properties"]
    assert set(schema) == set(settings.Settings.__dataclass_fields__)
    assert set(schema["reports"]["anyOf"][1]["properties"]) == set(settings.Reports.__dataclass_fields__)
