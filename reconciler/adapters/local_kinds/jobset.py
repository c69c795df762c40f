"""JobSet (jobset.x-k8s.io/v1alpha2) and what is made of one: TrainJob (trainer.kubeflow.org/v1alpha1)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kagit.errors import Refused
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from reconciler.adapters.local_kinds import job
from reconciler.adapters.local_kinds.members import (
    DEFAULT_BACKOFF_LIMIT,
    HOST,
    Group,
    Member,
    check_running,
    check_size,
    count,
    name_of,
    port,
)

_PREFIX = "jobset.sigs.k8s.io"
_TORCH = "torch-distributed"
_NODE = "node"
_RUNTIME_ONLY = (
    "initializer",
    "podSpecOverrides",
    "podTemplateOverrides",
    "runtimePatches",
    "datasetConfig",
    "modelConfig",
)


def jobset(manifest: Mapping[str, Any]) -> Group:
    """A JobSet is over when all of its Jobs are, or those that its success policy names."""
    spec = mapping(manifest.get("spec"))
    check_running(spec, at="spec.suspend")
    given = [mapping(one) for one in sequence(spec.get("replicatedJobs"))]
    members: list[Member] = []
    budgets: dict[str, int] = {}
    for one in given:
        for index in range(_copies(one)):
            members += _job(one, index, given, name_of(manifest))
            limit = look(one, "template", "spec", "backoffLimit")
            budgets[members[-1].budget] = count(limit, default=DEFAULT_BACKOFF_LIMIT, at="backoffLimit")
            check_size(len(members), at="replicatedJobs")
    if not members:
        raise Refused("replicatedJobs has no Jobs; give at least one with replicas: 1")
    need, any_of = _success(mapping(spec.get("successPolicy")), members)
    return Group(members=tuple(members), need=need, any_of=any_of, budgets=budgets, restarts=_restarts(spec))


def _copies(replicated: Mapping[str, Any]) -> int:
    name = text(replicated.get("name"))
    if not name:
        raise Refused("a replicatedJob has no name; give one")
    number = count(replicated.get("replicas"), default=1, at=f"replicatedJobs {name}: replicas")
    check_size(number, at=f"replicatedJobs {name}: replicas")
    return number


def _job(replicated: Mapping[str, Any], index: int, given: list[Mapping[str, Any]], jobset: str) -> list[Member]:
    name, spec = text(replicated.get("name")), mapping(look(replicated, "template", "spec"))
    at = f"replicatedJobs {name}"
    wanted, parallel = job.completions(spec, at=f"{at}: ")
    if parallel < wanted:
        raise Refused(f"{at}: {wanted} completions {parallel} at a time need a cluster; give the same parallelism")
    prefix = f"{name}-{index}"
    labels = {
        f"{_PREFIX}/jobset-name": jobset,
        f"{_PREFIX}/replicatedjob-name": name,
        f"{_PREFIX}/job-index": str(index),
    }
    pods = job.members(spec, name=f"{jobset}-{prefix}", prefix=prefix, at=at, budget=prefix, indexed=True)
    never = look(spec, "template", "spec", "restartPolicy") == "Never"
    return [
        replace(
            pod,
            role=name,
            shown=pod.name,
            labels={**pod.labels, **labels},
            retry="pod" if never else "container",
            deadline=job.deadline(spec, at=at),
            after=_after(replicated, given),
        )
        for pod in pods
    ]


def _after(replicated: Mapping[str, Any], given: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Pods that have to be over before; who only has to be ready is started before anyway."""
    names: list[str] = []
    for wish in sequence(replicated.get("dependsOn")):
        others = [one for one in given if one.get("name") == look(wish, "name") and one is not replicated]
        if not others:
            raise Refused(
                f"replicatedJobs {replicated.get('name')}: dependsOn names {look(wish, 'name')!r}; name another Job"
            )
        if look(wish, "status") == "Complete":
            for other in others:
                wanted, _ = job.completions(mapping(look(other, "template", "spec")), at="")
                names += [f"{other['name']}-{j}-{i}" for j in range(_copies(other)) for i in range(wanted)]
    return tuple(names)


def _success(policy: Mapping[str, Any], members: list[Member]) -> tuple[frozenset[str], bool]:
    targets = {text(one) for one in sequence(policy.get("targetReplicatedJobs"))}
    if unknown := targets - {one.role for one in members}:
        raise Refused(f"successPolicy.targetReplicatedJobs names {min(unknown)!r}; name one of the replicatedJobs")
    chosen = [one for one in members if not targets or one.role in targets]
    any_of = policy.get("operator") == "Any"
    if any_of and len({one.budget for one in chosen}) < len(chosen):
        raise Refused("successPolicy.operator Any with Jobs of several pods needs a cluster; give All")
    return frozenset(one.name for one in chosen), any_of


def _restarts(spec: Mapping[str, Any]) -> int:
    policy = mapping(spec.get("failurePolicy"))
    if sequence(policy.get("rules")):
        raise Refused("failurePolicy.rules are honoured by a cluster only; remove them to run here")
    return count(policy.get("maxRestarts"), default=0, at="failurePolicy.maxRestarts")


def train(manifest: Mapping[str, Any]) -> Group:
    """A TrainJob as the torch-distributed runtime makes it: all of its nodes have to succeed."""
    spec = mapping(manifest.get("spec"))
    check_running(spec, at="spec.suspend")
    for field in _RUNTIME_ONLY:
        if spec.get(field):
            raise Refused(
                f"spec.{field} needs Kubeflow Trainer on a cluster; put what it does into spec.trainer to run here"
            )
    trainer, runtime = mapping(spec.get("trainer")), text(look(spec, "runtimeRef", "name")) or _TORCH
    if not sequence(trainer.get("command")):
        raise Refused(f"the command of runtime {runtime!r} is unknown here; give spec.trainer.command")
    nodes = count(trainer.get("numNodes"), default=1, at="spec.trainer.numNodes")
    if nodes == 0:
        raise Refused("spec.trainer.numNodes is 0, so nothing would run; give at least 1")
    check_size(nodes, at="spec.trainer.numNodes")
    container = {key: trainer[key] for key in ("image", "command", "args", "env") if key in trainer}
    container |= {"name": _NODE, "resources": mapping(trainer.get("resourcesPerNode"))}
    template = {"metadata": {"labels": mapping(spec.get("labels"))}, "spec": {"containers": [container]}}
    labels = {f"{_PREFIX}/jobset-name": name_of(manifest), f"{_PREFIX}/replicatedjob-name": _NODE}
    processes = trainer.get("numProcPerNode")
    shared = {
        "PET_NNODES": str(nodes),
        "PET_NPROC_PER_NODE": "auto" if processes is None else str(processes),
        "PET_MASTER_ADDR": HOST,
        "PET_MASTER_PORT": port("master"),
    }
    return Group(
        members=tuple(
            Member(
                name=f"{_NODE}-{rank}",
                shown=f"{_NODE} {rank}",
                role=_NODE,
                at="spec.trainer",
                template=template,
                env={**shared, "PET_NODE_RANK": str(rank), "JOB_COMPLETION_INDEX": str(rank)},
                labels={**labels, job.INDEX: str(rank)},
                retry="container",
            )
            for rank in range(nodes)
        ),
        budgets={"": DEFAULT_BACKOFF_LIMIT},
        ports=("master",),
    )
