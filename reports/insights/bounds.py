"""Whether the ranges of the parameters are right."""

from collections.abc import Iterator
from typing import NamedTuple

from kagit.space import Parameter, ParameterType
from reports import figures, series
from reports.insights.contract import Found, Insight, Severity, odds, said
from reports.insights.facts import Facts, Places, fair_top, is_number, places, points
from reports.insights.significance import fisher, holm

FEWEST = 20
"""Results without which nothing is said of bounds."""

WIDE = 100
"""A range from a number to so many times of it is searched better on a log scale."""


class _Side(NamedTuple):
    parameter: Parameter
    upper: bool
    places: Places
    """How far each result is from this bound, 0 to 1."""


def at_bound(facts: Facts) -> Found:
    """The best trial and the better ones crowd at one end of a range."""
    best, sides = facts.best, list(_sides(facts))
    if best is None or len(facts.results) < FEWEST or not sides:
        return None
    at, top = facts.results.index(best), fair_top(facts, facts.costs, 0.2)
    chances = holm([_crowded(side.places, top) for side in sides])
    return tuple(
        _at_bound(facts, side, chance, top)
        for side, chance in zip(sides, chances, strict=True)
        if chance < (0.03 if facts.learns else 0.05) and _within(side.places[at], 0.1)
    )


def _sides(facts: Facts) -> Iterator[_Side]:
    """Every bound that could be moved: a natural one is not looked at, a lower one that asks for logs neither."""
    trials = [one.trial for one in facts.results]
    for one in facts.space:
        if not is_number(one) or (points([one]) or WIDE) < 5:
            continue
        found = places(one, trials)
        low, high = (float(one.minimum or 0), float(one.maximum or 0)) if one.is_range else (2.0, 2.0)
        whole = one.type is ParameterType.INT
        if not (low == 0 or (whole and low == 1) or _asks_for_logs(one)):
            yield _Side(one, upper=False, places=found)
        if not (high == 1 and low >= 0):
            yield _Side(one, upper=True, places=tuple(None if at is None else 1 - at for at in found))


def _within(place: float | None, share: float) -> bool:
    return place is not None and place <= share + 1e-9


def _crowded(found: Places, top: frozenset[int]) -> float:
    """How likely so many of the better results are in the outer tenth by chance."""
    outer = {at for at, place in enumerate(found) if _within(place, 0.1)}
    return fisher(len(outer & top), len(top), all_hits=len(outer), all_of=len(found))


def _at_bound(facts: Facts, side: _Side, chance: float, top: frozenset[int]) -> Insight:
    end, key = ("upper", "max") if side.upper else ("lower", "min")
    name, text = side.parameter.name, facts.best.trial.point[side.parameter.name] if facts.best else ""
    outer = {at for at, place in enumerate(side.places) if _within(place, 0.1)}
    scale = ", on a log scale" if series.is_log(side.parameter) else ""
    return Insight(
        severity=Severity.WARNING,
        title=said(f"The best trial is at the {end} bound of {{}}", name),
        detail=said(
            f"It has {{}}, and {len(outer & top)} of the best {len(top)} results are in the outer "
            f"tenth of the range{scale}, "
            f"against {len(outer - top)} of the other {len(side.places) - len(top)} ({odds(chance)}).",
            figures.short_text(text),
        ),
        way_out=said(f"Move {key} of {{}} further out and run again, if a value beyond it makes sense.", name),
    )


def _asks_for_logs(one: Parameter) -> bool:
    if not one.is_range or series.is_log(one) or one.minimum is None or one.maximum is None:
        return False
    return one.minimum > 0 and one.maximum >= WIDE * one.minimum


def log_scale(facts: Facts) -> Found:
    """The better trials crowd in the lowest tenth of a wide range that is searched evenly."""
    wide = [one for one in facts.space if _asks_for_logs(one)]
    if len(facts.results) < FEWEST or not wide:
        return None
    top, trials = fair_top(facts, facts.costs, 0.2), [one.trial for one in facts.results]
    found = [places(one, trials) for one in wide]
    chances = holm([_crowded(each, top) for each in found])
    return tuple(
        Insight(
            severity=Severity.HINT,
            title=said("A log scale would suit {}", one.name),
            detail=said(
                f"{sum(_within(each[at], 0.1) for at in top)} of the best {len(top)} results are in "
                "the lowest tenth of its "
                f"range, where an even scale puts one trial in ten ({odds(chance)})."
            ),
            way_out=said("Give {} the distribution {}.", one.name, "logUniform"),
        )
        for one, each, chance in zip(wide, found, chances, strict=True)
        if chance < 0.05
    )
