import math
from collections import Counter
from statistics import NormalDist, fmean, median, stdev

import pytest

from kagit.space import Space
from tests.algorithms.harness import asked, batch, parameter, problem, started


def drawn(one, *, count=2000, seed=7):
    optimizer = started("random", problem(Space((one, parameter("roomy", "double", low="0", high="1"))), seed=seed))
    return [float(point["x"]) for point in batch(optimizer, range(count), {}).values()]


def test_uniform_doubles_spread_evenly():
    values = drawn(parameter("x", "double", low="-2", high="6"))
    assert fmean(values) == pytest.approx(2, abs=0.15)
    assert [sum(-2 + 2 * k <= value < 2 * k for value in values) for k in range(4)] == pytest.approx(
        [500] * 4, rel=0.15
    )


@pytest.mark.parametrize(("kind", "half"), [("double", 0), ("int", 0.5)])
def test_log_uniform_gives_every_decade_the_same_share(kind, half):
    """An int gets the probability from half a step below to half a step above."""
    values = drawn(parameter("x", kind, low="1", high="10000", dist="logUniform"))
    edges = [math.log(10**k - half) for k in range(4)] + [math.log(10000 + half)]
    wanted = [2000 * (edges[k + 1] - edges[k]) / (edges[4] - edges[0]) for k in range(4)]
    assert [sum(10**k <= value < 10 ** (k + 1) for value in values) for k in range(4)] == pytest.approx(
        wanted, rel=0.15
    )


@pytest.mark.parametrize("kind", ["double", "int"])
def test_normal_has_its_mean_in_the_middle_and_ends_at_the_range(kind):
    values = drawn(parameter("x", kind, low="-300", high="300", dist="normal"))
    assert (fmean(values), stdev(values)) == (pytest.approx(0, abs=8), pytest.approx(100, rel=0.06))
    assert max(map(abs, values)) <= 300


def test_log_normal_is_normal_in_its_logarithm():
    values = [math.log(value) for value in drawn(parameter("x", "double", low="1", high="1e6", dist="logNormal"))]
    wide = math.log(1e6)
    assert (fmean(values), stdev(values)) == (pytest.approx(wide / 2, rel=0.03), pytest.approx(wide / 6, rel=0.06))


def test_normal_steps_get_the_probability_around_them():
    counts = Counter(drawn(parameter("x", "double", low="0", high="1", step="0.25", dist="normal"), count=4000))
    assert set(counts) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    inner = NormalDist(0.5, 1 / 6)
    assert counts[0.5] / 4000 == pytest.approx(inner.cdf(0.625) - inner.cdf(0.375), rel=0.08)


def test_every_step_and_every_choice_is_as_likely_as_the_others():
    counts = Counter(drawn(parameter("x", "double", low="0", high="0.4", step="0.1")))
    assert [counts[k / 10] for k in range(5)] == pytest.approx([400] * 5, rel=0.15)
    counts = Counter(drawn(parameter("x", "discrete", values=("1", "2", "4"))))
    assert [counts[k] for k in (1, 2, 4)] == pytest.approx([2000 / 3] * 3, rel=0.15)


@pytest.mark.parametrize("dist", ["uniform", "logNormal"])
def test_a_small_space_is_gone_through_before_a_point_comes_again(dist):
    space = Space(
        (parameter("n", "int", low="1", high="40", dist=dist), parameter("k", "categorical", values=("a", "b", "c")))
    )
    optimizer = started("random", problem(space))
    points = [tuple(point.values()) for point in batch(optimizer, range(240), {}).values()]
    assert len(set(points[:120])) == len(set(points[60:180])) == 120
    assert points[120:] == points[:120]


def test_without_repeats_the_likely_values_still_come_first():
    space = Space((parameter("n", "int", low="1", high="1000", dist="logUniform"),))
    first = []
    for seed in range(40):
        optimizer = started("random", problem(space, seed=seed))
        first += [int(point["n"]) for point in batch(optimizer, range(10), {}).values()]
    assert median(first) < 100


def test_a_large_countable_space_does_not_repeat_itself_either():
    space = Space((parameter("n", "int", low="1", high="1000000", dist="logUniform"),))
    optimizer = started("random", problem(space))
    points = [point["n"] for point in batch(optimizer, range(300), {}).values()]
    assert len(set(points)) == 300


def test_the_points_of_a_seed_stay_the_same_for_ever():
    space = Space(
        (
            parameter("lr", "double", low="1e-5", high="0.1", dist="logUniform"),
            parameter("n", "int", low="1", high="128"),
            parameter("k", "categorical", values=("a", "b", "c")),
        )
    )
    assert asked(started("random", problem(space, seed=42)), index=3, running={}) == {
        "lr": "0.008409294514612295",
        "n": "67",
        "k": "c",
    }
