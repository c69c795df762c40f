"""The mathematics of Bayesian optimisation against slower ways to the same numbers."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from algorithms import dimensions
from algorithms.bayesian.acquisition import GAINS, log_improvement
from algorithms.bayesian.features import Features
from algorithms.bayesian.outputs import MOST, chosen, standardised
from algorithms.bayesian.process import LEAST_NOISE, Posterior, Scales, _Loss, fitted
from kagit.space import Space
from tests.algorithms.harness import asked, parameter, problem, started

KINDS = np.array([False, False, True])
SCALES = Scales(weights=np.array([3.0, 0.5, 0.7]), variance=1.3, noise=1e-3)


def trials(count, *, seed=0):
    chance = np.random.default_rng(seed)
    rows = chance.random((count, 3))
    rows[:, 2] = chance.integers(3, size=count)
    values = np.sin(5 * rows[:, 0]) + rows[:, 1] ** 2 + 0.5 * (rows[:, 2] == 1)
    return rows, (values - values.mean()) / values.std()


def slopes(function, at, step=1e-6):
    """The gradient by central differences."""
    moves = step * np.eye(len(at))
    return np.array([(function(at + move) - function(at - move)) / (2 * step) for move in moves])


@pytest.mark.parametrize("at", [[0.0] * 5, [1.0, -2.0, 0.5, 0.3, -4.0], [3.0, -1.0, -3.0, -1.0, -9.0]])
def test_the_gradient_of_the_fit_is_exact(at):
    loss = _Loss(*trials(25), KINDS)
    at = np.array(at)
    np.testing.assert_allclose(loss(at)[1], slopes(lambda here: loss(here)[0], at), rtol=2e-5, atol=1e-5)


def test_the_fit_finds_what_matters():
    chance = np.random.default_rng(1)
    rows = chance.random((60, 3))
    rows[:, 2] = chance.integers(3, size=60)
    values = np.sin(9 * rows[:, 0])
    scales = fitted(rows, standardised(values), KINDS)
    assert scales.weights[0] > 10 * max(scales.weights[1], scales.weights[2])
    assert scales.noise < 1e-3
    noisy = fitted(rows, standardised(values + chance.standard_normal(60)), KINDS)
    assert noisy.noise > 0.05


def test_the_posterior_is_what_the_textbook_says():
    rows, values = trials(12)
    posterior = Posterior(rows, values, scales=SCALES, is_category=KINDS)

    def kernel(left, right):
        apart = np.array(
            [
                [[float(c != d) if k else c - d for c, d, k in zip(a, b, KINDS, strict=True)] for b in right]
                for a in left
            ]
        )
        distance = np.sqrt(5 * (apart**2 @ SCALES.weights))
        return SCALES.variance * (1 + distance + distance**2 / 3) * np.exp(-distance)

    new = trials(5, seed=3)[0]
    inverse = np.linalg.inv(kernel(rows, rows) + SCALES.noise * np.eye(12))
    beside = kernel(new, rows)
    mean, deviation = posterior.at(new)
    np.testing.assert_allclose(mean, beside @ inverse @ values, rtol=1e-9)
    np.testing.assert_allclose(deviation**2, np.diag(kernel(new, new) - beside @ inverse @ beside.T), rtol=1e-9)


def test_the_slopes_of_the_posterior_are_exact():
    posterior = Posterior(*trials(12), scales=SCALES, is_category=KINDS)
    row, columns = np.array([0.31, 0.72, 1.0]), np.array([0, 1])
    mean, deviation, by_mean, by_deviation = posterior.slope(row, columns)
    np.testing.assert_allclose((mean, deviation), np.ravel(posterior.at(row[None])), rtol=1e-12)
    for part, found in ((0, by_mean), (1, by_deviation)):
        np.testing.assert_allclose(found, slopes(lambda at, p=part: posterior.at(at[None])[p][0], row)[:2], rtol=1e-6)


def test_believing_is_the_same_as_having_tried():
    rows, values = trials(12)
    posterior = Posterior(rows, values, scales=SCALES, is_category=KINDS)
    pending, new = trials(4, seed=5)[0], trials(9, seed=6)[0]
    believed = posterior.believing(pending)
    whole = Posterior(
        np.vstack([rows, pending]),
        np.concatenate([values, posterior.at(pending)[0]]),
        scales=SCALES,
        is_category=KINDS,
    )
    for left, right in zip(believed.at(new), whole.at(new), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9)
    np.testing.assert_allclose(believed.at(new)[0], posterior.at(new)[0], rtol=1e-9)
    assert (believed.at(pending)[1] < 0.2 * posterior.at(pending)[1]).all()
    assert posterior.believing(pending[:0]) is posterior


def test_rows_that_are_all_the_same_are_survived():
    rows, values = np.zeros((30, 3)), np.linspace(-1, 1, 30)
    scales = Scales(weights=np.ones(3), variance=1e5, noise=LEAST_NOISE)
    posterior = Posterior(rows, values, scales=scales, is_category=KINDS).believing(rows[:3])
    assert np.isfinite(posterior.at(rows[:1])).all()
    assert math.isfinite(fitted(rows, values, KINDS).noise)


@pytest.mark.parametrize("z", [8, 1, 0, -0.9, -1, -1.1, -5, -37, -300, -9_999, -10_001, -1e6, -1e150])
def test_the_logarithm_of_the_gain_is_exact_however_small_it_is(z):
    """phi(z) + z Phi(z), by a continued fraction of many digits where z is below -1."""
    if z >= -1:
        wanted = math.log(math.exp(-z * z / 2) / math.sqrt(2 * math.pi) + z * 0.5 * math.erfc(-z / math.sqrt(2)))
    elif z > -1e100:
        with localcontext(prec=60):
            far = Decimal(-z)
            fraction = far
            for k in range(3000, 0, -1):
                fraction = far + k / fraction
            wanted = float((1 - far / fraction).ln()) - z * z / 2 - 0.5 * math.log(2 * math.pi)
    else:
        wanted = -z * z / 2
    assert float(log_improvement(np.array([float(z)]))[0]) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("name", GAINS)
@pytest.mark.parametrize("mean", [-3.0, 0.2, 0.5, 4.0, 40.0])
def test_the_slopes_of_every_gain_are_exact(name, mean):
    at = np.array([mean, 0.37])
    _, by_mean, by_deviation = (float(one[0]) for one in GAINS[name](at[:1], at[1:], 0.5))
    found = slopes(lambda here: float(GAINS[name](here[:1], here[1:], 0.5)[0][0]), at)
    np.testing.assert_allclose([by_mean, by_deviation], found, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "values",
    [[1.0, 2.0, 4.0, 1e6], [-1e308, 1e308, 3.0], [1.0, 1.0, 1.0 + 1e-9], list(range(50)), [0.0] * 9 + [1e-320]],
    ids=["outlier", "huge", "close", "even", "tiny"],
)
def test_values_keep_their_order_and_get_a_common_scale(values):
    seen = standardised(np.array(values, dtype=float))
    assert np.isfinite(seen).all()
    assert (np.argsort(seen, kind="stable") == np.argsort(values, kind="stable")).all()
    assert (seen.mean(), seen.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_a_terrible_value_is_drawn_in():
    seen = standardised(np.array([*range(20), 1e9]))
    assert seen[10] - seen[0] > 0.5


def test_of_many_trials_the_best_the_latest_and_some_of_the_others_count():
    values = np.random.default_rng(0).permutation(2000).astype(float)
    kept = chosen(values, columns=3)
    assert len(kept) == len(set(kept.tolist())) == MOST
    assert (np.diff(kept) > 0).all()
    assert set(range(250)) <= set(values[kept])
    assert set(range(1950, 2000)) <= set(kept.tolist())
    others = np.sort(values[kept])[250:]
    assert np.diff(others).max() < 30
    assert (chosen(values[:MOST], columns=3) == np.arange(MOST)).all()
    assert len(chosen(values, columns=80)) == 250


SPACE = Space(
    (
        parameter("lr", "double", low="1e-5", high="1", dist="logUniform"),
        parameter("one", "categorical", values=("only",)),
        parameter("few", "int", low="1", high="7", dist="normal"),
        parameter("many", "double", low="0", high="3", step="0.01"),
        parameter("most", "int", low="0", high="100000"),
        parameter("batch", "discrete", values=("64", "8", "16")),
        parameter("kind", "categorical", values=("a", "b", "c")),
    )
)


def test_a_row_is_a_point_and_the_other_way_round():
    features, draws = Features(dimensions.of(SPACE)), started("random", problem(SPACE))
    for index in range(50):
        point = asked(draws, index=index, running={})
        again = features.point(np.array(features.row(point)))
        assert float(again.pop("lr")) == pytest.approx(float(point["lr"]), rel=1e-9)
        assert again == {name: text for name, text in point.items() if name != "lr"}


def test_every_row_that_is_looked_at_is_legal():
    features, chance = Features(dimensions.of(SPACE)), np.random.default_rng(0)
    rows = features.legal(chance.random((200, features.count)))
    rows = np.vstack([rows, features.around(rows, chance), *(features.moves(row, chance) for row in rows[:5])])
    listed = [k for k, one in enumerate(features.open) if one.name in {"few", "many", "batch", "kind"}]
    for row in rows:
        assert SPACE.contains(features.point(row))
        assert [features.row(features.point(row))[k] for k in listed] == [row[k] for k in listed]


def test_a_move_changes_one_column():
    features, chance = Features(dimensions.of(SPACE)), np.random.default_rng(0)
    row = features.legal(chance.random((1, features.count)))[0]
    moves = features.moves(row, chance)
    assert ((moves != row).sum(axis=1) == 1).all()
    assert {tuple(move) for move in moves if move[5] != row[5]} == {
        (*row[:5], place) for place in range(3) if place != row[5]
    }
