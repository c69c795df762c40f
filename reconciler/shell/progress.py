"""Shows a person what goes on: a live table on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO, TypeVar

from kagit.conditions import last_true
from kagit.trial import Phase
from reconciler.ports import Clock
from reconciler.shell.ledger import Ledger

_T = TypeVar("_T")
LINE_INTERVAL = 5.0
"""Seconds between two plain lines about one experiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One experiment at a glance; `eta` is in seconds, None while nothing is known. `total` is None without a limit."""

    title: str
    status: str
    done: int
    total: int | None
    running: int
    failed: int
    best: float | None
    metric: str
    eta: float | None
    waiting: tuple[str, ...]


def row(ledger: Ledger) -> Row:
    """The present state of one experiment."""
    run = ledger.run
    phases = ledger.phases
    active = phases.get(Phase.CREATED, 0) + phases.get(Phase.RUNNING, 0)
    done = len(ledger.trials) - active
    last = last_true(run.conditions) if run is not None else None
    status = last.type if last is not None else ("Refused" if ledger.refusal else "Created")
    total = run.experiment.max_trials if run is not None else None
    return Row(
        title=ledger.title,
        status=status,
        done=done,
        total=total,
        running=phases.get(Phase.RUNNING, 0),
        failed=phases.get(Phase.FAILED, 0) + phases.get(Phase.METRICS_UNAVAILABLE, 0),
        best=ledger.best.value if ledger.best is not None else None,
        metric=run.experiment.objective.metric if run is not None else "",
        eta=_eta(ledger, done=done, total=total),
        waiting=ledger.waiting,
    )


def _eta(ledger: Ledger, *, done: int, total: int | None) -> float | None:
    """Seconds to go at the mean pace so far."""
    if (
        not done
        or total is None
        or ledger.run is None
        or not ledger.run.started
        or ledger.run.is_over
        or ledger.run.is_suspended
    ):
        return None
    ends = [one.finished for one in ledger.trials.values() if one.finished]
    if not ends:
        return None
    passed = datetime.fromisoformat(max(ends)) - datetime.fromisoformat(ledger.run.started)
    return max(0.0, passed.total_seconds() / done * (total - done))


@dataclass(slots=True, kw_only=True)
class Lines:
    """Plain lines, for logs and pipes: when something changes, but not more often than every few seconds."""

    out: TextIO
    clock: Clock
    said: dict[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])

    def show(self, ledgers: Iterable[Ledger], *, final: bool = False) -> None:
        """Say what has changed."""
        now = self.clock.now()
        for ledger in ledgers:
            at, text = self.said.get(ledger.title, (-LINE_INTERVAL, ""))
            over = ledger.run is not None and ledger.run.is_over
            if now - at < LINE_INTERVAL and not final and not over:
                continue
            new = sentence(row(ledger))
            if new != text:
                self.say(new)
                self.said[ledger.title] = (now, new)

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=self.out, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


def sentence(one: Row) -> str:
    """One experiment in one line."""
    parts = [f"{one.done}{f'/{one.total}' if one.total is not None else ''} trials"]
    if one.running:
        parts.append(f"{one.running} running")
    if one.failed:
        parts.append(f"{one.failed} failed")
    if one.best is not None:
        parts.append(f"best {one.metric}={one.best:.6g}")
    if one.eta is not None:
        parts.append(f"{duration(one.eta)} to go")
    if not one.running:
        parts += one.waiting
    return f"{one.title}: {one.status}, {', '.join(parts)}"


def duration(seconds: float) -> str:
    """`45s`, `3m20s` or `2h05m`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


class Screen:
    """A table on a terminal that redraws itself."""

    def __init__(self, out: TextIO, *, color: bool) -> None:
        """Begin to draw on `out`."""
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=out, no_color=not color, highlight=False)
        self._live: Any = Live(console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def show(self, ledgers: Iterable[Ledger], *, final: bool = False) -> None:
        """Draw the present state."""
        self._live.update(table(map(row, ledgers)), refresh=final)

    def say(self, text: str) -> None:
        """One line above the table."""
        self._console.print(text, markup=False)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def table(rows: Iterable[Row]) -> object:
    """The rows as a rich table."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    result = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("EXPERIMENT", "STATUS", "", "DONE", "RUNNING", "FAILED", "BEST", "TO GO"):
        result.add_column(heading, no_wrap=True)
    for one in rows:
        bar = ProgressBar(total=one.total or 1, completed=one.done, width=20)
        result.add_row(
            Text(one.title),
            Text(one.status),
            bar if one.total is not None else Text(""),
            f"{one.done}{f'/{one.total}' if one.total is not None else ''}",
            str(one.running),
            str(one.failed),
            Text("" if one.best is None else f"{one.metric}={one.best:.6g}"),
            "" if one.eta is None else duration(one.eta),
        )
        if one.waiting and not one.running:
            result.add_row("", Text(", ".join(one.waiting)))
    return result


def bar(found: Iterable[_T], *, total: int, title: str, out: TextIO) -> Iterator[_T]:
    """The same one after another, counted by a bar where `out` is a terminal."""
    if not out.isatty():
        yield from found
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(found, total=total, description=title, console=Console(file=out), transient=True)
