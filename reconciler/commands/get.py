"""`kagit get`: lists of objects, also while a reconciler writes them."""

import argparse
from contextlib import closing

from kagit import names
from kagit.conditions import last_true
from kagit.errors import NotFound
from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence
from kagit.v1beta1 import objects, pieces
from reconciler import wiring
from reconciler.commands import show
from reconciler.ports import Cluster

_KINDS = {"experiments": "Experiment", "trials": "Trial", "suggestions": "Suggestion"}


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    selector = f"{names.LABEL_EXPERIMENT}={args.experiment}" if args.experiment and args.what == "trials" else ""
    with closing(wiring.reader(args.state)) as cluster:
        found = cluster.list(kind=_KINDS[args.what], namespace=args.namespace, selector=selector).items
    if args.experiment and args.what != "trials":
        found = [one for one in found if one["metadata"]["name"] == args.experiment]
    found.sort(key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))
    columns, line = {
        "experiments": (("NAMESPACE", "NAME", "STATUS", "TRIALS", "SUCCEEDED", "FAILED", "BEST TRIAL"), _experiment),
        "trials": (("NAMESPACE", "NAME", "STATUS", "OBJECTIVE", "PARAMETERS", "STARTED", "FINISHED"), _trial),
        "suggestions": (("NAMESPACE", "NAME", "STATUS", "ASKED", "WAITING", "ALGORITHM"), _suggestion),
    }[args.what]
    show.objects(found, output=args.output, columns=columns, rows=[line(one) for one in found])
    return 0


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


def _head(body: Json) -> list[object]:
    return [body["metadata"]["namespace"], body["metadata"]["name"], status(body)]


def _experiment(body: Json) -> list[object]:
    counts = mapping(body.get("status"))
    failed = int(counts.get("trialsFailed") or 0) + int(counts.get("trialMetricsUnavailable") or 0)
    best = at(counts, "currentOptimalTrial", "bestTrialName") or "-"
    return [*_head(body), counts.get("trials") or 0, counts.get("trialsSucceeded") or 0, failed, best]


def _trial(body: Json) -> list[object]:
    trial = objects.trial(body)
    metric = at(body, "spec", "objective", "objectiveMetricName")
    value = next((one.latest for one in trial.observation if one.name == metric), "-")
    point = " ".join(f"{name}={text}" for name, text in trial.point.items())
    return [*_head(body), value, point, trial.started or "-", trial.finished or "-"]


def _suggestion(body: Json) -> list[object]:
    asked = at(body, "status", "suggestionCount") or 0
    waiting = len(sequence(at(body, "status", "suggestions")))
    return [*_head(body), asked, waiting, at(body, "spec", "algorithm", "algorithmName")]
