"""An experiment as the problem that its algorithm is given, and what the algorithm has against it."""

from collections.abc import Container, Iterator

from algorithms import catalog
from algorithms.contract import Problem
from algorithms.stopping import catalog as stopping
from algorithms.stopping.contract import Case
from kagit import names
from kagit.errors import Refused
from kagit.experiment import Experiment
from kagit.findings import Issue, Severity
from kagit.spelling import closest, short

NOT_HERE = "algorithm-not-here"
"""The slug of what is right for Katib and cannot be run by this version."""


def problem(experiment: Experiment, *, seed: int) -> Problem:
    """What the algorithm is asked to solve."""
    return Problem(
        space=experiment.space,
        direction=experiment.objective.type,
        settings=experiment.algorithm.settings,
        seed=seed,
        max_trials=experiment.max_trials,
        parallel=experiment.parallel,
        nas=experiment.nas,
    )


def issues(experiment: Experiment) -> tuple[Issue, ...]:
    """What the algorithm has against its settings or the space, with places from the root of the manifest."""
    found = (*_search(experiment), *_stopping(experiment))
    return tuple(Issue(at=("spec", *i.at), message=i.message, slug=i.slug, severity=i.severity) for i in found)


def obstacle(experiment: Experiment, endpoints: Container[str] = ()) -> Issue | None:
    """The first of the issues that keeps this version from running the experiment.

    `endpoints` are the suggestion services that may be asked.
    """
    barred = forbidden(experiment, endpoints)
    if barred:
        at = ("metadata", "annotations", names.ANNOTATION_SUGGESTION_ENDPOINT)
        return Issue(at=at, message=barred, slug="endpoint-forbidden")
    hidden = catalog.hidden(experiment.algorithm.name)
    if hidden and not experiment.wishes.suggestion_endpoint:
        return Issue(at=("spec", "algorithm", "algorithmName"), message=hidden, slug="algorithm-hidden")
    found = issues(experiment)
    return next((one for one in found if one.severity is Severity.ERROR or one.slug == NOT_HERE), None)


def forbidden(experiment: Experiment, endpoints: Container[str]) -> str:
    """Why its suggestion service may not be asked: the repository alone does not decide whom this machine calls."""
    address = experiment.wishes.suggestion_endpoint
    if not address or address in endpoints:
        return ""
    return (
        f"it is to ask the suggestion service at {address}, which nobody has allowed here; "
        f"pass --suggestion-endpoint {address} if it may be asked, or remove the annotation"
    )


def _search(experiment: Experiment) -> Iterator[Issue]:
    if experiment.wishes.suggestion_endpoint:
        return  # the service says what it has against it when it is asked
    name, asked = experiment.algorithm.name, problem(experiment, seed=0)
    if name in catalog.names():
        if experiment.nas is not None:
            yield _at_name(f"{name} does not search nasConfig; use enas or darts, or parameters", "algorithm-space")
            return
        yield from catalog.named(name).check(asked)
        return
    from algorithms.katib_settings import ALGORITHMS, check

    known = ALGORITHMS.get(name)
    if known is None:
        yield from _guest(name, asked)
        return
    if known.searches_graphs and len(experiment.space):
        yield _at_name(f"{name} searches nasConfig and has no use for parameters; use random or tpe", "algorithm-space")
    elif not known.searches_graphs and experiment.nas is not None:
        yield _at_name(f"{name} does not search nasConfig; use enas or darts, or parameters", "algorithm-space")
    way = "nothing here does the same" if known.searches_graphs else f"use {known.instead} for now"
    message = f"{name} is one of Katib's algorithms, but this version of kagit cannot run it yet; {way}"
    at = ("algorithm", "algorithmName")
    yield Issue(at=at, message=message, slug=NOT_HERE, severity=Severity.WARNING)
    yield from check(name, asked)


def _guest(name: str, asked: Problem) -> Iterator[Issue]:
    """What an algorithm of another package has against the problem, or that there is none of that name."""
    from algorithms.katib_settings import ALGORITHMS

    if name not in catalog.everywhere():
        yield _at_name(_unknown(name, "algorithm", (*catalog.everywhere(), *ALGORITHMS)), "algorithm-unknown")
        return
    try:
        yield from catalog.named(name).check(asked)
    except Refused as error:
        yield _at_name(str(error), "algorithm-broken")


def stopping_case(experiment: Experiment) -> Case:
    """What its early stopping algorithm is asked about."""
    wanted, objective = experiment.early_stopping, experiment.objective
    if wanted is None:
        return Case(metric=objective.metric, direction=objective.type)
    return Case(metric=objective.metric, direction=objective.type, settings=wanted.settings)


def _stopping(experiment: Experiment) -> Iterator[Issue]:
    if experiment.early_stopping is None:
        return
    name = experiment.early_stopping.name
    if name in stopping.names():
        yield from stopping.named(name).check(stopping_case(experiment))
    else:
        message = _unknown(name, "early stopping algorithm", stopping.names())
        yield Issue(at=("earlyStopping", "algorithmName"), message=message, slug="early-stopping-unknown")


def _at_name(message: str, slug: str) -> Issue:
    return Issue(at=("algorithm", "algorithmName"), message=message, slug=slug)


def _unknown(name: str, what: str, known: tuple[str, ...]) -> str:
    """That there is no such thing, with the one that was meant: one that is near, or that is a part of the name."""
    guess = closest(name, known) or next((one for one in known if one in name.lower()), "")
    hint = f"did you mean {guess}? " if guess else ""
    return f"there is no {what} {short(name)!r}; {hint}known are {', '.join(known)}"


AHEAD = 16
"""Points that are asked for ahead of time where history does not matter."""


def ahead(experiment: Experiment) -> int:
    """How many points may be asked for before they are needed."""
    if experiment.wishes.suggestion_endpoint:
        return 0
    try:
        return AHEAD if catalog.named(experiment.algorithm.name).is_blind else 0
    except Refused:
        return 0
