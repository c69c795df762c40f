import math
from itertools import combinations
from statistics import mean, median

import pytest

from algorithms.catalog import named
from algorithms.contract import Finished
from kagit.space import Space
from tests.algorithms.harness import asked, parameter, problem, started
from tests.algorithms.test_tpe import BENT, FLAT, sphere, training

SQUARE = Space(tuple(parameter(name, "double", low="-2", high="2") for name in "xy"))
GRID = Space(
    (
        parameter("a", "int", low="1", high="50", dist="logUniform"),
        parameter("b", "int", low="1", high="50"),
        parameter("c", "int", low="0", high="1"),
    )
)
WORDS = Space((*FLAT.parameters, *(parameter(f"k{i}", "categorical", values=tuple("abcde")) for i in range(4))))
NUMBERS = Space(tuple(one for one in BENT if one.name != "kind"))


def banana(point):
    x, y = (float(text) for text in point.values())
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def searched(name, space, function, *, seed=1, count=120, direction="minimize", parallel=1, **given):
    sign = 1 if direction == "minimize" else -1
    optimizer = started(name, problem(space, seed=seed, direction=direction, **given))
    points = {}
    for index in range(count):
        points[index] = asked(
            optimizer, index=index, running={i: points[i] for i in range(max(0, index - parallel + 1), index)}
        )
        done = index - parallel + 1
        if done >= 0:
            optimizer.tell(Finished(index=done, point=points[done], value=sign * function(points[done])))
    return [function(point) for point in points.values()], points


@pytest.mark.parametrize(
    ("space", "function", "direction", "parallel"),
    [
        (FLAT, sphere, "minimize", 1),
        (FLAT, sphere, "maximize", 1),
        (FLAT, sphere, "minimize", 8),
        (SQUARE, banana, "minimize", 1),
        (NUMBERS, lambda point: training({**point, "kind": "c"}), "minimize", 3),
    ],
    ids=["sphere", "upside down", "eight at once", "banana", "steps and lists"],
)
def test_it_beats_random_search(space, function, direction, parallel):
    def best(name, parallel):
        return median(
            min(searched(name, space, function, seed=seed, count=250, direction=direction, parallel=parallel)[0])
            for seed in range(5)
        )

    assert best("cmaes", parallel) < 0.5 * best("random", 1)


def test_no_point_comes_twice_although_it_converges():
    _, points = searched("cmaes", SQUARE, lambda _: 0.0, count=400)
    assert len({tuple(point.values()) for point in points.values()}) == 400


def mixed(point):
    distance = sum((float(point[name]) - 1.3) ** 2 for name in "xyz")
    return distance + 5 * sum("abcde".index(point[f"k{i}"]) != i for i in range(4))


def test_categories_are_learned_and_not_drawn_by_chance():
    """Optuna's and goptuna's draw them at random, which leaves one of 625 combinations to luck."""
    best = [min(searched("cmaes", WORDS, mixed, seed=seed, count=150)[0]) for seed in range(5)]
    blind = [min(searched("random", WORDS, mixed, seed=seed, count=150)[0]) for seed in range(5)]
    assert median(best) < 0.25 * median(blind)


def test_one_generation_is_spread_out():
    """Opposite pairs around the middle, and pairs at right angles to each other."""
    optimizer = started("cmaes", problem(FLAT))
    points = [asked(optimizer, index=i, running={}) for i in range(6)]
    moves = [[float(point[name]) for name in "xyz"] for point in points]
    for there, back in zip(moves[::2], moves[1::2], strict=True):
        assert there == pytest.approx([-one for one in back])
    for one, other in combinations(moves[::2], 2):
        assert sum(a * b for a, b in zip(one, other, strict=True)) == pytest.approx(0, abs=1e-9)


def test_all_values_of_steps_are_as_likely_as_their_distribution_says():
    optimizer = started("cmaes", problem(GRID))
    points = [asked(optimizer, index=i, running={}) for i in range(60)]
    assert mean(int(point["a"]) for point in points) < 0.6 * mean(int(point["b"]) for point in points)
    assert {point["c"] for point in points} == {"0", "1"}


@pytest.mark.parametrize("given", [{}, {"sigma": "1e-300"}, {"sigma": "1e300"}, {"restart_strategy": "bipop"}], ids=str)
@pytest.mark.parametrize("space", [FLAT, BENT, GRID, SQUARE], ids=["flat", "bent", "grid", "square"])
@pytest.mark.parametrize("value", [lambda _: 0.0, lambda i: (-1) ** i * 1.7e308, float], ids=["equal", "huge", "worse"])
def test_a_history_that_says_nothing_is_survived(space, given, value):
    """All trials at one point, or values that nothing can be added to: no number may become none."""
    optimizer, other = (started("cmaes", problem(space, **given)) for _ in range(2))
    point = asked(optimizer, index=0, running={})
    for index in range(100):
        optimizer.tell(Finished(index=index, point=point, value=value(index)))
        found = asked(other, index=index, running={})
        other.tell(Finished(index=index, point=found, value=value(index)))
    assert all(space.contains(asked(one, index=100, running={})) for one in (optimizer, other))


@pytest.mark.parametrize("strategy", ["ipop", "bipop"])
def test_where_it_has_converged_it_begins_anew_only_if_asked_to(strategy):
    def far(**given):
        _, points = searched("cmaes", SQUARE, banana, count=900, **given)
        return sum(math.hypot(float(p["x"]) - 1, float(p["y"]) - 1) > 0.5 for p in list(points.values())[600:])

    assert far() == far(restart_strategy="none") == 0
    assert far(restart_strategy=strategy) > 30


def test_sigma_says_how_far_it_looks_first():
    def spread(**given):
        optimizer = started("cmaes", problem(FLAT, **given))
        return sum(abs(float(asked(optimizer, index=i, running={})["x"])) for i in range(20))

    assert spread(sigma="0.01") < spread() < spread(sigma="0.5")


def test_steps_and_categories_stay_in_motion():
    _, points = searched("cmaes", BENT, training, count=300)
    late = list(points.values())[200:]
    assert len({point["kind"] for point in late}) > 1
    assert len({point["depth"] for point in late}) > 1


def test_one_that_never_ends_is_not_waited_for():
    optimizer = started("cmaes", problem(FLAT))
    first = asked(optimizer, index=0, running={})
    values = []
    for index in range(1, 150):
        point = asked(optimizer, index=index, running={0: first})
        values.append(sphere(point))
        optimizer.tell(Finished(index=index, point=point, value=values[-1]))
    assert median(values[100:]) < 0.2 * median(values[:30])


def test_one_that_ends_late_counts_as_if_it_had_ended_in_time():
    optimizer, other = (started("cmaes", problem(FLAT)) for _ in range(2))
    points = {i: asked(optimizer, index=i, running={}) for i in range(60)}
    for index in [*range(1, 60), 0]:
        optimizer.tell(Finished(index=index, point=points[index], value=sphere(points[index])))
        asked(optimizer, index=60 + index, running={0: points[0]})
    for index in range(60):
        other.tell(Finished(index=index, point=points[index], value=sphere(points[index])))
    assert asked(optimizer, index=200, running={}) == asked(other, index=200, running={})


@pytest.mark.parametrize("strategy", ["none", "ipop", "bipop"])
@pytest.mark.parametrize(("space", "function"), [(FLAT, sphere), (BENT, training), (SQUARE, lambda _: 1.0)])
def test_many_generations_come_again_after_every_restart(space, function, strategy):
    the_problem = problem(space, restart_strategy=strategy)
    live, finished, running = started("cmaes", the_problem), [], {}
    for index in range(150):
        point = asked(live, index=index, running=running)
        if index % 5 == 0:
            fresh = started("cmaes", the_problem)
            for trial in reversed(finished):
                fresh.tell(trial)
            assert asked(fresh, index=index, running=running) == point
        running[index] = point
        if len(running) > 3:
            over = max(running) if index % 3 else min(running)  # some end before those that began earlier
            value = None if over % 7 == 0 else function(running[over])
            finished.append(Finished(index=over, point=running.pop(over), value=value))
            live.tell(finished[-1])


@pytest.mark.parametrize(
    "given", [{"restart_strategy": "ipob"}, {"sigma": "0"}, {"sigma": "x"}, {"random_state": "-1"}]
)
def test_settings_are_checked(given):
    (issue,) = named("cmaes").check(problem(FLAT, **given))
    assert issue.slug == "setting-invalid"
    assert "give" in issue.message


def test_a_setting_that_katib_passes_over_is_a_warning():
    (issue,) = named("cmaes").check(problem(FLAT, sigam="1"))
    assert (issue.slug, issue.severity) == ("setting-unknown", "warning")
    assert "did you mean sigma?" in issue.message


def test_it_needs_two_ranges():
    space = Space((FLAT.parameters[0], parameter("k", "categorical", values=("a", "b"))))
    (issue,) = named("cmaes").check(problem(space))
    assert (issue.at, issue.slug) == (("parameters",), "too-few-parameters")
    assert "here are 1; add one, or use tpe" in issue.message


def test_ranges_of_one_value_are_no_dimension():
    space = Space((parameter("x", "int", low="3", high="3"), parameter("y", "double", low="1", high="1")))
    assert searched("cmaes", space, lambda _: 1.0, count=20)[1][19] == {"x": "3", "y": "1.0"}
