"""Spec katib.md sections 3 and 13.1: the tables in tests/cases/katib, each case with all its errors."""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml

from kagit.findings import Severity
from kagit.v1beta1 import manifest
from reconciler.core import problem
from repo_layout import read

CASES = Path(__file__).parents[1] / "cases" / "katib"
OF_TEMPLATES = {
    case["name"] for case in yaml.safe_load((CASES / "validator.yaml").read_text()) if "trialTemplate" in str(case)
}
"""Cases of section 3.6; the others all say what Katib answers."""
MISSING_BUT_INVALID = {"objective-type-missing"}
BASE = yaml.safe_load((CASES / "base.yaml").read_text())


NAS = {
    "graphConfig": {"numLayers": 8, "inputSizes": [32, 32, 3], "outputSizes": [10]},
    "operations": [
        {
            "operationType": "convolution",
            "parameters": [{"name": "size", "parameterType": "categorical", "feasibleSpace": {"list": ["3", "5"]}}],
        }
    ],
}


def cases(*names):
    files = [CASES / f"{name}.yaml" for name in names]
    return [pytest.param(case, id=case["name"]) for path in files for case in yaml.safe_load(path.read_text())]


def keys(path):
    return [int(part[1:-1]) if part[0] == "[" else part for part in re.findall(r"\[\d+\]|[^.\[]+", path)]


def changed(case):
    body = copy.deepcopy(BASE)
    for path in case.get("remove", ()):
        *outer, last = keys(path)
        holder = body
        for key in outer:
            holder = holder[key]
        del holder[last]
    for path, value in case.get("set", {}).items():
        *outer, last = keys(path)
        holder = body
        for key in outer:
            holder = holder[key]
        holder[last] = value
    return body


@pytest.mark.parametrize("case", cases("validator", "beyond", "search"))
def test_case(case):
    body = changed(case)
    before = copy.deepcopy(body)
    experiment, issues = manifest.experiment(body)
    told = {
        severity: sorted(f"{i.field} [{i.slug}]" for i in issues if i.severity is severity) for severity in Severity
    }
    assert told[Severity.ERROR] == sorted(case.get("errors", []))
    assert told[Severity.WARNING] == sorted(case.get("warnings", []))
    assert (experiment is None) == bool(case.get("errors"))
    assert repr(body) == repr(before), "the author's object was changed"
    assert all("; " in i.message or "did you mean" in i.message for i in issues), "a message without a way out"


def test_no_case_is_there_twice():
    names = [case.values[0]["name"] for case in cases("validator", "beyond", "algorithms", "search")]
    assert len(names) == len(set(names))
    assert len(names) > 200


@pytest.mark.parametrize("case", cases("validator"))
def test_what_katib_refuses_is_refused_at_the_same_field(case):
    """Type and field, as Katib's own tables compare them; an item of a list may be named instead of the list."""
    if case["name"] not in OF_TEMPLATES:
        assert "katib" in case, "say what Katib answers"
    if "katib" not in case or "differs" in case:
        return
    theirs = sorted(one.split(" ")[1] for one in case["katib"])
    ours = sorted(re.sub(r"\[\d+\]$", "", one.split(" ")[0]) for one in case.get("errors", []))
    assert ours == theirs


def test_a_slug_always_has_the_same_type():
    """So that a reader of a slug knows Katib's type: Required for what is missing, Invalid for what is wrong."""
    types = {}
    for case in (one.values[0] for one in cases("validator")):
        if "differs" not in case and len(case.get("katib", [])) == 1 == len(case["errors"]):
            slug = re.search(r"\[([a-z-]+)\]$", case["errors"][0])[1]
            types.setdefault(slug, set()).add(case["katib"][0].split(" ")[0])
    assert {slug for slug, found in types.items() if len(found) > 1} == {"collector-path", "collector-format"}
    assert all(
        "Required" in found
        for slug, found in types.items()
        if slug.endswith(("-missing", "-incomplete")) and slug not in MISSING_BUT_INVALID
    )


def with_algorithm(case):
    def pairs(given):
        return [{"name": name, "value": value} for name, value in given.items()]

    spec = {"algorithm": {"algorithmName": case["algorithm"], "algorithmSettings": pairs(case.get("settings", {}))}}
    if "stopping" in case:
        stopping = case["stopping"]
        settings = pairs(stopping.get("settings", {}))
        spec["earlyStopping"] = {"algorithmName": stopping["name"], "algorithmSettings": settings}
    body = changed({**case, "set": {f"spec.{key}": value for key, value in spec.items()} | case.get("set", {})})
    if "stopping" not in case:
        del body["spec"]["earlyStopping"]
    if "nas" in case:
        del body["spec"]["parameters"]
        body["spec"]["nasConfig"] = NAS
        body["spec"]["trialTemplate"]["trialParameters"][0]["reference"] = "architecture"
        body["spec"]["trialTemplate"]["trialParameters"][1]["reference"] = "nn_config"
    return body


@pytest.mark.parametrize("case", cases("algorithms"))
def test_algorithm(case):
    """Errors stop `kagit run`, warnings do not."""
    spec, found = manifest.experiment(with_algorithm(case))
    assert spec is not None, found
    issues = problem.issues(spec)
    told = [sorted(f"{i.field} [{i.slug}]" for i in issues if i.severity is severity) for severity in Severity]
    assert told == [sorted(case.get("errors", [])), sorted(case.get("warnings", []))]
    assert all("; " in i.message or "did you mean" in i.message for i in issues), "a message without a way out"
    assert (problem.obstacle(spec) is not None) == bool(case.get("errors"))


ELSEWHERE = {
    "spec.objective.type": "most",
    "spec.maxFailedTrialCount": -1,
    "spec.trialTemplate.trialSpec": {},
    "metadata.name": "A",
}
SAID_OF_ALGORITHMS = (("spec", "algorithm"), ("spec", "earlyStopping"))


@pytest.mark.parametrize("case", cases("algorithms"))
def test_algorithms_are_looked_at_in_spite_of_errors_elsewhere(case):
    whole, _ = manifest.experiment(with_algorithm(case))
    broken = with_algorithm({**case, "set": {**ELSEWHERE, **case.get("set", {})}})
    nothing, found = manifest.experiment(broken)
    assert nothing is None
    about = [[one for one in problem.issues(spec) if one.at[:2] in SAID_OF_ALGORITHMS]
             for spec in (whole, manifest.sketch(broken, found))]  # fmt: skip
    assert about[0] == about[1]
    file = read.file("a.yaml", json.dumps(broken).encode(), extra=problem.issues)
    assert {one.message for one in about[0]} <= {one.message for one in file.findings}


@pytest.mark.parametrize("case", [one for one in cases("algorithms") if "nas" not in one.values[0]])
def test_nothing_is_said_of_parameters_that_are_broken_themselves(case):
    broken = with_algorithm({**case, "set": {**case.get("set", {}), "spec.parameters": [{"name": "lr"}]}})
    sketch = manifest.sketch(broken, manifest.experiment(broken)[1])
    slugs = {one.slug for one in problem.issues(sketch) if one.at[:2] in SAID_OF_ALGORITHMS}
    assert slugs <= {one.slug for one in problem.issues(manifest.experiment(with_algorithm(case))[0])}


@pytest.mark.parametrize("settings", [3, [{"name": "r_l", "value": 9}], [{"name": 1, "value": "9"}]])
def test_broken_settings_hide_no_name_and_are_not_called_missing(settings):
    def slugs(name):
        algorithm = {"algorithmName": name, "algorithmSettings": settings}
        body = json.dumps(changed({"set": {"spec.algorithm": algorithm}})).encode()
        return {one.slug for one in read.file("a.yaml", body, extra=problem.issues).findings}

    assert "algorithm-unknown" in slugs("tpee")
    assert "setting-missing" not in slugs("hyperband")


def test_a_broken_name_leaves_no_sketch():
    broken = changed({"set": {"spec.algorithm.algorithmName": 3}})
    assert manifest.sketch(broken, manifest.experiment(broken)[1]) is None
