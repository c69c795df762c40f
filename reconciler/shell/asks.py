"""Asking algorithms: answers are kept before anybody uses them."""

from collections.abc import Sequence

from algorithms import catalog
from kagit.errors import Broken, NotFound
from kagit.suggestion import Suggestion
from kagit.v1beta1 import objects
from reconciler import actions as a
from reconciler.core.problem import problem
from reconciler.shell.hands import Hands, patch_status
from reconciler.shell.ledger import Ledger


def ask_for_points(action: a.AskForPoints, ledger: Ledger, hands: Hands) -> None:
    """Ask the algorithm, and keep its answers before anybody uses them."""
    run = ledger.run
    if run is None:
        raise Broken(f"{ledger.title}: asked for points without a run")
    algorithm = catalog.named(run.experiment.algorithm.name)
    if ledger.optimizer is None:
        ledger.optimizer = algorithm.start(problem(run.experiment, seed=run.seed))
        for told in ledger.finished():
            ledger.optimizer.tell(told)
    running = dict(ledger.running())
    shares = sum(ledger.history.share(index, point) for index, point in running.items())
    exhausted = False
    for index in action.indexes:
        if index < ledger.asked:
            continue
        point = ledger.optimizer.ask(index=index, running=running)
        if point is None:
            exhausted = True
            break
        digest = ledger.history.value(shares)
        ledger.suggestions[index] = Suggestion(
            index=index, point=point, seed=run.seed, history_digest=digest, engine=algorithm.engine()
        )
        running[index] = point
        shares += ledger.history.share(index, point)
        ledger.asked = index + 1
    ledger.exhausted = ledger.exhausted or exhausted
    kept = tuple(ledger.suggestions[index] for index in sorted(ledger.suggestions))
    keep_suggestions(kept, ledger, hands, run=run.number)


def keep_suggestions(kept: Sequence[Suggestion], ledger: Ledger, hands: Hands, *, run: int) -> None:
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
        patch_status(ledger, hands, status, kind="Suggestion")
    except NotFound:
        if ledger.run is None:
            return
        hands.cluster.create(objects.suggestion_body(ledger.run.experiment, owned_by=ledger.body))
        patch_status(ledger, hands, status, kind="Suggestion")
