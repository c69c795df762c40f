"""Golden transcripts: each script is played, and what kagit says and does must be what stands below each command.

`KAGIT_UPDATE_GOLD=1` writes what happens now into the scripts; look at the diff before you commit it.
"""

import os
from pathlib import Path

import pytest

from tests.sim.script import told

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.txt"))
# Read when the tests are collected: later the environment is cleaned of KAGIT_ settings.
UPDATE, IN_CI = bool(os.environ.get("KAGIT_UPDATE_GOLD")), os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.stem)
def test_the_transcript_is_the_golden_one(script):
    golden = script.read_text(encoding="utf-8")
    found = told(golden)
    if UPDATE:
        assert not IN_CI, "gold is never updated in CI; do it at your desk and look at the diff"
        script.write_text(found, encoding="utf-8")
        return
    assert found.splitlines() == golden.splitlines()


def test_there_are_scripts():
    assert len(SCRIPTS) >= 8
