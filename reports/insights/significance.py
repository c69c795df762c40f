"""How likely a pattern is by chance alone, exactly or by the usual approximation."""

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

NORMAL = NormalDist()


def above(score: float) -> float:
    """How likely a standard normal number is above `score`."""
    return math.erfc(score / math.sqrt(2)) / 2


def fisher(hits: int, of: int, *, all_hits: int, all_of: int) -> float:
    """Fisher's exact test, one-sided: how likely a group of `of` among `all_of` has `hits` or more of `all_hits`."""
    least, most = max(0, of + all_hits - all_of), min(of, all_hits)
    if hits <= least:
        return 1.0
    parts = (_log_choose(all_hits, hits), _log_choose(all_of - all_hits, of - hits), -_log_choose(all_of, of))
    term = math.exp(math.fsum(parts))
    total = 0.0
    for k in range(hits, most + 1):
        total += term
        term *= (all_hits - k) * (of - k) / ((k + 1) * (all_of - all_hits - of + k + 1))
    return min(1.0, total)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def holm(chances: Sequence[float]) -> list[float]:
    """Each chance, made larger for how many were asked (Holm): below 0.05 means that any wrong one is that likely."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    found, worst = [1.0] * len(chances), 0.0
    for rank, at in enumerate(order):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[at]))
        found[at] = worst
    return found


def discoveries(chances: Sequence[float]) -> list[float]:
    """Each chance, made larger (Benjamini and Hochberg): of those below 0.05 one in twenty is wrong on average."""
    order = sorted(range(len(chances)), key=chances.__getitem__, reverse=True)
    found, least = [1.0] * len(chances), 1.0
    for rank, at in enumerate(order):
        least = min(least, chances[at] * len(chances) / (len(chances) - rank))
        found[at] = least
    return found


def wilson(hits: int, of: int) -> float:
    """The lower end of Wilson's 95 % interval of a share."""
    if not of:
        return 0.0
    z2 = 1.96**2
    share = hits / of
    middle = share + z2 / (2 * of)
    return (middle - 1.96 * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))) / (1 + z2 / of)


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value from 1; equal values share the middle of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, begin = [0.0] * len(values), 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for at in range(begin, end):
            found[order[at]] = (begin + 1 + end) / 2
        begin = end
    return found


def smaller(left: Sequence[float], right: Sequence[float]) -> float:
    """Mann and Whitney, one-sided: how likely `left` came out so much smaller than `right` by chance."""
    n, m = len(left), len(right)
    both = ranks([*left, *right])
    u = math.fsum(both[:n]) - n * (n + 1) / 2
    spread = math.sqrt(n * m / (n + m - 1) * max(0.0, _spread(both)))
    return above((n * m / 2 - u) / spread) if spread > 0 else 0.5


def _spread(found: Sequence[float]) -> float:
    """The sum of squares of ranks around their middle, over their number."""
    middle = (len(found) + 1) / 2
    return math.fsum((rank - middle) ** 2 for rank in found) / len(found)


def correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Spearman's rank correlation; 0 where one side does not vary."""
    x, y = ranks(left), ranks(right)
    middle = (len(x) + 1) / 2
    both = math.fsum((a - middle) * (b - middle) for a, b in zip(x, y, strict=True)) / len(x) if x else 0.0
    scale = math.sqrt(_spread(x) * _spread(y)) if x else 0.0
    return max(-1.0, min(1.0, both / scale)) if scale > 0 else 0.0


def explained(values: Sequence[float], parts: Iterable[Iterable[int]]) -> tuple[float, float]:
    """Kruskal and Wallis: the share of ranks that groups explain, and how likely chance alone explains as much."""
    found = ranks(values)
    total, middle = _spread(found) * len(found), (len(found) + 1) / 2
    sets = [tuple(part) for part in parts]
    sets = [part for part in sets if part]
    if total <= 0 or len(sets) <= 1:
        return 0.0, 1.0
    between = math.fsum(len(part) * (math.fsum(found[at] for at in part) / len(part) - middle) ** 2 for part in sets)
    freedom = len(sets) - 1
    return between / total, _chi_square_above(between / total * (len(found) - 1), freedom)


def _chi_square_above(value: float, freedom: int) -> float:
    """Wilson and Hilferty's approximation."""
    slack = 2 / (9 * freedom)
    return above((math.cbrt(value / freedom) - (1 - slack)) / math.sqrt(slack))


def lonely(ordered: Sequence[float]) -> float:
    """How likely the first of nine ascending values stands so far before the rest by chance.

    Gaps of an exponential tail, each times its rank, are alike (Sukhatme), so the first to the rest is F(2, 14).
    """
    gaps = [rank * (ordered[rank] - ordered[rank - 1]) for rank in range(1, 9)]
    rest = math.fsum(gaps[1:]) / 7
    if rest <= 0:
        return 1.0
    return 1 / math.pow(1 + gaps[0] / rest / 7, 7)
