"""Asking algorithms: answers are kept before anybody uses them."""

from collections.abc import Sequence

from algorithms import search
from algorithms.contract import Absence, Optimizer
from kagit.errors import Broken, NotFound, Refused, Unavailable
from kagit.experiment import Json
from kagit.suggestion import Suggestion
from kagit.v1beta1 import answers, pieces
from reconciler import actions as a
from reconciler.core import service
from reconciler.core.problem import problem
from reconciler.shell import external
from reconciler.shell.hands import Hands, patch_status
from reconciler.shell.ledger import Ledger
from reconciler.world import Run, Service


def ask_for_points(action: a.AskForPoints, ledger: Ledger, hands: Hands) -> None:
    """Ask the algorithm, and keep its answers before anybody uses them, also those that came before an error."""
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: asked for points without a run")
    asked = problem(run.experiment, seed=run.seed)
    algorithm = external.algorithm(run, asked, hands)
    if ledger.optimizer is None:
        optimizer = search.start(algorithm, asked)
        for told in ledger.finished():
            optimizer.tell(told)
        ledger.optimizer = optimizer
    before, trouble = ledger.asked, None
    try:
        _ask(action, ledger, ledger.optimizer, engine=algorithm.engine())
    except (Refused, Unavailable) as error:
        trouble = error
    if ledger.asked > before or not (ledger.postponed or trouble):
        kept = tuple(ledger.suggestions[index] for index in sorted(ledger.suggestions))
        _keep(kept, ledger, hands, run)
    if trouble is not None:
        raise trouble


def _ask(action: a.AskForPoints, ledger: Ledger, optimizer: Optimizer, *, engine: str) -> None:
    """Take the answers into the ledger, one by one."""
    running = dict(ledger.running())
    shares = sum(ledger.history.share(index, point) for index, point in running.items())
    seed = ledger.run.seed if ledger.run is not None else 0
    for index in action.indexes:
        if index < ledger.asked:
            continue
        answer = optimizer.ask(index=index, running=running)
        if isinstance(answer, Absence):
            _absent(answer, ledger, running=len(running))
            return
        ledger.suggestions[index] = Suggestion(
            index=index,
            point=answer.point,
            seed=seed,
            history_digest=ledger.history.value(shares),
            engine=engine,
            running=tuple(sorted(running)),
            labels=answer.labels,
            parent=answer.parent,
        )
        ledger.oldest_parent = max(ledger.oldest_parent, answer.oldest_parent)
        running[index] = answer.point
        shares += ledger.history.share(index, answer.point)
        ledger.asked = index + 1


def _absent(answer: Absence, ledger: Ledger, *, running: int) -> None:
    """No point: for ever, or until a trial is over."""
    if answer is Absence.EXHAUSTED:
        ledger.exhausted = True
        return
    if not running:
        raise Broken(f"{ledger.title}: its algorithm waits for trials although none runs")
    ledger.postponed = True


def _keep(kept: Sequence[Suggestion], ledger: Ledger, hands: Hands, run: Run) -> None:
    """Write the answers down before anybody uses them; the object is created where it is missing."""
    now, asked = hands.now, ledger.asked
    status = answers.status(
        kept, experiment=ledger.name, run=run.number, asked=asked, exhausted=ledger.exhausted, now=now
    )
    if ledger.service is not None:
        patch_status(ledger, hands, status, kind="Suggestion")
        return
    told = Service(conditions=service.running((), now=now), requests=asked, resume=run.experiment.resume)
    status |= {"startTime": now, "conditions": pieces.conditions_out(told.conditions)}
    try:
        patch_status(ledger, hands, status, kind="Suggestion")
    except NotFound:
        hands.cluster.create(answers.body(run.experiment, requests=asked, owned_by=ledger.body))
        patch_status(ledger, hands, status, kind="Suggestion")
    ledger.service = told


def set_suggestion(action: a.SetSuggestion, ledger: Ledger, hands: Hands) -> None:
    """Write what clients read of the algorithm; what it was asked for last comes before what became of it."""
    told = ledger.service
    if told is None:
        return
    if (action.requests, action.resume) != (told.requests, told.resume):
        spec: Json = {"requests": action.requests, "resumePolicy": action.resume.value}
        hands.cluster.patch(kind="Suggestion", namespace=ledger.namespace, name=ledger.name, body={"spec": spec})
    if action.conditions != told.conditions:
        status: Json = {"conditions": pieces.conditions_out(action.conditions), "lastReconcileTime": hands.now}
        patch_status(ledger, hands, status, kind="Suggestion")
    ledger.service = Service(conditions=action.conditions, requests=action.requests, resume=action.resume)
