"""Katib's Suggestion object: what an algorithm is asked for, and its answers (spec katib.md section 1.5)."""

from collections.abc import Sequence

from kagit import names
from kagit.experiment import Experiment, Json
from kagit.shapes import at, mapping, sequence, text
from kagit.suggestion import Suggestion
from kagit.v1beta1 import specs
from kagit.v1beta1.pieces import assignments, note, numbers_in, numbers_out, owner, point


def body(experiment: Experiment, *, requests: int, owned_by: Json) -> Json:
    """The Suggestion of an experiment; `requests` is how many points were wanted since its run began.

    Labels come from the experiment, but none by which a GitOps tool would take the Suggestion for its own (defect 29).
    """
    spec: Json = {
        "algorithm": specs.algorithm(experiment.algorithm),
        "requests": requests,
        "resumePolicy": experiment.resume.value,
    }
    if experiment.early_stopping is not None:
        spec["earlyStopping"] = specs.algorithm(experiment.early_stopping)
    meta: Json = {"name": experiment.name, "namespace": experiment.namespace, "ownerReferences": [owner(owned_by)]}
    labels = {key: label for key, label in experiment.labels.items() if not key.startswith(names.TRACKING_LABELS)}
    if labels:
        meta["labels"] = labels
    return {"apiVersion": names.API_VERSION, "kind": "Suggestion", "metadata": meta, "spec": spec}


def status(
    suggestions: Sequence[Suggestion], *, experiment: str, run: int, asked: int, exhausted: bool, now: str
) -> Json:
    """Status of a Suggestion without conditions: only the answers in use, all others stand in trials (defect 18)."""
    return {
        "run": run,
        "lastReconcileTime": now,
        "suggestionCount": asked,
        "exhausted": exhausted,
        "suggestions": [
            {
                "name": names.trial_name(experiment=experiment, run=run, index=one.index),
                "parameterAssignments": assignments(one.point),
                "index": one.index,
                "seed": one.seed,
                "historyDigest": one.history_digest,
                "engine": one.engine,
                **_optional(one),
            }
            for one in suggestions
        ],
    }


def _optional(one: Suggestion) -> Json:
    """What not every answer has."""
    parent: Json = {} if one.parent is None else {"parent": one.parent}
    running: Json = {"running": numbers_out(one.running)} if one.running else {}
    return running | parent | ({"labels": dict(one.labels)} if one.labels else {})


def points(stored: Json) -> tuple[Suggestion, ...]:
    """The answers that a Suggestion holds."""
    return tuple(
        Suggestion(
            index=int(one["index"]),
            point=point(one.get("parameterAssignments")),
            seed=int(one["seed"]),
            history_digest=text(one.get("historyDigest")),
            engine=text(one.get("engine")),
            running=numbers_in(text(one.get("running"))),
            labels={key: text(value) for key, value in mapping(one.get("labels")).items()},
            parent=int(one["parent"]) if "parent" in one else None,
        )
        for one in sequence(at(stored, "status", "suggestions"))
    )


def of_trial(stored: Json) -> Suggestion:
    """The answer of which a Trial was made."""
    parent = note(stored, names.ANNOTATION_PARENT)
    return Suggestion(
        index=int(note(stored, names.ANNOTATION_INDEX) or 0),
        point=point(at(stored, "spec", "parameterAssignments")),
        seed=int(note(stored, names.ANNOTATION_SEED) or 0),
        history_digest=note(stored, names.ANNOTATION_HISTORY),
        engine=note(stored, names.ANNOTATION_ENGINE),
        running=numbers_in(note(stored, names.ANNOTATION_RUNNING)),
        labels={key: text(value) for key, value in mapping(at(stored, "spec", "labels")).items()},
        parent=int(parent) if parent else None,
    )
