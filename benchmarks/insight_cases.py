"""Every check of a report in situations in which it should speak, and in others in which it should not."""

import random
from collections.abc import Iterator

from landscapes import (
    WIDE,
    bowl,
    decades,
    linear,
    middle,
    noise,
    ridge,
    slope,
    smooth,
    tail,
)
from situations import (
    Case,
    drifting,
    failing,
    going_on,
    learning,
    lucky,
    plainly,
    reached,
    repeated,
    timed,
    with_curves,
    with_gaps,
    with_goal,
)


def cases() -> Iterator[Case]:
    """All situations."""
    yield from _of_ranges()
    yield from _of_parameters()
    yield from _of_failures()
    yield from _of_noise()
    yield from _of_progress()
    yield from _of_running()


def _of_ranges() -> Iterator[Case]:
    slug = "best-at-bound"
    yield from plainly(slug, noise, (30, 60, 120), wrong=True)
    yield from plainly(slug, bowl, (30, 60, 120), wrong=True)
    yield learning(slug, noise, 60, wrong=True)
    yield learning(slug, bowl, 60, wrong=True, longest=120)
    yield learning(slug, bowl, 120, wrong=True)
    yield from plainly(slug, slope, (30, 60, 120), wrong=False, names="a")
    yield learning(slug, slope, 60, wrong=False, names="a")
    slug = "log-scale"
    yield from plainly(slug, noise, (30, 120), wrong=True, space=WIDE)
    yield from plainly(slug, middle, (30, 120), wrong=True, space=WIDE)
    yield learning(slug, middle, 60, wrong=True, space=WIDE)
    yield from plainly(slug, decades, (30, 60, 120), wrong=False, space=WIDE)


def _of_parameters() -> Iterator[Case]:
    slug = "unimportant-parameter"
    yield from plainly(slug, linear, (80, 160, 320), wrong=True, names="abc")
    yield learning(slug, bowl, 120, wrong=True, names="ab")
    yield from plainly(slug, bowl, (80, 160, 320), wrong=False, names="c")
    yield learning(slug, bowl, 120, wrong=False, names="c")
    slug = "correlated-parameters"
    yield from plainly(slug, noise, (80, 160), wrong=True)
    yield from plainly(slug, bowl, (80, 160), wrong=True)
    yield learning(slug, bowl, 120, wrong=True)
    yield from plainly(slug, ridge, (80, 160, 320), wrong=False)


def _of_failures() -> Iterator[Case]:

    for count in (30, 60, 120):
        for share in (0.05, 0.1):
            yield Case(
                slug="failure-rate",
                what=f"{share:.0%} fail, {count} trials",
                wrong=True,
                speaks=failing(lambda _, share=share: share, "failure-rate", count),
            )
        yield Case(
            slug="failure-rate",
            what=f"30% fail, {count} trials",
            wrong=False,
            speaks=failing(lambda _: 0.3, "failure-rate", count),
        )
        for share in (0.1, 0.3):
            yield Case(
                slug="failing-values",
                what=f"{share:.0%} fail anywhere, {count} trials",
                wrong=True,
                speaks=failing(lambda _, share=share: share, "failing-values", count),
            )
        yield Case(
            slug="failing-values",
            what=f"5% fail, 60% with one of three choices, {count} trials",
            wrong=False,
            speaks=failing(lambda point: 0.6 if point["kind"] == "z" else 0.05, "failing-values", count),
        )
        yield Case(
            slug="failing-values",
            what=f"5% fail, 60% in the upper fifth of a range, {count} trials",
            wrong=False,
            speaks=failing(lambda point: 0.6 if float(point["a"]) > 2 else 0.05, "failing-values", count),
        )


def _of_noise() -> Iterator[Case]:
    slug = "best-stands-alone"
    for shape in (noise, tail, bowl, smooth, slope):
        yield from plainly(slug, shape, (30, 120), wrong=True)
    yield learning(slug, noise, 60, wrong=True)
    yield learning(slug, bowl, 60, wrong=True, longest=120)
    yield learning(slug, bowl, 120, wrong=True)
    yield learning(slug, slope, 60, wrong=True)

    for count in (30, 120):
        yield Case(
            slug=slug,
            what=f"one of {count} equals leads by 2 standard deviations",
            wrong=False,
            speaks=lucky(count, noise, 2),
        )
        yield Case(
            slug=slug,
            what=f"one of {count} equals leads by 4 standard deviations",
            wrong=False,
            speaks=lucky(count, noise, 4),
        )
        yield Case(
            slug=slug,
            what=f"one of {count} in a bowl, anywhere, leads by what the points usually differ",
            wrong=False,
            speaks=lucky(count, bowl, 4),
        )
    slug = "best-is-luck"

    for count in (30, 60, 120):
        for differ in (1.5, 2.0):
            yield Case(
                slug=slug,
                what=f"points differ by {differ} times the noise, {count} results, 8 repeated",
                wrong=True,
                speaks=repeated(count, differ),
            )
        yield Case(slug=slug, what=f"noise alone, {count} results, 8 repeated", wrong=False, speaks=repeated(count, 0))
    yield from _of_gaps()


def _of_gaps() -> Iterator[Case]:
    slug = "train-validation-gap"

    for count in (30, 120):
        yield Case(slug=slug, what=f"gaps alike, {count} results", wrong=True, speaks=with_gaps(count, 0))
        yield Case(
            slug=slug,
            what=f"the best has 6 standard deviations more, {count} results",
            wrong=False,
            speaks=with_gaps(count, 6),
        )


def _of_progress() -> Iterator[Case]:
    slug = "still-improving"
    for shape in (noise, bowl):
        yield from plainly(slug, shape, (30, 120), wrong=True)

    for count in (30, 120):
        yield Case(
            slug=slug, what=f"results fall by 6 times the noise, {count} results", wrong=False, speaks=going_on(count)
        )
    yield learning("not-learning", bowl, 60, wrong=True, longest=120)
    yield learning("not-learning", bowl, 120, wrong=True)
    yield learning("not-learning", slope, 60, wrong=True)
    yield learning("not-learning", noise, 60, wrong=False)
    yield from _of_goals()
    yield from _of_learnt_goals()
    slug = "results-drift"
    for shape in (noise, bowl):
        yield from plainly(slug, shape, (30, 120), wrong=True)

    for count in (30, 60, 120):
        yield Case(
            slug=slug,
            what=f"results rise by 1.5 times the noise, {count} results",
            wrong=False,
            speaks=drifting(count),
        )


def _of_goals() -> Iterator[Case]:
    slug = "goal-out-of-reach"

    for count in (30, 60):
        for shape in (noise, tail, bowl, smooth):
            yield Case(
                slug=slug,
                what=f"{shape.__name__}, {count} results; ten times as many reach the goal with even odds",
                wrong=True,
                speaks=with_goal(shape, count, 0),
            )
        for beyond in (2, 4):
            yield Case(
                slug=slug,
                what=f"bowl, {count} results; the goal is {beyond} times as far from the best as the median",
                wrong=False,
                speaks=with_goal(bowl, count, beyond),
            )


def _of_learnt_goals() -> Iterator[Case]:
    for shape in (bowl, smooth):
        what = f"tpe, {shape.__name__}, 60 results; 60 more reach the goal"
        yield Case(slug="goal-out-of-reach", what=what, wrong=True, speaks=reached(shape), rounds=60)


def _of_running() -> Iterator[Case]:

    def usual(chance: random.Random, at: int) -> float:  # noqa: ARG001
        return 60 * chance.lognormvariate(0, 0.7)

    def hung(chance: random.Random, at: int) -> float:
        return usual(chance, at) * (100 if at == 7 else 1)

    for count in (16, 60):
        yield Case(
            slug="slots-idle",
            what=f"four at once, durations differ (log-normal, 0.7), {count} trials",
            wrong=True,
            speaks=timed(usual, 4, count, "slots-idle"),
        )
        yield Case(
            slug="slots-idle",
            what=f"one at a time of four, {count} trials",
            wrong=False,
            speaks=timed(usual, 1, count, "slots-idle"),
        )
    for count in (30, 120):
        yield Case(
            slug="slow-trials",
            what=f"durations differ (log-normal, 0.7), {count} trials",
            wrong=True,
            speaks=timed(usual, 4, count, "slow-trials"),
        )
        yield Case(
            slug="slow-trials",
            what=f"one takes 100 times as long, {count} trials",
            wrong=False,
            speaks=timed(hung, 4, count, "slow-trials"),
        )
    yield from _of_stopping()


def _of_stopping() -> Iterator[Case]:
    slug = "early-stopping"

    yield Case(slug=slug, what="slow curves, 60 trials", wrong=True, speaks=with_curves(0.3, 0.1, 0))
    yield Case(slug=slug, what="slow, trembling curves, 60 trials", wrong=True, speaks=with_curves(0.3, 0.5, 0))
    yield Case(slug=slug, what="fast, trembling curves, 60 trials", wrong=True, speaks=with_curves(2, 0.5, 0))
    yield Case(
        slug=slug,
        what="curves that fall, then rise to the end, 60 trials",
        wrong=False,
        speaks=with_curves(2, 0.2, 0.15),
    )
