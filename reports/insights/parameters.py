"""What the parameters do."""

import math
from collections.abc import Sequence
from itertools import combinations

from kagit.space import Parameter
from kagit.trial import Phase
from reports.insights.contract import Found, Insight, Severity, odds, said
from reports.insights.facts import Facts, Result, fair_top, groups, is_number, places, points
from reports.insights.significance import above, correlation, explained, holm

FEWEST = 80
MOST = 1000
"""So many results are looked at; of more, these are taken evenly."""

INERT = 0.7
"""A parameter is called unimportant where chance alone explains as much as it does with this chance or a larger one."""


def _some(facts: Facts) -> Sequence[Result]:
    return facts.results[:: -(-len(facts.results) // MOST)]


def unimportant(facts: Facts) -> Found:
    """Parameters whose values say nothing about the result."""
    asked = [one for one in facts.space if one.name not in facts.one.search.rules.active]
    if len(facts.results) < FEWEST or len(asked) < 2:
        return None
    some = _some(facts)
    costs, trials = [one.cost for one in some], [one.trial for one in some]
    found = [(one, *explained(costs, (inside for _, inside in groups(one, trials)))) for one in asked]
    if not any(chance < 0.01 for *_, chance in found):
        return ()  # nothing matters: other checks say so
    return tuple(
        Insight(
            severity=Severity.HINT,
            title=said("{} makes no difference by itself", one.name),
            detail=said(
                f"It explains {100 * share:.1f} % of the order of {len(costs)} results; chance alone "
                "explains as much with "
                f"{odds(chance)}. What it does together with others is not looked at."
            ),
            way_out=said("Fix it with {} to search the others with more trials.", "kagit.dev/fixed"),
        )
        for one, share, chance in found
        if chance > INERT and _spread_out(one, facts)
    )


def _spread_out(one: Parameter, facts: Facts) -> bool:
    """Whether enough of the range was tried to say so."""
    return len({each.trial.point.get(one.name) for each in facts.results}) > 1


def correlated(facts: Facts) -> Found:
    """Two parameters that go together among the better results, and not among the others."""
    wanted = [one for one in facts.space if is_number(one) and (points([one]) or MOST) >= 5]
    pairs = list(combinations(wanted, 2))
    if len(facts.results) < FEWEST or not pairs:
        return None
    some = _some(facts)
    top = fair_top(facts, [one.cost for one in some], 0.25)
    found = {one.name: places(one, [each.trial for each in some]) for one in wanted}
    tests = [_together(found[a.name], found[b.name], top) for a, b in pairs]
    chances = holm([chance for _, chance in tests])
    return tuple(
        Insight(
            severity=Severity.HINT,
            title=said("{} and {} matter together", a.name, b.name),
            detail=said(
                f"Among the best {len(top)} results their rank correlation is {much:.2f}, unlike among the others "
                f"({odds(chance)}): a {'large' if much > 0 else 'small'} value of one "
                "wants a large one of the other."
            ),
            way_out=said(
                "Search their {} in place of one of them, or use an algorithm that sees both, such as {}.",
                "ratio" if much > 0 else "product",
                "multivariate-tpe",
            ),
        )
        for (a, b), (much, _), chance in zip(pairs, tests, chances, strict=True)
        if chance < 0.02 and abs(much) >= 0.3
    )


def _together(
    left: Sequence[float | None], right: Sequence[float | None], first: frozenset[int]
) -> tuple[float, float]:
    """The correlation among the `first`, and how likely it is so different from the others' by chance."""
    both = [(at, a, b) for at, (a, b) in enumerate(zip(left, right, strict=True)) if a is not None and b is not None]
    top = [(a, b) for at, a, b in both if at in first]
    rest = [(a, b) for at, a, b in both if at not in first]
    if min(len(top), len(rest)) < 15:
        return 0.0, 1.0
    much, little = (correlation(*zip(*part, strict=True)) for part in (top, rest))
    spread = math.sqrt(1.06 / (len(top) - 3) + 1.06 / (len(rest) - 3))
    apart = abs(_stretched(much) - _stretched(little)) / spread
    return much, 2 * above(apart)


def _stretched(found: float) -> float:
    return math.atanh(max(-0.999999, min(0.999999, found)))


def unexplored(facts: Facts) -> Found:
    """Choices that were never tried."""
    lists = [one for one in facts.space if not one.is_range and len(facts.results) >= 5 * len(set(one.values))]
    if not facts.ended or not lists:
        return None
    tried = [one for one in facts.over if one.phase is not Phase.KILLED]
    return tuple(
        Insight(
            severity=Severity.HINT,
            title=said("Nothing is known of {} as {}", one.name, value),
            detail=said(f"None of {len(tried)} trials had it."),
            way_out=said("Put a point with it into {}, or take it off the list.", "kagit.dev/initial-points"),
        )
        for one in lists
        for value, inside in groups(one, tried)
        if not inside
    )[:5]
