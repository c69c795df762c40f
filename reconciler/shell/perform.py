"""One function per action. Each may be called twice for the same action and leaves the same world."""

from reconciler import actions as a
from reconciler.shell import asks, runs, trials
from reconciler.shell.hands import Hands
from reconciler.shell.ledger import Ledger


def perform(action: a.Action, ledger: Ledger, hands: Hands) -> None:  # noqa: C901, PLR0912 - one arm per action, nothing else
    """Do one deed."""
    match action:
        case a.StartRun():
            runs.start_run(action, ledger, hands)
        case a.ExtendRun():
            runs.extend_run(action, ledger, hands)
        case a.DeleteExperiment():
            runs.delete_experiment(action, ledger, hands)
        case a.SetStatus():
            runs.set_status(action, ledger, hands)
        case a.SetSuggestion():
            asks.set_suggestion(action, ledger, hands)
        case a.AskForPoints():
            asks.ask_for_points(action, ledger, hands)
        case a.CreateTrial():
            trials.create_trial(action, ledger, hands)
        case a.StartTrial():
            trials.start_trial(action, ledger, hands)
        case a.RecordCreated():
            trials.record_created(action, ledger, hands)
        case a.RecordRunning():
            trials.record_running(action, ledger, hands)
        case a.RetryTrial():
            trials.retry_trial(action, ledger, hands)
        case a.StopTrial():
            trials.stop_trial(action, ledger, hands)
        case a.FinishTrial():
            trials.finish_trial(action, ledger, hands)
