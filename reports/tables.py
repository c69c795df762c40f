"""Tables for people: defined once, shown by pages.py and by markdown.py."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kagit.shapes import at, mapping, sequence
from kagit.space import Parameter, ParameterType
from kagit.spelling import short
from kagit.trial import Trial
from reports import figures, series
from reports.contract import ReportData

MAX_ARTIFACTS = 200
MAX_REASONS = 50
MAX_RUNS = 50
_DIGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell. `foreign` text comes from outside; `place` (0 to 100) is drawn beside it, our `remark` follows it."""

    text: str
    kind: Literal["plain", "foreign", "number", "status"] = "plain"
    place: int | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; the first cell of a row is its header. `foreign` are the columns named from outside."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foreign: frozenset[int] = frozenset()
    numeric: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A further column of trials: its title for people, its name for machines, what it says of a trial, if anything."""

    title: str
    name: str
    say: Callable[[Trial], str]


def plain(text: str) -> Cell:
    """A cell of our own words."""
    return Cell(text=text)


def foreign(text: str) -> Cell:
    """A cell of text from outside."""
    return Cell(text=text, kind="foreign")


def figure(text: str) -> Cell:
    """A cell of a number that we formatted."""
    return Cell(text=text, kind="number")


def value(data: ReportData, trial: Trial, metric: str | None = None) -> Cell:
    """The number that counts for a metric of a trial, or the beginning of the words that stand in its place."""
    words = data.experiment.objective.words(trial.observation, metric)
    if words:
        return foreign(short(words))
    return figure(figures.short(data.experiment.objective.value(trial.observation, metric)))


def best(data: ReportData, trial: Trial) -> Table:
    """The best trial's parameters and where each lies in its range."""
    rows: list[tuple[Cell, ...]] = []
    for parameter in series.searched(data):
        text = trial.point.get(parameter.name, "")
        counts = data.experiment.search.rules.counts(parameter.name, trial.point)
        place = _place(parameter, text) if counts else plain("does not count here")
        rows.append((foreign(parameter.name), foreign(text), place, foreign(limits(parameter))))
    return Table(
        caption="Parameters of the best trial", columns=("Parameter", "Value", "Place", "Range"), rows=tuple(rows)
    )


def _place(parameter: Parameter, text: str) -> Cell:
    percent = series.percent(parameter, text)
    if percent is not None:
        scale = " on a log scale" if series.is_log(parameter) else ""
        return Cell(text=f"{percent} %{scale}", place=percent)
    if text in parameter.values:
        return plain(f"choice {parameter.values.index(text) + 1} of {len(parameter.values)}")
    return plain("outside" if text and (parameter.is_range or parameter.values) else figures.NOTHING)


def assigned(data: ReportData, trial: Trial, space: Sequence[Parameter]) -> tuple[Cell, ...]:
    """What a trial was given, a dash where a parameter does not count for it."""
    shown, rules = figures.short_text if data.experiment.nas is None else short, data.experiment.search.rules
    return tuple(
        foreign(shown(trial.point.get(one.name, "")) if rules.counts(one.name, trial.point) else "") for one in space
    )


def numeric(space: Sequence[Parameter], start: int) -> set[int]:
    """The columns of numbers among those of the parameters, which begin with column `start`."""
    return {at for at, parameter in enumerate(space, start) if parameter.type is not ParameterType.CATEGORICAL}


def limits(parameter: Parameter) -> str:
    """What a parameter may be, on one line."""
    if not parameter.is_range:
        return ", ".join(parameter.values)
    step = "" if parameter.step is None else f" step {parameter.step}"
    return f"{parameter.minimum} to {parameter.maximum}{step}"


def trials(data: ReportData, limit: int, remarks: Sequence[Remark] = ()) -> Table:
    """A row per trial, at most `limit`, with what else is to be said of it; the note says what was left out."""
    space, metrics = series.searched(data), tuple(dict.fromkeys(data.experiment.objective.metrics))
    picked = series.chosen(data.experiment.objective, data.trials, limit)
    names = tuple(parameter.name for parameter in space)
    titles = tuple(one.title for one in remarks)
    columns = ("Trial", "Status", *metrics, *titles, *names, "Started (UTC)", "Duration")
    values, start = set(range(2, 2 + len(metrics))), 2 + len(metrics) + len(titles)
    notes = (
        f"{len(picked)} of {len(data.trials)} trials are shown: the best, failed and newest ones."
        if len(picked) < len(data.trials)
        else "",
        "A parameter with a dash does not count for that trial." if data.experiment.search.rules.active else "",
    )
    return Table(
        caption="Trials in the order of their start",
        columns=columns,
        rows=tuple(
            (
                *_head(data, trial, metrics),
                *(foreign(one.say(trial)) for one in remarks),
                *_tail(data, trial, space),
            )
            for trial in picked
        ),
        foreign=frozenset(values | set(range(start, start + len(names)))),
        numeric=frozenset(values | numeric(space, start) | {len(columns) - 1}),
        note=" ".join(filter(None, notes)),
    )


def _head(data: ReportData, trial: Trial, metrics: Iterable[str]) -> tuple[Cell, ...]:
    return (
        Cell(text=trial.name, kind="foreign", remark="best" if trial.name == data.best else ""),
        Cell(text=str(trial.phase), kind="status"),
        *(value(data, trial, metric) for metric in metrics),
    )


def _tail(data: ReportData, trial: Trial, space: Sequence[Parameter]) -> tuple[Cell, ...]:
    return (
        *assigned(data, trial, space),
        plain(figures.clock(trial.started)),
        figure(figures.duration(trial.started, trial.finished)),
    )


def failures(data: ReportData) -> Table:
    """How many trials failed for which reason, most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for trial in data.trials:
        if trial.phase in series.FAILED:
            key = (str(trial.phase), trial.reason)
            counts[key] = counts.get(key, 0) + 1
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Table(
        caption="Failed trials by reason",
        columns=("Reason", "Status", "Trials"),
        rows=tuple(
            (foreign(why), Cell(text=phase, kind="status"), figure(str(n))) for (phase, why), n in order[:MAX_REASONS]
        ),
        numeric=frozenset({2}),
        note=_cut(MAX_REASONS, len(order), "reasons"),
    )


def space(data: ReportData) -> Table:
    """The search space as the manifest gives it."""
    rows = tuple(
        (
            foreign(one.name),
            plain(str(one.type)),
            foreign(limits(one)),
            plain(str(one.distribution) if one.is_range else figures.NOTHING),
        )
        for one in data.experiment.space
    )
    rows += tuple(_operations(data.experiment.nas))
    return Table(caption="Search space", columns=("Parameter", "Type", "Range or choices", "Distribution"), rows=rows)


def _operations(nas: object) -> Iterator[tuple[Cell, Cell, Cell, Cell]]:
    """The parameters of what a layer of a network may be."""
    for operation in sequence(at(nas, "operations")):
        for one in sequence(at(operation, "parameters")):
            space = mapping(at(one, "feasibleSpace"))
            step = f" step {space['step']}" if space.get("step") else ""
            limits = ", ".join(sequence(space.get("list"))) or f"{space.get('min')} to {space.get('max')}{step}"
            name = f"{at(operation, 'operationType')}.{at(one, 'name')}"
            yield foreign(name), foreign(str(at(one, "parameterType"))), foreign(limits), plain(figures.NOTHING)


def artifacts(data: ReportData) -> Table:
    """Files that trials left, those of the best trial first."""
    owners = sorted(series.ordered(data.trials), key=lambda trial: trial.name != data.best)
    files = [(trial, one) for trial in owners for one in sorted(trial.artifacts, key=lambda one: one.path)]
    rows = tuple(
        (foreign(one.path), foreign(trial.name), figure(figures.size(one.size)), foreign(one.digest[:_DIGEST]))
        for trial, one in files[:MAX_ARTIFACTS]
    )
    return Table(
        caption="Files that trials left behind",
        columns=("Path", "Trial", "Size", "SHA-256"),
        rows=rows,
        numeric=frozenset({2}),
        note=_cut(MAX_ARTIFACTS, len(files), "files"),
    )


def earlier(data: ReportData) -> Table:
    """The current run and those before it, newest first."""
    counts, winner = series.budget(data.trials), series.best_trial(data)
    now = (
        plain(f"{data.run} (this)"),
        figure(str(len(data.trials))),
        figure(str(counts.succeeded)),
        value(data, winner) if winner else figure(figures.NOTHING),
        foreign(data.best),
        foreign(data.experiment.spec_digest[:_DIGEST]),
        foreign(data.provenance.commit[:_DIGEST]),
    )
    before = tuple(
        (
            plain(str(run.run)),
            figure(str(run.trials)),
            figure(str(run.succeeded)),
            figure(figures.short(run.best_value)),
            foreign(run.best_trial),
            foreign(run.spec_digest[:_DIGEST]),
            foreign(run.commit[:_DIGEST]),
        )
        for run in sorted(data.earlier, key=lambda run: -run.run)[:MAX_RUNS]
    )
    columns = ("Run", "Trials", "Succeeded", "Best value", "Best trial", "Specification", "Commit")
    return Table(
        caption="Runs of this experiment",
        columns=columns,
        rows=(now, *before),
        numeric=frozenset({1, 2, 3}),
        note=_cut(MAX_RUNS, len(data.earlier), "earlier runs"),
    )


def _cut(most: int, count: int, what: str) -> str:
    return f"{most} of {count} {what} are shown." if count > most else ""
