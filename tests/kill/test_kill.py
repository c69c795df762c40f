"""A real `kagit reconcile` process is killed at fifty moments of a real experiment, and nobody can tell afterwards."""

import collections
import functools
import itertools
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import (
    Origin,
    background,
    environment,
    eventually,
    kagit,
    lines,
    manifest,
    none_left,
    processes,
    sh,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

TRIALS, KILLS, SEEDS = 20, 10, range(5)
STAGES = ("start-up", "running", "reporting")
SCRIPT = """echo "start $KATIB_TRIAL_NAME ${trialParameters.rate}" >> "$LEDGER"
echo loss=3; sleep 0.15; echo loss=2
if [ -e "$HOLD" ]; then echo "hold $KATIB_TRIAL_NAME" >> "$LEDGER"; while [ -e "$HOLD" ]; do sleep 0.02; done; fi
echo loss=${trialParameters.rate}
echo "end $KATIB_TRIAL_NAME" >> "$LEDGER"
"""
# Every push takes a moment, and whoever waits to kill in the middle of one is told that it has begun.
HOOK = """#!/bin/sh
echo push >> "{pushes}"
sleep 0.05
"""


class Scene:
    """One experiment in a repository of its own, with the trials' own ledger."""

    def __init__(self, place: Path) -> None:
        self.place, self.ledger, self.pushes = place, place / "ledger.txt", place / "pushes.txt"
        self.hold = place / "hold"
        self.origin = Origin(place)
        self.env = {"LEDGER": str(self.ledger), "HOLD": str(self.hold)}
        self.arguments = ("reconcile", "--repo", self.origin.url, "--once", "--state", place / "state", "--slots", "2")
        self.commit = self.origin.push(
            {
                ".kagit.yaml": "reports: {interval: 1s}\n",
                "experiments/walk.yaml": manifest("walk", sh(SCRIPT), trials=TRIALS),
            }
        )
        hook = self.origin.bare / "hooks" / "pre-receive"
        hook.write_text(HOOK.format(pushes=self.pushes))
        hook.chmod(0o755)

    def finish(self) -> None:
        done = kagit(*self.arguments, cwd=self.place, **self.env)
        assert done.returncode == 0, done.stderr

    def readings(self) -> list[tuple[str, int, float]]:
        """What the store holds of each trial's last attempt."""
        sql = (
            "SELECT trial, step, value FROM readings WHERE metric = 'loss' "
            "QUALIFY attempt = max(attempt) OVER (PARTITION BY trial) ORDER BY ALL"
        )
        done = kagit("query", sql, "--output", "json", "--state", self.place / "state", cwd=self.place)
        return [(one["trial"], one["step"], one["value"]) for one in json.loads(done.stdout)]

    def report(self) -> dict[str, str]:
        """The report tree, with times, durations, commit ids and the repository's place made equal.

        Without its checks: which trials took long, and how well the slots were used, is another matter after each kill.
        """
        return {name: self._timeless(text) for name, text in self.origin.files().items()}

    def _timeless(self, text: str) -> str:
        text = text.replace(str(self.place), "PLACE").replace(self.commit, "COMMIT").replace(self.commit[:12], "COMMIT")
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?Z| UTC)?", "TIME", text)
        text = re.sub(r"\b\d+(\.\d+)? s\b", "DURATION", text)
        text = re.sub(
            r"## Checks\n.*?(?=\n## )|<section aria-labelledby=\"checks\">.*?</section>", "", text, flags=re.DOTALL
        )
        return re.sub(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{12}\b|\b[0-9a-f]{7}\b", "ID", text)


@functools.cache
def undisturbed() -> tuple[dict[str, str], list[tuple[str, int, float]]]:
    """Report and readings of a run that nobody disturbs."""
    with tempfile.TemporaryDirectory(prefix="kagit-kill-") as place:
        scene = Scene(Path(place))
        scene.finish()
        return scene.report(), scene.readings()


def moment(scene: Scene, stage: str, chance: random.Random, alive: Callable[[], bool]) -> None:
    """Wait for the moment to kill: at any time of the start, of the trials or of a push."""
    delay = chance.uniform(0.0, {"start-up": 0.9, "running": 0.2, "reporting": 0.12}[stage])
    if stage != "start-up":
        path = scene.ledger if stage == "running" else scene.pushes
        before = len(lines(path))
        eventually(lambda: not alive() or len(lines(path)) > before, f"nothing new in {path}")
    end = time.monotonic() + delay
    while time.monotonic() < end and alive():
        time.sleep(0.002)


def disturb(scene: Scene, seed: int) -> collections.Counter[str]:
    """Kill and restart; what was hit, by stage."""
    chance, hit = random.Random(seed), collections.Counter[str]()
    for number in itertools.count():
        if hit.total() == KILLS:
            return hit
        stage = STAGES[number % len(STAGES)] if len(lines(scene.ledger)) < 2 * TRIALS else "start-up"
        with background(*scene.arguments, cwd=scene.place, **scene.env) as process:
            moment(scene, stage, chance, lambda: process.poll() is None)
            if process.poll() is None:
                process.kill()
                process.wait()
                hit[stage] += 1
    raise AssertionError


def judge(scene: Scene) -> None:
    """The same trials, points, readings and report as undisturbed; each trial completed once; no process left."""
    report, readings = undisturbed()
    told = [line.split() for line in lines(scene.ledger)]
    ends = collections.Counter(words[1] for words in told if words[0] == "end")
    assert ends == dict.fromkeys([f"walk-1-{index:04d}" for index in range(TRIALS)], 1)
    points = {words[1]: words[2] for words in told if words[0] == "start"}
    assert points == {row["trial"]: row["rate"] for row in scene.origin.trials("walk")}
    assert scene.readings() == readings
    assert len(readings) == 3 * TRIALS
    found = scene.report()
    assert found.keys() == report.keys()
    for name in found:
        assert found[name] == report[name], name
    none_left(scene.place)


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_kills_change_nothing(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
):
    scene = Scene(tmp_path)
    hit = disturb(scene, seed)
    assert hit.total() == KILLS
    scene.finish()
    starts = sum(line.startswith("start") for line in lines(scene.ledger))
    commits = len(scene.origin.log()) - 1
    said = ", ".join(f"{hit[stage]} at {stage}" for stage in STAGES)
    said = f"killed {hit.total()} times: {said}; {starts} starts of {TRIALS} trials, {commits} report commits"
    record_property("kills", said)
    with capsys.disabled():
        print(f"\n{said}")  # noqa: T201 - whoever runs it alone wants to see
    assert starts == TRIALS  # what ran on without its reconciler was found again
    judge(scene)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_end_stops_every_trial_and_loses_nothing(tmp_path: Path, number: signal.Signals):
    scene = Scene(tmp_path)
    with background(*scene.arguments, cwd=tmp_path, **scene.env) as process:
        eventually(lambda: len(lines(scene.ledger)) >= 7, "trials run")
        scene.hold.touch()
        eventually(lambda: "".join(lines(scene.ledger)).count("hold") == 2, "two trials wait in their middle")
        process.send_signal(number)
        assert process.wait(timeout=30) == 130
    assert "interrupted" in (tmp_path / "err.txt").read_text()
    assert processes(str(scene.place)) == []
    scene.hold.unlink()
    scene.finish()
    judge(scene)


def test_an_early_interrupt_is_as_polite(tmp_path: Path):
    """While modules are loaded, too: no traceback, and nothing left."""
    scene = Scene(tmp_path)
    code = (
        "import signal, sys; from reconciler.cli import main\n"
        "class Late:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'reconciler.shell.loop': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Late())\n"
        f"sys.exit(main({[str(one) for one in scene.arguments]!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=environment(**scene.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    none_left(scene.place)
