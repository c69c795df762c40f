"""How fast metric lines are found, in MB per CPU second: `python benchmarks/collector.py [MiB]`."""

import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.core.event_file import EventFile
from reconciler.core.incremental import Incremental
from reconciler.core.json_lines import JsonLines
from reconciler.core.readings import DEFAULT_FILTER, Parser
from reconciler.ports import Reading

METRICS = ("loss", "accuracy")


def log(size: int, share: float) -> bytes:
    """About `size` bytes of output of which `share` of the lines carry metrics, as a training script prints it."""
    chance = random.Random(f"log:{size}:{share}")
    words = ["step", "batch", "loaded", "cache", "worker", "epoch", "device", "shard", "INFO", "optimizer", "gradient"]
    lines: list[str] = []
    written = 0
    while written < size:
        if chance.random() < share:
            line = f"epoch {len(lines)} loss={chance.random():.6f} accuracy={chance.random():.4f} lr=0.001 (batch 32)"
        else:
            line = " ".join(chance.choices(words, k=14)) + f" {chance.random():.5f}"
        lines.append(line)
        written += len(line) + 1
    return ("\n".join(lines) + "\n").encode()


def plain(data: bytes) -> list[tuple[str, str]]:
    """The pattern over everything, which is what it means."""
    return [(m[1], m[2]) for m in re.finditer(DEFAULT_FILTER, data.decode(), re.ASCII) if m[1] in METRICS]


def by_line(data: bytes) -> list[tuple[str, str]]:
    """Katib's way: the pattern on every line that contains the name of a metric."""
    pattern = re.compile(DEFAULT_FILTER, re.ASCII)
    pairs: list[tuple[str, str]] = []
    for line in data.decode().split("\n"):
        if any(name in line for name in METRICS):
            pairs += [(m[1], m[2]) for m in pattern.finditer(line) if m[1] in METRICS]
    return pairs


def streamed(data: bytes) -> list[Reading]:
    """Ours, fed as an executor feeds it."""
    return fed(Parser(trial="bench/trial", metrics=METRICS), data)


def json_log(size: int) -> bytes:
    """About `size` bytes of JSON lines, every fifth with metrics, as a training script writes them."""
    chance = random.Random(f"json:{size}")
    lines: list[str] = []
    written = 0
    while written < size:
        line = {"timestamp": 1_700_000_000 + len(lines) / 10, "level": "INFO", "step": len(lines), "lr": 0.001}
        if len(lines) % 5 == 0:
            line |= {"loss": chance.random(), "accuracy": chance.random()}
        lines.append(json.dumps(line))
        written += len(lines[-1]) + 1
    return ("\n".join(lines) + "\n").encode()


def event_log(size: int) -> bytes:
    """About `size` bytes of an event file as PyTorch's SummaryWriter makes it: two metrics among four scalars."""
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    with tempfile.TemporaryDirectory(prefix="kagit-bench-") as place:
        writer = EventsWriter(f"{place}/bench")
        for step in range(size // 300):
            for tag in ("loss", "accuracy", "lr", "grad_norm"):
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=1 / (step + 1))])
                writer.write_event(Event(wall_time=1_700_000_000 + step, step=step, summary=summary))
        writer.close()
        (file,) = Path(place).iterdir()
        return file.read_bytes()


def fed(parser: Incremental, data: bytes) -> list[Reading]:
    """What a parser finds, fed as an executor feeds it."""
    readings: list[Reading] = []
    for at in range(0, len(data), 1 << 20):
        readings += parser.feed(data[at : at + (1 << 20)])
    return readings + parser.finish()


def json_lines(data: bytes) -> list[Reading]:
    """Ours, on JSON lines."""
    return fed(JsonLines(trial="bench/trial", metrics=METRICS), data)


def plain_json(data: bytes) -> list[tuple[str, float]]:
    """The standard library's JSON on every line."""
    said = [json.loads(line) for line in data.splitlines()]
    return [(name, line[name]) for line in said for name in METRICS if name in line]


def event_file(data: bytes) -> list[Reading]:
    """Ours, on an event file."""
    return fed(EventFile(trial="bench/trial", metrics=METRICS, directory="/train"), data)


def speed(way: Callable[[bytes], list[Any]], data: bytes) -> tuple[float, list[Any]]:
    """MB per CPU second, best of three, and what was found."""
    best, found = 0.0, []
    for _ in range(3):
        begin = time.process_time()
        found = way(data)
        best = max(best, len(data) / 1e6 / (time.process_time() - begin))
    return best, found


def main() -> None:
    """Print one line per kind of log."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 16) << 20
    for share in (0.22, 0.008):
        data = log(size, share)
        (ours, readings), (lines, pairs), (regex, _) = (speed(way, data) for way in (streamed, by_line, plain))
        if sorted(pairs) != sorted((one.metric, one.text) for one in readings):
            sys.exit("the two ways do not find the same")
        print(
            f"collector: {share:.1%} metric lines, {len(pairs)} readings: {ours:.0f} MB/s of CPU; regex {regex:.0f} "
            f"(x{ours / regex:.1f}), regex on lines with a name {lines:.0f} (x{ours / lines:.1f})"
        )
    data = json_log(size)
    (ours, readings), (plain_speed, pairs) = speed(json_lines, data), speed(plain_json, data)
    if len(pairs) != len(readings):
        sys.exit("the two ways do not find the same")
    print(f"collector: JSON lines, {len(pairs)} readings: {ours:.0f} MB/s of CPU; json.loads {plain_speed:.0f}")
    data = event_log(size // 4)
    ours, readings = speed(event_file, data)
    rate = ours / len(data) * 1e6 * len(readings)
    print(f"collector: event file, {len(readings)} readings: {ours:.1f} MB/s of CPU, {rate:.0f} readings/s")


if __name__ == "__main__":
    main()
