"""PyTorchJob, TFJob and XGBoostJob (kubeflow.org/v1), with the environment that the Training Operator sets.

Hosts are this machine, and ports are free ones instead of the fixed ones, so that trials do not meet.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kagit.errors import Refused
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.spelling import did_you_mean
from reconciler.adapters.local_kinds.job import deadline
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

RETRIES = {"Always": "container", "OnFailure": "container", "ExitCode": "code", "Never": "never"}
LINGER = 1.0
"""Seconds for which workers may still end by themselves when the master has."""
_PREFIX = "training.kubeflow.org"


class Replica(NamedTuple):
    """One pod of a replica type."""

    role: str
    number: int
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Such as `worker-0`."""
        return f"{self.role.lower()}-{self.number}"


def replicas(manifest: Mapping[str, Any], field: str, roles: tuple[str, ...]) -> list[Replica]:
    """The pods of a job, those of the first role first; Refused where there are none or too many."""
    given = mapping(look(manifest, "spec", field))
    named = {role.lower(): role for role in roles}
    specs: dict[str, Mapping[str, Any]] = {}
    for key, spec in given.items():
        if str(key).lower() not in named:
            raise Refused(f"{field}.{key} is no replica type; {did_you_mean(str(key), roles)}")
        specs[named[str(key).lower()]] = mapping(spec)
    numbers = {
        role: count(one.get("replicas"), default=1, at=f"{field}.{role}.replicas") for role, one in specs.items()
    }
    check_size(sum(numbers.values()), at=field)
    found = [Replica(role, i, specs[role]) for role in roles if role in specs for i in range(numbers[role])]
    if not found:
        raise Refused(f"{field} has no replicas; give {roles[0]} or {roles[-1]} with replicas: 1")
    return found


def member(
    replica: Replica, manifest: Mapping[str, Any], *, field: str, restart: str, master: bool, env: Mapping[str, str]
) -> Member:
    """The pod of a replica as the operator makes it."""
    policy = text(replica.spec.get("restartPolicy")) or restart
    at = f"{field}.{replica.role}"
    if policy not in RETRIES:
        raise Refused(f"{at}.restartPolicy is {policy!r}; give one of {', '.join(RETRIES)}")
    labels = {
        f"{_PREFIX}/operator-name": f"{text(manifest.get('kind')).lower()}-controller",
        f"{_PREFIX}/job-name": name_of(manifest),
        f"{_PREFIX}/replica-type": replica.role.lower(),
        f"{_PREFIX}/replica-index": str(replica.number),
        **({f"{_PREFIX}/job-role": "master"} if master else {}),
    }
    return Member(
        name=replica.name,
        shown=f"{replica.role.lower()} {replica.number}",
        role=replica.role,
        at=at,
        template=mapping(replica.spec.get("template")),
        env=env,
        labels=labels,
        retry=RETRIES[policy],
    )


class Policy(NamedTuple):
    """What runPolicy says: more tries of all pods together, seconds for all of it, and for those that are left over."""

    budgets: dict[str, int]
    deadline: float
    linger: float


def policy(manifest: Mapping[str, Any]) -> Policy:
    """runPolicy, with as many tries as a Job has where it names none: a broken command ends here."""
    given = mapping(look(manifest, "spec", "runPolicy"))
    check_running(given, at="runPolicy.suspend")
    limit = count(given.get("backoffLimit"), default=DEFAULT_BACKOFF_LIMIT, at="runPolicy.backoffLimit")
    # With cleanPodPolicy None the operator leaves them running until Katib deletes the job, a moment later.
    linger = 0.0 if given.get("cleanPodPolicy") in {"Running", "All"} else LINGER
    return Policy({"": limit}, deadline(given, at="runPolicy"), linger)


def pytorch(manifest: Mapping[str, Any]) -> Group:
    """A PyTorchJob is over when its master is, without one when all workers are."""
    field = "pytorchReplicaSpecs"
    found = replicas(manifest, field, ("Master", "Worker"))
    masters = [one.name for one in found if one.role == "Master"]
    if len(masters) > 1:
        raise Refused(f"{field}.Master.replicas is {len(masters)}; give 1")
    environments = [_torch(rank, len(found), manifest, has_master=bool(masters)) for rank in range(len(found))]
    rules = policy(manifest)
    return Group(
        members=tuple(
            member(one, manifest, field=field, restart="OnFailure", master=one.role == "Master", env=env)
            for one, env in zip(found, environments, strict=True)
        ),
        need=frozenset(masters or [one.name for one in found]),
        budgets=rules.budgets,
        deadline=rules.deadline,
        linger=rules.linger,
        ports=("master",),
    )


def _torch(rank: int, total: int, manifest: Mapping[str, Any], *, has_master: bool) -> dict[str, str]:
    spec = mapping(manifest.get("spec"))
    processes = str(spec.get("nprocPerNode") or "auto")
    env = {"PYTHONUNBUFFERED": "1"}
    if has_master:
        env |= {
            "MASTER_ADDR": HOST,
            "MASTER_PORT": port("master"),
            "WORLD_SIZE": str(total * (int(processes) if processes.isdecimal() else 1)),
            "RANK": str(rank),
            "PET_MASTER_ADDR": HOST,
            "PET_MASTER_PORT": port("master"),
            "PET_NNODES": str(total),
            "PET_NPROC_PER_NODE": processes,
            "PET_NODE_RANK": str(rank),
        }
    elastic = spec.get("elasticPolicy")
    return env | _elastic(mapping(elastic), total - has_master) if elastic is not None else env


def _elastic(given: Mapping[str, Any], workers: int) -> dict[str, str]:
    least, most = given.get("minReplicas"), given.get("maxReplicas")
    env = {
        "PET_RDZV_ENDPOINT": f"{HOST}:{port('master')}",
        "PET_RDZV_BACKEND": text(given.get("rdzvBackend")) or "c10d",
        "PET_NNODES": f"{least or 1}:{most or workers}" if least or most else str(workers),
    }
    names = {"maxRestarts": "PET_MAX_RESTARTS", "nProcPerNode": "PET_NPROC_PER_NODE", "rdzvId": "PET_RDZV_ID"}
    env |= {variable: str(given[key]) for key, variable in names.items() if given.get(key) is not None}
    settings = [f"{look(one, 'key')}={look(one, 'value')}" for one in sequence(given.get("rdzvConf"))]
    if settings:
        env["PET_RDZV_CONF"] = ",".join(settings)
    return env | ({"PET_STANDALONE": ""} if given.get("standalone") is True else {})


def xgboost(manifest: Mapping[str, Any]) -> Group:
    """An XGBoostJob is over when its master is."""
    field = "xgbReplicaSpecs"
    found = replicas(manifest, field, ("Master", "Worker"))
    if [one.role for one in found].count("Master") != 1:
        raise Refused(f"{field} needs one Master; give Master with replicas: 1")
    shared = {
        "MASTER_ADDR": HOST,
        "MASTER_PORT": port("master"),
        "WORLD_SIZE": str(len(found)),
        "PYTHONUNBUFFERED": "1",
    }
    if len(found) > 1:
        shared |= {"WORKER_PORT": port("worker"), "WORKER_ADDRS": ",".join([HOST] * (len(found) - 1))}
    rules = policy(manifest)
    return Group(
        members=tuple(
            member(one, manifest, field=field, restart="Never", master=rank == 0, env={**shared, "RANK": str(rank)})
            for rank, one in enumerate(found)
        ),
        need=frozenset({"master-0"}),
        budgets=rules.budgets,
        deadline=rules.deadline,
        linger=rules.linger,
        ports=("master", "worker"),
    )


def tensorflow(manifest: Mapping[str, Any]) -> Group:
    """A TFJob is over when its chief is, without one when worker 0 is, or all workers (successPolicy AllWorkers)."""
    field = "tfReplicaSpecs"
    found = replicas(manifest, field, ("Chief", "Master", "Worker", "PS", "Evaluator"))
    chiefs = [one.name for one in found if one.role in {"Chief", "Master"}]
    workers = [one.name for one in found if one.role == "Worker"]
    if len(chiefs) > 1:
        raise Refused(f"{field} has {len(chiefs)} chiefs; give one Chief or Master with replicas: 1")
    everybody = look(manifest, "spec", "successPolicy") == "AllWorkers"
    need = chiefs or (workers if everybody else workers[:1]) or [one.name for one in found]
    rules = policy(manifest)
    return Group(
        members=tuple(
            member(one, manifest, field=field, restart="Never", master=one.name == need[0], env=_tf_config(one, found))
            for one in found
        ),
        need=frozenset(need),
        budgets=rules.budgets,
        deadline=rules.deadline,
        linger=rules.linger,
        ports=tuple(one.name for one in found),
    )


def _tf_config(own: Replica, found: list[Replica]) -> dict[str, str]:
    if len(found) == 1:
        return {}
    cluster: dict[str, list[str]] = {}
    for one in found:
        if one.role != "Evaluator":
            cluster.setdefault(one.role.lower(), []).append(f"{HOST}:{port(one.name)}")
    task = {"type": own.role.lower(), "index": own.number}
    config = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"}, separators=(",", ":"))
    return {"TF_CONFIG": config.replace("\\u0000", "\0")}
