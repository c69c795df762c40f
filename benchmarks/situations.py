"""Runs of which the truth is known, and whether a check of a report speaks of them."""

import heapq
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from landscapes import (
    SPACE,
    Landscape,
    blind,
    bowl,
    experiment,
    noise,
    reading,
    report,
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


def lucky(count: int, shape: Landscape, lead: float) -> Callable[[int], bool]:
    """One result leads the best of the others."""

    def speaks(seed: int) -> bool:
        rows = blind(shape, count, seed)
        least = min(value for _, value in rows)
        at = random.Random(seed).randrange(count)
        rows[at] = (rows[at][0], least - lead)
        return bool(found("best-stands-alone", told(rows, experiment())))

    return speaks


def repeated(count: int, differ: float) -> Callable[[int], bool]:
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


def with_gaps(count: int, more: float) -> Callable[[int], bool]:
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


def going_on(count: int) -> Callable[[int], bool]:
    """Results that fall all the way."""

    def speaks(seed: int) -> bool:
        chance = random.Random(seed)
        rows = [
            (point, 4 - 6 * at / count + chance.gauss(0, 1)) for at, (point, _) in enumerate(blind(noise, count, seed))
        ]
        return bool(found("still-improving", told(rows, experiment(algorithm="tpe"))))

    return speaks


def drifting(count: int) -> Callable[[int], bool]:
    """Results that rise with time."""

    def speaks(seed: int) -> bool:
        rows = [(point, value + 1.5 * at / count) for at, (point, value) in enumerate(blind(noise, count, seed))]
        return bool(found("results-drift", told(rows, experiment())))

    return speaks


def with_goal(shape: Landscape, count: int, beyond: float) -> Callable[[int], bool]:
    """A goal that lies beyond the best, or may be reached."""

    def speaks(seed: int) -> bool:
        rows = blind(shape, count, seed)
        values = sorted(value for _, value in rows)
        aim = values[0] - beyond * (values[count // 2] - values[0]) if beyond else _even_odds(shape, 10 * count)
        one = experiment()
        return bool(found("goal-out-of-reach", told(rows, replace(one, objective=replace(one.objective, goal=aim)))))

    return speaks


def failing(share: Callable[[dict[str, str]], float], slug: str, count: int) -> Callable[[int], bool]:
    """Trials fail with a chance that may depend on the point."""

    def speaks(seed: int) -> bool:
        chance = random.Random(f"fails {seed}")
        rows = blind(noise, count, seed)
        trials = [trial(at, p, None if chance.random() < share(p) else v) for at, (p, v) in enumerate(rows)]
        return bool(found(slug, report(trials, experiment())))

    return speaks


def timed(lasting: Callable[[random.Random, int], float], slots: int, count: int, slug: str) -> Callable[[int], bool]:
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


def with_curves(speed: float, trembling: float, rise: float) -> Callable[[int], bool]:
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


def reached(shape: Landscape) -> Callable[[int], bool]:
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


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"2026-01-{1 + whole // 86400:02d}T{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"
