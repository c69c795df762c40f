"""Katib's EarlyStopping service: rules from the curves in Katib's database, and trials marked in the cluster."""

from pathlib import Path

import pytest

from kagit.errors import NotFound, Refused, Unavailable
from kagit.experiment import Algorithm
from kagit.v1beta1 import api_write
from reconciler.adapters.clock import ManualClock
from reconciler.adapters.cluster_embedded import EmbeddedCluster
from reconciler.adapters.grpc_client import Observations
from reconciler.adapters.grpc_server import GrpcServer
from reconciler.shell.stopping import EarlyStopping, mark_early_stopped
from tests.reconciler.katib_controller import experiment

NOW = "2024-01-01T00:00:00Z"


class Database:
    """Katib's database manager with the logs of some trials."""

    def __init__(self, curves):
        self.curves, self.asked = curves, []
        self.server = GrpcServer("127.0.0.1:0", {"DBManager": {"GetObservationLog": self.get}})
        self.address = f"127.0.0.1:{self.server.port}"

    def get(self, request):
        self.asked.append((request["trial_name"], request["metric_name"]))
        values = self.curves[request["trial_name"]]
        logs = [{"time_stamp": NOW, "metric": {"name": "loss", "value": value}} for value in values]
        return {"observation_log": {"metric_logs": logs}}


@pytest.fixture
def database():
    made = Database({"a": ["1", "3"], "b": ["2", "4"], "c": ["9", "9"], "odd": ["nan", "nothing", "5"], "none": []})
    yield made
    made.server.stop(grace=0)


def asked(database, *succeeded, running=(), **settings):
    spec = experiment()
    object.__setattr__(spec, "early_stopping", Algorithm(name="medianstop", settings={"start_step": "2"} | settings))
    trials = [{"name": name, "status": {"condition": "SUCCEEDED"}} for name in succeeded]
    trials += [{"name": name, "status": {"condition": "RUNNING"}} for name in running]
    return {
        "experiment": api_write.experiment(spec),
        "trials": trials,
        "db_manager_address": database.address,
    }


def service() -> EarlyStopping:
    return EarlyStopping(curves=Observations().curve, stop=lambda _: None)


def test_rules_come_from_what_trials_that_succeeded_have_reported(database):
    ours = service()
    rules = ours.get_early_stopping_rules
    assert rules(asked(database, "a", "b", running=["c"])) == {"early_stopping_rules": []}
    expected = {"name": "loss", "value": "3.0", "comparison": "GREATER", "start_step": 2}
    assert rules(asked(database, "c", "b", "a")) == {"early_stopping_rules": [expected]}
    assert database.asked == [("a", "loss"), ("b", "loss"), ("c", "loss")]  # each is read once
    assert rules(asked(database, "a", "b", "c")) == service().get_early_stopping_rules(asked(database, "b", "c", "a"))
    assert rules(asked(database, "a")) == {"early_stopping_rules": []}  # a trial that is gone does not count any more


def test_what_is_no_number_and_empty_curves_do_no_harm(database):
    found = service().get_early_stopping_rules(
        asked(database, "odd", "none", "a", min_trials_required="1", start_step="3")
    )
    assert [one["value"] for one in found["early_stopping_rules"]] == ["3.5"]


def test_a_database_that_does_not_answer_is_asked_again(database):
    ours, request = service(), asked(database, "a", "b", "c")
    gone = request | {"db_manager_address": "127.0.0.1:1"}
    with pytest.raises(Unavailable, match=r"DBManager service at 127\.0\.0\.1:1 gives no answer"):
        ours.get_early_stopping_rules(gone)
    assert len(ours.get_early_stopping_rules(request)["early_stopping_rules"]) == 1


@pytest.mark.parametrize("address", ["", "nowhere", "unix:/run/secret", "http://10.0.0.1:80"])
def test_an_address_that_is_none_is_not_called(database, address):
    with pytest.raises(Refused, match="is no address of a gRPC service"):
        service().get_early_stopping_rules(asked(database, "a") | {"db_manager_address": address})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"algorithm_name": "medianstop", "algorithm_settings": [{"name": "start_step", "value": "0"}]},
         r"spec.earlyStopping.algorithmSettings\[0\].value: setting start_step of medianstop is '0'"),
        ({"algorithm_name": "medianstop", "algorithm_settings": [{"name": "x", "value": "0"}]}, "has no setting 'x'"),
        ({"algorithm_name": "medianstopp"}, "no early stopping algorithm 'medianstopp'; did you mean"),
        ({}, "there is no early stopping algorithm ''"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(given, message):
    with pytest.raises(Refused, match=message):
        service().validate_early_stopping_settings({"early_stopping": given})


def test_good_settings_pass():
    settings = [{"name": "min_trials_required", "value": "1"}, {"name": "start_step", "value": "5"}]
    given = {"early_stopping": {"algorithm_name": "medianstop", "algorithm_settings": settings}}
    assert service().validate_early_stopping_settings(given) == {}


def test_rules_need_an_early_stopping_algorithm():
    with pytest.raises(Refused, match="earlyStopping is missing"):
        service().get_early_stopping_rules({"experiment": api_write.experiment(experiment())})


def test_marking_a_trial_names_it():
    seen = []
    ours = EarlyStopping(curves=Observations().curve, stop=seen.append)
    assert ours.set_trial_status({"trial_name": "mnist-1-0001"}) == {}
    with pytest.raises(Refused, match="trial_name is empty"):
        ours.set_trial_status({})
    assert seen == ["mnist-1-0001"]


@pytest.fixture
def cluster():
    made = EmbeddedCluster(Path(":memory:"), clock=ManualClock(0.0).now, create_namespaces=True)
    yield made
    made.close()


def trial(cluster, *conditions):
    meta = {"name": "mnist-1-0001", "namespace": "team"}
    cluster.create({"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": meta, "spec": {}})
    found = [
        {"type": one, "status": "True", "reason": one, "message": "", "lastUpdateTime": NOW, "lastTransitionTime": NOW}
        for one in conditions
    ]
    cluster.patch(
        kind="Trial",
        namespace="team",
        name="mnist-1-0001",
        body={"status": {"conditions": found}},
        subresource="status",
    )


def marked(cluster) -> list[str]:
    mark_early_stopped(cluster, namespace="team", name="mnist-1-0001", now=NOW)
    stored = cluster.get(kind="Trial", namespace="team", name="mnist-1-0001")
    return [one["type"] for one in stored["status"]["conditions"]]


def test_a_running_trial_is_marked_once_and_stays_running(cluster):
    trial(cluster, "Created", "Running")
    assert marked(cluster) == ["Created", "Running", "EarlyStopped"]
    assert marked(cluster) == ["Created", "Running", "EarlyStopped"]
    stored = cluster.get(kind="Trial", namespace="team", name="mnist-1-0001")["status"]["conditions"][-1]
    assert (stored["reason"], stored["message"], stored["status"]) == (
        "TrialEarlyStopped",
        "Trial is early stopped",
        "True",
    )


def test_a_trial_that_is_over_is_left_alone(cluster):
    trial(cluster, "Created", "Succeeded")
    assert marked(cluster) == ["Created", "Succeeded"]


def test_a_trial_that_is_not_there_is_not_found(cluster):
    with pytest.raises(NotFound):
        marked(cluster)
