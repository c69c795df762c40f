"""Words into Katib's objects and back (spec katib.md sections 1.4 to 1.8): Experiment, Suggestion, Trial."""

from collections.abc import Mapping, Sequence

from kagit import names
from kagit.conditions import Conditions, end_running, last_true, put
from kagit.experiment import Experiment, Json
from kagit.shapes import at, mapping, sequence, text
from kagit.suggestion import Suggestion
from kagit.trial import Artifact, EarlyStoppingRule, Phase, Trial
from kagit.v1beta1 import specs
from kagit.v1beta1.pieces import (
    assignments,
    conditions_in,
    conditions_out,
    metrics,
    note,
    numbers_out,
    observation,
    owner,
    point,
    rules_in,
    rules_out,
)

_REASONS = {
    Phase.CREATED: ("TrialCreated", "Trial is created"),
    Phase.RUNNING: ("TrialRunning", "Trial is running"),
}


def experiment_body(
    experiment: Experiment,
    *,
    run: int,
    seed: int,
    commit: str,
    source: str,
    clean: bool | None,
    earlier: Mapping[int, tuple[str, str]],
) -> Json:
    """The Experiment as stored: the author's spec untouched, the run and its origin in annotations.

    `earlier` holds commit and spec digest of the runs before this one.
    """
    notes = {
        **experiment.annotations,
        **{f"{names.ANNOTATION_RUN}-{number}": f"{old} {digest}" for number, (old, digest) in earlier.items()},
        names.ANNOTATION_RUN: str(run),
        names.ANNOTATION_SEED: str(seed),
        names.ANNOTATION_SPEC_DIGEST: experiment.spec_digest,
        names.ANNOTATION_COMMIT: commit,
        names.ANNOTATION_SOURCE: source,
    }
    if clean is not None:
        notes[names.ANNOTATION_CLEAN] = "true" if clean else "false"
    meta = {"name": experiment.name, "namespace": experiment.namespace, "annotations": notes}
    if experiment.labels:
        meta["labels"] = dict(experiment.labels)
    return {
        "apiVersion": names.API_VERSION,
        "kind": "Experiment",
        "metadata": meta,
        "spec": experiment.manifest["spec"],
    }


def earlier_runs(body: Json) -> dict[int, tuple[str, str]]:
    """Commit and spec digest of the runs before the present one."""
    prefix = f"{names.ANNOTATION_RUN}-"
    found: dict[int, tuple[str, str]] = {}
    for key, value in mapping(at(body, "metadata", "annotations")).items():
        if key.startswith(prefix) and key.removeprefix(prefix).isdecimal():
            commit, _, digest = text(value).partition(" ")
            found[int(key.removeprefix(prefix))] = (commit, digest)
    return found


def trial_body(
    experiment: Experiment,
    suggestion: Suggestion,
    *,
    name: str,
    run: int,
    run_spec: Json,
    owned_by: Json,
    rules: Sequence[EarlyStoppingRule] = (),
) -> Json:
    """A Trial as created: everything needed to run it and to ask for its point again."""
    template = experiment.template
    spec: Json = {
        "objective": specs.objective(experiment.objective),
        "parameterAssignments": assignments(suggestion.point),
        "runSpec": run_spec,
        "retainRun": template.retain,
        "metricsCollector": specs.collector(experiment.collector),
        "primaryContainerName": template.primary_container,
    }
    if rules:
        spec["earlyStoppingRules"] = rules_out(rules)
    if template.primary_pod_labels:
        spec["primaryPodLabels"] = dict(template.primary_pod_labels)
    if template.success_condition and template.failure_condition:
        spec |= {"successCondition": template.success_condition, "failureCondition": template.failure_condition}
    if suggestion.labels:
        spec["labels"] = dict(suggestion.labels)
    labels = {**suggestion.labels, **_lineage(experiment, suggestion, run=run)}
    own = {names.LABEL_EXPERIMENT: experiment.name, names.LABEL_RUN: str(run)}
    meta = {
        "name": name,
        "namespace": experiment.namespace,
        "labels": {**experiment.labels, **labels, **own},
        "annotations": _provenance(suggestion),
        "ownerReferences": [owner(owned_by)],
    }
    return {"apiVersion": names.API_VERSION, "kind": "Trial", "metadata": meta, "spec": spec}


def _lineage(experiment: Experiment, suggestion: Suggestion, *, run: int) -> dict[str, str]:
    """From which trial it goes on: our label for all algorithms, and Katib's for its only one that has such a label."""
    if suggestion.parent is None:
        return {}
    parent = names.trial_name(experiment=experiment.name, run=run, index=suggestion.parent)
    katibs = {names.LABEL_PBT_PARENT: parent} if names.LABEL_GENERATION in suggestion.labels else {}
    return {names.LABEL_PARENT: parent, **katibs}


def _provenance(suggestion: Suggestion) -> Json:
    """Everything needed to ask for its point again."""
    notes: Json = {
        names.ANNOTATION_INDEX: str(suggestion.index),
        names.ANNOTATION_SEED: str(suggestion.seed),
        names.ANNOTATION_HISTORY: suggestion.history_digest,
        names.ANNOTATION_ENGINE: suggestion.engine,
    }
    if suggestion.running:
        notes[names.ANNOTATION_RUNNING] = numbers_out(suggestion.running)
    if suggestion.parent is not None:
        notes[names.ANNOTATION_PARENT] = str(suggestion.parent)
    return notes


def trial_status(trial: Trial, *, now: str, created: str = "", gpus: Sequence[str] = ()) -> Json:
    """Status of a Trial: the conditions follow from its phase, as Katib would have set them one after another.

    `created` is when its object was made.
    """
    began = trial.started or now
    conditions = put((), type_="Created", reason="TrialCreated", message="Trial is created", now=created or began)
    if trial.phase is not Phase.CREATED and trial.started:
        conditions = put(conditions, type_="Running", reason="TrialRunning", message="Trial is running", now=began)
    if trial.is_over:
        if trial.phase is not Phase.EARLY_STOPPED:
            conditions = end_running(conditions, now=trial.finished or now)
        conditions = put(
            conditions, type_=trial.phase.value, reason=trial.reason, message=trial.message, now=trial.finished or now
        )
    status: Json = {"conditions": conditions_out(conditions), "lastReconcileTime": now, "attempt": trial.attempt}
    optional = {
        "lostAttempts": trial.lost,
        "startTime": trial.started,
        "completionTime": trial.finished if trial.is_over else "",
        "message": trial.message if trial.phase is Phase.CREATED else "",
        "observation": {"metrics": metrics(trial.observation)} if trial.observation else None,
        "artifacts": [{"path": a.path, "size": a.size, "digest": a.digest} for a in trial.artifacts],
        "gpus": list(gpus),
    }
    return status | {key: value for key, value in optional.items() if value}


def trial(body: Json) -> Trial:
    """The words of a Trial object; one without conditions is waiting to start."""
    meta, status = mapping(body.get("metadata")), mapping(body.get("status"))
    last = last_true(conditions_in(status.get("conditions")))
    phase = Phase(last.type) if last is not None else Phase.CREATED
    parent = note(body, names.ANNOTATION_PARENT)
    return Trial(
        name=text(meta.get("name")),
        run=int(at(meta, "labels", names.LABEL_RUN) or 1),
        index=int(at(meta, "annotations", names.ANNOTATION_INDEX) or 0),
        point=point(at(body, "spec", "parameterAssignments")),
        parent=int(parent) if parent else None,
        phase=phase,
        reason=last.reason if last is not None and phase not in _REASONS else "",
        message=last.message if last is not None and phase not in _REASONS else text(status.get("message")),
        started=text(status.get("startTime")),
        finished=text(status.get("completionTime")),
        attempt=int(status.get("attempt") or 1),
        lost=int(status.get("lostAttempts") or 0),
        rules=rules_in(at(body, "spec", "earlyStoppingRules")),
        observation=observation(at(status, "observation", "metrics")),
        artifacts=tuple(
            Artifact(path=text(one.get("path")), size=int(one.get("size") or 0), digest=text(one.get("digest")))
            for one in sequence(status.get("artifacts"))
        ),
        result_of=note(body, names.ANNOTATION_RESULT_OF),
    )


_LISTS = {
    Phase.RUNNING: ("runningTrialList", "trialsRunning"),
    Phase.CREATED: ("pendingTrialList", "trialsPending"),
    Phase.FAILED: ("failedTrialList", "trialsFailed"),
    Phase.SUCCEEDED: ("succeededTrialList", "trialsSucceeded"),
    Phase.KILLED: ("killedTrialList", "trialsKilled"),
    Phase.EARLY_STOPPED: ("earlyStoppedTrialList", "trialsEarlyStopped"),
    Phase.METRICS_UNAVAILABLE: ("metricsUnavailableTrialList", "trialMetricsUnavailable"),
}


def experiment_status(
    *,
    conditions: Conditions,
    started: str,
    completed: str,
    trials: Mapping[str, Trial],
    best: str,
    now: str = "",
    waiting: Sequence[str] = (),
) -> Json:
    """Status of an Experiment with Katib's counters and lists (section 1.4), and why nothing else happens."""
    lists: dict[Phase, list[str]] = {phase: [] for phase in _LISTS}
    for one in trials.values():
        lists[one.phase].append(one.name)
    status: Json = {
        "conditions": conditions_out(conditions),
        "startTime": started or None,
        "completionTime": completed or None,
        "lastReconcileTime": now or None,
        "waiting": list(waiting),
        "trials": len(trials),
    }
    for phase, (list_name, count_name) in _LISTS.items():
        status[list_name] = lists[phase]
        status[count_name] = len(lists[phase])
    optimal = trials.get(best)
    if optimal is not None:
        status["currentOptimalTrial"] = {
            "bestTrialName": best,
            "parameterAssignments": assignments(optimal.point),
            "observation": {"metrics": metrics(optimal.observation)},
        }
    return status
