import math
import sys
from statistics import median

import pytest

from algorithms.contract import Finished
from kagit.space import Space
from tests.algorithms.harness import asked, parameter, problem, started

FLAT = Space(tuple(parameter(name, "double", low="-5", high="5") for name in "xyz"))
BENT = Space(
    (
        parameter("lr", "double", low="1e-6", high="1", dist="logUniform"),
        parameter("width", "int", low="1", high="512", dist="logUniform"),
        parameter("depth", "int", low="1", high="12"),
        parameter("drop", "double", low="0", high="0.9", step="0.1"),
        parameter("kind", "categorical", values=("a", "b", "c", "d")),
        parameter("batch", "discrete", values=("256", "16", "32", "64", "128")),
    )
)


def sphere(point):
    return sum((float(text) - 1.3) ** 2 for text in point.values())


def training(point):
    distance = (math.log10(float(point["lr"])) + 3) ** 2 + (math.log2(int(point["width"])) - 6) ** 2 / 4
    distance += (int(point["depth"]) - 5) ** 2 / 9 + 4 * (float(point["drop"]) - 0.3) ** 2
    return (
        distance + {"a": 1.0, "b": 0.5, "c": 0.0, "d": 2.0}[point["kind"]] + abs(math.log2(int(point["batch"])) - 5) / 2
    )


def best(name, space, function, *, seed, direction="minimize", count=60):
    sign = 1 if direction == "minimize" else -1
    optimizer = started(name, problem(space, seed=seed, direction=direction))
    values = []
    for index in range(count):
        point = asked(optimizer, index=index, running={})
        values.append(function(point))
        optimizer.tell(Finished(index=index, point=point, value=sign * values[-1]))
    return min(values)


@pytest.mark.parametrize(
    ("space", "function", "direction"),
    [(FLAT, sphere, "minimize"), (FLAT, sphere, "maximize"), (BENT, training, "minimize")],
    ids=["sphere", "sphere upside down", "training"],
)
def test_it_beats_random_search(space, function, direction):
    clever = median(best("tpe", space, function, seed=seed, direction=direction) for seed in range(5))
    blind = median(best("random", space, function, seed=seed) for seed in range(5))
    assert clever < 0.7 * blind


@pytest.mark.parametrize(("space", "function"), [(FLAT, sphere), (BENT, training)], ids=["sphere", "training"])
def test_all_together_it_beats_random_search_too(space, function):
    clever = median(best("multivariate-tpe", space, function, seed=seed) for seed in range(5))
    blind = median(best("random", space, function, seed=seed) for seed in range(5))
    assert clever < 0.7 * blind


@pytest.mark.parametrize("setting", ["gamma=0.9", "prior_weight=50", "n_EI_candidates=2", "n_startup_trials=29"])
def test_every_setting_has_an_effect(setting):
    name, text = setting.split("=")

    def answer(**given):
        optimizer = started("tpe", problem(BENT, **given))
        for index in range(30):
            point = asked(started("random", problem(BENT)), index=index, running={})
            optimizer.tell(Finished(index=index, point=point, value=training(point)))
        return [asked(optimizer, index=index, running={}) for index in range(30, 33)]

    assert (answer(**{name: text}) != answer()) is (name != "n_startup_trials")
    assert answer(n_ei_candidates="2") == answer(n_EI_candidates="2")
    assert answer(n_startup_trials="31")[0] == asked(started("random", problem(BENT)), index=30, running={})


def test_without_start_up_it_answers_from_an_empty_history():
    optimizer = started("tpe", problem(BENT, n_startup_trials="0"))
    assert BENT.contains(asked(optimizer, index=0, running={}))


@pytest.mark.parametrize("dist", ["normal", "logNormal"])
def test_normal_distributions_are_honoured_after_the_start_as_well(dist):
    """With an empty history the model is its prior: most points lie within one sigma of the middle."""
    space = Space(tuple(parameter(f"p{i}", "double", low="1", high="1e6", dist=dist) for i in range(40)))
    point = asked(started("tpe", problem(space, n_startup_trials="0")), index=0, running={})
    places = [
        math.log(float(text)) / math.log(1e6) if dist == "logNormal" else float(text) / 1e6 for text in point.values()
    ]
    assert 0.5 < sum(1 / 3 < place < 2 / 3 for place in places) / 40 < 0.9


def test_running_points_are_kept_away_from():
    space = Space((parameter("x", "double", low="0", high="1"),))

    def spread(*, told):
        optimizer = started("tpe", problem(space))
        for index in range(40):
            optimizer.tell(Finished(index=index, point={"x": str(index / 40)}, value=abs(index / 40 - 0.5)))
        points = {}
        for index in range(40, 48):
            points[index] = asked(optimizer, index=index, running=points if told else {})
        values = sorted(float(point["x"]) for point in points.values())
        return values[-1] - values[0]

    assert spread(told=True) > 1.5 * spread(told=False)


def calls(function):
    """How many Python functions are entered while `function` runs."""
    count = 0

    def seen(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def test_telling_costs_the_same_however_long_the_history_is():
    optimizer = started("tpe", problem(BENT, n_startup_trials="0"))
    points = [asked(started("random", problem(BENT)), index=index, running={}) for index in range(400)]

    def tell_and_hand_over(index):
        told = calls(lambda: optimizer.tell(Finished(index=index, point=points[index], value=training(points[index]))))
        return told, calls(optimizer._fed)

    asked(optimizer, index=0, running={})
    costs = [tell_and_hand_over(index) for index in range(400)]
    late, early = sum(map(sum, costs[300:])), sum(map(sum, costs[100:200]))
    assert late <= 1.02 * early


def test_a_trial_reaches_the_model_once():
    """Asking again does not hand the history over again."""
    optimizer = started("tpe", problem(BENT, n_startup_trials="0"))
    for index in range(50):
        optimizer.tell(
            Finished(index=index, point=asked(started("random", problem(BENT)), index=index, running={}), value=1.0)
        )
    asked(optimizer, index=50, running={})
    handed = []
    tell = optimizer._model.tell
    optimizer._model.tell = lambda *arguments: handed.append(arguments[0].index) or tell(*arguments)
    for index in range(51, 54):
        optimizer.tell(
            Finished(index=index, point=asked(started("random", problem(BENT)), index=index, running={}), value=1.0)
        )
        asked(optimizer, index=60 + index, running={})
    assert handed == [51, 52, 53]
