"""A Gaussian process: Matérn 5/2 with a length scale for each column, with the most likely scales.

The likelihood of scales is weighed with priors and climbed along exact gradients, always from the same start, so that
what is fitted depends on the trials alone. A category is as far as 1 from every other one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from algorithms.bayesian.features import Array

LEAST_NOISE = 1e-6
"""Variance of the noise, at least; values have variance 1."""
_ROOT5 = math.sqrt(5)
_LEAST_VARIANCE = 1e-14
_BOUND = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What is fitted: a weight (1 / length²) for each column, the variance of the function and that of the noise."""

    weights: Array
    variance: float
    noise: float


def _apart(left: Array, right: Array, *, is_category: bool) -> Array:
    """Squared distances along one column, (rows of left, rows of right)."""
    apart = left[:, None] - right
    return (apart != 0).astype(float) if is_category else apart * apart


def _matern(weighted: Array) -> tuple[Array, Array]:
    """The correlation at squared distances that were weighted and summed, and its derivative."""
    root = _ROOT5 * np.sqrt(weighted)
    fall = np.exp(-root)
    return (1 + root + 5 / 3 * weighted) * fall, -5 / 6 * (1 + root) * fall


def fitted(rows: Array, values: Array, is_category: NDArray[np.bool_]) -> Scales:
    """The most likely scales for these values, which have mean 0 and variance 1."""
    loss = _Loss(rows, values, is_category)
    count = rows.shape[1]
    start = np.array([0.0] * (count + 1) + [math.log(1e-2)])
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_BOUND, _BOUND)] * (count + 2),
        options={"gtol": 1e-2, "maxiter": 100},
    )
    best = np.asarray(found.x) if np.isfinite(found.fun) else start
    weights, variance, noise = np.exp(best[:count]), math.exp(best[count]), math.exp(best[count + 1]) + LEAST_NOISE
    return Scales(weights=weights, variance=variance, noise=noise)


class _Loss:
    """Minus the logarithm of likelihood times priors, and its gradient, at the logarithms of the scales."""

    def __init__(self, rows: Array, values: Array, is_category: NDArray[np.bool_]) -> None:
        self._values, self._count = values, rows.shape[1]
        columns = zip(rows.T, is_category.tolist(), strict=True)
        self._apart = np.array([_apart(one, one, is_category=kind).ravel() for one, kind in columns])

    def __call__(self, at: Array) -> tuple[float, Array]:
        count, size = self._count, len(self._values)
        weights, variance, noise = np.exp(at[:count]), math.exp(at[count]), math.exp(at[count + 1])
        like, slope = _matern(weights @ self._apart)
        kernel = (variance * like).reshape(size, size)
        kernel.flat[:: size + 1] += noise + LEAST_NOISE
        factor, info = linalg.lapack.dpotrf(kernel, lower=1)
        if info:
            return math.inf, np.zeros_like(at)
        alpha, _ = linalg.lapack.dpotrs(factor, self._values, lower=1)
        inverse, _ = linalg.lapack.dpotri(factor, lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        pull = inverse - np.outer(alpha, alpha)
        value = 0.5 * float(self._values @ alpha) + float(np.log(np.diag(factor)).sum())
        flat = pull.ravel()
        gradient = np.empty_like(at)
        gradient[:count] = 0.5 * variance * weights * (self._apart @ (flat * slope))
        gradient[count] = 0.5 * variance * float(flat @ like)
        gradient[count + 1] = 0.5 * noise * float(np.trace(pull))
        prior, push = _prior(weights, variance, noise)
        return value + prior, gradient + push


def _prior(weights: Array, variance: float, noise: float) -> tuple[float, Array]:
    """Minus the logarithm of the priors: weights near 1, a variance of Gamma(2, 1), noise of Gamma(1.1, 30)."""
    noise_ = noise + LEAST_NOISE
    value = float((0.1 / weights + 0.1 * weights).sum()) - math.log(variance) + variance
    value += -0.1 * math.log(noise_) + 30 * noise_
    push = np.empty(len(weights) + 2)
    push[:-2] = 0.1 * weights - 0.1 / weights
    push[-2] = variance - 1
    push[-1] = (30 - 0.1 / noise_) * noise
    return value, push


class Posterior:
    """What is believed after some trials: a mean and a deviation for every row."""

    def __init__(self, rows: Array, values: Array, *, scales: Scales, is_category: NDArray[np.bool_]) -> None:
        """Take the trials and the scales."""
        self.scales, self._is_category = scales, is_category
        self.rows, self._values = rows, values
        self._inverse = _inverse_factor(self._kernel(rows, rows), scales.noise)
        self._alpha = self._inverse.T @ (self._inverse @ values)

    def _kernel(self, left: Array, right: Array) -> Array:
        weighted = np.zeros((len(left), len(right)))
        for k, weight in enumerate(self.scales.weights.tolist()):  # all columns at once take too much memory
            weighted += weight * _apart(left[:, k], right[:, k], is_category=bool(self._is_category[k]))
        return self.scales.variance * _matern(weighted)[0]

    @property
    def best(self) -> float:
        """The least value. The least mean would be safer from noise, and keep the search around one place."""
        return float(self._values.min())

    def believing(self, rows: Array) -> "Posterior":
        """The same, as if these rows had been tried and had given what is expected of them."""
        if not len(rows):
            return self
        values, _ = self.at(rows)
        more = object.__new__(Posterior)
        more.scales, more._is_category = self.scales, self._is_category
        more.rows, more._values = np.concatenate([self.rows, rows]), np.concatenate([self._values, values])
        beside = self._kernel(rows, self.rows) @ self._inverse.T
        corner = _inverse_factor(self._kernel(rows, rows) - beside @ beside.T, self.scales.noise)
        old, new = len(self.rows), len(rows)
        more._inverse = np.zeros((old + new, old + new))
        more._inverse[:old, :old] = self._inverse
        more._inverse[old:, :old] = -corner @ (beside @ self._inverse)
        more._inverse[old:, old:] = corner
        more._alpha = more._inverse.T @ (more._inverse @ more._values)
        return more

    def at(self, rows: Array) -> tuple[Array, Array]:
        """Mean and deviation at these rows."""
        beside = self._kernel(self.rows, rows)
        half = self._inverse @ beside
        variance = self.scales.variance - np.einsum("ij,ij->j", half, half)
        return self._alpha @ beside, np.sqrt(np.maximum(variance, _LEAST_VARIANCE))

    def slope(self, row: Array, columns: NDArray[np.int_]) -> tuple[float, float, Array, Array]:
        """Mean and deviation at one row, and how both change along these columns, which are no categories."""
        apart = row - self.rows
        square = apart * apart
        square[:, self._is_category] = square[:, self._is_category] > 0
        like, fall = _matern(square @ self.scales.weights)
        beside = self.scales.variance * like
        half = self._inverse @ beside
        variance = max(self.scales.variance - float(half @ half), _LEAST_VARIANCE)
        steps = (2 * self.scales.variance * fall)[:, None] * apart[:, columns] * self.scales.weights[columns]
        deviation = math.sqrt(variance)
        spread = -((half @ self._inverse) @ steps) / deviation
        return float(self._alpha @ beside), deviation, self._alpha @ steps, spread


def _inverse_factor(kernel: Array, noise: float) -> Array:
    """The inverse of the lower Cholesky factor of kernel + noise; a little more noise where rounding asks for it."""
    size = len(kernel)
    extra = noise
    while True:
        shifted = kernel.copy()
        shifted.flat[:: size + 1] += extra
        factor, info = linalg.lapack.dpotrf(shifted, lower=1, clean=1)
        if not info:
            inverse, _ = linalg.lapack.dtrtri(factor, lower=1)
            return np.ascontiguousarray(inverse)
        extra *= 10
