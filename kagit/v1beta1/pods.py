"""The pods of the kinds that are known: which containers and labels they have, as far as the object tells."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text

_REPLICAS = {
    "PyTorchJob": "pytorchReplicaSpecs",
    "TFJob": "tfReplicaSpecs",
    "XGBoostJob": "xgbReplicaSpecs",
    "MPIJob": "mpiReplicaSpecs",
    "PaddleJob": "paddleReplicaSpecs",
    "JAXJob": "jaxReplicaSpecs",
}
_MASTERS = ("Master", "Chief", "Launcher")


class Pod(NamedTuple):
    """Pods of one part of a trial, as far as they are known: `labels` are its own and those of its controller.

    Empty `containers` means that they are not known.
    """

    name: str
    containers: tuple[str, ...]
    labels: Mapping[str, str]


def pods(body: Mapping[str, Any]) -> tuple[Pod, ...]:
    """The parts of a trial; nothing for kinds that are not known and for objects that do not say."""
    kind = text(body.get("kind"))
    if kind == "Job":
        return (_pod("the Job", look(body, "spec", "template"), {}),)
    if kind in _REPLICAS:
        return tuple(_replicas(mapping(look(body, "spec", _REPLICAS[kind])), kind))
    known = {"TrainJob": _train_job, "JobSet": _job_set, "Workflow": _workflow, "PipelineRun": _pipeline}
    return tuple(known[kind](body)) if kind in known else ()


def _pod(name: str, template: object, labels: Mapping[str, str]) -> Pod:
    names = tuple(text(look(one, "name")) for one in sequence(look(template, "spec", "containers")))
    return Pod(name, names if all(names) else (), {**_labels(template, "metadata", "labels"), **labels})


def _labels(value: object, *path: str) -> dict[str, str]:
    """The labels at a path, as far as they are text."""
    return {key: one for key, one in mapping(look(value, *path)).items() if isinstance(one, str)}


def _replicas(specs: Mapping[str, Any], kind: str) -> Iterator[Pod]:
    """The training operator's kinds."""
    leader = next((name for name in _MASTERS if name in specs), "Worker" if kind == "TFJob" else "")
    for name, spec in ((str(key), one) for key, one in specs.items()):
        role = {"training.kubeflow.org/job-role": "master"} if name == leader else {}
        if kind == "MPIJob":
            role["training.kubeflow.org/mpi-job-role"] = role["mpi-job-role"] = name.lower()
        labels = {"training.kubeflow.org/replica-type": name.lower(), **role}
        yield _pod(f"replica {name}", look(spec, "template"), labels)


def _train_job(_body: Mapping[str, Any]) -> Iterator[Pod]:
    """The runtime makes its pods; those of the training itself are always called so."""
    yield Pod("the trainer", ("node",), {"jobset.sigs.k8s.io/replicatedjob-name": "node"})


def _job_set(body: Mapping[str, Any]) -> Iterator[Pod]:
    for one in sequence(look(body, "spec", "replicatedJobs")):
        name = text(look(one, "name"))
        labels = {"jobset.sigs.k8s.io/replicatedjob-name": name}
        yield _pod(f"replicated job {name}", look(one, "template", "spec", "template"), labels)


def _workflow(body: Mapping[str, Any]) -> Iterator[Pod]:
    """Argo calls a step's container main, whatever the template says."""
    everywhere = _labels(body, "spec", "podMetadata", "labels")
    for one in sequence(look(body, "spec", "templates")):
        more = (*sequence(look(one, "containerSet", "containers")), *sequence(look(one, "sidecars")))
        names = ("main", *(text(look(container, "name")) for container in more))
        if any(key in mapping(one) for key in ("container", "script", "containerSet")):
            yield Pod(
                f"template {text(look(one, 'name'))}", names, {**everywhere, **_labels(one, "metadata", "labels")}
            )


def _pipeline(body: Mapping[str, Any]) -> Iterator[Pod]:
    """Tekton makes one pod per task and calls the container of a step step-<name>."""
    inline = look(body, "spec", "pipelineSpec")
    for task in (*sequence(look(inline, "tasks")), *sequence(look(inline, "finally"))):
        steps = sequence(look(task, "taskSpec", "steps"))
        names = tuple(f"step-{text(look(step, 'name')) or f'unnamed-{i}'}" for i, step in enumerate(steps))
        labels = {**_labels(body, "metadata", "labels"), "tekton.dev/pipelineTask": text(look(task, "name"))}
        yield Pod(f"task {text(look(task, 'name'))}", names, labels)
