"""What is believed of the finished trials, kept until there is another one, and where to look under it.

All of it is reckoned by one thread: more of them add up in another order, which changes last digits, and wait for each
other longer than such small matrices take.
"""

from bisect import insort
from collections.abc import Iterator
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - it has none

from algorithms.bayesian.acquisition import GAINS
from algorithms.bayesian.features import Array, Features
from algorithms.bayesian.outputs import chosen, standardised
from algorithms.bayesian.process import Posterior, fitted
from algorithms.bayesian.search import Search
from algorithms.contract import Finished
from algorithms.dimensions import Dimension
from kagit.space import Point

_TOPS = 4


class Model:
    """All trials as rows in the order of their index; `sign` is -1 where more is better."""

    def __init__(self, space: tuple[Dimension, ...], *, gain: str, polish: bool, sign: float) -> None:
        """Take the dimensions, the gain by its name and whether draws are polished."""
        self._features = Features(space)
        self._gain, self._polish, self._sign = GAINS[gain], polish, sign
        self._order: list[int] = []
        self._rows: dict[int, list[float]] = {}
        self._values: dict[int, float] = {}
        self._tried: set[bytes] = set()
        self._belief: tuple[Posterior, Array] | None = None
        self._threads: Any = ThreadpoolController()

    def tell(self, trial: Finished) -> None:
        """Learn of one more trial; one without a value is no more than a place to keep away from."""
        row = self._features.row(trial.point)
        self._tried.add(np.array(row).tobytes())
        if trial.value is not None:
            insort(self._order, trial.index)
            self._rows[trial.index], self._values[trial.index] = row, self._sign * trial.value
            self._belief = None

    def ask(self, *, running: list[Point], seed: int) -> Iterator[Point]:
        """Points from the most promising one down, as if the running ones had given what is expected of them."""
        with self._threads.limit(limits=1):
            posterior, tops = self._believed()
            pending = np.array([self._features.row(point) for point in running]).reshape(-1, self._features.count)
            tried = self._tried | {row.tobytes() for row in pending}
            search = Search(self._features, posterior.believing(pending), gain=self._gain, tried=tried)
            rows = search.ranked(tops, np.random.default_rng(seed), polish=self._polish)
        yield from map(self._features.point, rows)

    def _believed(self) -> tuple[Posterior, Array]:
        """The posterior, and the rows of the best trials."""
        if self._belief is None:
            values = np.array([self._values[i] for i in self._order])
            kept = chosen(values, columns=self._features.count)
            rows = np.array([self._rows[self._order[k]] for k in kept.tolist()])
            plain = standardised(values[kept])
            scales = fitted(rows, plain, self._features.is_category)
            posterior = Posterior(rows, plain, scales=scales, is_category=self._features.is_category)
            self._belief = posterior, rows[np.argsort(plain, kind="stable")[:_TOPS]]
        return self._belief
