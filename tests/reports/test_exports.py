import csv
import io
from dataclasses import replace

import pytest
import yaml
from ruamel.yaml import YAML

from kagit.objective import Metric, Objective, ObjectiveType, Strategy
from kagit.space import Parameter, ParameterType, Space
from reports import exports, series, tables
from tests.reports import cases


def rows(data):
    return list(csv.DictReader(io.StringIO(exports.trials_csv(data), newline="")))


def test_a_row_per_trial_with_values_that_count():
    objective = Objective(
        type=ObjectiveType.MINIMIZE, metric="loss", additional=("acc",), strategies={"loss": Strategy.MIN}
    )
    trial = cases.trial(0, {"C": "1.50", "gamma": "-0.5", "kernel": "-rbf"})
    trial = replace(
        trial, observation=(Metric(name="loss", min="0.10", max="9", latest="nan"), Metric(name="acc", latest="NaN"))
    )
    (row,) = rows(cases.report([trial], one=cases.experiment(objective=objective)))
    assert list(row) == ["trial", "status", "C", "gamma", "kernel", "loss", "acc", "started", "finished"]
    assert (row["C"], row["gamma"], row["kernel"]) == ("1.50", "-0.5", "'-rbf")
    assert (row["loss"], row["acc"], row["status"]) == ("0.1", "", "Succeeded")


@pytest.mark.parametrize(
    ("parameters", "metrics", "columns"),
    [
        (["lr"], ["loss"], ["lr", "loss"]),
        (["x"], ["x"], ["parameter.x", "metric.x"]),
        (["X"], ["x"], ["parameter.X", "metric.x"]),
        (["trial", "Status"], ["finished"], ["parameter.trial", "parameter.Status", "metric.finished"]),
        (["x", "parameter.x"], ["x"], ["parameter.x_", "parameter.x", "metric.x"]),
        ([""], ["loss"], ["parameter.", "loss"]),
    ],
)
def test_columns_are_never_ambiguous(parameters, metrics, columns):
    assert list(exports.columns(parameters, metrics)) == columns


@pytest.mark.parametrize(
    "text",
    ["=1", "+a", "-a", "@x", "|x", "%x", "\tx", "\nx", " =1", "\uff1d1", "\u200b=1", "\x00=1", "+1", "1+1=2\n=2"[5:]],
)
def test_what_a_spreadsheet_could_run_gets_an_apostrophe(text):
    assert exports.guarded(text).startswith("'")


@pytest.mark.parametrize("text", ["rbf", "a=b", "3-4", "", "x\n=1"])
def test_other_text_gets_none(text):
    assert exports.guarded(text) == text


AWKWARD = (
    "n",
    "y",
    "on",
    "off",
    "null",
    "~",
    "012",
    "0x1f",
    "0o17",
    "1e3",
    "1_000",
    "12:30:45",
    "2026-01-01",
    ".inf",
    "-",
    "? x",
    "a: b",
    "a #b",
    "",
    " x ",
    "é",
    "🎈",
)


@pytest.mark.parametrize("load", [yaml.safe_load, YAML(typ="safe", pure=True).load], ids=["yaml-1.1", "yaml-1.2"])
def test_best_yaml_reads_alike_in_yaml_1_1_and_1_2(load):
    space = [
        Parameter(name=f"p{at}", type=ParameterType.CATEGORICAL, values=(text,)) for at, text in enumerate(AWKWARD)
    ]
    numbers = {
        "i": ("int", "7"),
        "z": ("int", "012"),
        "d": ("double", "1e-05"),
        "e": ("double", "2.5E6"),
        "f": ("double", "-3"),
        "g": ("discrete", "0.5"),
        "h": ("discrete", "1e3"),
    }
    space += [Parameter(name=name, type=ParameterType(kind), values=("0",)) for name, (kind, _) in numbers.items()]
    point = {f"p{at}": text for at, text in enumerate(AWKWARD)} | {name: text for name, (_, text) in numbers.items()}
    trial = cases.trial(0, point, ("accuracy", "1e-07"))
    loaded = load(exports.best_yaml(cases.report([trial], one=cases.experiment(*space)), trial))
    assert {name: loaded["parameters"][name] for name in numbers} == {
        "i": 7,
        "z": "012",
        "d": 1e-05,
        "e": 2.5e6,
        "f": -3,
        "g": 0.5,
        "h": "1e3",
    }
    assert tuple(loaded["parameters"][f"p{at}"] for at in range(len(AWKWARD))) == AWKWARD
    assert loaded["parameterAssignments"] == [{"name": name, "value": text} for name, text in point.items()]
    assert loaded["objective"] == {"type": "maximize", "metric": "accuracy", "value": 1e-07}
    assert isinstance(loaded["objective"]["value"], float)
    assert (loaded["experiment"], loaded["namespace"], loaded["run"], loaded["trial"]) == (
        "digits-svm",
        "vision",
        1,
        "digits-svm-1-0000",
    )


def test_a_very_long_parameter_name_can_be_read():
    name = "n" * 3000
    trial = cases.trial(0, {name: "a"})
    data = cases.report(
        [trial], one=cases.experiment(Parameter(name=name, type=ParameterType.CATEGORICAL, values=("a",)))
    )
    assert yaml.safe_load(exports.best_yaml(data, trial))["parameters"] == {name: "a"}


def test_best_yaml_without_parameters_or_value():
    trial = cases.trial(0, {})
    loaded = yaml.safe_load(exports.best_yaml(cases.report([trial]), trial))
    assert (loaded["parameters"], loaded["parameterAssignments"], loaded["objective"]["value"]) == ({}, [], None)


def test_the_winner_is_the_named_trial():
    data = cases.finished()
    assert yaml.safe_load(exports.best_yaml(data, series.best_trial(data)))["trial"] == data.best


GENOTYPE = "Genotype(normal=[[('max_pooling_3x3', 0)]], normal_concat=range(2, 3)), \"quoted\" and longer than a cell"


def test_a_result_in_words_is_kept_in_full_and_shown_in_short():
    operation = {
        "operationType": "pooling",
        "parameters": [
            {"name": "kind", "parameterType": "categorical", "feasibleSpace": {"list": ["max", "mean"]}},
            {"name": "size", "parameterType": "int", "feasibleSpace": {"min": "2", "max": "6", "step": "2"}},
        ],
    }
    said = Metric(name="accuracy", latest=GENOTYPE)
    settings = "{'num_epochs': '1', 'w_lr': 0.025, 'w_lr_min': 0.001, 'w_momentum': 0.9}"
    one = replace(cases.trial(0, {"algorithm-settings": settings, "num-layers": "1"}), observation=(said,))
    nas = {"operations": [operation], "graphConfig": {"numLayers": 1}}
    made = replace(cases.experiment(), space=Space(()), nas=nas)
    shown = cases.report((one,), made, best=one.name)
    (row,) = csv.DictReader(io.StringIO(exports.trials_csv(shown)))
    assert (row["accuracy"], row["algorithm-settings"], row["num-layers"]) == (GENOTYPE, settings, "1")
    best = yaml.safe_load(exports.best_yaml(shown, one))
    assert best["objective"]["value"] == GENOTYPE
    assert best["parameters"] == {"algorithm-settings": settings, "num-layers": "1"}
    (cells,) = tables.trials(shown, 10).rows
    assert {cell.text for cell in cells} > {f"{GENOTYPE[:57]}...", f"{settings[:57]}...", "1"}
    assert [[cell.text for cell in row] for row in tables.space(shown).rows] == [
        ["pooling.kind", "categorical", "max, mean", "–"],
        ["pooling.size", "int", "2 to 6 step 2", "–"],
    ]
