"""Answers to a Katib controller: our algorithms behind Katib's Suggestion service (spec katib.md sections 4.2 and 5.1).

A search is kept between questions and is told only what is new; it answers as one would that was made for the question.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from algorithms import catalog
from algorithms.contract import Absence, Finished, Optimizer, Proposal
from kagit import names
from kagit.errors import NotFound, Refused, Unavailable
from kagit.experiment import Json
from kagit.shapes import mapping
from kagit.v1beta1 import api_write
from reconciler.core import served
from reconciler.core.served import Question

SEARCHES = 64
"""Experiments that are kept in memory; one more costs the oldest one a rebuild when it is asked again."""


@dataclass(slots=True, kw_only=True)
class _Search:
    """One experiment's search, which one question at a time may use."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    optimizer: Optimizer | None = None
    told: dict[int, Finished] = field(default_factory=dict[int, Finished])


class Suggestions:
    """Katib's Suggestion service; safe to use from several threads."""

    def __init__(self) -> None:
        """No experiment is known yet."""
        self._lock = threading.Lock()
        self._searches: OrderedDict[tuple[str, str], _Search] = OrderedDict()

    def get_suggestions(self, request: Json) -> Json:
        """Exactly as many points as are asked for, which is all that a Katib controller takes.

        Unavailable while the algorithm waits for trials that run, NotFound where it has no more points.
        """
        question = served.question(request)
        search = self._search(question)
        with search.lock:
            optimizer = _told(search, question)
            return {"parameter_assignments": _answers(question, optimizer)}

    def validate_algorithm_settings(self, request: Json) -> Json:
        """Nothing where the experiment can be searched; Refused with all that is wrong with it."""
        served.check(served.experiment(mapping(request.get("experiment"))))
        return {}

    def _search(self, question: Question) -> _Search:
        with self._lock:
            search = self._searches.setdefault(question.key, _Search())
            self._searches.move_to_end(question.key)
            if len(self._searches) > SEARCHES:
                self._searches.popitem(last=False)
            return search


def _told(search: _Search, question: Question) -> Optimizer:
    """The search's optimizer, told exactly what the question tells: made anew where it was told anything else."""
    finished = {one.index: one for one in question.finished}
    if search.optimizer is None or any(finished.get(index) != one for index, one in search.told.items()):
        served.check(question.experiment)
        search.told = {}
        search.optimizer = catalog.named(question.experiment.algorithm.name).start(question.problem)
    for one in question.finished:
        if one.index not in search.told:
            search.optimizer.tell(one)
            search.told[one.index] = one
    return search.optimizer


def _answers(question: Question, optimizer: Optimizer) -> list[Json]:
    running, answers = dict(question.running), list[Json]()
    for index in range(question.first, question.first + question.count):
        answer = optimizer.ask(index=index, running=running)
        if isinstance(answer, Absence):
            return answers + _rest(question, answers, answer)
        running[index] = answer.point
        answers.append(_answer(question, answer, index))
    return answers


def _answer(question: Question, answer: Proposal, index: int) -> Json:
    name = question.experiment.name
    parent = {} if answer.parent is None else {names.LABEL_PARENT: served.trial_name(name, answer.parent)}
    return {
        **api_write.assignments(answer.point),
        "trial_name": served.trial_name(name, index),
        "labels": {**answer.labels, **parent},
    }


def _rest(question: Question, answers: list[Json], why: Absence) -> list[Json]:
    """Answers in place of those that the algorithm does not have.

    Katib throws an answer away that is too short, and asks again: what was found would never run, and what is waited
    for would never come. So the last point fills the rest, by a name that keeps it out of the search.
    """
    title, count = question.experiment.name, question.count
    if not answers and why is Absence.EXHAUSTED:
        raise NotFound(f"{title}: the search space is exhausted after {question.first} points; lower maxTrialCount")
    if why is Absence.LATER and question.running:
        have = f"{len(answers)} of {count} points" if answers else "no point"
        raise Unavailable(f"{title}: there is {have} before a running trial is over; ask again then")
    if not answers:
        raise Refused(f"{title}: its algorithm waits for trials although none runs")
    places = range(question.asked + len(answers), question.asked + count)
    return [{**answers[-1], "trial_name": served.name_again(title, place)} for place in places]
