"""One search of one problem, and the file of results that a killed run goes on with."""

import json
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import problems
import searches
from searches import BARE_OF

from kagit.space import Point


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Case:
    """What is run; `code` tells the states of an algorithm apart, `parallel` points are asked for at once."""

    problem: str
    algorithm: str
    seed: int
    trials: int
    parallel: int
    code: str

    def __str__(self) -> str:
        """As it may be asked for with --only."""
        return f"{self.problem}/{self.algorithm}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The regret of each trial in the order of its number, CPU seconds of all asks and tells, points seen before.

    With epochs, `spent` are all epochs that had been begun when a trial ended, and trials stand in that order.
    """

    case: Case
    values: Sequence[float]
    cpu: float
    repeats: int = 0
    continuous: bool = False
    spent: Sequence[int] = ()


def run(case: Case) -> Result:
    """Run it."""
    if case.problem in problems.CURVES:
        import epochs

        return epochs.run(case)
    _warm(case.algorithm)
    bench = problems.load(case.problem, case.seed)
    search = searches.started(case.algorithm, bench.space, seed=case.seed, trials=case.trials, parallel=case.parallel)
    values: list[float] = []
    points: set[tuple[str, ...]] = set()
    cpu = 0.0
    for first in range(0, case.trials, case.parallel):
        asked: dict[int, Point] = {}
        begin = time.process_time()
        for index in range(first, min(first + case.parallel, case.trials)):
            point = search.ask(index, dict(asked))
            if point is not None:
                asked[index] = point
        cpu += time.process_time() - begin
        found = [bench.value(point) for point in asked.values()]
        begin = time.process_time()
        for (index, point), value in zip(asked.items(), found, strict=True):
            search.tell(index, point, value)
        cpu += time.process_time() - begin
        points.update(tuple(point[name] for name in sorted(point)) for point in asked.values())
        values += found
    repeats = len(values) - len(points)
    return Result(case=case, values=values, cpu=cpu, repeats=repeats, continuous=bench.continuous)


@cache
def _warm(algorithm: str) -> None:
    """Import libraries and compile what they compile, once in each process and outside of what is timed."""
    bench = problems.load("bbob-f1-5d", 0)
    search = searches.started(algorithm, bench.space, seed=0, trials=14, parallel=1)
    for index in range(14):
        point = search.ask(index, {})
        if point is not None:
            search.tell(index, point, bench.value(point))


class Results:
    """A file of JSON lines; a line that a killed run has left half-written is not there."""

    def __init__(self, file: Path) -> None:
        """Read what is there."""
        self._file = file
        self._known: dict[Case, Result] = {}
        if file.exists():
            text = file.read_text(encoding="utf-8")
            for line in text.splitlines():
                try:
                    body = json.loads(line)
                    result = Result(**{**body, "case": Case(**body["case"])})
                except (ValueError, TypeError, KeyError):
                    continue
                self._known[result.case] = result
            if not text.endswith("\n") and text:
                file.write_text(text + "\n", encoding="utf-8")

    def add(self, result: Result) -> None:
        """Keep one more."""
        body = asdict(result)
        body["values"] = [float(f"{value:.6g}") for value in result.values]
        body["cpu"] = round(result.cpu, 6)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(body) + "\n")
        self._known[result.case] = replace(result, values=body["values"])

    def __contains__(self, case: object) -> bool:
        """Whether it was run before."""
        return case in self._known

    def of(self, cases: Iterable[Case]) -> Iterator[Result]:
        """Those of these cases that are there."""
        return (self._known[case] for case in cases if case in self._known)

    def seconds(self, case: Case) -> float:
        """How much CPU a case will probably take: as the same one with another seed, or a guess."""
        same = [one for one in self._known.values() if one.case.algorithm == case.algorithm and one.values]
        near = [one for one in same if one.case.problem == case.problem] or same
        if near:
            return statistics.median(one.cpu / len(one.values) for one in near) * case.trials + _OWN
        return _GUESSES.get(case.algorithm, _GUESSES.get(BARE_OF.get(case.algorithm, ""), 0.01)) * case.trials + _OWN


_OWN = 0.3
"""What a case costs beside its algorithm."""
_GUESSES = {
    "optuna-gp": 0.7,
    "bayesianoptimization": 0.05,
    "auto": 0.05,
    "hyperopt": 0.01,
    "tpe": 0.015,
    "random": 0.001,
}
"""CPU seconds per trial of 100, where nothing is known yet."""
