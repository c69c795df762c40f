"""`kagit describe`: one object with its effective spec and what became of it."""

import argparse
from contextlib import closing

from kagit.experiment import Json
from kagit.shapes import at, mapping, sequence
from kagit.v1beta1 import defaults, objects, pieces
from reconciler import wiring
from reconciler.commands import show
from reconciler.commands.get import named, status


def run(args: argparse.Namespace) -> int:
    """Print the object."""
    kind = {"experiment": "Experiment", "trial": "Trial"}[args.what]
    with closing(wiring.reader(args.state)) as cluster:
        body = named(cluster, kind=kind, namespace=args.namespace, name=args.name)
    if args.what == "experiment":
        body = {**body, "spec": defaults.effective(body["spec"])}
    if args.output != "table":
        show.objects(body, output=args.output)
        return 0
    _about(body)
    if args.what == "experiment":
        _experiment(body)
    else:
        _trial(body)
    _conditions(body)
    return 0


def _about(body: Json) -> None:
    meta = body["metadata"]
    rows: list[tuple[object, object]] = [("Name:", meta["name"]), ("Namespace:", meta["namespace"])]
    rows += [("Status:", status(body)), ("Started:", at(body, "status", "startTime") or "-")]
    rows.append(("Completed:", at(body, "status", "completionTime") or "-"))
    rows += [(f"{key}:", value) for key, value in sorted(mapping(meta.get("annotations")).items())]
    show.table(*_split(rows))


def _experiment(body: Json) -> None:
    spec, found = body["spec"], mapping(body.get("status"))
    best = at(found, "currentOptimalTrial", "bestTrialName")
    rows: list[tuple[object, object]] = [
        ("Objective:", f"{at(spec, 'objective', 'type')} {at(spec, 'objective', 'objectiveMetricName')}"),
        ("Goal:", at(spec, "objective", "goal") if at(spec, "objective", "goal") is not None else "-"),
        ("Algorithm:", at(spec, "algorithm", "algorithmName")),
        ("Parallel trials:", spec.get("parallelTrialCount")),
        ("Max trials:", spec.get("maxTrialCount") or "no limit"),
        ("Max failed trials:", "no limit" if spec.get("maxFailedTrialCount") is None else spec["maxFailedTrialCount"]),
        ("Resume policy:", spec.get("resumePolicy")),
        ("Trials:", found.get("trials") or 0),
        ("Best trial:", best or "-"),
    ]
    point = sequence(at(found, "currentOptimalTrial", "parameterAssignments"))
    metrics = sequence(at(found, "currentOptimalTrial", "observation", "metrics"))
    rows += [(f"  {one['name']}:", one["value"]) for one in point]
    rows += [(f"  {one['name']}:", f"min {one['min']}, max {one['max']}, latest {one['latest']}") for one in metrics]
    print()
    show.table(*_split(rows))


def _trial(body: Json) -> None:
    trial = objects.trial(body)
    rows: list[tuple[object, object]] = [(f"{name}:", value) for name, value in trial.point.items()]
    rows += [(f"{m.name}:", f"min {m.min}, max {m.max}, latest {m.latest}") for m in trial.observation]
    rows += [(f"{one.path}:", f"{one.size} bytes, sha256 {one.digest}") for one in trial.artifacts]
    print()
    show.table(*_split(rows or [("Parameters:", "-")]))


def _conditions(body: Json) -> None:
    rows = [
        (c.type, c.status, c.last_transition, c.reason, c.message)
        for c in pieces.conditions_in(at(body, "status", "conditions"))
    ]
    print()
    show.table(("CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE"), rows)


def _split(rows: list[tuple[object, object]]) -> tuple[tuple[str, str], list[tuple[object, object]]]:
    """The first row as the heading, which `show.table` wants."""
    return (str(rows[0][0]), str(rows[0][1])), rows[1:]
