"""`medianstop`: spec katib.md section 6, with the median that its name promises."""

import itertools

import pytest

from algorithms.stopping import catalog
from algorithms.stopping.contract import Case
from kagit.objective import ObjectiveType
from kagit.trial import Comparison, EarlyStoppingRule


def case(direction="minimize", **settings) -> Case:
    return Case(metric="loss", direction=ObjectiveType(direction), settings=settings)


def rules(curves, **given):
    stopper = catalog.named("medianstop").start(case(**given))
    for curve in curves:
        stopper.tell(curve)
    return stopper.rules()


def value(curves, **given) -> float:
    (one,) = rules(curves, min_trials_required="1", **given)
    return float(one.value)


def test_without_settings_three_trials_and_four_reports_are_needed():
    curves = [[1.0] * 9, [2.0] * 9, [3.0] * 9]
    assert rules(curves[:2]) == ()
    assert rules(curves) == (
        EarlyStoppingRule(metric="loss", value="2.0", comparison=Comparison.GREATER, start_step=4),
    )


def test_what_is_to_grow_must_not_be_less():
    (one,) = rules([[1.0]], direction="maximize", min_trials_required="1")
    assert one.comparison is Comparison.LESS


@pytest.mark.parametrize(
    ("curves", "given", "expected"),
    [
        ([[1.0, 2.0, 3.0, 100.0]], {"start_step": "3"}, 2.0),
        ([[1.0, 2.0]], {"start_step": "4"}, 1.5),
        ([[1.0, None, 3.0, 5.0]], {"start_step": "3"}, 2.0),
        ([[1.0], [2.0], [30.0]], {}, 2.0),
        ([[1.0], [2.0], [30.0]], {"statistic": "mean"}, 11.0),
        ([[1.0], [2.0], [4.0], [30.0]], {}, 3.0),
        ([[1.0], [2.0], [30.0]], {"statistic": "median"}, 2.0),
        ([[1e308] * 4, [1e308] * 4], {}, 1e308),
        ([[1e308] * 4, [1e308] * 4], {"statistic": "mean"}, 1e308),
        ([[-1.0], [1.0]], {}, 0.0),
    ],
)
def test_the_middle_of_the_averages(curves, given, expected):
    assert value(curves, **given) == expected


@pytest.mark.parametrize("curve", [[], [None], [None, None, None, None, 5.0]])
def test_a_trial_without_a_number_in_its_first_reports_teaches_nothing(curve):
    assert rules([curve], min_trials_required="1") == ()


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_the_order_in_which_trials_end_changes_nothing(statistic):
    curves = [[0.1], [0.7], [1e17], [-1e17], [0.3]]
    found = {rules(order, min_trials_required="1", statistic=statistic) for order in itertools.permutations(curves)}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("settings", "place", "part"),
    [
        ({"min_trials_required": "0"}, (0, "value"), "a whole number of at least 1"),
        ({"start_step": "0"}, (0, "value"), "a whole number from 1"),
        ({"start_step": "x"}, (0, "value"), "'x'"),
        ({"start_step": "4", "min_trials_require": "3"}, (1, "name"), "did you mean min_trials_required?"),
        ({"zzz": "3"}, (0, "name"), "known are min_trials_required, start_step, statistic, average, interval_steps"),
        ({"statistic": "mode"}, (0, "value"), "give one of median, mean"),
    ],
)
def test_a_wrong_setting_is_named_with_place_and_way_out(settings, place, part):
    (issue,) = catalog.named("medianstop").check(case(**settings))
    assert issue.at == ("earlyStopping", "algorithmSettings", *place)
    assert part in issue.message


def test_legal_settings_pass():
    given = {"min_trials_required": "1", "start_step": "1", "statistic": "mean"}
    assert catalog.named("medianstop").check(case(**given)) == ()
