"""An experiment as the problem that its algorithm is given, and what the algorithm has against it."""

from collections.abc import Container, Iterator

from algorithms import catalog, startup
from algorithms.contract import Finished, Problem
from algorithms.search import SEVERAL
from algorithms.stopping import catalog as stopping
from algorithms.stopping.contract import Case
from kagit import names
from kagit.errors import Refused
from kagit.experiment import Experiment
from kagit.findings import Issue, Severity
from kagit.spelling import closest, short
from kagit.trial import COUNTED, Trial


def problem(experiment: Experiment, *, seed: int) -> Problem:
    """What the algorithm is asked to solve."""
    return Problem(
        space=experiment.space.with_fixed(experiment.search.fixed),
        direction=experiment.objective.type,
        settings=experiment.algorithm.settings,
        seed=seed,
        max_trials=experiment.max_trials,
        parallel=experiment.parallel,
        others=tuple(experiment.objective.others.values()),
        constraints=len(experiment.objective.constraints),
        nas=experiment.nas,
        rules=experiment.search.rules,
        initial=experiment.search.first,
    )


def finished(experiment: Experiment, trial: Trial) -> Finished:
    """What the algorithm is told of a trial that is over."""
    aim = experiment.objective
    value = aim.value(trial.observation) if trial.phase in COUNTED else None
    if value is None or not (aim.others or aim.constraints):
        return Finished(index=trial.index, point=trial.point, value=value)
    values = aim.values(trial.observation)
    if values is None:
        return Finished(index=trial.index, point=trial.point, value=None)
    excess = tuple(min(one, _ENDLESS) for one in aim.excess(trial.observation))
    return Finished(index=trial.index, point=trial.point, value=values[0], others=values[1:], excess=excess)


_ENDLESS = 1e300
"""How much a constraint is broken whose metric is missing."""


def picked(experiment: Experiment) -> str:
    """What `auto` stands for in an accepted experiment, and why; empty for every other algorithm."""
    name = experiment.algorithm.name
    return catalog.chosen(name, problem(experiment, seed=0)).engine() if name == "auto" else ""


def issues(experiment: Experiment) -> tuple[Issue, ...]:
    """What the algorithm has against its settings or the space, with places from the root of the manifest."""
    found = (*_search(experiment), *_stopping(experiment))
    below = (Issue(at=("spec", *i.at), message=i.message, slug=i.slug, severity=i.severity) for i in found)
    return (*_patience(experiment), *below)


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
    return next((one for one in found if one.severity is Severity.ERROR), None)


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
        unfit = _unfit(experiment)
        if unfit:
            yield _at_name(unfit, "algorithm-space")
            return
        algorithm = catalog.named(name)
        if asked.others and not algorithm.is_blind and name not in SEVERAL:
            ways = " or ".join(sorted(SEVERAL))
            yield _at_name(
                f"{name} searches for one objective; use {ways}, or one objective", "algorithm-one-objective"
            )
        yield from algorithm.check(asked)
        return
    yield from _guest(name, asked)


def _unfit(experiment: Experiment) -> str:
    """Why an algorithm cannot search what there is: some search parameters, others nasConfig."""
    name = experiment.algorithm.name
    if name not in catalog.GRAPHS:
        return "" if experiment.nas is None else f"{name} does not search nasConfig; use enas or darts, or parameters"
    return (
        f"{name} searches nasConfig and has no use for parameters; use random or tpe" if len(experiment.space) else ""
    )


def _guest(name: str, asked: Problem) -> Iterator[Issue]:
    """What an algorithm of another package has against the problem, or that there is none of that name."""
    if name not in catalog.everywhere():
        yield _at_name(_unknown(name, "algorithm", catalog.everywhere()), "algorithm-unknown")
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


def _patience(experiment: Experiment) -> Iterator[Issue]:
    """Whether the end without gain can come, and not before the search has begun."""
    patience, most, name = experiment.wishes.without_gain, experiment.max_trials, experiment.algorithm.name
    if patience is None:
        return
    key = names.ANNOTATION_WITHOUT_GAIN
    at, early = ("metadata", "annotations", key), startup.trials(name, experiment.algorithm.settings)
    if most is not None and patience.trials >= most:
        message = (
            f"{key} is {patience.trials}, but maxTrialCount is {most}, so it ends nothing; give less, or remove it"
        )
        yield Issue(at=at, message=message, slug="patience-idle", severity=Severity.WARNING)
    elif patience.trials < early:
        message = (
            f"{key} is {patience.trials}, but the first {early} trials of {name} are random; give at least {early}"
        )
        yield Issue(at=at, message=message, slug="patience-below-startup", severity=Severity.WARNING)


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
