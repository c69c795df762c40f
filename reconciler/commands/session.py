"""What `run` and `reconcile` share: signals, progress and the table at the end."""

import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import FrameType

from kagit.spelling import short
from kagit.trial import Phase
from reconciler.commands import show
from reconciler.shell.ledger import Ledger
from reconciler.shell.progress import Lines, Screen
from reconciler.wiring import Engine


@contextmanager
def stoppable() -> Generator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does: in good order, with every trial stopped."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def display(engine: Engine) -> Generator[Lines | Screen]:
    """Progress on standard error: a live table on a terminal, lines elsewhere."""
    out = sys.stderr
    shown = Screen(out, color=show.color(out)) if out.isatty() else Lines(out=out, clock=engine.hands.clock)
    try:
        yield shown
    finally:
        shown.close()


def results(ledgers: Sequence[Ledger]) -> None:
    """The table at the end."""
    columns = ("EXPERIMENT", "STATUS", "TRIALS", "FAILED", "BEST TRIAL", "BEST", "PARAMETERS")
    rows: list[tuple[object, ...]] = []
    for ledger in ledgers:
        one = show.outcome(ledger)
        best = ledger.trials[ledger.best.trial] if ledger.best is not None else None
        rows.append(
            (
                ledger.title,
                one,
                len(ledger.trials),
                ledger.phases.get(Phase.FAILED, 0) + ledger.phases.get(Phase.METRICS_UNAVAILABLE, 0),
                best.name if best is not None else "-",
                _worth(ledger),
                " ".join(f"{name}={short(value)}" for name, value in best.point.items()) if best is not None else "-",
            )
        )
    show.table(columns, rows)


def _worth(ledger: Ledger) -> str:
    """What the best trial came to."""
    best, run = ledger.best, ledger.run
    if best is None or run is None:
        return "-"
    if best.value is None:
        return short(run.experiment.objective.words(ledger.trials[best.trial].observation))
    return f"{best.value:.6g}"


def exit_code(ledgers: Sequence[Ledger]) -> int:
    """0 when every experiment succeeded or is suspended, 1 when one failed or was refused."""
    return 0 if all(show.outcome(ledger) in {"Succeeded", "Suspended"} for ledger in ledgers) else 1
