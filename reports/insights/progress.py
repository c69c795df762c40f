"""Whether the search went on long enough, and got anywhere."""

import math
import statistics

from reports import figures
from reports.insights.contract import Found, Insight, Severity, odds, percent, said
from reports.insights.facts import Facts, points
from reports.insights.significance import above, correlation, smaller

ENOUGH = 29
"""Random trials of which, 95 times in 100, one is among the best tenth of all points: log 0.05 / log 0.9."""

STARTS = {"tpe": 10, "multivariate-tpe": 10, "hyperopt-tpe": 20}
"""How many random points come before the model."""


def too_few_trials(facts: Facts) -> Found:
    """Fewer trials than random search needs for the best tenth, of a space that is larger."""
    if not facts.ended or not facts.in_order or not facts.space or not facts.results or facts.has_resource:
        return None
    count, most = len(facts.results), points(facts.space)
    if count >= ENOUGH or (most is not None and count >= 0.9 * most):
        return ()
    if facts.best and facts.one.objective.reached(facts.best.value):
        return ()
    missed = 0.9**count
    name = facts.one.algorithm.name
    start = facts.one.algorithm.settings.get("n_startup_trials", str(STARTS.get(name, 0)))
    blind = f" All of them were random: the model begins after {start}." if _is_start(count, start) else ""
    return (
        Insight(
            severity=Severity.WARNING,
            title=said(f"{count} results are few for a space of {len(facts.space)} parameters"),
            detail=said(
                f"So many random points miss the best tenth of the space {percent(missed)} of the time.{blind}"
            ),
            way_out=said(f"Raise {{}} to {ENOUGH} or more, or search fewer parameters.", "maxTrialCount"),
        ),
    )


def _is_start(count: int, start: str) -> bool:
    return start.isascii() and start.isdigit() and len(start) <= 9 and count <= int(start)


def still_improving(facts: Facts) -> Found:
    """Two new bests or more among the last fifth."""
    costs = facts.costs
    if not facts.ended or not facts.in_order or len(costs) < 20 or facts.best is None:
        return None
    if facts.one.objective.reached(facts.best.value):
        return ()
    begin = len(costs) - len(costs) // 5
    best = before = min(costs[:begin])
    records = 0
    for cost in costs[begin:]:
        if cost < best:
            best, records = cost, records + 1
    if records < 2:
        return ()
    return (
        Insight(
            severity=Severity.HINT,
            title=said("The search was still getting better when it ended"),
            detail=said(
                f"{records} of the last {len(costs) - begin} results were new bests, by {figures.short(before - best)} "
                "together; chance alone brings two or more once in fifty searches."
            ),
            way_out=said("Raise {}: the run goes on where it stopped.", "maxTrialCount"),
        ),
    )


def no_gain(facts: Facts) -> Found:
    """A search that learns, came close to its best again and again in the last third, and never beat it."""
    costs = facts.costs
    if not facts.ended or not facts.in_order or not facts.learns or len(costs) < 30 or facts.best is None:
        return None
    third = len(costs) // 3
    best, last = min(costs), sorted(costs[-third:])
    won = statistics.median(costs[:third]) - best
    if last[0] <= best or won <= 0 or last[third // 2] - best > 0.4 * won:
        return ()
    at = costs.index(best) + 1
    return (
        Insight(
            severity=Severity.HINT,
            title=said(f"No gain in the last {len(costs) - at} of {len(costs)} results"),
            detail=said(
                f"Half of the last {third} results came within "
                f"{figures.short(last[third // 2] - best)} of the best and none "
                f"beat it; the middle of the first third was behind it by {figures.short(won)}."
            ),
            way_out=said("More of the same brings little as a rule; {} ends such a search by itself.", _STOP),
        ),
    )


_STOP = "kagit.dev/stop-without-gain"


def learned(facts: Facts) -> float:
    """How likely the last results are so much better than the first ones by chance."""
    costs = facts.costs
    count = max(10, len(costs) // 5)
    return smaller(costs[-count:], costs[:count])


def not_learning(facts: Facts) -> Found:
    """A search that learns, and whose last results are no better than its first."""
    if not facts.ended or not facts.learns or not facts.in_order or len(facts.results) < 50:
        return None
    chance = learned(facts)
    if chance < 0.2:
        return ()
    count = max(10, len(facts.results) // 5)
    return (
        Insight(
            severity=Severity.HINT,
            title=said("The search did not get better than its random start"),
            detail=said(
                f"The last {count} results are no better than the first {count} ({odds(chance)}): "
                "either the parameters hardly matter, or noise hides what they do."
            ),
            way_out=said("Average over more data or seeds in each trial, or search other parameters or ranges."),
        ),
    )


def drift(facts: Facts) -> Found:
    """Random trials whose results go up or down with time."""
    costs = facts.costs
    if facts.learns or not facts.in_order or len(costs) < 30:
        return None
    found = correlation(range(len(costs)), costs)
    chance = 2 * above(abs(found) * math.sqrt(len(costs) - 1))
    if chance >= 0.01:
        return ()
    way = "worse" if found > 0 else "better"
    return (
        Insight(
            severity=Severity.WARNING,
            title=said(f"Results get {way} with time, although points are chosen without looking at them"),
            detail=said(f"Rank correlation of order and result {found:.2f} in {len(costs)} results ({odds(chance)})."),
            way_out=said("Look for what trials share: files, caches, a busy machine; then run again."),
        ),
    )
