"""The promises of `algorithms/contract.py`, kept by every algorithm in every space."""

import itertools
import logging
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.catalog import named
from algorithms.contract import Finished
from kagit.errors import Broken
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.harness import (
    ALL,
    BLIND,
    PARZEN,
    STARTS,
    asked,
    batch,
    few,
    many,
    parameter,
    problem,
    started,
    walked,
)

MIXED = Space(
    (
        parameter("lr", "double", low="1e-5", high="0.1", dist="logUniform"),
        parameter("momentum", "double", low="0.5", high="0.9", step="0.1"),
        parameter("width", "int", low="1", high="128", dist="logNormal"),
        parameter("depth", "int", low="2", high="11", step="3"),
        parameter("batch", "discrete", values=("64", "1e1", "32", "128.0")),
        parameter("kind", "categorical", values=("a", "b", "c")),
    )
)
SMALL = Space((parameter("x", "int", low="1", high="3"), parameter("k", "categorical", values=("a", "b"))))


@pytest.mark.parametrize("name", ALL)
@given(space=harness.spaces(), seed=st.integers(0, 2**31 - 1))
@few
def test_points_are_in_the_space_and_come_again(name, space, seed):
    space = harness.for_algorithm(name, space)
    the_problem = problem(space, seed=seed, **harness.EARLY.get(name, {}))
    points, _ = walked(name, the_problem, rounds=4, size=3)
    assert all(space.contains(point) for point in points.values())
    assert len(points) == min(12, harness.room(space)) or name != "grid"
    assert points == walked(name, the_problem, rounds=4, size=3)[0]


@pytest.mark.parametrize("name", BLIND)
@given(space=harness.spaces(), seed=st.integers(0, 2**31 - 1))
@many
def test_many_spaces_of_blind_algorithms(name, space, seed):
    space = harness.for_algorithm(name, space)
    optimizer = started(name, problem(space, seed=seed))
    points = batch(optimizer, range(40), {})
    assert all(space.contains(point) for point in points.values())
    assert all(list(point) == [one.name for one in space] for point in points.values())


@pytest.mark.parametrize("name", ALL)
@given(space=harness.spaces(), size=st.integers(2, 6))
@few
def test_no_point_twice_within_a_batch_where_there_is_room(name, space, size):
    space = harness.for_algorithm(name, space)
    size = int(min(size, harness.room(space)))
    the_problem = problem(space, **harness.EARLY.get(name, {}))
    for points, _ in harness.walk(started(name, the_problem), rounds=4, size=size):
        texts = [tuple(point.values()) for point in points.values()]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", STARTS)
def test_what_learns_avoids_what_runs_until_nothing_else_is_left(name):
    history = [Finished(index=i, point={"x": "2", "k": "a"}, value=float(i)) for i in range(20)]
    optimizer = started(name, problem(SMALL))
    for trial in history:
        optimizer.tell(trial)
    points = batch(optimizer, range(20, 26), {})
    assert len({tuple(point.values()) for point in points.values()}) == 6
    assert SMALL.contains(asked(optimizer, index=26, running=points))


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("space", [MIXED, SMALL, Space(MIXED.parameters[1:])], ids=["mixed", "small", "finite"])
def test_blind_asks_for_n_and_m_are_asks_for_their_sum(name, space):
    space = harness.for_algorithm(name, space)
    at_once = batch(started(name, problem(space)), range(30), {})
    optimizer = started(name, problem(space))
    first = batch(optimizer, range(10), {})
    for index, point in first.items():
        optimizer.tell(Finished(index=index, point=point, value=1.0))
    assert {**first, **batch(optimizer, range(10, 30), {})} == at_once
    assert asked(started(name, problem(space)), index=17, running={}) == at_once.get(17)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_order_of_completion_does_not_matter(name, direction):
    space = harness.for_algorithm(name, MIXED)
    the_problem = problem(space, direction=direction)
    points, finished = walked(name, the_problem, rounds=9, size=4)
    running = {36: points[0], 40: points[1], 38: points[3]}
    answers = []
    for seed in range(5):
        optimizer = started(name, the_problem)
        for told, trial in enumerate(Random(seed).sample(finished, len(finished))):
            optimizer.tell(trial)
            if told % 7 == seed:  # asking in between leaves no trace
                asked(optimizer, index=told, running={50: points[2], 51: points[5]})
        answers.append(batch(optimizer, range(41, 46), running))
    in_order = started(name, the_problem)
    for trial in sorted(finished, key=lambda trial: trial.index):
        in_order.tell(trial)
    answers.append(batch(in_order, range(41, 46), dict(reversed(running.items()))))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("name", ALL)
@given(space=harness.spaces(), seed=st.integers(0, 2**31 - 1), every=st.integers(1, 3))
@few
def test_a_restart_changes_no_point(name, space, seed, every):
    the_problem = problem(harness.for_algorithm(name, space), seed=seed, **harness.EARLY.get(name, {}))
    straight, _ = walked(name, the_problem, rounds=6, size=2)
    points: dict = {}
    finished: list[Finished] = []
    start = 0
    for turn in itertools.count():
        if turn % every == 0:
            optimizer = started(name, the_problem)
            for trial in finished:
                optimizer.tell(trial)
        new = batch(optimizer, range(start, min(start + 2, 12)), {})
        for index, point in new.items():
            finished.append(Finished(index=index, point=point, value=harness.value_of(index, point)))
            optimizer.tell(finished[-1])
        points |= new
        start = max(new, default=start + 1) + 1
        if start >= 12:
            break
    assert points == straight


@pytest.mark.parametrize("name", ALL)
def test_points_that_were_never_made_leave_gaps(name):
    the_problem = problem(harness.for_algorithm(name, MIXED))
    points, finished = walked(name, the_problem, rounds=8, size=4)
    kept = [trial for trial in finished if trial.index % 3]
    optimizers = [started(name, the_problem) for _ in range(2)]
    for trial in kept:
        optimizers[0].tell(trial)
    for trial in reversed(kept):
        optimizers[1].tell(trial)
    answers = [batch(optimizer, range(100, 110), {33: points[1]}) for optimizer in optimizers]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 10


@pytest.mark.parametrize("name", ALL)
def test_neither_a_failure_nor_a_finished_trial_among_the_running_ones_leaves_a_trace(name):
    the_problem = problem(harness.for_algorithm(name, MIXED))
    points, finished = walked(name, the_problem, rounds=8, size=4)
    plain, full = (started(name, the_problem) for _ in range(2))
    for trial in finished:
        plain.tell(trial)
        full.tell(trial)
    full.tell(Finished(index=90, point=points[1], value=None))
    assert batch(full, range(60, 66), {90: points[1], 2: points[2], 9: points[9]}) == batch(plain, range(60, 66), {})


@pytest.mark.parametrize("name", ALL)
def test_a_history_of_failures_is_survived(name):
    space = harness.for_algorithm(name, MIXED)
    optimizer = started(name, problem(space))
    for index in range(40):
        point = asked(optimizer, index=index, running={})
        assert space.contains(point)
        optimizer.tell(Finished(index=index, point=point, value=None))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_not_accepted(name, value):
    space = harness.for_algorithm(name, MIXED)
    optimizer = started(name, problem(space))
    point = asked(optimizer, index=0, running={})
    with pytest.raises(Broken, match="not finite"):
        optimizer.tell(Finished(index=0, point=point, value=value))


@pytest.mark.parametrize("name", STARTS)
def test_what_a_learning_algorithm_is_told_must_fit(name):
    optimizer = started(name, problem(SMALL))
    optimizer.tell(Finished(index=1, point={"x": "1", "k": "a"}, value=0.0))
    optimizer.tell(Finished(index=1, point={"x": "1", "k": "a"}, value=0.0))
    with pytest.raises(Broken, match="told twice"):
        optimizer.tell(Finished(index=1, point={"x": "1", "k": "a"}, value=1.0))
    with pytest.raises(Broken, match="outside the search space"):
        optimizer.tell(Finished(index=2, point={"x": "4", "k": "a"}, value=0.0))
    with pytest.raises(Broken, match="count from 0"):
        optimizer.tell(Finished(index=-1, point={"x": "1", "k": "a"}, value=0.0))


@pytest.mark.parametrize("name", ALL)
def test_the_seed_decides_and_random_state_overrides_it(name):
    space = harness.for_algorithm(name, MIXED)

    def points(**given):
        seed = given.pop("seed", 7)
        return walked(name, problem(space, seed=seed, **given), rounds=6, size=3)[0]

    assert points(random_state="5", seed=1) == points(random_state="5", seed=2)
    assert points(random_state="5") != points(random_state="6")
    assert (points(seed=1) == points(seed=2)) is (name in {"darts", "grid"})


@pytest.mark.parametrize("name", ALL)
def test_no_log_line_and_no_warning_escapes(name, capfd, caplog, recwarn):
    given = {"gamma": "0.3", "prior_weight": "2"} if name in {"hyperopt-tpe", "tpe"} else {}
    given |= {"n_startup_trials": "5"} if name in PARZEN else {}
    space = harness.for_algorithm(name, MIXED)
    logger = logging.getLogger("optuna")  # does not propagate, and may have been set up by an earlier test
    logger.addHandler(caplog.handler)
    try:
        walked(name, problem(space, **given), rounds=5, size=4)
    finally:
        logger.removeHandler(caplog.handler)
    out, err = capfd.readouterr()
    assert (out, err, caplog.records, list(recwarn)) == ("", "", [], [])


@pytest.mark.parametrize("name", ALL)
def test_the_engine_says_who_answers(name):
    library, version = named(name).engine().split(" ")
    doors = {
        "bayesianoptimization": "numpy+scipy",
        "bohb": "optuna",
        "cmaes": "cmaes",
        "hyperopt-tpe": "hyperopt",
        "sobol": "scipy",
    }
    assert library == doors.get(name, "optuna" if name in PARZEN else "kagit")
    assert all(part.isdigit() for part in version.split(".")[:2])


def test_ranges_finer_than_doubles_stay_inside():
    low, high = Decimal("0.10000000000000000001"), Decimal("0.10000000000000000002")
    space = Space((parameter("x", "double", low=str(low), high=str(high)),))
    for name in (*PARZEN, "bayesianoptimization", "random", "sobol"):
        assert all(space.contains(point) for point in walked(name, problem(space), rounds=7, size=2)[0].values())
