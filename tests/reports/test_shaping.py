from dataclasses import replace

import pytest

from kagit.search import Clause, Rules, Search
from kagit.trial import Comparison, EarlyStoppingRule, Limit, Phase
from reports import remarks, shaping
from tests.reports import cases


def told(**given):
    one = replace(cases.finished().experiment, search=Search(**given))
    return [(label, cell.text) for label, cell in shaping.facts(replace(cases.finished(), experiment=one))]


def clause(parameter, *values, sign="in"):
    return Clause(parameter=parameter, sign=sign, values=values)


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({}, []),
        ({"fixed": {"kernel": "rbf"}}, [("Fixed", "kernel = rbf")]),
        (
            {"initial": ({"C": "1"}, {"C": "2", "gamma": "3"})},
            [("Tried first 1", "C = 1"), ("Tried first 2", "C = 2, gamma = 3")],
        ),
        (
            {"rules": Rules(active={"gamma": (clause("kernel", "rbf", "poly"), clause("C", "1", sign=">="))})},
            [("Counts only sometimes", "gamma if kernel is rbf or poly and C >= 1")],
        ),
        (
            {"rules": Rules(forbidden=((clause("kernel", "rbf"), clause("C", "5", sign="!=")),))},
            [("Never tried", "kernel is rbf and C != 5")],
        ),
        (
            {"start_from": {"pilot": 3}, "started": ({"C": "4"},)},
            [("Begins with points of", "3 best of pilot"), ("Point of another experiment", "C = 4")],
        ),
    ],
)
def test_each_annotation_is_told_in_words(given, facts):
    assert told(**given) == facts


def test_a_long_list_is_cut_and_says_how_much_is_left():
    facts = told(initial=tuple({"C": str(at)} for at in range(13)))
    assert len(facts) == 11
    assert facts[-1] == ("Tried first 11 and on", "3 more")


RULE = EarlyStoppingRule(metric="loss", value="0.5", comparison=Comparison.GREATER, start_step=3)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULE, "loss greater than 0.5 from report 3"),
        (
            replace(RULE, later=(Limit(5, "0.4"), Limit(6, "0.3"))),
            "loss greater than 0.5 from report 3, later others: 2",
        ),
        (replace(RULE, comparison=Comparison.EQUAL), "loss equal to 0.5 from report 3"),
        (replace(RULE, comparison=Comparison.OUTSIDE, value="0,1"), "loss outside 0,1 from report 3"),
        (
            replace(RULE, comparison=Comparison.STALE, value="0.01", patience=4),
            "loss without a gain above 0.01 in 4 reports",
        ),
    ],
)
def test_the_rules_of_a_stopped_trial_are_told(rule, words):
    trial = replace(cases.svm(0), rules=(rule,))
    assert remarks.stopped(replace(trial, phase=Phase.EARLY_STOPPED)) == words
    assert remarks.stopped(trial) == ""


def test_only_columns_that_say_something_are_there():
    assert remarks.of(cases.finished(), ()) == ()
    trials = (cases.svm(0), replace(cases.svm(1), parent=0))
    (column,) = remarks.of(cases.report(trials), ())
    assert (column.title, [column.say(one) for one in trials]) == ("Goes on from", ["", "digits-svm-1-0000"])
