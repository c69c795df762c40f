"""The container and the pod that train: whether a trial of a known kind has them (Katib waits for them)."""

from collections.abc import Iterator

from kagit.experiment import Json, TrialTemplate
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.spelling import short
from kagit.v1beta1.checks.placeholders import AT, BODY
from kagit.v1beta1.job import is_job
from kagit.v1beta1.pods import Pod, pods

_ADDED = ("training.kubeflow.org/", "batch.kubernetes.io/", "jobset.sigs.k8s.io/", "workflows.argoproj.io/")
_ADDED_2 = ("tekton.dev/", "app.kubernetes.io/", "katib.kubeflow.org/", "kagit.dev/", "trainer.kubeflow.org/")
_ADDED_3 = ("job-name", "controller-uid", "kueue.x-k8s.io/")
_BY_CONTROLLERS = (*_ADDED, *_ADDED_2, *_ADDED_3)
"""Labels that controllers put on pods: what is not in the template may well be on the pod."""


def check(template: TrialTemplate, body: Json) -> Iterator[Issue]:
    """Names and labels that no pod of the template bears; warnings, because a cluster may know better."""
    there = pods(body)
    if there and template.primary_container:
        yield from _container(template, there)
    if there and template.primary_pod_labels:
        yield from _labels(template, there)
    if is_job(body) and look(body, "spec", "template", "spec", "restartPolicy") == "Always":
        message = "Kubernetes refuses restartPolicy Always in a Job; write Never, or OnFailure"
        place = (*BODY, "spec", "template", "spec", "restartPolicy")
        yield Issue(at=place, message=message, slug="restart-policy", severity=Severity.WARNING)


def _container(template: TrialTemplate, there: tuple[Pod, ...]) -> Iterator[Issue]:
    names = tuple(dict.fromkeys(name for pod in there for name in pod.containers))
    wanted = template.primary_container
    if any(not pod.containers for pod in there) or any("${" in name for name in names) or wanted in names:
        return
    message = f"primaryContainerName is {short(wanted)!r}, but the containers are {', '.join(names)}; name one of them"
    yield Issue(at=(*AT, "primaryContainerName"), message=message, slug="container-unknown", severity=Severity.WARNING)


def _labels(template: TrialTemplate, there: tuple[Pod, ...]) -> Iterator[Issue]:
    wanted = template.primary_pod_labels
    if any(all(_may_bear(pod, key, value) for key, value in wanted.items()) for pod in there):
        return
    said = ", ".join(f"{key}: {value}" for key, value in wanted.items())
    known = "; ".join(f"{pod.name} has {_shown(pod)}" for pod in there[:4])
    message = f"no pod of a trial bears primaryPodLabels {short(said)}: {known}; name the labels of one of them"
    yield Issue(at=(*AT, "primaryPodLabels"), message=message, slug="pod-labels-unknown", severity=Severity.WARNING)


def _may_bear(pod: Pod, key: str, value: str) -> bool:
    if key in pod.labels:
        return pod.labels[key] == value or "${" in pod.labels[key]
    if key in {"training.kubeflow.org/job-role", "mpi-job-role"}:
        return False
    return key.startswith(_BY_CONTROLLERS)


def _shown(pod: Pod) -> str:
    return ", ".join(f"{key}: {value}" for key, value in pod.labels.items()) or "no labels of its own"
