"""Chance by which point, never by when it was asked: the same seed and number give the same draw for ever."""

from random import Random

from algorithms.contract import Problem


def seed_of(problem: Problem) -> int:
    """The setting `random_state` where it is given, the run's own seed otherwise; the settings have been checked."""
    return int(problem.settings.get("random_state", problem.seed))


def stream(seed: int, *which: int | str) -> Random:
    """The random numbers of one purpose, e.g. of point number 7."""
    return Random(":".join(map(str, (seed, *which))))  # noqa: S311 - a search, not a secret


def shuffled(index: int, *, size: int, seed: int) -> int:
    """The place of `index` in a fixed shuffle of 0 .. size - 1, without ever listing them (a Feistel network)."""
    bits = max(1, ((size - 1).bit_length() + 1) // 2)
    while True:
        left, right = divmod(index, 1 << bits)
        for turn in range(4):
            left, right = right, left ^ stream(seed, "shuffle", turn, right).getrandbits(bits)
        index = (left << bits) | right
        if index < size:
            return index
