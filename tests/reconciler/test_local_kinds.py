"""Kinds of trial objects on one machine: what is refused and how, what they take, and what their status would be."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from kagit.experiment import Collector, Json
from reconciler.adapters.local_endings import sighting
from reconciler.adapters.local_kinds.catalog import group
from reconciler.adapters.local_manifest import need, order, refusal
from reconciler.ports import State
from tests.contract.executor_rigs import job, work

CORPUS = Path(os.environ.get("KAGIT_CORPUS") or Path(__file__).resolve().parents[3] / "shared/corpus")


def container(**more: Any) -> dict[str, Any]:
    return {"name": "main", "command": ["train"], **more}


def replica(replicas: object = 1, *, restart: str | None = None, **more: Any) -> dict[str, Any]:
    policy = {"restartPolicy": restart} if restart else {}
    return {"replicas": replicas, **policy, "template": {"spec": {"containers": [container(**more)]}}}


def torch(spec: dict[str, Any] | None = None, **roles: Any) -> Json:
    body = {"pytorchReplicaSpecs": roles, **(spec or {})}
    return {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": "j"}, "spec": body}


def of(kind: str, version: str, **spec: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "j"}, "spec": spec}


def trainer(**more: Any) -> Json:
    return of("TrainJob", "trainer.kubeflow.org/v1alpha1", **{"runtimeRef": {"name": "mine"}, **more})


def jobset(*jobs: dict[str, Any], **spec: Any) -> Json:
    return of("JobSet", "jobset.x-k8s.io/v1alpha2", replicatedJobs=list(jobs), **spec)


def replicated(name: str = "a", replicas: int = 1, **more: Any) -> dict[str, Any]:
    spec = {**more.pop("job", {}), "template": {"spec": {"containers": [container()]}}}
    return {"name": name, "replicas": replicas, "template": {"spec": spec}, **more}


V1 = "kubeflow.org/v1"
REFUSALS = [
    (torch(), "pytorchReplicaSpecs has no replicas; give Master or Worker"),
    (torch(Wroker=replica()), "pytorchReplicaSpecs.Wroker is no replica type; did you mean Worker?"),
    (torch(Master=replica(2)), "Master.replicas is 2; give 1"),
    (torch(Master=replica("two")), "Master.replicas is 'two'; give a whole number"),
    (torch(Master={**replica(), "replicas": True}), "Master.replicas is True"),
    (torch(Master=replica(-1)), "Master.replicas is -1"),
    (torch(Worker=replica(10**12)), "more than this machine runs (1,000)"),
    (torch(Master=replica(restart="Sometimes")), "Master.restartPolicy is 'Sometimes'; give one of Always, OnFailure"),
    (torch({"runPolicy": {"suspend": True}}, Master=replica()), "runPolicy.suspend is true"),
    (torch({"runPolicy": {"backoffLimit": "x"}}, Master=replica()), "runPolicy.backoffLimit is 'x'"),
    (torch(Master=replica(), Worker=replica(command=[])), "Specs.Worker: container 'main' has no command"),
    (torch(Master=replica(lifecycle={"preStop": {}})), "pytorchReplicaSpecs.Master: container 'main': lifecycle"),
    (of("XGBoostJob", V1, xgbReplicaSpecs={"Worker": replica()}), "needs one Master"),
    (of("TFJob", V1, tfReplicaSpecs={"Chief": replica(), "Master": replica()}), "has 2 chiefs"),
    (of("TFJob", V1, tfReplicaSpecs={"Worker": {"replicas": 1}}), "the pod has no containers"),
    (of("MPIJob", V1, mpiReplicaSpecs={"Worker": replica()}), "needs one Launcher"),
    (of("MPIJob", V1, mpiReplicaSpecs={"Launcher": replica(), "Worker": replica(2)}), "needs mpirun"),
    (trainer(), "the command of runtime 'mine' is unknown here; give spec.trainer.command"),
    (trainer(trainer={"command": ["x"], "numNodes": 0}), "numNodes is 0"),
    (trainer(trainer={"command": ["x"]}, initializer={"model": {}}), "spec.initializer needs Kubeflow Trainer"),
    (trainer(trainer={"command": ["x"]}, suspend=True), "spec.suspend is true"),
    (jobset(), "replicatedJobs has no Jobs"),
    (jobset(replicated("")), "has no name"),
    (jobset(replicated(job={"completions": 3, "parallelism": 1})), "3 completions 1 at a time need a cluster"),
    (jobset(replicated(dependsOn=[{"name": "b", "status": "Complete"}])), "dependsOn names 'b'"),
    (jobset(replicated(), failurePolicy={"rules": [{}]}), "failurePolicy.rules"),
    (jobset(replicated(), successPolicy={"targetReplicatedJobs": ["z"]}), "names 'z'"),
    (jobset(replicated("a", 700), replicated("b", 700)), "more than this machine runs"),
    (job("x", backoffLimit="many"), "backoffLimit is 'many'"),
    (
        job("x", pod={"containers": [container(volumeMounts=[{"name": "v", "mountPath": "/"}])], "volumes": [
            {"name": "v", "emptyDir": {}}]}),
        "mountPath '/' cannot be given another place",
    ),
    (
        job("x", pod={"containers": [container(volumeMounts=[{"name": "v", "mountPath": "/d", "subPath": "../x"}])],
            "volumes": [{"name": "v", "emptyDir": {}}]}),
        "subPath '../x' could leave its volume",
    ),
    (
        job("x", pod={"containers": [container(volumeMounts=[{"name": "../v", "mountPath": "/d"}])],
            "volumes": [{"name": "../v", "emptyDir": {}}]}),
        "volume name '../v' cannot be a directory name",
    ),
    (job("x", pod={"containers": [container(), container(name="../side")]}), "'../side' cannot be a file name"),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "words"), REFUSALS, ids=[words for _, words in REFUSALS])
def test_what_cannot_run_is_refused_with_the_way_out(manifest: Json, words: str):
    assert words in refusal(manifest, primary_container="main")


CUSTOM = Collector(kind="Custom", custom={"name": "mine", "image": "x"})
NAMED = Collector(kind="PrometheusMetric", source={"httpGet": {"port": "web", "path": "/metrics"}})


def test_collectors_that_cannot_run_are_refused():
    assert "customCollector: container 'mine' has no command" in refusal(job("x"), collector=CUSTOM)
    assert "httpGet.port is 'web', and the primary container has no port of that name" in refusal(
        job("x"), collector=NAMED
    )
    ported = job("x", pod={"containers": [container(ports=[{"name": "web", "containerPort": 9000}])]})
    assert refusal(ported, collector=NAMED) == ""
    assert need(ported, collector=NAMED).claims == {"port 9000"}


@pytest.mark.parametrize(
    ("manifest", "slots", "gpus"),
    [
        (torch(Master=replica(), Worker=replica(3)), 4, 0),
        (torch(Master=replica(resources={"requests": {"cpu": "1500m"}}), Worker=replica(2)), 4, 0),
        (torch(Worker=replica(2, resources={"limits": {"nvidia.com/gpu": 2}})), 2, 4),
        (job("x", completions=5, parallelism=2), 2, 0),
        (job("x", completions=1, parallelism=7), 1, 0),
        (trainer(trainer={"command": ["x"], "numNodes": 3, "resourcesPerNode": {"requests": {"cpu": 2}}}), 6, 0),
        (jobset(replicated("a", 2), replicated("b")), 3, 0),
        (of("MPIJob", V1, mpiReplicaSpecs={"Launcher": replica(), "Worker": replica(3)}), 3, 0),
        (job("x", pod={"containers": [container(resources={"requests": {"cpu": "600m"}})] * 2}), 2, 0),
        (job("x", pod={"initContainers": [container(name="i", resources={"requests": {"cpu": 3}})]}), 3, 0),
        (of("Whatever", "x/v1"), 1, 0),
    ],
)
def test_a_trial_takes_what_all_of_its_pods_take_at_once(manifest: Json, slots: int, gpus: int):
    assert need(manifest) == (slots, gpus, frozenset())


def test_a_port_that_is_given_needs_no_claim():
    collector = Collector(kind="PrometheusMetric", source={"httpGet": {"port": 8080, "path": "/metrics"}})
    assert need(job("serve"), collector=collector).claims == {"port 8080"}
    free = job("serve", "--port=$(KAGIT_METRICS_PORT)")
    assert need(free, collector=collector).claims == frozenset()
    made = order(work("a", free, collector=collector, metrics=("loss", "lr")), place="/p/a")["plan"]
    scraper, main = made["units"][0]["tasks"]
    assert made["ports"] == ["scrape"]
    assert main["argv"] == ["serve", "--port=\0scrape\0"]
    assert scraper["role"] == "beside"
    assert scraper["argv"][4:] == [
        "http://127.0.0.1:\0scrape\0/metrics",
        "/p/a.metrics/scraped.jsonl",
        "1",
        "loss",
        "lr",
    ]
    fixed = order(work("a", job("serve"), collector=collector), place="/p/a")["plan"]["units"][0]["tasks"][0]
    assert fixed["argv"][4] == "http://127.0.0.1:8080/metrics"


def env_of(manifest: Json, name: str) -> dict[str, str]:
    return next(dict(member.env) for member in group(manifest).members if member.name == name)


def test_processes_per_node_count_for_the_world_size():
    found = env_of(torch({"nprocPerNode": "4"}, Master=replica(), Worker=replica(2)), "worker-1")
    assert (found["WORLD_SIZE"], found["PET_NPROC_PER_NODE"], found["RANK"]) == ("12", "4", "2")


def test_an_elastic_job_gets_a_rendezvous():
    policy = {"minReplicas": 1, "maxReplicas": 3, "rdzvBackend": "etcd", "maxRestarts": 5, "nProcPerNode": 2}
    policy["rdzvConf"] = [{"key": "timeout", "value": "9"}, {"key": "x", "value": "y"}]
    assert env_of(torch({"elasticPolicy": policy}, Worker=replica(2)), "worker-0") == {
        "PYTHONUNBUFFERED": "1",
        "PET_RDZV_ENDPOINT": "127.0.0.1:\0master\0",
        "PET_RDZV_BACKEND": "etcd",
        "PET_NNODES": "1:3",
        "PET_MAX_RESTARTS": "5",
        "PET_NPROC_PER_NODE": "2",
        "PET_RDZV_CONF": "timeout=9,x=y",
    }


def test_replica_types_are_read_in_any_case_as_the_operator_does():
    assert [one.name for one in group(torch(worker=replica(), MASTER=replica())).members] == ["master-0", "worker-0"]


def test_the_primary_pod_is_found_by_its_labels():
    found = group(torch(Master=replica(), Worker=replica(2)))
    prefix = "training.kubeflow.org"
    assert found.primary({}).name == found.primary({"no": "such"}).name == "master-0"
    assert found.primary({f"{prefix}/job-role": "master"}).name == "master-0"
    assert found.primary({f"{prefix}/replica-type": "worker", f"{prefix}/replica-index": "1"}).name == "worker-1"


def test_pods_of_a_jobset_read_their_index_from_the_downward_api():
    path = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    one = replicated(replicas=2)
    one["template"]["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "INDEX", "valueFrom": {"fieldRef": {"fieldPath": path}}},
        {"name": "JOB", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/job-index']"}}},
    ]
    made = order(work("a", jobset(one)), place="/p/a")["plan"]
    found = made["units"][1]["tasks"][0]["env"]
    assert (made["units"][1]["name"], found["INDEX"], found["JOB"]) == ("a-1-0", "0", "1")


@pytest.mark.parametrize(
    "name",
    [
        "kubeflow-trainer/trainjob-pytorch.yaml",
        "kubeflow-training-operator/pytorchjob-mnist.yaml",
        "kubeflow-training-operator/tfjob-mnist-with-summaries.yaml",
        "metrics-collector/file-metrics-collector.yaml",
    ],
)
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus; set KAGIT_CORPUS")
def test_katibs_own_examples_can_run_here(name: str):
    body = yaml.safe_load((CORPUS / "katib-examples/examples/v1beta1" / name).read_text(encoding="utf-8"))
    template = body["spec"]["trialTemplate"]
    assert (
        refusal(
            template["trialSpec"],
            primary_container=template["primaryContainerName"],
            labels=template.get("primaryPodLabels", {}),
        )
        == ""
    )


# ---------------------------------------------------------------------------------------------------------- statuses


def record(**more: Any) -> dict[str, Any]:
    common = {"state": "Ended", "exit_code": 0, "signal": None, "reason": "Completed", "message": "", "kind": "Job"}
    return {**common, "started_at": 1_000_000_000.5, "at": 1_000_000_007.25, **more}


FAILED = {"exit_code": 3, "reason": "BackoffLimitExceeded", "message": "ended with exit code 3 (backoffLimit 0)"}
TOLD = {
    "reason": "Error",
    "message": "worker 0 ended with exit code 3",
    "units": [
        {"role": "Master", "name": "master-0", "state": "Stopped", "tries": 1},
        {"role": "Worker", "name": "worker-0", "state": "Failed", "tries": 1},
        {"role": "Worker", "name": "worker-1", "state": "Succeeded", "tries": 1},
    ],
}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Job", "Complete", "Failed"),
        ("PyTorchJob", "Succeeded", "Failed"),
        ("TFJob", "Succeeded", "Failed"),
        ("TrainJob", "Complete", "Failed"),
        ("JobSet", "Completed", "Failed"),
    ],
)
def test_the_status_has_the_condition_that_katib_asks_for(kind: str, good: str, bad: str):
    assert _true(sighting("a", record(kind=kind), None).status)[-1] == good
    assert _true(sighting("a", record(kind=kind, **FAILED), None).status)[-1] == bad
    assert sighting("a", record(kind=kind, **FAILED), None).status["conditions"][-1]["message"] == FAILED["message"]


def _true(status: Json) -> list[str]:
    return [one["type"] for one in status["conditions"] if one["status"] == "True"]


def test_a_jobs_status_counts_and_has_times():
    status = sighting("a", record(), None).status
    assert (status["succeeded"], status["startTime"], status["completionTime"]) == (
        1,
        "2001-09-09T01:46:40Z",
        "2001-09-09T01:46:47Z",
    )
    assert sighting("a", record(**FAILED), None).status["failed"] == 1


def test_a_pods_status_is_its_phase():
    assert sighting("a", record(kind="Pod"), None).status["phase"] == "Succeeded"
    assert sighting("a", record(kind="Pod", **{**FAILED, "reason": "Error"}), None).status["phase"] == "Failed"


def test_what_the_launcher_tells_is_told():
    end = sighting("a", record(kind="PyTorchJob", group=True, **FAILED), TOLD)
    assert (end.reason, end.message) == ("Error", "worker 0 ended with exit code 3")
    assert end.status["replicaStatuses"] == {"Master": {}, "Worker": {"succeeded": 1, "failed": 1}}


def test_what_was_stopped_or_lost_has_no_status():
    stopped = record(reason="Stopped", exit_code=143, signal=15, message="stopped on request")
    assert sighting("a", stopped, TOLD).status == {}
    lost = sighting("a", record(state="Lost", group=True, message="gone"), TOLD)
    assert (lost.state, lost.status, lost.message) == (State.LOST, {}, "gone")


def test_a_launcher_that_was_killed_leaves_it_lost_and_one_that_failed_does_not():
    killed = record(kind="TFJob", group=True, exit_code=137, signal=9, reason="BackoffLimitExceeded", message="x")
    assert sighting("a", killed, None).state is State.LOST
    assert sighting("a", {**killed, "signal": None, "exit_code": 1}, None).state is State.ENDED
