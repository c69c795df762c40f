"""`auto`: which algorithm for which problem, and that it is that algorithm in everything but its name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import catalog
from algorithms.catalog import chosen, named
from algorithms.contract import Absence, Finished
from algorithms.seeds import seed_of
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.harness import batch, many, parameter, problem, started

X, Y = (parameter(name, "double", low="0", high="1") for name in "xy")
LAYERS = parameter("layers", "int", low="1", high="4")
WIDTH = parameter("width", "int", low="1", high="1024", dist="logUniform")
KIND = parameter("kind", "categorical", values=("a", "b", "c"))
FIXED = parameter("fixed", "categorical", values=("a", "a"))
MODEL = "bayesianoptimization" if "bayesianoptimization" in catalog.names() else "multivariate-tpe"


def asked(parameters, *, trials, parallel=3, **settings):
    return replace(problem(Space(tuple(parameters)), **settings), max_trials=trials, parallel=parallel)


@pytest.mark.parametrize(
    ("parameters", "trials", "parallel", "name", "why"),
    [
        ((LAYERS, KIND), 12, 3, "grid", "12 combinations, 12 trials"),
        ((LAYERS, KIND), 11, 3, MODEL, "2 parameters, 1 category among them, 11 trials"),
        ((LAYERS, KIND), None, 3, "grid", "12 combinations, no limit of trials"),
        ((WIDTH,), 1024, 3, "grid", "1024 combinations, 1024 trials"),
        ((WIDTH,), None, 3, "multivariate-tpe", "1 parameter, no limit of trials"),
        ((FIXED,), 1, 3, "grid", "1 combination, 1 trial"),
        ((X, KIND), 8, 8, "sobol", "8 trials, all at once"),
        ((X, KIND), 9, 8, MODEL, "2 parameters, 1 category among them, 9 trials"),
        ((X, FIXED), 60, 3, MODEL, "1 parameter, 60 trials"),
        ((X, KIND, KIND), 300, 3, MODEL, "3 parameters, 2 categories among them, 300 trials"),
        ((X, KIND), 301, 3, "multivariate-tpe", "2 parameters, 1 category among them, 301 trials"),
        ((X, Y), 301, 3, "cmaes", "2 parameters, 301 trials"),
        ((X, Y), None, 3, "cmaes", "2 parameters, no limit of trials"),
        ((X, Y, KIND), None, 3, "multivariate-tpe", "3 parameters, 1 category among them, no limit of trials"),
        ((X,), 301, 3, "multivariate-tpe", "1 parameter, 301 trials"),
        ((KIND,) * 21, 100, 3, "multivariate-tpe", "21 parameters, 21 categories among them, 100 trials"),
        ((X,) * 21, 100, 3, "cmaes", "21 parameters, 100 trials"),
    ],
)
def test_what_is_chosen_and_why(parameters, trials, parallel, name, why):
    named_apart = (replace(one, name=f"{one.name}{i}") for i, one in enumerate(parameters))
    engine = chosen("auto", asked(named_apart, trials=trials, parallel=parallel)).engine()
    assert engine == f"auto ({name}: {why}) {named(name).engine()}"


@given(space=harness.spaces(), trials=st.none() | st.integers(1, 1000), parallel=st.integers(1, 40))
@many
def test_what_is_chosen_can_search_what_auto_accepts(space, trials, parallel):
    the_problem = replace(problem(space), max_trials=trials, parallel=parallel)
    assert not [issue for issue in named("auto").check(the_problem) if issue.severity == "error"]
    name = chosen("auto", the_problem).engine().partition("(")[2].partition(":")[0]
    assert not [issue for issue in named(name).check(the_problem) if issue.severity == "error"]


@pytest.mark.parametrize("trials", [8, 60, 400])
@pytest.mark.parametrize("settings", [{}, {"random_state": "5"}])
def test_the_points_are_those_of_what_is_chosen(trials, settings):
    the_problem = asked((X, Y), trials=trials, parallel=8, **settings)
    name = chosen("auto", the_problem).engine().partition("(")[2].partition(":")[0]
    history = [
        Finished(index=i, point={"x": f"0.{i}5", "y": f"0.{i}"}, value=abs(i - 9) / 10 if i % 4 else None)
        for i in range(1, 40)
    ]
    optimizers = (
        started("auto", the_problem),
        started(name, replace(the_problem, settings={"random_state": str(seed_of(the_problem))})),
    )
    for optimizer in optimizers:
        for trial in history:
            optimizer.tell(trial)
    points = [batch(optimizer, range(40, 46), {}) for optimizer in optimizers]
    assert points[0] == points[1]


def test_a_small_space_is_tried_to_its_end_in_an_order_of_the_seed():
    the_problem = asked((LAYERS, KIND), trials=20)
    (issue,) = named("auto").check(the_problem)
    assert "the search ends after them" in issue.message
    optimizer = started("auto", the_problem)
    points = batch(optimizer, range(12), {})
    assert len({tuple(point.values()) for point in points.values()}) == 12
    assert optimizer.ask(index=12, running={}) is Absence.EXHAUSTED
    other = batch(started("auto", replace(the_problem, seed=8)), range(12), {})
    assert list(points.values()) != list(other.values())


@pytest.mark.parametrize(
    ("settings", "field", "part"),
    [
        ({"random_state": "x"}, "algorithm.algorithmSettings[0].value", "give a whole number"),
        (
            {"gamma": "0.5"},
            "algorithm.algorithmSettings[0].name",
            "auto has no setting 'gamma'; known are random_state",
        ),
    ],
)
def test_settings_of_what_might_be_chosen_are_refused(settings, field, part):
    (issue,) = named("auto").check(asked((X, Y), trials=60, **settings))
    assert (issue.field, issue.severity) == (field, "error")
    assert part in issue.message


def test_every_other_algorithm_is_what_it_is_called():
    the_problem = asked((X, Y), trials=60)
    assert all(chosen(name, the_problem).engine() == named(name).engine() for name in catalog.names() if name != "auto")
