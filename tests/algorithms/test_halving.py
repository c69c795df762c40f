"""What hyperband, asha and bohb promise beyond what every algorithm does: schedules, promotions, and what it gains."""

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.catalog import named
from algorithms.contract import Absence, Finished, Proposal
from algorithms.halving import ladder
from algorithms.halving.brackets import Row, brackets, until_first
from kagit.errors import Broken, Refused
from kagit.space import Space
from tests.algorithms import harness
from tests.algorithms.climbing import CONFIGURATIONS, final, loss, searching, walk
from tests.algorithms.harness import HALVING, asked, hash_of, parameter, problem, started

WITH_BRACKETS = ("bohb", "hyperband")


def resource(kind="int", *, low="1", high="81", **given):
    return parameter("epochs", kind, low=low, high=high, **given)


LIST = parameter("epochs", "discrete", values=("100", "1e1", "-5", "1000"))


# ------------------------------------------------------------------------------------------------------------ rungs


@pytest.mark.parametrize(
    ("one", "r_l", "eta", "texts"),
    [
        (resource(), "81", "3", ["1", "3", "9", "27", "81"]),
        (resource(), "9", "3", ["1", "3", "9"]),
        (resource(), "9.5", "3", ["1", "3", "9"]),
        (resource(high="243"), "243", "3", ["1", "3", "9", "27", "81", "243"]),
        (resource(high="100"), "100", "2.5", ["1", "2", "6", "16", "40", "100"]),
        (resource(low="5"), "81", "3", ["9", "27", "81"]),
        (resource(low="-7", high="20"), "20", "4", ["1", "5", "20"]),
        (resource(low="4", high="50", step="4"), "49", "3", ["4", "16", "48"]),
        (resource(high="9"), "1e300", "3", ["1", "3", "9"]),
        (resource(high="1"), "2", "2", ["1"]),
        (resource("double", low="0.01", high="1"), "0.81", "3", ["0.01", "0.03", "0.09", "0.27", "0.81"]),
        (resource("double", low="0.25", high="1", step="0.25"), "1", "2", ["0.25", "0.5", "1.0"]),
        (resource("double", low="0", high="9"), "9", "3", ["1.0", "3.0", "9.0"]),
        (resource("double", low="0", high="0.5"), "0.5", "3", ["0.5"]),
        (LIST, "1000", "3", ["1e1", "100", "1000"]),
        (LIST, "999", "10", ["1e1", "100"]),
    ],
)
def test_rungs_are_legal_values_of_the_resource(one, r_l, eta, texts):
    rungs = ladder.rungs(one, {"r_l": r_l, "eta": eta})
    assert [rung.text for rung in rungs] == texts
    assert all(one.contains(text) for text in texts)


@pytest.mark.parametrize(
    ("one", "r_l", "eta", "said"),
    [
        (resource(low="5"), "4", "3", "r_l is 4, and epochs has no value above 0 up to that; give at least 5"),
        (resource(low="-5", high="0"), "4", "3", "no value above 0 up to that; give epochs a value above 0"),
        (resource("double", low="-1", high="-0.5"), "4", "3", "give epochs a value above 0"),
        (parameter("epochs", "discrete", values=("0",)), "4", "3", "give epochs a value above 0"),
        (parameter("epochs", "categorical", values=("1", "3")), "3", "3", "make it int, double or discrete"),
        (resource("double", low="1e-300", high="1"), "1", "1.5", "more than 64 rungs .*; give a larger eta"),
    ],
)
def test_a_resource_without_rungs_is_refused_with_the_way_out(one, r_l, eta, said):
    with pytest.raises(Refused, match=said):
        ladder.rungs(one, {"r_l": r_l, "eta": eta})


@given(
    one=harness.ranges("epochs") | harness.lists("epochs"),
    r_l=st.floats(0, exclude_min=True, allow_infinity=False) | st.integers(1, 1000),
    eta=st.floats(1.01, 100) | st.integers(2, 5),
)
@harness.many
def test_every_resource_has_rungs_or_a_refusal(one, r_l, eta):
    try:
        rungs = ladder.rungs(one, {"r_l": str(r_l), "eta": str(eta)})
    except Refused:
        return
    assert all(one.contains(rung.text) for rung in rungs)
    values = [rung.value for rung in rungs]
    assert values == sorted(set(values))
    assert 0 < values[0] <= values[-1] <= Decimal(str(r_l))
    assert (rungs[-1].divisor, len(rungs) <= ladder.MOST_RUNGS) == (1, True)
    for bracket in brackets(rungs):
        assert min(bracket.sizes) >= 1
        assert list(bracket.sizes) == sorted(bracket.sizes, reverse=True)


@pytest.mark.parametrize("name", HALVING)
def test_it_does_not_start_without_a_resource(name):
    space = Space((resource(),))
    with pytest.raises(Refused, match="give r_l and resource_name"):
        named(name).start(problem(space))
    with pytest.raises(Refused, match="no parameter; give one of epochs"):
        named(name).start(problem(space, r_l="9", resource_name="steps"))


# -------------------------------------------------------------------------------------------------------- schedules

PAPER = [
    [(81, "1"), (27, "3"), (9, "9"), (3, "27"), (1, "81")],
    [(34, "3"), (11, "9"), (3, "27"), (1, "81")],
    [(15, "9"), (5, "27"), (1, "81")],
    [(8, "27"), (2, "81")],
    [(5, "81")],
]
"""Table 1 of Li et al. (2018): R = 81, eta = 3."""
KATIB = [[(9, "1"), (3, "3"), (1, "9")], [(5, "3"), (1, "9")], [(3, "9")]]
"""Spec katib.md section 5.7: r_l = 9, eta = 3, where Katib itself never gets beyond the first nine."""
TWO = [[(8, "1"), (4, "2"), (2, "4"), (1, "8")], [(6, "2"), (3, "4"), (1, "8")], [(4, "4"), (2, "8")], [(4, "8")]]
"""R = 8, eta = 2, as the documentation of mlr3hyperband has it."""


@pytest.mark.parametrize(("top", "eta", "table"), [(81, "3", PAPER), (9, "3", KATIB), (8, "2", TWO)])
@pytest.mark.parametrize("name", WITH_BRACKETS)
def test_every_round_has_the_brackets_of_the_paper(name, top, eta, table):
    trials = sum(count for bracket in table for count, _ in bracket)
    found = walk(name, searching(top, eta=eta), trials=2 * trials, parallel=3, value=lambda index, _: float(index))
    for turn in range(2):
        counts = Counter()
        for index in range(turn * trials, (turn + 1) * trials):
            counts[found.rung(index)[0] - turn * len(table), found.points[index]["epochs"]] += 1
        assert counts == {(i, text): count for i, bracket in enumerate(table) for count, text in bracket}


@pytest.mark.parametrize(("top", "eta"), [(81, "3"), (27, "3"), (9, "3"), (16, "2"), (100, "10"), (1, "3"), (7, "1.5")])
def test_the_first_bracket_is_over_as_soon_as_check_says(top, eta):
    around = brackets(ladder.rungs(resource(high=str(top)), {"r_l": str(top), "eta": eta}))
    row, trials = Row(around), sum(one.trials for one in around)
    last = max(index for index in range(trials) if row.place(index).bracket == 0) + 1
    assert last == until_first(around)
    the_problem = searching(top, eta=eta)
    for budget in (last - 1, last):
        found = named("hyperband").check(replace(the_problem, max_trials=budget))
        assert any(one.slug == "budget-below-bracket" for one in found) is (budget < last)


def test_a_place_far_away_is_found_without_laying_out_all_before_it():
    row = Row(brackets(ladder.rungs(resource(high="9"), {"r_l": "9"})))
    assert row.place(22 * 10**12) == type(row.place(0))(bracket=3 * 10**12, rung=0, slot=0, is_first=True)


# ------------------------------------------------------------------------------------------------------- promotions


@pytest.mark.parametrize("name", WITH_BRACKETS)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_of_a_rung_go_on_and_nobody_else(name, direction):
    sign = -1 if direction == "maximize" else 1
    found = walk(
        name,
        searching(27, direction=direction),
        trials=69,
        parallel=5,
        value=lambda _, point: sign * loss(point),
        pace=3,
    )
    rungs: dict = {}
    for index in range(69):
        rungs.setdefault(found.rung(index), []).append(index)
    for (bracket, rung), members in rungs.items():
        below = rungs.get((bracket, rung - 1))
        parents = [found.proposals[index].parent for index in members]
        if below is None:
            assert parents == [None] * len(members)
            continue
        best = sorted(below, key=lambda index: loss(found.points[index]))[: len(members)]
        assert parents == best
        for index, parent in zip(members, parents, strict=True):
            grown = {**found.points[parent], "epochs": found.points[index]["epochs"]}
            assert found.points[index] == grown
            assert int(grown["epochs"]) == 3 * int(found.points[parent]["epochs"])


def test_neither_pace_nor_places_change_a_point_of_hyperband():
    walks = [
        walk("hyperband", searching(27), trials=150, parallel=parallel, pace=pace)
        for parallel in (1, 2, 50)
        for pace in (0, 3, 5)
    ]
    assert all(one.proposals == walks[0].proposals for one in walks)
    orders = {tuple(trial.index for trial in one.finished) for one in walks}
    assert len(orders) > 4, "they did not end in different orders"


@pytest.mark.parametrize("name", HALVING)
@pytest.mark.parametrize("parallel", [1, 2, 50])
def test_a_restart_before_every_ask_changes_nothing(name, parallel):
    def run(*, reborn):
        return walk(name, searching(9), trials=66, parallel=parallel, pace=3, value=patchy, reborn=reborn)

    assert run(reborn=True) == run(reborn=False)


def patchy(index, point):
    """Two of seven trials fail."""
    return None if hash_of(index, {}) % 7 < 2 else loss(point)


@pytest.mark.parametrize(("parallel", "most"), [(1, 0), (2, 2), (4, 10), (9, 65)])
def test_hardly_ever_is_a_place_idle(parallel, most):
    """Of 412 trials so many had to wait for another one to end, each once for each trial that ended meanwhile."""
    for pace in (0, 3):
        assert walk("hyperband", searching(81), trials=412, parallel=parallel, pace=pace).postponed <= most


@pytest.mark.parametrize(("parallel", "highest"), [(1, 3), (7, 3), (50, 2)])
def test_asha_never_waits(parallel, highest):
    found = walk("asha", searching(27), trials=200, parallel=parallel, pace=3, value=patchy)
    assert found.postponed == 0
    assert max(found.rung(index)[1] for index in found.points) == highest


def test_asha_counts_who_failed():
    """Three have ended, one of them with a value: it is the best third."""
    optimizer = started("asha", searching(9))
    for index in range(3):
        assert optimizer.ask(index=index, running={}).parent is None
        point = asked(optimizer, index=index, running={})
        optimizer.tell(Finished(index=index, point=point, value=1.0 if index == 1 else None))
    assert optimizer.ask(index=3, running={}).parent == 1


def test_asha_promotes_the_best_third_once():
    found = walk("asha", searching(27), trials=300, parallel=6, pace=3)
    parents = [one.parent for one in found.proposals.values() if one.parent is not None]
    assert len(parents) == len(set(parents)) > 80
    order = {trial.index: place for place, trial in enumerate(found.finished)}
    for index, one in found.proposals.items():
        if one.parent is None:
            assert found.rung(index) == (0, 0)
            continue
        rung = found.rung(one.parent)[1]
        assert found.rung(index) == (0, rung + 1)
        # When it was asked for, all but five of the trials before it had ended, its parent among them.
        ended = [i for i in found.points if i < index and found.rung(i)[1] == rung and order[i] <= index - 1]
        assert one.parent in ended
        rank = sorted(ended, key=lambda i: loss(found.points[i])).index(one.parent)
        assert rank < math.ceil((len(ended) + 1) / 3)


def test_asha_gives_a_failed_promotion_up():
    """Whoever fails on the second rung is not sent there again."""
    found = walk(
        "asha", searching(9), trials=60, value=lambda _, point: None if point["epochs"] == "3" else loss(point)
    )
    sent = [tuple(point.values()) for point in found.points.values() if point["epochs"] == "3"]
    assert len(sent) == len(set(sent)) >= 10
    assert not any(point["epochs"] == "9" for point in found.points.values())


# ------------------------------------------------------------------------------------------- failures and foreigners


def test_failed_trials_are_last_and_new_configurations_take_their_places():
    def value(index, point):
        return None if index not in {2, 7} else loss(point)

    found = walk("hyperband", searching(9), trials=22, value=value)
    second = [index for index in range(22) if found.rung(index) == (0, 1)]
    assert [found.proposals[index].parent for index in second] == [
        *sorted((2, 7), key=lambda i: loss(found.points[i])),
        None,
    ]
    assert {found.points[index]["epochs"] for index in second} == {"3"}
    assert len({point["lr"] for index, point in found.points.items() if index <= 8 or index == second[2]}) == 10


@pytest.mark.parametrize("name", WITH_BRACKETS)
def test_only_running_trials_of_the_rung_below_are_waited_for(name):
    the_problem = searching(9)
    first = started(name, the_problem)
    points = {index: asked(first, index=index, running={}) for index in range(17)}

    def answer(running, told):
        optimizer = started(name, the_problem)
        for index in told:
            optimizer.tell(Finished(index=index, point=points[index], value=float(index)))
        return optimizer.ask(index=17, running={index: points[index] for index in running})

    assert answer([8, 12], range(8)) is Absence.LATER
    assert answer([9, 12], range(9)).parent == 0
    assert answer([8], range(9)).parent == 0, "it was told after all"
    assert answer([], [5]).parent == 5, "what is neither told nor runs will never come"
    assert answer([], []).parent is None


@pytest.mark.parametrize("name", HALVING)
def test_values_of_another_amount_are_not_compared(name):
    """A history from other settings: trial 3 was the best by far, but with 2 epochs, which no rung has."""
    optimizer = started(name, searching(9))
    for index in range(9):
        point = {**asked(optimizer, index=index, running={}), "epochs": "2" if index == 3 else "1"}
        optimizer.tell(Finished(index=index, point=point, value=-9.0 if index == 3 else float(index)))
    answer = optimizer.ask(index=17, running={})
    assert isinstance(answer, Proposal)
    assert answer.parent == 0


@pytest.mark.parametrize("name", HALVING)
def test_what_it_is_told_must_fit(name):
    optimizer, point = started(name, searching(9)), {"lr": "0.1", "width": "8", "drop": "0", "kind": "a", "epochs": "1"}
    for _ in range(2):
        optimizer.tell(Finished(index=1, point=point, value=0.0))
    with pytest.raises(Broken, match="told twice"):
        optimizer.tell(Finished(index=1, point=point, value=1.0))
    with pytest.raises(Broken, match="outside the search space"):
        optimizer.tell(Finished(index=2, point={**point, "epochs": "10"}, value=0.0))


def test_the_same_configuration_is_promoted_once_per_rung():
    """Two configurations, nine places: the better one is given the first place of the next rung, not all three."""
    space = Space((parameter("kind", "categorical", values=("a", "b")), resource(high="9")))
    optimizer = started("hyperband", problem(space, r_l="9", resource_name="epochs"))
    for index in range(17):
        point = asked(optimizer, index=index, running={})
        optimizer.tell(Finished(index=index, point=point, value=float(point["kind"] == "a")))
    answers = [optimizer.ask(index=index, running={}) for index in (17, 18, 19)]
    assert [one.point["kind"] for one in answers[:2]] == ["b", "a"]
    assert answers[2].parent is None


def test_katibs_own_example_gives_what_katib_gives():
    """hp-tuning/hyperband.yaml: r_l 2 and eta 2, but a range of one epoch, and two trials."""
    space = Space(
        (
            parameter("lr", "double", low="0.01", high="0.05"),
            parameter("momentum", "double", low="0.5", high="0.9"),
            parameter("num-epochs", "int", low="1", high="1"),
        )
    )
    the_problem = problem(space, resource_name="num-epochs", eta="2", r_l="2")
    slugs = [(issue.slug, issue.severity.value) for issue in named("hyperband").check(the_problem)]
    assert slugs == [("resource-ends-below", "warning"), ("one-rung", "warning")]
    found = walk("hyperband", the_problem, trials=2, parallel=2, value=lambda index, _: float(index))
    assert [point["num-epochs"] for point in found.points.values()] == ["1", "1"]
    assert len({point["lr"] for point in found.points.values()}) == 2


# ------------------------------------------------------------------------------------------------------ what it gains

SEEDS = range(8)


def random_quality(seed):
    """The best of a hundred random configurations with all epochs."""
    optimizer = started("random", problem(Space(CONFIGURATIONS), seed=seed))
    return min(loss({**asked(optimizer, index=index, running={}), "epochs": "81"}) for index in range(100))


@pytest.mark.parametrize("name", HALVING)
def test_a_quarter_of_the_epochs_does_what_random_search_does_with_all(name):
    quarter = 100 * 81 / 4
    trials = 500 if name == "asha" else 206
    walks = [walk(name, searching(81, seed=seed), trials=trials, parallel=4) for seed in SEEDS]
    assert median(one.best(quarter) for one in walks) <= median(map(random_quality, SEEDS))


def test_bohb_learns_what_hyperband_draws():
    """Configurations of the second round, none of them promoted: the model's are far better than chance."""

    def fresh(name):
        walks = [walk(name, searching(27, seed=seed), trials=138, parallel=4) for seed in range(4)]
        ones = [(index, one) for found in walks for index, one in found.proposals.items()]
        return [final(one.point) for index, one in ones if index >= 69 and one.parent is None]

    assert median(fresh("bohb")) < median(fresh("hyperband")) / 1.5


def test_bohb_asks_the_highest_rung_with_enough_results():
    """Low rungs say that a small rate is best, high ones that a large one is."""
    optimizer = started("bohb", searching(9))
    row = Row(brackets(ladder.rungs(resource(high="9"), {"r_l": "9"})))
    texts, high = ("1", "3", "9"), 0
    for index in range(88):
        rung = row.place(index).rung
        lr = 10 ** (-5 + 5 * (hash_of(index, {}) % 50) / 50)
        point = {"lr": str(lr), "width": "64", "drop": "0.3", "kind": "b", "epochs": texts[rung]}
        optimizer.tell(Finished(index=index, point=point, value=(-1 if rung == 2 else 1) * math.log10(lr)))
        high += rung == 2
    assert high > 15
    rates = [float(asked(optimizer, index=index, running={})["lr"]) for index in range(88, 97)]
    assert sum(rate > 0.03 for rate in rates) >= 4
