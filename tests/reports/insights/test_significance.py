"""Our tests of chance agree with SciPy's, and with what may be counted by hand."""

import math
import random

import pytest
from scipy import stats

from reports.insights import significance

TABLES = [(hits, of, all_hits, 40) for hits in range(8) for of in (7, 12) for all_hits in (7, 20)] + [
    (900, 2500, 3000, 10_000)
]


@pytest.mark.parametrize(("hits", "of", "all_hits", "all_of"), TABLES)
def test_fisher(hits, of, all_hits, all_of):
    table = [[hits, of - hits], [all_hits - hits, all_of - of - (all_hits - hits)]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert significance.fisher(hits, of, all_hits=all_hits, all_of=all_of) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("case", [(0, 5, 0, 20), (0, 0, 3, 20), (5, 5, 20, 20), (3, 20, 3, 20)])
def test_fisher_knows_nothing_where_there_is_nothing_to_know(case):
    hits, of, all_hits, all_of = case
    assert significance.fisher(hits, of, all_hits=all_hits, all_of=all_of) == 1.0


def test_corrections_for_many_tests():
    chances = [0.01, 0.04, 0.03, 0.005, 1.0]
    assert significance.holm(chances) == pytest.approx([0.04, 0.09, 0.09, 0.025, 1.0])
    assert significance.discoveries(chances) == pytest.approx(list(stats.false_discovery_control(chances)))
    assert significance.holm([]) == significance.discoveries([]) == []


@pytest.mark.parametrize("digits", [0, 1, 6])
@pytest.mark.parametrize("seed", range(5))
def test_ranks(digits, seed):
    chance = random.Random(seed)
    left, right = ([round(chance.gauss(shift, 1), digits) for _ in range(40)] for shift in (0, 0.4))
    assert significance.ranks(left) == list(stats.rankdata(left))
    expected = stats.mannwhitneyu(left, right, alternative="less", use_continuity=False, method="asymptotic").pvalue
    assert significance.smaller(left, right) == pytest.approx(expected)
    assert significance.correlation(left, right) == pytest.approx(stats.spearmanr(left, right).statistic)
    share, likely = significance.explained([*left, *right], [range(20), range(20, 50), (), range(50, 80)])
    found = stats.kruskal(left[:20], [*left[20:], *right[:10]], right[10:])
    assert share * 79 == pytest.approx(found.statistic)
    assert likely == pytest.approx(found.pvalue, abs=0.01)


def test_what_does_not_vary_says_nothing():
    assert significance.smaller([1, 1], [1, 1]) == 0.5
    assert significance.correlation([1, 1, 1], [1, 2, 3]) == 0.0
    assert significance.correlation([], []) == 0.0
    assert significance.explained([1, 1, 1], [(0,), (1, 2)]) == (0.0, 1.0)
    assert significance.explained([1, 2, 3], [(0, 1, 2), ()]) == (0.0, 1.0)
    assert significance.lonely([1.0] * 9) == 1.0
    assert significance.wilson(0, 0) == 0.0


def test_the_gap_of_a_lonely_value_is_f_of_two_and_fourteen():
    ordered = [0.0, 5.0, 5.1, 5.3, 5.4, 5.6, 5.7, 5.9, 6.0]
    gaps = [rank * (ordered[rank] - ordered[rank - 1]) for rank in range(1, 9)]
    assert significance.lonely(ordered) == pytest.approx(stats.f.sf(gaps[0] / (sum(gaps[1:]) / 7), 2, 14))


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 30), (30, 30)])
def test_wilson(hits, of):
    expected = stats.binomtest(hits, of).proportion_ci(method="wilson").low
    assert significance.wilson(hits, of) == pytest.approx(expected, abs=1e-4)
    assert not math.isnan(significance.wilson(hits, of))
