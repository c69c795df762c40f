"""tests/cases/plan/*.yaml: a world, and the plan for it in words."""

import difflib
from pathlib import Path

import pytest
import yaml

from reconciler.core.plan import plan
from tests.reconciler.core.plan_words import again, words, world

FOLDER = Path(__file__).parents[2] / "cases" / "plan"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['case']}")
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_the_plan_is_the_written_one(case):
    found = plan(world(case))
    expected = [*case["plan"], *(f"waiting: {one}" for one in case.get("waiting", ())), _wake(case.get("wake"))]
    decided = [*map(words, found.actions), *(f"waiting: {one}" for one in found.waiting), _wake(found.wake)]
    if decided != expected:
        lines = difflib.unified_diff(expected, decided, "the case says", "the plan is", lineterm="", n=99)
        pytest.fail("\n".join([case["case"], case.get("why", ""), *lines]), pytrace=False)


def _wake(seconds):
    return "never wakes by itself" if seconds is None else f"wakes in {seconds:g} s"


@pytest.mark.parametrize("case", CASES)
def test_the_same_world_has_the_same_plan_and_time_alone_changes_no_deed(case):
    here = world(case)
    assert plan(here) == plan(here)
    later = again(here, now="2024-05-01T13:00:00Z", status_age=here.status_age)
    names = [type(action) for action in plan(here).actions]
    assert [type(action) for action in plan(later).actions] == names


def test_every_case_has_a_name_of_its_own():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids)) >= 45
