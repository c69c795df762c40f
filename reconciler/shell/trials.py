"""Deeds on trials."""

from collections.abc import Sequence
from dataclasses import replace

from kagit import names
from kagit.errors import AlreadyExists, Broken, Refused
from kagit.experiment import Collector, Experiment, Json
from kagit.shapes import at, text, under
from kagit.template import fill
from kagit.trial import Checkpoint, Phase, Trial
from kagit.v1beta1 import objects
from reconciler import actions as a
from reconciler.core import checkpoints
from reconciler.core.slots import Need
from reconciler.ports import Sighting, State, Work
from reconciler.shell import stops
from reconciler.shell.following import Follow
from reconciler.shell.hands import Hands, patch_status
from reconciler.shell.ledger import Ledger


def create_trial(action: a.CreateTrial, ledger: Ledger, hands: Hands) -> None:
    """Make the trial of a suggestion."""
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: a trial without a run")
    spec, rules = run.experiment, stops.rules(ledger, hands)
    run_spec = fill(spec.template, trial=action.name, namespace=spec.namespace, point=action.suggestion.point)
    body = objects.trial_body(
        spec, action.suggestion, name=action.name, run=action.run, run_spec=run_spec, owned_by=ledger.body, rules=rules
    )
    try:
        stored = hands.cluster.create(body)
    except AlreadyExists:
        follow(ledger, hands.cluster.get(kind="Trial", namespace=ledger.namespace, name=action.name), hands)
    else:
        suggestion = action.suggestion
        trial = Trial(
            name=action.name,
            run=action.run,
            index=suggestion.index,
            point=suggestion.point,
            parent=suggestion.parent,
            rules=rules,
        )
        take(ledger, trial, run_spec, hands)
        _stored(ledger, stored)


def follow(ledger: Ledger, stored: Json, hands: Hands) -> Trial:
    """Take a stored Trial into the ledger, and follow it while it is not over."""
    trial = objects.trial(stored)
    gpus = tuple(stored.get("status", {}).get("gpus", ()))
    take(ledger, trial, stored["spec"]["runSpec"], hands, gpus=gpus)
    _stored(ledger, stored)
    return trial


def _stored(ledger: Ledger, stored: Json) -> None:
    """What only its object tells of a trial that is followed."""
    one = ledger.live.get(stored["metadata"]["name"])
    if one is not None:
        one.created = text(at(stored, "metadata", "creationTimestamp"))
        one.recorded = bool(at(stored, "status", "conditions"))


def take(ledger: Ledger, trial: Trial, manifest: Json, hands: Hands, *, gpus: tuple[str, ...] = ()) -> None:
    """Take in a trial, and follow it while it is not over."""
    run = ledger.run
    if run is None:
        return
    if trial.run == run.number:
        ledger.put(trial)
    if not trial.is_over and trial.name not in ledger.live:
        need = _demand(ledger, run.experiment, manifest, hands)
        ledger.live[trial.name] = Follow(
            trial=trial,
            namespace=ledger.namespace,
            manifest=manifest,
            slots=need.slots,
            gpus_wanted=need.gpus,
            claims=need.claims,
            gpus=gpus,
            order=ledger.next_order(),
        )


def _demand(ledger: Ledger, spec: Experiment, manifest: Json, hands: Hands) -> Need:
    """What a trial needs; found once for all trials of a run whose resources hold no parameter."""
    if ledger.demand is not None:
        return ledger.demand
    found = hands.demand(manifest, spec)
    template = spec.template.trial_spec
    # Counts of pods hold none either: Kubernetes takes no text there.
    if template is not None and not any("${" in one for one in under(template, "resources")):
        ledger.demand = found
    return found


def _record(ledger: Ledger, hands: Hands, trial: Trial, *, gpus: Sequence[str] = ()) -> None:
    """Write a trial's state, then believe it."""
    one = ledger.live.get(trial.name)
    created = one.created if one is not None else ""
    status = objects.trial_status(trial, now=hands.now, created=created, gpus=gpus)
    patch_status(ledger, hands, status, kind="Trial", name=trial.name)
    if one is not None:
        one.trial, one.recorded = trial, True
    if ledger.run is not None and trial.run == ledger.run.number:
        ledger.put(trial)
    elif trial.is_over:
        ledger.live.pop(trial.name, None)


def start_trial(action: a.StartTrial, ledger: Ledger, hands: Hands) -> None:
    """Start an attempt; that it runs is recorded when it has run for a moment."""
    one = ledger.live.get(action.name)
    if one is None:
        return
    if action.gpus and one.gpus != action.gpus:
        one.gpus = action.gpus  # written before the start, so that a crash cannot give a device away twice
        _record(ledger, hands, one.trial, gpus=action.gpus)
    try:
        hands.executor.start(_work(action, one, ledger, hands))
    except Refused as error:
        now = hands.now
        one.sighting = Sighting(
            name=one.work_name,
            state=State.ENDED,
            started=now,
            finished=now,
            reason="StartError",
            message=str(error),
        )
        one.drained = True  # it never ran: there is nothing to read
        return
    if one.sighting is None:  # what its executor says of it comes a moment later
        one.sighting, one.since = (
            Sighting(name=one.work_name, state=State.RUNNING, started=hands.now),
            hands.clock.now(),
        )


def _work(action: a.StartTrial, one: Follow, ledger: Ledger, hands: Hands) -> Work:
    spec = ledger.run.experiment if ledger.run is not None else None
    return Work(
        name=one.work_name,
        trial=action.name,
        namespace=ledger.namespace,
        manifest=one.manifest,
        primary_container=spec.template.primary_container if spec is not None else "",
        primary_pod_labels=spec.template.primary_pod_labels if spec is not None else {},
        metrics=spec.objective.metrics if spec is not None else (),
        collector=spec.collector if spec is not None else Collector(),
        directory=hands.workplace(ledger),
        env={names.ENV_TRIAL_NAME: action.name},
        gpus=action.gpus,
        checkpoint=_checkpoint(one.trial, ledger) if spec is not None else None,
    )


def _checkpoint(trial: Trial, ledger: Ledger) -> Checkpoint | None:
    if ledger.run is None:
        return None
    parents = [one.trial.parent for one in ledger.live.values() if one.trial.run == trial.run]
    return checkpoints.of(
        ledger.run.experiment,
        trial,
        active=[*parents, *(one.parent for one in ledger.suggestions.values())],
        oldest=ledger.oldest_parent,
        best=ledger.best.trial if ledger.best is not None else "",
    )


def record_created(action: a.RecordCreated, ledger: Ledger, hands: Hands) -> None:
    """Write down that a trial waits."""
    one = ledger.live.get(action.name)
    if one is not None:
        _record(ledger, hands, one.trial, gpus=one.gpus)


def record_running(action: a.RecordRunning, ledger: Ledger, hands: Hands) -> None:
    """Write down that a trial runs."""
    one = ledger.live.get(action.name)
    if one is not None:
        _record(ledger, hands, replace(one.trial, phase=Phase.RUNNING, started=action.started), gpus=one.gpus)


def retry_trial(action: a.RetryTrial, ledger: Ledger, hands: Hands) -> None:
    """Put a trial back to waiting, with its next attempt."""
    one = ledger.live.get(action.name)
    if one is None:
        return
    attempt = one.work_name
    trial = replace(
        one.trial,
        phase=Phase.CREATED,
        attempt=action.attempt,
        lost=action.lost,
        message=action.message,
        started="",
        observation=(),
    )
    _record(ledger, hands, trial)
    one.restart(trial)
    hands.done.append(attempt)


def stop_trial(action: a.StopTrial, ledger: Ledger, hands: Hands) -> None:
    """Ask an attempt to end."""
    one = ledger.live.get(action.name)
    if one is None:
        return
    hands.executor.stop(one.work_name)
    one.stopping = True


def finish_trial(action: a.FinishTrial, ledger: Ledger, hands: Hands) -> None:
    """Record how a trial ended."""
    one = ledger.live.get(action.name)
    if one is None:
        return
    trial = replace(
        one.trial,
        phase=action.phase,
        reason=action.reason,
        message=action.message,
        started=action.started,
        finished=action.finished,
        observation=action.observation,
        artifacts=action.artifacts,
        result_of=action.result_of,
    )
    if action.result_of:
        notes = {"metadata": {"annotations": {names.ANNOTATION_RESULT_OF: action.result_of}}}
        hands.cluster.patch(kind="Trial", namespace=ledger.namespace, name=action.name, body=notes)
    _record(ledger, hands, trial)
    if one.sighting is not None:
        hands.done.append(one.work_name)
