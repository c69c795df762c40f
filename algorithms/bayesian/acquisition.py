"""What makes a row worth trying, as functions to be maximised of mean and deviation, with their derivatives.

All are logarithms or plain sums, so that they still tell rows apart where hardly any gain is left (Ament et al., 2023).
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from scipy import special

from algorithms.bayesian.features import Array

Gain: TypeAlias = Callable[[Array, Array, float], tuple[Array, Array, Array]]
"""From means, deviations and the best value so far: the gain, and its derivatives by mean and by deviation."""

KAPPA = 1.96
"""How many deviations below the mean LCB looks, as in scikit-optimize."""
XI = 0.01
"""By how much PI wants to be better, as in scikit-optimize; values have variance 1."""
_FAR = -1e4
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_ROOT_HALF_PI = math.sqrt(math.pi / 2)


def expected_improvement(mean: Array, deviation: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of by how much a row is better on average."""
    z = (best - mean) / deviation
    whole = log_improvement(z)
    by_mean = -np.exp(special.log_ndtr(z) - whole) / deviation
    by_deviation = np.exp(-0.5 * z * z - _LOG_ROOT_2PI - whole) / deviation
    return whole + np.log(deviation), by_mean, by_deviation


def log_improvement(z: Array) -> Array:
    """Logarithm of phi(z) + z Phi(z), for any z."""
    near = np.maximum(z, -1.0)
    plain = np.log(np.exp(-0.5 * near * near - _LOG_ROOT_2PI) + near * special.ndtr(near))
    low = np.clip(z, _FAR, -1.0)
    tail = np.log1p(low * _ROOT_HALF_PI * special.erfcx(-low / math.sqrt(2)))
    far = np.minimum(z, _FAR)
    tail = np.where(z < _FAR, -2 * np.log(-far) + np.log1p(-3 / (far * far)), tail)
    return np.where(z > -1, plain, tail - 0.5 * z * z - _LOG_ROOT_2PI)


def probability_of_improvement(mean: Array, deviation: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of how likely a row is better by `XI`."""
    z = (best - XI - mean) / deviation
    whole = special.log_ndtr(z)
    ratio = np.exp(-0.5 * z * z - _LOG_ROOT_2PI - whole) / deviation
    return whole, -ratio, -ratio * z


def lower_confidence_bound(mean: Array, deviation: Array, best: float) -> tuple[Array, Array, Array]:
    """How low a row may be, upside down."""
    del best
    return KAPPA * deviation - mean, np.full_like(mean, -1.0), np.full_like(mean, KAPPA)


GAINS: Mapping[str, Gain] = {
    "EI": expected_improvement,
    "LCB": lower_confidence_bound,
    "PI": probability_of_improvement,
}
"""By their names in Katib's `acq_func`."""
