"""Slots and devices are shared out fairly, to nobody twice, and nobody waits for ever."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.slots import Demand, Share, allot


def demand(trial: str, *, slots: int = 1, gpus: int = 0, order: int | None = None) -> Demand:
    """A demand of the experiment that its trial's first letter names; who comes first stands in its digits."""
    number = int(trial[1:] or 0) if order is None else order
    return Demand(experiment=trial[0], trial=trial, slots=slots, gpus=gpus, order=number)


def shared(*demands: Demand, free: int = 2, gpus: tuple[str, ...] = (), used: dict[str, int] | None = None) -> Share:
    return allot(free=free, gpus=gpus, used=used or {}, demands=demands)


def test_nobody_waits_nobody_gets():
    share = shared(free=4)
    assert not share.grants
    assert not share.positions


def test_within_an_experiment_the_first_comes_first_whatever_the_order_of_telling():
    share = shared(demand("a3"), demand("a1"), demand("a2"))
    assert list(share.grants) == ["a1", "a2"]
    assert share.positions == {"a3": 1}


def test_two_experiments_take_turns():
    share = shared(demand("a1"), demand("a2"), demand("a3"), demand("b4"), demand("b5"))
    assert list(share.grants) == ["a1", "b4"]
    assert share.positions == {"a2": 1, "b5": 2, "a3": 3}


def test_who_uses_less_is_next_though_it_came_later():
    share = shared(demand("a1"), demand("b9"), free=1, used={"a": 1})
    assert list(share.grants) == ["b9"]


def test_a_large_trial_counts_as_much_as_it_takes():
    share = shared(demand("a1", slots=3), demand("a2"), demand("b3"), demand("b4"), demand("b5"), free=6)
    assert set(share.grants) == {"a1", "b3", "b4", "b5"}
    assert share.positions == {"a2": 1}


def test_nobody_overtakes_a_large_trial_that_waits():
    share = shared(demand("a1", slots=4), demand("b2"), demand("b3"), free=3)
    assert not share.grants
    assert share.positions == {"a1": 1, "b2": 2, "b3": 3}


def test_devices_are_given_once_and_in_order():
    share = shared(demand("a1", gpus=2), demand("b2", gpus=1), demand("a3"), free=9, gpus=("0", "1", "2"))
    assert {name: grant.gpus for name, grant in share.grants.items()} == {"a1": ("0", "1"), "b2": ("2",), "a3": ()}


def test_without_its_devices_nothing_starts():
    share = shared(demand("a1", gpus=2), demand("b2"), gpus=("0",), free=9)
    assert not share.grants
    assert share.positions == {"a1": 1, "b2": 2}


def test_more_running_than_slots_gives_nothing():
    assert not shared(demand("a1"), free=-1).grants


demands = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4), st.integers(0, 2)), max_size=12).map(
    lambda rows: [demand(f"{name}{i}", slots=slots, gpus=gpus) for i, (name, slots, gpus) in enumerate(rows)]
)
machines = st.tuples(st.integers(0, 8), st.sampled_from([(), ("0",), ("0", "1", "2", "3")]))
usage = st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))


@given(demands=demands, machine=machines, used=usage, chance=st.randoms(use_true_random=False))
def test_never_more_than_is_free_and_the_same_for_the_same(demands, machine, used, chance):
    free, gpus = machine
    share = allot(free=free, gpus=gpus, used=used, demands=demands)
    by_name = {one.trial: one for one in demands}
    given_out = [device for grant in share.grants.values() for device in grant.gpus]
    assert sum(by_name[name].slots for name in share.grants) <= free
    assert len(given_out) == len(set(given_out))
    assert set(given_out) <= set(gpus)
    assert all(len(grant.gpus) == by_name[name].gpus for name, grant in share.grants.items())
    assert all(grant.trial == name for name, grant in share.grants.items())
    assert sorted([*share.grants, *share.positions]) == sorted(by_name)
    assert sorted(share.positions.values()) == list(range(1, len(share.positions) + 1))
    mixed = chance.sample(demands, len(demands))
    again = allot(free=free, gpus=gpus, used=used, demands=mixed)
    assert (dict(again.grants), dict(again.positions)) == (dict(share.grants), dict(share.positions))


@given(demands=demands, slots=st.integers(4, 8))
def test_everybody_starts_some_time(demands, slots):
    """Rounds on one machine that holds the largest: what starts ends before the next round, and all have their turn."""
    gpus = ("0", "1")
    waiting, rounds = {one.trial: one for one in demands}, 0
    while waiting:
        share = allot(free=slots, gpus=gpus, used={}, demands=list(waiting.values()))
        assert share.grants, "an empty machine starts somebody"
        for name in share.grants:
            del waiting[name]
        rounds += 1
    assert rounds <= len(demands)


@given(demands=demands, free=st.integers(0, 8), used=usage)
def test_who_gets_a_slot_used_no_more_than_who_waits(demands, free, used):
    """When a trial is granted, every experiment that still waits was using at least as much just before."""
    share = allot(free=free, gpus=("0", "1", "2", "3"), used=used, demands=demands)
    by_name, use = {one.trial: one for one in demands}, dict(used)
    waiting = {one.experiment for one in demands if one.trial in share.positions}
    for name in share.grants:
        experiment = by_name[name].experiment
        assert all(use.get(experiment, 0) <= use.get(other, 0) for other in waiting)
        use[experiment] = use.get(experiment, 0) + by_name[name].slots


def test_who_claims_what_another_has_waits_and_is_overtaken():
    first, second = demand("a1"), demand("a2")
    port = frozenset({"port 8080"})
    claiming = [replace(first, claims=port), replace(second, claims=port), demand("a3")]
    share = shared(*claiming, free=3)
    assert (set(share.grants), share.positions) == ({"a1", "a3"}, {"a2": 1})
    taken = allot(free=3, gpus=(), used={}, demands=claiming, claimed=port)
    assert set(taken.grants) == {"a3"}
