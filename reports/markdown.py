"""The Markdown edition (README.md): tables, fences and code spans that hold whatever is put in (spec section 6b).

Foreign text stands only in code spans and fences: mentions, references, links and quick actions are inert there.
"""

import re
from collections.abc import Sequence

from reports import charts, clean, figures, series
from reports.contract import IndexEntry
from reports.insights.contract import Text
from reports.listing import label_of, link_of, ordered, outcome_of, progress_of
from reports.story import Failure, Story, status
from reports.tables import Cell, Table

_TICKS = re.compile("`+")
_PROSE = re.compile(r"[A-Za-z]{1,30}(?:,? (?:[A-Za-z]{1,30}|[0-9]{1,6}))*\.?")
_CELL_LIMIT = 120


def span(text: str, limit: int = clean.INLINE_LIMIT) -> str:
    """Foreign text as a code span on one line; a dash where nothing visible is left."""
    text = clean.inline(text, limit)
    if not text:
        return figures.NOTHING
    fence = "`" * (_longest(text) + 1)
    room = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{room}{text}{room}{fence}"


def prose(text: str) -> str:
    """Foreign text as it is where it holds nothing but plain words and numbers, otherwise as a code span."""
    text = clean.inline(text)
    return text if _PROSE.fullmatch(text) else span(text)


def cell(text: str) -> str:
    """Foreign text as a code span that cannot end its table cell."""
    # Renderers disagree about a backslash before an escaped pipe; a space between them is read alike by all.
    return re.sub(r"\\+(?=\\\|)", r"\g<0> ", span(text, _CELL_LIMIT).replace("|", "\\|"))


def fence(text: str) -> str:
    """Lines as a fenced block whose fence is longer than any run of back-ticks inside."""
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _longest(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _cell(one: Cell) -> str:
    text = cell(one.text) if one.kind == "foreign" else one.text
    return f"{text} **{one.remark}**" if one.remark else text


def table(one: Table) -> str:
    """A table in GitHub's form, with its note below."""
    titles = [cell(title) if at in one.foreign else title for at, title in enumerate(one.columns)]
    rules = ["--:" if at in one.numeric else "---" for at in range(len(one.columns))]
    rows = [titles, rules, *([_cell(each) for each in row] for row in one.rows)]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{text}\n\n{one.note}" if one.note else text


def experiment(story: Story) -> str:
    """The experiment's README."""
    parts = [
        f"# Experiment {span(story.title)}",
        f"**{story.status}**" + (f" · {span(story.reason)}" if story.reason else ""),
        *([prose(story.message)] if story.message else []),
        *(["Waiting for:", "\n".join(f"- {span(one)}" for one in story.waiting)] if story.waiting else []),
        _tiles(story),
        *_checks(story),
        "## Best trial",
        *([table(story.best), "The same as a file: [best.yaml](best.yaml)"] if story.best else [story.no_best]),
        *(f"{words} {_cell(one)}." for words, one in story.best_owes),
        *_front(story),
        *_progress(story),
        "## Trials",
        *([table(story.trials)] if story.has_trials else ["No trials yet."]),
        "All trials as a file: [trials.csv](trials.csv)",
        *_failures(story),
        "## Search space",
        table(story.space),
        *(["## Artifacts", table(story.artifacts)] if story.artifacts else []),
        *(["## Earlier runs", table(story.earlier)] if story.earlier else []),
        *_origin(story),
    ]
    return "\n\n".join(parts) + "\n"


def _tiles(story: Story) -> str:
    rows = [f"| {one.label} | {_cell(one.value)} | {_cell(one.detail)} |" for one in story.tiles]
    return "\n".join(["| Measure | Value | Remark |", "| --- | --: | --- |", *rows])


def _front(story: Story) -> list[str]:
    one = story.front
    if one is None:
        return []
    image = "![The first two objectives of every trial, those on the front larger](front.svg)"
    return ["## Pareto front", one.words, image, table(one.objectives), *([table(one.trials)] if one.trials else [])]


def _checks(story: Story) -> list[str]:
    if not story.checked:
        return []
    lines = [
        f"- **{one.severity.title()}**: {_said(one.title)}. {_said(one.detail)} **Way out**: {_said(one.way_out)} "
        f"(`{one.slug}`)"
        for one in story.checks.insights
    ]
    return ["## Checks", *(["\n".join(lines)] if lines else []), story.checked]


def _said(words: Text) -> str:
    return "".join(span(one.text, _CELL_LIMIT) if one.kind == "foreign" else one.text for one in words)


def _progress(story: Story) -> list[str]:
    before, metric, after = story.caption
    parts = ["## Progress", f"{before}{span(metric)}{after}"]
    if story.spark:
        parts.append(f"Best so far: `{story.spark}`")
    return [*parts, "![Best value so far, every trial a dot](history.svg)"]


def _failures(story: Story) -> list[str]:
    if story.failures is None:
        return []
    note = [story.failed_note] if story.failed_note else []
    return ["## Failures", table(story.failures), *note, *(part for one in story.failed for part in _failure(one))]


def _failure(one: Failure) -> list[str]:
    why = f"**{one.phase}** · {span(one.reason)}" + (f" · {prose(one.message)}" if one.message else "")
    tail = ["Untrusted program output, last lines:", fence(one.tail)] if one.tail else ["The trial left no output."]
    return [f"### {span(one.trial)}", why, *tail]


def _origin(story: Story) -> list[str]:
    parts = ["## Provenance", _facts(story.provenance)]
    if story.shaped:
        parts += ["### How the search was shaped", _facts(story.shaped)]
    if story.reproduce:
        parts += ["## Reproduce", fence(story.reproduce)]
    if story.reproduce and story.dirty:
        parts.append("The working tree held changes that no commit has: the same commit alone may behave differently.")
    return parts


def _facts(facts: Sequence[tuple[str, Cell]]) -> str:
    rows = "\n".join(f"| {label} | {_cell(one)} |" for label, one in facts)
    return f"| What | Value |\n| --- | --- |\n{rows}"


def index(entries: Sequence[IndexEntry]) -> str:
    """The README of all experiments."""
    parts = ["# Experiments", f"{len(entries)} experiments." if len(entries) != 1 else "1 experiment."]
    if entries:
        rows = [
            "| Experiment | Status | Best value | Metric | Best trial | Trials | Finished (UTC) | Best so far |",
            "| --- | --- | --: | --- | --- | --- | --- | --- |",
            *(_entry(one) for one in ordered(entries)),
        ]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _entry(one: IndexEntry) -> str:
    link = link_of(one, "README.md")
    label = label_of(one)
    line = charts.blocks(series.thinned([value for value in one.history if figures.exact(value)]))
    cells = (
        f"[{cell(label)}]({link})" if link else cell(label),
        status(one.status),
        figures.short(one.best_value),
        cell(one.metric),
        cell(one.best_trial),
        ": ".join(filter(None, (progress_of(one), ", ".join(outcome_of(one))))),
        figures.clock(one.finished),
        f"`{line}`" if line else figures.NOTHING,
    )
    return f"| {' | '.join(cells)} |"
