"""Population based training: who goes on from whom, with which values, and that it learns schedules."""

import math
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import dimensions
from algorithms.contract import Absence, Finished, Proposal
from algorithms.dimensions import Choices, Reals
from algorithms.pbt import changed
from kagit.errors import Broken
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.harness import many, parameter, problem, started

LR = Space((parameter("lr", "double", low="1e-4", high="1", dist="logUniform"),))
GENERATION = "pbt.suggestion.katib.kubeflow.org/generation"
SIZE = 10


def population(*values: float | None, generations: int = 1, space: Space = LR, **given: str) -> tuple:
    """An optimizer that was told generations of these values, and what it was told."""
    optimizer = started("pbt", problem(space, n_population=str(len(values)), **given))
    told: list[Finished] = []
    for index in range(generations * len(values)):
        answer = optimizer.ask(index=index, running={})
        told.append(Finished(index=index, point=answer.point, value=values[index % len(values)]))
        optimizer.tell(told[-1])
    return optimizer, told


def following(optimizer, indexes: range) -> list[Proposal]:
    running: dict = {}
    answers = []
    for index in indexes:
        answers.append(optimizer.ask(index=index, running=running))
        running[index] = answers[-1].point
    return answers


def test_the_worst_go_on_from_the_best_and_everybody_else_from_himself():
    optimizer, told = population(*map(float, range(SIZE)), truncation_threshold="0.3")
    answers = following(optimizer, range(SIZE, 2 * SIZE))
    assert [one.parent for one in answers[:7]] == list(range(7))
    assert {one.parent for one in answers[7:]} <= {0, 1, 2}
    assert [one.point for one in answers[:7]] == [one.point for one in told[:7]]
    steps = [math.log(float(one.point["lr"]) / float(told[one.parent].point["lr"])) for one in answers[7:]]
    assert all(-0.45 < step < 0.37 for step in steps)
    assert len({one.point["lr"] for one in answers}) == SIZE
    assert {one.labels[GENERATION] for one in answers} == {"1"}
    assert {one.oldest_parent for one in answers} == {0}
    first = started("pbt", problem(LR)).ask(index=3, running={})
    assert (first.labels, first.parent, first.oldest_parent) == ({GENERATION: "0"}, None, 0)


def test_the_best_are_the_largest_where_that_is_wanted():
    optimizer = started("pbt", problem(LR, direction="maximize", truncation_threshold="0.1"))
    for index in range(SIZE):
        point = optimizer.ask(index=index, running={}).point
        optimizer.tell(Finished(index=index, point=point, value=float(index)))
    assert [one.parent for one in following(optimizer, range(10, 20))] == [9, *range(1, 10)]


def test_every_one_of_the_best_is_taken_some_time():
    parents = [
        {
            one.parent
            for one in following(population(*map(float, range(SIZE)), random_state=str(seed))[0], range(17, 20))
        }
        for seed in range(10)
    ]
    assert set.union(*parents) == {0, 1, 2}


@pytest.mark.parametrize("lost", [None, "gap"])
def test_who_failed_or_never_came_is_replaced_whatever_the_share(lost):
    optimizer = started("pbt", problem(LR, truncation_threshold="0"))
    for index in range(SIZE):
        value = None if index in {2, 3, 4, 5, 6} else float(index)
        if value is not None or lost is None:
            point = optimizer.ask(index=index, running={}).point
            optimizer.tell(Finished(index=index, point=point, value=value))
    assert [one.parent for one in following(optimizer, range(10, 20))] == [0, 1, 0, 0, 0, 0, 0, 7, 8, 9]


def test_a_generation_without_any_value_is_as_if_it_had_not_been():
    optimizer, told = population(*map(float, range(SIZE)))
    for index in range(SIZE, 3 * SIZE):
        answer = optimizer.ask(index=index, running={})
        assert answer.parent < SIZE
        optimizer.tell(Finished(index=index, point=answer.point, value=None))
    answers = following(optimizer, range(30, 40))
    assert [one.parent for one in answers[:7]] == list(range(7))
    assert [one.point for one in answers[:7]] == [one.point for one in told[:7]]
    assert {(one.labels[GENERATION], one.oldest_parent) for one in answers} == {("3", 0)}


def test_nobody_is_replaced_by_one_that_is_no_better():
    optimizer, told = population(*[1.0] * SIZE)
    answers = following(optimizer, range(SIZE, 2 * SIZE))
    assert [(one.parent, one.point) for one in answers] == [(one.index, one.point) for one in told]


def test_with_a_share_of_one_all_but_the_best_go_on_from_a_better_one():
    optimizer, _ = population(*map(float, range(SIZE)), truncation_threshold="1")
    answers = following(optimizer, range(SIZE, 2 * SIZE))
    assert answers[0].parent == 0
    assert all(answers[i].parent < i for i in range(1, SIZE))


@pytest.mark.parametrize(("share", "replaced"), [("0.2", 1), ("0.05", 1), ("0.4", 2), (".6e0", 3), ("0.59", 2)])
def test_how_many_are_replaced(share, replaced):
    optimizer, _ = population(0.0, 1.0, 2.0, 3.0, 4.0, truncation_threshold=share)
    own = [one.parent == i for i, one in enumerate(following(optimizer, range(5, 10)))]
    assert own == [True] * (5 - replaced) + [False] * replaced


def test_a_generation_waits_for_the_one_before_and_for_nothing_else():
    optimizer, told = population(*map(float, range(SIZE)))
    fresh = started("pbt", problem(LR, n_population="10"))
    for one in told[:9]:
        fresh.tell(one)
    assert fresh.ask(index=9, running={}) == optimizer.ask(index=9, running={})
    assert fresh.ask(index=10, running={9: told[9].point}) is Absence.LATER
    assert isinstance(fresh.ask(index=10, running={10: told[0].point, 12: told[1].point}), Proposal)
    fresh.tell(told[9])
    assert fresh.ask(index=10, running={9: told[9].point}) == optimizer.ask(index=10, running={})


def test_all_are_changed_where_that_is_wanted():
    optimizer, told = population(*map(float, range(SIZE)), explore="all")
    answers = following(optimizer, range(SIZE, 2 * SIZE))
    assert [one.parent for one in answers[:7]] == list(range(7))
    assert all(one.point != told[one.parent].point for one in answers)


def test_values_are_drawn_anew_as_often_as_wished():
    space = Space(tuple(parameter(f"p{i}", "double", low="1", high="1e9", dist="logUniform") for i in range(20)))
    shares = []
    for probability in ("0", "0.3", "1"):
        optimizer, told = population(*map(float, range(SIZE)), space=space, resample_probability=probability)
        near = [
            0.79 < float(one.point[name]) / float(told[one.parent].point[name]) < 1.21
            for one in following(optimizer, range(17, 20))
            for name in one.point
        ]
        shares.append(mean(near))
    assert shares[0] == 1
    assert 0.5 < shares[1] < 0.9
    assert shares[2] < 0.2


def test_where_all_around_is_taken_another_point_is_found():
    space = Space((parameter("n", "int", low="1", high="40"),))
    optimizer, _ = population(0.0, *map(float, range(1, SIZE)), space=space, truncation_threshold="0.9")
    points = [one.point["n"] for one in following(optimizer, range(SIZE, 2 * SIZE))]
    assert len(set(points)) == SIZE


def test_what_it_is_told_must_fit():
    optimizer, told = population(*map(float, range(SIZE)))
    optimizer.tell(told[0])
    with pytest.raises(Broken, match="told twice"):
        optimizer.tell(Finished(index=0, point=told[0].point, value=9.0))
    with pytest.raises(Broken, match="outside the search space"):
        optimizer.tell(Finished(index=11, point={"lr": "2"}, value=9.0))


def test_an_answer_is_the_same_for_whoever_learns_the_history_in_another_order():
    def value(index: int) -> float | None:
        return None if index % 7 == 0 else (index * 37 % 11) / 11

    space = Space((*LR.parameters, parameter("k", "categorical", values=("a", "b", "c"))))
    told: list[Finished] = []
    straight = started("pbt", problem(space))
    answers = {}
    for index in range(60):
        answers[index] = straight.ask(index=index, running={})
        told.append(Finished(index=index, point=answers[index].point, value=value(index)))
        straight.tell(told[-1])
    for index in range(10, 60, 7):
        again = started("pbt", problem(space))
        for one in Random(index).sample(told[:index], index):
            again.ask(index=index, running={i.index: i.point for i in told[index:]})
            again.tell(one)
        assert again.ask(index=index, running={}) == answers[index]


@given(space=harness.spaces(), seed=st.integers(0, 10**6))
@many
def test_a_changed_value_is_legal_and_another_one(space, seed):
    chance = Random(seed)
    for one, parameter_ in zip(dimensions.of(space), space, strict=True):
        text = one.at(chance.random())
        new = changed(one, text, chance)
        assert Space((parameter_,)).contains({one.name: new})
        if one.size != 1 and (not isinstance(one, Reals) or float(one.low) < float(one.high)):
            assert new != text
        if isinstance(one, Choices) and one.ordered and one.size > 1:
            assert abs(one.rank(new) - one.rank(text)) == 1


@pytest.mark.parametrize(
    ("given", "text", "near"),
    [
        (parameter("x", "int", low="1", high="100"), "50", {"40", "60"}),
        (parameter("x", "int", low="1", high="100"), "1", {"2"}),
        (parameter("x", "int", low="1", high="100"), "3", {"2", "4"}),
        (parameter("x", "int", low="0", high="100", step="25"), "50", {"25", "75"}),
        (parameter("x", "int", low="-10", high="10"), "0", {"-1", "1"}),
        (parameter("x", "double", low="0.9", high="0.99"), "0.99", {"0.972"}),
        (parameter("x", "double", low="-1", high="1"), "0.0", {"-0.04", "0.04"}),
        (parameter("x", "double", low="0.1", high="0.9", step="0.1"), "0.5", {"0.4", "0.6"}),
        (parameter("x", "double", low="1e-9", high="1", dist="logUniform"), "1e-05", {"8e-06", "1.2e-05"}),
        (parameter("x", "double", low="-5", high="-1"), "-2.0", {"-1.6", "-2.4"}),
        (parameter("x", "discrete", values=("64", "16", "32")), "16", {"32"}),
        (parameter("x", "discrete", values=("64", "16", "32")), "32", {"16", "64"}),
        (parameter("x", "categorical", values=("a", "b", "c")), "a", {"b", "c"}),
        (parameter("x", "categorical", values=("a",)), "a", {"a"}),
        (parameter("x", "double", low="5", high="5"), "5.0", {"5.0"}),
    ],
)
def test_what_is_near(given, text, near):
    (one,) = dimensions.of(Space((given,)))
    found = {changed(one, text, Random(seed)) for seed in range(40)}
    rounded = {f"{float(new):.12g}" for new in found} if isinstance(one, Reals) else found
    assert rounded == ({f"{float(new):.12g}" for new in near} if isinstance(one, Reals) else near)


def scheduled(name: str, *, seed: int, generations: int, size: int = 10) -> float:
    """How far a population comes whose best learning rate falls as it gets further; alone, or from each other."""
    optimizer = started(name, problem(LR, seed=seed, **({"n_population": str(size)} if name == "pbt" else {})))
    reached: dict[int, float] = {}
    for index in range(size * generations):
        if name == "pbt":
            answer = optimizer.ask(index=index, running={})
        else:  # every member goes on from itself, with the values that it began with
            parent = index - size if index >= size else None
            answer = Proposal(point=optimizer.ask(index=index % size, running={}).point, parent=parent)
        before = reached[answer.parent] if answer.parent is not None else 0.0
        off = math.log(float(answer.point["lr"])) - math.log(0.5) + before / 4
        reached[index] = before + math.exp(-(off**2))
        optimizer.tell(Finished(index=index, point=answer.point, value=-reached[index]))
    return max(reached.values())


def test_it_finds_a_schedule_that_no_fixed_value_is():
    alone, together = ([scheduled(name, seed=seed, generations=15) for seed in range(8)] for name in ("random", "pbt"))
    assert mean(together) > 1.4 * mean(alone)
    assert sum(ours > theirs for ours, theirs in zip(together, alone, strict=True)) >= 7
