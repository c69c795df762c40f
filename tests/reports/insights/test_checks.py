"""Each check speaks where it should and says what it must; where it lacks the data it says so."""

import math
import random
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from kagit.experiment import Algorithm
from kagit.objective import Metric, Objective, ObjectiveType
from kagit.search import Clause, Rules, Search
from kagit.space import Distribution, Parameter, ParameterType
from kagit.trial import Phase
from kagit.wishes import Wishes
from reports import site
from reports.insights import catalog, facts
from reports.insights.contract import Severity
from tests.reports import cases, reading

A = Parameter(name="a", type=ParameterType.DOUBLE, minimum=Decimal(-2), maximum=Decimal(3))
B = replace(A, name="b")
WIDE = replace(A, name="w", minimum=Decimal("0.001"), maximum=Decimal(10))
KIND = Parameter(name="kind", type=ParameterType.CATEGORICAL, values=("x", "y", "z"))


def experiment(*space, **changes):
    made = {
        "objective": Objective(type=ObjectiveType.MINIMIZE, metric="val-loss", additional=("train-loss",)),
        "algorithm": Algorithm(name="random"),
        "max_trials": None,
    }
    return cases.experiment(*(space or (A, B, KIND)), **(made | changes))


def points(count, space=(A, B, KIND), seed=1):
    chance = random.Random(seed)
    for _ in range(count):
        point = {}
        for one in space:
            low, high = map(float, one.bounds) if one.is_range else (0, 0)
            point[one.name] = repr(chance.uniform(low, high)) if one.is_range else chance.choice(one.values)
        yield point, chance


def run(count=60, cost=lambda _, chance: chance.gauss(0, 1), one=None, change=None, **changes):
    one = one or experiment()
    trials = []
    for index, (point, chance) in enumerate(points(count, tuple(one.space))):
        value = cost(point, chance)
        made = cases.trial(index, point, ("val-loss", repr(value)), ("train-loss", repr(value - chance.gauss(2, 0.1))))
        trials.append(change(made) if change else made)
    done = [(v, each.name) for each in trials if (v := each.result(one.objective)) is not None]
    best = (min if one.objective.type is ObjectiveType.MINIMIZE else max)(done)[1] if done else ""
    return cases.report(trials, one, best=best, **changes)


def said(slug, data):
    return [one for one in catalog.examine(data).insights if one.slug == slug]


def words(text):
    return "".join(cell.text for cell in text)


def failed(made, wrong):
    return replace(made, phase=Phase.FAILED, reason="OOMKilled", observation=()) if wrong else made


def timed(gap, lasts=lambda _: 60):
    def change(made):
        begin = made.index * gap
        return replace(made, started=clock(begin), finished=clock(begin + lasts(made.index)))

    return change


def clock(seconds):
    return f"2026-03-{1 + seconds // 86400:02d}T{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def reports(*values):
    return lambda made: replace(
        made,
        observation=(
            Metric(name="val-loss", latest=values[made.index % len(values)]),
            cases.reading("train-loss", "1"),
        ),
    )


def bowl(point, chance):
    return float(point["a"]) ** 2 + chance.gauss(0, 0.2)


def overfitted(made):
    if made.index != 17:
        return made
    return replace(made, observation=(cases.reading("val-loss", "-9"), cases.reading("train-loss", "-19")))


def lonely(made):
    return replace(made, observation=(cases.reading("val-loss", "-30"),)) if made.index == 3 else made


def stopped(made):
    if made.index % 2:
        return made
    return replace(made, phase=Phase.EARLY_STOPPED, observation=(cases.reading("val-loss", "-1"),))


def again(made):
    return replace(made, point={"a": repr(made.index % 20 / 10), "b": "1", "kind": "x"})


def goal(value, **changes):
    one = experiment(**changes)
    return replace(one, objective=replace(one.objective, goal=value))


def tpe(*space, **changes):
    return experiment(*space, algorithm=Algorithm(name="tpe"), **changes)


def falling(count):
    """Costs that fall to zero in the first half."""
    turn = iter(range(count))
    return lambda _, chance: max(0.0, 5 - 10 * next(turn) / count) + abs(chance.gauss(0, 0.01)) + 0.001


def steady(count):
    """Costs that fall all the way."""
    turn = iter(range(count))
    return lambda *_: 5.0 - next(turn) / count


STOP = Algorithm(name="medianstop")
NAMES_LOSS = {"objective": Objective(type=ObjectiveType.MAXIMIZE, metric="val-loss")}
SPEAKS = [
    ("best-at-bound", lambda: run(120, lambda p, c: -float(p["a"]) + c.gauss(0, 0.3)), ["upper bound of a", "max"]),
    ("best-at-bound", lambda: run(120, lambda p, c: float(p["a"]) + c.gauss(0, 0.3)), ["lower bound of a", "min"]),
    ("log-scale", lambda: run(60, lambda p, _: abs(float(p["w"]) - 0.3), experiment(WIDE, B)), ["w", "logUniform"]),
    ("too-few-trials", lambda: run(12), ["12 results", "28 %", "maxTrialCount"]),
    ("too-few-trials", lambda: run(8, one=tpe()), ["the model begins after 10"]),
    ("goal-out-of-reach", lambda: run(60, bowl, goal(-90.0)), ["-90"]),
    ("failure-rate", lambda: run(60, change=lambda t: failed(t, t.index % 3 == 0)), ["20 of 60"]),
    ("failure-rate", lambda: run(60, change=lambda t: failed(t, t.index % 2 == 0)), ["30 of 60", "error"]),
    ("failing-values", lambda: run(60, change=lambda t: failed(t, t.point["kind"] == "z")), ["kind is z", "OOMKilled"]),
    ("failing-values", lambda: run(60, change=lambda t: failed(t, float(t.point["b"]) > 2)), ["b is ", "to 2.9"]),
    ("best-stands-alone", lambda: run(60, change=lonely), ["digits-svm-1-0003"]),
    (
        "best-is-luck",
        lambda: run(60, lambda _, c: c.choice((-1.0, 1.0)), change=again),
        ["no better than luck", "error"],
    ),
    ("train-validation-gap", lambda: run(60, change=overfitted), ["train-loss", "val-loss"]),
    (
        "metric-missing",
        lambda: run(
            9,
            change=lambda t: replace(
                failed(t, t.index == 4), reason="", phase=Phase.METRICS_UNAVAILABLE if t.index == 4 else t.phase
            ),
        ),
        ["1 of 9", "val-loss"],
    ),
    (
        "metric-missing",
        lambda: run(9, change=lambda t: replace(t, observation=t.observation[:1])),
        ["train-loss", "hint"],
    ),
    ("metric-not-finite", lambda: run(9, change=reports("1", "nan", "inf")), ["6 of 9", "digits-svm-1-0001"]),
    ("metric-constant", lambda: run(9, change=reports("0.5")), ["All 9 results are 0.5", "error"]),
    ("metric-direction", lambda: run(9, one=experiment(**NAMES_LOSS)), ["val-loss is maximized"]),
    (
        "early-stopping",
        lambda: run(60, lambda _, c: c.gauss(0, 0.1), experiment(early_stopping=STOP), stopped),
        ["30 of 30"],
    ),
    ("results-drift", lambda: run(60, steady(60)), ["better with time"]),
    ("uncommitted", lambda: run(9, provenance=replace(cases.ORIGIN, clean=False)), ["no commit has"]),
    ("still-improving", lambda: run(60, steady(60), tpe()), ["12 of the last 12 results"]),
    ("no-gain", lambda: run(60, falling(60), tpe()), ["No gain in the last"]),
    ("not-learning", lambda: run(60, lambda *_: 1.0, tpe()), ["p 0.5"]),
    ("unimportant-parameter", lambda: run(200, lambda p, _: float(p["a"])), ["by itself", "kagit.dev/fixed"]),
    ("correlated-parameters", lambda: run(120, lambda p, _: abs(float(p["a"]) - float(p["b"]))), ["a and b", "ratio"]),
    (
        "correlated-parameters",
        lambda: run(120, lambda p, _: abs(float(p["a"]) + float(p["b"]))),
        ["a and b", "product"],
    ),
    (
        "unexplored-choice",
        lambda: run(30, change=lambda t: replace(t, point=t.point | {"kind": "x"})),
        ["kind as y", "kind as z"],
    ),
    ("duplicate-trials", lambda: run(60, change=again), ["40 of 60"]),
    ("budget-left", lambda: run(4, one=goal(9.0, max_trials=30)), ["after 4 of 30"]),
    ("budget-left", lambda: run(4, one=experiment(max_trials=30), status="Failed"), ["26 of 30"]),
    ("slots-idle", lambda: run(12, change=timed(60), one=experiment(parallel=3)), ["67 %", "1.0 did"]),
    (
        "slow-trials",
        lambda: run(30, change=timed(60, lambda at: 6000 if at == 7 else 60)),
        ["digits-svm-1-0007", "100 min"],
    ),
]


@pytest.mark.parametrize(
    ("slug", "make", "facts"), SPEAKS, ids=[f"{at}-{slug}" for at, (slug, *_) in enumerate(SPEAKS)]
)
def test_a_check_speaks_and_gives_its_numbers_and_a_way_out(slug, make, facts):
    found = said(slug, make())
    assert found
    text = " ".join(f"{one.severity} {words(one.title)} {words(one.detail)} {words(one.way_out)}" for one in found)
    for fact in facts:
        assert fact in text
    assert all(one.way_out and one.detail and not words(one.title).endswith(".") for one in found)
    assert all(re.search(r"\.$", words(text)) for one in found for text in (one.detail, one.way_out))


def test_every_check_is_seen_to_speak():
    assert {slug for slug, *_ in SPEAKS} == {check.slug for check in catalog.CHECKS}


ONE_BAD = lambda t: failed(t, t.index == 3)  # noqa: E731
QUIET = [
    ("best-at-bound", lambda: run(120, bowl)),
    (
        "best-at-bound",
        lambda: run(
            120, lambda p, _: -float(p["a"]), experiment(replace(A, minimum=Decimal(0), maximum=Decimal(1)), B)
        ),
    ),
    ("log-scale", lambda: run(60, lambda p, _: abs(float(p["w"]) - 5), experiment(WIDE, B))),
    ("too-few-trials", lambda: run(29)),
    ("too-few-trials", lambda: run(12, one=goal(99.0))),
    ("too-few-trials", lambda: run(12, one=experiment(KIND))),
    ("goal-out-of-reach", lambda: run(60, bowl, goal(-0.6))),
    ("failure-rate", lambda: run(60, change=ONE_BAD)),
    ("failing-values", lambda: run(60, change=ONE_BAD)),
    ("failing-values", lambda: run(60, change=lambda t: failed(t, t.index >= 0))),
    ("best-stands-alone", lambda: run(60, bowl)),
    ("best-is-luck", lambda: run(60, lambda *_: 1.0, change=again)),
    ("train-validation-gap", lambda: run(60)),
    ("metric-missing", lambda: run(9)),
    ("metric-not-finite", lambda: run(9)),
    ("metric-constant", lambda: run(9)),
    ("metric-direction", lambda: run(9)),
    (
        "metric-direction",
        lambda: run(9, one=experiment(objective=Objective(type=ObjectiveType.MAXIMIZE, metric="neg-loss"))),
    ),
    (
        "early-stopping",
        lambda: run(
            60,
            one=experiment(early_stopping=STOP),
            change=lambda t: replace(t, phase=Phase.EARLY_STOPPED) if float(t.observation[0].latest) > 0.5 else t,
        ),
    ),
    ("results-drift", lambda: run(60)),
    ("uncommitted", lambda: run(9)),
    ("still-improving", lambda: run(60, falling(60), tpe())),
    ("no-gain", lambda: run(60, steady(60), tpe())),
    ("not-learning", lambda: run(60, steady(60), tpe())),
    ("unimportant-parameter", lambda: run(200)),
    ("correlated-parameters", lambda: run(120, bowl)),
    ("unexplored-choice", lambda: run(30)),
    ("duplicate-trials", lambda: run(60)),
    ("budget-left", lambda: run(30, one=goal(9.0, max_trials=30))),
    ("slots-idle", lambda: run(12, change=timed(20), one=experiment(parallel=3))),
    ("slow-trials", lambda: run(30, change=timed(60, lambda at: 60 + at))),
]


@pytest.mark.parametrize(("slug", "make"), QUIET, ids=[f"{at}-{slug}" for at, (slug, _) in enumerate(QUIET)])
def test_a_check_that_finds_nothing_is_asked_and_says_nothing(slug, make):
    known = facts.facts(make())
    (check,) = [one for one in catalog.CHECKS if one.slug == slug]
    found = check.find(known)
    assert found is not None
    assert not found


REUSES = Wishes(reuse_results=True)
GRID = Algorithm(name="grid")
LACKS = [
    ("best-at-bound", lambda: run(19)),
    ("best-at-bound", lambda: run(60, one=experiment(KIND))),
    ("best-at-bound", lambda: replace(run(60), best="")),
    ("log-scale", lambda: run(60)),
    ("log-scale", lambda: run(60, one=experiment(replace(WIDE, distribution=Distribution.LOG_UNIFORM)))),
    ("too-few-trials", lambda: run(9, status="Running")),
    ("too-few-trials", lambda: run(9, one=experiment(algorithm=GRID))),
    ("too-few-trials", lambda: run(9, change=lambda t: failed(t, t.index >= 0))),
    (
        "too-few-trials",
        lambda: run(9, one=experiment(algorithm=Algorithm(name="asha", settings={"resource_name": "a"}))),
    ),
    ("goal-out-of-reach", lambda: run(60)),
    ("failure-rate", lambda: run(0)),
    ("failing-values", lambda: run(9)),
    ("best-is-luck", lambda: run(60)),
    ("best-is-luck", lambda: run(60, change=again, one=experiment(wishes=REUSES))),
    ("duplicate-trials", lambda: run(60, change=again, one=experiment(wishes=REUSES))),
    ("train-validation-gap", lambda: run(60, one=experiment(**NAMES_LOSS))),
    ("metric-constant", lambda: run(4)),
    ("early-stopping", lambda: run(60)),
    ("early-stopping", lambda: run(60, one=experiment(early_stopping=Algorithm(name="patience")))),
    ("results-drift", lambda: run(60, one=tpe())),
    ("uncommitted", lambda: run(9, provenance=replace(cases.ORIGIN, clean=None))),
    ("still-improving", lambda: run(60, status="Running")),
    ("still-improving", lambda: run(60, one=experiment(algorithm=GRID))),
    ("no-gain", lambda: run(60)),
    ("not-learning", lambda: run(60)),
    ("unimportant-parameter", lambda: run(79)),
    ("correlated-parameters", lambda: run(79)),
    ("unexplored-choice", lambda: run(14)),
    ("budget-left", lambda: run(9)),
    ("slots-idle", lambda: run(12, change=timed(1, lambda _: 1))),
    ("slow-trials", lambda: run(19)),
]


@pytest.mark.parametrize(("slug", "make"), LACKS, ids=[f"{at}-{slug}" for at, (slug, _) in enumerate(LACKS)])
def test_a_check_without_its_data_is_not_counted(slug, make):
    found = catalog.examine(make())
    assert slug in found.unasked
    assert not [one for one in found.insights if one.slug == slug]
    assert found.asked + len(found.unasked) == len(catalog.CHECKS)


def test_the_worst_comes_first():
    data = run(60, change=lambda t: failed(t, t.index % 2 == 0), provenance=replace(cases.ORIGIN, clean=False))
    ranks = [list(Severity).index(one.severity) for one in catalog.examine(data).insights]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1


EDGE = {
    "huge": ("1e308", "-1e308", "1e300"),
    "large": ("1e149", "-1e149", "3"),
    "tiny": ("5e-324", "0", "-5e-324"),
    "close": ("1", "1.0000000000000002", "0.9999999999999999"),
    "words": ("Genotype(a=1)", "nan", "-inf", "unavailable", ""),
}
WILD = (
    replace(A, minimum=Decimal("-9e9999"), maximum=Decimal("9e9999")),
    replace(B, minimum=Decimal("1e-9999"), maximum=Decimal(1), step=Decimal("1e-9999")),
    replace(WIDE, minimum=Decimal("1e-300"), maximum=Decimal("1e300"), type=ParameterType.INT),
    replace(WIDE, name="none", minimum=None, maximum=None),
    replace(KIND, name="list", type=ParameterType.DISCRETE, values=("1e309", "x", "1", "1")),
)


@pytest.mark.parametrize("values", EDGE.values(), ids=EDGE)
@pytest.mark.parametrize("algorithm", ["random", "tpe"])
@pytest.mark.parametrize("wild", [False, True])
def test_no_number_is_too_strange(values, algorithm, wild):
    one = experiment(*(WILD if wild else ()), algorithm=Algorithm(name=algorithm))
    one = replace(one, objective=replace(one.objective, goal=-1e308), early_stopping=STOP)
    trials = []
    for index in range(120):
        number = repr(math.sin(index) * 10 ** (index % 300))
        point = {each.name: each.values[index % len(each.values)] if each.values else number for each in one.space}
        made = reports(*values)(cases.trial(index, point))
        trials.append(replace(made, phase=Phase.EARLY_STOPPED) if index % 5 == 0 else made)
    data = cases.report(trials, one, best=trials[1].name)
    found = catalog.examine(data)
    assert found.asked
    assert not re.search(r"\bnan\b|\binf\b", " ".join(words(each.detail) for each in found.insights))
    site.build(data)


SILENT = {
    "several objectives": lambda: run(
        60,
        one=replace(
            experiment(), objective=replace(experiment().objective, others={"train-loss": ObjectiveType.MINIMIZE})
        ),
    ),
    "generations": lambda: run(60, one=experiment(algorithm=Algorithm(name="pbt"))),
    "networks": lambda: run(60, one=experiment(nas={"graphConfig": {}})),
}


@pytest.mark.parametrize("make", SILENT.values(), ids=SILENT)
def test_results_that_cannot_be_compared_are_not(make):
    assert facts.facts(make()).results == ()


def test_only_results_with_the_most_of_a_resource_are_compared_and_the_resource_is_no_parameter():
    epochs = Parameter(name="epochs", type=ParameterType.INT, minimum=Decimal(1), maximum=Decimal(9))
    one = experiment(A, epochs, algorithm=Algorithm(name="asha", settings={"resource_name": "epochs"}))
    data = run(30, one=one, change=lambda t: replace(t, point=t.point | {"epochs": "9" if t.index % 3 else "10"}))
    known = facts.facts(data)
    assert [each.trial.index for each in known.results] == list(range(0, 30, 3))
    assert [each.name for each in known.space] == ["a"]


def test_a_broken_constraint_is_no_result_and_a_maximum_is_turned_round():
    data = cases.finished()
    known = facts.facts(data)
    assert [each.cost for each in known.results] == [-each.value for each in known.results]
    assert known.best.trial.name == data.best


def test_a_parameter_that_does_not_always_count_is_never_called_unimportant():
    search = Search(rules=Rules(active={"b": (Clause(parameter="kind", values=("x",)),)}))
    data = run(200, lambda p, _: float(p["a"]), experiment(search=search))
    assert "b" not in {cell.text for one in said("unimportant-parameter", data) for cell in one.title}


@pytest.mark.parametrize("path", ["index.html", "README.md"])
def test_both_editions_show_the_findings_right_after_the_numbers(path):
    shown = site.build(cases.failing())[path].decode()
    found = catalog.examine(cases.failing())
    for one in found.insights:
        for cell in (*one.title, *one.detail, *one.way_out):
            assert cell.text in shown
    assert f"{len(found.insights)} findings in {found.asked} checks" in shown
    assert shown.index("Trials failed") < shown.index("Checks") < shown.index("Best trial", shown.index("Checks"))


@pytest.mark.parametrize("path", ["index.html", "README.md"])
def test_nothing_is_said_where_nothing_ran_and_one_line_where_all_is_well(path):
    assert "Checks" not in site.build(cases.empty())[path].decode()
    shown = site.build(run(60, bowl, change=timed(20)))[path].decode()
    assert re.search(r"No findings in \d+ checks", shown), re.findall(r"\(`([\w-]+)`\)", shown)


def test_names_and_reasons_of_findings_are_foreign_in_both_editions():
    bad = "</code><script>x</script> `|` @all ![x](y)"
    kind = replace(KIND, name=bad, values=("x", "y", bad))
    one = experiment(A, kind, algorithm=Algorithm(name="random"))
    data = run(60, one=one, change=lambda t: replace(failed(t, t.point[bad] == bad), reason=bad))
    assert said("failing-values", data)
    tree = site.build(data)
    reading.Page(tree["index.html"].decode())
    reading.markdown(tree["README.md"].decode())
