from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.catalog import named
from algorithms.seeds import shuffled
from kagit.errors import Refused
from kagit.findings import Severity
from kagit.space import Space
from tests.algorithms.harness import asked, batch, few, parameter, problem, started

SPACE = Space(
    (
        parameter("lr", "double", low="0.1", high="0.7", step="0.1"),
        parameter("n", "int", low="-2", high="7", step="3"),
        parameter("batch", "discrete", values=("64", "8", "1e1")),
        parameter("k", "categorical", values=("b", "a")),
    )
)
WANTED = list(
    product(("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"), ("-2", "1", "4", "7"), ("8", "1e1", "64"), "ba")
)


def test_every_combination_comes_once_in_order_and_then_none():
    optimizer = started("grid", problem(SPACE))
    points = batch(optimizer, range(200), {})
    assert [tuple(point.values()) for point in points.values()] == WANTED
    assert len(WANTED) == 7 * 4 * 3 * 2
    assert asked(optimizer, index=len(WANTED), running={}) is None


def test_random_state_shuffles_but_loses_nothing():
    orders = [
        [
            tuple(point.values())
            for point in batch(started("grid", problem(SPACE, random_state=s)), range(200), {}).values()
        ]
        for s in ("1", "2")
    ]
    assert orders[0] != orders[1] != WANTED
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(WANTED)


@given(size=st.integers(1, 700), seed=st.integers(0, 9))
@few
def test_a_shuffle_is_a_permutation(size, seed):
    assert sorted(shuffled(i, size=size, seed=seed) for i in range(size)) == list(range(size))


def test_a_huge_grid_is_never_listed():
    space = Space(tuple(parameter(f"p{i}", "int", low="0", high="9999") for i in range(6)))
    for given_ in ({}, {"random_state": "3"}):
        optimizer = started("grid", problem(space, **given_))
        assert space.contains(asked(optimizer, index=10**24 - 1, running={}))
        assert asked(optimizer, index=10**24, running={}) is None


def test_a_double_without_step_is_an_issue_that_names_the_way_out():
    the_problem = problem(Space((SPACE.parameters[1], parameter("lr", "double", low="0", high="1"))))
    (issue,) = named("grid").check(the_problem)
    assert issue.at == ("parameters", 1, "feasibleSpace", "step")
    assert "give a step" in issue.message
    with pytest.raises(Refused, match="cannot list every double of lr; give a step"):
        named("grid").start(the_problem)


def test_a_distribution_without_effect_is_told():
    space = Space((parameter("n", "int", low="1", high="9", dist="logUniform"),))
    (issue,) = named("grid").check(problem(space))
    assert issue.severity is Severity.WARNING
    assert issue.at == ("parameters", 0, "feasibleSpace", "distribution")
    assert "logUniform has no effect" in issue.message


@pytest.mark.parametrize(
    ("budget", "part"), [(167, "the rest is never tried"), (169, "only 168"), (168, ""), (None, "")]
)
def test_a_budget_that_does_not_fit_the_grid_is_told(budget, part):
    the_problem = problem(SPACE)
    issues = named("grid").check(type(the_problem)(space=SPACE, direction=the_problem.direction, max_trials=budget))
    assert len(issues) == bool(part)
    for issue in issues:
        assert (issue.severity, issue.at) == (Severity.WARNING, ("maxTrialCount",))
        assert part in issue.message
