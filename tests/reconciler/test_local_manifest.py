"""What a manifest means on one machine: refusals, orders, slots and quantities."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kagit.errors import Refused
from reconciler.adapters.keeper.attempt import SCRATCH
from reconciler.adapters.local_environment import expand
from reconciler.adapters.local_manifest import images, need, order, refusal
from reconciler.core.resources import quantity
from tests.contract.executor_rigs import job, work


def container(**more: Any) -> dict[str, Any]:
    return {"name": "main", "command": ["train"], **more}


def with_container(**more: Any) -> dict[str, Any]:
    return job("train", pod={"containers": [container(**more)]})


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [container()], **spec}}


def ordered(manifest: dict[str, Any], **more: Any) -> SimpleNamespace:
    return SimpleNamespace(**order(work("a-1", manifest, Path("/code"), **more)))


REFUSALS = [
    ({"kind": "PaddleJob", "apiVersion": "kubeflow.org/v1"}, "Kubeflow Training Operator"),
    (
        {"kind": "TrainJob", "apiVersion": "trainer.kubeflow.org/v2"},
        "machine TrainJob is trainer.kubeflow.org/v1alpha1",
    ),
    ({"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1", "spec": {"onExit": "x"}}, "Argo Workflows"),
    ({"kind": "TaskRun", "apiVersion": "tekton.dev/v1"}, "Tekton"),
    ({"kind": "RayJob", "apiVersion": "ray.io/v1"}, "KubeRay"),
    ({"kind": "Whatever", "apiVersion": "example.com/v1"}, "a cluster that serves example.com/v1"),
    ({"kind": "Job", "apiVersion": "batch/v2"}, "machine Job is batch/v1"),
    ({}, "a manifest without kind"),
    (job("train", pod={"containers": []}), "no containers"),
    (job("train", pod={"containers": [{"name": "main", "image": "x"}]}), "entrypoint is unknown here; give command"),
    (job("train", pod={"containers": [{"name": "main", "args": ["x"]}]}), "give command"),
    (job("train", pod={"containers": [container(), container(name="side")]}), "primaryContainerName"),
    (job("train", "a\0b"), "NUL"),
    (job("train", pod={"initContainers": [{"name": "first"}]}), "container 'first' has no command"),
    (job("train", pod={"initContainers": [container()]}), "two containers are called 'main'"),
    (job("train", parallelism=0), "parallelism is 0"),
    (job("train", completions="3"), "completions is '3'; give a whole number"),
    (job("train", completions=10**9), "more than this machine runs"),
    (job("train", suspend=True), "suspend"),
    (job("train", podFailurePolicy={"rules": []}), "podFailurePolicy"),
    (pod(restartPolicy="Always"), "restartPolicy: Never"),
    (with_container(lifecycle={"preStop": {}}), "lifecycle"),
    (with_container(volumeMounts=[{"name": "data", "mountPath": "/data"}]), "volume 'data' at /data"),
    (with_container(envFrom=[{"configMapRef": {"name": "c"}}]), "ConfigMap"),
    (with_container(envFrom=[{"secretRef": {"name": "s"}}]), "Secret"),
    (with_container(env=[{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]), "secretKeyRef"),
    (with_container(env=[{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "s"}}}]), "configMapKeyRef"),
    (with_container(env=[{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]), "status.podIP"),
    (with_container(resources={"limits": {"memory": "lots"}}), "resources.limits.memory is 'lots'"),
]


@pytest.mark.parametrize(("manifest", "word"), REFUSALS, ids=[word for _, word in REFUSALS])
def test_refusals_say_what_and_the_way_out(manifest: dict[str, Any], word: str):
    assert word in refusal(manifest)
    with pytest.raises(Refused):
        ordered(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        job("train", parallelism=1, completions=1, ttlSecondsAfterFinished=5),
        pod(),
        pod(restartPolicy="OnFailure"),
        with_container(envFrom=[{"configMapRef": {"name": "c", "optional": True}}]),
        with_container(env=[{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "optional": True}}}]),
        job(
            "train",
            pod={
                "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}],
                "containers": [container(volumeMounts=[{"name": "shm", "mountPath": "/dev/shm"}])],
            },
        ),
    ],
)
def test_what_can_run_is_not_refused(manifest: dict[str, Any]):
    assert refusal(manifest) == ""


def test_the_primary_container_is_the_one_whose_output_is_the_trials():
    manifest = job("train", pod={"containers": [container(name="side", command=["side"]), container()]})
    [unit] = ordered(manifest, primary_container="main").plan["units"]
    assert [(task["argv"], task["output"]) for task in unit["tasks"]] == [(["side"], "side"), (["train"], "")]
    assert refusal(manifest, primary_container="main") == ""
    assert "several" not in refusal(manifest, primary_container="side")


def test_defaults_are_those_of_kubernetes():
    manifest = job("train")
    del manifest["spec"]["backoffLimit"]
    made = ordered(manifest)
    assert (made.backoff_limit, made.grace, made.deadline, made.memory, made.cwd) == (6, 30.0, 0.0, 0, "/code")


def test_limits_are_read():
    manifest = with_container(resources={"limits": {"memory": "1.5Gi"}}, workingDir="sub/dir")
    manifest["spec"].update(backoffLimit=2, activeDeadlineSeconds=90)
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    made = ordered(manifest)
    assert (made.memory, made.backoff_limit, made.deadline, made.grace) == (1610612736, 2, 90.0, 0.0)
    assert made.cwd == "/code/sub/dir"


def test_an_absolute_working_directory_is_taken_as_it_is():
    assert ordered(with_container(workingDir="/opt/x")).cwd == "/opt/x"


@pytest.mark.parametrize(("policy", "limit"), [("Never", 0), ("OnFailure", -1), (None, 0)])
def test_a_pod_is_tried_again_only_on_failure_and_then_without_bound(policy: str | None, limit: int):
    assert ordered(pod(**({"restartPolicy": policy} if policy else {}))).backoff_limit == limit


def test_the_environment_is_what_the_kubelet_would_make():
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(C)-$$(A)-$(KATIB_TRIAL_NAME)"},
        {"name": "C", "value": "late"},
        {"name": "N"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}},
        {"name": "NOTE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['note']"}}},
        {"name": "KAGIT_TRIAL_DIR", "value": "/elsewhere"},
        {"name": "TMPDIR", "value": "/fast"},
    ]
    manifest = with_container(env=env, args=["--a=$(A)", "$(UNKNOWN)", "$$HOME"])
    manifest["spec"]["template"]["metadata"] = {"labels": {"app.kubernetes.io/name": "x"}}
    manifest["metadata"]["annotations"] = {"note": "hi"}
    made = ordered(manifest, env={"GIVEN": "g"}, gpus=("1",))
    assert made.argv == ["train", "--a=1", "$(UNKNOWN)", "$HOME"]
    assert made.env == {
        "A": "1",
        "B": "1-$(C)-$(A)-a-1",
        "C": "late",
        "N": "",
        "NAME": "job",
        "LABEL": "x",
        "NOTE": "hi",
        "GIVEN": "g",
        "KATIB_TRIAL_NAME": "a-1",
        "KAGIT_TRIAL_DIR": SCRATCH,
        "TMPDIR": "/fast",
        "CUDA_VISIBLE_DEVICES": "1",
    }


def test_expansion_leaves_alone_what_it_does_not_know():
    assert expand("$(A) $(B) $A $$ $$(A) $( $(A", {"A": "x"}) == "x $(B) $A $ $(A) $( $(A"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, (1, 0)),
        ({"requests": {"cpu": "500m"}}, (1, 0)),
        ({"requests": {"cpu": "1500m"}}, (2, 0)),
        ({"requests": {"cpu": 4}, "limits": {"nvidia.com/gpu": 2}}, (4, 2)),
        ({"limits": {"cpu": "3", "nvidia.com/gpu": "1"}}, (3, 1)),
        ({"requests": {"cpu": 0}}, (1, 0)),
    ],
)
def test_slots_and_gpus_are_the_request_rounded_up(resources: dict[str, Any], expected: tuple[int, int]):
    manifest = with_container(resources=resources)
    assert need(manifest) == (*expected, frozenset())


def test_images_are_listed_because_they_are_ignored():
    assert images(with_container(image="python:3.11")) == ("python:3.11",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        (4, 4),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("2k", 2000),
        ("3M", 3_000_000),
        ("1e3", 1000),
        ("1E", 10**18),
        ("2E2", 200),
        ("12e-1", Fraction(6, 5)),
        ("-1", -1),
        (".5", Fraction(1, 2)),
        ("7u", Fraction(7, 10**6)),
        ("1Ei", 2**60),
        ("", None),
        ("x", None),
        ("1 Gi", None),
        ("1K", None),
        ("1e999999999", None),
        ("1e", None),
        (True, None),
        (None, None),
        ([], None),
        ("nan", None),
        (float("inf"), None),
    ],
)
def test_quantities(text: object, expected: object):
    assert quantity(text) == expected
