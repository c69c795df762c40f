"""How the run went: its goal and budget, early stopping, slots, time, where it came from."""

import math
import statistics
from datetime import datetime

from kagit.trial import Phase, Trial
from reports import figures
from reports.insights.contract import Found, Insight, Severity, percent, said
from reports.insights.facts import Facts

COMPARING = frozenset({"medianstop", "percentile"})
"""Early stopping that compares a trial with others at the same step."""

TAIL = 10
SHORT = 5.0
"""Seconds below which a trial is too short to speak of idle slots."""


def out_of_reach(facts: Facts) -> Found:
    """A goal that ten times as many trials would not reach, if values go on as thin out at the top as now."""
    goal, costs = facts.one.objective.goal, facts.costs
    if goal is None or not facts.ended or len(costs) < 30 or facts.best is None:
        return None
    if facts.one.objective.reached(facts.best.value) or min(costs[-(len(costs) // 3) :]) <= min(costs):
        return ()
    recent = sorted(costs[len(costs) // 2 :] if facts.learns and len(costs) >= 60 else costs)
    aim = goal if facts.one.objective.better(0.0, 1.0) else -goal
    scale = statistics.fmean(recent[TAIL] - one for one in recent[:TAIL])
    if scale <= 0 or (recent[TAIL] - aim) / scale <= _UNSURE * math.log(10 * TAIL / _HOPE):
        return ()
    return (
        Insight(
            severity=Severity.WARNING,
            title=said("The goal looks out of reach"),
            detail=said(
                f"The best is {figures.short(facts.best.value)}, the goal {figures.short(goal)}. As "
                "results thin out towards the "
                f"best, even {10 * len(costs)} more trials would reach it less than once in twenty searches."
            ),
            way_out=said("Set a goal that can be reached, or change the model, the data or the ranges."),
        ),
    )


_HOPE = 0.05
_UNSURE = 1.4
"""The tail may be so much longer than ten values show."""


def budget_left(facts: Facts) -> Found:
    """Much of the budget was never used."""
    most, done = facts.one.max_trials, len(facts.over)
    if most is None or not facts.ended or not done:
        return None
    if facts.data.status == "Failed" and done < most:
        return (
            Insight(
                severity=Severity.HINT,
                title=said(f"{most - done} of {most} trials were never run"),
                detail=said(f"The experiment failed after {done}."),
                way_out=said(
                    "Mend what failed; a higher {} lets the search go on despite failures.", "maxFailedTrialCount"
                ),
            ),
        )
    early = facts.best is not None and facts.one.objective.reached(facts.best.value) and done <= 0.2 * most
    if not early:
        return ()
    return (
        Insight(
            severity=Severity.HINT,
            title=said(f"The goal was reached after {done} of {most} trials"),
            detail=said(
                f"{most - done} trials of the budget are left: a goal reached so early says little of what is possible."
            ),
            way_out=said("Set a harder {}, or leave it out to use the budget.", "objective.goal"),
        ),
    )


def stopped(facts: Facts) -> Found:
    """Early stopping cut trials that were ahead of those that ran to the end, or nearly all of them."""
    rule, one = facts.one.early_stopping, facts.one
    cut = [each for each in facts.over if each.phase is Phase.EARLY_STOPPED]
    if rule is None or rule.name not in COMPARING or len(facts.results) < 5 or len(cut) + len(facts.results) < 20:
        return None
    sign = 1.0 if one.objective.better(0.0, 1.0) else -1.0
    costs = [sign * value for each in cut if (value := each.result(one.objective)) is not None]
    middle = statistics.median(facts.costs)
    ahead = sum(cost < middle for cost in costs)
    found: list[Insight] = []
    if ahead >= 3 and ahead >= _AHEAD * len(costs):
        found.append(
            Insight(
                severity=Severity.WARNING,
                title=said("Trials that were stopped early are better than those that went on"),
                detail=said(
                    f"{ahead} of {len(cut)} trials were, when they were stopped, already better than the middle of the "
                    f"{len(facts.results)} that ran to their end."
                ),
                way_out=said(
                    "If training longer does harm, train less or let the best reading count ({}); else raise {}.",
                    "metricStrategies",
                    "start_step",
                ),
            )
        )
    if len(cut) > 0.8 * (len(cut) + len(facts.results)):
        found.append(
            Insight(
                severity=Severity.WARNING,
                title=said(f"{len(cut)} of {len(cut) + len(facts.results)} trials were stopped early"),
                detail=said("What is left to compare with is little."),
                way_out=said("Raise {} or {} of {}.", "start_step", "min_trials_required", rule.name),
            )
        )
    return found


_AHEAD = 0.2


def _seconds(one: Trial) -> tuple[datetime, datetime] | None:
    """When a trial began and ended."""
    texts = figures.clock(one.started), figures.clock(one.finished)
    if figures.NOTHING in texts:
        return None
    try:
        begin, end = map(datetime.fromisoformat, texts)
    except ValueError:
        return None
    return (begin, end) if begin <= end else None


def idle(facts: Facts) -> Found:
    """Trials could have run at once, and did not."""
    times = [each for one in facts.over if (each := _seconds(one)) is not None]
    parallel = facts.one.parallel
    if not facts.ended or parallel < 2 or len(times) < 4 * parallel:
        return None
    busy = math.fsum((end - begin).total_seconds() for begin, end in times)
    wall = (max(end for _, end in times) - min(begin for begin, _ in times)).total_seconds()
    if busy < SHORT * len(times) or not wall:
        return None
    used = busy / (wall * parallel)
    if used >= 0.5:
        return ()
    return (
        Insight(
            severity=Severity.HINT,
            title=said(f"{percent(1 - used)} of the slots were idle"),
            detail=said(f"Up to {parallel} trials may run at once; on average {busy / wall:.1f} did."),
            way_out=said(
                "Give the machine more slots, or lower {}: fewer at once learn more from each other.",
                "parallelTrialCount",
            ),
        ),
    )


def slow(facts: Facts) -> Found:
    """Single trials that took far longer than all others."""
    lasted = {
        one.name: (each[1] - each[0]).total_seconds() for one in facts.over if (each := _seconds(one)) is not None
    }
    if len(lasted) < 20:
        return None
    logs = {name: math.log(seconds + 1) for name, seconds in lasted.items()}
    low, middle, high = statistics.quantiles(logs.values(), n=4)
    limit = high + 3 * max(high - low, 0.2)
    far = sorted((name for name in logs if logs[name] > limit), key=lambda name: (-logs[name], name))
    if not far or len(far) > 0.1 * len(lasted):
        return ()
    return (
        Insight(
            severity=Severity.HINT,
            title=said(f"{len(far)} of {len(lasted)} trials took far longer than the others"),
            detail=said(f"{{}} took {_time(lasted[far[0]])}, the middle one {_time(math.exp(middle) - 1)}.", far[0]),
            way_out=said(
                "Compare its parameters and its machine with the others; a time limit in the trial saves slots."
            ),
        ),
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _LONG else f"{seconds / 60:.0f} min"


_LONG = 600


def uncommitted(facts: Facts) -> Found:
    """The files were changed and not committed."""
    clean = facts.data.provenance.clean
    if clean is None:
        return None
    if clean:
        return ()
    return (
        Insight(
            severity=Severity.WARNING,
            title=said("Nobody else can repeat this run"),
            detail=said("The working tree held changes that no commit has."),
            way_out=said("Commit them and run again."),
        ),
    )
