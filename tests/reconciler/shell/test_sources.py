"""Files are read as they grow: over restarts, when they come late, shrink or are replaced, each reading counts once."""

import os
import socket
from pathlib import Path

import pytest

from kagit.experiment import Algorithm, Collector, Experiment, TrialTemplate
from kagit.objective import Objective, ObjectiveType
from kagit.space import Space
from reconciler.adapters.clock import ManualClock
from reconciler.adapters.executor_local import LocalExecutor
from reconciler.adapters.local_output import METRICS
from reconciler.adapters.store_memory import MemoryStore
from reconciler.shell.sources import PIECE, Sources
from tests.reconciler.events import scalar

TRIAL, WORK = "default/t-1-0000", "default.t-1-0000.1"


def spec(kind: str, **source) -> Experiment:
    return Experiment(
        namespace="default",
        name="t",
        space=Space(()),
        objective=Objective(type=ObjectiveType.MINIMIZE, metric="loss", additional=("acc",)),
        algorithm=Algorithm(name="random"),
        template=TrialTemplate(trial_spec={}),
        collector=Collector(kind=kind, source=source),
    )


def file_spec(form: str) -> Experiment:
    return spec("File", fileSystemPath={"path": "/var/log/katib/metrics.log", "kind": "File", "format": form})


EVENTS = spec("TensorFlowEvent", fileSystemPath={"path": "/train", "kind": "Directory"})


class Trial:
    """The directory of an attempt as the local engine leaves it, and a reader of it that can be started over."""

    def __init__(self, directory: Path, experiment: Experiment) -> None:
        self.experiment, self.store = experiment, MemoryStore()
        place = directory / "trials" / "default" / WORK
        place.parent.mkdir(parents=True)
        self.log = place.with_name(f"{WORK}.log")
        self.log.touch()
        self.files = self.log.with_suffix(METRICS)
        self.files.mkdir()
        self.executor = LocalExecutor(directory, clock=ManualClock(), environment={})
        self.restart()

    def restart(self) -> None:
        self.sources = Sources(self.experiment, trial=TRIAL, store=self.store)

    def read(self, *, end: bool = False) -> None:
        found = []
        while self.sources.read(found, work=WORK, executor=self.executor):
            pass
        if end:
            found += self.sources.finish()
        self.store.append(found, cursors=self.sources.cursors)

    def texts(self, metric: str = "loss") -> list[str]:
        curve = self.store.curve(TRIAL, metric)
        assert [one.step for one in curve] == list(range(len(curve)))
        return [one.text for one in curve]


@pytest.fixture
def json_trial(tmp_path):
    return Trial(tmp_path, file_spec("JSON"))


def lines(*values) -> str:
    return "".join(f'{{"loss": {value}}}\n' for value in values)


@pytest.mark.parametrize("form", ["TEXT", "JSON"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_file_that_comes_late_and_grows_in_any_pieces(tmp_path, form, restarts):
    trial = Trial(tmp_path, file_spec(form))
    trial.read()
    assert trial.store.cursors([f"{TRIAL}#metrics.log"]) == {f"{TRIAL}#metrics.log": 0}
    whole = "".join(f"loss={i}\n" if form == "TEXT" else lines(i) for i in range(20)).removesuffix("\n")
    for at in range(0, len(whole), 7):
        with (trial.files / "metrics.log").open("a") as file:
            file.write(whole[at : at + 7])
        trial.read()
        if restarts:
            trial.restart()
    trial.read(end=True)
    assert trial.texts() == [str(i) for i in range(20)]


def test_only_the_file_of_the_collector_is_read(json_trial):
    (json_trial.files / "other.log").write_text(lines(1))
    json_trial.log.write_text(lines(2))
    json_trial.read(end=True)
    assert json_trial.texts() == []
    assert json_trial.sources.note("loss") == (
        "no file /var/log/katib/metrics.log appeared; that directory of the container is $KAGIT_METRICS_DIR here, "
        "so let the command, its arguments or env name it"
    )


@pytest.mark.parametrize("restarts", [False, True])
def test_a_program_that_writes_all_its_history_again_counts_each_reading_once(json_trial, restarts):
    file = json_trial.files / "metrics.log"
    for epoch in range(1, 6):
        file.write_text("")
        json_trial.read()
        file.write_text(lines(*range(epoch)))
        json_trial.read()
        if restarts:
            json_trial.restart()
    assert json_trial.texts() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_log_that_begins_anew_counts_in_full(json_trial, restarts):
    file = json_trial.files / "metrics.log"
    file.write_text(lines(1, 2, 3))
    json_trial.read()
    if restarts:
        json_trial.restart()
    file.write_text(lines(7))
    json_trial.read()
    file.write_text(lines(7, 1))
    json_trial.read(end=True)
    assert json_trial.texts() == ["1", "2", "3", "7", "1"]


def test_a_file_that_was_replaced_by_a_longer_one_is_read_from_its_beginning(json_trial):
    file = json_trial.files / "metrics.log"
    file.write_text(lines(1, 2))
    json_trial.read()
    file.write_text(lines(5, 6, 7, 8))
    json_trial.read(end=True)
    assert json_trial.texts() == ["1", "2", "5", "6", "7", "8"]


def test_times_tell_which_readings_are_known_wherever_they_stand(json_trial):
    def at(*seconds):
        return "".join(f'{{"timestamp": {second}, "loss": 1}}\n' for second in seconds)

    file = json_trial.files / "metrics.log"
    file.write_text(at(1, 2, 3))
    json_trial.read()
    file.write_text(at(3))
    json_trial.read()
    file.write_text(at(3, 4))
    json_trial.read()
    assert [one.time[17:] for one in json_trial.store.curve(TRIAL, "loss")] == ["01Z", "02Z", "03Z", "04Z"]


def test_a_file_that_is_gone_for_a_moment_is_read_on(json_trial):
    file = json_trial.files / "metrics.log"
    file.write_text(lines(1))
    json_trial.read()
    file.unlink()
    json_trial.read()
    file.write_text(lines(1, 2))
    json_trial.read()
    assert json_trial.texts() == ["1", "2"]


def test_a_file_larger_than_a_piece(json_trial):
    count = 2 * PIECE // len(lines("123456"))
    (json_trial.files / "metrics.log").write_text(lines(*range(100_000, 100_000 + count)))
    json_trial.read()
    assert json_trial.texts() == [str(100_000 + i) for i in range(count)]


def test_what_cannot_be_used_is_told(json_trial):
    (json_trial.files / "metrics.log").write_text("loss=0.5\n" * 3)
    json_trial.read(end=True)
    assert json_trial.sources.note("loss") == (
        "/var/log/katib/metrics.log has no line like `{\"loss\": 0.5}`, and 3 lines could not be used, first 'loss=0.5'"
    )


@pytest.mark.parametrize("what", ["link", "directory", "pipe", "socket"])
def test_what_is_no_file_is_not_read_and_nobody_waits_for_it(json_trial, tmp_path, what, monkeypatch):
    monkeypatch.chdir(json_trial.files)
    (tmp_path / "secret").write_text(lines(1))
    with socket.socket(socket.AF_UNIX) as plug:
        match what:
            case "link":
                Path("metrics.log").symlink_to(tmp_path / "secret")
            case "directory":
                Path("metrics.log").mkdir()
            case "pipe":
                os.mkfifo("metrics.log")
            case _:
                plug.bind("metrics.log")
        json_trial.read(end=True)
    assert (json_trial.texts(), json_trial.sources.note("loss")[:8]) == ([], "no file ")


@pytest.mark.parametrize("restarts", [False, True])
def test_event_files_of_a_tree_share_one_numbering(tmp_path, restarts):
    trial = Trial(tmp_path, EVENTS)
    for folder in ("a", "b/c"):
        (trial.files / folder).mkdir(parents=True)
    names = ["a/events.out.tfevents.2.host", "events.out.tfevents.1.host", "b/c/x.tfevents"]
    for step in range(6):
        with (trial.files / names[step % 3]).open("ab") as file:
            file.write(scalar("loss", float(step), step=step) + scalar("lr", 1.0)[:20])
        (trial.files / "notes.txt").write_bytes(scalar("loss", 99.0))
        trial.read()
        with (trial.files / names[step % 3]).open("ab") as file:
            file.write(scalar("lr", 1.0)[20:])
        if restarts:
            trial.restart()
    trial.read(end=True)
    assert trial.texts() == ["0.0", "1.0", "2.0", "3.0", "4.0", "5.0"]


def test_files_of_any_name_do_no_harm(tmp_path):
    trial = Trial(tmp_path, EVENTS)
    (trial.files / ".git").mkdir()
    for name in (b"a\nb.tfevents", b"\xff.tfevents", b".git/x.tfevents", b"ok.tfevents"):
        (trial.files / os.fsdecode(name)).write_bytes(scalar("loss", 1.0))
    trial.read(end=True)
    assert trial.texts() == ["1.0"]


def test_a_directory_in_the_metrics_name_is_one_of_the_containers_paths(tmp_path):
    experiment = spec("TensorFlowEvent", fileSystemPath={"path": "/log/train", "kind": "Directory"})
    trial = Trial(tmp_path, experiment)
    trial.sources._metrics = ("train/loss", "test/loss")
    (trial.files / "test").mkdir()
    (trial.files / "1.tfevents").write_bytes(scalar("loss", 1.0))
    (trial.files / "test" / "1.tfevents").write_bytes(scalar("loss", 2.0))
    trial.read()
    assert (trial.texts("train/loss"), trial.texts("test/loss")) == (["1.0"], ["2.0"])


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("Push", "pushed.jsonl"),
        ("None", "pushed.jsonl"),
        ("Custom", "pushed.jsonl"),
        ("PrometheusMetric", "scraped.jsonl"),
    ],
)
def test_what_is_reported_or_scraped_is_json(tmp_path, kind, file):
    trial = Trial(tmp_path, spec(kind, httpGet={"port": 8080, "path": "/metrics"}))
    trial.read()
    before = trial.sources.note("loss")
    (trial.files / file).write_text('{"timestamp": "2024-03-04T17:55:08Z", "loss": "0.5"}\n')
    trial.read(end=True)
    assert (trial.texts(), trial.sources.note("loss")) == (["0.5"], "")
    ways = {"PrometheusMetric": "http://127.0.0.1:8080/metrics never had a number for loss"}
    assert before.startswith(ways.get(kind, "loss was never reported; call `kagit report-metric loss=0.5`"))


def test_output_is_read_as_ever(tmp_path):
    trial = Trial(tmp_path, spec("StdOut"))
    (trial.files / "metrics.log").write_text("loss=9\n")
    trial.log.write_text("loss=1\nlo")
    trial.read()
    trial.restart()
    trial.log.write_text("loss=1\nloss=2")
    trial.read(end=True)
    assert (trial.texts(), trial.store.cursors([TRIAL])) == (["1", "2"], {TRIAL: 13})
