"""Asking the early stopping algorithm: the rules that a trial is made with are those that it keeps."""

from algorithms.stopping import catalog
from kagit.trial import EarlyStoppingRule
from reconciler.core.problem import stopping_case
from reconciler.shell.collect import key
from reconciler.shell.hands import Hands
from reconciler.shell.ledger import Ledger


def rules(ledger: Ledger, hands: Hands) -> tuple[EarlyStoppingRule, ...]:
    """The rules for a trial that is made now, from the curves of all that have succeeded; each is read once."""
    if ledger.run is None or ledger.run.experiment.early_stopping is None:
        return ()
    spec = ledger.run.experiment
    algorithm = catalog.named(ledger.run.experiment.early_stopping.name)
    if ledger.stopper is None:
        ledger.stopper = algorithm.start(stopping_case(spec))
    while ledger.unlearnt and not algorithm.is_blind:
        trial = ledger.unlearnt[-1]
        name = key(ledger.namespace, trial.name, trial.attempt)
        ledger.stopper.tell([one.value for one in hands.store.curve(name, spec.objective.metric)])
        ledger.unlearnt.pop()
    return ledger.stopper.rules()
