"""Trials per second: the engine, a plain loop of two workers, and Optuna, with the same command in turns."""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments import COMMANDS, experiment, text
from lines import Line, Wishes, apart, spread
from processes import kagit, script, usage

TARGETS = {"sh": 0.4, "python": 0.9}
TRIALS = {"sh": 600, "python": 120}
QUICK_TRIALS = {"sh": 200, "python": 40}
OPTUNA_TRIALS = {"optuna-sqlite": 100, "optuna-journal": 300}


def against_plain(wishes: Wishes) -> Iterator[Line]:
    """The engine against the plain loop."""
    for name in TARGETS:
        trials = wishes.of(TRIALS[name], QUICK_TRIALS[name])
        plain: list[dict[str, Any]] = []
        engine: list[dict[str, Any]] = []
        for number in range(wishes.of(7, 3)):
            wishes.progress(f"{name}, round {number + 1}")
            plain.append(script("ways.py", "plain", name, trials))
            engine.append(script("ways.py", "engine", name, trials))
        yield from _compared(name, trials, plain, engine)


def _compared(
    name: str, trials: int, plain: Sequence[dict[str, Any]], engine: Sequence[dict[str, Any]]
) -> Iterator[Line]:
    ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in zip(engine, plain, strict=True)]
    rates = [[trials / one["seconds"] for one in way] for way in (engine, plain)]
    yield Line(
        name=f"engine / plain loop, trials/s, {' '.join(COMMANDS[name])}",
        value=statistics.median(ratios),
        unit="x",
        least=TARGETS[name],
        about=f"{apart(ratios)}; trials/s: engine {spread(rates[0])}, plain {spread(rates[1])}",
    )
    yield Line(
        name=f"  best round of each, {name}",
        value=max(rates[0]) / max(rates[1]),
        unit="x",
        about="what is left when others keep the machine busy",
    )
    for key, what in (("cpu", "reconciler"), ("keeper", "keeper"), ("all", "all processes")):
        values = [1000 * one[key] / trials for one in engine]
        beside = f", plain loop {spread([1000 * one['all'] / trials for one in plain])}" if key == "all" else ""
        yield Line(
            name=f"  CPU per trial, {name}: {what}",
            value=statistics.median(values),
            unit="ms",
            about=apart(values) + beside,
        )


def against_optuna(wishes: Wishes) -> Iterator[Line]:
    """The engine against Optuna's two durable storages."""
    for name in TARGETS:
        rates: dict[str, list[float]] = {"engine": [], **{way: [] for way in OPTUNA_TRIALS}}
        full = min(TRIALS[name], QUICK_TRIALS[name] * 2) if wishes.quick else TRIALS[name]
        for number in range(wishes.of(3, 1)):
            for way, values in rates.items():
                wishes.progress(f"{way}, {name}, round {number + 1}")
                trials = min(full, OPTUNA_TRIALS.get(way, full))
                values.append(trials / script("ways.py", way, name, trials)["seconds"])
        for way in OPTUNA_TRIALS:
            ratios = [ours / theirs for ours, theirs in zip(rates["engine"], rates[way], strict=True)]
            yield Line(
                name=f"engine / {way.replace('-', ' with ')} storage, trials/s, {name}",
                value=statistics.median(ratios),
                unit="x",
                about=f"{apart(ratios)}; trials/s: engine {spread(rates['engine'])}, Optuna {spread(rates[way])}",
            )


def whole_run(wishes: Wishes) -> Iterator[Line]:
    """`kagit run` from the shell: start, trials, report, end."""
    for name in TARGETS:
        trials = wishes.of(TRIALS[name], QUICK_TRIALS[name])
        wishes.progress(f"kagit run, {name}")
        with tempfile.TemporaryDirectory(prefix="kagit-bench-") as place:
            directory = Path(place)
            file = directory / "bench.yaml"
            file.write_text(text(experiment("bench", command=COMMANDS[name], trials=trials)))
            took = usage(kagit("run", file, "--slots", 2), directory=directory)
        yield Line(
            name=f"kagit run, the whole command, {trials} trials, {name}",
            value=took.seconds,
            unit="s",
            about=f"{trials / took.seconds:.0f} trials/s with start, report and end",
        )
