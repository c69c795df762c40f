"""`kagit get`: objects and lists of them as kubectl prints them, also while a reconciler writes them."""

import argparse
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from kagit import names
from kagit.conditions import last_true
from kagit.errors import NotFound
from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence, text
from kagit.v1beta1 import objects, pieces
from reconciler import wiring
from reconciler.commands import show
from reconciler.ports import Cluster

KINDS = {"experiments": "Experiment", "trials": "Trial", "suggestions": "Suggestion"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Columns(NamedTuple):
    """What a table of one kind shows after namespace and name: Katib's columns and ours; `wide` only on demand."""

    before: tuple[str, ...]
    wide: tuple[str, ...]


_COLUMNS = {
    "Experiment": Columns(("TYPE", "STATUS", "TRIALS", "SUCCEEDED", "FAILED", "BEST TRIAL"), ("RUN", "BEST", "REASON")),
    "Trial": Columns(("TYPE", "STATUS", "OBJECTIVE", "PARAMETERS"), ("STARTED", "FINISHED", "ATTEMPT", "REASON")),
    "Suggestion": Columns(("TYPE", "STATUS", "REQUESTED", "ASSIGNED", "ALGORITHM"), ("WAITING", "REASON")),
}


def run(args: argparse.Namespace) -> int:
    """Print the list, or the one object that is named."""
    kind = KINDS[args.what]
    with closing(wiring.reader(args.state)) as cluster:
        if args.name:
            found = [named(cluster, kind=kind, namespace=args.namespace or "default", name=args.name)]
        else:
            found = _list(cluster, kind=kind, namespace=args.namespace, experiment=args.experiment)
    if args.output == "name":
        for body in found:
            print(f"{kind.lower()}.{names.GROUP}/{body['metadata']['name']}")
    elif args.output in {"json", "yaml"}:
        show.objects(found[0] if args.name else as_list(found), output=args.output)
    else:
        _table(kind, found, wide=args.output == "wide")
    return 0


def _list(cluster: Cluster, *, kind: str, namespace: str, experiment: str) -> list[Json]:
    selector = f"{names.LABEL_EXPERIMENT}={experiment}" if experiment and kind == "Trial" else ""
    found = cluster.list(kind=kind, namespace=namespace, selector=selector).items
    if experiment and kind != "Trial":
        found = [one for one in found if one["metadata"]["name"] == experiment]
    return sorted(found, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))


def as_list(found: list[Json]) -> Json:
    """Objects as kubectl lists them, for whatever reads its output."""
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": found}


def named(cluster: Cluster, *, kind: str, namespace: str, name: str) -> Json:
    """The object of this name; NotFound says how to list those that are there."""
    try:
        return cluster.get(kind=kind, namespace=namespace, name=name)
    except NotFound:
        way_out = f"`kagit get {kind.lower()}s` lists all; give the namespace with -n"
        raise NotFound(f"there is no {kind.lower()} {name!r} in namespace {namespace!r}; {way_out}") from None


def status(body: Json) -> str:
    """The last condition that is True."""
    last = last_true(pieces.conditions_in(at(body, "status", "conditions")))
    return last.type if last is not None else "Created"


def age(since: str, *, now: float) -> str:
    """How long ago, in kubectl's words: 59s, 12m, 3h, 2d; `-` where it is not known."""
    try:
        seconds = max(0, int(now - datetime.fromisoformat(since).timestamp()))
    except ValueError:
        return "-"
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def _table(kind: str, found: list[Json], *, wide: bool) -> None:
    before, more = _COLUMNS[kind]
    now, cells = wiring.now(), {"Experiment": _experiment, "Trial": _trial, "Suggestion": _suggestion}[kind]
    columns, rows = ("NAMESPACE", "NAME", *before, "AGE", *(more if wide else ())), list[list[object]]()
    for body in found:
        conditions = pieces.conditions_in(at(body, "status", "conditions"))
        last = conditions[-1] if conditions else None
        usual, wider = cells(body)
        head = [body["metadata"]["namespace"], body["metadata"]["name"]]
        head += [last.type, last.status] if last is not None else ["Created", "-"]
        old = age(text(at(body, "metadata", "creationTimestamp")), now=now)
        reason = last.reason if last is not None else "-"
        rows.append([*head, *usual, old, *([*wider, reason] if wide else ())])
    show.table(columns, rows)


def _experiment(body: Json) -> tuple[list[object], list[object]]:
    counts = mapping(body.get("status"))
    failed = int(counts.get("trialsFailed") or 0) + int(counts.get("trialMetricsUnavailable") or 0)
    best = at(counts, "currentOptimalTrial", "bestTrialName") or "-"
    value = _latest(at(counts, "currentOptimalTrial", "observation", "metrics"), at(body, *_METRIC))
    run_number = pieces.note(body, names.ANNOTATION_RUN) or "1"
    return [counts.get("trials") or 0, counts.get("trialsSucceeded") or 0, failed, best], [run_number, value]


_METRIC = ("spec", "objective", "objectiveMetricName")


def _latest(metrics: object, metric: object) -> str:
    return next((text(at(one, "latest")) for one in sequence(metrics) if at(one, "name") == metric), "-")


def _trial(body: Json) -> tuple[list[object], list[object]]:
    trial = objects.trial(body)
    value = _latest(at(body, "status", "observation", "metrics"), at(body, *_METRIC))
    point = " ".join(f"{name}={given}" for name, given in trial.point.items())
    return [value, point], [trial.started or "-", trial.finished or "-", trial.attempt]


def _suggestion(body: Json) -> tuple[list[object], list[object]]:
    assigned = at(body, "status", "suggestionCount") or 0
    waiting = len(sequence(at(body, "status", "suggestions")))
    return [at(body, "spec", "requests") or 0, assigned, at(body, "spec", "algorithm", "algorithmName")], [waiting]
