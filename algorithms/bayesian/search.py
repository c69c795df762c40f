"""Where the gain is greatest: many draws, then steps uphill from the best of them."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from algorithms.bayesian.acquisition import Gain
from algorithms.bayesian.features import Array, Features
from algorithms.bayesian.process import Posterior

SMALL = 4096
"""A space of lists with up to so many rows is looked at row by row."""
DRAWS = 1024
NEAR = 256
STARTS = 8
_TURNS, _STEPS = 10, 50
_LITTLE = 1e-9
_CHUNK = 1024


class Search:
    """One search for the best rows under a posterior."""

    def __init__(self, features: Features, posterior: Posterior, *, gain: Gain, tried: set[bytes]) -> None:
        """Take all; rows in `tried` are left out where every column has a list of values."""
        self._features, self._posterior, self._gain = features, posterior, gain
        self._best = posterior.best
        self._tried = tried if features.is_listed else set[bytes]()

    def ranked(self, tops: Array, chance: np.random.Generator, *, polish: bool) -> Array:
        """Rows from the best down; `tops` are the best rows of the past."""
        if self._features.combinations <= SMALL:
            rows = self._features.every_row
            return _sorted(rows, self._gains(rows))
        count = self._features.count
        far = self._features.legal(chance.random((DRAWS, count)))
        near = self._features.around(np.repeat(tops, -(-NEAR // len(tops)), axis=0), chance)
        rows = np.concatenate([far, near])
        gains = self._gains(rows)
        if polish:
            starts = self._starts(rows, gains, chance)
            ends = [self._climbed(rows[k], float(gains[k]), chance) for k in starts]
            rows = np.concatenate([np.array([row for row, _ in ends]), rows])
            gains = np.concatenate([[gain for _, gain in ends], gains])
        return _sorted(rows, gains)

    def _gains(self, rows: Array) -> Array:
        parts = [self._posterior.at(rows[k : k + _CHUNK]) for k in range(0, len(rows), _CHUNK)]
        mean, deviation = (np.concatenate(one) for one in zip(*parts, strict=True))
        gains = self._gain(mean, deviation, self._best)[0]
        if self._tried:
            gains[[row.tobytes() in self._tried for row in rows]] = -np.inf
        return gains

    def _starts(self, rows: Array, gains: Array, chance: np.random.Generator) -> list[int]:
        """The best draw, the best one near the past, and others the more likely the better they are."""
        starts = [int(np.argmax(gains[:DRAWS])), DRAWS + int(np.argmax(gains[DRAWS:]))]
        top = float(gains.max())
        if top == -math.inf:
            return starts
        odds = np.exp(gains - top)
        odds[starts] = 0
        likely = int(np.count_nonzero(odds))
        if likely:
            size = min(STARTS - len(starts), likely)
            starts += chance.choice(len(rows), size=size, replace=False, p=odds / odds.sum()).tolist()
        return starts

    def _climbed(self, row: Array, gain: float, chance: np.random.Generator) -> tuple[Array, float]:
        """Uphill along the smooth columns and step by step along the others, until neither helps."""
        for _ in range(_TURNS):
            slid, higher = self._slid(row, gain)
            stepped, highest = self._stepped(slid, higher, chance)
            if not highest > higher + _LITTLE:
                return stepped, highest
            row, gain = stepped, highest
        return row, gain

    def _stepped(self, row: Array, gain: float, chance: np.random.Generator) -> tuple[Array, float]:
        """The best change of one column, again and again."""
        for _ in range(_STEPS):
            moves = self._features.moves(row, chance)
            if not len(moves):
                break
            gains = self._gains(moves)
            top = int(np.argmax(gains))
            if not gains[top] > gain + _LITTLE:
                break
            row, gain = moves[top], float(gains[top])
        return row, gain

    def _slid(self, row: Array, gain: float) -> tuple[Array, float]:
        """Uphill along the smooth columns, in steps of their length scales."""
        columns: NDArray[np.int_] = self._features.smooth
        if not len(columns):
            return row, gain
        stretch = np.maximum(np.sqrt(self._posterior.scales.weights[columns]), 1e-2)

        def loss(at: Array) -> tuple[float, Array]:
            here = row.copy()
            here[columns] = at / stretch
            mean, deviation, by_mean, by_deviation = self._posterior.slope(here, columns)
            value, left, right = self._gain(np.array([mean]), np.array([deviation]), self._best)
            return -float(value[0]), -(left[0] * by_mean + right[0] * by_deviation) / stretch

        bounds = [(0.0, one) for one in stretch.tolist()]
        found = optimize.minimize(
            loss, row[columns] * stretch, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}
        )
        there = row.copy()
        there[columns] = np.asarray(found.x) / stretch
        there = self._features.stepped(there[None])[0]
        reached = float(self._gains(there[None])[0])
        return (there, reached) if reached > gain else (row, gain)


def _sorted(rows: Array, gains: Array) -> Array:
    order = np.argsort(-gains, kind="stable")
    return rows[order[gains[order] > -np.inf]]
