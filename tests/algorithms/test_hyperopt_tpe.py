import math
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hyperopt import JOB_STATE_DONE, Domain, hp, tpe, trials_from_docs

from algorithms.contract import Finished
from algorithms.seeds import stream
from kagit.space import Space
from tests.algorithms.harness import asked, batch, parameter, problem, started
from tests.algorithms.test_tpe import BENT, FLAT, best, sphere, training

LINE = Space((parameter("x", "double", low="0", high="1"),))
STEPS = Space((parameter("n", "int", low="1", high="10", step="3"),))


@pytest.mark.parametrize(
    ("space", "function", "direction"),
    [(FLAT, sphere, "minimize"), (FLAT, sphere, "maximize"), (BENT, training, "minimize")],
    ids=["sphere", "sphere upside down", "training"],
)
def test_it_beats_random_search(space, function, direction):
    clever = median(
        best("hyperopt-tpe", space, function, seed=seed, direction=direction, count=100) for seed in range(7)
    )
    blind = median(best("random", space, function, seed=seed, count=100) for seed in range(7))
    assert clever < 0.7 * blind


def test_its_answer_is_hyperopts_own():
    """The same history and seed, given to hyperopt as its users do, ends in the same point."""
    values = {i / 30: abs(i / 30 - 0.4) for i in range(30)}
    optimizer = started("hyperopt-tpe", problem(LINE, gamma="0.5", prior_weight="2", n_EI_candidates="9"))
    documents = []
    for i, (x, loss) in enumerate(values.items()):
        optimizer.tell(Finished(index=i, point={"x": repr(x)}, value=loss))
        documents.append(
            {
                "tid": i,
                "spec": None,
                "result": {"loss": loss, "status": "ok"},
                "misc": {"tid": i, "cmd": None, "idxs": {"x": [i]}, "vals": {"x": [x]}},
                "state": JOB_STATE_DONE,
                "exp_key": None,
                "owner": None,
                "version": 0,
                "book_time": None,
                "refresh_time": None,
            }
        )
    seed = stream(7, 30, 0).getrandbits(32)
    given = {"gamma": 0.5, "prior_weight": 2.0, "n_EI_candidates": 9, "n_startup_jobs": 0, "verbose": False}
    domain = Domain(dict, {"x": hp.uniform("x", 0, 1)})
    (answer,) = tpe.suggest([30], domain, trials_from_docs(documents), seed, **given)
    assert float(asked(optimizer, index=30, running={})["x"]) == answer["misc"]["vals"]["x"][0]


def test_a_batch_is_not_one_point_many_times():
    """Katib asks with one seed and one history, so that every member of a batch is the same (katib.md 5.3)."""

    def spread(*, told):
        optimizer = started("hyperopt-tpe", problem(LINE))
        for index in range(40):
            optimizer.tell(Finished(index=index, point={"x": str(index / 40)}, value=abs(index / 40 - 0.5)))
        points = {}
        for index in range(40, 48):
            points[index] = asked(optimizer, index=index, running=points if told else {})
        values = sorted(float(point["x"]) for point in points.values())
        return median(b - a for a, b in pairwise(values))

    assert spread(told=True) > 1.2 * spread(told=False) > 0


def test_steps_are_counted_from_the_first_value():
    """Katib rounds to multiples of the step from 0 on, and so leaves the range (katib.md 5.3)."""
    optimizer = started("hyperopt-tpe", problem(STEPS, n_startup_trials="0"))
    seen = [asked(optimizer, index=index, running={})["n"] for index in range(60)]
    assert set(seen) == {"1", "4", "7", "10"}
    assert min(map(seen.count, set(seen))) > 5


@pytest.mark.parametrize("dist", ["normal", "logNormal"])
def test_normal_distributions_end_at_the_range(dist):
    """With an empty history the model is its prior: most points lie near the middle, none outside."""
    space = Space(tuple(parameter(f"p{i}", "double", low="1", high="1e6", dist=dist) for i in range(40)))
    point = asked(started("hyperopt-tpe", problem(space, n_startup_trials="0")), index=0, running={})
    assert space.contains(point)
    places = [
        math.log(float(text)) / math.log(1e6) if dist == "logNormal" else float(text) / 1e6 for text in point.values()
    ]
    assert 0.5 < sum(1 / 3 < place < 2 / 3 for place in places) / 40 < 0.9


@pytest.mark.parametrize("setting", ["gamma=0.9", "prior_weight=50", "n_EI_candidates=2", "n_startup_trials=29"])
def test_every_setting_has_an_effect(setting):
    name, text = setting.split("=")
    points = batch(started("random", problem(BENT)), range(33), {})

    def answer(**given):
        optimizer = started("hyperopt-tpe", problem(BENT, **given))
        for index in range(30):
            optimizer.tell(Finished(index=index, point=points[index], value=training(points[index])))
        return [asked(optimizer, index=index, running={}) for index in range(30, 33)]

    assert (answer(**{name: text}) != answer()) is (name != "n_startup_trials")
    assert answer(n_startup_trials="31")[0] == points[30]


def test_equal_values_are_told_apart_by_number_and_not_by_how_they_are_sorted(monkeypatch):
    """numpy sorts equal losses as the processor likes it best; the answer must not depend on that."""
    sort = np.argsort

    def other(array, *_arguments, **_named):
        array = np.asarray(array)
        return sort(array, kind="stable") if len(set(array.tolist())) == len(array) else sort(array[::-1])

    def answer():
        optimizer = started("hyperopt-tpe", problem(LINE))
        for index in range(40):
            optimizer.tell(Finished(index=index, point={"x": str(index / 40)}, value=float(index % 2)))
        return asked(optimizer, index=40, running={})

    before = answer()
    monkeypatch.setattr(np, "argsort", other)
    assert answer() == before
