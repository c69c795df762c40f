"""What authors write about the search, and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit import search
from kagit.objective import Constraint, Metric, Objective, ObjectiveType, Strategy, front
from kagit.search import Clause, Rules
from kagit.v1beta1.manifest import experiment
from tests.sim.universe import manifest


@pytest.mark.parametrize(
    ("clause", "value", "holds"),
    [
        (Clause(parameter="x", values=("0.1", "3")), "0.10", True),
        (Clause(parameter="x", values=("0.1",)), "0.2", False),
        (Clause(parameter="x", values=("sgd",)), "sgd", True),
        (Clause(parameter="x", sign="!=", values=("sgd",)), "adam", True),
        (Clause(parameter="x", sign="!=", values=("1",)), "1.0", False),
        (Clause(parameter="x", sign=">", values=("1e-3",)), "0.001", False),
        (Clause(parameter="x", sign=">=", values=("1e-3",)), "0.001", True),
        (Clause(parameter="x", sign="<", values=("10",)), "9", True),
        (Clause(parameter="x", sign="<=", values=("10",)), "nan", False),
        (Clause(parameter="x", sign="<", values=("ten",)), "9", False),
    ],
)
def test_a_clause(clause, value, holds):
    assert clause.holds({"x": value}) is holds


def test_what_stands_in_annotations():
    found = search.search(
        {
            "kagit.dev/initial-points": '[{"lr": 0.10, "n": "3"}]',
            "kagit.dev/fixed": '{"optimizer": "adam"}',
            "kagit.dev/active-when": '{"momentum": {"optimizer": ["sgd", "rms"], "lr": "> 0.1"}}',
            "kagit.dev/forbidden": '[{"n": 3, "lr": "<=0.1"}, {"optimizer": "!=adam"}]',
            "kagit.dev/start-from": '{"older": 5}',
        }
    )
    assert found.initial == ({"lr": "0.10", "n": "3"},)
    assert found.fixed == {"optimizer": "adam"}
    assert found.rules.active["momentum"] == (
        Clause(parameter="optimizer", values=("sgd", "rms")),
        Clause(parameter="lr", sign=">", values=("0.1",)),
    )
    assert found.rules.forbidden[0][0] == Clause(parameter="n", values=("3",))
    assert found.rules.forbidden[1] == (Clause(parameter="optimizer", sign="!=", values=("adam",)),)
    assert found.start_from == {"older": 5}


@pytest.mark.parametrize(
    "given_",
    ["", "x", "[]", "{}", "[1]", "[{}]", "3", "null", '[{"a": null}]', '[{"a": [1]}, {}]', '{"a": {}}', '{"a": true}',
     '{"a": "1", "a": "2"}', '{"a": -1}', '{"a": 0}', '{"A b": 3}', "[" * 100_000],
)  # fmt: skip
def test_what_is_none_of_it_is_nothing(given_):
    assert search.points(given_) is None
    assert search.active(given_) is None
    assert search.starts(given_) is None
    if given_ != '{"a": -1}' and given_ not in {'{"a": 0}', '{"A b": 3}'}:
        assert search.fixed(given_) is None


@given(st.text())
def test_any_text_is_read_without_a_crash(given_):
    assert search.search(dict.fromkeys(("kagit.dev/initial-points", "kagit.dev/forbidden"), given_)).start_from == {}


def test_what_does_not_count_has_its_idle_value_and_so_has_what_depends_on_it():
    rules = Rules(
        active={
            "inner": (Clause(parameter="outer", sign=">", values=("2",)),),
            "outer": (Clause(parameter="kind", values=("deep",)),),
        }
    )
    idle = {"inner": "0", "outer": "1", "kind": "flat"}
    assert rules.order() == ("outer", "inner")
    assert rules.settled({"kind": "flat", "outer": "9", "inner": "9"}, idle) == {
        "kind": "flat",
        "outer": "1",
        "inner": "0",
    }
    assert rules.settled({"kind": "deep", "outer": "9", "inner": "9"}, idle)["inner"] == "9"


def test_aims():
    assert search.objectives('{"latency": "minimize", "f1": "maximize"}') == {"latency": "minimize", "f1": "maximize"}
    assert search.constraints('{"memory": "<= 512", "f1": ">=0.5"}') == (
        Constraint(metric="memory", sign="<=", bound=512.0),
        Constraint(metric="f1", sign=">=", bound=0.5),
    )
    for given_ in (
        '{"memory": "<512"}',
        '{"memory": "512"}',
        '{"memory": "<=nan"}',
        '{"memory": "<=1e999"}',
        "{}",
        "[]",
    ):
        assert search.constraints(given_) is None
    for given_ in ('{"latency": "down"}', '{"": "minimize"}', "{}", '["latency"]'):
        assert search.objectives(given_) is None


AIM = Objective(
    type=ObjectiveType.MAXIMIZE,
    metric="f1",
    additional=("latency", "memory"),
    strategies={"f1": Strategy.MAX, "latency": Strategy.MIN, "memory": Strategy.MAX},
    others={"latency": ObjectiveType.MINIMIZE},
    constraints=(Constraint(metric="memory", sign="<=", bound=512.0),),
)


def seen(**values: str):
    return tuple(Metric(name=name, min=text, max=text, latest=text) for name, text in values.items())


def test_what_breaks_a_constraint_is_never_the_best():
    assert AIM.result(seen(f1="0.5", latency="3", memory="512")) == 0.5
    assert AIM.result(seen(f1="0.9", latency="3", memory="513")) is None
    assert AIM.result(seen(f1="0.9", latency="3")) is None
    assert AIM.excess(seen(f1="0.9", latency="3", memory="600")) == (88.0,)
    assert AIM.values(seen(f1="0.9", latency="3")) == (0.9, 3.0)
    assert AIM.values(seen(f1="0.9")) is None


def test_a_parameter_counts_where_its_clauses_hold():
    rules = search.Rules(
        active={
            "momentum": (search.Clause(parameter="optimizer", values=("sgd", "rmsprop")),),
            "nesterov": (search.Clause(parameter="momentum", sign=">", values=("0.5",)),),
        }
    )
    point = {"optimizer": "sgd", "momentum": "0.4", "nesterov": "no", "lr": "1"}
    assert [rules.counts(name, point) for name in point] == [True, True, False, True]
    assert not rules.counts("momentum", {**point, "optimizer": "adam"})
    settled = rules.settled({**point, "optimizer": "adam", "momentum": "0.9"}, {"momentum": "0", "nesterov": "no"})
    assert not rules.counts("nesterov", settled)
    assert rules.counts("momentum", {})


def test_ten_thousand_points_on_the_front_need_no_comparison_of_each_with_each():
    count = 10_000
    points = [(float(at), float(count - at), float(at % 7)) for at in range(count)]
    for types in ((ObjectiveType.MINIMIZE,) * 2, (ObjectiveType.MINIMIZE,) * 3):
        assert front([one[: len(types)] for one in points], types) == tuple(range(count))


def test_the_front_is_what_nothing_beats():
    points = [(0.9, 5.0), (0.8, 3.0), (0.8, 4.0), (0.9, 5.0), (0.1, 3.5), (0.95, 9.0)]
    assert front(points, (ObjectiveType.MAXIMIZE, ObjectiveType.MINIMIZE)) == (0, 1, 3, 5)
    assert front([], (ObjectiveType.MAXIMIZE,)) == ()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@given(wide=st.lists(st.tuples(*[st.integers(0, 4)] * 5), max_size=30))
def test_the_front_by_its_definition(count, wide):
    types = (ObjectiveType.MINIMIZE, ObjectiveType.MAXIMIZE, ObjectiveType.MINIMIZE, *[ObjectiveType.MAXIMIZE] * 2)[
        :count
    ]
    points = [one[:count] for one in wide]
    costs = [
        tuple(-x if kind is ObjectiveType.MAXIMIZE else x for x, kind in zip(one, types, strict=True)) for one in points
    ]
    wanted = [
        at
        for at, one in enumerate(costs)
        if not any(other != one and all(x <= y for x, y in zip(other, one, strict=True)) for other in costs)
    ]
    assert list(front([tuple(map(float, one)) for one in points], types)) == wanted


def test_readings_that_count_without_a_strategy():
    body = manifest("a", trials=3)
    body["spec"]["objective"] |= {
        "type": "maximize",
        "objectiveMetricName": "f1",
        "additionalMetricNames": ["latency", "memory", "recall", "speed"],
        "metricStrategies": [{"name": "speed", "value": "latest"}],
    }
    body["metadata"]["annotations"] = {
        "kagit.dev/objectives": '{"latency": "minimize", "speed": "maximize"}',
        "kagit.dev/constraints": '{"memory": "<=1", "recall": ">=0.5", "latency": "<=9", "f1": ">=0.1"}',
    }
    found, _ = experiment(body)
    assert found.objective.strategies == {
        "f1": "max",
        "latency": "min",
        "memory": "max",
        "recall": "min",
        "speed": "latest",
    }
