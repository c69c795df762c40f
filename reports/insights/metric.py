"""What trials report: whether it is there, and can be true."""

import re
import statistics
from collections.abc import Iterator, Sequence

from kagit.names import UNAVAILABLE
from kagit.objective import ObjectiveType, is_numeric, number
from kagit.trial import Phase
from reports import figures
from reports.insights.contract import Found, Insight, Severity, said
from reports.insights.facts import Facts, Result, best_of

_SMALL = frozenset({"loss", "error", "mse", "rmse", "mae", "mape", "perplexity", "latency"})
_LARGE = frozenset({"accuracy", "acc", "auc", "f1", "precision", "recall", "map", "bleu", "throughput"})
_TURNED = frozenset({"neg", "negative", "minus", "inverse", "inv"})
_CHECKED = frozenset({"val", "valid", "validation", "dev", "test", "eval", "holdout"})
_TRAINED = ("train", "training")
_PARTS = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]+")


def missing(facts: Facts) -> Found:
    """Trials that ended well without the objective, and further metrics that nobody has seen."""
    if not facts.over:
        return None
    name = facts.one.objective.metric
    without = sum(one.phase is Phase.METRICS_UNAVAILABLE for one in facts.over)
    found: list[Insight] = []
    if without:
        found.append(
            Insight(
                severity=Severity.ERROR if without == len(facts.over) else Severity.WARNING,
                title=said(f"{without} of {len(facts.over)} trials never reported {{}}", name),
                detail=said("They ran to their end and count as failed."),
                way_out=said("Print {} on a line of its own, or mend the collector or its filter.", f"{name}=VALUE"),
            )
        )
    return (*found, *_unseen(facts))


def _unseen(facts: Facts) -> Iterator[Insight]:
    done = [one for one in facts.over if one.phase is Phase.SUCCEEDED]
    seen = {each.name for one in done for each in one.observation if each.latest != UNAVAILABLE}
    for name in dict.fromkeys(facts.one.objective.additional):
        if len(done) >= 3 and name not in seen:
            yield Insight(
                severity=Severity.HINT,
                title=said("No trial has reported the further metric {}", name),
                detail=said(f"It is missing in all {len(done)} trials that succeeded."),
                way_out=said("Print it, or take it out of {}.", "additionalMetricNames"),
            )


def not_finite(facts: Facts) -> Found:
    """Trials whose objective was not a number, or without end."""
    name = facts.one.objective.metric
    told = [one for one in facts.over if any(each.name == name for each in one.observation)]
    if not told:
        return None
    wrong = [
        one
        for one in told
        if any(
            each.name == name
            and any(is_numeric(text) and number(text) is None for text in (each.latest, each.min, each.max))
            for each in one.observation
        )
    ]
    if not wrong:
        return ()
    return (
        Insight(
            severity=Severity.WARNING,
            title=said(f"{{}} was no finite number in {len(wrong)} of {len(told)} trials", name),
            detail=said(
                "The first one is {}. Such a reading is never the best, and says nothing to the algorithm.",
                wrong[0].name,
            ),
            way_out=said(
                "Let a trial fail when it diverges, or limit what makes it diverge, such as the learning rate."
            ),
        ),
    )


def constant(facts: Facts) -> Found:
    """Different points, one value."""
    if len(facts.results) < 5 or len({tuple(sorted(one.trial.point.items())) for one in facts.results}) < 5:
        return None
    if len(set(facts.costs)) > 1:
        return ()
    value = figures.short(facts.results[0].value)
    return (
        Insight(
            severity=Severity.ERROR,
            title=said("Every trial has the same value of {}", facts.one.objective.metric),
            detail=said(f"All {len(facts.results)} results are {value}, whatever the parameters are."),
            way_out=said("See that the program really reads its parameters and reports what it measured."),
        ),
    )


def direction(facts: Facts) -> Found:
    """An error that is maximised, or an accuracy that is minimised."""
    words = re.findall(r"[a-z0-9]+", facts.one.objective.metric.lower())
    if not facts.data.trials:
        return None
    known = [word for word in words if word in _SMALL | _LARGE]
    if len(known) != 1 or _TURNED & set(words) or facts.one.objective.metric.startswith("-"):
        return ()
    small = facts.one.objective.type is ObjectiveType.MINIMIZE
    if (known[0] in _SMALL) is small:
        return ()
    return (
        Insight(
            severity=Severity.WARNING,
            title=said(f"{{}} is {'minimized' if small else 'maximized'}", facts.one.objective.metric),
            detail=said(f"By its name a {'larger' if small else 'smaller'} value is better."),
            way_out=said("Mend {} if that is not meant.", "objective.type"),
        ),
    )


def gap(facts: Facts) -> Found:
    """The best trial is much better in training than in validation, compared with the others at the top."""
    pair = _trained(facts.one.objective.metric, facts.one.objective.additional)
    if not pair or facts.best is None or len(facts.results) < 20:
        return None
    top = [facts.results[at] for at in sorted(best_of(facts.costs, max(0.2, 8 / len(facts.results))))]
    gaps = {one.trial.name: each for one in top if (each := _gap(facts, one, pair)) is not None}
    mine = gaps.get(facts.best.trial.name)
    if mine is None or len(gaps) < 8:
        return None
    middle = statistics.median(gaps.values())
    spread = 1.4826 * statistics.median(abs(one - middle) for one in gaps.values())
    if not (mine - middle > _FAR * spread > 0 and mine > 0):
        return ()
    return (
        Insight(
            severity=Severity.WARNING,
            title=said("The best trial is much better in training than in validation"),
            detail=said(
                f"{{}} is better than {{}} by {figures.short(mine)}, in the other trials at the top by "
                f"{figures.short(middle)} in the middle, give or take {figures.short(spread)}.",
                pair,
                facts.one.objective.metric,
            ),
            way_out=said("Measure this trial on data that neither training nor the search has seen."),
        ),
    )


_FAR = 3.5


def _gap(facts: Facts, one: Result, pair: str) -> float | None:
    value = facts.one.objective.value(one.trial.observation, pair)
    if value is None:
        return None
    return one.value - value if facts.one.objective.type is ObjectiveType.MINIMIZE else value - one.value


def _trained(metric: str, others: Sequence[str]) -> str:
    """The metric of the same name in training, if trials report it."""
    parts = _PARTS.findall(metric.lower())
    wanted = {
        "".join(word if part in _CHECKED else part for part in parts) for word in _TRAINED if _CHECKED & set(parts)
    }
    if not wanted:
        wanted = {f"{word}{mark}{metric.lower()}" for word in _TRAINED for mark in "-_/ ."}
    return next((one for one in others if one.lower() in wanted), "")
