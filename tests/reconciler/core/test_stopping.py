"""Early stopping rules against readings: spec katib.md section 6, with its defects 8 and 21 mended."""

import pytest

from kagit.objective import Objective, ObjectiveType, number
from kagit.trial import Comparison, EarlyStoppingRule
from reconciler.core.stopping import Watch
from reconciler.ports import Reading


def rule(metric="loss", comparison="greater", value="0.5", step=3):
    return EarlyStoppingRule(metric=metric, value=value, comparison=Comparison(comparison), start_step=step)


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


def test_what_was_met_stays_met():
    watch = Watch((rule(step=1),), Objective(type=ObjectiveType.MINIMIZE, metric="loss"))
    watch.add(readings(("loss", "9")))
    watch.add(readings(("loss", "0")))
    assert watch.met
    assert watch.metrics == ()
