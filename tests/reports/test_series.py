from dataclasses import replace
from decimal import Decimal

import pytest

from kagit.objective import Metric, Objective, ObjectiveType
from kagit.space import Distribution, Parameter, ParameterType
from kagit.trial import Phase
from reports import series
from tests.reports import cases

LOSS = Objective(type=ObjectiveType.MINIMIZE, metric="loss")


def losses(*values, phases=None):
    phases = phases or [Phase.SUCCEEDED] * len(values)
    return [
        cases.trial(index, {}, ("loss", str(value)), phase=phase)
        for index, (value, phase) in enumerate(zip(values, phases, strict=True))
    ]


def test_the_best_line_only_improves_and_failed_trials_do_not_lead_it():
    phases = [Phase.SUCCEEDED, Phase.FAILED, Phase.EARLY_STOPPED, Phase.SUCCEEDED, Phase.RUNNING]
    past = series.history(LOSS, losses(5, 1, 3, 4, 0, phases=phases))
    assert past.values == ((1, 5.0), (2, 1.0), (3, 3.0), (4, 4.0))
    assert past.best == ((1, 5.0), (3, 3.0))
    assert past.last == 4


def test_the_line_has_the_best_after_each_trial_that_is_over_from_the_first_that_counts():
    phases = [Phase.FAILED, Phase.SUCCEEDED, Phase.FAILED, Phase.SUCCEEDED, Phase.METRICS_UNAVAILABLE, Phase.RUNNING]
    past = series.history(LOSS, losses(1, 5, 2, 3, "nan", 0, phases=phases))
    assert series.line(past) == (5.0, 5.0, 3.0, 3.0)
    assert series.line(series.history(LOSS, [])) == ()


@pytest.mark.parametrize("count", [0, 1, 59, 60, 61, 119, 10_000])
def test_a_thinned_line_keeps_its_ends_and_its_order(count):
    values = [float(at) for at in range(count)]
    kept = series.thinned(values)
    assert len(kept) == min(count, series.MARKS)
    assert list(kept) == sorted(set(kept))
    assert kept[:1] == tuple(values[:1])
    assert kept[-1:] == tuple(values[-1:])


def test_trials_without_a_finite_number_are_missing():
    past = series.history(LOSS, losses("nan", "inf", "unavailable", 2))
    assert past.missing == (1, 2, 3)
    assert past.best == ((4, 2.0),)


def test_the_order_of_trials_does_not_matter():
    trials = losses(5, 4, 6, 1)
    assert series.history(LOSS, trials[::-1]) == series.history(LOSS, trials)


def test_at_most_so_many_rows_with_the_best_the_failed_and_the_newest():
    trials = losses(*range(100, 0, -1))
    trials[7] = replace(trials[7], phase=Phase.FAILED)
    trials[3] = replace(trials[3], observation=(Metric(name="loss", min="-9", max="-9", latest="-9"),))
    picked = [trial.index for trial in series.chosen(LOSS, trials, 20)]
    assert len(picked) == 20
    assert picked == sorted(picked)
    assert {3, 7, 99, 98} <= set(picked)
    assert series.chosen(LOSS, trials, 100) == tuple(trials)


@pytest.mark.parametrize(
    ("low", "high", "text", "distribution", "percent"),
    [
        ("0", "10", "2.5", "uniform", 25),
        ("0.001", "10", "0.1", "logUniform", 50),
        ("0", "10", "11", "uniform", None),
        ("0", "10", "nan", "uniform", None),
        ("0", "10", "1e999999", "uniform", None),
        ("0", "10", "x", "uniform", None),
        ("5", "5", "5", "uniform", None),
        ("0", "10", "5", "logUniform", 50),
        ("-1e400", "1e400", "0", "uniform", 50),
    ],
)
def test_place_in_the_range(low, high, text, distribution, percent):
    one = Parameter(
        name="p",
        type=ParameterType.DOUBLE,
        minimum=Decimal(low),
        maximum=Decimal(high),
        distribution=Distribution(distribution),
    )
    assert series.percent(one, text) == percent


def test_budget_counts_each_trial_once():
    trials = [cases.svm(index, phase=phase) for index, phase in enumerate(Phase)]
    counts = series.budget(trials)
    assert (counts.done, counts.running, counts.created) == (5, 1, 1)
    assert (counts.succeeded, counts.failed, counts.early_stopped, counts.killed) == (1, 2, 1, 1)
