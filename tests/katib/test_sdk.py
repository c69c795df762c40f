"""Katib's published Python client reads the objects that we write: every field that it knows, typed, and nothing lost.

The test dependency `kubeflow-katib` is what notebooks use (spec katib.md section 10); it is not there for every Python.
"""

import functools
import json
import os
import re
from types import SimpleNamespace

import pytest

from tests.sim.executor_scripted import Script
from tests.sim.universe import Universe, argument, manifest

PLURALS = {"experiments": "Experiment", "suggestions": "Suggestion", "trials": "Trial"}
OURS = {
    "Experiment": {"status": {"waiting"}},
    "Suggestion": {"status": {"run", "exhausted"}},
    "Trial": {"status": {"attempt", "artifacts", "gpus", "message", "lostAttempts"}},
}
PROVENANCE = {"index", "seed", "historyDigest", "engine", "running", "parent"}
"""Fields of ours that Katib's client does not know and leaves out."""


def script(work) -> Script:
    """Trial 1 fails, trial 2 prints no objective, the others print x squared."""
    number = int(work.trial.rpartition("-")[2])
    if number == 1:
        return Script(exit_code=3, output=b"boom\n")
    return Script(output=b"nothing\n" if number == 2 else f"loss={argument(work) ** 2}\naccuracy=0.5\n".encode())


def body() -> dict:
    """An experiment that fills as many fields as it can."""
    made = manifest("a", trials=4)
    made["metadata"]["labels"] = {"team": "vision", "argocd.argoproj.io/instance": "apps"}
    spec = made["spec"]
    spec["objective"] |= {"goal": 1e-9, "additionalMetricNames": ["accuracy"]}
    spec["algorithm"]["algorithmSettings"] = [{"name": "random_state", "value": "7"}]
    spec["earlyStopping"] = {
        "algorithmName": "medianstop",
        "algorithmSettings": [{"name": "start_step", "value": "2"}],
    }
    spec["metricsCollectorSpec"] = {
        "collector": {"kind": "StdOut"},
        "source": {"filter": {"metricsFormat": [r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"]}},
    }
    spec["trialTemplate"] |= {"retain": True, "primaryPodLabels": {"role": "master"}}
    return made


@functools.cache
def universe() -> Universe:
    made = Universe(script)
    made.push(
        {
            "experiments/a.yaml": body(),
            "experiments/b.yaml": manifest("b", trials=1, parallel=1, resumePolicy="LongRunning"),
        }
    )
    made.settle()
    return made


@pytest.fixture(scope="module")
def katib():
    """The client, with its models."""
    os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    return pytest.importorskip("kubeflow.katib", reason="kubeflow-katib is not there for this Python")


def reader(katib):
    """Katib's reader of JSON, for the kubernetes package of today: that spells the types of metadata in a new way."""

    class Reader(katib.ApiClient):
        def _ApiClient__deserialize(self, data, klass):  # noqa: N802 - the name of a private method of its parent
            if isinstance(klass, str):
                klass = re.sub(r"^Dict\[(.*)\]$", r"dict(\1)", re.sub(r"^List\[", "list[", klass))
            return super()._ApiClient__deserialize(data, klass)

    return Reader()


def read(katib, stored: dict):
    """The model that the client makes of an object."""
    return reader(katib).deserialize(SimpleNamespace(data=json.dumps(stored)), f"V1beta1{stored['kind']}")


def normal(value):
    """One spelling of times, and no difference between absent and null or empty."""
    if isinstance(value, dict):
        return {key: found for key, one in value.items() if (found := normal(one)) not in (None, [], {}, "")}
    if isinstance(value, list):
        return [normal(one) for one in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", value):
        return re.sub(r"(\.\d+)?(Z|\+00:00)$", "Z", value)
    return value


def known(stored: dict) -> dict:
    """An object without the fields that are ours alone, and without metadata, which is Kubernetes' own."""
    kept = {key: one for key, one in stored.items() if key != "metadata"}
    for part, fields in OURS[stored["kind"]].items():
        kept[part] = {key: one for key, one in kept[part].items() if key not in fields}
    if answers := kept["status"].get("suggestions"):
        kept["status"]["suggestions"] = [{k: v for k, v in one.items() if k not in PROVENANCE} for one in answers]
    return kept


@pytest.mark.parametrize("plural", PLURALS)
def test_the_models_lose_nothing(katib, plural):
    found = universe().objects(PLURALS[plural])
    assert found
    for stored in found:
        written = katib.ApiClient().sanitize_for_serialization(read(katib, stored))
        written.pop("metadata")
        assert normal(written) == normal(known(stored))


def test_every_field_has_its_type(katib):
    for plural in PLURALS.values():
        for stored in universe().objects(plural):
            typed(katib, read(katib, stored))


def typed(katib, model) -> None:
    """Each attribute is what the model says that it is."""
    for name, kind in model.openapi_types.items():
        value = getattr(model, name)
        if value is None:
            continue
        inner = re.fullmatch(r"list\[(\w+)\]", kind)
        values, item = (value, inner[1]) if inner else ([value], kind)
        assert isinstance(values, list), name
        for one in values:
            if item.startswith("V1beta1"):
                assert isinstance(one, getattr(katib, item)), name
                typed(katib, one)
            elif item in {"str", "int", "float", "bool"}:
                assert type(one).__name__ == item, name
            elif item == "datetime":
                assert one.tzinfo is not None, name


class Answer:
    """What the Kubernetes client gives for an asynchronous request."""

    def __init__(self, found) -> None:
        self.found = found

    def get(self, _timeout):
        return self.found


class Api:
    """The part of CustomObjectsApi that Katib's client calls to read, on the simulated cluster."""

    def get_namespaced_custom_object(self, group, version, namespace, plural, name, *, async_req):
        assert (group, version, async_req) == ("kubeflow.org", "v1beta1", True)
        return Answer(universe().cluster.get(kind=PLURALS[plural], namespace=namespace, name=name))

    def list_namespaced_custom_object(self, group, version, *, namespace, plural, label_selector="", async_req):
        assert (group, version, async_req) == ("kubeflow.org", "v1beta1", True)
        found = universe().cluster.list(kind=PLURALS[plural], namespace=namespace, selector=label_selector)
        return Answer({"items": found.items})


@pytest.fixture
def client(katib):
    made = object.__new__(katib.KatibClient)  # its constructor wants a kubeconfig, for connections that nobody needs
    made.custom_api, made.api_client, made.namespace = Api(), reader(katib), "default"
    return made


def test_the_client_sees_how_an_experiment_ended(client):
    assert [one.type for one in client.get_experiment_conditions("a")] == ["Created", "Running", "Succeeded"]
    assert client.is_experiment_created("a")
    assert client.is_experiment_succeeded("a")
    assert not client.is_experiment_running("a")
    assert not client.is_experiment_failed("a")
    assert not client.is_experiment_restarting("a")
    assert client.wait_for_experiment_condition("a").metadata.name == "a"
    assert {one.metadata.name for one in client.list_experiments()} == {"a", "b"}


def test_the_client_finds_the_optimum(client):
    best = client.get_optimal_hyperparameters("a")
    values = {one["name"]: float(one["metrics"][0].latest) for one in client.get_success_trial_details("a")}
    assert values.keys() == {"a-1-0000", "a-1-0003"}
    assert values[best.best_trial_name] == min(values.values())
    assert [one.name for one in best.parameter_assignments] == ["x"]
    assert [one.name for one in best.observation.metrics] == ["loss", "accuracy"]


def test_the_client_reads_trials_and_suggestions(client):
    trials = {one.metadata.name: one for one in client.list_trials("a")}
    assert [trials[name].status.conditions[-1].type for name in sorted(trials)] == [
        "Succeeded",
        "Failed",
        "MetricsUnavailable",
        "Succeeded",
    ]
    one = client.get_trial("a-1-0000")
    assert one.metadata.labels["team"] == "vision"
    assert one.metadata.labels["katib.kubeflow.org/experiment"] == "a"
    assert one.spec.primary_pod_labels == {"role": "master"}
    assert one.spec.retain_run is True
    assert one.spec.metrics_collector.source.filter.metrics_format
    assert [(s.name, s.value) for s in one.spec.objective.metric_strategies] == [("loss", "min"), ("accuracy", "min")]
    suggestion = client.get_suggestion("a")
    assert (suggestion.spec.requests, suggestion.status.suggestion_count) == (4, 4)
    assert suggestion.spec.early_stopping.algorithm_name == "medianstop"
    assert suggestion.metadata.labels == {"team": "vision"}
    assert suggestion.metadata.annotations is None
    assert suggestion.status.start_time is not None
