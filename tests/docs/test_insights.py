"""docs/insights.md tells of every check what it says, when, and how often it was wrong in simulated runs."""

import re
from pathlib import Path

import pytest

from reports.insights.catalog import CHECKS

PAGE = (Path(__file__).resolve().parents[2] / "docs/insights.md").read_text(encoding="utf-8")
AGAIN = "run: .venv/bin/python benchmarks/insights.py"
SECTIONS = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FACTS = {
    "too-few-trials",
    "metric-missing",
    "metric-not-finite",
    "metric-constant",
    "metric-direction",
    "uncommitted",
    "no-gain",
    "unexplored-choice",
    "duplicate-trials",
    "budget-left",
}
"""Checks that state a fact; all others judge chance and have to be measured."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_every_check_has_a_line_and_a_section(check):
    assert f"\n| [{check.slug}](#{check.slug}) | {check.meaning} | " in PAGE, AGAIN
    assert f"Says: {check.meaning}. Speaks when: {check.rule}." in SECTIONS[check.slug], AGAIN


@pytest.mark.parametrize("slug", [check.slug for check in CHECKS])
def test_whatever_judges_chance_was_measured_and_is_wrong_at_most_once_in_twenty(slug):
    rates = re.findall(r"^\| (wrong|sees) \| ([\d.]+) % of (\d+) \|", SECTIONS[slug], re.MULTILINE)
    assert (not rates) == (slug in FACTS)
    wrong = [(float(rate), int(runs)) for kind, rate, runs in rates if kind == "wrong"]
    seen = [float(rate) for kind, rate, _ in rates if kind == "sees"]
    assert slug in FACTS or (wrong and seen)
    assert all(rate <= 5.0 and runs >= 60 for rate, runs in wrong)
    assert not seen or max(seen) >= 20.0


def test_no_section_is_about_a_check_that_is_gone():
    slugs = {check.slug for check in CHECKS}
    assert len(slugs) == len(CHECKS)
    assert {name for name in SECTIONS if "-" in name or name in slugs} == slugs
