"""One function per action. Each may be called twice for the same action and leaves the same world."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from algorithms import catalog
from kagit import names
from kagit.errors import AlreadyExists, Broken, NotFound
from kagit.experiment import Json
from kagit.suggestion import Suggestion
from kagit.template import fill
from kagit.trial import Phase, Trial
from kagit.v1beta1 import objects
from reconciler import actions as a
from reconciler.core import asking
from reconciler.ports import Clock, Cluster, Executor, Sighting, State, Store, Work
from reconciler.shell.ledger import Follow, Ledger, moment

RUNS = "kagit-runs"
"""Name of the ConfigMap that remembers the last run number of deleted experiments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What deeds are done with.

    `workplace` gives the directory in which a run's trials start, `demand` the slots and devices that a rendered
    template asks for. `done` collects attempts whose end is recorded but whose readings may still be buffered.
    """

    cluster: Cluster
    executor: Executor
    store: Store
    clock: Clock
    workplace: Callable[[Ledger], Path]
    demand: Callable[[Json, str], tuple[int, int]] = lambda *_: (1, 0)
    done: list[str] = field(default_factory=list[str])

    @property
    def now(self) -> str:
        """The time as objects carry it."""
        return moment(self.clock.now())


def perform(action: a.Action, ledger: Ledger, hands: Hands) -> None:  # noqa: C901 - one arm per action, nothing else
    """Do one deed."""
    match action:
        case a.StartRun():
            _start_run(action, ledger, hands)
        case a.ExtendRun():
            _extend_run(action, ledger, hands)
        case a.DeleteExperiment():
            _delete_experiment(action, ledger, hands)
        case a.SetStatus():
            _set_status(action, ledger, hands)
        case a.AskForPoints():
            _ask_for_points(action, ledger, hands)
        case a.CreateTrial():
            _create_trial(action, ledger, hands)
        case a.StartTrial():
            _start_trial(action, ledger, hands)
        case a.RetryTrial():
            _retry_trial(action, ledger, hands)
        case a.StopTrial():
            _stop_trial(action, ledger, hands)
        case a.FinishTrial():
            _finish_trial(action, ledger, hands)


def _patch_status(ledger: Ledger, hands: Hands, status: Json, *, kind: str, name: str = "") -> Json:
    return hands.cluster.patch(
        kind=kind,
        namespace=ledger.namespace,
        name=name or ledger.name,
        body={"status": status},
        subresource="status",
    )


def _start_run(action: a.StartRun, ledger: Ledger, hands: Hands) -> None:
    source = action.source
    body = objects.experiment_body(
        action.experiment,
        run=action.number,
        seed=action.seed,
        commit=source.commit,
        source=f"{source.url}#{source.path}",
        clean=source.clean,
        earlier=_earlier(ledger),
    )
    try:
        stored = hands.cluster.create(body)
    except AlreadyExists:
        _keep_suggestions((), ledger, hands, run=action.number)  # before the spec: an answer never meets another spec
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
    status = objects.experiment_status(conditions=(), started="", completed="", trials={}, best="")
    stored = _patch_status(ledger, hands, {**status, "currentOptimalTrial": None}, kind="Experiment")
    ledger.take(stored, spec=action.experiment, source=source)


def _earlier(ledger: Ledger) -> dict[int, tuple[str, str]]:
    """Commit and spec digest of every run up to the present one."""
    runs = {one.run: (one.commit, one.spec_digest) for one in ledger.earlier.values()}
    if ledger.run is not None:
        runs[ledger.run.number] = (ledger.source.commit, ledger.run.experiment.spec_digest)
    return runs


def _extend_run(action: a.ExtendRun, ledger: Ledger, hands: Hands) -> None:
    spec = action.experiment
    stored = hands.cluster.patch(
        kind="Experiment",
        namespace=ledger.namespace,
        name=ledger.name,
        body=[
            {"op": "replace", "path": "/spec", "value": spec.manifest["spec"]},
            {
                "op": "add",
                "path": "/metadata/annotations/" + names.ANNOTATION_SPEC_DIGEST.replace("/", "~1"),
                "value": spec.spec_digest,
            },
        ],
        form="json",
    )
    if ledger.run is not None and ledger.run.conditions != action.conditions:
        status = {"conditions": objects.conditions_out(action.conditions)}
        stored = _patch_status(ledger, hands, status, kind="Experiment")
    ledger.take(stored, spec=spec, source=ledger.source)


def _delete_experiment(action: a.DeleteExperiment, ledger: Ledger, hands: Hands) -> None:
    """Children first, so that a crash in between leaves an owner that is deleted again, never orphans."""
    memory: Json = {"data": {ledger.name: str(action.run)}}
    try:
        hands.cluster.patch(kind="ConfigMap", namespace=ledger.namespace, name=RUNS, body=memory)
    except NotFound:
        meta = {"name": RUNS, "namespace": ledger.namespace}
        hands.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **memory})
    with suppress(NotFound):
        hands.cluster.delete(kind="Experiment", namespace=ledger.namespace, name=ledger.name)
    ledger.clear(last_run=action.run)


def _set_status(action: a.SetStatus, ledger: Ledger, hands: Hands) -> None:
    status = objects.experiment_status(
        conditions=action.conditions,
        started=action.started,
        completed=action.completed,
        trials=ledger.trials,
        best=ledger.best.trial if ledger.best is not None else "",
    )
    stored = _patch_status(ledger, hands, status, kind="Experiment")
    if ledger.run is not None:
        ledger.take(stored, spec=ledger.run.experiment, source=ledger.source)
    ledger.changes, ledger.status_at = 0, hands.clock.now()


def _ask_for_points(action: a.AskForPoints, ledger: Ledger, hands: Hands) -> None:
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: asked for points without a run")
    algorithm = catalog.named(run.experiment.algorithm.name)
    if ledger.optimizer is None:
        ledger.optimizer = algorithm.start(asking.problem(run.experiment, seed=run.seed))
        for told in ledger.finished():
            ledger.optimizer.tell(told)
    running = dict(ledger.running())
    exhausted = False
    for index in action.indexes:
        if index < ledger.asked:
            continue
        point = ledger.optimizer.ask(index=index, running=running)
        if point is None:
            exhausted = True
            break
        digest = ledger.history.value(running)
        ledger.suggestions[index] = Suggestion(
            index=index, point=point, seed=run.seed, history_digest=digest, engine=algorithm.engine()
        )
        running[index] = point
        ledger.asked = index + 1
    ledger.exhausted = ledger.exhausted or exhausted
    kept = tuple(ledger.suggestions[index] for index in sorted(ledger.suggestions))
    _keep_suggestions(kept, ledger, hands, run=run.number)


def _keep_suggestions(kept: Sequence[Suggestion], ledger: Ledger, hands: Hands, *, run: int) -> None:
    """Write the answers down before anybody uses them; the object is created where it is missing."""
    current = ledger.run is not None and ledger.run.number == run
    status = objects.suggestion_status(
        kept,
        experiment=ledger.name,
        run=run,
        asked=ledger.asked if current else 0,
        exhausted=ledger.exhausted and current,
        now=hands.now,
    )
    try:
        _patch_status(ledger, hands, status, kind="Suggestion")
    except NotFound:
        if ledger.run is None:
            return
        hands.cluster.create(objects.suggestion_body(ledger.run.experiment, owned_by=ledger.body))
        _patch_status(ledger, hands, status, kind="Suggestion")


def _create_trial(action: a.CreateTrial, ledger: Ledger, hands: Hands) -> None:
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: a trial without a run")
    spec = run.experiment
    run_spec = fill(spec.template, trial=action.name, namespace=spec.namespace, point=action.suggestion.point)
    body = objects.trial_body(
        spec, action.suggestion, name=action.name, run=action.run, run_spec=run_spec, owned_by=ledger.body
    )
    try:
        stored = hands.cluster.create(body)
    except AlreadyExists:
        stored = hands.cluster.get(kind="Trial", namespace=ledger.namespace, name=action.name)
    follow(ledger, stored, hands)


def follow(ledger: Ledger, stored: Json, hands: Hands) -> Trial:
    """Take a stored Trial into the ledger, and follow it while it is not over."""
    trial = objects.trial(stored)
    if ledger.run is not None and trial.run == ledger.run.number:
        ledger.put(trial)
    if not trial.is_over and trial.name not in ledger.live:
        manifest, primary = stored["spec"]["runSpec"], stored["spec"]["primaryContainerName"]
        slots, gpus = hands.demand(manifest, primary)
        ledger.live[trial.name] = Follow(
            trial=trial,
            namespace=ledger.namespace,
            manifest=manifest,
            slots=slots,
            gpus_wanted=gpus,
            gpus=tuple(stored.get("status", {}).get("gpus", ())),
            order=ledger.next_order(),
        )
    return trial


def _record(ledger: Ledger, hands: Hands, trial: Trial, *, gpus: Sequence[str] = ()) -> None:
    """Write a trial's state, then believe it."""
    status = objects.trial_status(trial, now=hands.now, gpus=gpus)
    _patch_status(ledger, hands, status, kind="Trial", name=trial.name)
    if trial.name in ledger.live:
        ledger.live[trial.name].trial = trial
    if ledger.run is not None and trial.run == ledger.run.number:
        ledger.put(trial)
    elif trial.is_over:
        ledger.live.pop(trial.name, None)


def _start_trial(action: a.StartTrial, ledger: Ledger, hands: Hands) -> None:
    one = ledger.live.get(action.name)
    if one is None:
        return
    if action.gpus and one.gpus != action.gpus:
        one.gpus = action.gpus  # written before the start, so that a crash cannot give a device away twice
        _record(ledger, hands, one.trial, gpus=action.gpus)
    run = ledger.run
    primary = run.experiment.template.primary_container if run is not None else ""
    hands.executor.start(
        Work(
            name=one.work_name,
            trial=action.name,
            namespace=ledger.namespace,
            manifest=one.manifest,
            primary_container=primary,
            directory=hands.workplace(ledger),
            env={names.ENV_TRIAL_NAME: action.name},
            gpus=action.gpus,
        )
    )
    now = hands.now
    if one.sighting is None:
        one.sighting = Sighting(name=one.work_name, state=State.RUNNING, started=now)
    started = one.sighting.started or now
    _record(ledger, hands, replace(one.trial, phase=Phase.RUNNING, started=started), gpus=action.gpus)


def _retry_trial(action: a.RetryTrial, ledger: Ledger, hands: Hands) -> None:
    one = ledger.live.get(action.name)
    if one is None:
        return
    hands.done.append(one.work_name)
    trial = replace(
        one.trial, phase=Phase.CREATED, attempt=action.attempt, message=action.message, started="", observation=()
    )
    one.restart(trial)
    _record(ledger, hands, trial)


def _stop_trial(action: a.StopTrial, ledger: Ledger, hands: Hands) -> None:
    one = ledger.live.get(action.name)
    if one is None:
        return
    hands.executor.stop(one.work_name)
    one.stopping = True


def _finish_trial(action: a.FinishTrial, ledger: Ledger, hands: Hands) -> None:
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
    )
    _record(ledger, hands, trial)
    if one.sighting is not None:
        hands.done.append(one.work_name)


def forget_all(hands: Hands) -> None:
    """Once the readings are on disk, the executor need not remember the attempts they came from."""
    if hands.done:
        hands.store.flush()
        while hands.done:
            hands.executor.forget(hands.done[-1])
            hands.done.pop()
