"""Asking suggestion services elsewhere, as a Katib controller asks them (spec katib.md sections 4.2 and 5.1).

Such a service is an algorithm like any other to the rest, but what it answers cannot be asked for again: its state is
its own. What it gave is kept before it is used, as always, with the service's address for an engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from algorithms import catalog
from algorithms.contract import Algorithm, Answer, Finished, Problem, Proposal
from algorithms.settings import Setting
from kagit import names
from kagit.errors import Refused, Unavailable
from kagit.experiment import Experiment
from kagit.findings import Issue
from kagit.objective import Metric
from kagit.shapes import mapping, sequence, text
from kagit.space import Point
from kagit.spelling import short
from kagit.trial import Phase, Trial
from kagit.v1beta1 import api_read, api_write
from reconciler.core.problem import forbidden, problem
from reconciler.shell.hands import Call, Hands
from reconciler.shell.ledger import Title
from reconciler.world import Run, Wanted

SERVICE = "grpc "
"""What the engine of a suggestion begins with that a service gave, before its address."""


def algorithm(run: Run, problem: Problem, hands: Hands) -> Algorithm:
    """The algorithm of a run: ours, a package's, or that of a service; Refused if this service may not be asked."""
    spec = run.experiment
    if not spec.wishes.suggestion_endpoint:
        return catalog.chosen(spec.algorithm.name, problem)
    reason = forbidden(spec, hands.endpoints)
    if reason:
        raise Refused(reason)
    return _Service(spec=spec, run=run.number, call=hands.connect(spec.wishes.suggestion_endpoint))


def engine(run: Run) -> str:
    """Who answers: library and version, or the address of a service; Refused where a package is gone."""
    spec = run.experiment
    if spec.wishes.suggestion_endpoint:
        return SERVICE + spec.wishes.suggestion_endpoint
    return catalog.chosen(spec.algorithm.name, problem(spec, seed=run.seed)).engine()


def objections(wanted: Mapping[Title, Wanted], connect: Callable[[str], Call]) -> dict[Title, str]:
    """What the services of experiments have against them; what cannot be asked now is asked when it runs."""
    found: dict[Title, str] = {}
    for title, one in wanted.items():
        spec = one.experiment
        if spec is not None and spec.wishes.suggestion_endpoint:
            try:
                _validate(spec, connect(spec.wishes.suggestion_endpoint))
            except Refused as error:
                found[title] = str(error)
            except Unavailable:
                continue
    return found


def _validate(spec: Experiment, call: Call) -> None:
    call("ValidateAlgorithmSettings", {"experiment": api_write.experiment(spec)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    """A suggestion service, for one run."""

    spec: Experiment
    run: int
    call: Call
    is_blind: bool = False

    @property
    def name(self) -> str:
        return self.spec.algorithm.name

    @property
    def settings(self) -> tuple[Setting, ...]:
        return ()

    def check(self, problem: Problem) -> tuple[Issue, ...]:
        """Nothing where the service takes experiment and settings; Refused with its own words where it does not."""
        del problem
        _validate(self.spec, self.call)
        return ()

    def start(self, problem: Problem) -> "_Search":
        self.check(problem)
        return _Search(self)

    def engine(self) -> str:
        return SERVICE + self.spec.wishes.suggestion_endpoint


class _Search:
    """What is known of one run; the service is told all of it with every question."""

    def __init__(self, service: _Service) -> None:
        self._service, self._spec = service, service.spec
        self._told: dict[int, Finished] = {}

    def tell(self, trial: Finished) -> None:
        self._told[trial.index] = trial

    def ask(self, *, index: int, running: Mapping[int, Point]) -> Answer:
        trials = {i: self._trial(i, one.point, value=one.value, over=True) for i, one in self._told.items()}
        trials |= {i: self._trial(i, point) for i, point in running.items()}
        request = {
            "experiment": api_write.experiment(self._spec),
            "trials": [api_write.trial(trials[i], self._spec) for i in sorted(trials)],
            "current_request_number": 1,
            "total_request_number": index + 1,
        }
        reply = self._service.call("GetSuggestions", request)
        answers = sequence(reply.get("parameter_assignments"))
        if len(answers) != 1:
            raise Unavailable(f"{self._who} gave {len(answers)} points where 1 was asked for")
        labels = mapping(mapping(answers[0]).get("labels"))
        return Proposal(point=self._fitting(api_read.point(answers[0])), labels={k: text(v) for k, v in labels.items()})

    @property
    def _who(self) -> str:
        return f"the suggestion service at {self._spec.wishes.suggestion_endpoint}"

    def _trial(self, index: int, point: Point, *, value: float | None = None, over: bool = False) -> Trial:
        phase = Phase.RUNNING if not over else Phase.FAILED if value is None else Phase.SUCCEEDED
        told = repr(value)
        metric = Metric(name=self._spec.objective.metric, min=told, max=told, latest=told)
        return Trial(
            name=names.trial_name(experiment=self._spec.name, run=self._service.run, index=index),
            run=self._service.run,
            index=index,
            point=point,
            phase=phase,
            observation=() if value is None else (metric,),
        )

    def _fitting(self, point: Point) -> Point:
        """The point in the order of the space; Refused with the first parameter that does not fit."""
        if self._spec.nas is not None:
            return point
        known = [one.name for one in self._spec.space]
        for name in (*known, *point):
            if name not in point or name not in known:
                what = "no value for" if name not in point else "a value for the unknown parameter"
                raise Refused(f"{self._who} gave {what} {short(name)!r}; it does not fit this experiment")
            if not self._spec.space[name].contains(point[name]):
                raise Refused(
                    f"{self._who} gave {short(point[name])!r} for {name}, which is outside its feasibleSpace; "
                    "use another algorithm or service"
                )
        return {name: point[name] for name in known}
