"""What annotations say of the search, held against the space: only of an experiment without other errors."""

from collections.abc import Iterator, Mapping

from kagit import names
from kagit.experiment import Experiment
from kagit.findings import Issue, Severity
from kagit.objective import Objective
from kagit.search import Clause, Clauses, number
from kagit.space import Parameter, ParameterType, Point
from kagit.spelling import did_you_mean, short


def check(experiment: Experiment) -> Iterator[Issue]:
    """What does not fit; places are from the root of the manifest."""
    yield from _aims(experiment.objective)
    given = [key for key in names.SEARCH if key in experiment.annotations and key not in names.AIMS]
    if given and experiment.nas is not None:
        yield _wrong(
            given[0], "nasConfig is searched without parameters; remove the annotation", "search-without-space"
        )
        return
    known = {one.name: one for one in experiment.space}
    yield from _fixed(experiment, known)
    yield from _rules(experiment, known)
    yield from _initial(experiment, known)


def _aims(objective: Objective) -> Iterator[Issue]:
    """Metrics of further objectives and constraints must be collected."""
    key = names.ANNOTATION_OBJECTIVES
    for name in objective.others:
        if name == objective.metric:
            yield _wrong(key, f"{short(name)} is the first objective already; remove it here", "search-objective-twice")
        elif name not in objective.metrics:
            yield _uncollected(key, name)
    for one in objective.constraints:
        if one.metric not in objective.metrics:
            yield _uncollected(names.ANNOTATION_CONSTRAINTS, one.metric)


def _uncollected(key: str, name: str) -> Issue:
    message = f"{short(name)} is no metric of this experiment; add it to spec.objective.additionalMetricNames"
    return _wrong(key, message, "search-metric-unknown")


def _fixed(experiment: Experiment, known: Mapping[str, Parameter]) -> Iterator[Issue]:
    key, fixed = names.ANNOTATION_FIXED, experiment.search.fixed
    for name, value in fixed.items():
        yield from _value(key, name, value, known)
    if fixed and not set(known) - set(fixed):
        yield _wrong(key, "every parameter is fixed, so there is nothing to search; leave one out", "search-all-fixed")


def _rules(experiment: Experiment, known: Mapping[str, Parameter]) -> Iterator[Issue]:
    key, rules = names.ANNOTATION_ACTIVE, experiment.search.rules
    for name, clauses in rules.active.items():
        if name not in known:
            yield _unknown(key, name, known)
        elif name in experiment.search.fixed:
            yield _wrong(key, f"{short(name)} is fixed, so it always counts; remove it here or there", "search-fixed")
        yield from _clauses(key, clauses, known)
    circle = sorted(set(rules.active) - set(rules.order()))
    if circle:
        told = ", ".join(short(name) for name in circle)
        yield _wrong(key, f"whether {told} count depends on themselves; break the circle", "search-circle")
    for clauses in rules.forbidden:
        yield from _clauses(names.ANNOTATION_FORBIDDEN, clauses, known)


def _clauses(key: str, clauses: Clauses, known: Mapping[str, Parameter]) -> Iterator[Issue]:
    for one in clauses:
        parameter = known.get(one.parameter)
        if parameter is None:
            yield _unknown(key, one.parameter, known)
        elif one.sign in {"in", "!="}:
            for value in one.values:
                if not _means_one(parameter, value):
                    yield _wrong(key, f"{_legal(parameter, value)}, so this never happens; correct it", "search-value")
        else:
            yield from _comparison(key, one, parameter)


def _means_one(parameter: Parameter, value: str) -> bool:
    """Whether it is a legal value, or a number that is one in other words."""
    same = (text for text in parameter.values if number(text) is not None and number(text) == number(value))
    return parameter.contains(value) or next(same, None) is not None


def _comparison(key: str, clause: Clause, parameter: Parameter) -> Iterator[Issue]:
    if parameter.type is ParameterType.CATEGORICAL:
        message = f"{short(parameter.name)} is categorical and has no {clause.sign}; give a list of its values"
        yield _wrong(key, message, "search-not-ordered")
    elif number(clause.values[0]) is None:
        message = f"{clause.sign} wants a number and not {short(clause.values[0])!r}; give one, e.g. {clause.sign}0.1"
        yield _wrong(key, message, "search-not-a-number")


def _initial(experiment: Experiment, known: Mapping[str, Parameter]) -> Iterator[Issue]:
    key, search = names.ANNOTATION_INITIAL, experiment.search
    for point in search.initial:
        for name, value in point.items():
            yield from _value(key, name, value, known)
            if search.fixed.get(name, value) != value:
                message = f"{short(name)} is fixed at {short(search.fixed[name])!r}; remove it here or there"
                yield _wrong(key, message, "search-fixed")
        if set(point) == set(known) and _broken(experiment, point):
            yield _wrong(key, f"{short(_told(point))} is forbidden; remove it here or there", "search-forbidden")
    if experiment.max_trials is not None and len(search.initial) > experiment.max_trials:
        message = (
            f"there are {len(search.initial)} points to begin with, but maxTrialCount is {experiment.max_trials}; "
            "raise it, or remove some"
        )
        yield _wrong(key, message, "search-too-many", severity=Severity.WARNING)


def _broken(experiment: Experiment, point: Point) -> bool:
    fits = all(experiment.space[name].contains(value) for name, value in point.items())
    return fits and not experiment.search.rules.allows(point)


def _value(key: str, name: str, value: str, known: Mapping[str, Parameter]) -> Iterator[Issue]:
    parameter = known.get(name)
    if parameter is None:
        yield _unknown(key, name, known)
    elif not parameter.contains(value):
        yield _wrong(key, f"{_legal(parameter, value)}; correct it", "search-value")


def _legal(parameter: Parameter, value: str) -> str:
    if not parameter.is_range:
        values = ", ".join(short(one) for one in parameter.values[:10])
        return f"{short(value)!r} is no value of {short(parameter.name)}, which has {values}"
    low, high = parameter.bounds
    step = f" in steps of {parameter.step}" if parameter.step is not None else ""
    return f"{short(value)!r} is no value of {short(parameter.name)}, which goes from {low} to {high}{step}"


def _unknown(key: str, name: str, known: Mapping[str, Parameter]) -> Issue:
    message = f"there is no parameter {short(name)!r}; {did_you_mean(name, tuple(known))}"
    return _wrong(key, message, "search-unknown")


def _told(point: Point) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items())


def _wrong(key: str, message: str, slug: str, *, severity: Severity = Severity.ERROR) -> Issue:
    return Issue(at=("metadata", "annotations", key), message=message, slug=slug, severity=severity)
