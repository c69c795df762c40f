"""What a rendered manifest means on this machine: refusals, slots, and the order for the keeper. No input or output."""

import re
from collections.abc import Callable, Mapping
from math import ceil

from kagit.errors import Refused
from kagit.experiment import Collector, Json
from kagit.shapes import text, under
from reconciler.adapters import local_checkpoints, local_group
from reconciler.adapters.keeper.attempt import SCRATCH
from reconciler.adapters.local_kinds import catalog
from reconciler.adapters.local_kinds.members import Group, Member
from reconciler.adapters.local_paths import METRICS_MARK, collector_mounts
from reconciler.adapters.local_pods import (
    Setting,
    container_refusal,
    containers,
    devices,
    grace,
    has_volumes,
    pod_refusal,
    pod_request,
    process,
)
from reconciler.core.slots import Need
from reconciler.ports import Work

STDOUT = Collector()
MOST_ENDING = 2.0
"""Seconds that a launcher has after its members' grace period, before it is killed itself."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_BESIDE = ("Custom", "PrometheusMetric")


def _nowhere(_: str) -> bool:
    return False


def _everywhere(_: str) -> bool:
    return True


def refusal(
    manifest: Json,
    *,
    primary_container: str = "",
    labels: Mapping[str, str] | None = None,
    collector: Collector = STDOUT,
    found: Callable[[str], bool] = _nowhere,
) -> str:
    """Why the manifest cannot be run on this machine, naming what would run it; empty when it can.

    `labels` are those of the primary pod; `found` tells whether a command is on this machine.
    """
    try:
        pods = catalog.group(manifest)
        return _refusal(pods, primary_container, labels or {}, collector=collector, found=found)
    except Refused as error:
        return str(error)


def _refusal(
    pods: Group,
    primary_container: str,
    labels: Mapping[str, str],
    *,
    collector: Collector,
    found: Callable[[str], bool],
) -> str:
    primary = pods.primary(labels)
    seen: set[int] = set()
    for member in (*pods.members, *pods.idle):
        if id(member.template) in seen and member is not primary:
            continue
        seen.add(id(member.template))
        own = member in pods.members
        if why := own and pod_refusal(member.pod, primary=primary_container if member is primary else None):
            return f"{member.at}: {why}" if member.at else why
    if pods.idle and not found("mpirun"):
        return "MPIJob needs mpirun, which is not on PATH here; install Open MPI, or run it on a cluster"
    return _collector_refusal(collector, primary, primary_container)


def _collector_refusal(collector: Collector, primary: Member, name: str) -> str:
    custom = collector.custom if collector.kind == "Custom" else {}
    if custom and (why := container_refusal(custom, primary.pod)):
        return f"customCollector: {why}"
    if collector.kind == "PrometheusMetric":
        try:
            local_group.metrics_port(collector, local_group.primary_container(primary, name))
        except Refused as error:
            return str(error)
    return ""


def need(
    manifest: Json,
    *,
    primary_container: str = "",
    labels: Mapping[str, str] | None = None,
    collector: Collector = STDOUT,
) -> Need:
    """What a trial takes: the slots of all pods that run at once, at least one each, and their devices. A port of its
    own is a claim, because two such trials cannot run at once. What is refused takes one slot."""
    try:
        pods = catalog.group(manifest)
        claims = _claims(pods, primary_container, labels or {}, collector)
    except Refused:
        return Need(slots=1, gpus=0)
    every = [*pods.members, *pods.idle]
    most = pods.parallel or len(every)
    cores = sorted((max(1, ceil(pod_request(one.pod, "cpu"))) for one in every), reverse=True)
    taken = sorted((devices(one.pod) for one in every), reverse=True)
    if pods.idle:  # one process does the work of the others, and needs no core beside them
        cores = cores[: max(1, len(pods.idle))]
    return Need(slots=sum(cores[:most]), gpus=sum(taken[:most]), claims=claims)


def _claims(pods: Group, primary_container: str, labels: Mapping[str, str], collector: Collector) -> frozenset[str]:
    if collector.kind != "PrometheusMetric":
        return frozenset()
    primary = pods.primary(labels)
    if local_group.wants_port(primary, primary_container):
        return frozenset()
    container = local_group.primary_container(primary, primary_container)
    return frozenset({f"port {local_group.metrics_port(collector, container)}"})


def images(manifest: Json) -> tuple[str, ...]:
    """The container images that are ignored here, in order."""
    return tuple(dict.fromkeys(image for image in under(manifest, "image") if image))


def check_name(what: str, name: str) -> None:
    """Refuse a name that could leave its directory."""
    if _NAME.fullmatch(name) is None:
        raise Refused(f"{what} {name!r} cannot be a directory name; use letters, digits, '-', '_' and '.'")


def check_names(work: Work) -> None:
    """Refuse names that could leave the trials' directory."""
    check_name("attempt name", work.name)
    check_name("namespace", work.namespace)
    for name in local_checkpoints.names_of(work):
        check_name("trial name", name)


def order(
    work: Work,
    *,
    place: str = "",
    exists: Callable[[str], bool] = _everywhere,
    found: Callable[[str], bool] = _nowhere,
) -> Json:
    """What the keeper has to run for the attempt at `place`, Refused where that cannot be done here.

    argv, env, cwd, kind; memory in bytes, deadline and grace in seconds, 0 for no limit; backoff_limit, -1 for none.
    What is more than one process has a `plan` for a launcher instead of argv. The scratch directory, which only the
    keeper knows, is written as `SCRATCH`. `exists` tells whether a directory is on this machine, `found` a command.
    """
    group = catalog.group(work.manifest)
    why = _refusal(group, work.primary_container, work.primary_pod_labels, collector=work.collector, found=found)
    if why:
        raise Refused(why)
    alone = _alone(work, group, exists)
    if alone is None:
        return _group_order(work, group, place=place, exists=exists)
    mounts = (
        *collector_mounts(work.collector, METRICS_MARK, exists=exists),
        *local_checkpoints.mounts(work, place=place),
    )
    extra = local_checkpoints.variables(work, place=place)
    setting = Setting(work=work, member=alone, place=place, mounts=mounts, extra=extra)
    made = process(containers(alone.pod)[0], setting, gpus=work.gpus or None)
    limit = group.budgets[""] if alone.retry != "never" else 0
    return {
        **made,
        "deadline": group.deadline,
        "backoff_limit": limit,
        "grace": grace(alone.pod),
        "kind": text(work.manifest.get("kind")),
        "group": False,
    }


def _alone(work: Work, group: Group, exists: Callable[[str], bool]) -> Member | None:
    """The only pod, where its only container is all that has to run; None otherwise."""
    member = group.members[0]
    pod = member.pod
    if len(group.members) > 1 or group.idle or group.ports or member.files or member.name:
        return None
    if len(containers(pod)) > 1 or pod.get("initContainers") or has_volumes(pod):
        return None
    if work.collector.kind in _BESIDE:
        return None if work.collector.kind == "PrometheusMetric" or work.collector.custom else member
    # A directory above the collector's needs one here with a link in it, which is made with the volumes.
    mounts = collector_mounts(work.collector, METRICS_MARK, exists=exists)
    return member if all(one.target.startswith(METRICS_MARK) for one in mounts) else None


def _group_order(work: Work, group: Group, *, place: str, exists: Callable[[str], bool]) -> Json:
    made = local_group.plan(work, group, place=place, exists=exists)
    return {
        "plan": made,
        "argv": [],
        "env": {"KAGIT_TRIAL_DIR": SCRATCH, "TMPDIR": SCRATCH},
        "cwd": "/",
        "memory": 0,
        "deadline": group.deadline,
        "backoff_limit": 0,
        "grace": max(unit["grace"] for unit in made["units"]) + MOST_ENDING,
        "kind": text(work.manifest.get("kind")),
        "group": True,
    }
