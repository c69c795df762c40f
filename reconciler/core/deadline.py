"""When an experiment's time is up: `kagit.dev/max-duration`, counted as Kubernetes counts a Job's deadline."""

from datetime import datetime, timedelta

from kagit.conditions import find
from reconciler.world import Run


def began(run: Run) -> str:
    """The moment from which the run's time counts: its start, last restart or last resumption; empty while none does.

    Time in which it was suspended never counts, and like a Job it has all its time again after that.
    """
    suspended, restarted = find(run.conditions, "Suspended"), find(run.conditions, "Restarting")
    if run.is_suspended or (suspended is not None and suspended.status == "True"):
        return ""
    moments = [run.started, *(one.last_transition for one in (suspended, restarted) if one is not None)]
    return max(moments) if run.started else ""


def end(run: Run) -> str:
    """The moment at which the run's time is up; empty where there is none."""
    limit = run.experiment.wishes.max_duration
    start = began(run) if limit is not None else ""
    if limit is None or not start:
        return ""
    return (_instant(start) + timedelta(seconds=limit)).isoformat().replace("+00:00", "Z")


def left(run: Run, *, now: str) -> float | None:
    """Seconds until the run's time is up, 0 or less when it is; None where there is no deadline."""
    over = end(run)
    return (_instant(over) - _instant(now)).total_seconds() if over else None


def _instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
