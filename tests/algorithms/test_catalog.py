import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from algorithms import catalog
from algorithms.catalog import named
from kagit.errors import Refused
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.harness import ALL, GRAPHS, HALVING, NEEDED, needed, parameter, problem

ROOT = Path(__file__).parents[2]
SPACE = Space((parameter("x", "double", low="0", high="1", step="0.1"),))


def test_every_name_gives_its_algorithm():
    assert catalog.names() == ALL
    assert [named(name).name for name in ALL] == list(ALL)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("randm", "did you mean random\\? known are asha, auto, bayesianoptimization, bohb, cmaes, darts"),
        ("zzz", "'zzz'; known are asha"),
        ("TPE", "mean tpe"),
    ],
)
def test_an_unknown_name_is_refused_with_the_way_out(name, message):
    with pytest.raises(Refused, match=message):
        named(name)


def test_neither_the_catalog_nor_a_check_waits_for_a_library():
    program = """if True:
        import json, sys
        needed = json.loads(sys.argv[1])
        from decimal import Decimal
        import algorithms.catalog
        eager = {"hyperopt", "optuna", "numpy", "algorithms.tpe", "statistics"} & set(sys.modules)
        from algorithms.contract import Finished, Problem
        from kagit.objective import ObjectiveType
        from kagit.space import Parameter, ParameterType, Space
        x = Parameter(name="x", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(9))
        y = Parameter(name="y", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(9))
        budget = Parameter(name="budget", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(9))
        for name in algorithms.catalog.names():
            one, given = algorithms.catalog.named(name), needed.get(name, {})
            space = Space((x, y, budget) if "resource_name" in given else (x, y))
            problem = Problem(space=space, direction=ObjectiveType.MINIMIZE, max_trials=9, settings=given)
            optimizer = (one.check(problem), one.engine(), one.start(problem))[-1]
            optimizer.tell(Finished(index=0, point={one.name: "1" for one in space}, value=0.5))
            if name not in {"auto", "bayesianoptimization", "cmaes", "enas", "sobol"}:  # cannot start without libraries
                optimizer.ask(index=1, running={})
        print(eager, {"hyperopt", "optuna", "numpy"} & set(sys.modules))
    """
    command = [sys.executable, "-c", program, json.dumps(NEEDED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("set() set()\n", "")


@pytest.mark.parametrize(
    ("name", "settings", "place", "part"),
    [
        (
            "tpe",
            {"gamma": "1"},
            (0, "value"),
            "setting gamma of tpe is '1'; give a number between 0 and 1, both excluded",
        ),
        ("tpe", {"random_state": "1", "gamma": "x"}, (1, "value"), "between 0 and 1"),
        ("tpe", {"gamma": "nan"}, (0, "value"), "between 0 and 1"),
        ("tpe", {"prior_weight": "0"}, (0, "value"), "a number above 0"),
        ("tpe", {"prior_weight": "1e999"}, (0, "value"), "a number above 0"),
        ("tpe", {"n_EI_candidates": "0"}, (0, "value"), "a whole number from 1 to 10000"),
        ("tpe", {"n_ei_candidates": "2.5"}, (0, "value"), "a whole number from 1 to 10000"),
        ("tpe", {"n_startup_trials": "-1"}, (0, "value"), "a whole number from 0 to 1000000"),
        ("tpe", {"n_startup_trial": "5"}, (0, "name"), "did you mean n_startup_trials?"),
        ("tpe", {"sigma": "5"}, (0, "name"), "known are gamma, prior_weight, n_EI_candidates"),
        ("tpe", {"n_EI_candidates": "5", "n_ei_candidates": "6"}, (1, "name"), "the same setting with two values"),
        ("hyperopt-tpe", {"gamma": "1"}, (0, "value"), "between 0 and 1, both excluded"),
        ("hyperopt-tpe", {"prior_weight": "0"}, (0, "value"), "a number above 0"),
        ("hyperopt-tpe", {"n_EI_candidates": "0"}, (0, "value"), "a whole number from 1 to 10000"),
        ("hyperopt-tpe", {"n_ei_candidates": "24"}, (0, "name"), "did you mean n_EI_candidates?"),
        ("random", {"random_state": "-1"}, (0, "value"), "a whole number from 0 to 4294967295"),
        ("random", {"random_state": " 1"}, (0, "value"), "a whole number"),
        ("random", {"random_state": "1_0"}, (0, "value"), "a whole number"),
        ("random", {"seed": "1"}, (0, "name"), "random has no setting 'seed'; known are random_state"),
        ("grid", {"randomstate": "1"}, (0, "name"), "did you mean random_state?"),
        ("grid", {"random_state": ""}, (0, "value"), "or remove it"),
    ],
)
def test_a_wrong_setting_is_named_with_place_and_way_out(name, settings, place, part):
    (issue,) = named(name).check(replace(problem(SPACE), settings=settings))
    assert issue.at == ("algorithm", "algorithmSettings", *place)
    assert part in issue.message


def test_legal_settings_pass():
    both = {"n_EI_candidates": "5", "n_ei_candidates": "5"}
    rest = {"gamma": ".25", "prior_weight": "1e-3", "n_startup_trials": "0", "random_state": "4294967295"}
    assert named("tpe").check(problem(SPACE, **both, **rest)) == ()


@pytest.mark.parametrize("name", [name for name in ALL if name not in GRAPHS])
def test_what_nobody_can_search_is_an_issue(name):
    space = Space(
        (
            parameter("a", "double", low="0", high="1", step="1e-300"),
            parameter("b", "double", low="1e-400", high="1", step="0.5", dist="logNormal"),
        )
    )
    space = Space((*space, *(one for one in harness.for_algorithm(name, Space(())) if name in HALVING)))
    errors = [issue for issue in named(name).check(needed(name, problem(space))) if issue.severity == "error"]
    assert [(issue.field, issue.slug) for issue in errors] == [
        ("parameters[0].feasibleSpace.step", "step-too-small"),
        ("parameters[1].feasibleSpace.min", "log-not-positive"),
    ]
