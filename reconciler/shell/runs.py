"""Deeds on experiments and their runs."""

import json
from contextlib import suppress

from kagit import names
from kagit.errors import AlreadyExists, NotFound
from kagit.experiment import Json
from kagit.space import Point
from kagit.v1beta1 import objects, pieces, words
from reconciler import actions as a
from reconciler.core import starting
from reconciler.shell import templates
from reconciler.shell.hands import Hands, patch_status
from reconciler.shell.ledger import Ledger

RUNS = "kagit-runs"
"""Name of the ConfigMap that remembers the last run number of deleted experiments."""


def start_run(action: a.StartRun, ledger: Ledger, hands: Hands) -> None:
    """Make the run, or make it what it should be."""
    source = action.source
    templates.keep(action.experiment, run=action.number, cluster=hands.cluster)
    body = objects.experiment_body(
        action.experiment,
        run=action.number,
        seed=action.seed,
        commit=source.commit,
        source=f"{source.url}#{source.path}",
        clean=source.clean,
        earlier=_earlier(ledger),
    )
    started = _started(action, hands)
    if started:
        body["metadata"]["annotations"][names.ANNOTATION_STARTED_FROM] = json.dumps(started)
    status = objects.experiment_status(conditions=(), started="", completed="", trials={}, best="")
    status["currentOptimalTrial"] = None
    try:
        hands.cluster.create(body)
    except AlreadyExists:
        # All that belongs to the old run goes before the new spec comes: a crash in between leaves a run without an
        # end, which is replaced again, and never a new run that looks over.
        with suppress(NotFound):
            hands.cluster.delete(kind="Suggestion", namespace=ledger.namespace, name=ledger.name)
        patch_status(ledger, hands, status, kind="Experiment")
        stored = hands.cluster.patch(
            kind="Experiment",
            namespace=ledger.namespace,
            name=ledger.name,
            body=[
                {"op": "replace", "path": "/metadata/annotations", "value": body["metadata"]["annotations"]},
                {"op": "replace", "path": "/spec", "value": body["spec"]},
            ],
            form="json",
        )
    else:
        stored = patch_status(ledger, hands, status, kind="Experiment")
    templates.own(action.experiment, run=action.number, owner=stored, cluster=hands.cluster)
    ledger.take(stored, spec=action.experiment, source=source)


def _started(action: a.StartRun, hands: Hands) -> list[Point]:
    """The points of other experiments to begin with, as they are known at this moment."""
    spec = action.experiment
    others: dict[str, list[starting.Judged]] = {}
    for other in spec.search.start_from:
        selector = f"{names.LABEL_EXPERIMENT}={other}"
        for stored in hands.cluster.list(kind="Trial", namespace=spec.namespace, selector=selector).items:
            judged = (words.objective(stored["spec"]["objective"]), objects.trial(stored))
            others.setdefault(other, []).append(judged)
    return [dict(point) for point in starting.points(spec, others)]


def _earlier(ledger: Ledger) -> dict[int, tuple[str, str]]:
    """Commit and spec digest of every run up to the present one."""
    runs = {one.run: (one.commit, one.spec_digest) for one in ledger.earlier.values()}
    if ledger.run is not None:
        runs[ledger.run.number] = (ledger.source.commit, ledger.run.experiment.spec_digest)
    return runs


def extend_run(action: a.ExtendRun, ledger: Ledger, hands: Hands) -> None:
    """Change the budget and the wishes of the run that is there."""
    spec = action.experiment
    ledger.optimizer = None  # the budget is a part of its problem, and a wish may name another service
    if ledger.run is not None and ledger.run.conditions != action.conditions:
        # First, for the same reason as above: what is over would otherwise look over with more to do.
        status: Json = {"conditions": pieces.conditions_out(action.conditions)}
        patch_status(ledger, hands, status, kind="Experiment")
    stored = hands.cluster.patch(
        kind="Experiment",
        namespace=ledger.namespace,
        name=ledger.name,
        body=[
            {"op": "replace", "path": "/spec", "value": spec.manifest["spec"]},
            *_annotate(names.ANNOTATION_SPEC_DIGEST, spec.spec_digest),
            *(step for key in names.WISHES for step in _annotate(key, spec.annotations.get(key))),
        ],
        form="json",
    )
    ledger.take(stored, spec=spec, source=ledger.source)


def _annotate(key: str, value: str | None) -> list[Json]:
    """JSON patch steps that set an annotation, or take it away whether it is there or not."""
    path = "/metadata/annotations/" + key.replace("/", "~1")
    step: Json = {"op": "add", "path": path, "value": value or ""}
    return [step] if value is not None else [step, {"op": "remove", "path": path}]


def delete_experiment(action: a.DeleteExperiment, ledger: Ledger, hands: Hands) -> None:
    """Children first, so that a crash in between leaves an owner that is deleted again, never orphans."""
    memory: Json = {"data": {ledger.name: str(action.run)}}
    try:
        hands.cluster.patch(kind="ConfigMap", namespace=ledger.namespace, name=RUNS, body=memory)
    except NotFound:
        meta = {"name": RUNS, "namespace": ledger.namespace}
        hands.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **memory})
    with suppress(NotFound):
        hands.cluster.delete(kind="Experiment", namespace=ledger.namespace, name=ledger.name)
    templates.forget(namespace=ledger.namespace, experiment=ledger.name, cluster=hands.cluster)
    ledger.clear(last_run=action.run)


def set_status(action: a.SetStatus, ledger: Ledger, hands: Hands) -> None:
    """Write the experiment's status from the aggregates of the moment."""
    status = objects.experiment_status(
        conditions=action.conditions,
        started=action.started,
        completed=action.completed,
        trials=ledger.trials,
        best=ledger.best.trial if ledger.best is not None else "",
        now=hands.now,
        waiting=ledger.waiting_for_report(),
    )
    stored = patch_status(ledger, hands, status, kind="Experiment")
    if ledger.run is not None:
        ledger.take(stored, spec=ledger.run.experiment, source=ledger.source)
    ledger.changes, ledger.status_at = 0, hands.clock.now()
