"""Small policies, one by one: safety, publishing, the seed of a run, what is waited for, quantities."""

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.objective import Metric, Objective, ObjectiveType
from kagit.trial import Phase, Trial
from reconciler.core import asking, budget, explain, intake, publishing, resources, safety
from reconciler.core.plan import better, plan
from reconciler.core.publishing import Published
from reconciler.world import Counts, Wanted, World
from tests.reconciler.core.plan_words import again, spec, world

# ------------------------------------------------------------------------------------------------------------- safety


@pytest.mark.parametrize(
    ("present", "declared", "refused"),
    [
        ("", "", False),
        ("abc", "abc", False),
        ("abc", "ab", False),
        ("abcd", "ab", False),
        ("abcd", "a", True),
        ("abc", "", True),
        ("abc", "xyz", True),
        ("ab", "", False),
        ("a", "", False),
        ("abc", "abcxyz", False),
    ],
)
def test_mass_deletion(present, declared, refused):
    said = safety.deletions(present=frozenset(present), declared=frozenset(declared))
    assert bool(said) == refused
    assert not safety.deletions(present=frozenset(present), declared=frozenset(declared), allowed=True)


def test_a_refused_deletion_says_how_many_and_the_way_out():
    said = safety.deletions(present=frozenset("abcd"), declared=frozenset("a"))
    assert "3 of 4" in said
    assert "--allow-mass-deletion" in said


# --------------------------------------------------------------------------------------------------------- publishing


@pytest.mark.parametrize(
    ("digest", "committed", "age", "quiet", "due"),
    [
        ("1", "1", 1e9, True, False),
        ("2", "1", 0.0, True, True),
        ("2", "1", 59.9, False, False),
        ("2", "1", 60.0, False, True),
        ("2", "", 1e9, False, True),
        ("1", "1", 1e9, False, False),
    ],
)
def test_a_report_is_due(digest, committed, age, quiet, due):
    report = Published(digest=digest, committed=committed, age=age, quiet=quiet)
    assert publishing.due(report, interval=60.0) is due


# --------------------------------------------------------------------------------------------------------------- seed


def seed(**changes) -> int:
    return intake.seed(**{"namespace": "default", "name": "a", "run": 1, "spec_digest": "d", **changes})


def test_the_seed_is_the_same_for_the_same_and_another_for_any_other():
    assert seed() == seed()
    others = [{"namespace": "team"}, {"name": "b"}, {"run": 2}, {"spec_digest": "e"}]
    assert len({seed(), *(seed(**one) for one in others)}) == 5


def test_the_seed_is_pinned():
    """Changing it would change every result that was ever computed."""
    assert seed() == 965892486


@given(name=st.text(max_size=40), run=st.integers(1, 10**6))
def test_a_seed_fits_into_every_library(name, run):
    assert 0 <= seed(name=name, run=run) < 2**31


@pytest.mark.parametrize("asked", ["0", "8"])
def test_a_seed_of_the_author_is_the_seed_of_the_run(asked):
    (start,) = plan(world({"run": None, "wanted": {"wishes": {"seed": asked}}})).actions
    assert start.seed == int(asked)


# ------------------------------------------------------------------------------------------------------------- intake


def test_the_words_of_a_budget_say_what_moved():
    run = world({}).run
    wanted = Wanted(experiment=spec({"max": None, "parallel": 3, "max failed": 2}))
    said = intake.decide(wanted=wanted, run=run)
    assert said.word is intake.Word.EXTEND
    assert said.reason == "maxTrialCount 4 → no limit, parallelTrialCount 2 → 3, maxFailedTrialCount no limit → 2"


@pytest.mark.parametrize(
    ("case", "word", "reason"),
    [
        ({"run": 0}, "create", "a new experiment"),
        ({}, "nothing", "its spec has not changed"),
        ({"wanted": {"top": 3}}, "new run", "its spec changed; run 1 is kept for comparison"),
        ({"wanted": None}, "delete", "its manifest is gone from the repository"),
        ({"wanted": None, "run": 0}, "nothing", "neither wanted nor there"),
        ({"wanted": None, "unlisted": True}, "nothing", "the source could not be read; what runs goes on"),
        ({"once more": True}, "new run", "it is to be run once more"),
        ({"errors": ["one", "two"]}, "refuse", "one; two"),
        ({"wanted": {"resume": "LongRunning"}}, "extend", "resumePolicy changed"),
    ],
)
def test_every_word_has_its_reason(case, word, reason):
    here = world(case)
    said = intake.decide(wanted=here.wanted, run=here.run, refusal=here.refusal, listed=here.listed)
    assert (said.word.value, said.reason) == (word, reason)


@pytest.mark.parametrize(
    ("change", "phases", "reason"),
    [
        ({"max": 9}, {Phase.SUCCEEDED: 3}, "maxTrialCount 6 → 9"),
        ({"max": 4}, {Phase.SUCCEEDED: 3}, "maxTrialCount 6 → 4"),
        (
            {"max": 4},
            {Phase.SUCCEEDED: 3, Phase.RUNNING: 1},
            "maxTrialCount 6 → 4; 4 trials exist already, so no more are begun",
        ),
        (
            {"max": 3},
            {Phase.SUCCEEDED: 3, Phase.RUNNING: 2},
            (
                "maxTrialCount 6 → 3; 5 trials exist already, so it ends as soon as the 2 that run are over, "
                "and none is deleted"
            ),
        ),
        (
            {"max": 2},
            {Phase.SUCCEEDED: 3},
            "maxTrialCount 6 → 2; 3 trials exist already, so it ends at once, and none is deleted",
        ),
        (
            {"max failed": 2},
            {Phase.FAILED: 1, Phase.METRICS_UNAVAILABLE: 1},
            "maxFailedTrialCount no limit → 2; 2 have failed already, so it ends as failed",
        ),
        ({"max failed": 0}, {Phase.SUCCEEDED: 1}, "maxFailedTrialCount no limit → 0"),
    ],
)
def test_a_lowered_budget_says_what_becomes_of_the_trials(change, phases, reason):
    here = world({"spec": {"max": 6}, "wanted": change})
    said = intake.decide(wanted=here.wanted, run=here.run, counts=Counts(by_phase=phases))
    assert (said.word.value, said.reason) == ("extend", reason)


# ------------------------------------------------------------------------------------------------------------- budget


@given(
    most=st.none() | st.integers(1, 30),
    parallel=st.integers(1, 30),
    over=st.integers(0, 40),
    active=st.integers(0, 40),
)
def test_what_is_added_keeps_every_limit(most, parallel, over, active):
    experiment = spec({"max": most, "parallel": min(parallel, most or parallel)})
    counts = Counts(by_phase={Phase.SUCCEEDED: over, Phase.RUNNING: active})
    missing = budget.missing_trials(experiment, counts)
    assert missing >= 0
    assert not missing or active + missing <= experiment.parallel
    assert not missing or most is None or over + active + missing <= most


@given(waiting=st.integers(0, 5), missing=st.integers(0, 5), more=st.integers(0, 5), exhausted=st.booleans())
def test_points_are_asked_for_once_and_without_gaps(waiting, missing, more, exhausted):
    here = world({"suggestions": list(range(waiting)), "asked": waiting + more, "exhausted": exhausted})
    created, asked = asking.create(here, missing), asking.ask(here, missing)
    assert len(created) == min(waiting, missing)
    assert all(one.suggestion.index == index for index, one in enumerate(created))
    indexes = [index for one in asked for index in one.indexes]
    assert len(indexes) == (0 if exhausted else max(0, missing - waiting))
    assert indexes == list(range(waiting + more, waiting + more + len(indexes)))


# ------------------------------------------------------------------------------------------------------------ explain


def test_nothing_is_waited_for_before_there_is_a_run():
    assert explain.waiting(World(now="", namespace="default", name="a"), over=False) == ()


def test_reasons_come_in_one_order_whatever_the_order_of_trials():
    live = [{"trial": index, "phase": "Created"} for index in (0, 1)] + [{"trial": 2, "seen": "running"}]
    here = world({"live": live, "positions": {0: 7, 1: 3}, "exhausted": True, "unlisted": True})
    expected = (
        "RunningTrials(1)",
        "WaitingForSlot(position 3)",
        "WaitingForSlot(position 7)",
        "SearchSpaceExhausted()",
        "SourceUnreadable()",
    )
    assert explain.waiting(here, over=False) == expected
    assert explain.waiting(again(here, live=here.live[::-1]), over=False) == expected


def test_once_it_is_over_only_the_end_of_its_trials_is_waited_for():
    live = [{"trial": 0, "phase": "Created"}, {"trial": 2, "seen": "running"}]
    here = world({"live": live, "positions": {0: 1}, "exhausted": True})
    assert explain.waiting(here, over=True) == ("StoppingTrials(1)",)


# ---------------------------------------------------------------------------------------------------------- resources


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Fraction(1, 2)),
        ("2", Fraction(2)),
        (4, Fraction(4)),
        (0.5, Fraction(1, 2)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("1k", Fraction(1000)),
        ("1Ki", Fraction(1024)),
        ("2e3", Fraction(2000)),
        ("2E3", Fraction(2000)),
        ("1E", Fraction(10**18)),
        ("1e-3", Fraction(1, 1000)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        (" 1 ", Fraction(1)),
        ("-1", Fraction(-1)),
        ("+1", Fraction(1)),
        ("100n", Fraction(1, 10**7)),
    ],
)
def test_a_quantity_is_its_exact_number(text, number):
    assert resources.quantity(text) == number


@pytest.mark.parametrize(
    "text", ["", "m", "1mm", "1 Gi", "1ki", "1K", "one", "1e99", "nan", "inf", True, None, [1], "1.2.3"]
)
def test_what_is_no_quantity_is_none(text):
    assert resources.quantity(text) is None


# ---------------------------------------------------------------------------------------------------- results in words

WORDS = Objective(type=ObjectiveType.MAXIMIZE, metric="Best-Genotype")


def told(index, said, *, phase=Phase.SUCCEEDED):
    observation = (Metric(name="Best-Genotype", latest=said),)
    return Trial(name=f"a-1-{index}", run=1, index=index, point={}, phase=phase, observation=observation)


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        ([told(0, "Genotype(a)"), told(1, "Genotype(b)")], 1),
        ([told(0, "0.5"), told(1, "Genotype(b)"), told(2, "0.9")], 1),
        ([told(0, "0.5"), told(1, "0.4")], 0),
        ([told(0, "Genotype(a)"), told(1, "nan"), told(2, "unavailable")], 0),
        ([told(0, "Genotype(a)"), told(1, "Genotype(b)", phase=Phase.FAILED)], 0),
        ([told(0, "nan")], None),
    ],
)
def test_of_results_in_words_the_last_is_the_best_in_whatever_order_they_come(trials, best):
    for order in permutations(trials):
        found = None
        for one in order:
            found = better(WORDS, found, trial=one)
        assert (None if found is None else found.index) == best
        if found is not None:
            assert (found.value is None) == bool(WORDS.words(trials[found.index].observation))
