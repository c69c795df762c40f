"""After a restart: the ledgers are made again from what the cluster holds."""

from collections.abc import Sequence
from contextlib import suppress

from kagit import names
from kagit.errors import NotFound, Refused
from kagit.experiment import Experiment, Json, ResumePolicy
from kagit.shapes import at, mapping
from kagit.trial import Phase, Trial
from kagit.v1beta1 import answers, pieces, words
from kagit.v1beta1.manifest import experiment
from reconciler.core.plan import better
from reconciler.ports import Cluster, Sighting, State
from reconciler.shell import templates
from reconciler.shell.collect import leftover as read_leftover
from reconciler.shell.hands import Hands
from reconciler.shell.ledger import Earlier, Ledger, Title
from reconciler.shell.runs import RUNS
from reconciler.shell.trials import follow
from reconciler.world import Service, Source


def everything(hands: Hands) -> dict[Title, Ledger]:
    """A ledger for every experiment that the cluster holds, and for every name that was ever deleted."""
    ledgers: dict[Title, Ledger] = {}
    for memory in hands.cluster.list(kind="ConfigMap").items:
        if at(memory, "metadata", "name") == RUNS:
            space = memory["metadata"]["namespace"]
            for name, run in mapping(memory.get("data")).items():
                ledgers[space, name] = Ledger(namespace=space, name=name, last_run=int(run))
    for body in hands.cluster.list(kind="Experiment").items:
        title = (body["metadata"]["namespace"], body["metadata"]["name"])
        ledgers.setdefault(title, Ledger(namespace=title[0], name=title[1]))
    trials: dict[Title, list[Json]] = {}
    for stored in hands.cluster.list(kind="Trial").items:  # once for all: one list each would read everything each time
        meta = stored["metadata"]
        trials.setdefault((meta["namespace"], str(at(meta, "labels", names.LABEL_EXPERIMENT))), []).append(stored)
    for title, ledger in ledgers.items():
        _read(ledger, trials.pop(title, []), hands)
    return ledgers


def look_at(cluster: Cluster) -> dict[Title, Ledger]:
    """The runs that a cluster holds, without their trials: enough to plan with."""
    ledgers: dict[Title, Ledger] = {}
    for body in cluster.list(kind="Experiment").items:
        ledger = Ledger(namespace=body["metadata"]["namespace"], name=body["metadata"]["name"])
        spec, _ = _meant(body, cluster)
        if spec is not None:
            ledger.take(body, spec=spec, source=_source(body))
            ledgers[ledger.namespace, ledger.name] = ledger
    return ledgers


def again(ledger: Ledger, hands: Hands) -> None:
    """Make a ledger from the cluster's objects, all or nothing; what an executor has told of living trials is kept."""
    fresh = Ledger(namespace=ledger.namespace, name=ledger.name, last_run=_last_run(ledger, hands))
    selector = f"{names.LABEL_EXPERIMENT}={ledger.name}"
    _read(fresh, hands.cluster.list(kind="Trial", namespace=ledger.namespace, selector=selector).items, hands)
    for name, one in fresh.live.items():
        old = ledger.live.get(name)
        if old is not None and old.work_name == one.work_name:
            one.sighting, one.since, one.sources, one.tally = old.sighting, old.since, old.sources, old.tally
            one.drained, one.stopping = old.drained, old.stopping
            one.note, one.observation, one.watch = old.note, old.observation, old.watch
    ledger.become(fresh)


def _read(ledger: Ledger, trials: Sequence[Json], hands: Hands) -> None:
    where = {"namespace": ledger.namespace, "name": ledger.name}
    try:
        body = hands.cluster.get(kind="Experiment", **where)
    except NotFound:
        return
    spec, why = _meant(body, hands.cluster)
    if spec is None:
        ledger.refusal = f"the stored object is invalid: {why}"
        return
    ledger.take(body, spec=spec, source=_source(body))
    for stored in trials:
        trial = follow(ledger, stored, hands)
        if ledger.run is not None and trial.run != ledger.run.number:
            _earlier(ledger, trial, stored)
    _suggestions(ledger, hands)


def _meant(body: Json, cluster: Cluster) -> tuple[Experiment | None, str]:
    """What a stored object means, or why it means nothing."""
    spec, issues = experiment({key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")})
    if spec is None:
        return None, "; ".join(issue.message for issue in issues)
    try:
        return templates.found(spec, run=int(pieces.note(body, names.ANNOTATION_RUN) or 1), cluster=cluster), ""
    except Refused as error:
        return None, str(error)


def _last_run(ledger: Ledger, hands: Hands) -> int:
    """The last run of a deleted experiment of this name; what this process believes of it may not have happened."""
    with suppress(NotFound):
        memory = hands.cluster.get(kind="ConfigMap", namespace=ledger.namespace, name=RUNS)
        return int(at(memory, "data", ledger.name) or 0)
    return 0


def _suggestions(ledger: Ledger, hands: Hands) -> None:
    try:
        body = hands.cluster.get(kind="Suggestion", namespace=ledger.namespace, name=ledger.name)
    except NotFound:
        return
    if ledger.run is None or at(body, "status", "run") != ledger.run.number:
        return
    made = {trial.index for trial in ledger.trials.values()}
    ledger.suggestions = {one.index: one for one in answers.points(body) if one.index not in made}
    ledger.asked = max(ledger.asked, int(at(body, "status", "suggestionCount") or 0))
    ledger.exhausted = bool(at(body, "status", "exhausted"))
    ledger.service = Service(
        conditions=pieces.conditions_in(at(body, "status", "conditions")),
        requests=int(at(body, "spec", "requests") or 0),
        resume=ResumePolicy(at(body, "spec", "resumePolicy") or ResumePolicy.NEVER),
    )


def _earlier(ledger: Ledger, trial: Trial, stored: Json) -> None:
    """Count a trial of an earlier run, judged by the objective of its own time."""
    one = ledger.earlier.setdefault(trial.run, Earlier(run=trial.run))
    one.trials += 1
    one.succeeded += trial.phase is Phase.SUCCEEDED
    objective = words.objective(stored["spec"]["objective"])
    one.best = better(objective, one.best, trial=trial)


def _source(body: Json) -> Source:
    url, _, path = pieces.note(body, names.ANNOTATION_SOURCE).partition("#")
    clean = pieces.note(body, names.ANNOTATION_CLEAN)
    return Source(
        url=url,
        path=path,
        commit=pieces.note(body, names.ANNOTATION_COMMIT),
        clean=None if not clean else clean == "true",
    )


def leftover(sighting: Sighting, ledger: Ledger | None, hands: Hands) -> None:
    """An attempt that no living trial owns: its last readings are saved, then it is forgotten."""
    if sighting.state is State.RUNNING:
        hands.executor.stop(sighting.name)
        return
    _, trial, attempt = names.parse_work_name(sighting.name)
    if ledger is not None and trial in ledger.trials:
        with suppress(NotFound):  # its output was removed: there is nothing left to save
            read_leftover(
                sighting, trial=trial, attempt=attempt, ledger=ledger, executor=hands.executor, store=hands.store
            )
    hands.done.append(sighting.name)
