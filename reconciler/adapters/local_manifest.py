"""What a rendered manifest means on this machine: refusals, slots, and the order for the keeper. No input or output."""

import os
import re
from collections.abc import Mapping
from math import ceil

from kagit.errors import Refused
from kagit.experiment import Json
from kagit.names import ENV_TRIAL_DIR, ENV_TRIAL_NAME
from kagit.shapes import at, mapping, sequence, text
from reconciler.adapters.keeper.attempt import SCRATCH
from reconciler.adapters.local_environment import container_variables, environment_refusal, expand
from reconciler.core.resources import quantity
from reconciler.ports import Work

GPU = "nvidia.com/gpu"
DEFAULT_BACKOFF_LIMIT = 6
DEFAULT_GRACE = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_TRAINER = "the Kubeflow Training Operator on a cluster"
_RUNNERS = {
    **dict.fromkeys(("PyTorchJob", "TFJob", "XGBoostJob", "MPIJob", "PaddleJob", "JAXJob", "MXJob"), _TRAINER),
    "TrainJob": "Kubeflow Trainer on a cluster",
    "JobSet": "JobSet on a cluster",
    "RayJob": "KubeRay on a cluster",
    "RayCluster": "KubeRay on a cluster",
    "SparkApplication": "the Spark Operator on a cluster",
    "Workflow": "Argo Workflows on a cluster",
    "PipelineRun": "Tekton Pipelines on a cluster",
    "TaskRun": "Tekton Pipelines on a cluster",
    "AppWrapper": "AppWrapper (Kueue) on a cluster",
}
_JOB_FIELDS = ("podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "maxFailedIndexes")
_CONTAINER_FIELDS = ("lifecycle", "livenessProbe", "startupProbe")


def refusal(manifest: Json, *, primary_container: str = "") -> str:
    """Why the manifest cannot be run on this machine, naming what would run it; empty when it can."""
    return _kind_refusal(manifest) or _pod_refusal(manifest, primary_container)


def slots(manifest: Json, *, primary_container: str = "") -> int:
    """How many slots the primary container takes: its CPU request rounded up, at least 1."""
    return max(1, ceil(_resource(manifest, primary_container, "cpu")))


def gpus(manifest: Json, *, primary_container: str = "") -> int:
    """How many devices the primary container takes."""
    return max(0, ceil(_resource(manifest, primary_container, GPU)))


def images(manifest: Json) -> tuple[str, ...]:
    """The container images that are ignored here, in order."""
    return tuple(text(at(c, "image")) for c in sequence(_pod(manifest).get("containers")) if text(at(c, "image")))


def check_name(what: str, name: str) -> None:
    """Refuse a name that could leave its directory."""
    if _NAME.fullmatch(name) is None:
        raise Refused(f"{what} {name!r} cannot be a directory name; use letters, digits, '-', '_' and '.'")


def check_names(work: Work) -> None:
    """Refuse names that could leave the trials' directory."""
    check_name("attempt name", work.name)
    check_name("namespace", work.namespace)


def order(work: Work) -> Json:
    """What the keeper has to run, Refused where that cannot be done here.

    argv, env, cwd; memory in bytes, deadline and grace in seconds, 0 for no limit; backoff_limit, -1 for no bound. The
    scratch directory, which only the keeper knows, is written as `SCRATCH`.
    """
    if why := refusal(work.manifest, primary_container=work.primary_container):
        raise Refused(why)
    container = _primary(work.manifest, work.primary_container)
    own = {ENV_TRIAL_NAME: work.trial, ENV_TRIAL_DIR: SCRATCH}
    if work.gpus:
        own["CUDA_VISIBLE_DEVICES"] = ",".join(work.gpus)
    if at(work.manifest, "spec", "completionMode") == "Indexed":
        own["JOB_COMPLETION_INDEX"] = "0"
    known = {**work.env, **own, "TMPDIR": SCRATCH}
    env = container_variables(container, manifest=work.manifest, name=work.name, known=known) | own
    words = [*sequence(container.get("command")), *sequence(container.get("args"))]
    spec, pod = mapping(work.manifest.get("spec")), _pod(work.manifest)
    return {
        "argv": [expand(str(word), env) for word in words],
        "env": env,
        "cwd": _directory(str(work.directory), text(container.get("workingDir"))),
        "memory": int(_number(at(container, "resources", "limits", "memory"), 0)),
        "deadline": _number(spec.get("activeDeadlineSeconds"), 0),
        "backoff_limit": _backoff_limit(work.manifest),
        "grace": _number(pod.get("terminationGracePeriodSeconds"), DEFAULT_GRACE),
        "is_pod": work.manifest.get("kind") == "Pod",
    }


def _directory(base: str, below: str) -> str:
    return os.path.join(base, below) if below else base  # noqa: PTH118 - ten times as fast


def _backoff_limit(manifest: Json) -> int:
    if manifest.get("kind") == "Pod":
        return -1 if _pod(manifest).get("restartPolicy") == "OnFailure" else 0
    return int(_number(at(manifest, "spec", "backoffLimit"), DEFAULT_BACKOFF_LIMIT))


def _number(value: object, default: int) -> float:
    if value is None or type(value) is int:
        return float(default if value is None else value)
    given = quantity(value)
    return float(default if given is None else given)


def _pod(manifest: Json) -> Mapping[str, object]:
    if manifest.get("kind") == "Pod":
        return mapping(manifest.get("spec"))
    return mapping(at(manifest, "spec", "template", "spec"))


def _primary(manifest: Json, name: str) -> Mapping[str, object]:
    containers = [mapping(c) for c in sequence(_pod(manifest).get("containers"))]
    named = [c for c in containers if c.get("name") == name]
    return named[0] if named else containers[0] if containers else {}


def _resource(manifest: Json, primary: str, name: str) -> float:
    resources = mapping(_primary(manifest, primary).get("resources"))
    # Kubernetes takes the limit as the request where only the limit is given.
    value = at(resources, "requests", name)
    return float(quantity(at(resources, "limits", name) if value is None else value) or 0)


def _kind_refusal(manifest: Json) -> str:
    kind, version = text(manifest.get("kind")), text(manifest.get("apiVersion"))
    if (version, kind) in {("batch/v1", "Job"), ("v1", "Pod")}:
        return ""
    runner = _RUNNERS.get(kind, f"a cluster that serves {version}" if version else "a cluster")
    shown = kind or "a manifest without kind"
    return f"{shown} needs {runner}; on this machine only Job (batch/v1) and Pod (v1) can run"


def _pod_refusal(manifest: Json, primary: str) -> str:
    pod = _pod(manifest)
    containers = [mapping(c) for c in sequence(pod.get("containers"))]
    if not containers:
        return "the pod has no containers; give one with a command"
    names = [text(c.get("name")) for c in containers]
    if len(containers) > 1 and primary not in names:
        return f"the pod has {len(names)} containers; name the one to run here in primaryContainerName, one of {names}"
    return _job_refusal(manifest) or _spec_refusal(pod) or _container_refusal(_primary(manifest, primary), pod)


def _job_refusal(manifest: Json) -> str:
    spec = mapping(manifest.get("spec"))
    if manifest.get("kind") != "Job":
        if spec.get("restartPolicy") == "Always":
            return "a Pod with restartPolicy Always never ends; give restartPolicy: Never"
        return ""
    for field in ("parallelism", "completions"):
        if (quantity(spec.get(field)) or 0) > 1:
            return f"{field} is {spec[field]}: several pods for one trial need a cluster; give 1, or remove the line"
    if spec.get("suspend") is True:
        return "suspend is true, so it would never start; remove the line"
    for field in _JOB_FIELDS:
        if spec.get(field) is not None:
            return f"{field} is honoured by a cluster only; remove it to run here"
    return ""


def _spec_refusal(pod: Mapping[str, object]) -> str:
    if sequence(pod.get("initContainers")):
        return "initContainers need a cluster; let the command do their work to run here"
    return ""


def _container_refusal(container: Mapping[str, object], pod: Mapping[str, object]) -> str:
    name = text(container.get("name")) or "the container"
    command = sequence(container.get("command"))
    if SCRATCH in "".join(map(str, [*command, *sequence(container.get("args"))])):
        return f"container {name!r}: a command cannot hold a NUL character; remove it"
    if not command or not str(command[0]):
        return f"container {name!r} has no command: the image's own entrypoint is unknown here; give command"
    for field in _CONTAINER_FIELDS:
        if container.get(field) is not None:
            return f"container {name!r}: {field} is honoured by a cluster only; remove it to run here"
    return _volume_refusal(container, pod) or environment_refusal(container) or _limit_refusal(container)


def _volume_refusal(container: Mapping[str, object], pod: Mapping[str, object]) -> str:
    empty = {text(at(v, "name")) for v in sequence(pod.get("volumes")) if at(v, "emptyDir") is not None}
    for mount in sequence(container.get("volumeMounts")):
        path, volume = text(at(mount, "mountPath")), text(at(mount, "name"))
        if not (path == "/dev/shm" and volume in empty):  # noqa: S108 - shared memory is there on every machine
            return f"volume {volume!r} at {path} needs a cluster; read from the working directory to run here"
    return ""


def _limit_refusal(container: Mapping[str, object]) -> str:
    for kind in ("requests", "limits"):
        for name, value in mapping(at(container, "resources", kind)).items():
            if quantity(value) is None:
                return f"resources.{kind}.{name} is {value!r}; give a quantity such as 2, 500m or 1Gi"
    return ""
