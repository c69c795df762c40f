"""How the author has shaped the search: what the annotations said, in words."""

from collections.abc import Iterable, Iterator

from kagit.search import Clause, Clauses, Search
from kagit.space import Point
from kagit.spelling import short
from reports import aims
from reports.contract import ReportData
from reports.tables import Cell, foreign

MAX_EACH = 10
Fact = tuple[str, Cell]


def facts(data: ReportData) -> tuple[Fact, ...]:
    """What was given beyond Katib's spec, in the order in which it matters; nothing where nothing was."""
    one = data.experiment
    aimed = (f"{short(name)}: {kind}" for name, kind in one.objective.others.items())
    return (
        *_each("Further objective", aimed),
        *_each("Constraint", map(aims.limit, one.objective.constraints)),
        *_search(one.search),
    )


def _search(search: Search) -> Iterator[Fact]:
    yield from _each("Fixed", (f"{short(name)} = {short(text)}" for name, text in search.fixed.items()))
    sometimes = (f"{short(name)} if {_told(clauses)}" for name, clauses in search.rules.active.items())
    yield from _each("Counts only sometimes", sometimes)
    yield from _each("Never tried", map(_told, search.rules.forbidden))
    yield from _each("Tried first", map(_point, search.initial))
    begun = (f"{count} best of {short(name)}" for name, count in search.start_from.items())
    yield from _each("Begins with points of", begun)
    yield from _each("Point of another experiment", map(_point, search.started))


def _each(label: str, texts: Iterable[str]) -> Iterator[Fact]:
    """A fact per text, at most MAX_EACH."""
    said = list(texts)
    for at, text in enumerate(said[:MAX_EACH], 1):
        yield (f"{label} {at}" if said[1:] else label), foreign(text)
    if said[MAX_EACH:]:
        yield f"{label} {MAX_EACH + 1} and on", Cell(text=f"{len(said) - MAX_EACH} more")


def _point(point: Point) -> str:
    return ", ".join(f"{short(name)} = {short(text)}" for name, text in point.items())


def _told(clauses: Clauses) -> str:
    return " and ".join(map(_clause, clauses))


def _clause(one: Clause) -> str:
    values = " or ".join(short(text) for text in one.values)
    return f"{short(one.parameter)} {'is' if one.sign == 'in' else one.sign} {values}"
