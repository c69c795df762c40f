import math
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from algorithms.bayesian import model as models
from algorithms.catalog import named
from algorithms.contract import Finished
from kagit.space import Space
from tests.algorithms.harness import asked, batch, parameter, problem, started
from tests.algorithms.test_tpe import BENT, FLAT, calls, sphere, training

ROOT = Path(__file__).parents[2]
NAME = "bayesianoptimization"
BOX = Space(tuple(parameter(name, "double", low="0", high="1") for name in "xy"))
TABLE = Space(
    (
        parameter("x", "int", low="1", high="5"),
        parameter("k", "categorical", values=("a", "b", "c")),
        parameter("d", "discrete", values=("0.1", "1", "10")),
    )
)


def values(name, space, function, *, seed, count=35, direction="minimize", **given):
    sign = 1 if direction == "minimize" else -1
    optimizer = started(name, problem(space, seed=seed, direction=direction, **given))
    found = []
    for index in range(count):
        point = asked(optimizer, index=index, running={})
        found.append(function(point))
        optimizer.tell(Finished(index=index, point=point, value=sign * found[-1]))
    return found


def told(space, function, count, **given):
    """An optimizer that knows so many random points."""
    optimizer, draws = started(NAME, problem(space, **given)), started("random", problem(space))
    for index in range(count):
        point = asked(draws, index=index, running={})
        optimizer.tell(Finished(index=index, point=point, value=function(point)))
    return optimizer


@pytest.mark.parametrize(
    ("space", "function", "direction", "share"),
    [(FLAT, sphere, "minimize", 0.02), (FLAT, sphere, "maximize", 0.02), (BENT, training, "minimize", 0.6)],
    ids=["sphere", "sphere upside down", "training"],
)
@pytest.mark.parametrize("gain", ["EI", "LCB", "PI"])
def test_it_beats_random_search_by_far(space, function, direction, share, gain):
    clever = median(min(values(NAME, space, function, seed=s, direction=direction, acq_func=gain)) for s in range(3))
    blind = median(min(values("random", space, function, seed=seed)) for seed in range(3))
    assert clever < share * blind


def test_it_sees_the_valley_that_parameters_make_together():
    """Rosenbrock's function in two dimensions, whose values go from 0 to 900,000."""

    def rosenbrock(point):
        x, y = float(point["x"]), float(point["y"])
        return 100 * (y - x * x) ** 2 + (1 - x) ** 2

    space = Space(tuple(parameter(name, "double", low="-5", high="10") for name in "xy"))
    found = sorted(min(values(NAME, space, rosenbrock, seed=seed, count=40)) for seed in range(3))
    assert found[1] < 1
    assert found[1] < min(values("tpe", space, rosenbrock, seed=1, count=40))


def test_a_few_terrible_values_hide_nothing():
    def function(point):
        x, y = float(point["x"]), float(point["y"])
        return 1e12 if x > 0.8 else (x - 0.3) ** 2 + (y - 0.6) ** 2

    assert median(min(values(NAME, BOX, function, seed=seed, count=25)) for seed in range(3)) < 1e-3


@pytest.mark.parametrize("value", [0.0, 1.0, 1e308, 5e-324, -1e6])
def test_values_that_are_all_the_same_are_no_obstacle(value):
    assert len(values(NAME, BOX, lambda _: value, seed=1, count=14)) == 14


def test_values_as_large_and_as_small_as_doubles_are_no_obstacle():
    pairs = iter([1e308, -1.7e308, 5e-324, 0.0, -5e-324, 1e-300] * 4)
    assert len(values(NAME, BENT, lambda _: next(pairs), seed=1, count=20)) == 20


def test_a_min_of_zero_works_and_nothing_is_logarithmic_unasked():
    """Katib's service refuses a min of 0 and takes logarithms of every double."""
    space = Space((parameter("x", "double", low="0", high="1"), parameter("z", "double", low="-3", high="3")))
    optimizer = started(NAME, problem(space))
    first = batch(optimizer, range(10), {})
    assert 2 < sum(float(point["x"]) > 0.5 for point in first.values()) < 8
    assert min(values(NAME, space, lambda p: (float(p["x"]) - 0.9) ** 2 + float(p["z"]) ** 2, seed=2, count=25)) < 1e-3


@pytest.mark.parametrize("count", [0, 3, 12])
def test_the_first_points_fill_the_space_as_sobol_does(count):
    sobol, optimizer = (
        started(name, problem(BENT, **given))
        for name, given in (("sobol", {}), (NAME, {"n_initial_points": str(count)}))
    )
    for index in range(15):
        point = asked(optimizer, index=index, running={})
        assert (point == asked(sobol, index=index, running={})) is (index < max(count, 1))
        optimizer.tell(Finished(index=index, point=point, value=training(point)))


@pytest.mark.parametrize("given", [{"acq_func": "LCB"}, {"acq_func": "PI"}, {"acq_optimizer": "sampling"}])
def test_every_setting_has_an_effect(given):
    plain = asked(told(FLAT, sphere, 20), index=20, running={})
    assert asked(told(FLAT, sphere, 20, **given), index=20, running={}) != plain


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("acq_func=gp_hedge", "EI"),
        ("acq_func=EIps", "EI"),
        ("acq_func=PIps", "PI"),
        ("base_estimator=RF", "EI"),
        ("base_estimator=ET", "EI"),
        ("base_estimator=GBRT", "EI"),
    ],
)
def test_what_a_setting_means_less_here_is_said(given, same):
    name, text = given.split("=")
    (issue,) = named(NAME).check(problem(FLAT, random_state="1", **{name: text}))
    assert issue.at == ("algorithm", "algorithmSettings", 1, "value")
    assert (issue.severity, issue.slug) == ("warning", "setting-unused")
    assert issue.message.startswith(f"{name} {text} has no effect here: ")
    plain = asked(told(FLAT, sphere, 20, acq_func=same), index=20, running={})
    assert asked(told(FLAT, sphere, 20, **{name: text}), index=20, running={}) == plain


def test_katibs_own_example_has_no_issue_and_auto_is_lbfgs():
    settings = {"base_estimator": "GP", "n_initial_points": "10", "acq_func": "EI", "acq_optimizer": "lbfgs"}
    assert named(NAME).check(problem(FLAT, **settings)) == ()
    plain = asked(told(FLAT, sphere, 20), index=20, running={})
    assert asked(told(FLAT, sphere, 20, **settings), index=20, running={}) == plain


def test_more_parameters_than_a_model_is_good_for_are_said():
    def issues(count):
        return named(NAME).check(
            problem(Space(tuple(parameter(f"p{i}", "int", low="1", high="9") for i in range(count))))
        )

    assert issues(100) == ()
    assert [(one.slug, one.severity) for one in issues(101)] == [("many-parameters", "warning")]
    assert [(one.slug, one.severity) for one in issues(21202)] == [("too-many-parameters", "error")]


def test_a_corner_is_not_tried_twice():
    """Where the best value is at the border the gain is climbed into the same corner again and again."""
    points = []

    def slope(point):
        points.append(tuple(point.values()))
        return sum(map(float, point.values()))

    values(NAME, BOX, slope, seed=3, count=40)
    assert ("0.0", "0.0") in points
    assert len(set(points)) == 40


def test_a_table_is_gone_through_before_anything_comes_again():
    points = []

    def function(point):
        points.append(tuple(point.values()))
        return None if point["k"] == "b" else float(point["x"]) * float(point["d"])

    optimizer = started(NAME, problem(TABLE))
    for index in range(46):
        point = asked(optimizer, index=index, running={})
        optimizer.tell(Finished(index=index, point=point, value=function(point)))
    assert len(set(points[:45])) == 45
    assert points[45] in points[:45]


def test_a_large_table_is_searched_on_its_legal_values_only():
    """Two columns of 1,000 values each: too many to look at one by one."""
    space = Space(tuple(parameter(name, "double", low="0", high="0.999", step="0.001") for name in "xy"))
    function = lambda p: (float(p["x"]) - 0.345) ** 2 + (float(p["y"]) - 0.678) ** 2  # noqa: E731 - it is short
    found = values(NAME, space, function, seed=1, count=40)
    assert min(found) < 3e-6


def test_a_large_table_may_be_nearly_gone_through():
    space = Space(tuple(parameter(name, "int", low="1", high="65") for name in "xy"))
    optimizer = started(NAME, problem(space))
    pairs = [{"x": str(k // 65 + 1), "y": str(k % 65 + 1)} for k in range(65 * 65)]
    for index, point in enumerate(pairs[:-2]):
        optimizer.tell(Finished(index=index, point=point, value=float(index) if index < 12 else None))
    points = batch(optimizer, range(5000, 5004), {})
    assert len({tuple(point.values()) for point in points.values()}) == 4


def test_running_points_are_kept_away_from():
    def spread(*, seen):
        optimizer = told(FLAT, sphere, 40)
        points = {}
        for index in range(40, 48):
            points[index] = asked(optimizer, index=index, running=points if seen else {})
        places = [[float(text) for text in point.values()] for point in points.values()]
        return median(math.dist(a, b) for i, a in enumerate(places) for b in places[:i])

    assert spread(seen=True) > 20 * spread(seen=False)


def test_telling_costs_the_same_however_long_the_history_is():
    optimizer = started(NAME, problem(BENT))
    draws = started("random", problem(BENT))
    points = [asked(draws, index=index, running={}) for index in range(400)]

    def tell(index):
        return calls(lambda: optimizer.tell(Finished(index=index, point=points[index], value=training(points[index]))))

    costs = [tell(index) for index in range(400)]
    assert sum(costs[300:]) <= 1.02 * sum(costs[100:200])


def test_a_batch_fits_the_model_once_and_failures_not_at_all(monkeypatch):
    optimizer, fits = told(BENT, training, 20), []
    fitted = models.fitted
    monkeypatch.setattr(models, "fitted", lambda *arguments: fits.append(len(arguments[0])) or fitted(*arguments))
    points = batch(optimizer, range(20, 25), {})
    assert fits == [20]
    optimizer.tell(Finished(index=20, point=points[20], value=None))
    asked(optimizer, index=25, running={})
    assert fits == [20]
    optimizer.tell(Finished(index=21, point=points[21], value=0.5))
    asked(optimizer, index=26, running={})
    assert fits == [20, 21]


def test_the_number_of_threads_changes_nothing():
    """Where OpenBLAS may take two threads it adds up in another order, unless it is held to one."""
    program = """if True:
        from tests.algorithms.test_bayesian import FLAT, asked, sphere, told
        print(asked(told(FLAT, sphere, 300), index=300, running={}))
    """

    def answer(threads):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert answer("1") == answer("2") != ""


def test_a_long_history_is_cut_down_the_same_way_in_any_order():
    there, back = (started(NAME, problem(BENT)) for _ in range(2))
    draws = started("random", problem(BENT))
    trials = [
        Finished(index=i, point=p, value=training(p)) for i in range(560) if (p := asked(draws, index=i, running={}))
    ]
    for one, other in zip(trials, reversed(trials), strict=True):
        there.tell(one)
        back.tell(other)
    assert asked(there, index=560, running={}) == asked(back, index=560, running={})
    assert len(there._fed()._believed()[0].rows) == 500
