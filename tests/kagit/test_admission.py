"""Rules of CRDs and policies without a server: the words are those of `kagit validate`, the files are up to date."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from kagit import names
from kagit.v1beta1.admission import cel, crd, policies
from kagit.v1beta1.checks import numbers
from tests.kagit import admission

ROOT = Path(__file__).parents[2]
GENERATE = runpy.run_path(str(ROOT / "manifests" / "generate.py"))
ISSUES = [issue for case in admission.ALL for issue in admission.issues(case)]


@pytest.mark.parametrize("rule", [pytest.param(one, id=f"{one.slug}: {one.says[:40]}") for one in admission.RULES])
def test_a_rule_says_what_validate_says(rule):
    assert any(rule.slug == issue.slug and admission.said(rule, issue.message) for issue in ISSUES)


@pytest.mark.parametrize("rule", [*admission.RULES, *policies.UPDATE])
def test_words_have_a_value_for_each_hole_and_a_way_out(rule):
    assert rule.says.count("%s") == len(rule.of)
    assert "%" not in rule.says.replace("%s", "")
    assert "; " in rule.says
    assert "\n" not in rule.says


@pytest.mark.parametrize("rule", [one for one in crd.RULES if one.at])
def test_a_rule_stands_on_a_schema_that_is_there(rule):
    node = crd.definition(crd.KINDS["Experiment"])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in re.findall(r"\[\]|[^.\[]+", rule.at):
        node = node["items"] if part == "[]" else node["properties"][part]
    assert rule.rule in [one["rule"] for one in node["x-kubernetes-validations"]]
    for part in rule.field.split(".")[1:]:
        node = node["properties"][part]


def test_exceptions_are_about_cases_and_slugs_that_are_there():
    names = {case["name"] for case in admission.ALL}
    assert len(names) == len(admission.ALL)
    assert set(admission.CEL["unseen_cases"]) | set(admission.CEL["typed_cases"]) <= names
    slugs = {one.rpartition("[")[2].rstrip("]") for case in admission.ALL for one in case.get("errors", [])}
    assert set(admission.CEL["unseen_slugs"]) | set(admission.CEL["typed_slugs"]) <= slugs
    assert not set(admission.CEL["unseen_slugs"]) & admission.SLUGS


def test_no_rule_is_about_more_failures_than_trials():
    """It is a warning with us, because Katib's own example breaks the rule."""
    assert not [one for one in crd.RULES if one.slug == "failed-above-max"]


@pytest.mark.parametrize(
    "text",
    ["1", "-1", "+1.5", ".5", "5.", "1e5", "1E-400", "1e307", "1e+07", "0x10", "1_0", "", " 1", "1 ", "nan", "inf",
     "1e400", "-1e999", "1e", "e5", ".", "-", "1.5.5", "1,5", "\u0665", "1e308", "1.7e308", "00012"],
)  # fmt: skip
def test_what_cel_takes_for_a_number_is_one(text):
    """It may be stricter only where a double ends."""
    is_one = re.search(cel.NUMBER, text) is not None
    assert is_one == (numbers.problem(text, whole=False) == "") or text in {"1e308", "1.7e308"}


def test_literals_are_escaped():
    assert cel.quoted("it's \\d") == "'it\\'s \\\\d'"
    assert cel.listed(["a", "b'"]) == "['a', 'b\\'']"


def test_the_files_are_those_that_would_be_generated():
    """`python -P manifests/generate.py` writes them."""
    made = GENERATE["files"]()
    there = {path.relative_to(ROOT / "manifests").as_posix() for path in (ROOT / "manifests").rglob("*.yaml")}
    generated = {path for path in there if path.startswith(("crds/", "policies/")) or path == "kustomization.yaml"}
    assert generated == set(made)
    for path, text in made.items():
        assert (ROOT / "manifests" / path).read_text(encoding="utf-8") == text, f"{path}: run manifests/generate.py"
        assert text.startswith("# Written by `python -P manifests/generate.py`")


def test_a_crd_is_small_enough_for_kubectl_apply():
    """Which keeps a copy in an annotation of at most 256 KiB."""
    assert all(len(text.encode()) < 200 * 1024 for text in GENERATE["files"]().values())


def test_policies_are_for_experiments_only_and_deny():
    for body in policies.objects():
        assert body["apiVersion"] == "admissionregistration.k8s.io/v1"
        if body["kind"] == "ValidatingAdmissionPolicy":
            (rule,) = body["spec"]["matchConstraints"]["resourceRules"]
            assert rule["resources"] == ["experiments"]
            assert rule["apiGroups"] == [names.GROUP]
        else:
            assert body["spec"]["validationActions"] == ["Deny"]
            assert body["spec"]["policyName"] == body["metadata"]["name"]


def test_the_printer_columns_are_katibs():
    columns = {
        name: [(one["name"], one["jsonPath"]) for one in version["additionalPrinterColumns"]]
        for name, kind in crd.KINDS.items()
        for version in crd.definition(kind)["spec"]["versions"]
    }
    last = [("Type", ".status.conditions[-1:].type"), ("Status", ".status.conditions[-1:].status")]
    age = [("Age", ".metadata.creationTimestamp")]
    asked = [("Requested", ".spec.requests"), ("Assigned", ".status.suggestionCount")]
    assert columns == {"Experiment": last + age, "Suggestion": last + asked + age, "Trial": last + age}


def test_names_and_categories_are_katibs():
    for kind in crd.KINDS.values():
        spec = crd.definition(kind)["spec"]
        assert spec["names"]["categories"] == ["all", "kubeflow", "katib"]
        assert spec["names"]["plural"] == f"{spec['names']['singular']}s"
        assert spec["scope"] == "Namespaced"
        assert spec["versions"][0]["subresources"] == {"status": {}}


def test_yaml_of_the_files_means_what_was_meant():
    for path, text in GENERATE["files"]().items():
        bodies = list(yaml.safe_load_all(text))
        if path == "policies/kagit-experiment-content.yaml":
            assert bodies == [
                one for one in policies.objects() if one["metadata"]["name"] == "kagit-experiment-content"
            ]
        elif path.startswith("crds/") and "kustomization" not in path:
            assert bodies[0] in [crd.definition(kind) for kind in crd.KINDS.values()]
