"""Status sequences of Katib's Appendix A as golden transcripts, each with what is different here and why.

`KAGIT_UPDATE_GOLD=1` writes what happens now into the transcripts; look at the diff before you commit it.
"""

import os
from pathlib import Path

import pytest

from tests.katib.timeline import Witness
from tests.sim.script import told

SCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
# Read when the tests are collected: later the environment is cleaned of KAGIT_ settings.
UPDATE, IN_CI = bool(os.environ.get("KAGIT_UPDATE_GOLD")), os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda one: one.stem)
def test_clients_see_what_the_transcript_says(script):
    golden = script.read_text(encoding="utf-8")
    found = told(golden, Witness())
    if UPDATE:
        assert not IN_CI, "gold is never updated in CI; do it at your desk and look at the diff"
        script.write_text(found, encoding="utf-8")
        return
    assert found.splitlines() == golden.splitlines()


def test_there_are_transcripts_of_appendix_a():
    assert {one.stem[:2] for one in SCRIPTS} >= {"a1", "a2", "a3", "a4"}
