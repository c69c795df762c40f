"""`kagit report-metric`: what a trial says is in the collector's file, whole, whoever else reports at the same time."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from reconciler.core.json_lines import JsonLines
from tests.cli.support import KAGIT, environment, kagit

HEAVY = (
    "duckdb",
    "optuna",
    "jinja2",
    "git",
    "yaml",
    "rich",
    "sqlite3",
    "numpy",
    "reconciler.ports",
    "reconciler.wiring",
)


@pytest.fixture
def file(here, monkeypatch):
    path = here / "m" / "pushed.jsonl"
    monkeypatch.setenv("KAGIT_METRICS_FILE", str(path))
    return path


def test_values_are_one_line_with_one_time_and_their_texts(cli, file):
    done = cli("report-metric", "loss=0.50", "val/acc = 1e-3", "a=b=nan")
    assert (done.code, done.out, done.err) == (0, "", "")
    line = json.loads(file.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {"loss": "0.50", "val/acc": "1e-3", "a=b": "nan"}


@pytest.mark.parametrize(
    ("given", "time"),
    [
        ("2024-03-04T17:55:08.5+01:00", "2024-03-04T17:55:08.5+01:00"),
        ("1638422847.25", "2021-12-02T05:27:27.25Z"),
        ("1638422847250", "2021-12-02T05:27:27.25Z"),
    ],
)
def test_the_time_may_be_given(cli, file, given, time):
    assert cli("report-metric", "loss=1", "--timestamp", given).code == 0
    assert json.loads(file.read_text())["timestamp"] == time


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["loss"], "'loss' has no name; give NAME=VALUE"),
        (["=1"], "has no name"),
        (["loss="], "loss is '', which is no number; give one, e.g. loss=0.5"),
        (["loss=abc"], "which is no number"),
        (["loss=1_0"], "which is no number"),
        (["loss=٣"], "which is no number"),
        (["loss=1", "loss=2"], "given twice"),
        (["timestamp=1"], "give the time with --timestamp"),
        (["loss=1", "--timestamp", "yesterday"], "give RFC 3339"),
        (["acc=1", "loss=abc"], "which is no number"),
    ],
)
def test_what_cannot_be_reported_is_refused_and_nothing_is_written(cli, file, args, words):
    done = cli("report-metric", *args)
    assert (done.code, file.exists()) == (1, False)
    assert words in done.err


def test_outside_of_a_trial_and_with_another_collector_it_says_what_to_do(cli, monkeypatch):
    monkeypatch.delenv("KAGIT_METRICS_FILE", raising=False)
    monkeypatch.delenv("KATIB_TRIAL_NAME", raising=False)
    assert "no trial runs here" in cli("report-metric", "loss=0.5").err
    monkeypatch.setenv("KATIB_TRIAL_NAME", "mnist-1-0001")
    done = cli("report-metric", "loss=0.5")
    assert done.code == 1
    assert "collector of trial mnist-1-0001 does not take reports; let the trial print loss=0.5" in done.err


@pytest.mark.parametrize("place", ["/dev/full", "/proc/nothing/here", "."])
def test_a_file_that_cannot_be_written_is_named(cli, place):
    done = cli("report-metric", "loss=1", "--file", place)
    assert done.code == 1
    assert f"{place} cannot be written" in done.err
    assert "nothing was reported" in done.err


def test_half_a_line_is_taken_back(cli, file, monkeypatch):
    assert cli("report-metric", "loss=1").code == 0
    before, write = file.read_bytes(), os.write
    with monkeypatch.context() as patched:
        patched.setattr("reconciler.commands.report_metric.os.write", lambda to, data: write(to, data[:5]))
        done = cli("report-metric", "loss=2")
    assert (done.code, file.read_bytes()) == (1, before)
    assert "No space left" in done.err


def test_many_at_once_write_whole_lines(here, file):
    many = 12
    names = [f"metric-{'x' * 5000}-{number}" for number in range(many)]
    command = [*KAGIT, "report-metric"]
    started = [subprocess.Popen([*command, f"{name}=1"], cwd=here, env=environment()) for name in names]
    assert [one.wait(60) for one in started] == [0] * many
    parser = JsonLines(trial="ns/t", metrics=names)
    found = parser.feed(file.read_bytes())
    assert (sorted(one.metric for one in found), parser.rejected) == (sorted(names), 0)


def test_one_that_is_killed_leaves_whole_lines(here, file):
    deaths = 0
    for number in range(10):
        with subprocess.Popen([*KAGIT, "report-metric", f"loss={number}"], cwd=here, env=environment()) as process:
            time.sleep(0.008 * number)
            process.send_signal(signal.SIGKILL)
            deaths += process.wait() != 0
    parser = JsonLines(trial="ns/t", metrics=["loss"])
    parser.feed(file.read_bytes() if file.exists() else b"")
    assert (parser.rejected, parser.consumed) == (0, file.stat().st_size if file.exists() else 0)
    assert deaths


def test_it_imports_next_to_nothing(here, file):
    code = "import sys; from reconciler.cli import main; main(['report-metric', 'loss=1']); print(*sys.modules)"
    done = subprocess.run(
        [KAGIT[0], "-P", "-c", code], env=environment(), cwd=here, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert [name for name in HEAVY if name in loaded] == []
    assert kagit("report-metric", "loss=2", cwd=here).returncode == 0
    assert file.read_text().count("\n") == 2
