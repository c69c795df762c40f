"""Trials per second: the engine, a plain loop of two workers, and Optuna, with the same command in turns."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lines import Line, Wishes, apart, spread
from manifests import COMMANDS, experiment, text
from processes import environment, kagit, script

TARGETS = {"python": 0.9, "sh": 0.4}
TRIALS = {"python": 200, "sh": 1000}
QUICK_TRIALS = {"python": 60, "sh": 300}
OPTUNA_TRIALS = {"optuna-sqlite": 100, "optuna-journal": 200}


def against_plain(wishes: Wishes) -> Iterator[Line]:
    """The engine against the plain loop."""
    for name in ("sh", "python"):
        trials = wishes.of(TRIALS[name], QUICK_TRIALS[name])
        rates: dict[str, list[float]] = {"plain": [], "engine": []}
        engine: list[dict[str, float]] = []
        for number in range(wishes.of(7, 3)):
            wishes.progress(f"{name}, round {number + 1}")
            for way in ("plain", "engine"):
                took = script("ways.py", way, name, trials)
                rates[way].append(trials / took["seconds"])
                if way == "engine":
                    engine.append(took)
        ratios = [ours / theirs for ours, theirs in zip(rates["engine"], rates["plain"], strict=True)]
        yield Line(
            name=f"engine / plain loop, {' '.join(COMMANDS[name])}",
            value=statistics.median(ratios),
            unit="x",
            least=TARGETS[name],
            about=f"{apart(ratios)}; trials/s: engine {spread(rates['engine'])}, plain {spread(rates['plain'])}",
        )
        for part, text_of in (("cpu", "reconciler"), ("keeper", "keeper")):
            values = [1000 * one[part] / trials for one in engine]
            yield Line(
                name=f"  {text_of} CPU per trial, {name}",
                value=statistics.median(values),
                unit="ms",
                about=apart(values),
            )


def against_optuna(wishes: Wishes) -> Iterator[Line]:
    """The engine against Optuna's two durable storages."""
    for name in ("sh", "python"):
        rates: dict[str, list[float]] = {"engine": [], **{way: [] for way in OPTUNA_TRIALS}}
        for number in range(wishes.of(3, 1)):
            wishes.progress(f"Optuna, {name}, round {number + 1}")
            for way, values in rates.items():
                trials = OPTUNA_TRIALS.get(way, wishes.of(TRIALS[name], QUICK_TRIALS[name]))
                trials = wishes.of(trials, min(trials, 60))
                values.append(trials / script("ways.py", way, name, trials)["seconds"])
        for way in OPTUNA_TRIALS:
            ratios = [ours / theirs for ours, theirs in zip(rates["engine"], rates[way], strict=True)]
            yield Line(
                name=f"engine / {way.replace('-', ' with ')}, {name}",
                value=statistics.median(ratios),
                unit="x",
                about=f"{apart(ratios)}; trials/s: engine {spread(rates['engine'])}, {way} {spread(rates[way])}",
            )


def whole_run(wishes: Wishes) -> Iterator[Line]:
    """`kagit run` from the shell: start, trials, report, end."""
    for name in ("sh", "python"):
        trials = wishes.of(TRIALS[name], QUICK_TRIALS[name])
        wishes.progress(f"kagit run, {name}")
        with tempfile.TemporaryDirectory(prefix="kagit-bench-") as directory:
            file = Path(directory) / "bench.yaml"
            file.write_text(text(experiment("bench", command=COMMANDS[name], trials=trials)))
            begin = time.perf_counter()
            subprocess.run(
                kagit("run", file, "--slots", 2),
                cwd=directory,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            seconds = time.perf_counter() - begin
        yield Line(
            name=f"kagit run, whole command, {trials} trials, {name}",
            value=seconds,
            unit="s",
            about=f"{trials / seconds:.0f} trials/s with start, report and end",
        )
