"""The one door to cmaes: a distribution over the points of a space that moves to where the good ones are.

Where every parameter is a range without (many) steps that is CMA-ES (Hansen, 2016); elsewhere CatCMA with margin
(Hamano et al., 2025), which keeps a probability for each category and never lets a step freeze.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from algorithms.dimensions import Countable, Dimension, Reals
from algorithms.seeds import stream
from kagit.space import Point

_MOST_STEPS = 64
"""A range of more values than this is searched as if it had no steps."""
_TRIES = 100


class Cube:
    """A space as coordinates from 0 to 1: ranges, steps and categories. A dimension of one value has none."""

    def __init__(self, space: Sequence[Dimension]) -> None:
        """Sort the dimensions; two values are a category, since there is nothing between them."""
        countable = [one for one in space if not isinstance(one, Reals)]
        self._names = tuple(one.name for one in space)
        self._fixed = {one.name: one.text(0) for one in countable if one.size == 1}
        self.categories = tuple(one for one in countable if one.size == 2 or (one.size > 1 and not one.ordered))  # noqa: PLR2004 - see above
        rest = [one for one in countable if one.size > 1 and one not in self.categories]
        self.steps = tuple(one for one in rest if one.size <= _MOST_STEPS)
        self.ranges = tuple(one for one in space if isinstance(one, Reals) or (one in rest and one not in self.steps))
        self.numbers = len(self.ranges) + len(self.steps)
        self.count = self.numbers + len(self.categories)

    @cached_property
    def places(self) -> tuple[tuple[float, ...], ...]:
        """Where the values of each step lie: in the middle of their shares of the probability."""
        return tuple(_places(one) for one in self.steps)

    def point(self, ranges: Sequence[float], steps: Sequence[float], categories: Sequence[int]) -> dict[str, str]:
        """The point at these coordinates."""
        texts = dict(self._fixed)
        for one, share in zip(self.ranges, ranges, strict=True):
            texts[one.name] = one.at(min(max(float(share), 0.0), 1.0))
        for one, places, place in zip(self.steps, self.places, steps, strict=True):
            texts[one.name] = one.text(min(bisect_left(places, place), one.size - 1))
        for one, rank in zip(self.categories, categories, strict=True):
            texts[one.name] = one.text(int(rank))
        return {name: texts[name] for name in self._names}

    def coordinates(self, point: Point) -> tuple[list[float], list[float], list[int]]:
        """The coordinates of a point."""
        ranges = [one.share(point[one.name]) for one in self.ranges]
        steps = [places[one.rank(point[one.name])] for one, places in zip(self.steps, self.places, strict=True)]
        return ranges, steps, [one.rank(point[one.name]) for one in self.categories]


def _places(one: Countable) -> tuple[float, ...]:
    shares = tuple(one.share(one.text(rank)) for rank in range(one.size))
    # So skewed that floats cannot tell them apart: as if all were equally likely.
    return shares if all(a < b for a, b in pairwise(shares)) else tuple((r + 0.5) / one.size for r in range(one.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Which sample is wanted: a place among those of its generation, a point's number, and how often that was tried."""

    generation: int
    slot: int
    index: int
    attempt: int = 0


class Search:
    """One search from its beginning until it has converged. It remembers generations, and no chance but its seeds'."""

    def __init__(self, cube: Cube, *, population: int, sigma: float, seed: int, restarts: int) -> None:
        """Begin in the middle, after a restart at a random place. Some dimension must have two values."""
        import numpy as np
        from cmaes import CMA, CatCMAwM  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - it has none

        self._cube, self.population = cube, population
        self._is_mixed = cube.count > len(cube.ranges)
        chance = stream(seed, "restart", restarts)
        mean = np.array([chance.random() if restarts else 0.5 for _ in range(cube.numbers)])
        bounds = [[0.0, 1.0]] * len(cube.ranges)
        self._search: Any
        if self._is_mixed:
            begin: dict[str, Any] = {"mean": mean, "sigma": np.float64(sigma), "cov": np.eye(cube.numbers)}
            self._search = CatCMAwM(
                x_space=bounds or None,
                z_space=cube.places or None,
                c_space=[one.size for one in cube.categories] or None,
                population_size=population,
                **(begin if cube.numbers else {}),
            )
        else:
            self._search = CMA(mean=mean, sigma=sigma, bounds=np.array(bounds), population_size=population)
        self._chance = _Chance(seed=seed, cube=cube, pairs=(population + 1) // 2)
        self._search._rng = self._chance  # noqa: SLF001 - its other way in is a seed, which gives independent samples

    def sample(self, draw: Draw) -> dict[str, str]:
        """A point. What lies outside of the cube is drawn again, up to a hundred times."""
        import numpy as np

        self._chance.begin(draw)
        with np.errstate(all="ignore"):
            return self._cube.point(*self._drawn())

    def learn(self, generation: Sequence[Point]) -> bool:
        """The points of one generation, best first. Their order is all that counts, so that no value is too large.

        False if nothing can be drawn any more, as a division by zero leaves it where all points are the same.
        """
        import numpy as np

        self._chance.begin(Draw(generation=0, slot=0, index=0))
        with np.errstate(all="ignore"):
            try:
                self._search.tell([(self._solution(point), float(rank)) for rank, point in enumerate(generation)])
                ranges, steps, ranks = self._drawn()
            except np.linalg.LinAlgError:
                return False
        return min(ranks, default=0) >= 0 and bool(np.isfinite([*ranges, *steps]).all())

    def has_converged(self) -> bool:
        """Whether it has nothing left to find, by the library's rules for numbers."""
        import numpy as np

        with np.errstate(all="ignore"):
            return self._cube.numbers > 0 and bool(self._search.should_stop())

    def _drawn(self) -> tuple[Sequence[float], Sequence[float], Sequence[int]]:
        """Coordinates; a category that has lost its probabilities is -1."""
        if not self._is_mixed:
            return self._search.ask(), (), ()
        drawn = self._search.ask()
        for _ in range(_TRIES):
            if drawn.x is None or (drawn.x.min() > 0 and drawn.x.max() < 1):
                break
            drawn = self._search.ask()
        ranks = () if drawn.c is None else [row.argmax() if row.any() else -1 for row in drawn.c]
        return () if drawn.x is None else drawn.x, () if drawn.z is None else drawn.z, ranks

    def _solution(self, point: Point) -> Any:  # noqa: ANN401 - a type of the library
        import numpy as np

        ranges, steps, ranks = self._cube.coordinates(point)
        if not self._is_mixed:
            return np.array(ranges)
        categories = np.zeros((len(ranks), max((one.size for one in self._cube.categories), default=0)), dtype=bool)
        categories[range(len(ranks)), ranks] = True
        raw = np.array([*ranges, *steps])
        return self._search.Solution(x=np.array(ranges), z=np.array(steps), c=categories, _v_raw=raw)


class _Chance:
    """The random numbers of one sample, instead of the library's own: those of one generation are spread out.

    Directions come in pairs of opposites, at right angles to other pairs (Wang, Emmerich and Bäck, 2019); categories
    come from different shares of their probability. Whatever has to be drawn again is independent of that.
    """

    def __init__(self, *, seed: int, cube: Cube, pairs: int) -> None:
        self._seed, self._cube = seed, cube
        self._pairs = min(cube.numbers, pairs) or pairs
        self._known: tuple[tuple[int, int], Any, Any] | None = None
        self._direction: Any = None
        self._shares: Any = None
        self._rest: Any = None

    def begin(self, draw: Draw) -> None:
        """Get ready for this sample."""
        from numpy.random import RandomState

        self._rest = RandomState(stream(self._seed, draw.index, draw.attempt).getrandbits(32))
        self._direction = self._shares = None
        if draw.attempt == 0:
            block, place = divmod(draw.slot, 2 * self._pairs)
            directions, orders = self._block(draw.generation, block)
            self._direction = directions[place // 2] * (-1 if place % 2 else 1)
            self._shares = (orders[:, place] + self._rest.rand(len(orders))) / (2 * self._pairs)

    def randn(self, count: int) -> Any:  # noqa: ANN401 - arrays of a library that is imported where it is used
        """Normal numbers, as many as the space has."""
        direction, self._direction = self._direction, None
        return self._rest.randn(count) if direction is None else direction

    def rand(self, rows: int, columns: int) -> Any:  # noqa: ANN401 - see above
        """Shares of the probability, one for each category."""
        shares, self._shares = self._shares, None
        return self._rest.rand(rows, columns) if shares is None else shares.reshape(rows, columns)

    def _block(self, generation: int, block: int) -> tuple[Any, Any]:
        """Directions of normal length at right angles, and the order of the shares of each category."""
        import numpy as np

        if self._known is None or self._known[0] != (generation, block):
            chance = np.random.RandomState(stream(self._seed, "block", generation, block).getrandbits(32))
            count = self._cube.numbers
            angles, _ = np.linalg.qr(chance.randn(count, count))
            lengths = np.linalg.norm(chance.randn(self._pairs, count), axis=1)
            directions = angles.T[: self._pairs] * lengths[:, None] if count else np.zeros((self._pairs, 0))
            orders = np.array([chance.permutation(2 * self._pairs) for _ in self._cube.categories], dtype=float)
            self._known = (generation, block), directions, orders.reshape(-1, 2 * self._pairs)
        return self._known[1:]
