"""How fast metric lines are found, in MB per CPU second: `python benchmarks/collector.py [MiB]`."""

import random
import re
import sys
import time
from collections.abc import Callable
from typing import Any

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
    parser = Parser(trial="bench/trial", metrics=METRICS)
    readings: list[Reading] = []
    for at in range(0, len(data), 1 << 20):
        readings += parser.feed(data[at : at + (1 << 20)])
    return readings + parser.finish()


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


if __name__ == "__main__":
    main()
