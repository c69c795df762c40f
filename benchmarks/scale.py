"""What an experiment costs as it grows: CPU per trial, memory, the report, the restart."""

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import repositories
from experiments import COMMANDS, experiment, text
from lines import Line, Wishes, apart
from processes import Usage, kagit, script, usage

WINDOW = 500
EARLY, LATE = 500, 5000
MANY = 10_000
MOST_MEGABYTES = 250.0


def cost(wishes: Wishes) -> Iterator[Line]:
    """CPU per trial around 500 and around 5,000 finished trials."""
    late = wishes.of(LATE, 2000)
    early_ms: dict[str, list[float]] = {"reconciler": [], "keeper": []}
    late_ms: dict[str, list[float]] = {"reconciler": [], "keeper": []}
    for number in range(wishes.of(2, 1)):
        wishes.progress(f"{late + WINDOW // 2} trials, round {number + 1}")
        marks = script("ways.py", "engine", "sh", late + WINDOW)["marks"]
        for column, what in enumerate(("reconciler", "keeper"), start=1):
            early_ms[what].append(_per_trial(marks, EARLY, column))
            late_ms[what].append(_per_trial(marks, late, column))
    for what in ("reconciler", "keeper"):
        ratios = [after / before for before, after in zip(early_ms[what], late_ms[what], strict=True) if before]
        yield Line(
            name=f"{what} CPU per trial at {late:,} / at {EARLY} finished",
            value=statistics.median(ratios) if ratios else 0.0,
            unit="x",
            most=1.2 if what == "reconciler" and not wishes.quick else None,
            about=f"{apart(ratios)}; at {EARLY} {statistics.median(early_ms[what]):.2f} ms, "
            f"at {late:,} {statistics.median(late_ms[what]):.2f} ms (±{WINDOW // 2} trials)",
        )


def _per_trial(marks: Sequence[Any], around: int, column: int) -> float:
    """Milliseconds per trial between half a window before and half a window after."""
    before = next(mark for mark in marks if mark[0] >= around - WINDOW // 2)
    after = next(mark for mark in marks if mark[0] >= around + WINDOW // 2)
    return 1000 * (after[column] - before[column]) / (after[0] - before[0])


def memory(wishes: Wishes) -> Iterator[Line]:
    """A real `kagit reconcile` with 10,000 trials, from the push to the pushed report, and its restart."""
    trials = wishes.of(MANY, 1000)
    wishes.progress(f"kagit reconcile with {trials:,} trials, and its restart")
    found = script("scale.py", trials)
    first, again = Usage(*found["first"]), Usage(*found["again"])
    target = None if wishes.quick else MOST_MEGABYTES
    yield Line(
        name=f"peak memory of kagit reconcile, {trials:,} trials",
        value=first.peak,
        unit="MB",
        most=target,
        about=f"from the push to the pushed report of {found['report'] / 1e6:.1f} MB; {first.seconds:.0f} s, "
        f"{trials / first.seconds:.0f} trials/s over all",
    )
    yield Line(
        name=f"peak memory after a restart on {trials:,} finished trials",
        value=again.peak,
        unit="MB",
        most=target,
        about=f"the whole command takes {again.seconds:.1f} s, {again.cpu:.1f} s of CPU",
    )


def main() -> None:
    """Run the same reconcile twice; a small process does it, because a child's peak starts at its parent's."""
    trials, directory = int(sys.argv[1]), Path(sys.argv[2])
    manifest = text(experiment("bench", command=COMMANDS["sh"], trials=trials))
    repo = repositories.made(directory, {"experiments/bench.yaml": manifest})
    command = kagit("reconcile", "--repo", repo, "--once", "--state", directory / "state", "--slots", 2)
    first, again = usage(command, directory=directory), usage(command, directory=directory)
    print(json.dumps({"first": first, "again": again, "report": repositories.size(repo, "reports")}))


if __name__ == "__main__":
    main()
