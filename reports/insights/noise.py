"""Whether the best is better than luck."""

import math
import statistics
from collections.abc import Mapping, Sequence

from reports import figures
from reports.insights.contract import Found, Insight, Severity, odds, said
from reports.insights.facts import Facts, is_number, places
from reports.insights.significance import NORMAL, lonely

FEWEST = 20
MOST = 150
"""So many results are compared with each other; of more, these are taken evenly."""

NEIGHBOURS = 5
SURE = 0.025
"""Below this chance in one of two tests, a best stands alone."""


def _points(facts: Facts) -> Mapping[tuple[tuple[str, str], ...], list[float]]:
    found: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for one in facts.results:
        found.setdefault(tuple(sorted(one.trial.point.items())), []).append(one.cost)
    return found


def larger_than_gain(facts: Facts) -> Found:
    """Equal points differ so much that the best may be one of many equals."""
    if facts.one.wishes.reuse_results or len(facts.results) < FEWEST or not facts.space:
        return None
    repeated = [costs for costs in _points(facts).values() if len(costs) > 1]
    freedom = sum(len(costs) - 1 for costs in repeated)
    if freedom < _FREEDOM:
        return None
    noise = math.sqrt(math.fsum(statistics.variance(costs) * (len(costs) - 1) for costs in repeated) / freedom)
    costs = facts.costs
    gain = statistics.median(costs) - min(costs)
    luck = noise * NORMAL.inv_cdf(_LUCK ** (1 / len(costs)))
    if noise <= 0 or gain > luck:
        return ()
    return (
        Insight(
            severity=Severity.ERROR,
            title=said("The best is no better than luck"),
            detail=said(
                f"Equal points differ by {figures.short(noise)} (standard deviation). The best of "
                f"{len(costs)} equals would "
                f"come out up to {figures.short(luck)} better than the middle; this one is better by "
                f"{figures.short(gain)}."
            ),
            way_out=said("Average over more seeds or data in each trial, and run the best and the default again."),
        ),
    )


_INITIAL = "kagit.dev/initial-points"
_FREEDOM = 6
_LUCK = 0.5


def alone(facts: Facts) -> Found:
    """The best stands far before all others, or before those around it."""
    best = facts.best
    if best is None or len(facts.results) < FEWEST or best.cost > min(facts.costs):
        return None
    ordered = sorted(facts.costs)
    if (chance := lonely(ordered)) < SURE:
        return (_alone(facts, ordered[1] - ordered[0], chance, "the second best result"),)
    ahead = _ahead(facts)
    mine = ahead[0]
    rest = sorted((-one for one in ahead), key=float)
    if mine < max(ahead) or len(rest) < FEWEST or (chance := lonely(rest)) >= SURE:
        return ()
    return (_alone(facts, mine, chance, f"the middle of its {NEIGHBOURS} nearest points"),)


def _alone(facts: Facts, gap: float, chance: float, what: str) -> Insight:
    name = facts.best.trial.name if facts.best else ""
    return Insight(
        severity=Severity.WARNING,
        title=said("The best trial {} stands alone", name),
        detail=said(
            f"It is better than {what} by {figures.short(gap)}; so large a lead comes by chance with "
            f"{odds(chance)}. "
            "It may be a lucky run, a leak of the validation data, or a very narrow optimum."
        ),
        way_out=said("Run its point again with other seeds before you trust it; {} begins a search with it.", _INITIAL),
    )


def _ahead(facts: Facts) -> list[float]:
    """How much better each result is than its neighbours, the best one first."""
    best, n = facts.best, len(facts.results)
    step = -(-n // MOST)
    kept = [one for one in facts.results[::step] if one is not best]
    kept = [best, *kept] if best is not None else kept
    if not facts.space or len(kept) < FEWEST:
        return [0.0]
    rows = _rows(facts, [one.trial.point for one in kept])
    found: list[float] = []
    for at, row in enumerate(rows):
        near = sorted((_distance(row, other), each) for each, other in enumerate(rows) if each != at)[:NEIGHBOURS]
        found.append(statistics.median(kept[each].cost for _, each in near) - kept[at].cost)
    return found


def _rows(facts: Facts, points: Sequence[Mapping[str, str]]) -> list[tuple[float | str, ...]]:
    trials = {id(one.trial.point): one.trial for one in facts.results}
    kept = [trials[id(point)] for point in points]
    columns: list[Sequence[float | str]] = []
    for one in facts.space:
        texts = [point.get(one.name, "") for point in points]
        numbers = places(one, kept) if is_number(one) else (None,) * len(kept)
        columns.append([text if at is None else at for at, text in zip(numbers, texts, strict=True)])
    return list(zip(*columns, strict=True))


def _distance(left: Sequence[float | str], right: Sequence[float | str]) -> float:
    total = 0.0
    for a, b in zip(left, right, strict=True):
        if isinstance(a, float) and isinstance(b, float):
            total += (a - b) * (a - b)
        elif a != b:
            total += 1.0
    return total


def duplicates(facts: Facts) -> Found:
    """Trials that repeat a point although their results are told apart by nothing but noise."""
    trials = [one for one in facts.over if one.parent is None]
    if facts.one.wishes.reuse_results or facts.one.algorithm.name == "pbt" or len(trials) < 20 or not facts.space:
        return None
    points = {tuple(sorted(one.point.items())) for one in trials}
    repeated = len(trials) - len(points)
    if repeated <= 0.05 * len(trials):
        return ()
    return (
        Insight(
            severity=Severity.HINT,
            title=said(f"{repeated} of {len(trials)} trials repeat an earlier point"),
            detail=said(
                f"There were {len(points)} different points. If that is not meant to measure noise, it is time lost."
            ),
            way_out=said("With {} an equal trial takes the earlier result; finer steps make more points.", _REUSE),
        ),
    )


_REUSE = 'kagit.dev/reuse-results: "true"'
