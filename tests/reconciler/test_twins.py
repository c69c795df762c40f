"""Who takes whose result, and who waits for whom."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kagit.trial import Phase, Trial
from reconciler.ports import Sighting, State
from reconciler.shell import twins
from reconciler.shell.following import Follow
from reconciler.world import Run
from tests.reconciler.core.plan_words import spec

RUN = Run(experiment=spec({"wishes": {"reuse-results": "true"}}), number=1, seed=1)


def trial(index: int, x: str, *, run: int = 1) -> Trial:
    return Trial(name=f"a-{run}-{index:04d}", run=run, index=index, point={"x": x, "y": "1"})


def follow(index: int, x: str, *, runs: bool = False, run: int = 1) -> Follow:
    sighting = Sighting(name="w", state=State.RUNNING) if runs else None
    return Follow(trial=trial(index, x, run=run), namespace="default", manifest={}, sighting=sighting)


def pairs(*live: Follow, over: tuple[Trial, ...] = (), run: Run | None = RUN) -> dict[str, str]:
    results: dict = {}
    for one in over:
        twins.note(results, replace(one, phase=Phase.SUCCEEDED))
    return {name[-1]: twin.name[-1] for name, twin in twins.of(live, results, run=run).items()}


def test_a_result_is_taken_and_of_several_the_first_whatever_the_order():
    for over in itertools.permutations([trial(1, "0"), trial(2, "0"), trial(3, "1")]):
        assert pairs(follow(4, "0"), follow(5, "2"), over=over) == {"4": "1"}


def test_the_order_of_parameters_does_not_matter():
    turned = replace(trial(1, "0"), point={"y": "1", "x": "0"})
    assert pairs(follow(4, "0"), over=(turned,)) == {"4": "1"}


def test_what_runs_is_waited_for_before_what_waits_longer():
    assert pairs(follow(1, "0"), follow(2, "0", runs=True), follow(3, "0")) == {"1": "2", "3": "2"}


def test_the_first_of_those_that_wait_runs():
    assert pairs(follow(3, "0"), follow(1, "0"), follow(2, "0")) == {"2": "1", "3": "1"}


def test_who_goes_on_from_a_checkpoint_neither_takes_a_result_nor_gives_one():
    child, later = follow(4, "0"), follow(5, "0")
    child.trial = replace(child.trial, parent=1)
    assert pairs(child, later, over=(trial(1, "0"),)) == {"5": "1"}
    assert pairs(later, over=(replace(trial(1, "0"), parent=0),)) == {}
    pbt = Run(experiment=spec({"algorithm": "pbt", "wishes": {"reuse-results": "true"}}), number=1, seed=1)
    assert pairs(later, over=(trial(1, "0"),), run=pbt) == {}


def test_nobody_waits_without_the_wish_or_for_another_run():
    plain = Run(experiment=spec({}), number=1, seed=1)
    assert pairs(follow(1, "0"), follow(2, "0"), run=plain) == {}
    assert pairs(follow(1, "0"), follow(2, "0"), run=None) == {}
    assert pairs(follow(1, "0", run=2), follow(2, "0")) == {}


@given(st.lists(st.tuples(st.sampled_from("01"), st.booleans()), max_size=6))
def test_nobody_waits_in_a_circle_and_whoever_is_waited_for_goes_on(given):
    live = [follow(index, x, runs=runs) for index, (x, runs) in enumerate(given)]
    found = pairs(*live)
    for waiting, twin in found.items():
        assert live[int(waiting)].waits
        assert twin not in found, "whom it waits for waits, too"
