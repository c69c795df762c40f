"""`percentile`, `threshold` and `patience`, and the promises of all early stopping; `medianstop` has its own file."""

import itertools
import statistics
from fractions import Fraction

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.stopping import catalog
from algorithms.stopping.contract import Case
from algorithms.stopping.spread import Spread, averages
from algorithms.stopping.table import Table
from kagit.errors import Refused
from kagit.findings import Severity
from kagit.objective import Objective, ObjectiveType, number
from kagit.trial import Comparison, EarlyStoppingRule, Limit
from reconciler.core.stopping import Watch
from reconciler.ports import Reading

finite = st.floats(allow_nan=False, allow_infinity=False)
curves = st.lists(st.lists(st.one_of(finite, st.none()), max_size=12), max_size=8)


def case(direction="minimize", **settings) -> Case:
    return Case(metric="loss", direction=ObjectiveType(direction), settings=settings)


def rules(name, told, **wanted):
    stopper = catalog.named(name).start(case(**wanted))
    for curve in told:
        stopper.tell(curve)
    return stopper.rules()


def stopped_at(found, curve, direction="minimize") -> int | None:
    """The report with which a trial of that curve is stopped, the first is 1."""
    watch = Watch(found, Objective(type=ObjectiveType(direction), metric="loss"))
    for step, value in enumerate(curve, start=1):
        text = str(value)
        watch.add([Reading(trial="t", metric="loss", step=step, time="", value=number(text), text=text)])
        if watch.met:
            return step
    return None


# --------------------------------------------------------------------------------------------------------- percentile


def test_without_settings_five_trials_and_four_reports_are_needed():
    told = [[9.0, 9.0, 9.0, float(n)] for n in range(5)]
    assert rules("percentile", told[:4]) == ()
    assert rules("percentile", told) == (
        EarlyStoppingRule(metric="loss", value="1.0", comparison=Comparison.GREATER, start_step=4),
    )


def test_each_step_has_its_own_limit_and_one_like_the_last_is_left_out():
    told = [[3.0, 2.0, 2.0, 1.0], [3.0, 2.0, 2.0]]
    (one,) = rules("percentile", told, min_trials_required="2", start_step="1")
    assert (one.value, one.start_step) == ("3.0", 1)
    assert one.later == (Limit(step=2, value="2.0"), Limit(step=4, value="1.0"))


def test_a_step_with_too_few_trials_is_not_judged():
    told = [[3.0, 2.0, 2.0, 1.0], [3.0, 2.0, 1.5]]
    (one,) = rules("percentile", told, min_trials_required="2", n_min_trials="2", start_step="1", percentile="50")
    assert one.later == (Limit(step=2, value="2.0"), Limit(step=3, value="1.75"))


def test_of_what_is_to_grow_the_best_are_the_largest():
    told = [[1.0], [2.0], [3.0], [4.0], [5.0]]
    (one,) = rules("percentile", told, direction="maximize", start_step="1", percentile="20")
    assert (one.value, one.comparison) == (repr(Spread_of(1, 2, 3, 4, 5).below(80)), Comparison.LESS)
    assert float(one.value) == pytest.approx(4.2)


def Spread_of(*values) -> Spread:  # noqa: N802 - a spread of these
    spread = Spread()
    for value in values:
        spread.add(value)
    return spread


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("percentile", "warmup", "startup"), [(25, 0, 5), (50, 2, 3), (75, 4, 1), (100, 0, 1), (0, 0, 1)]
)
def test_it_stops_where_optuna_prunes(direction, percentile, warmup, startup):
    chance = np.random.default_rng(percentile + warmup)
    pruner = optuna.pruners.PercentilePruner(percentile, n_startup_trials=startup, n_warmup_steps=warmup)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction=direction, pruner=pruner)
    told, stops = [], []
    for _ in range(40):
        curve = (chance.normal() + np.cumsum(chance.normal(size=8))).tolist()
        trial, pruned = study.ask(), None
        for step, value in enumerate(curve):
            trial.report(value, step)
            if pruned is None and trial.should_prune():
                pruned = step + 1
        settings = {"percentile": str(percentile), "start_step": str(warmup + 1), "min_trials_required": str(startup)}
        found = rules("percentile", told, direction=direction, **settings)
        assert stopped_at(found, curve, direction) == pruned
        stops.append(pruned)
        study.tell(trial, curve[-1], state=optuna.trial.TrialState.COMPLETE)
        told.append(curve)
    assert {None} != set(stops) or percentile == 100


# ----------------------------------------------------------------------------------------------- threshold, patience


@pytest.mark.parametrize(
    ("settings", "curve", "expected"),
    [
        ({"upper": "10"}, [1.0, 11.0], 2),
        ({"upper": "10"}, [-1e308, 10.0], None),
        ({"lower": "0"}, [1.0, -0.5], 2),
        ({"lower": "0", "upper": "1"}, [0.5, 2.0], 2),
        ({"lower": "0", "upper": "1"}, [0.5, -2.0], 2),
        ({"upper": "10", "start_step": "3"}, [11.0, 11.0, 11.0], 3),
        ({"upper": "1e-3"}, [0.002], 1),
        ({"upper": "10"}, [1.0, float("nan")], 2),
        ({"lower": "0"}, [1.0, float("inf")], 2),
    ],
)
def test_threshold(settings, curve, expected):
    assert stopped_at(rules("threshold", [], **settings), curve) == expected


@pytest.mark.parametrize(("lower", "upper", "warmup"), [(None, 1.0, 0), (-1.0, None, 2), (-1.0, 1.0, 3)])
def test_threshold_stops_where_optuna_prunes(lower, upper, warmup):
    chance = np.random.default_rng(3)
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(lower, upper, n_warmup_steps=warmup))
    settings = {key: str(value) for key, value in (("lower", lower), ("upper", upper)) if value is not None}
    found, stops = rules("threshold", [], start_step=str(warmup + 1), **settings), set()
    for _ in range(40):
        curve, trial, pruned = chance.normal(size=6).tolist(), study.ask(), None
        for step, value in enumerate(curve):
            trial.report(value, step)
            if pruned is None and trial.should_prune():
                pruned = step + 1
        assert stopped_at(found, curve) == pruned
        stops.add(pruned)
    assert len(stops) > 2


@pytest.mark.parametrize(
    ("settings", "curve", "expected"),
    [
        ({}, [1.0] * 12, 11),
        ({"patience": "2"}, [3.0, 2.0, 2.0, 2.0], 4),
        ({"patience": "2", "min_delta": "0.5"}, [3.0, 2.6, 2.5], 3),
        ({"patience": "2", "min_delta": "0.5"}, [3.0, 2.6, 2.4, 2.4], None),
        ({"patience": "1", "start_step": "5"}, [1.0] * 5, 5),
    ],
)
def test_patience(settings, curve, expected):
    assert stopped_at(rules("patience", [], **settings), curve) == expected


# -------------------------------------------------------------------------------------------------- medianstop, running


def test_the_running_median_is_that_of_vizier():
    chance = np.random.default_rng(5)
    told = [chance.normal(size=9).tolist() for _ in range(20)]
    settings = {"average": "running", "start_step": "3", "min_trials_required": "5"}
    found = rules("medianstop", told, **settings)
    stops = set()
    for _ in range(50):
        curve = chance.normal(size=9).tolist()
        worse = [
            step
            for step in range(3, 10)
            if min(curve[:step]) > statistics.median(statistics.fmean(one[:step]) for one in told)
        ]
        assert stopped_at(found, curve) == (worse[0] if worse else None)
        stops.add(stopped_at(found, curve))
    assert len(stops) > 1


def test_a_longer_trial_is_held_to_those_that_came_as_far():
    told = [[4.0, 4.0], [2.0, 2.0, 8.0, 8.0], [0.0, 0.0, 0.0, 0.0]]
    (one,) = rules("medianstop", told, average="running", start_step="2", min_trials_required="2")
    assert (one.value, one.later) == ("2.0", (Limit(step=4, value="2.5"),))


# ------------------------------------------------------------------------------------------------------------ promises

SETTINGS = {
    "medianstop": [{}, {"statistic": "mean"}, {"average": "running", "min_trials_required": "1"}],
    "patience": [{}],
    "percentile": [{"min_trials_required": "1", "start_step": "2"}, {"percentile": "90", "n_min_trials": "2"}],
    "threshold": [{"upper": "1"}],
}
ALL = [pytest.param(name, each, id=f"{name} {each}") for name, some in SETTINGS.items() for each in some]


def test_there_are_settings_for_all():
    assert list(SETTINGS) == list(catalog.names())
    assert [catalog.named(name).name for name in catalog.names()] == list(catalog.names())


@pytest.mark.parametrize(("name", "settings"), ALL)
@given(told=curves, order=st.randoms(use_true_random=False))
def test_the_order_in_which_trials_end_changes_nothing(name, settings, told, order):
    shuffled = order.sample(told, len(told))
    assert rules(name, told, **settings) == rules(name, shuffled, **settings)


@pytest.mark.parametrize(("name", "settings"), ALL)
@given(told=curves)
def test_asking_in_between_changes_nothing(name, settings, told):
    stopper = catalog.named(name).start(case(**settings))
    for curve in told:
        stopper.tell(curve)
        stopper.rules()
    assert stopper.rules() == rules(name, told, **settings)


@pytest.mark.parametrize(("name", "settings"), ALL)
def test_who_is_blind_learns_nothing_and_who_is_not_does(name, settings):
    told = [[9.0, 8.0, 7.0, 6.0, 5.0]] * 6
    assert (rules(name, told, **settings) == rules(name, [], **settings)) == catalog.named(name).is_blind


@pytest.mark.parametrize(("name", "settings"), ALL)
@given(told=curves)
def test_limits_are_finite_and_come_in_order(name, settings, told):
    for one in rules(name, told, **settings):
        steps = [one.start_step, *(limit.step for limit in one.later)]
        assert steps == sorted(set(steps))
        if one.comparison is not Comparison.OUTSIDE:
            assert all(abs(float(text)) < float("inf") for text in (one.value, *(limit.value for limit in one.later)))


@pytest.mark.parametrize("name", ["medianstop", "percentile"])
def test_the_rule_of_long_trials_is_short(name):
    long = [float(-step) for step in range(100_000)]
    more = {"average": "running"} if name == "medianstop" else {}
    (one,) = rules(name, [long], min_trials_required="1", start_step="1", **more)
    assert 60 < len(one.later) < 110
    assert one.later[-1].step > 80_000


def test_steps_are_intervals_apart_and_then_an_eighth_of_their_number():
    table = Table(start=2, interval=3)
    table.add([float(-n) for n in range(60)])
    (one,) = table.rules(case(), middle=Spread.mean, least=1)
    steps = [one.start_step, *(limit.step for limit in one.later)]
    assert steps == [2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41, 44, 47, 50, 56]


def test_a_first_step_beyond_all_reports_costs_nothing():
    assert rules("percentile", [[1.0]], min_trials_required="1", start_step=str(2**31 - 1)) == ()
    (one,) = rules("medianstop", [[1.0, 3.0]], min_trials_required="1", start_step=str(2**31 - 1))
    assert (one.value, one.start_step) == ("2.0", 2**31 - 1)


@given(values=st.lists(finite, min_size=1), percent=st.integers(0, 100))
def test_a_spread_lies_within_its_numbers(values, percent):
    spread = Spread_of(*values)
    assert min(values) <= spread.below(percent) <= max(values)
    assert min(values) <= spread.mean() <= max(values)
    assert spread.mean() == float(statistics.mean(map(Fraction, values)))


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30), percent=st.floats(0, 100))
def test_a_spread_agrees_with_numpy(values, percent):
    expected = np.percentile(values, percent)
    assert Spread_of(*values).below(percent) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_averages():
    assert list(averages([None, 1.0, None, 3.0, 1e308])) == [None, 1.0, 1.0, 2.0, pytest.approx(1e308 / 3)]
    assert list(averages([1.7e308] * 3)) == [1.7e308] * 3


# ------------------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("name", "settings", "place", "part"),
    [
        ("percentile", {"percentile": "101"}, (0, "value"), "give a number from 0 to 100"),
        ("percentile", {"percentile": "nan"}, (0, "value"), "give a number from 0 to 100"),
        ("percentile", {"n_startup_trials": "5"}, (0, "name"), "percentile has no setting 'n_startup_trials'"),
        ("percentile", {"interval_steps": "0"}, (0, "value"), "a whole number from 1"),
        ("percentile", {"n_min_trials": "0"}, (0, "value"), "a whole number of at least 1"),
        ("threshold", {}, (), "neither lower nor upper; give one of them, or both"),
        ("threshold", {"start_step": "3"}, (), "neither lower nor upper"),
        ("threshold", {"upper": "inf"}, (0, "value"), "give a number, or remove it"),
        ("threshold", {"upper": "1", "lower": "1"}, (1, "value"), "lower of threshold is 1, not below upper 1"),
        ("threshold", {"uper": "1"}, (0, "name"), "did you mean upper?"),
        ("patience", {"patience": "0"}, (0, "value"), "a whole number from 1"),
        ("patience", {"min_delta": "-1"}, (0, "value"), "a number of at least 0"),
        ("patience", {"patience": "5", "min_trials_required": "3"}, (1, "name"), "no setting 'min_trials_required'"),
        ("medianstop", {"average": "last"}, (0, "value"), "give one of first, running"),
    ],
)
def test_a_wrong_setting_is_named_with_place_and_way_out(name, settings, place, part):
    (issue,) = catalog.named(name).check(case(**settings))
    assert issue.at == ("earlyStopping", "algorithmSettings", *place)
    assert part in issue.message
    assert issue.severity is Severity.ERROR


def test_a_setting_without_effect_is_said_to_have_none():
    (issue,) = catalog.named("medianstop").check(case(statistic="mean", interval_steps="2"))
    assert (issue.at[-1], issue.severity) == (1, Severity.WARNING)
    assert "has no effect" in issue.message
    assert catalog.named("medianstop").check(case(average="running", interval_steps="2")) == ()


@pytest.mark.parametrize(
    ("name", "part"), [("medianstopp", "did you mean medianstop"), ("x", "known are medianstop, p")]
)
def test_an_unknown_name_is_refused_with_the_way_out(name, part):
    with pytest.raises(Refused, match=part):
        catalog.named(name)


def test_rules_are_made_in_any_order_of_asking():
    told = [[1.0, 2.0], [3.0], [2.0, 2.0, 2.0]]
    found = {rules("percentile", order, min_trials_required="1") for order in itertools.permutations(told)}
    assert len(found) == 1
