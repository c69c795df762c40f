"""Which trials have a checkpoint, what it begins with, and what is kept."""

import pytest

from kagit.trial import Checkpoint, Trial
from reconciler.core import checkpoints
from repo_layout import read
from tests.cli.support import manifest

PBT = {"suggestion_trial_dir": "/ckpt", "n_population": "5", "truncation_threshold": "0.2"}


def spec(algorithm: str, **settings: str):
    given = {"algorithmName": algorithm, "algorithmSettings": [{"name": k, "value": v} for k, v in settings.items()]}
    (declared,) = read.file("e.yaml", manifest("e", ["true"], algorithm=given).encode()).experiments
    return declared.experiment


def trial(index: int, parent: int | None = None) -> Trial:
    return Trial(name=f"e-2-{index:04}", run=2, index=index, point={}, parent=parent)


def of(given, one: Trial, *, active=(), oldest=0, best="") -> Checkpoint | None:
    return checkpoints.of(given, one, active=active, oldest=oldest, best=best)


@pytest.mark.parametrize(
    ("algorithm", "settings", "parent", "expected"),
    [
        ("pbt", PBT, None, Checkpoint(path="/ckpt")),
        ("pbt", PBT, 3, Checkpoint(path="/ckpt", parent="e-2-0003")),
        ("hyperband", {}, None, Checkpoint()),
        ("random", {}, None, None),
        ("random", {}, 3, Checkpoint(parent="e-2-0003")),
        ("somebodys-own", {"suggestion_trial_dir": "/c"}, None, Checkpoint(path="/c")),
        ("somebodys-own", {"suggestion_trial_dir": ""}, None, None),
    ],
)
def test_who_has_one_and_what_it_begins_with(algorithm, settings, parent, expected):
    assert of(spec(algorithm, **settings), trial(7, parent)) == expected


def test_parents_of_whoever_is_not_over_and_the_best_are_kept():
    found = of(spec("pbt", **PBT), trial(12, 7), active=[7, None, 6, 7], oldest=5, best="e-2-0001")
    assert found == Checkpoint(
        path="/ckpt", parent="e-2-0007", oldest=5, kept=frozenset({"e-2-0006", "e-2-0007", "e-2-0001"})
    )
