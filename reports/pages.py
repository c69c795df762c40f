"""The HTML edition, and the only door to jinja2. Every value is escaped unless it is our own CSS or SVG."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reports import charts, clean, figures
from reports.contract import IndexEntry
from reports.listing import label_of, link_of, ordered, outcome_of, progress_of
from reports.story import Story, status
from reports.tables import Cell

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the index page, ready for its template; `link` is empty where none is safe."""

    label: str
    link: str
    status: str
    message: str
    best: str
    metric: str
    best_trial: str
    trials: str
    outcome: tuple[str, ...]
    finished: str
    spark: str


@cache
def asset(name: str) -> str:
    """A file of our own assets."""
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


@cache
def style() -> str:
    """The page's style sheet."""
    return asset("page.css") + asset("chart.css") + asset("phone.css")


@cache
def policy() -> str:
    """The Content-Security-Policy: nothing but our own style sheet, known by its hash."""
    digest = b64encode(hashlib.sha256(f"\n{style()}".encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _template(name: str) -> Callable[..., str]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters["show"] = _show
    made.filters["inline"] = clean.inline
    own: dict[str, object] = {"style": style(), "policy": policy()}
    return made.get_template(name, globals=own).render


def _show(one: Cell) -> str:
    return clean.inline(one.text) or figures.NOTHING


def experiment(story: Story, chart: str, front: str = "") -> str:
    """The experiment's page with its charts, complete in one file."""
    return _template("experiment.html.j2")(story=story, chart=chart, front=front)


def index(entries: Sequence[IndexEntry]) -> str:
    """The page of all experiments."""
    rows = [_row(one) for one in ordered(entries)]
    return _template("index.html.j2")(rows=rows)


def _row(one: IndexEntry) -> Row:
    values = [value for value in one.history if figures.exact(value)]
    words = f"Best so far: from {figures.short(values[0])} to {figures.short(values[-1])}" if values else ""
    return Row(
        label=label_of(one),
        link=link_of(one, "index.html"),
        status=status(one.status),
        message=one.message,
        best=figures.short(one.best_value),
        metric=f"{one.direction} {one.metric}",
        best_trial=one.best_trial,
        trials=progress_of(one),
        outcome=outcome_of(one),
        finished=figures.clock(one.finished),
        spark=charts.sparkline(values, words),
    )
