"""Rules and initial points lead every algorithm, from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import search
from algorithms.catalog import chosen, named
from algorithms.contract import Absence, Finished
from kagit.search import Clause, Rules
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.harness import ALL, BLIND, EARLY, GRAPHS, few, parameter, problem

fewest = harness.settings(few, max_examples=6)
LED = tuple(name for name in ALL if name not in GRAPHS)

SPACE = Space(
    (
        parameter("optimizer", "categorical", values=("adam", "sgd")),
        parameter("momentum", "double", low="0.5", high="0.9", step="0.1"),
        parameter("lr", "double", low="0.01", high="1", step="0.01"),
        parameter("layers", "int", low="1", high="3"),
    )
)
RULES = Rules(
    active={"momentum": (Clause(parameter="optimizer", values=("sgd",)),)},
    forbidden=(
        (Clause(parameter="optimizer", values=("sgd",)), Clause(parameter="lr", sign=">", values=("0.5",))),
        (Clause(parameter="layers", values=("3",)),),
    ),
)
INITIAL = ({"optimizer": "sgd", "momentum": "0.7", "lr": "0.25", "layers": "2"}, {"lr": "0.05"})


def led(name: str, *, rules: Rules = RULES, initial=INITIAL, space: Space = SPACE, **settings: str):
    given_ = harness.needed(name, problem(harness.for_algorithm(name, space), **settings))
    whole = harness.replace(given_, rules=rules, initial=initial)
    return search.start(chosen(name, whole), whole)


def walked(optimizer, *, rounds: int, size: int = 3):
    points, finished = {}, []
    for new, so_far in harness.walk(optimizer, rounds=rounds, size=size):
        points, finished = points | new, so_far
    return points, finished


@pytest.mark.parametrize("name", LED)
def test_rules_and_initial_points_are_kept(name):
    points, _ = walked(led(name, **EARLY.get(name, {})), rounds=12)
    assert points[0].items() >= INITIAL[0].items()
    assert points[1]["lr"] == "0.05"
    assert len(points) >= 24
    for point in points.values():
        assert harness.for_algorithm(name, SPACE).contains(point)
        assert RULES.allows(point)
        assert point["optimizer"] == "sgd" or point["momentum"] == "0.5"
    assert {point["optimizer"] for point in points.values()} == {"adam", "sgd"}


@pytest.mark.parametrize("name", LED)
@given(seed=st.integers(0, 2**31 - 1), every=st.integers(1, 4))
@fewest
def test_a_restart_changes_no_point(name, seed, every):
    given_ = EARLY.get(name, {})
    straight, _ = walked(led(name, random_state=str(seed), **given_), rounds=6, size=2)
    points, finished = {}, []
    for turn in range(50):
        if turn % every == 0:
            optimizer = led(name, random_state=str(seed), **given_)
            for trial in reversed(finished):
                optimizer.tell(trial)
        new = harness.batch(optimizer, range(len(points), min(len(points) + 2, 12)), {})
        for index, point in new.items():
            finished.append(Finished(index=index, point=point, value=harness.value_of(index, point)))
            optimizer.tell(finished[-1])
        points |= new
        if len(points) == 12:
            break
    assert points == straight


def test_a_grid_tries_all_that_is_left_once_and_ends():
    optimizer = led("grid")
    points, _ = walked(optimizer, rounds=500)
    texts = [tuple(sorted(point.items())) for point in points.values()]
    # adam: momentum does not count; 100 rates, 2 layers. sgd: 5 momenta, 50 rates up to 0.5, 2 layers.
    assert len(set(texts)) == len(texts) == 100 * 2 + 5 * 50 * 2
    assert optimizer.ask(index=len(texts), running={}) is Absence.EXHAUSTED


@pytest.mark.parametrize("name", [name for name in BLIND if name in LED])
def test_points_of_blind_algorithms_do_not_depend_on_history(name):
    fresh, (points, _) = led(name), walked(led(name), rounds=6)
    assert [fresh.ask(index=index, running={}).point for index in (17, 3, 9)] == [points[i] for i in (17, 3, 9)]


@pytest.mark.parametrize("name", LED)
def test_where_nothing_is_allowed_the_search_is_exhausted(name):
    none = Rules(forbidden=((Clause(parameter="layers", sign="<", values=("9",)),),))
    assert led(name, rules=none).ask(index=0, running={}) is Absence.EXHAUSTED


def test_without_rules_nothing_stands_between():
    plain = search.start(named("random"), problem(SPACE))
    assert type(plain) is type(named("random").start(problem(SPACE)))
