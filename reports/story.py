"""What an experiment's page says, in order, before it takes a form: pages.py and markdown.py only spell it."""

import re
import shlex
from dataclasses import dataclass

from kagit.trial import COUNTED, Trial
from reports import aims, charts, clean, figures, remarks, scatter, series, shaping, tables
from reports.aims import Aims
from reports.contract import FORMAT, Provenance, ReportData
from reports.insights.catalog import Examination
from reports.tables import Cell, Table, figure, foreign, plain

MAX_FAILURES = 20
VERSIONS = {"kagit": "kagit version", "python": "Python version"}
STATUSES = frozenset({"Created", "Running", "Restarting", "Succeeded", "Failed", "Suspended"})

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One key number; `bar` is how much of a budget is used, 0 to 100."""

    label: str
    value: Cell
    detail: Cell
    bar: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed trial and the end of what it printed."""

    trial: str
    phase: str
    reason: str
    message: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The Pareto front of several objectives."""

    words: str
    objectives: Table
    trials: Table | None
    constrained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything on the page; a table is None where there is nothing to tell."""

    title: str
    status: str
    reason: str
    message: str
    waiting: tuple[str, ...]
    tiles: tuple[Tile, ...]
    checks: Examination
    checked: str
    best: Table | None
    no_best: str
    best_owes: tuple[tuple[str, Cell], ...]
    front: Front | None
    caption: charts.Caption
    spark: str
    has_trials: bool
    trials: Table
    failures: Table | None
    failed: tuple[Failure, ...]
    failed_note: str
    space: Table
    artifacts: Table | None
    earlier: Table | None
    provenance: tuple[tuple[str, Cell], ...]
    shaped: tuple[tuple[str, Cell], ...]
    dirty: bool
    reproduce: str


def tell(data: ReportData, past: series.History, rows: int, *, found: Aims, checks: Examination) -> Story:
    """The story of one experiment with at most `rows` trials in its table."""
    winner = series.best_trial(data)
    failed = [trial for trial in series.ordered(data.trials) if trial.phase in series.FAILED]
    artifacts = tables.artifacts(data)
    return Story(
        title=data.experiment.title,
        status=status(data.status),
        reason=data.reason,
        message=data.message,
        waiting=data.waiting,
        tiles=_tiles(data, winner, found),
        checks=checks,
        checked=_checked(checks) if data.trials else "",
        best=tables.best(data, winner) if winner else None,
        no_best=_no_best(data, found),
        best_owes=remarks.origins(data, winner) if winner else (),
        front=_front(data, found) if data.experiment.objective.others else None,
        caption=charts.caption(data.experiment.objective, past),
        spark=charts.blocks(series.thinned(series.line(past))),
        has_trials=bool(data.trials),
        trials=tables.trials(data, rows, remarks.of(data, found.front)),
        failures=tables.failures(data) if failed else None,
        failed=tuple(_failure(data, trial) for trial in failed[-MAX_FAILURES:]),
        failed_note=f"The last {MAX_FAILURES} of {len(failed)} failed trials:" if len(failed) > MAX_FAILURES else "",
        space=tables.space(data),
        artifacts=artifacts if artifacts.rows else None,
        earlier=tables.earlier(data) if data.earlier else None,
        provenance=_provenance(data),
        shaped=shaping.facts(data),
        dirty=data.provenance.clean is False,
        reproduce=_reproduce(data.provenance),
    )


def status(word: str) -> str:
    """The status if it is one of ours, otherwise `Unknown`."""
    return word if word in STATUSES else "Unknown"


def _checked(checks: Examination) -> str:
    """How much was looked at; empty where there is nothing to look at."""
    count = len(checks.insights)
    found = f"{count} {'finding' if count == 1 else 'findings'}" if count else "No findings"
    rest = f"; {len(checks.unasked)} more do not apply or lack the data" if checks.unasked else ""
    return f"{found} in {checks.asked} checks{rest}."


def _no_best(data: ReportData, found: Aims) -> str:
    over = [trial for trial in data.trials if trial.is_over]
    if not over:
        return "No trial is over yet." if data.trials else "No trials yet."
    if all(trial.phase in series.FAILED for trial in over):
        return "Every trial that is over has failed; see the failures below."
    if found.broken and found.broken == sum(trial.phase in COUNTED for trial in over):
        return "Every trial that came to a result breaks a constraint; see the trials below."
    return "No trial has reported a usable value of the objective yet."


def _front(data: ReportData, found: Aims) -> Front:
    return Front(
        words=aims.words(data, found) + scatter.beyond(data.experiment.objective, found),
        objectives=aims.objectives(data, found.front),
        trials=aims.table(data, found.front) if found.front else None,
        constrained=bool(data.experiment.objective.constraints),
    )


def _front_tile(data: ReportData, found: Aims) -> tuple[Tile, ...]:
    if not data.experiment.objective.others:
        return ()
    detail = plain("best trial: the best by the first objective")
    return (Tile(label="Trials on the Pareto front", value=figure(str(len(found.front))), detail=detail),)


def _tiles(data: ReportData, winner: Trial | None, found: Aims) -> tuple[Tile, ...]:
    one, counts = data.experiment, series.budget(data.trials)
    goal = "" if one.objective.goal is None else f", goal {figures.short(one.objective.goal)}"
    parts = (
        (counts.running, "running"),
        (counts.created, "waiting"),
        (counts.early_stopped, "stopped early"),
        (counts.killed, "killed"),
        (found.broken, "with a broken constraint"),
    )
    others = ", ".join(f"{n} {word}" for n, word in parts if n)
    return (
        Tile(
            label=f"Search-time best ({one.objective.type}{goal})",
            value=tables.value(data, winner) if winner else figure(figures.NOTHING),
            detail=foreign(one.objective.metric),
        ),
        Tile(label="Best trial", value=foreign(data.best if winner else ""), detail=plain(f"run {data.run}")),
        Tile(
            label="Trials done",
            value=figure(_of(counts.done, one.max_trials)),
            detail=plain(f"{counts.succeeded} succeeded" + (f", {others}" if others else "")),
            bar=_share(counts.done, one.max_trials),
        ),
        Tile(
            label="Trials failed",
            value=figure(_of(counts.failed, one.max_failed)),
            detail=plain("failed or without a metric"),
            bar=_share(counts.failed, one.max_failed),
        ),
        *_front_tile(data, found),
    )


def _of(count: int, most: int | None) -> str:
    return f"{count} of {most}" if most is not None else str(count)


def _share(count: int, most: int | None) -> int | None:
    return min(100, count * 100 // most) if most else None


def _failure(data: ReportData, trial: Trial) -> Failure:
    return Failure(
        trial=trial.name,
        phase=str(trial.phase),
        reason=trial.reason,
        message=trial.message,
        tail=clean.block(data.log_tails.get(trial.name, "")),
    )


def _provenance(data: ReportData) -> tuple[tuple[str, Cell], ...]:
    origin, one = data.provenance, data.experiment
    clean_words = {
        None: "not under Git",
        True: "clean: exactly this commit",
        False: "dirty: changes beside this commit",
    }
    rows: list[tuple[str, Cell]] = [
        ("Source", foreign(origin.source)),
        ("Commit", foreign(origin.commit)),
        ("Working tree", plain(clean_words[origin.clean])),
        ("Manifest", foreign(origin.manifest_path)),
        ("Specification digest", foreign(origin.spec_digest or one.spec_digest)),
        ("Algorithm", foreign(one.algorithm.name)),
        *(
            (f"Setting {at}", foreign(f"{key} = {one.algorithm.settings[key]}"))
            for at, key in enumerate(sorted(one.algorithm.settings), 1)
        ),
        ("Seed", figure(str(origin.seed))),
        ("Engine", foreign(origin.engine)),
        *_versions(origin),
        ("Started (UTC)", plain(figures.clock(data.started))),
        ("Finished (UTC)", plain(figures.clock(data.finished))),
        *(("Image ignored by the local engine", foreign(image)) for image in sorted(set(origin.images_ignored))),
        ("Prove the search", foreign(_replay(data) if data.trials else "")),
        ("Report format", figure(str(FORMAT))),
    ]
    return tuple(row for row in rows if row[1].text)


def _versions(origin: Provenance) -> list[tuple[str, Cell]]:
    """A row per version, named by what it is the version of; a part that we do not know names itself in its cell."""
    return [
        (VERSIONS[key], foreign(text)) if key in VERSIONS else ("Other version", foreign(f"{key} {text}"))
        for key, text in sorted(origin.versions.items())
    ]


def _replay(data: ReportData) -> str:
    """The command that asks for every point again."""
    one = data.experiment
    namespace = "" if one.namespace == "default" else f" --namespace {shlex.quote(clean.inline(one.namespace))}"
    return f"kagit replay {shlex.quote(clean.inline(one.name))}{namespace}"


def _reproduce(origin: Provenance) -> str:
    path = clean.inline(origin.manifest_path)
    if not path:
        return ""
    path = f"./{path}" if path.startswith("-") else path
    checkout = f"git checkout {origin.commit}\n" if _COMMIT.fullmatch(origin.commit) else ""
    return f"{checkout}kagit run {shlex.quote(path)}"
