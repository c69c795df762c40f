"""enas and darts: Katib's texts to the letter (spec katib.md 5.9, 5.10), and a controller that learns."""

import json
from dataclasses import replace
from random import Random
from statistics import mean

import numpy as np
import pytest

from algorithms.catalog import named
from algorithms.contract import Finished, Problem
from algorithms.nas import controller as teaching
from algorithms.nas import enas, graph
from algorithms.nas.controller import Controller, Options
from algorithms.nas.graph import Graph, Operation
from kagit.errors import Broken
from kagit.objective import ObjectiveType
from kagit.space import Space
from tests.algorithms.harness import asked, batch, started


def parameter(name, kind="categorical", **feasible):
    return {"name": name, "parameterType": kind, "feasibleSpace": feasible}


def operation(kind, *parameters):
    return {"operationType": kind, "parameters": list(parameters)}


def nas(*operations, layers=3):
    return {
        "graphConfig": {"numLayers": layers, "inputSizes": [32, 32, 3], "outputSizes": [10]},
        "operations": list(operations),
    }


CONVOLUTION = operation("convolution", parameter("filter_size", list=["3", "5"]), parameter("stride", list=["1", "2"]))
REDUCTION = operation(
    "reduction",
    parameter("reduction_type", list=["max_pooling", "avg_pooling"]),
    parameter("pool_size", "int", min="2", max="3", step="1"),
)
KATIB = nas(CONVOLUTION, REDUCTION)
"""Eight operations, as in Katib's enas-cpu.yaml but fewer."""


def problem(config, *, direction="maximize", seed=7, most=None, **settings):
    return Problem(
        space=Space(()),
        direction=ObjectiveType(direction),
        settings=settings,
        seed=seed,
        max_trials=most,
        nas=config,
    )


def issues(name, given):
    return [(one.field, one.slug, str(one.severity)) for one in named(name).check(given)]


def test_an_architecture_is_told_as_katib_tells_it():
    point = graph.of(problem(KATIB)).point(((5,), (0, 1), (5, 0, 1)))
    assert point == {
        "architecture": "[[5], [0, 1], [5, 0, 1]]",
        "nn_config": "{'num_layers': 3, 'input_sizes': [32, 32, 3], 'output_sizes': [10], 'embedding': {"
        "'5': {'opt_id': 5, 'opt_type': 'reduction', 'opt_params': {'reduction_type': 'max_pooling', 'pool_size': 3}}, "
        "'0': {'opt_id': 0, 'opt_type': 'convolution', 'opt_params': {'filter_size': '3', 'stride': '1'}}}}",
    }


def test_operations_are_numbered_like_the_combinations_of_their_parameters():
    made = graph.of(problem(KATIB)).operations
    assert [(one.type, *one.parameters.values()) for one in made] == [
        ("convolution", "3", "1"),
        ("convolution", "3", "2"),
        ("convolution", "5", "1"),
        ("convolution", "5", "2"),
        ("reduction", "max_pooling", 2),
        ("reduction", "max_pooling", 3),
        ("reduction", "avg_pooling", 2),
        ("reduction", "avg_pooling", 3),
    ]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (parameter("a", list=["x", "1", "x y"]), ("x", "1", "x y")),
        (parameter("a", "int", min="1", max="6", step="2"), (1, 3, 5)),
        (parameter("a", "int", min="1", max="3"), (1, 2, 3)),
        (parameter("a", "double", min="0.1", max="0.4", step="0.1"), (0.1, 0.2, 0.3, 0.4)),
        (parameter("a", "double", min="1", max="2.2", step="0.5"), (1.0, 1.5, 2.0)),
        (parameter("a", "discrete", list=["4", "0.5", "1e1"]), (0.5, 4, 10)),
    ],
    ids=["list", "int", "int without step", "double", "double beside its end", "discrete"],
)
def test_every_kind_of_parameter_gives_its_values(given, values):
    made = graph.of(problem(nas(operation("o", given)))).operations
    assert [json.dumps(one.parameters["a"]) for one in made] == [json.dumps(one) for one in values]


def test_darts_tells_what_katib_tells_any_number_of_times():
    config = nas(
        operation("separable_convolution", parameter("filter_size", list=["3", "5"])),
        operation("skip_connection", parameter("filter_size", list=["3"])),
        operation("pooling", parameter("size", "int", min="2", max="4", step="2")),
        layers=8,
    )
    optimizer = started("darts", problem(config, batch_size="None", num_epochs="3", w_lr="1e-2", extra="it's"))
    points = [asked(optimizer, index=index, running={}) for index in (0, 0, 1, 77)]
    assert points[0] == {
        "algorithm-settings": "{'num_epochs': '3', 'w_lr': '1e-2', 'w_lr_min': 0.001, 'w_momentum': 0.9, "
        "'w_weight_decay': 0.0003, 'w_grad_clip': 5.0, 'alpha_lr': 0.0003, 'alpha_weight_decay': 0.001, "
        "'batch_size': null, 'num_workers': 4, 'init_channels': 16, 'print_step': 50, 'num_nodes': 4, "
        "'stem_multiplier': 3, 'extra': 'it's'}",
        "search-space": "['separable_convolution_3x3', 'separable_convolution_5x5', 'skip_connection', 'pooling_2x2', "
        "'pooling_4x4']",
        "num-layers": "8",
    }
    assert points == [points[0]] * 4


@pytest.mark.parametrize("name", ["darts", "enas"])
def test_what_cannot_be_counted_or_has_no_effect_is_said(name):
    config = nas(
        operation("a", parameter("x", "double", min="0", max="1")),
        operation("b", parameter("y", "int", min="1", max="4", distribution="logUniform")),
    )
    assert issues(name, problem(config)) == [
        ("nasConfig.operations[0].parameters[0].feasibleSpace.step", "nas-step-missing", "error"),
        ("nasConfig.operations[1].parameters[0].feasibleSpace.distribution", "distribution-ignored", "warning"),
    ]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("enas", problem(KATIB, most=4096), []),
        (
            "enas",
            problem(nas(CONVOLUTION, layers=1), most=5),
            [("maxTrialCount", "space-smaller-than-budget", "warning")],
        ),
        ("enas", problem(nas(CONVOLUTION, layers=1), most=4), []),
        (
            "enas",
            problem(nas(operation("a", parameter("x", "int", min="1", max="1001")))),
            [("nasConfig.operations", "nas-operations-many", "error")],
        ),
        (
            "enas",
            problem(nas(CONVOLUTION, layers=101)),
            [("nasConfig.graphConfig.numLayers", "nas-layers-many", "error")],
        ),
        (
            "enas",
            problem(KATIB, controller_log_every_steps="5"),
            [("algorithm.algorithmSettings[0].name", "setting-unused", "warning")],
        ),
        (
            "darts",
            problem(nas(CONVOLUTION, layers=0), most=2),
            [
                ("nasConfig.operations[0].parameters[1]", "nas-parameter-unused", "warning"),
                ("nasConfig.graphConfig.numLayers", "nas-layers-missing", "warning"),
                ("maxTrialCount", "space-smaller-than-budget", "warning"),
            ],
        ),
    ],
)
def test_limits_and_what_is_too_small_for_the_budget(name, given, expected):
    assert issues(name, given) == expected
    assert all("; " in one.message for one in named(name).check(given))


SETTINGS = Options(
    hidden=5,
    temperature=1.5,
    tanh=2.25,
    entropy_weight=0.1,
    learning_rate=0.01,
    skip_target=0.4,
    skip_weight=0.8,
    steps=1,
)
TINY = Graph(
    layers=4,
    inputs=(8,),
    outputs=(10,),
    operations=tuple(Operation(type="o", parameters={"k": k}) for k in range(3)),
)
GAINS = np.array([[1.0], [-0.5], [0.3]])


def loss(one, state, architectures, options):
    """What the controller minimises, written down again as the paper has it."""
    total = 0.0
    for at, layer in enumerate(one.chances(state, architectures)):
        rows = np.arange(len(architectures))
        total -= (GAINS[:, 0] * np.log(layer.chances[rows, layer.chosen])).sum()
        total += options.entropy_weight * (layer.chances * np.log(layer.chances)).sum()
        if at:
            p, wanted = layer.skips, options.skip_target
            total -= (GAINS * np.log(np.where(layer.bits == 1, p, 1 - p))).sum()
            total += options.entropy_weight * (p * np.log(p) + (1 - p) * np.log(1 - p)).sum()
            away = p * np.log(p / wanted) + (1 - p) * np.log((1 - p) / (1 - wanted))
            total += options.skip_weight / (TINY.layers - 1) * away.sum()
    return total / len(architectures)


@pytest.mark.parametrize("options", [SETTINGS, replace(SETTINGS, temperature=None, tanh=None)], ids=["bound", "free"])
def test_the_way_back_through_the_network_is_the_slope_of_its_loss(options, monkeypatch):
    one = Controller(TINY, options)
    state = one.begin(Random(1))
    state = state._replace(weights=state.weights * 5)
    chance = Random(2)
    architectures = [TINY.drawn(chance) for _ in GAINS]
    found = []
    monkeypatch.setattr(one, "_stepped", lambda state, gradient: found.append(gradient) or state)
    one.learn(state, list(zip(architectures, GAINS[:, 0], strict=True)))
    for at in range(0, len(state.weights), 7):
        nudge = np.zeros_like(state.weights)
        nudge[at] = 1e-5
        up, down = (
            loss(one, state._replace(weights=state.weights + sign * nudge), architectures, options) for sign in (1, -1)
        )
        assert found[0][at] == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_a_decision_that_has_moved_by_a_fifth_is_left_alone():
    pull = teaching._pull(np.array([[1.0], [1.0], [-1.0], [-1.0]]), np.log([[1.1], [1.3], [0.9], [0.7]]), np.zeros(1))
    assert pull[:, 0].tolist() == pytest.approx([1.1, 0.0, -0.9, 0.0])


WANTED = (2, 5, 0, 3, 1)
FIVE = nas(
    operation("convolution", parameter("size", list=["3", "5", "7"])),
    operation("pooling", parameter("size", list=["2", "3"])),
    operation("separable", parameter("size", list=["3"])),
    layers=5,
)


def worth(architecture):
    """One for each layer with the operation that is wanted there; skips cost."""
    hits = sum(layer[0] == wanted for layer, wanted in zip(architecture, WANTED, strict=True))
    return hits - 0.2 * sum(sum(layer[1:]) for layer in architecture)


def searched(seed, *, direction="maximize", count=60, scale=1.0, **settings):
    """What each network of a search was worth; what is told is blurred, and every seventh trial fails."""
    given = problem(FIVE, seed=seed, direction=direction, **settings)
    optimizer, made, sign = started("enas", given), graph.of(given), 1 if direction == "maximize" else -1
    values = []
    for index in range(count):
        point = asked(optimizer, index=index, running={})
        values.append(worth(made.read(point)))
        told = None if index % 7 == 6 else sign * scale * (values[-1] + Random(index).gauss(0, 0.1))
        optimizer.tell(Finished(index=index, point=point, value=told))
    return values


SMALL = {"controller_hidden_size": "16"}


@pytest.mark.parametrize(
    ("direction", "scale", "settings"), [("maximize", 1.0, {}), ("minimize", 1e6, SMALL), ("maximize", 1e-6, SMALL)]
)
def test_enas_learns_within_sixty_trials(direction, scale, settings):
    late = [mean(searched(seed, direction=direction, scale=scale, **settings)[40:]) for seed in range(3)]
    drawn = graph.of(problem(FIVE)).drawn
    chance = mean(worth(drawn(Random(seed))) for seed in range(2000))
    assert chance == pytest.approx(-0.2, abs=0.1)
    assert min(late) > chance + 0.5
    assert mean(late) > chance + 1


def test_the_learning_rate_decides_how_fast():
    slow, fast = (
        mean(mean(searched(seed, controller_learning_rate=rate, **SMALL)[40:]) for seed in range(3))
        for rate in ("5e-5", "0.01")
    )
    assert fast > slow + 0.5


def test_the_wanted_share_of_skips_is_approached_where_nothing_else_counts():
    def share(target):
        given = problem(KATIB, controller_skip_target=target, controller_skip_weight="100")
        optimizer, made = started("enas", given), graph.of(given)
        for index in range(40):
            optimizer.tell(Finished(index=index, point=asked(optimizer, index=index, running={}), value=1.0))
        points = [asked(optimizer, index=index, running={}) for index in range(40, 100)]
        return mean(mean((*a[1][1:], *a[2][1:])) for a in map(made.read, points))

    assert share("0.1") < 0.3
    assert share("0.9") > 0.7


EXTREMES = (
    {"controller_temperature": "1e-300"},
    {"controller_temperature": "None", "controller_tanh_const": "None", "controller_learning_rate": "1"},
    {"controller_tanh_const": "1e6", "controller_entropy_weight": "1e6", "controller_skip_weight": "1e6"},
    {"controller_hidden_size": "1", "controller_train_steps": "1", "controller_skip_target": "1"},
    {"controller_entropy_weight": "None", "controller_skip_weight": "None", "controller_baseline_decay": "1e-9"},
)


@pytest.mark.parametrize("settings", EXTREMES, ids=" ".join)
@pytest.mark.parametrize("scale", [1e308, 5e-324, 0.0])
def test_extreme_settings_and_values_leave_the_controller_sane(settings, scale):
    given = problem(KATIB, controller_train_steps="20") if "controller_train_steps" not in settings else problem(KATIB)
    given = replace(given, settings={**given.settings, **settings})
    optimizer, made = started("enas", given), graph.of(given)
    for index in range(22):
        point = asked(optimizer, index=index, running={})
        assert made.read(point) is not None
        optimizer.tell(Finished(index=index, point=point, value=scale * (-1) ** index))
    assert np.isfinite(optimizer._grown().weights).all()


def test_a_late_trial_is_learnt_from_as_if_it_had_been_in_time():
    given = problem(FIVE, controller_train_steps="5")
    optimizer = started("enas", given)
    trials = [
        Finished(index=index, point=asked(started("enas", given), index=index, running={}), value=float(index % 3))
        for index in range(80)
    ]
    for trial in trials:
        if trial.index not in {3, 40, 78}:
            optimizer.tell(trial)
            asked(optimizer, index=100 + trial.index, running={})
    assert len(optimizer._states) <= enas._KEPT
    for late in (78, 3, 40):
        optimizer.tell(trials[late])
        fresh = started("enas", given)
        for trial in trials:
            if trial.index in optimizer._told:
                fresh.tell(trial)
        assert batch(optimizer, range(300, 303), {}) == batch(fresh, range(300, 303), {})
        assert (optimizer._grown().weights == fresh._grown().weights).all()


def test_networks_are_not_tried_twice_until_all_were():
    given = problem(nas(CONVOLUTION, layers=2))
    optimizer, seen = started("enas", given), []
    for index in range(40):
        seen.append(asked(optimizer, index=index, running={})["architecture"])
        optimizer.tell(Finished(index=index, point=graph.of(given).point(_read(seen[-1])), value=1.0))
    assert len(set(seen[:32])) == 32
    points = batch(optimizer, range(40, 72), {})
    assert len({one["architecture"] for one in points.values()}) == 32


def _read(architecture):
    return tuple(map(tuple, json.loads(architecture)))


@pytest.mark.parametrize(
    "architecture",
    ["", "3", "null", "[[0], [0, 1]]", "[[8], [0, 1], [0, 0, 0]]", "[[0], [0, 2], [0, 0, 0]]",
     "[[0],[0,1],[0,0,0]]", "[[0.0], [0, 1], [0, 0, 0]]", "[[true], [0, 1], [0, 0, 0]]", "[" * 100_000],
)  # fmt: skip
def test_a_network_of_another_search_is_passed_over(architecture):
    given = problem(KATIB)
    optimizer, untouched = started("enas", given), started("enas", given)
    config = graph.of(given).point(((0,), (0, 1), (0, 0, 0)))["nn_config"]
    for index in range(10):
        point = {"architecture": architecture, "nn_config": config}
        optimizer.tell(Finished(index=index, point=point, value=float(index)))
    running = {20: {"architecture": architecture}}
    assert batch(optimizer, range(10, 14), running) == batch(untouched, range(10, 14), {})


def test_what_is_told_twice_must_be_the_same():
    optimizer = started("enas", problem(KATIB))
    point = asked(optimizer, index=0, running={})
    optimizer.tell(Finished(index=0, point=point, value=1.0))
    optimizer.tell(Finished(index=0, point=point, value=1.0))
    with pytest.raises(Broken, match="told twice and differently"):
        optimizer.tell(Finished(index=0, point=point, value=2.0))
