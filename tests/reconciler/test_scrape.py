"""The scraper of a trial's Prometheus endpoint: a process of its own against a real HTTP server."""

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.keeper import scrape
from reconciler.core.json_lines import JsonLines

SCRIPT = Path(scrape.__file__)
PATIENCE = 20.0


class Endpoint:
    """Serves what `answer` says, and counts."""

    def __init__(self) -> None:
        self.answer: bytes = b""
        self.status = 200
        self.asked = 0
        self.slow = False
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                endpoint.asked += 1
                self.send_response(endpoint.status)
                self.end_headers()
                if endpoint.slow:
                    endpoint.over.wait(PATIENCE)
                self.wfile.write(endpoint.answer)

            def log_message(self, *_):
                pass

        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint():
    made = Endpoint()
    yield made
    made.close()


def readings(file: Path, *metrics: str) -> list[tuple[str, str, str]]:
    parser = JsonLines(trial="ns/t", metrics=metrics)
    found = parser.feed(file.read_bytes() if file.exists() else b"") + parser.finish()
    assert parser.rejected == 0
    return [(one.metric, one.text, one.time) for one in found]


def eventually(check) -> None:
    until = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < until
        time.sleep(0.01)


ANSWER = b"""\
# HELP loss The loss
# TYPE loss gauge
loss 0.5
loss{step="3"} 0.25 1700000000500
loss{ step = "4" , phase="a \\"b\\" }" } 1e-3 1700000001
loss_total 7
val_loss 8
  accuracy  +Inf
nothing NaN
broken abc
broken
{x="1"} 3
with_exemplar_total{a="b"} 17 1700000000.25 # {trace="x"} 1.0
# EOF
"""


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("loss", ["0.5", "0.25", "1e-3"]),
        ('loss{step="3"}', ["0.25"]),
        ('loss{phase="a \\"b\\" }",step="4"}', ["1e-3"]),
        ("loss{}", ["0.5"]),
        ('loss{step="9"}', []),
        ("loss_total", ["7"]),
        ("accuracy", ["+Inf"]),
        ("nothing", ["NaN"]),
        ("broken", []),
        ("with_exemplar_total", ["17"]),
        ("los", []),
        ("a b", []),
    ],
)
def test_which_samples_are_which_metric(endpoint, tmp_path, metric, values):
    endpoint.answer = ANSWER
    scraper = scrape.Scraper(endpoint.url, str(tmp_path / "out.jsonl"), [metric])
    scraper.look()
    scraper.look()
    assert [text for _, text, _ in readings(tmp_path / "out.jsonl", metric)] == values


def test_times_of_samples_are_kept_and_others_have_the_time_of_the_look(endpoint, tmp_path):
    endpoint.answer = ANSWER
    scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss", "with_exemplar_total"]).look()
    times = [time for _, _, time in readings(tmp_path / "out", "loss", "with_exemplar_total")]
    assert times[1:] == ["2023-11-14T22:13:20.500Z", "2023-11-14T22:13:21.000Z", "2023-11-14T22:13:20.250Z"]
    assert times[0] > "2023-12"


def test_only_what_changed_is_written(endpoint, tmp_path):
    scraper = scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss"])
    for value in (b"1", b"1", b"2", b"1", b"NaN", b"NaN", b"1 1700000000", b"1 1700000001"):
        endpoint.answer = b"loss " + value + b"\n"
        scraper.look()
    assert [text for _, text, _ in readings(tmp_path / "out", "loss")] == ["1", "2", "1", "NaN", "1", "1"]


@pytest.mark.parametrize("answer", [b"", b"\xff\xfe\x00" * 50, b"loss", b"loss{" * 1000, b'loss{a="' + b"\\" * 999])
def test_any_answer_does_no_harm(endpoint, tmp_path, answer, capsys):
    endpoint.answer = answer
    scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss"]).look()
    assert not (tmp_path / "out").exists()
    assert capsys.readouterr().err == ""


def test_an_endless_answer_is_cut_at_a_line(endpoint, tmp_path):
    endpoint.answer = b"loss 1\n" + b"other 123456\n" * 200_000 + b"loss 2\n"
    scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss"]).look()
    assert [text for _, text, _ in readings(tmp_path / "out", "loss")] == ["1"]


def test_trouble_is_told_once_and_looked_past(endpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scrape, "TIMEOUT", 0.05)
    scraper = scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss"])
    endpoint.status = 503
    scraper.look()
    scraper.look()
    assert capsys.readouterr().err.count("503") == 1
    endpoint.status, endpoint.slow = 200, True
    scraper.look()
    assert "timed out" in capsys.readouterr().err
    endpoint.slow, endpoint.answer = False, b"loss 1\n"
    monkeypatch.setattr(scrape, "TIMEOUT", PATIENCE)
    scraper.look()
    assert [text for _, text, _ in readings(tmp_path / "out", "loss")] == ["1"]


def test_what_a_full_disk_has_cut_is_written_at_the_next_look(endpoint, tmp_path, capsys, monkeypatch):
    endpoint.answer = b"loss 1\n"
    real, room = scrape.os.write, [5]
    monkeypatch.setattr(scrape.os, "write", lambda to, data: real(to, data[: room.pop()] if room else data))
    scraper = scrape.Scraper(endpoint.url, str(tmp_path / "out"), ["loss"])
    scraper.look()
    assert "No space left" in capsys.readouterr().err
    assert (tmp_path / "out").read_bytes() == b""
    scraper.look()
    assert [text for _, text, _ in readings(tmp_path / "out", "loss")] == ["1"]


def test_the_process_waits_for_the_server_and_looks_once_more_at_its_end(endpoint, tmp_path):
    file = tmp_path / "deep" / "scraped.jsonl"
    command = [sys.executable, "-I", "-S", str(SCRIPT), endpoint.url, str(file), "0.05", "loss", 'loss{a="b"}']
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: endpoint.asked > 1)
        endpoint.answer = b'loss 1\nloss{a="b"} 5\n'
        eventually(lambda: file.exists() and file.read_bytes().count(b"\n") == 3)
        process.send_signal(signal.SIGTERM)
        asked = endpoint.asked
        assert (process.wait(PATIENCE), process.stderr.read()) == (0, "")
        assert endpoint.asked > asked
    assert [(metric, text) for metric, text, _ in readings(file, "loss", 'loss{a="b"}')] == [
        ("loss", "1"),
        ("loss", "5"),
        ('loss{a="b"}', "5"),
    ]
    assert all(set(json.loads(line)) <= {"timestamp", "loss", 'loss{a="b"}'} for line in file.read_text().splitlines())


def test_a_refused_connection_is_normal_until_the_server_is_there(tmp_path):
    late = Endpoint()
    url = late.url
    late.close()
    command = [sys.executable, "-I", "-S", str(SCRIPT), url, str(tmp_path / "out"), "0.01", "loss"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert "refused" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
