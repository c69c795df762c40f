"""Manifest to words: defaults, digests, and that nothing crashes it."""

import copy
import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagit.experiment import ResumePolicy
from kagit.objective import Strategy
from kagit.space import Distribution
from kagit.v1beta1 import defaults, manifest

BASE = yaml.safe_load((Path(__file__).parents[1] / "cases" / "katib" / "base.yaml").read_text())


def base(**spec):
    body = copy.deepcopy(BASE)
    body["spec"] |= spec
    return body


def words(body):
    experiment, issues = manifest.experiment(body)
    assert experiment is not None, issues
    return experiment


def test_words_of_the_base():
    one = words(base())
    assert one.title == "fakens/fake"
    assert one.parallel == 3
    assert one.max_trials == 6
    assert one.max_failed is None
    assert one.resume is ResumePolicy.NEVER
    assert one.objective.strategies == {"testme": Strategy.MAX}
    assert one.space["lr"].bounds == (Decimal(1), Decimal(5))
    assert one.space["momentum"].values == ("0.95", "0.85", "0.75")
    assert one.space["momentum"].distribution is Distribution.UNIFORM
    assert one.algorithm.settings == {"test1": "value1"}
    assert one.collector.kind == "StdOut"
    assert one.template.success_condition == 'status.conditions.#(type=="Complete")#|#(status=="True")#'
    assert one.manifest == base()


def test_namespace_of_the_caller_counts_only_where_the_manifest_has_none():
    body = base()
    assert manifest.experiment(body, namespace="other")[0].namespace == "fakens"
    del body["metadata"]["namespace"]
    assert manifest.experiment(body, namespace="other")[0].namespace == "other"


@pytest.mark.parametrize(
    ("most", "given_", "parallel"), [(1, None, 1), (2, None, 2), (3, None, 3), (9, None, 3), (9, 5, 5)]
)
def test_default_of_parallel_is_never_above_max(most, given_, parallel):
    spec = {"maxTrialCount": most} | ({} if given_ is None else {"parallelTrialCount": given_})
    assert words(base(**spec)).parallel == parallel


@pytest.mark.parametrize(("kind", "strategy"), [("minimize", "min"), ("maximize", "max")])
def test_strategies_follow_the_type_and_keep_what_is_given(kind, strategy):
    objective = {
        "type": kind,
        "objectiveMetricName": "a",
        "additionalMetricNames": ["b", "c"],
        "metricStrategies": [{"name": "b", "value": "latest"}],
    }
    assert words(base(objective=objective)).objective.strategies == {"a": strategy, "b": "latest", "c": strategy}


@pytest.mark.parametrize(
    ("kind", "done", "labels"),
    [
        ("Job", "Complete", {}),
        ("TFJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("PyTorchJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("XGBoostJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("MPIJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        (
            "TrainJob",
            "Complete",
            {"jobset.sigs.k8s.io/replicatedjob-name": "node", "batch.kubernetes.io/job-completion-index": "0"},
        ),
    ],
)
def test_template_defaults_by_kind(kind, done, labels):
    full = defaults.effective({"trialTemplate": {"trialSpec": {"kind": kind}}})["trialTemplate"]
    assert full["successCondition"] == f'status.conditions.#(type=="{done}")#|#(status=="True")#'
    assert full["failureCondition"] == 'status.conditions.#(type=="Failed")#|#(status=="True")#'
    assert full.get("primaryPodLabels", {}) == labels


@pytest.mark.parametrize(
    ("given_", "source"),
    [
        ({"collector": {"kind": "StdOut"}}, None),
        (
            {"collector": {"kind": "File"}},
            {"fileSystemPath": {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"}},
        ),
        (
            {"collector": {"kind": "TensorFlowEvent"}},
            {"fileSystemPath": {"kind": "Directory", "path": "/var/log/katib/tfevent/"}},
        ),
        ({"collector": {"kind": "PrometheusMetric"}}, {"httpGet": {"path": "/metrics", "port": 8080}}),
        (
            {"collector": {"kind": "PrometheusMetric"}, "source": {"httpGet": {"port": 0, "path": "/m"}}},
            {"httpGet": {"path": "/m", "port": 8080}},
        ),
    ],
)
def test_collector_defaults(given_, source):
    full = defaults.effective({"metricsCollectorSpec": given_})["metricsCollectorSpec"]
    assert full.get("source") == source


def test_collector_defaults_to_standard_output():
    assert defaults.effective({})["metricsCollectorSpec"] == {"collector": {"kind": "StdOut"}}


def test_run_digest_ignores_the_budget_only():
    one = words(base())
    for budget in ({"maxTrialCount": 9}, {"parallelTrialCount": 2}, {"maxFailedTrialCount": 1}):
        other = words(base(**budget))
        assert other.run_digest == one.run_digest
        assert other.spec_digest != one.spec_digest
    other = words(base(objective={"type": "minimize", "objectiveMetricName": "testme"}))
    assert other.run_digest != one.run_digest


def test_writing_a_default_out_changes_no_digest():
    body = base(parallelTrialCount=3, resumePolicy="Never")
    body["spec"]["parameters"][1]["feasibleSpace"]["distribution"] = "uniform"
    body["spec"]["objective"]["metricStrategies"] = [{"name": "testme", "value": "max"}]
    assert words(body).spec_digest == words(base()).spec_digest


def test_metadata_is_no_part_of_the_digests():
    body = base()
    body["metadata"] |= {"labels": {"a": "b"}, "annotations": {"c": "d"}, "uid": "x", "resourceVersion": "5"}
    one = words(body)
    assert one.spec_digest == words(base()).spec_digest
    assert one.labels == {"a": "b"}
    assert one.annotations == {"c": "d"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def places(value, at=()):
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


@given(st.sampled_from(sorted(places(BASE), key=str)), JSON)
def test_any_value_at_any_place_is_words_or_an_error_but_no_crash(place, value):
    body = copy.deepcopy(BASE)
    if not place:
        body = value if isinstance(value, dict) else {}
    else:
        holder = body
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
    experiment, issues = manifest.experiment(body)
    assert (experiment is None) == any(i.severity == "error" for i in issues)
    if experiment is not None:
        json.dumps(experiment.manifest, allow_nan=False)


@pytest.mark.parametrize("goal", [10**400, -(10**5000), float("inf")], ids=["large", "huge", "infinite"])
def test_numbers_beyond_every_float_are_refused(goal):
    experiment, issues = manifest.experiment(base(objective=BASE["spec"]["objective"] | {"goal": goal}))
    assert experiment is None
    assert [issue.field for issue in issues if issue.severity == "error"] == ["spec.objective.goal"]


def test_findings_are_bounded():
    parameters = [{"name": "x", "parameterType": "?"} for _ in range(5000)]
    _, issues = manifest.experiment(base(parameters=parameters))
    assert len(issues) < 300
    assert issues[-1].slug == "too-many-findings"
