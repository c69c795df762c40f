from decimal import Decimal
from statistics import median

import pytest
from scipy.stats import qmc

from algorithms.catalog import named
from algorithms.sobol import MOST_DIMENSIONS
from kagit.space import Space
from tests.algorithms.harness import batch, parameter, problem, started

CUBE = Space(tuple(parameter(name, "double", low="0", high="1") for name in "abcd"))


def unevenness(name, seed, count=64):
    points = batch(started(name, problem(CUBE, seed=seed)), range(count), {})
    return qmc.discrepancy([[float(text) for text in point.values()] for point in points.values()])


def test_it_fills_the_space_more_evenly_than_chance():
    even, blind = (median(unevenness(name, seed) for seed in range(5)) for name in ("sobol", "random"))
    assert even < blind / 4


def test_halves_of_every_parameter_are_hit_equally_often():
    points = batch(started("sobol", problem(CUBE)), range(64), {})
    for name in "abcd":
        assert sum(Decimal(point[name]) < Decimal("0.5") for point in points.values()) == 32


@pytest.mark.parametrize("count", [3, 64, 65])
def test_a_small_space_is_gone_through_without_repeats_and_then_again(count):
    space = Space(
        (
            parameter("x", "int", low="1", high="3", dist="normal"),
            parameter("k", "categorical", values=("a", "b", "c", "d")),
        )
    )
    points = list(batch(started("sobol", problem(space)), range(count), {}).values())
    assert len({tuple(point.values()) for point in points[:12]}) == min(count, 12)
    assert all(point == points[i % 12] for i, point in enumerate(points))


def test_more_dimensions_than_there_are_numbers_for_are_refused():
    space = Space(tuple(parameter(f"p{i}", "double", low="0", high="1") for i in range(MOST_DIMENSIONS + 1)))
    issues = named("sobol").check(problem(space))
    assert [(one.at, one.slug) for one in issues] == [(("parameters",), "too-many-parameters")]
    assert "remove parameters, or use random" in issues[0].message
