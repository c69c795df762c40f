"""A pod on this machine: which processes its containers are, and what of it needs a cluster. No input or output."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, cast

from kagit.errors import Refused
from kagit.experiment import Collector, Json
from kagit.names import ENV_METRICS_DIR, ENV_METRICS_FILE, ENV_TRIAL_DIR, ENV_TRIAL_NAME
from kagit.shapes import at, mapping, sequence, text
from reconciler.adapters.keeper.attempt import SCRATCH
from reconciler.adapters.local_environment import container_variables, environment_refusal, expand
from reconciler.adapters.local_kinds.job import INDEX
from reconciler.adapters.local_kinds.members import Member
from reconciler.adapters.local_output import METRICS
from reconciler.adapters.local_paths import METRICS_MARK, Mount, below, rewrite
from reconciler.core.resources import quantity
from reconciler.ports import Work

GPU = "nvidia.com/gpu"
DEFAULT_GRACE = 30
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - shared memory is there on every machine
REPORTED = ("Push", "None", "Custom")
_CONTAINER_FIELDS = ("lifecycle", "livenessProbe", "startupProbe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all containers of a pod share. `metrics` is where its collector looks, or would look if it had one; `place`
    is that of the attempt; `mounts` are those that all containers have."""

    work: Work
    member: Member
    place: str
    metrics: str = METRICS_MARK
    mounts: tuple[Mount, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict[str, str])


def containers(pod: Mapping[str, object]) -> list[Mapping[str, Any]]:
    """A pod's containers."""
    return [mapping(one) for one in sequence(pod.get("containers"))]


def init_containers(pod: Mapping[str, object]) -> list[Mapping[str, Any]]:
    """A pod's init containers, native sidecars (restartPolicy Always) among them."""
    return [mapping(one) for one in sequence(pod.get("initContainers"))]


def number(value: object, default: float) -> float:
    """A quantity as a number."""
    if value is None or type(value) is int:
        return float(default if value is None else value)
    given = quantity(value)
    return float(default if given is None else given)


def request(container: Mapping[str, object], name: str) -> float:
    """What a container asks for."""
    resources = mapping(container.get("resources"))
    # Kubernetes takes the limit as the request where only the limit is given.
    value = at(resources, "requests", name)
    return float(quantity(at(resources, "limits", name) if value is None else value) or 0)


def pod_request(pod: Mapping[str, object], name: str) -> float:
    """What a pod asks for: all that runs beside each other, or its largest init container."""
    beside = [one for one in init_containers(pod) if one.get("restartPolicy") == "Always"]
    first = [request(one, name) for one in init_containers(pod) if one.get("restartPolicy") != "Always"]
    return max([sum(request(one, name) for one in [*containers(pod), *beside]), *first])


def devices(pod: Mapping[str, object]) -> int:
    """How many devices the containers of a pod take together: each its own."""
    return sum(max(0, ceil(request(one, GPU))) for one in containers(pod))


def grace(pod: Mapping[str, object]) -> float:
    """Seconds between SIGTERM and SIGKILL."""
    return number(pod.get("terminationGracePeriodSeconds"), DEFAULT_GRACE)


# ------------------------------------------------------------------------------------------------------- refusals


def pod_refusal(pod: Mapping[str, object], *, primary: str | None) -> str:
    """Why a pod cannot run here; `primary` has to be one of several containers, None for a pod that needs none."""
    found = containers(pod)
    if not found:
        return "the pod has no containers; give one with a command"
    names = [text(one.get("name")) for one in found]
    if primary is not None and len(found) > 1 and primary not in names:
        return f"the pod has {len(names)} containers; name the one to run here in primaryContainerName, one of {names}"
    every = [*found, *init_containers(pod)]
    if len(every) > 1 and (why := _names_refusal(every)):
        return why
    return next((why for one in every if (why := container_refusal(one, pod))), "")


def _names_refusal(every: Sequence[Mapping[str, Any]]) -> str:
    doubles = {
        name for one in every if (name := text(one.get("name"))) and [o.get("name") for o in every].count(name) > 1
    }
    if doubles:
        return f"two containers are called {min(doubles)!r}; give each its own name"
    bad = [name for one in every if (name := text(one.get("name"))) and not _is_plain(name)]
    return f"container name {bad[0]!r} cannot be a file name; use letters, digits and '-'" if bad else ""


def container_refusal(container: Mapping[str, object], pod: Mapping[str, object]) -> str:
    """Why a container cannot run here."""
    name = text(container.get("name")) or "the container"
    command = sequence(container.get("command"))
    values = [at(entry, "value") for entry in sequence(container.get("env"))]
    if SCRATCH in "".join(map(str, [*command, *sequence(container.get("args")), *values])):
        return f"container {name!r}: a command or variable cannot hold a NUL character; remove it"
    if not command or not str(command[0]):
        return f"container {name!r} has no command: the image's own entrypoint is unknown here; give command"
    for key in _CONTAINER_FIELDS:
        if container.get(key) is not None:
            return f"container {name!r}: {key} is honoured by a cluster only; remove it to run here"
    return _volume_refusal(container, pod) or environment_refusal(container) or _limit_refusal(container)


def _volume_refusal(container: Mapping[str, object], pod: Mapping[str, object]) -> str:
    if not container.get("volumeMounts"):
        return ""
    empty = {text(at(v, "name")) for v in sequence(pod.get("volumes")) if at(v, "emptyDir") is not None}
    for mount in sequence(container.get("volumeMounts")):
        path, volume = text(at(mount, "mountPath")), text(at(mount, "name"))
        if volume not in empty:
            return (
                f"volume {volume!r} at {path} needs a cluster; "
                "make it an emptyDir, or read from the working directory to run here"
            )
        if not path.startswith("/") or not path.strip("/"):
            return f"volume {volume!r}: mountPath {path!r} cannot be given another place here; give a path like /data"
        if not _is_plain(volume):
            return f"volume name {volume!r} cannot be a directory name; use letters, digits and '-'"
        try:
            below("", text(at(mount, "subPath")))
        except Refused as error:
            return f"volume {volume!r}: {error}"
    return ""


def _is_plain(name: str) -> bool:
    return name.replace("-", "").isalnum()


def _limit_refusal(container: Mapping[str, object]) -> str:
    for kind in ("requests", "limits"):
        for name, value in mapping(at(container, "resources", kind)).items():
            if quantity(value) is None:
                return f"resources.{kind}.{name} is {value!r}; give a quantity such as 2, 500m or 1Gi"
    return ""


# ---------------------------------------------------------------------------------------------------------- mounts


def volume_mounts(container: Mapping[str, object], member: Member) -> list[Mount]:
    """The directories of this machine for a container's volumes."""
    found: list[Mount] = []
    for mount in sequence(container.get("volumeMounts")):
        path = "/" + text(at(mount, "mountPath")).strip("/")
        if path != SHARED_MEMORY:
            volume = f"{SCRATCH}/volumes/{member.name or 'pod'}/{text(at(mount, 'name'))}"
            found.append(Mount(path, below(volume, text(at(mount, "subPath")))))
    return found


def has_volumes(pod: Mapping[str, object]) -> bool:
    """Whether a container of the pod has a volume for which there is a directory here."""
    mounting = [one for one in [*containers(pod), *init_containers(pod)] if one.get("volumeMounts")]
    return any(volume_mounts(one, Member(template={"spec": pod})) for one in mounting)


# ------------------------------------------------------------------------------------------------------- processes


def process(container: Mapping[str, object], setting: Setting, *, gpus: Sequence[str] | None = None) -> Json:
    """argv, env, cwd and memory of a container. `gpus` are its devices; None leaves open which it sees."""
    work, member = setting.work, setting.member
    own = {ENV_TRIAL_NAME: work.trial, ENV_TRIAL_DIR: SCRATCH, **metrics_variables(work.collector, setting.metrics)}
    if gpus is not None:
        own["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    own |= setting.extra
    known = {**work.env, **own, "TMPDIR": SCRATCH}
    given = container_variables(container, manifest=_seen(work.manifest, member), name=work.name, known=known)
    env = {**given, **member.env, **own}
    mounts = [*setting.mounts, *volume_mounts(container, member)]
    words = [*sequence(container.get("command")), *sequence(container.get("args"))]
    below_work = rewrite(expand(text(container.get("workingDir")), env), mounts)
    kept = {*own, *member.env, "TMPDIR"}
    made = {
        "argv": [rewrite(expand(str(word), env), mounts) for word in words],
        "env": {name: value if name in kept else rewrite(value, mounts) for name, value in env.items()},
        "cwd": _directory(str(work.directory), below_work),
        "memory": int(number(at(container, "resources", "limits", "memory"), 0)),
    }
    return made if work.collector.kind == "StdOut" else settled(made, setting.place)


def _directory(base: str, below: str) -> str:
    return os.path.join(base, below) if below else base  # noqa: PTH118 - ten times as fast


def _seen(manifest: Json, member: Member) -> Json:
    """The metadata that fieldRef reads: those of the member's pod."""
    if not member.name:
        return manifest
    own, pod = mapping(manifest.get("metadata")), mapping(member.template.get("metadata"))
    labels = {**mapping(pod.get("labels")), **member.labels}
    notes = {**mapping(pod.get("annotations")), **{key: value for key, value in labels.items() if key == INDEX}}
    return {
        "metadata": {**own, "name": f"{text(own.get('name'))}-{member.name}"},
        "spec": {"template": {"metadata": {"labels": labels, "annotations": notes}}},
    }


def settled(value: Any, place: str) -> Any:  # noqa: ANN401 - JSON by nature
    """JSON with the collector's directory in place of its mark."""
    if isinstance(value, str):
        return value.replace(METRICS_MARK, f"{place}{METRICS}")
    if isinstance(value, dict):
        return {key: settled(one, place) for key, one in cast("Json", value).items()}
    return [settled(one, place) for one in cast("list[object]", value)] if isinstance(value, list) else value


def metrics_variables(collector: Collector, metrics: str) -> dict[str, str]:
    """What tells a program where its metrics are looked for."""
    if collector.kind == "StdOut":
        return {}
    found = {ENV_METRICS_DIR: metrics}
    if collector.kind in REPORTED:
        # One file for all pods: each line is written at once.
        found[ENV_METRICS_FILE] = f"{METRICS_MARK}/pushed.jsonl"
    return found
