"""A Katib controller gets our algorithms' answers: a question has one answer, whenever it is asked."""

import copy
import threading
from dataclasses import replace
from random import Random

import pytest

from algorithms import catalog
from algorithms.catalog import named
from algorithms.contract import Absence, Finished, Proposal
from kagit.errors import NotFound, Refused, Unavailable
from kagit.space import Space
from kagit.trial import Trial
from kagit.v1beta1 import api_write
from reconciler.core import served
from reconciler.shell import suggesting
from reconciler.shell.suggesting import Suggestions
from tests.algorithms import harness
from tests.algorithms.harness import parameter, problem
from tests.reconciler.katib_controller import SPACE, Controller, experiment, loss, ours

OURS = ("auto", "bayesianoptimization", "cmaes", "grid", "hyperopt-tpe", "multivariate-tpe", "random", "sobol", "tpe")
FEW = Space((parameter("x", "int", low="1", high="3"), parameter("k", "categorical", values=("a", "b"))))


def forgetful(method, request):
    """A service that is restarted before every question."""
    return ours()(method, request)


def in_time(controller: Controller, seed: int, rounds: int = 12) -> None:
    """Trials end one by one in an order of chance, and are replaced; some fail, some are stopped early."""
    chance = Random(seed)
    controller.ask(3)
    for turn in range(rounds):
        condition = ("SUCCEEDED", "SUCCEEDED", "FAILED", "EARLYSTOPPED", "KILLED")[turn % 5]
        controller.finish(chance.choice(controller.running), condition)
        controller.ask(1)


@pytest.mark.parametrize("name", OURS)
def test_a_service_that_lived_on_answers_as_a_new_one(name):
    space = Space((parameter("x", "double", low="0", high="1", step="0.01"), SPACE["n"]))
    given = {"max_trials": "60"} if name == "auto" else {"n_startup_trials": "3"} if "tpe" in name else {}
    spec = experiment(name, space=space, **given)
    alive = Controller(spec, ours())
    in_time(alive, seed=1)
    restarted = Controller(spec, forgetful)
    in_time(restarted, seed=1)
    assert restarted.points() == alive.points()
    assert len({tuple(point.items()) for point in alive.points()}) == len(alive.points())
    assert all(space.contains(point) for point in alive.points())


def test_the_order_of_the_trials_in_a_question_does_not_matter():
    first = Controller(experiment(n_startup_trials="3"), ours())
    in_time(first, seed=2)
    second = copy.copy(first)
    second.trials = Random(5).sample(first.trials, len(first.trials))
    assert first.ask(2) == second.ask(2)


def test_the_answers_are_those_of_the_algorithm_itself():
    spec = experiment(n_startup_trials="3", random_state="5")
    controller = Controller(spec, ours())
    optimizer = named("tpe").start(problem(SPACE, n_startup_trials="3", random_state="5"))
    for index in range(12):
        point = optimizer.ask(index=index, running={}).point
        assert controller.ask(1) == [point]
        controller.finish(controller.trials[-1])
        optimizer.tell(Finished(index=index, point=point, value=loss(point)))
    assert [one["name"] for one in controller.trials[:2]] == ["mnist-1-0000", "mnist-1-0001"]


def test_the_same_question_has_the_same_answer_and_loses_no_point():
    controller = Controller(experiment("sobol"), ours())
    before = copy.copy(controller)
    first = controller.ask(4)
    before.trials = []
    assert before.ask(4) == first  # the controller did not get the answer and asks again
    assert len({tuple(point.items()) for point in (*first, *controller.ask(4))}) == 8


def test_the_seed_follows_from_name_and_spec_and_random_state_overrides_it():
    points = {
        key: Controller(experiment("random", **given), ours()).ask(1)[0]["x"]
        for key, given in {
            "plain": {}, "again": {}, "counts": {"max_trials": "50", "parallel": "7"}, "other": {"name": "other"},
            "one": {"random_state": "1"}, "one other": {"random_state": "1", "name": "other"},
        }.items()
    }  # fmt: skip
    assert points["plain"] == points["again"] == points["counts"] != points["other"]
    assert points["one"] == points["one other"] != points["plain"]


def test_trials_that_another_service_named_are_numbered_by_their_start():
    chance = Random(1)
    names = {i: f"mnist-{chance.getrandbits(32):08x}" for i in range(40)}
    spec = experiment(n_startup_trials="3")
    ended = [Controller(spec, ours(), names=names.__getitem__), Controller(spec, ours())]
    for controller in ended:
        for _ in range(4):
            controller.ask(2)
            for trial in controller.running:
                controller.finish(trial)
    assert ended[0].points() == ended[1].points()


def test_points_whose_trials_are_not_told_are_not_given_again():
    """Katib leaves out trials without metrics, and may ask before it has made the trials of the last answer."""
    controller = Controller(experiment("sobol"), ours())
    seen = controller.ask(3)
    controller.trials = controller.trials[:1]
    seen += controller.ask(2)
    controller.trials = []
    seen += controller.ask(2)
    assert len({tuple(point.items()) for point in seen}) == 7


def test_what_is_outside_the_space_or_no_number_is_left_out():
    controller = Controller(experiment(n_startup_trials="2"), ours())
    controller.ask(3)
    for trial in controller.trials:
        controller.finish(trial)
    controller.trials[0]["spec"]["parameter_assignments"]["assignments"][0]["value"] = "77"
    controller.trials[1]["status"]["observation"]["metrics"][0]["value"] = "nan"
    controller.trials[2]["status"]["observation"]["metrics"] = []
    assert all(SPACE.contains(point) for point in controller.ask(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current_request_number": 1001}, "1001 points are asked for at once; ask for at most 1000"),
        ({"current_request_number": -1}, "-1 points are asked for"),
        ({"experiment": {}}, "objective is missing"),
    ],
)
def test_a_question_that_means_nothing_is_refused(change, message):
    request = {"experiment": api_write.experiment(experiment()), "current_request_number": 1}
    with pytest.raises(Refused, match=message):
        Suggestions().get_suggestions(request | change)


def test_nothing_is_asked_for_nothing_is_answered():
    assert Suggestions().get_suggestions({"experiment": api_write.experiment(experiment())}) == {
        "parameter_assignments": []
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"algorithm": "tpe", "gamma": "2"},
            r"spec.algorithm.algorithmSettings\[0\].value: setting gamma of tpe is '2'",
        ),
        ({"algorithm": "tpee"}, "spec.algorithm.algorithmName: there is no algorithm 'tpee'; did you mean tpe"),
        ({"algorithm": "grid"}, r"spec.parameters\[0\].feasibleSpace.step: grid cannot list every double of x"),
        ({"algorithm": "grid", "space": FEW, "max_trials": "7"}, "spec.maxTrialCount: 7 is above the number of points"),
    ],
)
def test_a_bad_experiment_is_refused_before_it_runs_and_when_it_does(given, message):
    call, request = ours(), {"experiment": api_write.experiment(experiment(**given)), "current_request_number": 1}
    for method in ("ValidateAlgorithmSettings", "GetSuggestions"):
        with pytest.raises(Refused, match=message):
            call(method, request)


@pytest.mark.parametrize("name", OURS)
def test_a_good_experiment_is_not_refused(name):
    space = Space((parameter("x", "double", low="0", high="1", step="0.1"), SPACE["n"]))
    message = api_write.experiment(experiment(name, space=space, max_trials="20"))
    message["spec"]["early_stopping"] = {"algorithm_name": "of another service"}
    assert ours()("ValidateAlgorithmSettings", {"experiment": message}) == {}


def test_a_grid_is_gone_through_to_its_last_point():
    controller = Controller(experiment("grid", space=FEW), ours())
    for _ in range(2):
        controller.ask(4)
        for trial in controller.running:
            controller.finish(trial)
    assert len({tuple(point.items()) for point in controller.points()}) == 6
    assert [one["name"] for one in controller.trials[6:]] == ["mnist-again-0006", "mnist-again-0007"]
    assert [one["k"] for one in controller.points()[5:]] == ["b"] * 3
    with pytest.raises(NotFound, match="mnist: the search space is exhausted after 6 points; lower maxTrialCount"):
        controller.ask(1)


class Rungs:
    """Three points, then one that waits for all of them: the shape of hyperband and its kin."""

    name, is_blind, settings = "rungs", False, ()

    def __init__(self):
        self.told = set()

    def check(self, _):
        return ()

    def start(self, _):
        return type(self)()

    def engine(self):
        return "rungs 1"

    def tell(self, trial):
        self.told.add(trial.index)

    def ask(self, *, index, running):
        before = range(index - index % 4)
        waits = set(before) - self.told if index % 4 < 3 else set(range(index)) - self.told
        if waits & set(running):
            return Absence.LATER
        return Proposal(point={"x": "1", "k": "ab"[index % 2]}, labels={"rung": str(index % 4 == 3)})


@pytest.fixture
def rungs(monkeypatch):
    monkeypatch.setitem(catalog._ENTRIES, "rungs", Rungs)
    return Controller(experiment("rungs", space=FEW), ours())


def test_a_rung_is_waited_for_and_an_answer_is_never_too_short(rungs):
    rungs.ask(3)
    rungs.finish(rungs.trials[0])
    with pytest.raises(Unavailable, match="mnist: there is no point before a running trial is over; ask again then"):
        rungs.ask(1)
    for trial in rungs.running:
        rungs.finish(trial)
    assert rungs.ask(3) == [{"x": "1", "k": "b"}] * 3  # one is new, the others keep Katib going
    assert [one["name"] for one in rungs.trials[3:]] == ["mnist-1-0003", "mnist-again-0004", "mnist-again-0005"]
    rungs.finish(rungs.trials[3])
    rungs.ask(1)  # what repeats a trial is no part of the search, and is not waited for
    assert rungs.trials[-1]["name"] == "mnist-1-0004"


def test_labels_and_parents_are_labels_of_the_trial(monkeypatch):
    class Child(Rungs):
        def ask(self, *, index, running):
            assert len(running) == index
            return Proposal(point={"x": "1", "k": "a"}, labels={"generation": "2"}, parent=3 if index else None)

    monkeypatch.setitem(catalog._ENTRIES, "child", Child)
    request = {"experiment": api_write.experiment(experiment("child", space=FEW)), "current_request_number": 2}
    answers = ours()("GetSuggestions", request)["parameter_assignments"]
    assert [one["labels"] for one in answers] == [
        {"generation": "2"},
        {"generation": "2", "kagit.dev/parent": "mnist-1-0003"},
    ]


def test_more_experiments_than_are_kept_change_nothing(monkeypatch):
    monkeypatch.setattr(suggesting, "SEARCHES", 2)
    call = ours()
    controllers = [Controller(experiment(name=f"e{i}", n_startup_trials="2"), call) for i in range(5)]
    alone = [Controller(experiment(name=f"e{i}", n_startup_trials="2"), ours()) for i in range(5)]
    for _ in range(4):
        for one in (*controllers, *alone):
            one.ask(1)
            one.finish(one.trials[-1])
    assert [one.points() for one in controllers] == [one.points() for one in alone]


def test_questions_at_the_same_time_have_their_own_answers():
    call, failures = ours(), []
    questions = []
    for i in range(3):
        controller = Controller(experiment(name=f"e{i}", n_startup_trials="2"), ours())
        for _ in range(5):
            controller.ask(1)
            controller.finish(controller.trials[-1])
            questions.append(copy.deepcopy((controller.message, controller.trials)))
    expected = [ours()("GetSuggestions", asked(*one)) for one in questions]

    def worker(seed):
        order = Random(seed).sample(range(len(questions)), len(questions))
        failures.extend(i for i in order if call("GetSuggestions", asked(*questions[i])) != expected[i])

    threads = [threading.Thread(target=worker, args=(seed,)) for seed in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []


def asked(message, trials):
    return {
        "experiment": message,
        "trials": trials,
        "current_request_number": 1,
        "total_request_number": len(trials) + 1,
    }


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["e-1-0000", "e-1-0002"], {"e-1-0000": 0, "e-1-0002": 2}),
        (["e-x", "e-1-0000"], {"e-1-0000": 0, "e-x": 1}),
        (["e-1-0001", "e-2-0001"], {"e-1-0001": 1, "e-2-0001": 0}),
        (["f-1-0001", "e-1-00x1", "e-1-001"], {"e-1-001": 0, "e-1-00x1": 1, "f-1-0001": 2}),
    ],
)
def test_which_number_a_trial_has(names, numbers):
    trials = [Trial(name=name, run=1, index=-1, point={}) for name in names]
    assert {one.name: i for i, one in served.numbered("e", trials).items()} == numbers


def test_what_became_of_architectures_is_told():
    space = harness.networks("enas", SPACE)
    spec = replace(experiment("enas", space=Space(())), nas=space.nas)
    question = {"experiment": api_write.experiment(spec), "current_request_number": 1, "total_request_number": 3}
    drawn = [named("enas").start(problem(space)).ask(index=index, running={}).point for index in range(2)]
    trials = [
        {
            "name": f"mnist-1-000{index}",
            "spec": {"parameter_assignments": api_write.assignments(point)},
            "status": {
                "start_time": "2026-01-01T00:00:00Z",
                "condition": "SUCCEEDED" if index else "RUNNING",
                "observation": {"metrics": [{"name": "loss", "value": "0.5"}] if index else []},
            },
        }
        for index, point in enumerate(drawn)
    ]
    found = served.question({**question, "trials": trials})
    assert found.running == {0: drawn[0]}
    assert found.finished == (Finished(index=1, point=drawn[1], value=0.5),)
