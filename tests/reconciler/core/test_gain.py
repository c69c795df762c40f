"""When a search has no gain left: against the plain reading of the rule, whatever the order in which trials end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.objective import Objective, ObjectiveType
from kagit.wishes import MOST_WITHOUT_GAIN, Patience
from reconciler.core import gain
from reconciler.world import Recent

MINIMIZE, MAXIMIZE = (Objective(type=one, metric="loss") for one in (ObjectiveType.MINIMIZE, ObjectiveType.MAXIMIZE))
values = st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, allow_infinity=False))


def recent(results, objective=MINIMIZE) -> Recent:
    found = Recent()
    for index, value in results:
        found = found.add(index, value, objective)
    return found


@given(
    told=st.dictionaries(st.integers(0, 60), values, max_size=25),
    order=st.randoms(use_true_random=False),
    trials=st.integers(1, 9),
    least=st.sampled_from([0.0, 0.5, 2.0]),
    objective=st.sampled_from([MINIMIZE, MAXIMIZE]),
)
def test_it_is_gone_when_the_last_were_no_better_than_all_before(told, order, trials, least, objective):
    in_order = [told[index] for index in sorted(told)]
    sign = 1.0 if objective is MINIMIZE else -1.0
    before, last = in_order[:-trials], in_order[-trials:]
    expected = bool(before) and not min(sign * one for one in before) - min(sign * one for one in last) > least
    found = recent(order.sample(sorted(told.items()), len(told)), objective)
    assert gain.is_gone(found, Patience(trials=trials, least=least), objective) == expected


@pytest.mark.parametrize("objective", [MINIMIZE, MAXIMIZE], ids=["minimize", "maximize"])
def test_only_as_many_are_kept_as_a_wish_may_ask_about(objective):
    many = [(index, float((index * 7919) % 3001)) for index in range(MOST_WITHOUT_GAIN + 500)]
    one, other = recent(many, objective), recent(reversed(many), objective)
    assert one == other
    assert [index for index, _ in one.results] == list(range(500, MOST_WITHOUT_GAIN + 500))
    best = min if objective is MINIMIZE else max
    assert one.before == best(value for index, value in many if index < 500)
    assert gain.is_gone(one, Patience(trials=MOST_WITHOUT_GAIN, least=1e9), objective)


def test_the_best_of_those_that_are_not_kept_counts():
    found = recent([(0, -5.0), *((index, 1.0) for index in range(1, MOST_WITHOUT_GAIN + 1))])
    assert found.before == -5.0
    assert gain.is_gone(found, Patience(trials=MOST_WITHOUT_GAIN), MINIMIZE)
    better = found.add(MOST_WITHOUT_GAIN + 1, -6.0, MINIMIZE)
    assert not gain.is_gone(better, Patience(trials=MOST_WITHOUT_GAIN), MINIMIZE)
