"""`kagit describe`: one object with its effective spec and what became of it."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import closing

from kagit.experiment import Experiment, Json
from kagit.objective import Objective
from kagit.shapes import at, mapping, sequence, text
from kagit.trial import Comparison, EarlyStoppingRule
from kagit.v1beta1 import defaults, manifest, objects, pieces
from reconciler import wiring
from reconciler.commands import effective, show
from reconciler.commands.get import named, status
from reconciler.core.problem import picked


def run(args: argparse.Namespace) -> int:
    """Print the object."""
    kind = args.what.capitalize()
    with closing(wiring.reader(args.state)) as cluster:
        body = named(cluster, kind=kind, namespace=args.namespace, name=args.name)
    given = body["spec"]
    if kind == "Experiment":
        body = {**body, "spec": defaults.effective(given)}
    if args.run_spec and kind == "Trial":
        show.objects(given["runSpec"], output="json" if args.output == "json" else "yaml")
    elif args.output != "table":
        show.objects(body, output=args.output)
    else:
        _about(body)
        {"Experiment": _experiment, "Trial": _trial, "Suggestion": _suggestion}[kind](body, given)
        _conditions(body)
    return 0


def _about(body: Json) -> None:
    meta = body["metadata"]
    rows = [("Name:", meta["name"]), ("Namespace:", meta["namespace"]), ("Status:", status(body))]
    rows += [("Started:", at(body, "status", "startTime") or "-")]
    rows += [("Completed:", at(body, "status", "completionTime") or "-")]
    rows += [("Waiting for:", text(one)) for one in sequence(at(body, "status", "waiting"))]
    rows += [("Label:", f"{key}={value}") for key, value in sorted(mapping(meta.get("labels")).items())]
    rows += [(f"{key}:", value) for key, value in sorted(mapping(meta.get("annotations")).items())]
    _pairs(rows)


def _experiment(body: Json, given: Json) -> None:
    found = mapping(body.get("status"))
    meant, _ = manifest.experiment({**body, "spec": given})
    spec = body["spec"] if meant is None else _aimed(body["spec"], meant.objective)
    print()
    _pairs(effective.lines(given, spec))
    for table in (effective.parameters(given, spec), effective.placeholders(spec)):
        if table.rows:
            print()
            show.table(*table)
    best = at(found, "currentOptimalTrial", "bestTrialName")
    more = list(_more(meant)) if meant is not None else []
    if more:
        print()
        _pairs(more)
    rows: list[tuple[str, object]] = [("Trials:", found.get("trials") or 0)]
    for word, key in _COUNTS.items():
        if found.get(key):
            rows.append((f"  {word}:", found[key]))
    rows.append(("Best trial:", best or "-"))
    rows += [(f"  {one['name']}:", one["value"]) for one in sequence(at(found, _BEST, "parameterAssignments"))]
    rows += [(f"  {one['name']}:", _metric(one)) for one in sequence(at(found, _BEST, "observation", "metrics"))]
    print()
    _pairs(rows)


def _aimed(spec: Json, objective: Objective) -> Json:
    """The spec with the strategies that count: further objectives have their own."""
    strategies = [{"name": name, "value": one.value} for name, one in objective.strategies.items()]
    return {**spec, "objective": {**spec["objective"], "metricStrategies": strategies}}


def _more(meant: Experiment) -> Iterator[tuple[str, object]]:
    """What annotations add to the objective, and what `auto` has picked."""
    for name, kind in meant.objective.others.items():
        yield "Further objective:", f"{kind.value} {name}"
    for one in meant.objective.constraints:
        yield "Constraint:", f"{one.metric} {one.sign} {one.bound:g}"
    said = picked(meant)
    if said:
        yield "Picked:", said


_BEST = "currentOptimalTrial"
_COUNTS = {
    "Pending": "trialsPending",
    "Running": "trialsRunning",
    "Succeeded": "trialsSucceeded",
    "Early stopped": "trialsEarlyStopped",
    "Failed": "trialsFailed",
    "Without metrics": "trialMetricsUnavailable",
    "Killed": "trialsKilled",
}


def _metric(one: object) -> str:
    return f"min {at(one, 'min')}, max {at(one, 'max')}, latest {at(one, 'latest')}"


def _trial(body: Json, given: Json) -> None:
    trial = objects.trial(body)
    rows: list[tuple[str, object]] = [(f"{name}:", value) for name, value in trial.point.items()]
    rows += [(f"{one['name']}:", _metric(one)) for one in sequence(at(body, "status", "observation", "metrics"))]
    rows += [(f"{one.path}:", f"{one.size} bytes, sha256 {one.digest}") for one in trial.artifacts]
    rows += [(f"Stops when {one.metric}:", _rule(one)) for one in trial.rules]
    rows.append(("Attempt:", trial.attempt))
    run = mapping(given.get("runSpec"))
    rows.append(("Runs:", f"{run.get('kind')} ({run.get('apiVersion')}); --run-spec shows it"))
    print()
    _pairs(rows)


def _rule(rule: EarlyStoppingRule) -> str:
    """When an early stopping rule is met, after the name of its metric."""
    if rule.comparison is Comparison.STALE:
        return f"{rule.patience} reports from number {rule.start_step} on bring no gain above {rule.value}"
    last = f" (and {rule.later[-1].value} from report {rule.later[-1].step} on)" if rule.later else ""
    return f"{rule.comparison} {rule.value} from report {rule.start_step} on{last}"


def _suggestion(body: Json, given: Json) -> None:
    rows: list[tuple[str, object]] = [("Algorithm:", at(given, "algorithm", "algorithmName"))]
    rows += [
        (f"  {at(one, 'name')}:", at(one, "value")) for one in sequence(at(given, "algorithm", "algorithmSettings"))
    ]
    rows += [("Resume policy:", given.get("resumePolicy")), ("Requested:", given.get("requests"))]
    rows.append(("Assigned:", at(body, "status", "suggestionCount") or 0))
    for one in sequence(at(body, "status", "suggestions")):
        point = pieces.point(at(one, "parameterAssignments"))
        rows.append((f"  {at(one, 'name')}:", " ".join(f"{name}={value}" for name, value in point.items())))
    print()
    _pairs(rows)


def _conditions(body: Json) -> None:
    rows = [
        (c.type, c.status, c.last_transition, c.reason, c.message)
        for c in pieces.conditions_in(at(body, "status", "conditions"))
    ]
    print()
    show.table(("CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE"), rows)


def _pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values in two columns; the first row is the heading, which `show.table` wants."""
    first, *rest = rows
    show.table((first[0], str(first[1])), rest)
