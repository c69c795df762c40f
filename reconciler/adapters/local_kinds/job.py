"""Job (batch/v1) and Pod (v1)."""

from collections.abc import Mapping
from typing import Any

from kagit.errors import Refused
from kagit.shapes import mapping
from reconciler.adapters.local_kinds.members import (
    DEFAULT_BACKOFF_LIMIT,
    Group,
    Member,
    check_running,
    check_size,
    count,
    name_of,
)

INDEX = "batch.kubernetes.io/job-completion-index"
_CLUSTER_ONLY = ("podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "maxFailedIndexes")


def pod(manifest: Mapping[str, Any]) -> Group:
    """A Pod runs once, or with OnFailure until it works."""
    policy = mapping(manifest.get("spec")).get("restartPolicy")
    if policy == "Always":
        raise Refused("a Pod with restartPolicy Always never ends; give restartPolicy: Never")
    member = Member(template=manifest, retry="container" if policy == "OnFailure" else "never")
    return Group(members=(member,), budgets={"": -1}, deadline=deadline(mapping(manifest.get("spec")), at="spec"))


def job(manifest: Mapping[str, Any]) -> Group:
    """A Job runs its completions, so many at once as its parallelism says, each of which has to succeed."""
    spec = mapping(manifest.get("spec"))
    check_running(spec, at="suspend")
    wanted, parallel = completions(spec, at="")
    return Group(
        members=members(spec, name=name_of(manifest), prefix="pod", at="" if wanted == 1 else "spec.template"),
        budgets={"": count(spec.get("backoffLimit"), default=DEFAULT_BACKOFF_LIMIT, at="backoffLimit")},
        deadline=deadline(spec, at="spec"),
        parallel=parallel if parallel < wanted else 0,
    )


def completions(spec: Mapping[str, Any], *, at: str) -> tuple[int, int]:
    """How many pods of a Job have to succeed, and how many run at once; Refused where that needs a cluster."""
    for field in _CLUSTER_ONLY:
        if spec.get(field) is not None:
            raise Refused(f"{at}{field} is honoured by a cluster only; remove it to run here")
    parallel = count(spec.get("parallelism"), default=1, at=f"{at}parallelism")
    if parallel == 0:
        raise Refused(f"{at}parallelism is 0, so it would never start; give at least 1")
    wanted = count(spec.get("completions"), default=parallel, at=f"{at}completions")
    if wanted == 0:
        raise Refused(f"{at}completions is 0, so nothing would run; give at least 1")
    check_size(wanted, at=f"{at}completions")
    return wanted, min(parallel, wanted)


def members(
    spec: Mapping[str, Any], *, name: str, prefix: str, at: str, budget: str = "", indexed: bool = False
) -> tuple[Member, ...]:
    """The pods of a Job."""
    wanted, _ = completions(spec, at=at and f"{at}.")
    template = mapping(spec.get("template"))
    indexed = indexed or spec.get("completionMode") == "Indexed"
    retry = "container" if mapping(template.get("spec")).get("restartPolicy") == "OnFailure" else "pod"
    labels = {"job-name": name, "batch.kubernetes.io/job-name": name}
    alone = wanted == 1 and prefix == "pod"
    return tuple(
        Member(
            name="" if alone else f"{prefix}-{index}",
            shown="" if alone else f"{prefix} {index}",
            role=prefix,
            at=at,
            template=template,
            env={"JOB_COMPLETION_INDEX": str(index)} if indexed else {},
            labels={**labels, INDEX: str(index)} if indexed else labels,
            retry=retry,
            budget=budget,
        )
        for index in range(wanted)
    )


def deadline(spec: Mapping[str, Any], *, at: str) -> float:
    """activeDeadlineSeconds, 0 for none."""
    return float(count(spec.get("activeDeadlineSeconds"), default=0, at=f"{at}.activeDeadlineSeconds"))
