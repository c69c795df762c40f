"""How often the checks of a report are wrong, and how often they see what is there: simulated runs with a known truth.

`python benchmarks/insights.py` writes docs/insights.md; `benchmarks/run.py --only insights` prints the same numbers.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from insight_cases import cases
from lines import Line, Wishes
from situations import FIND, Case

from reports.insights.catalog import CHECKS

PAGE = Path(__file__).parents[1] / "docs/insights.md"
MOST_WRONG = 5.0
"""Percent of runs in which a check may be wrong, whatever the situation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a check spoke."""

    case: Case
    spoke: int
    runs: int

    @property
    def kind(self) -> str:
        """What it means that it spoke."""
        return "wrong" if self.case.wrong else "sees"

    @property
    def percent(self) -> float:
        """Of the runs that counted."""
        return 100 * self.spoke / self.runs if self.runs else 0.0


def measured(wishes: Wishes, only: Sequence[str] = ()) -> Iterator[Rate]:
    """Every situation, played."""
    for case in cases():
        if only and case.slug not in only:
            continue
        wishes.progress(f"{case.slug}: {case.what}")
        rounds = wishes.of(case.rounds, case.rounds // 20)
        answers = [spoke for seed in range(rounds) if (spoke := case.speaks(seed)) is not None]
        yield Rate(case=case, spoke=sum(answers), runs=len(answers))


def lines(wishes: Wishes) -> Iterator[Line]:
    """The worst rate of wrong alarms of each check, and what it sees."""
    rates = list(measured(wishes))
    for slug in dict.fromkeys(rate.case.slug for rate in rates):
        mine = [rate for rate in rates if rate.case.slug == slug]
        wrong = max((rate for rate in mine if rate.case.wrong), key=lambda rate: rate.percent)
        sees = ", ".join(f"{rate.percent:.0f} %" for rate in mine if not rate.case.wrong)
        yield Line(
            name=f"check {slug}, wrong alarms",
            value=wrong.percent,
            unit="%",
            most=None if wishes.quick else MOST_WRONG,
            about=f"of {wrong.runs} runs ({wrong.case.what}); sees {sees}",
        )


HEAD = """# Checks of a report

Written by `.venv/bin/python benchmarks/insights.py`; changes by hand are overwritten.

Every report says what is doubtful about its run, worst first, each finding with its numbers and a way out. An
**error** makes the result doubtful, a **warning** wants a decision, a **hint** may save time. A check that lacks the
data, or does not apply to the algorithm, says nothing and is not counted as passed. Checks of results look at trials
that succeeded; where a parameter is the resource (`hyperband`, `asha`, `bohb`), at those with the most of it. They
are silent about `pbt`, the search of networks and several objectives, whose results cannot be put in one order.

A wrong alarm costs trust, so each check that judges chance was played on simulated runs whose truth is known, random
search and kagit's own `tpe` among them. **Wrong** is the share of runs in which it spoke although it should not have;
at most 5 % is allowed in any situation below, most stay far under it. **Sees** is the share in which it found what
was there: where it is low, silence means little. A rate of 300 runs is sure within 3 points, one of 60 within 6.

The landscapes have three numbers and a choice: `noise` depends on nothing, `tail` neither, with an exponential tail;
`bowl` has its optimum inside two ranges and one bad choice, a little noise, and one number without effect; `smooth`
is the same without noise; `slope` gets better towards a bound; `linear` has three numbers of which each explains a
good tenth; `ridge` wants two numbers to be equal; `decades` and `middle` have their optimum on a wide range, at its
logarithmic and its even middle.

| Check | What it says | Wrong, worst | Sees, least to most |
|---|---|---|---|
"""

END = """
## What they cannot know

- Reports have the best and the last reading of a trial and no curves, so nobody knows what a stopped trial would have
  become.
- `no-gain` states what was, not what will be: some searches win again after a long pause.
- A report is written while trials run. Whoever looks a hundred times at a growing run gives chance a hundred tries; the
  checks that judge how the search went therefore wait for its end.
- Several checks may be wrong in one report. The rates are for each of them alone.
"""


def page(rates: Sequence[Rate]) -> str:
    """docs/insights.md."""
    rows, parts = [], []
    for check in CHECKS:
        mine = [rate for rate in rates if rate.case.slug == check.slug]
        wrong = [rate.percent for rate in mine if rate.case.wrong]
        sees = [rate.percent for rate in mine if not rate.case.wrong]
        seen = (f"{max(wrong):.1f} %", f"{min(sees):.0f} to {max(sees):.0f} %") if mine else ("a fact", "always")
        rows.append(f"| [{check.slug}](#{check.slug}) | {check.meaning} | {seen[0]} | {seen[1]} |")
        parts.append(f"\n## {check.slug}\n\nSays: {check.meaning}. Speaks when: {check.rule}.\n")
        if mine:
            parts.append("\n| | Speaks in | Situation |\n|---|--:|---|\n")
            parts += [f"| {rate.kind} | {rate.percent:.1f} % of {rate.runs} | {rate.case.what} |\n" for rate in mine]
    return HEAD + "\n".join(rows) + "\n" + "".join(parts) + END


def _kept(text: str, only: Sequence[str]) -> Iterator[Rate]:
    """The rates on the page of checks that are not measured anew."""
    for slug, section in re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        for kind, percent, runs, what in re.findall(
            r"^\| (\w+) \| ([\d.]+) % of (\d+) \| (.*) \|$", section, re.MULTILINE
        ):
            if slug not in only:
                case = Case(slug=slug, what=what, speaks=lambda _: None, wrong=kind == "wrong")
                yield Rate(case=case, spoke=round(float(percent) * int(runs) / 100), runs=int(runs))


def main() -> None:
    """Write the page; with names of checks, only these are measured anew."""
    only = [word for word in sys.argv[1:] if word in FIND]
    wishes = Wishes(quick="--quick" in sys.argv, progress=lambda _: None)
    rates = []
    for rate in measured(wishes, only):
        rates.append(rate)
        verdict = "  TOO OFTEN" if rate.case.wrong and rate.percent > MOST_WRONG else ""
        shown = f"{rate.case.slug:22} {rate.kind:6} {rate.percent:5.1f} % of {rate.runs:4}  {rate.case.what}{verdict}"
        print(shown, flush=True)
    if not wishes.quick:
        kept = _kept(PAGE.read_text(encoding="utf-8"), only) if only else ()
        PAGE.write_text(page([*kept, *rates]), encoding="utf-8")


if __name__ == "__main__":
    main()
