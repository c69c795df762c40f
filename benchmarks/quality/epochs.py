"""Searches that may end a trial early: how many epochs they need for what random search finds with full trials.

Workers are simulated: a trial lasts as long as it has epochs. NAME+checkpoints lets a trial that has a parent go on
from where that has ended; NAME+medianstop, or any other early stopping, ends trials by its rules.
"""

import heapq
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import problems
import searches
import tables
from cases import Case, Result

from algorithms import catalog
from algorithms.contract import Absence, Finished, Problem
from algorithms.stopping import catalog as stopping
from algorithms.stopping.contract import Case as Stopped
from kagit.objective import Objective, ObjectiveType
from kagit.space import Parameter, ParameterType, Point, Space
from reconciler.core.stopping import Watch
from reconciler.ports import Reading

METRIC = "loss"
HALVING = ("hyperband", "asha", "bohb")
FULL = ("random", "multivariate-tpe", "bayesianoptimization")


def algorithms() -> tuple[str, ...]:
    """Random search first, which is the measure; then what halves, and what stops early."""
    stops = tuple(f"random+{name}" for name in stopping.names() if not stopping.named(name).check(_stopped()))
    halving = tuple(name for one in HALVING for name in (one, f"{one}+checkpoints"))
    return (*FULL, *stops, *halving)


def asked(name: str, space: Space, case: Case) -> Problem:
    """The problem with epochs as a parameter where the algorithm deals in them."""
    given: dict[str, str] = {}
    if name in HALVING:
        given = {"r_l": str(tables.EPOCHS), "resource_name": "epochs", "eta": "3"}
        epochs = Parameter(name="epochs", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(tables.EPOCHS))
        space = Space((*space, epochs))
    trials = None if given else case.trials  # what is given few epochs may have many trials
    return searches.problem(space, seed=case.seed, trials=trials, parallel=case.parallel, **given)


def run(case: Case) -> Result:
    """Run until as many epochs are spent as `trials` full trials have."""
    return _Simulation(case).run()


class _Simulation:
    def __init__(self, case: Case) -> None:
        name, _, extra = case.algorithm.partition("+")
        bench = problems.load(case.problem, case.seed)
        self._case, self._bench = case, bench
        self._optimizer = catalog.named(name).start(asked(name, bench.space, case))
        self._continues = extra == "checkpoints"
        self._stopper: Any = stopping.named(extra).start(_stopped()) if extra in stopping.names() else None
        self._ends: dict[int, int] = {}
        self._curves: dict[int, Sequence[float]] = {}
        self._running: dict[int, Point] = {}
        self._heap: list[tuple[int, int, float]] = []
        self._budget = case.trials * tables.EPOCHS
        self._spent = self._now = 0
        self._cpu = 0.0

    def run(self) -> Result:
        values: list[float] = []
        spent: list[int] = []
        index, over = 0, False
        while True:
            while not over and len(self._running) < self._case.parallel and self._spent < self._budget:
                answer = self._asked(index)
                if isinstance(answer, Absence):
                    over = answer is Absence.EXHAUSTED
                    break
                self._begin(index, answer.point, answer.parent)
                index += 1
            if not self._heap:
                break
            self._now, ended, value = heapq.heappop(self._heap)
            self._learn(ended)
            values.append(value)
            spent.append(self._spent)
            self._told(Finished(index=ended, point=self._running.pop(ended), value=value))
        return Result(case=self._case, values=values, cpu=self._cpu, spent=spent)

    def _asked(self, index: int) -> Any:
        begin = time.process_time()
        answer = self._optimizer.ask(index=index, running=dict(self._running))
        self._cpu += time.process_time() - begin
        return answer

    def _told(self, trial: Finished) -> None:
        begin = time.process_time()
        self._optimizer.tell(trial)
        self._cpu += time.process_time() - begin

    def _begin(self, index: int, point: Point, parent: int | None) -> None:
        curve = (self._bench.curve or (lambda _: ()))({k: v for k, v in point.items() if k != "epochs"})
        end = self._stop(index, curve, int(point.get("epochs", tables.EPOCHS)))
        done = self._ends.get(parent, 0) if self._continues and parent is not None else 0
        cost = max(end - done, 0)
        self._ends[index], self._running[index] = end, point
        self._spent += cost
        heapq.heappush(self._heap, (self._now + cost, index, curve[end - 1]))

    def _stop(self, index: int, curve: Sequence[float], end: int) -> int:
        """After which epoch a trial ends by the rules that it is given now."""
        if self._stopper is None:
            return end
        watch = Watch(self._stopper.rules(), Objective(type=ObjectiveType.MINIMIZE, metric=METRIC))
        for epoch in range(end):
            watch.add([Reading("", METRIC, epoch, "", curve[epoch], "")])
            if watch.met:
                return epoch + 1
        self._curves[index] = curve[:end]
        return end

    def _learn(self, index: int) -> None:
        """The rules of later trials come from the curves of those that were not stopped."""
        curve = self._curves.pop(index, None)
        if curve is not None:
            self._stopper.tell(curve)


def _stopped() -> Stopped:
    return Stopped(metric=METRIC, direction=ObjectiveType.MINIMIZE)


def plain(case: Case) -> Case:
    """The case of random search with full trials that another one is measured by."""
    return replace(case, algorithm="random")
