"""Single parts: start of the command line, finding metrics, storing readings, building a report."""

import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import collector
from experiments import COMMANDS, experiment, text
from lines import Line, Wishes, apart
from processes import kagit, usage

from kagit.findings import has_errors
from repo_layout import lint
from reports.contract import ReportData

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"^(  name: ).*$", re.MULTILINE)


def start_up(wishes: Wishes) -> Iterator[Line]:
    """`kagit validate` on one good file against an empty Python."""
    with tempfile.TemporaryDirectory(prefix="kagit-bench-") as place:
        directory = Path(place)
        file = directory / "bench.yaml"
        file.write_text(text(experiment("bench", command=COMMANDS["sh"], trials=3)))
        validate: list[float] = []
        nothing: list[float] = []
        for number in range(wishes.of(15, 5)):
            wishes.progress(f"kagit validate, round {number + 1}")
            validate.append(usage(kagit("validate", file), directory=directory).seconds)
            nothing.append(usage([sys.executable, "-c", "pass"], directory=directory).seconds)
    yield Line(
        name="kagit validate, start to end",
        value=statistics.median(validate),
        unit="s",
        most=0.3,
        about=f"{apart(validate)}; python -c pass {statistics.median(nothing):.3f} s",
    )


def validating(wishes: Wishes) -> Iterator[Line]:
    """`kagit validate` on a folder of manifests as people write them, start included, in a process that knows none."""
    models = sorted((ROOT / "examples").glob("*/experiments/*.yaml"))
    models += sorted(Path(os.environ.get("KAGIT_CORPUS") or ROOT.parent / "shared" / "corpus").rglob("*.yaml"))
    models = [model for model in models if not has_errors(lint.check([model]).findings)]
    texts = [model.read_text(encoding="utf-8") for model in models]
    count = wishes.of(1000, 200)
    with tempfile.TemporaryDirectory(prefix="kagit-bench-") as place:
        directory = Path(place)
        size = 0
        for number in range(count):
            named = _NAME.sub(f"\\g<1>bench-{number}", texts[number % len(texts)], count=1)
            size += (directory / f"{number:04}.yaml").write_text(named, encoding="utf-8")
        seconds: list[float] = []
        for number in range(wishes.of(5, 3)):
            wishes.progress(f"kagit validate on {count} files, round {number + 1}")
            seconds.append(usage(kagit("validate", directory), directory=directory).cpu)
    yield Line(
        name=f"kagit validate, {count:,} files",
        value=count / statistics.median(seconds),
        unit="/s CPU",
        least=300,
        about=f"{apart([count / one for one in seconds])}; {len(models)} different, {size / count / 1000:.1f} kB each",
    )


def collecting(wishes: Wishes) -> Iterator[Line]:
    """Metric lines found by the collector and by the bare pattern."""
    for share, least in ((0.22, 100), (0.008, 250)):
        wishes.progress(f"collector, {share:.1%} metric lines")
        data = collector.log(wishes.of(16, 4) << 20, share)
        ours, readings = collector.speed(collector.streamed, data)
        regex, pairs = collector.speed(collector.plain, data)
        if sorted(pairs) != sorted((one.metric, one.text) for one in readings):
            sys.exit("the two ways do not find the same")
        yield Line(
            name=f"collector, {share:.1%} metric lines",
            value=ours,
            unit="MB/s CPU",
            least=least,
            about=f"{len(readings):,} readings; the bare pattern {regex:.0f} MB/s",
        )
    wishes.progress("collector, JSON lines and event files")
    data = collector.json_log(wishes.of(16, 4) << 20)
    ours, readings = collector.speed(collector.json_lines, data)
    plain, _ = collector.speed(collector.plain_json, data)
    yield Line(
        name="collector, JSON lines, 20.0% with metrics",
        value=ours,
        unit="MB/s CPU",
        about=f"{len(readings):,} readings; json.loads on every line {plain:.0f} MB/s",
    )
    data = collector.event_log(wishes.of(4, 1) << 20)
    ours, readings = collector.speed(collector.event_file, data)
    yield Line(
        name="collector, event file, half of the scalars are metrics",
        value=ours,
        unit="MB/s CPU",
        about=f"{len(readings):,} readings, {ours / len(data) * 1e6 * len(readings):,.0f} a second",
    )


def storing(wishes: Wishes) -> Iterator[Line]:
    """Readings into DuckDB until they are durable: long curves, and one reading per trial."""
    from reconciler.adapters.clock import SystemClock
    from reconciler.adapters.store_duckdb import DuckStore
    from reconciler.ports import Reading

    chance = random.Random(1)
    for trials, steps in ((wishes.of(1000, 100), 1000), (wishes.of(10_000, 1000), 1)):
        wishes.progress(f"store, {trials} x {steps}")
        rows = [
            [Reading(f"default/bench-1-{n:04}", "loss", step, "", x, repr(x)) for step in range(steps)]
            for n in range(trials)
            for x in (chance.random(),)
        ]
        with tempfile.TemporaryDirectory(prefix="kagit-bench-") as place:
            store = DuckStore(Path(place) / "readings.duckdb", clock=SystemClock())
            begin, cpu = time.perf_counter(), time.process_time()
            for number, piece in enumerate(rows):
                store.append(piece, cursors={piece[0].trial: number + 1})
            store.flush()
            seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
            store.close()
        yield Line(
            name=f"store, {trials:,} trials of {steps:,} readings",
            value=trials * steps / seconds,
            unit="rows/s",
            about=f"{trials * steps / cpu:,.0f} per CPU second, in appends of {steps}, durable at the end",
        )


def reporting(wishes: Wishes) -> Iterator[Line]:
    """All files of the report of one experiment."""
    from reports import site

    for count in (1000, wishes.of(10_000, 2000)):
        data = _finished(count)
        wishes.progress(f"report of {count} trials")
        files, seconds = {}, []
        for _ in range(wishes.of(3, 1)):
            begin = time.process_time()
            files = site.build(data)
            seconds.append(time.process_time() - begin)
        yield Line(
            name=f"report of {count:,} trials",
            value=statistics.median(seconds),
            unit="s CPU",
            about=f"{apart(seconds)}; {len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB",
        )


def _finished(count: int) -> ReportData:
    """An experiment with so many succeeded trials."""
    from kagit.objective import Metric
    from kagit.trial import Phase, Trial
    from repo_layout import read

    file = text(experiment("bench", command=COMMANDS["sh"], trials=count)).encode()
    spec = read.file("bench.yaml", file).experiments[0].experiment
    chance = random.Random(1)
    trials: list[Trial] = []
    for index in range(count):
        loss, at = f"{chance.random():.6f}", f"2026-01-01T{index // 3600:02}:{index // 60 % 60:02}:{index % 60:02}Z"
        trials.append(
            Trial(
                name=f"bench-1-{index:04}",
                run=1,
                index=index,
                point={"x": f"{chance.random():.12f}"},
                phase=Phase.SUCCEEDED,
                reason="TrialSucceeded",
                started=at,
                finished=at,
                observation=(Metric(name="loss", min=loss, max=loss, latest=loss),),
            )
        )
    best = min(trials, key=lambda one: float(one.observation[0].latest))
    return ReportData(
        experiment=spec,
        status="Succeeded",
        reason="ExperimentMaxTrialsReached",
        message="",
        run=1,
        trials=tuple(trials),
        best=best.name,
    )
