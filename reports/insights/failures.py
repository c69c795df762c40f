"""Trials that failed: how many, and where."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kagit.space import Parameter
from kagit.trial import Phase, Trial
from reports import series
from reports.insights.contract import Found, Insight, Severity, odds, percent, said
from reports.insights.facts import Facts, groups
from reports.insights.significance import discoveries, fisher, wilson

MOST = 3
"""So many parameters are named, the surest first."""


def _finished(facts: Facts) -> list[Trial]:
    """Trials that ended by themselves."""
    return [one for one in facts.over if one.phase is not Phase.KILLED]


def rate(facts: Facts) -> Found:
    """More fail than one in ten, even if the failures so far were bad luck."""
    trials = _finished(facts)
    if not trials:
        return None
    failed = sum(one.phase in series.FAILED for one in trials)
    least = wilson(failed, len(trials))
    if least <= 0.1:
        return ()
    return (
        Insight(
            severity=Severity.ERROR if least > 0.25 else Severity.WARNING,
            title=said(f"{failed} of {len(trials)} trials failed"),
            detail=said(
                f"That is {percent(failed / len(trials))}; with so many trials the true share is at "
                f"least {percent(least)}, "
                "and what was searched is not the whole space."
            ),
            way_out=said(
                "See the failures below; mend the most frequent reason, or leave out the values that cause it."
            ),
        ),
    )


class _Bin(NamedTuple):
    parameter: Parameter
    value: str
    inside: frozenset[int]
    chance: float


def values(facts: Facts) -> Found:
    """Values of a parameter with which trials fail more often than without."""
    trials = _finished(facts)
    bad = frozenset(at for at, one in enumerate(trials) if one.phase in series.FAILED)
    if not facts.space or len(trials) < 10:
        return None
    bins = [
        _Bin(one, value, inside, fisher(len(inside & bad), len(inside), all_hits=len(bad), all_of=len(trials)))
        for one in facts.space
        for value, inside in groups(one, trials)
        if len(inside) >= 4
    ]
    sure = discoveries([one.chance for one in bins])
    worst: dict[str, tuple[float, _Bin]] = {}
    for chance, one in sorted(zip(sure, bins, strict=True), key=lambda pair: pair[1].chance):
        if chance < 0.05:
            worst.setdefault(one.parameter.name, (chance, one))
    return tuple(_values(one, chance, trials, bad) for chance, one in list(worst.values())[:MOST])


def _values(one: _Bin, chance: float, trials: Sequence[Trial], bad: frozenset[int]) -> Insight:
    reasons = Counter(trials[at].reason for at in sorted(one.inside & bad) if trials[at].reason)
    why = max(sorted(reasons), key=reasons.__getitem__) if reasons else ""
    detail = (
        f"{len(one.inside & bad)} of {len(one.inside)} trials failed there, {len(bad - one.inside)} of "
        f"{len(trials) - len(one.inside)} elsewhere ({odds(chance)})."
    )
    most = said(detail + " The most frequent reason is {}.", why) if why else said(detail)
    return Insight(
        severity=Severity.WARNING,
        title=said("Trials fail more often where {} is {}", one.parameter.name, one.value),
        detail=most,
        way_out=said("Leave these values out ({}), or let a trial cope with them.", "kagit.dev/forbidden"),
    )
