"""The launcher's plan for an attempt that is more than one process. No input or output."""

import posixpath
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from kagit.errors import Refused
from kagit.experiment import Collector, Json
from kagit.names import ENV_METRICS_PORT
from kagit.shapes import at, mapping, sequence, text
from reconciler.adapters import local_checkpoints
from reconciler.adapters.keeper import late
from reconciler.adapters.keeper.attempt import SCRATCH
from reconciler.adapters.local_kinds.members import HOST, Group, Member, port
from reconciler.adapters.local_paths import METRICS_MARK, collector_mounts, links
from reconciler.adapters.local_pods import (
    Setting,
    containers,
    devices,
    grace,
    init_containers,
    process,
    settled,
    volume_mounts,
)
from reconciler.ports import Work

Exists: TypeAlias = Callable[[str], bool]
SCRAPER = str(Path(__file__).with_name("keeper") / "scrape.py")
SCRAPE_INTERVAL = "1"
_SCRAPED = "scrape"
LOGS = ".logs"
"""Ending of what stands beside an attempt's output: the output of its other containers."""


def plan(work: Work, group: Group, *, place: str, exists: Exists) -> Json:
    """What the launcher has to run; the pause before the second try is left to whoever knows it."""
    primary = group.primary(work.primary_pod_labels)
    gpus = iter(work.gpus)
    units: list[Json] = []
    for member in group.members:
        mine = [next(gpus, "") for _ in range(devices(member.pod))] if work.gpus else None
        units.append(_unit(work, member, place=place, is_primary=member is primary, gpus=mine, exists=exists))
    made = {
        "logs": place + LOGS,
        "end": place + local_checkpoints.END,
        "parallel": group.parallel,
        "restarts": group.restarts,
        "linger": group.linger,
        "budgets": dict(group.budgets),
        "need": sorted(group.need),
        "any": group.any_of,
        "ports": [*group.ports, *([_SCRAPED] if wants_port(primary, work.primary_container) else [])],
        "units": units,
    }
    settled_plan: Json = settled(made, place)
    return settled_plan


def wants_port(member: Member, primary: str) -> bool:
    """Whether the primary container takes the port of its metrics as it is given here, so that it need not be fixed."""
    container = primary_container(member, primary)
    values = [at(entry, "value") for entry in sequence(container.get("env"))]
    words = [*sequence(container.get("command")), *sequence(container.get("args")), *values]
    return any(ENV_METRICS_PORT in str(word) for word in words)


def primary_container(member: Member, name: str) -> Mapping[str, Any]:
    """The container of that name, the first where there is none."""
    found = containers(member.pod)
    return next((one for one in found if one.get("name") == name), found[0] if found else {})


def metrics_port(work_collector: Collector, container: Mapping[str, Any]) -> int:
    """The port at which a trial's metrics are asked for; Refused where it has a name that no container port has."""
    given = at(work_collector.source, "httpGet", "port")
    if str(given).isdecimal():
        return int(str(given))
    named = [one for one in sequence(container.get("ports")) if at(one, "name") == given]
    found = at(named[0], "containerPort") if named else None
    if not isinstance(found, int):
        raise Refused(f"httpGet.port is {given!r}, and the primary container has no port of that name; give a number")
    return found


def _unit(
    work: Work, member: Member, *, place: str, is_primary: bool, gpus: Sequence[str] | None, exists: Exists
) -> Json:
    pod = member.pod
    every = [*containers(pod), *init_containers(pod), *([work.collector.custom] if work.collector.custom else [])]
    metrics = METRICS_MARK if is_primary else f"{SCRATCH}/volumes/{member.name or 'pod'}/.metrics"
    own = local_checkpoints.mounts(work, place=place) if is_primary else ()
    shared = (*collector_mounts(work.collector, metrics, exists=exists), *own)
    mounted = [[*shared, *volume_mounts(one, member)] for one in every]
    targets = dict.fromkeys(mount.target for mounts in mounted for mount in mounts)
    extra = {**_extra(work, member), **local_checkpoints.variables(work, place=place)} if is_primary else {}
    setting = Setting(work=work, member=member, place=place, metrics=metrics, mounts=shared, extra=extra)
    files = {
        **member.files,
        **({late.path(SCRATCH, f"{member.name}/{late.SCRIPT}"): member.script} if member.script else {}),
    }
    return {
        "name": member.name,
        "shown": f"{member.shown} " if member.shown else "",
        "after": list(member.after),
        "retry": member.retry,
        "reason": "BackoffLimitExceeded" if member.retry != "never" and not _is_pod(work) else "Error",
        "budget": member.budget,
        "deadline": member.deadline,
        "grace": grace(pod),
        "fresh": [one for one in targets if not one.startswith(METRICS_MARK) and one not in {m.target for m in own}],
        "folders": [
            *([] if is_primary else [metrics]),
            *(posixpath.dirname(path) for path in files),
            *_folders(member),
        ],
        "files": files,
        "links": [link for mounts in mounted for link in links(mounts)],
        "told": {"role": member.role},
        "tests": list(member.tests),
        "outputs": dict(member.outputs),
        "forgiven": member.forgiven,
        "final": member.final,
        "tasks": list(_tasks(setting, is_primary=is_primary, gpus=gpus)),
    }


def _folders(member: Member) -> Iterator[str]:
    """Where a step leaves its outputs, and what it shares with others."""
    if member.outputs or member.script:
        yield late.path(SCRATCH, member.name)
    yield from (f"{SCRATCH}/shared/{name}" for name in member.shares)


def _is_pod(work: Work) -> bool:
    return work.manifest.get("kind") == "Pod"


def _extra(work: Work, member: Member) -> dict[str, str]:
    if work.collector.kind != "PrometheusMetric":
        return {}
    container = primary_container(member, work.primary_container)
    free = wants_port(member, work.primary_container)
    return {ENV_METRICS_PORT: port(_SCRAPED) if free else str(metrics_port(work.collector, container))}


def _tasks(setting: Setting, *, is_primary: bool, gpus: Sequence[str] | None) -> Iterator[Json]:
    """The processes of a pod in the order in which they start."""
    work, member = setting.work, setting.member
    primary: Mapping[str, Any] = primary_container(member, work.primary_container) if is_primary else {}
    none = None if gpus is None else ()
    if is_primary and work.collector.kind == "PrometheusMetric":
        yield _scraper(setting)
    for container in init_containers(member.pod):
        role = "beside" if container.get("restartPolicy") == "Always" else "init"
        yield _task(container, setting, role=role, output=_stem(container, member), gpus=none)
    left = iter(gpus or ())
    for container in containers(member.pod):
        own = None if gpus is None else [next(left, "") for _ in range(devices({"containers": [container]}))]
        output = "" if container is primary else _stem(container, member)
        yield _task(container, setting, role="main", output=output, gpus=own)
    if is_primary and work.collector.kind == "Custom" and work.collector.custom:
        custom = work.collector.custom
        yield _task(custom, setting, role="after", output=_stem(custom, member), gpus=none)


def _task(
    container: Mapping[str, Any], setting: Setting, *, role: str, output: str, gpus: Sequence[str] | None
) -> Json:
    name = text(container.get("name")) or output or "container"
    stdout = late.path(SCRATCH, f"{setting.member.name}/{late.STDOUT}") if setting.member.captured else ""
    return {"name": name, "role": role, "output": output, "stdout": stdout, **process(container, setting, gpus=gpus)}


def _stem(container: Mapping[str, Any], member: Member) -> str:
    """The name of a container's output: that of the pod where it is alone, so that `worker-1` is enough to ask for."""
    name = text(container.get("name")) or "container"
    alone = len(containers(member.pod)) == 1 and container in containers(member.pod)
    return name if not member.name else member.name if alone else f"{member.name}.{name}"


def _scraper(setting: Setting) -> Json:
    """The process that asks the trial for its metrics."""
    work, get = setting.work, mapping(at(setting.work.collector.source, "httpGet"))
    host, scheme = text(get.get("host")) or HOST, (text(get.get("scheme")) or "HTTP").lower()
    path = text(get.get("path")).lstrip("/")
    address = f"{scheme}://{host}:{setting.extra[ENV_METRICS_PORT]}/{path}"
    argv = [
        sys.executable,
        "-I",
        "-S",
        SCRAPER,
        address,
        f"{METRICS_MARK}/scraped.jsonl",
        SCRAPE_INTERVAL,
        *work.metrics,
    ]
    return {
        "name": "metrics-collector", "role": "beside", "output": "metrics-collector", "argv": argv, "env": {},
        "cwd": "/", "memory": 0, "stdout": "",
    }  # fmt: skip
