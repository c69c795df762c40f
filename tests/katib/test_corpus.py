"""Katib's own examples: read, accepted, defaulted, rendered.

They are looked for in KAGIT_CORPUS and beside the project; where neither is there, one test is skipped.
"""

import os
from pathlib import Path

import pytest

from kagit import template
from kagit.findings import Severity
from kagit.space import Distribution
from repo_layout import read
from tests.katib.test_hostile import comes_back

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("KAGIT_CORPUS") or ROOT.parent / "shared" / "corpus")
FILES = sorted(FOLDER.rglob("*.yaml")) if FOLDER.is_dir() else []
BROKEN = {"pipeline-run.yaml": ["placeholder-missing"]}


def each():
    if FILES:
        return [pytest.param(path, id=path.stem) for path in FILES]
    reason = f"no corpus at {FOLDER.name}; set KAGIT_CORPUS"
    return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no-corpus")]


def first_point(space):
    return {p.name: str(p.minimum) if p.is_range else p.values[0] for p in space}


@pytest.mark.parametrize("path", each())
def test_accepted_and_rendered(path):
    found = read.file(path.name, path.read_bytes())
    errors = [f.slug for f in found.findings if f.severity is Severity.ERROR]
    assert errors == BROKEN.get(path.name, [])
    if errors:
        assert [one.name for one in found.refused] != [""]
        return
    experiment = found.experiments[0].experiment
    assert set(experiment.objective.strategies) == set(experiment.objective.metrics)
    assert 1 <= experiment.parallel <= (experiment.max_trials or experiment.parallel)
    assert experiment.template.success_condition
    assert experiment.template.failure_condition
    assert all(isinstance(p.distribution, Distribution) for p in experiment.space)
    if experiment.template.trial_spec is None or not len(experiment.space):
        return
    body = template.fill(experiment.template, trial="trial-0", namespace="team", point=first_point(experiment.space))
    assert body["metadata"]["name"] == "trial-0"
    assert body["metadata"]["namespace"] == "team"
    assert "${trialParameters" not in repr(body)
    assert body["kind"] == experiment.template.trial_spec["kind"]


@pytest.mark.parametrize("path", each())
def test_digests_depend_on_the_meaning_only(path):
    data = path.read_bytes()
    again = b"# a comment\n" + data.replace(b"\n", b"\r\n")
    one, two = (read.file(path.name, d).experiments for d in (data, again))
    assert [e.experiment.spec_digest for e in one] == [e.experiment.spec_digest for e in two]


@pytest.mark.parametrize("path", each())
def test_what_is_stored_and_exported_means_the_same(path):
    for one in read.file(path.name, path.read_bytes()).experiments:
        comes_back(one.experiment)
