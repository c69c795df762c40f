import math
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.objective import Objective, ObjectiveType
from reports import charts, pages, series
from tests.reports import cases, reading

LOSS = Objective(type=ObjectiveType.MINIMIZE, metric="loss")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def past(values):
    return series.history(LOSS, [cases.trial(index, {}, ("loss", repr(value))) for index, value in enumerate(values)])


@given(low=NUMBERS, high=NUMBERS)
def test_an_axis_is_round_and_holds_its_values(low, high):
    low, high = min(low, high), max(low, high)
    axis = charts.axis(low, high)
    assert axis.low <= Decimal(repr(low))
    assert Decimal(repr(high)) <= axis.high
    assert axis.step.normalize().as_tuple().digits in {(1,), (2,), (5,)}
    assert 2 <= len(axis.ticks()) <= 8
    assert 0.0 <= axis.place(low) <= axis.place(high) <= 1.0


@given(values=st.lists(NUMBERS, max_size=30))
def test_every_mark_is_an_integer_inside_the_drawing(values):
    root = reading.drawing(charts.history(LOSS, past(values), None))
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        for x, y in re.findall(r"M(\d+) (\d+)", path.get("d")):
            assert 0 <= int(x) <= charts.WIDTH
            assert 0 <= int(y) <= charts.HEIGHT
        assert re.fullmatch(r"[MHVhv0-9 \n-]*", path.get("d"))


def test_every_trial_has_its_dot_and_the_line_its_steps():
    svg = charts.history(LOSS, past([3, math.inf, 2, 5, 1]), 10)
    paths = {
        path.get("class"): path.get("d").split()
        for path in reading.drawing(svg).iter("{http://www.w3.org/2000/svg}path")
    }
    assert sum(piece.startswith("M") for piece in paths["dots"]) == 4
    assert sum(piece.startswith("M") for piece in paths["missing"]) == 1
    assert sum(piece.startswith("H") for piece in paths["best"]) == 3


def test_one_more_trial_is_a_diff_of_a_few_lines():
    before = set(charts.history(LOSS, past([3, 2, 2.5, 2.2]), 30).split("\n"))
    after = set(charts.history(LOSS, past([3, 2, 2.5, 2.2, 2.8]), 30).split("\n"))
    assert len(after - before) <= 3


def test_ten_thousand_trials_stay_small():
    svg = charts.history(LOSS, past([math.sin(at * at) + at / 5000 for at in range(10_000)]), 10_000)
    assert len(svg) < 60_000
    assert "Best loss" in svg


def test_a_wild_value_is_drawn_on_the_edge_and_told():
    values = [1, 1.1, 1.2, 1.3, 1.4, 1e9]
    assert charts.axis(*charts.shown(LOSS, values)).high < 10
    assert "drawn on its edge: 1." in charts.caption(LOSS, past(values)).after
    best = Objective(type=ObjectiveType.MAXIMIZE, metric="loss")
    assert charts.shown(best, values)[1] == 1e9


def test_the_file_has_its_own_paper_and_both_colour_schemes():
    svg = charts.history(LOSS, past([1, 2]), None, pages.asset("chart.css"))
    root = ET.fromstring(svg)
    first = next(one for one in root if one.tag.endswith("rect"))
    assert (first.get("class"), first.get("width"), first.get("height")) == (
        "paper",
        str(charts.WIDTH),
        str(charts.HEIGHT),
    )
    assert "prefers-color-scheme: dark" in svg
    assert [one.tag.rpartition("}")[2] for one in root][:2] == ["title", "desc"]


@pytest.mark.parametrize(
    ("last", "most", "end"), [(0, None, 10), (11, None, 20), (21, 30, 30), (21, 1000, 50), (35, 30, 50), (3, 5, 5)]
)
def test_the_trial_axis_ends_on_a_round_number_or_the_budget(last, most, end):
    axis = charts.trial_axis(last, most)
    assert int(axis.high) == end
    assert all(tick == tick.to_integral_value() for tick in axis.ticks())


@given(values=st.lists(NUMBERS, min_size=1, max_size=60))
def test_sparklines_hold_any_numbers(values):
    assert len(charts.blocks(values)) == len(values)
    root = reading.drawing(charts.sparkline(values, 'from <"> to &'))
    assert root.get("aria-label") == 'from <"> to &'


@pytest.mark.parametrize(
    ("tick", "text"),
    [
        ("0", "0"),
        ("0.20", "0.2"),
        ("100000", "100000"),
        ("2000000", "2e6"),
        ("0.00005", "5e-5"),
        ("-1.5E+300", "-1.5e300"),
    ],
)
def test_tick_labels(tick, text):
    assert charts.label(Decimal(tick)) == text
