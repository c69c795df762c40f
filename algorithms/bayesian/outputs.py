"""Values as the model sees them, and which trials it is made of when there are many."""

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from algorithms.bayesian.features import Array

MOST = 500
"""A model is made of at most so many trials: making it costs the cube of their number."""
_ROOM = 5_000_000
"""Of fewer where this many distances, one for each column of each pair, would not hold them."""
_BENDS = (-2.0, 4.0)
"""Yeo and Johnson's exponent is looked for between these: 1 leaves values as they are, less draws in bad ones."""
_FAR = 10.0
_ROUNDING = 1e-13


def chosen(values: Array, *, columns: int) -> NDArray[np.int_]:
    """Which trials count, in their order: all, or half of them the best, a tenth the latest, the rest spread evenly."""
    count, most = len(values), min(MOST, math.isqrt(_ROOM // columns))
    if count <= most:
        return np.arange(count)
    ranked = np.argsort(values, kind="stable")
    kept = np.zeros(count, dtype=bool)
    kept[ranked[: most // 2]] = True
    kept[-(most // 10) :] = True
    others = ranked[~kept[ranked]]
    kept[others[np.linspace(0, len(others) - 1, most - int(kept.sum())).astype(int)]] = True
    return np.flatnonzero(kept)


def standardised(values: Array) -> Array:
    """The values with mean 0 and variance 1, bent towards the normal distribution; all 0 where they are all the same.

    What the best and the good trials differ by is lost beside a few terrible ones, unless those are drawn in. They are
    bent half as much as makes them look normal: narrow valleys need it, among many hollows the whole of it misleads.
    """
    plain = _scaled(_drawn_in(values))
    if not plain.any():
        return plain
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logarithms of 0 at the ends of the search
        found = optimize.minimize_scalar(
            lambda bend: -float(stats.yeojohnson_llf(bend, plain)), bounds=_BENDS, method="bounded"
        )
        bent = _scaled(np.asarray(stats.yeojohnson(plain, (1 + float(found.x)) / 2)))
    return bent if np.isfinite(bent).all() and bent.any() else plain


def _drawn_in(values: Array) -> Array:
    """Distances from the median, logarithmic from `_FAR` ordinary ones on."""
    largest = float(np.abs(values).max())
    shares = values / largest / 2 if largest > 0 else values
    apart = shares - np.median(shares)
    ordinary = float(np.median(np.abs(apart)))
    if ordinary <= _ROUNDING * abs(float(np.median(shares))):
        ordinary = float(np.abs(apart).mean())
    if ordinary <= _ROUNDING * float(np.abs(shares).max()):
        return np.zeros_like(values)
    steps = np.minimum(np.abs(apart) / ordinary, 1e300)
    return np.sign(apart) * np.where(steps > _FAR, _FAR + np.log1p(np.maximum(steps - _FAR, 0)), steps)


def _scaled(values: Array) -> Array:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
