"""Spec katib.md sections 3 and 13.1: the tables in tests/cases/katib, each case with all its errors."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from kagit.findings import Severity
from kagit.v1beta1 import manifest

CASES = Path(__file__).parents[1] / "cases" / "katib"
NOT_YET = "spec.earlyStopping [early-stopping-not-yet]"
BASE = yaml.safe_load((CASES / "base.yaml").read_text())


def cases():
    files = [CASES / "validator.yaml", CASES / "beyond.yaml"]
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


@pytest.mark.parametrize("case", cases())
def test_case(case):
    body = changed(case)
    before = copy.deepcopy(body)
    experiment, issues = manifest.experiment(body)
    told = {
        severity: sorted(f"{i.field} [{i.slug}]" for i in issues if i.severity is severity) for severity in Severity
    }
    assert told[Severity.ERROR] == sorted(case.get("errors", []))
    told[Severity.WARNING] = [one for one in told[Severity.WARNING] if one != NOT_YET]
    assert told[Severity.WARNING] == sorted(case.get("warnings", []))
    assert (experiment is None) == bool(case.get("errors"))
    assert repr(body) == repr(before), "the author's object was changed"
    assert all("; " in i.message or "did you mean" in i.message for i in issues), "a message without a way out"


def test_what_the_engine_cannot_do_yet_is_said():
    _, issues = manifest.experiment(BASE)
    assert [f"{i.field} [{i.slug}]" for i in issues] == [NOT_YET]


def test_no_case_is_there_twice():
    names = [case.values[0]["name"] for case in cases()]
    assert len(names) == len(set(names))
    assert len(names) > 70
