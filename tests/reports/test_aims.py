import csv
import io
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.objective import Constraint, ObjectiveType
from kagit.trial import Phase
from reports import aims, charts, scatter, site, story, tables
from reports.insights.catalog import examine
from tests.reports import cases, reading

BOTH = pytest.mark.parametrize("path", ["index.html", "README.md"])


def text(data, path):
    return site.build(data)[path].decode()


def words(data, path):
    return " ".join(unescape(re.sub(r"<[^>]*>|`", " ", text(data, path))).split())


def net(*rows, **changes):
    """Trials of accuracy (maximised), latency (minimised) and memory (at most 512)."""
    trials = [
        cases.trial(at, {}, *zip(("accuracy", "latency", "memory"), map(str, row), strict=False), name="phone-net")
        for at, row in enumerate(rows)
    ]
    return replace(cases.aims(), trials=tuple(trials), best="", **changes)


def indexes(trials):
    return [trial.index for trial in trials]


def test_the_front_is_sorted_by_the_first_objective_without_what_breaks_has_no_value_or_failed():
    data = net((0.8, 3, 1), (0.9, 5, 1), (0.7, 4, 1), (0.99, 1, 513), (0.99, "nan", 1), (0.95, 9, 1), (0.97, 1, 1))
    trials = [*data.trials[:-1], replace(data.trials[-1], phase=Phase.FAILED)]
    found = aims.of(replace(data, trials=tuple(trials[::-1])))
    assert indexes(found.front) == [5, 1, 0]
    assert (found.measured, found.broken) == (4, 1)
    assert found.ahead == ((0.95, 9.0), (0.9, 5.0), (0.8, 3.0))
    assert (found.beaten, found.beyond) == (((0.7, 4.0),), ((0.99, 1.0),))


def test_with_one_objective_there_is_no_front_and_nothing_of_it_is_shown():
    found = aims.of(cases.finished())
    assert found == aims.Aims()
    assert "front" not in text(cases.finished(), "index.html").split("</style>")[1]
    assert "Pareto" not in text(cases.finished(), "README.md")
    assert "front.svg" not in site.build(cases.finished())


@BOTH
def test_both_editions_have_the_front_with_objectives_and_parameters(path):
    shown = words(cases.aims(), path)
    for fact in (
        "9 of 16 trials are on the front",
        "The best trial is the best by the first objective.",
        "Trials on the Pareto front",
        "7 with a broken constraint",
        "breaks memory ≤ 512 by 123",
        "breaks memory ≤ 512 without a value",
        "Goes on from phone-net-1-0003",
        "accuracy less than 0.8 from report 4, later others: 1",
        "A parameter with a dash does not count for that trial.",
        "does not count here",
        "kagit replay phone-net --namespace vision",
        "How the search was shaped",
        "momentum if optimizer is sgd",
        "optimizer is sgd and width > 120",
        "width = 32, optimizer = adam",
        "1 best of pilot",
        "latency: minimize",
    ):
        assert fact in shown, fact


def test_the_table_of_the_front_has_a_row_per_trial_and_a_column_per_objective_and_parameter():
    data = cases.aims()
    made = aims.table(data, aims.of(data).front)
    assert made.columns == ("Trial", "accuracy", "latency", "width", "optimizer", "momentum")
    assert [cell.text for cell in made.rows[0]] == ["phone-net-1-0012", "0.9448", "13.86", "89", "adam", ""]
    assert [row[0].remark for row in made.rows] == ["best", *[""] * 8]
    assert made.numeric == {1, 2, 3, 5}


def test_a_long_front_is_cut_and_says_so():
    data = net(*((at / 1000, at, 1) for at in range(150)))
    made = aims.table(data, aims.of(data).front)
    assert len(made.rows) == aims.MAX_FRONT
    assert made.note == "100 of 150 trials are shown: the best by the first objective."
    assert made.rows[0][0].text == "phone-net-1-0149"


def test_the_best_of_each_objective_is_named():
    data = cases.aims()
    rows = [[cell.text for cell in row] for row in aims.objectives(data, aims.of(data).front).rows]
    assert rows == [
        ["accuracy", "maximize", "0.9448", "phone-net-1-0012"],
        ["latency", "minimize", "5.88", "phone-net-1-0000"],
    ]
    assert [[cell.text for cell in row[2:]] for row in aims.objectives(data, ()).rows] == [["–", ""]] * 2


@BOTH
def test_without_any_value_the_section_says_so(path):
    shown = words(net(("nan", 1, 1)), path)
    assert "No trial has a usable value of every objective yet." in shown
    assert "Pareto front" in shown


@BOTH
def test_where_all_results_break_a_constraint_there_is_no_best_and_it_is_said(path):
    assert "Every trial that came to a result breaks a constraint" in words(net((0.9, 1, 600), (0.8, 1, 700)), path)


@pytest.mark.parametrize(
    ("constraint", "values", "said"),
    [
        (("memory", "<=", 512.0), (0.9, 1, 600), "breaks memory ≤ 512 by 88"),
        (("memory", "<=", 512.0), (0.9, 1, 512), ""),
        (("accuracy", ">=", 0.95), (0.9, 1, 1), "breaks accuracy ≥ 0.95 by 0.05"),
        (("memory", "<=", 512.0), (0.9, 1, "nan"), "breaks memory ≤ 512 without a value"),
        (("memory", "<=", 1234567.0), (0.9, 1, 1234568), "breaks memory ≤ 1234567 by 1"),
    ],
)
def test_what_breaks_a_constraint_says_by_how_much(constraint, values, said):
    metric, sign, bound = constraint
    one = Constraint(metric=metric, sign=sign, bound=bound)
    objective = replace(cases.aims().experiment.objective, constraints=(one,))
    (trial,) = net(values).trials
    assert aims.breaks(objective, trial) == said
    assert aims.breaks(objective, replace(trial, phase=Phase.RUNNING)) == ""


def test_several_broken_constraints_are_all_named():
    objective = replace(
        cases.aims().experiment.objective,
        constraints=(
            Constraint(metric="memory", sign="<=", bound=512.0),
            Constraint(metric="latency", sign="<=", bound=2.0),
        ),
    )
    (trial,) = net((0.9, 5, 600)).trials
    assert aims.breaks(objective, trial) == "breaks memory ≤ 512 by 88; latency ≤ 2 by 3"


def test_the_csv_has_what_else_is_to_be_said_in_its_last_columns():
    rows = {row["trial"]: row for row in csv.DictReader(io.StringIO(text(cases.aims(), "trials.csv")))}
    assert list(rows["phone-net-1-0000"])[-5:] == ["front", "breaks", "parent", "result_of", "stopped_by"]
    said = {name: [value for value in list(row.values())[-5:] if value] for name, row in rows.items()}
    assert said["phone-net-1-0000"] == ["yes"]
    assert said["phone-net-1-0003"] == ["breaks memory ≤ 512 by 123"]
    assert said["phone-net-1-0012"] == ["yes", "phone-net-1-0003"]
    assert said["phone-net-1-0014"] == ["phone-net-1-0002"]
    assert said["phone-net-1-0005"] == ["yes", "accuracy less than 0.8 from report 4, later others: 1"]
    assert said["phone-net-1-0006"] == ["breaks memory ≤ 512 by 73"], "its rules were never met"
    assert rows["phone-net-1-0000"]["momentum"] == "0", "what it was given, though it does not count"


def test_a_parameter_that_is_called_like_such_a_column_gets_its_long_name():
    data = cases.aims()
    width = replace(cases.WIDTH, name="Front")
    one = replace(data.experiment, space=cases.Space((width,)))
    head = text(replace(data, experiment=one), "trials.csv").split("\n")[0].split(",")
    assert head[2] == "parameter.Front"
    plain = replace(cases.finished().experiment, space=cases.Space((width,)))
    assert text(replace(cases.finished(), experiment=plain), "trials.csv").split("\n")[0].split(",")[2] == "Front"


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from([1, 600])), min_size=1, max_size=30))
def test_every_mark_is_inside_the_drawing_and_those_on_the_front_inside_the_axes(rows):
    data = net(*rows)
    objective, found = data.experiment.objective, aims.of(data)
    root = reading.drawing(scatter.front(objective, found))
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        for x, y in re.findall(r"M(\d+) (\d+)", path.get("d")):
            assert 0 <= int(x) <= charts.WIDTH
            assert 0 <= int(y) <= scatter.HEIGHT
    for axis, at in zip(scatter.axes(objective, found), (0, 1), strict=True):
        assert all(float(axis.low) <= spot[at] <= float(axis.high) for spot in found.ahead)


def marks(svg):
    found = {one.get("class"): one.get("d") for one in reading.drawing(svg).iter("{http://www.w3.org/2000/svg}path")}
    return {name: len(re.findall("M", pieces)) for name, pieces in found.items()}


def test_each_trial_has_its_mark_and_two_objectives_a_line():
    data = net((0.8, 3, 1), (0.9, 5, 1), (0.7, 4, 1), (0.99, 1, 513))
    one = data.experiment.objective
    assert marks(scatter.front(one, aims.of(data))) == {"dots": 1, "missing": 1, "best": 1, "front": 2}
    three = replace(one, others={**one.others, "memory": ObjectiveType.MINIMIZE})
    assert marks(scatter.front(three, aims.of(data))) == {"dots": 1, "missing": 1, "front": 2}


def test_the_line_goes_around_what_is_beaten():
    data = net((0.8, 3, 1), (0.9, 5, 1))
    svg = scatter.front(data.experiment.objective, aims.of(data))
    (line,) = re.findall(r'<path class="best" d="\n(.*?)\n"/>', svg, re.DOTALL)
    right, left = re.findall(r"M(\d+) (\d+)h0", svg.rpartition('class="front"')[2])
    assert line.split("\n")[:2] == [f"M{right[0]} {right[1]}", f"H{left[0]}V{left[1]}"]
    assert int(right[1]) < int(left[1]), "the slower one is higher up"


def test_one_more_trial_is_a_diff_of_a_few_lines():
    rows = [(0.8, 3, 1), (0.9, 5, 1), (0.7, 4, 1), (0.6, 4.5, 1)]
    drawn = [
        set(scatter.front(data.experiment.objective, aims.of(data)).split("\n"))
        for data in (net(*rows), net(*rows, (0.75, 4.2, 1)))
    ]
    assert len(drawn[1] - drawn[0]) <= 2


def test_what_lies_beyond_the_axes_is_told():
    rows = [(0.8 + at / 1000, 3 + at / 10, 1) for at in range(20)]
    data = net(*rows, (0.7, 1e6, 1))
    assert scatter.beyond(data.experiment.objective, aims.of(data)) == " Beyond the axes, drawn on the edge: 1."
    assert scatter.beyond(data.experiment.objective, aims.of(net(*rows))) == ""


def test_labels_below_leave_each_other_room():
    data = net((0.80001, 3, 1), (0.80009, 5, 1))
    svg = scatter.front(data.experiment.objective, aims.of(data))
    labels = re.findall(r'<text class="column" x="(\d+)" y="\d+">([^<]*)<', svg)
    places = [int(x) for x, _ in labels]
    widest = max(len(label) for _, label in labels)
    assert all(right - left >= widest * charts.CHARACTER for left, right in pairwise(places))


def test_ten_thousand_trials_stay_small():
    rows = [(at * 7919 % 10_007 / 10_007, at * 104_729 % 10_009 / 10_009, 500 + at % 40) for at in range(10_000)]
    data = net(*rows)
    assert len(scatter.front(data.experiment.objective, aims.of(data))) < 100_000


def test_a_parameter_that_does_not_count_is_a_dash_in_tables():
    data = cases.aims()
    rows = {row[0].text: row[-3].text for row in tables.trials(data, 100).rows}
    assert rows["phone-net-1-0000"] == ""
    assert rows["phone-net-1-0001"] == "0.1833"
    winner = data.trials[12]
    assert tables.best(data, winner).rows[2][2].text == "does not count here"


def test_the_command_that_proves_the_search_is_fit_for_a_shell():
    for namespace, name, command in (
        ("default", "net", "kagit replay net"),
        ("vision", "a b; rm -rf /", "kagit replay 'a b; rm -rf /' --namespace vision"),
    ):
        data = replace(cases.aims(), experiment=replace(cases.aims().experiment, namespace=namespace, name=name))
        past = story.series.history(data.experiment.objective, ())
        told = dict(story.tell(data, past, 10, found=aims.of(data), checks=examine(data)).provenance)
        assert told["Prove the search"].text == command
