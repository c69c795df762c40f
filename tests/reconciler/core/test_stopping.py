"""Early stopping rules against readings: spec katib.md section 6, with its defects 8 and 21 mended."""

import pytest

from kagit.objective import Objective, ObjectiveType, number
from kagit.trial import Comparison, EarlyStoppingRule, Limit
from reconciler.core.stopping import Watch
from reconciler.ports import Reading


def rule(metric="loss", comparison="greater", value="0.5", step=3, **more):
    return EarlyStoppingRule(metric=metric, value=value, comparison=Comparison(comparison), start_step=step, **more)


def later(*limits):
    return {"later": tuple(Limit(step=step, value=value) for step, value in limits)}


def outside(value, step=1):
    return rule(comparison="outside", value=value, step=step)


def stale(patience, value="0", step=1):
    return rule(comparison="stale", value=value, step=step, patience=patience)


def readings(*pairs):
    counts = {}
    made = []
    for metric, text in pairs:
        step = counts[metric] = counts.get(metric, -1) + 1
        made.append(Reading(trial="t", metric=metric, step=step, time="", value=number(text), text=text))
    return made


def losses(*texts):
    return [("loss", text) for text in texts]


CASES = {
    "no rules are never met": ((), losses("9"), None),
    "not before the start step": ((rule(step=3),), losses("9", "9"), None),
    "at the start step": ((rule(step=3),), losses("9", "9", "9"), 3),
    "the best so far counts for the objective": ((rule(step=3),), losses("0.4", "9", "9", "9"), None),
    "what is equal is not greater": ((rule(step=1),), losses("0.5"), None),
    "start step 0 is every report": ((rule(step=0),), losses("0.6"), 1),
    "start step 1 is every report": ((rule(step=1),), losses("0.6"), 1),
    "a later report may meet a rule": (
        (rule("lr", "less", "0.1", 2),),
        [("lr", "0.5"), ("lr", "0.5"), ("lr", "0.5"), ("lr", "0.01")],
        4,
    ),
    "another metric has its own reports and its own last value": (
        (rule("lr", "less", "0.1", 2),),
        [("lr", "0.01"), ("loss", "1"), ("loss", "1"), ("lr", "0.2"), ("lr", "0.01")],
        5,
    ),
    "all rules must have been met, each once": (
        (rule(step=1), rule("lr", "equal", "1", 1)),
        [("lr", "1"), ("lr", "2"), ("loss", "0.9")],
        3,
    ),
    "one of two is not enough": ((rule(step=1), rule("lr", "equal", "1", 1)), losses("9", "9"), None),
    "two rules of one metric": (
        (rule("lr", "less", "0.1", 1), rule("lr", "greater", "0.9", 1)),
        [("lr", "0.01"), ("lr", "0.95")],
        2,
    ),
    "what is no number meets nothing": ((rule("lr", "less", "1", 2),), [("lr", "nan"), ("lr", "nan")], None),
    "but it counts": ((rule("lr", "less", "1", 3),), [("lr", "nan"), ("lr", "nan"), ("lr", "0.5")], 3),
    "after nan the best so far of the objective still counts": ((rule(step=2),), losses("0.9", "nan"), 2),
    "a rule without a number is never met": ((rule(value="abc", step=1),), losses("9"), None),
    "a later limit": ((rule(step=1, value="5", **later((3, "2"))),), losses("4", "4", "4"), 3),
    "before it the first": ((rule(step=1, value="5", **later((3, "2"))),), losses("4", "1"), None),
    "a limit holds until the next": (
        (rule(step=1, value="5", **later((2, "3"), (5, "1"))),), losses("2", "2", "2", "2", "2"), 5,
    ),
    "a limit may be looser than the one before": (
        (rule(step=2, value="1", **later((3, "9"))),), losses("0.5", "0.5", "0.5"), None,
    ),
    "a later limit that is no number is never met": (
        (rule(step=1, value="5", **later((2, "?"), (4, "1"))),), losses("2", "2", "2", "2"), 4,
    ),
    "a report outside, though the best so far is not": ((outside("-inf,10"),), losses("1", "11"), 2),
    "what is at an edge is inside": ((outside("0,10"),), losses("0", "10"), None),
    "below the lower": ((outside("0,inf"),), losses("1", "-0.1"), 2),
    "not before its start step, and not for what came before": (
        (outside("0,10", step=3),), losses("11", "11", "5", "11"), 4,
    ),
    "nan is outside": ((outside("0,10"),), losses("1", "nan"), 2),
    "so is the infinite, on either side": ((outside("0,inf"),), losses("inf"), 1),
    "a range that is none has nothing outside": ((outside("a,b"),), losses("nan", "1e9"), None),
    "half a range is none": ((outside("5"),), losses("9"), None),
    "no gain in so many reports": ((stale(2),), losses("5", "5", "5"), 3),
    "every gain begins the count again": ((stale(2),), losses("5", "6", "4", "6", "3", "6", "6"), 7),
    "a gain must be more than the value": ((stale(2, "1"),), losses("5", "4", "4"), 3),
    "small gains add up": ((stale(3, "1"),), losses("5", "4.6", "4.2", "3.9", "3.6", "3.2", "2.8"), None),
    "reports before the start step do not count against it": ((stale(2, step=4),), losses("5", "6", "6", "6", "6"), 5),
    "but their gains count": ((stale(2, step=3),), losses("9", "1", "2", "2"), 4),
    "nan is no gain": ((stale(2),), losses("5", "nan", "nan"), 3),
    "nor is a number after it a loss": ((stale(2),), losses("nan", "5", "4"), None),
    "nothing but nan runs out of patience": ((stale(3),), losses("nan", "nan", "nan"), 3),
    "a gain of words is never wanted": ((stale(2, "x"),), losses("5", "5", "5", "5"), None),
    "no patience at all is no rule": ((stale(0),), losses("5", "5", "5"), None),
    "a range and the best so far, each once": (
        (outside("0,10"), rule(step=1)), losses("11", "0.9"), 1,
    ),
    "a metric without a rule changes nothing": ((rule(step=1),), [("lr", "9"), ("acc", "9")], None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 2, 99])
def test_rules(name, size):
    rules, pairs, met_at = CASES[name]
    watch = Watch(rules, Objective(type=ObjectiveType.MINIMIZE, metric="loss"))
    all_of_them, seen, first = readings(*pairs), 0, None
    for start in range(0, len(all_of_them), size):
        watch.add(all_of_them[start : start + size])
        seen = min(len(all_of_them), start + size)
        if watch.met and first is None:
            first = seen
    assert (first is None) == (met_at is None)
    assert first is None or first - size < met_at <= first


def test_for_a_larger_value_the_best_so_far_is_the_largest():
    watch = Watch((rule("acc", "less", "0.5", 2),), Objective(type=ObjectiveType.MAXIMIZE, metric="acc"))
    watch.add(readings(("acc", "0.6"), ("acc", "0.1"), ("acc", "0.1")))
    assert not watch.met
    other = Watch((rule("acc", "less", "0.5", 2),), Objective(type=ObjectiveType.MAXIMIZE, metric="acc"))
    other.add(readings(("acc", "0.1"), ("acc", "0.4")))
    assert other.met


def test_gains_go_up_where_more_is_better():
    watch = Watch((rule("acc", "stale", "0.1", 1, patience=2),), Objective(type=ObjectiveType.MAXIMIZE, metric="acc"))
    watch.add(readings(("acc", "0.1"), ("acc", "0.3"), ("acc", "0.35"), ("acc", "0.5"), ("acc", "0.1")))
    assert not watch.met
    watch.add(readings(("acc", "0.55")))
    assert watch.met


def test_what_was_met_stays_met():
    watch = Watch((rule(step=1),), Objective(type=ObjectiveType.MINIMIZE, metric="loss"))
    watch.add(readings(("loss", "9")))
    watch.add(readings(("loss", "0")))
    assert watch.met
    assert watch.metrics == ()
