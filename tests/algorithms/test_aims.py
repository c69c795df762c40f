"""Several objectives and constraints: who learns from them, and what the others are told."""

import math

import pytest

from algorithms import search
from algorithms.catalog import chosen, named
from algorithms.contract import Finished
from kagit.objective import ObjectiveType, front
from kagit.space import Space
from tests.algorithms.harness import parameter, problem, replace

SPACE = Space((parameter("x", "double", low="0", high="4"), parameter("y", "double", low="0", high="4")))


WIDE = Space(tuple(parameter(f"x{at}", "double", low="0", high="1") for at in range(6)))


def two(point) -> tuple[float, float]:
    """Near the origin, or near (3, 3)."""
    x, y = float(point["x"]), float(point["y"])
    return x * x + y * y, (x - 3) ** 2 + (y - 3) ** 2


def zdt1(point) -> tuple[float, float]:
    """Zitzler, Deb and Thiele (2000), their first problem: the front is where all but the first are 0."""
    first, *rest = (float(value) for value in point.values())
    far = 1 + 9 * sum(rest) / len(rest)
    return first, far * (1 - math.sqrt(first / far))


def walked(
    name: str,
    *,
    space=SPACE,
    function=two,
    others=(ObjectiveType.MINIMIZE,),
    constraints=0,
    excess=None,
    count=60,
    seed=1,
    every=0,
):
    given = replace(problem(space, seed=seed), others=others, constraints=constraints)
    optimizer = search.start(chosen(name, given), given)
    finished = []
    for index in range(count):
        if every and index % every == 0:
            optimizer = search.start(chosen(name, given), given)
            for trial in reversed(finished):
                optimizer.tell(trial)
        point = optimizer.ask(index=index, running={}).point
        values = function(point)
        over = excess(point) if excess else ()
        trial = Finished(index=index, point=point, value=values[0], others=values[1:] if others else (), excess=over)
        finished.append(trial)
        optimizer.tell(trial)
    return finished


def volume(finished) -> float:
    """The area between the front and (1, 6)."""
    points = [zdt1(one.point) for one in finished]
    area, top = 0.0, 6.0
    for left, right in sorted(points[at] for at in front(points, (ObjectiveType.MINIMIZE,) * 2)):
        area += (1 - left) * max(0.0, top - right)
        top = min(top, right)
    return area


@pytest.mark.parametrize("name", ["tpe", "multivariate-tpe"])
def test_several_objectives_are_learnt_together(name):
    ours = sum(volume(walked(name, space=WIDE, function=zdt1, seed=seed, count=80)) for seed in range(4))
    chance = sum(volume(walked("random", space=WIDE, function=zdt1, seed=seed, count=80)) for seed in range(4))
    assert ours > chance * 1.2


def far(point) -> tuple[float, ...]:
    """How much too near the origin it is: the best points without the constraint are not allowed with it."""
    return (max(0.0, 5 - float(point["x"]) - float(point["y"])),)


@pytest.mark.parametrize("name", ["tpe", "multivariate-tpe", "bayesianoptimization", "cmaes"])
def test_a_constraint_keeps_the_search_where_it_is_kept(name):
    finished = walked(name, others=(), constraints=1, excess=far)
    late = finished[30:]
    assert sum(not any(one.excess) for one in late) > 0.4 * len(late), "by chance it is 0.28"
    best = min(one.value for one in finished if not any(one.excess))
    assert best < 14.5, "the least with x + y = 5 is 12.5"


@pytest.mark.parametrize("name", ["tpe", "multivariate-tpe", "bayesianoptimization"])
def test_a_restart_changes_nothing(name):
    several = () if name == "bayesianoptimization" else (ObjectiveType.MAXIMIZE,)
    given = {"others": several, "constraints": 1, "excess": far, "count": 24}
    assert walked(name, **given) == walked(name, **given, every=5)


def test_auto_knows_who_learns_from_several():
    given = replace(problem(SPACE), others=(ObjectiveType.MAXIMIZE,), constraints=2, max_trials=60)
    said = chosen("auto", given).engine()
    assert said.startswith("auto (multivariate-tpe: 2 objectives, 2 constraints, 2 parameters, 60 trials) optuna ")
    assert named("auto").check(given) == ()
