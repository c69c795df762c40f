"""Situations in which a check of a report should speak, and others in which it should not."""

import heapq
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from landscapes import (
    SPACE,
    WIDE,
    Landscape,
    blind,
    bowl,
    decades,
    experiment,
    linear,
    middle,
    noise,
    reading,
    report,
    ridge,
    slope,
    smooth,
    tail,
    told,
    tpe,
    trial,
)

from kagit.experiment import Algorithm
from kagit.space import Parameter
from kagit.trial import Phase
from reports.contract import ReportData
from reports.insights.catalog import CHECKS
from reports.insights.contract import Insight
from reports.insights.facts import facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A situation: that the check speaks there, in the run of a seed, is `wrong` or right; None does not count."""

    slug: str
    what: str
    speaks: Callable[[int], bool | None]
    wrong: bool
    rounds: int = 300


FIND = {check.slug: check.find for check in CHECKS}


def found(slug: str, data: ReportData) -> Sequence[Insight]:
    """What a check says of a run."""
    return FIND[slug](facts(data)) or ()


def _names(slug: str, data: ReportData) -> set[str]:
    """The parameters that a check names."""
    return {cell.text for one in found(slug, data) for cell in one.title if cell.kind == "foreign"}


def plainly(
    slug: str,
    shape: Landscape,
    counts: Sequence[int],
    *,
    wrong: bool,
    space: tuple[Parameter, ...] = SPACE,
    names: str = "",
) -> Iterator[Case]:
    """Random search on a landscape, some numbers of trials; with `names` the check must speak of one of these."""
    for count in counts:

        def speaks(seed: int, count: int = count) -> bool:
            data = told(blind(shape, count, seed, space), experiment(space))
            return bool(_names(slug, data) & set(names) if names else found(slug, data))

        yield Case(slug=slug, what=f"random search, {shape.__name__}, {count} results", speaks=speaks, wrong=wrong)


def learning(
    slug: str,
    shape: Landscape,
    count: int,
    *,
    wrong: bool,
    names: str = "",
    longest: int = 0,
    space: tuple[Parameter, ...] = SPACE,
) -> Case:
    """The same with TPE; `longest` is how far the cached run goes."""

    def speaks(seed: int) -> bool:
        rows = tpe(shape, longest or count, seed, space)[:count]
        data = told(rows, experiment(space, "tpe"))
        return bool(_names(slug, data) & set(names) if names else found(slug, data))

    return Case(slug=slug, what=f"tpe, {shape.__name__}, {count} results", speaks=speaks, wrong=wrong, rounds=60)


def _lucky(count: int, shape: Landscape, lead: float) -> Callable[[int], bool]:
    """One result leads the best of the others."""

    def speaks(seed: int) -> bool:
        rows = blind(shape, count, seed)
        least = min(value for _, value in rows)
        at = random.Random(seed).randrange(count)
        rows[at] = (rows[at][0], least - lead)
        return bool(found("best-stands-alone", told(rows, experiment())))

    return speaks


def _repeated(count: int, differ: float) -> Callable[[int], bool]:
    """Points whose true costs differ, eight of them tried twice."""

    def speaks(seed: int) -> bool:
        chance = random.Random(f"{count} {differ} {seed}")
        points = [point for point, _ in blind(noise, count - 8, seed)]
        truth = [chance.gauss(0, differ) for _ in points]
        order = [*range(len(points)), *chance.sample(range(len(points)), 8)]
        return bool(
            found("best-is-luck", told([(points[at], truth[at] + chance.gauss(0, 1)) for at in order], experiment()))
        )

    return speaks


def _gaps(count: int, more: float) -> Callable[[int], bool]:
    """Gaps between training and validation, that of the best larger by `more`."""

    def speaks(seed: int) -> bool:
        chance = random.Random(f"gap {seed}")
        rows = blind(bowl, count, seed)
        best = min(range(count), key=lambda at: rows[at][1])
        trials = []
        for at, (point, value) in enumerate(rows):
            train = value - chance.gauss(2, 1) - (more if at == best else 0)
            seen = (reading("val-loss", value), reading("train-loss", train))
            trials.append(trial(at, point, value, observation=seen))
        return bool(found("train-validation-gap", report(trials, experiment())))

    return speaks


def _going(count: int) -> Callable[[int], bool]:
    """Results that fall all the way."""

    def speaks(seed: int) -> bool:
        chance = random.Random(seed)
        rows = [
            (point, 4 - 6 * at / count + chance.gauss(0, 1)) for at, (point, _) in enumerate(blind(noise, count, seed))
        ]
        return bool(found("still-improving", told(rows, experiment(algorithm="tpe"))))

    return speaks


def _drifting(count: int) -> Callable[[int], bool]:
    """Results that rise with time."""

    def speaks(seed: int) -> bool:
        rows = [(point, value + 1.5 * at / count) for at, (point, value) in enumerate(blind(noise, count, seed))]
        return bool(found("results-drift", told(rows, experiment())))

    return speaks


def _goal(shape: Landscape, count: int, beyond: float) -> Callable[[int], bool]:
    """A goal that lies beyond the best, or may be reached."""

    def speaks(seed: int) -> bool:
        rows = blind(shape, count, seed)
        values = sorted(value for _, value in rows)
        aim = values[0] - beyond * (values[count // 2] - values[0]) if beyond else _even_odds(shape, 10 * count)
        one = experiment()
        return bool(found("goal-out-of-reach", told(rows, replace(one, objective=replace(one.objective, goal=aim)))))

    return speaks


def _fails(share: Callable[[dict[str, str]], float], slug: str, count: int) -> Callable[[int], bool]:
    """Trials fail with a chance that may depend on the point."""

    def speaks(seed: int) -> bool:
        chance = random.Random(f"fails {seed}")
        rows = blind(noise, count, seed)
        trials = [trial(at, p, None if chance.random() < share(p) else v) for at, (p, v) in enumerate(rows)]
        return bool(found(slug, report(trials, experiment())))

    return speaks


def _timed(lasting: Callable[[random.Random, int], float], slots: int, count: int, slug: str) -> Callable[[int], bool]:
    """Trials one after the other on some slots, each as soon as one is free."""

    def speaks(seed: int) -> bool:
        chance, free = random.Random(f"time {seed}"), [0.0] * slots
        trials = []
        for at, (point, value) in enumerate(blind(noise, count, seed)):
            begin = heapq.heappop(free)
            end = begin + lasting(chance, at)
            heapq.heappush(free, end)
            trials.append(trial(at, point, value, started=_clock(begin), finished=_clock(end)))
        return bool(found(slug, report(trials, experiment(parallel=4))))

    return speaks


def _curves(speed: float, trembling: float, rise: float) -> Callable[[int], bool]:
    """Curves fall to a level of their own; the median of the first 3 of 20 steps stops who is worse."""

    def speaks(seed: int) -> bool:
        chance = random.Random(f"stop {seed}")
        averages: list[float] = []
        trials = []
        for at, (point, _) in enumerate(blind(noise, 60, seed)):
            level = chance.gauss(0, 1)
            curve = [
                level + 3 * math.exp(-speed * step) + rise * step + chance.gauss(0, trembling) for step in range(20)
            ]
            early = statistics.fmean(curve[:3])
            stop = len(averages) >= 3 and min(curve[:3]) > statistics.median(averages)
            if not stop:
                averages.append(early)
            seen = curve[:3] if stop else curve
            trials.append(trial(at, point, seen[-1], phase=Phase.EARLY_STOPPED if stop else Phase.SUCCEEDED))
        rule = Algorithm(name="medianstop", settings={"start_step": "3"})
        return bool(found("early-stopping", report(trials, experiment(early_stopping=rule))))

    return speaks


def _reached(shape: Landscape) -> Callable[[int], bool]:
    """A goal that the second half of a search that learns does reach."""

    def speaks(seed: int) -> bool:
        rows = tpe(shape, 120, seed)
        one = experiment(algorithm="tpe")
        aim = min(value for _, value in rows)
        return bool(
            found("goal-out-of-reach", told(rows[:60], replace(one, objective=replace(one.objective, goal=aim))))
        )

    return speaks


@cache
def _even_odds(shape: Landscape, count: int) -> float:
    """A value that so many random trials beat as often as not."""
    return statistics.median(min(value for _, value in blind(shape, count, seed)) for seed in range(15))


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
                speaks=_fails(lambda _, share=share: share, "failure-rate", count),
            )
        yield Case(
            slug="failure-rate",
            what=f"30% fail, {count} trials",
            wrong=False,
            speaks=_fails(lambda _: 0.3, "failure-rate", count),
        )
        for share in (0.1, 0.3):
            yield Case(
                slug="failing-values",
                what=f"{share:.0%} fail anywhere, {count} trials",
                wrong=True,
                speaks=_fails(lambda _, share=share: share, "failing-values", count),
            )
        yield Case(
            slug="failing-values",
            what=f"5% fail, 60% with one of three choices, {count} trials",
            wrong=False,
            speaks=_fails(lambda point: 0.6 if point["kind"] == "z" else 0.05, "failing-values", count),
        )
        yield Case(
            slug="failing-values",
            what=f"5% fail, 60% in the upper fifth of a range, {count} trials",
            wrong=False,
            speaks=_fails(lambda point: 0.6 if float(point["a"]) > 2 else 0.05, "failing-values", count),
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
            speaks=_lucky(count, noise, 2),
        )
        yield Case(
            slug=slug,
            what=f"one of {count} equals leads by 4 standard deviations",
            wrong=False,
            speaks=_lucky(count, noise, 4),
        )
        yield Case(
            slug=slug,
            what=f"one of {count} in a bowl, anywhere, leads by what the points usually differ",
            wrong=False,
            speaks=_lucky(count, bowl, 4),
        )
    slug = "best-is-luck"

    for count in (30, 60, 120):
        for differ in (1.5, 2.0):
            yield Case(
                slug=slug,
                what=f"points differ by {differ} times the noise, {count} results, 8 repeated",
                wrong=True,
                speaks=_repeated(count, differ),
            )
        yield Case(slug=slug, what=f"noise alone, {count} results, 8 repeated", wrong=False, speaks=_repeated(count, 0))
    yield from _of_gaps()


def _of_gaps() -> Iterator[Case]:
    slug = "train-validation-gap"

    for count in (30, 120):
        yield Case(slug=slug, what=f"gaps alike, {count} results", wrong=True, speaks=_gaps(count, 0))
        yield Case(
            slug=slug,
            what=f"the best has 6 standard deviations more, {count} results",
            wrong=False,
            speaks=_gaps(count, 6),
        )


def _of_progress() -> Iterator[Case]:
    slug = "still-improving"
    for shape in (noise, bowl):
        yield from plainly(slug, shape, (30, 120), wrong=True)

    for count in (30, 120):
        yield Case(
            slug=slug, what=f"results fall by 6 times the noise, {count} results", wrong=False, speaks=_going(count)
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
            speaks=_drifting(count),
        )


def _of_goals() -> Iterator[Case]:
    slug = "goal-out-of-reach"

    for count in (30, 60):
        for shape in (noise, tail, bowl, smooth):
            yield Case(
                slug=slug,
                what=f"{shape.__name__}, {count} results; ten times as many reach the goal with even odds",
                wrong=True,
                speaks=_goal(shape, count, 0),
            )
        for beyond in (2, 4):
            yield Case(
                slug=slug,
                what=f"bowl, {count} results; the goal is {beyond} times as far from the best as the median",
                wrong=False,
                speaks=_goal(bowl, count, beyond),
            )


def _of_learnt_goals() -> Iterator[Case]:
    for shape in (bowl, smooth):
        what = f"tpe, {shape.__name__}, 60 results; 60 more reach the goal"
        yield Case(slug="goal-out-of-reach", what=what, wrong=True, speaks=_reached(shape), rounds=60)


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
            speaks=_timed(usual, 4, count, "slots-idle"),
        )
        yield Case(
            slug="slots-idle",
            what=f"one at a time of four, {count} trials",
            wrong=False,
            speaks=_timed(usual, 1, count, "slots-idle"),
        )
    for count in (30, 120):
        yield Case(
            slug="slow-trials",
            what=f"durations differ (log-normal, 0.7), {count} trials",
            wrong=True,
            speaks=_timed(usual, 4, count, "slow-trials"),
        )
        yield Case(
            slug="slow-trials",
            what=f"one takes 100 times as long, {count} trials",
            wrong=False,
            speaks=_timed(hung, 4, count, "slow-trials"),
        )
    yield from _of_stopping()


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"2026-01-{1 + whole // 86400:02d}T{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"


def _of_stopping() -> Iterator[Case]:
    slug = "early-stopping"

    yield Case(slug=slug, what="slow curves, 60 trials", wrong=True, speaks=_curves(0.3, 0.1, 0))
    yield Case(slug=slug, what="slow, trembling curves, 60 trials", wrong=True, speaks=_curves(0.3, 0.5, 0))
    yield Case(slug=slug, what="fast, trembling curves, 60 trials", wrong=True, speaks=_curves(2, 0.5, 0))
    yield Case(
        slug=slug, what="curves that fall, then rise to the end, 60 trials", wrong=False, speaks=_curves(2, 0.2, 0.15)
    )
