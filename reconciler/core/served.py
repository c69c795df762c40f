"""What a Katib controller asks an algorithm, as the question that our algorithms are asked.

Katib tells all trials with every question, but not which point each was made from. We name trials ourselves, by the
number of their point, so that a question has one meaning whenever and by whomever it is asked; trials that have other
names (another service began the experiment) are numbered in the order of their start.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from algorithms import catalog
from algorithms.contract import Absence, Finished, Problem
from kagit import names
from kagit.errors import Refused
from kagit.experiment import Experiment, Json
from kagit.findings import Issue, Severity
from kagit.shapes import mapping, sequence
from kagit.space import Point
from kagit.trial import COUNTED, Trial
from kagit.v1beta1 import api_read
from reconciler.core import problem as problems
from reconciler.core.intake import seed

MOST = 1000
"""Points in one answer: Katib asks for as many as run at once."""
_NEVER_STARTED = "9999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One GetSuggestions: `count` points from number `first` on are wanted, as many as `asked` were given before."""

    experiment: Experiment
    finished: tuple[Finished, ...]
    running: Mapping[int, Point]
    first: int
    count: int
    asked: int

    @property
    def problem(self) -> Problem:
        """What the algorithm is asked to solve; the seed follows from name and spec, but not from the counts."""
        return problem(self.experiment)

    @property
    def key(self) -> tuple[str, str]:
        """What a search is known by: another spec, counts included, is another search."""
        return (self.experiment.name, self.experiment.spec_digest)


def question(request: Json) -> Question:
    """What a GetSuggestionsRequest asks; Refused for a spec that no algorithm can be given."""
    spec = experiment(mapping(request.get("experiment")))
    trials = [api_read.trial(mapping(one)) for one in sequence(request.get("trials"))]
    count, total = int(request.get("current_request_number") or 0), int(request.get("total_request_number") or 0)
    if not 0 <= count <= MOST:
        raise Refused(f"{count} points are asked for at once; ask for at most {MOST}")
    again = re.compile(f"{re.escape(spec.name)}-again-[0-9]+")
    ours = [one for one in trials if not again.fullmatch(one.name)]
    known = numbered(spec.name, ours)
    asked = max(0, total - count)
    return Question(
        experiment=spec,
        finished=tuple(_finished(known, spec)),
        running={i: one.point for i, one in known.items() if not one.is_over and _fits(one, spec)},
        first=max([asked - (len(trials) - len(ours)), *(i + 1 for i in known)], default=0),
        count=count,
        asked=asked,
    )


def experiment(message: Mapping[str, object]) -> Experiment:
    """The Experiment of a message; Refused with all that is wrong with its spec."""
    spec, issues = api_read.experiment(message)
    if spec is None:
        raise Refused(_told(issues))
    return replace(spec, early_stopping=None)  # which may be of another service


def numbered(experiment: str, trials: Sequence[Trial]) -> dict[int, Trial]:
    """Trials by the number of their point: from the name where we gave it, in the order of start and name elsewhere."""
    pattern = re.compile(rf"{re.escape(experiment)}-[0-9]+-([0-9]{{4,9}})")
    known: dict[int, Trial] = {}
    others: list[Trial] = []
    for one in sorted(trials, key=lambda trial: trial.name):
        found = pattern.fullmatch(one.name)
        if found is None or int(found[1]) in known:
            others.append(one)
        else:
            known[int(found[1])] = one
    free = (i for i in range(len(trials)) if i not in known)
    others.sort(key=lambda one: (one.started or _NEVER_STARTED, one.name))
    return known | dict(zip(free, others, strict=False))


def _finished(known: Mapping[int, Trial], spec: Experiment) -> Iterator[Finished]:
    """The trials that are over; what another service tried outside our idea of the space is left out."""
    for index, one in sorted(known.items()):
        if one.is_over and _fits(one, spec):
            value = spec.objective.value(one.observation) if one.phase in COUNTED else None
            yield Finished(index=index, point=one.point, value=value)


def _fits(trial: Trial, spec: Experiment) -> bool:
    """Whether its point is one of this space; what an architecture may be, its algorithm knows."""
    return spec.nas is not None or spec.space.contains(trial.point)


def problem(spec: Experiment) -> Problem:
    """The problem with the seed of a served experiment."""
    derived = seed(namespace="", name=spec.name, run=1, spec_digest=spec.run_digest)
    return problems.problem(spec, seed=derived)


def trial_name(experiment: str, index: int) -> str:
    """The name that the trial of a point is to have."""
    return names.trial_name(experiment=experiment, run=1, index=index)


def name_again(experiment: str, place: int) -> str:
    """The name of a trial that only repeats another one, the `place`-th of all answers."""
    return f"{experiment}-again-{place:04d}"


def check(spec: Experiment) -> None:
    """Refused with all that keeps our algorithm from searching this experiment for a Katib controller."""
    found = [one for one in problems.issues(spec) if one.severity is Severity.ERROR]
    if found:
        raise Refused(_told(found))
    algorithm = catalog.named(spec.algorithm.name)
    if algorithm.is_blind and spec.max_trials is not None:
        last = algorithm.start(problem(spec)).ask(index=spec.max_trials - 1, running={})
        if last is Absence.EXHAUSTED:
            raise Refused(
                f"spec.maxTrialCount: {spec.max_trials} is above the number of points that {algorithm.name} has, and "
                "Katib cannot end a search before; lower it"
            )


def _told(issues: Sequence[Issue]) -> str:
    return "; ".join(f"{one.field}: {one.message}" for one in issues)
