"""What each collector reads, refuses, and says where nothing was found."""

import pytest

from kagit.experiment import Collector
from reconciler.core import collectors
from reconciler.core.event_file import EventFile
from reconciler.core.json_lines import JsonLines
from reconciler.core.readings import Parser

LEFT = (
    ".git/x.tfevents",
    "a/../x.tfevents",
    "a\nb.tfevents",
    "\udcff.tfevents",
    "a/events.out.tfevents.1.host",
    "events.tfevents/notes",
    "metrics.log",
    "pushed.jsonl",
    "x.tfevents.gz",
)


def collector(kind: str, path: str = "/out/metrics.log", form: str = "TEXT", filters=()) -> Collector:
    source = {"fileSystemPath": {"path": path, "format": form}, "httpGet": {"port": 9090, "path": "/metrics"}}
    return Collector(kind=kind, source=source, filters=filters)


@pytest.mark.parametrize(
    ("kind", "form", "read", "by"),
    [
        ("StdOut", "TEXT", [""], Parser),
        ("StdOut", "JSON", [""], Parser),
        ("File", "TEXT", ["metrics.log"], Parser),
        ("File", "JSON", ["metrics.log"], JsonLines),
        ("TensorFlowEvent", "", ["a/events.out.tfevents.1.host", "x.tfevents.gz"], EventFile),
        ("PrometheusMetric", "", ["scraped.jsonl"], JsonLines),
        ("Push", "", ["pushed.jsonl"], JsonLines),
        ("None", "", ["pushed.jsonl"], JsonLines),
        ("Custom", "TEXT", ["pushed.jsonl"], JsonLines),
    ],
)
def test_what_is_read_and_how(kind, form, read, by):
    one = collector(kind, form=form)
    asked: list[int] = []
    assert list(collectors.sources(one, lambda: asked.append(1) or LEFT)) == read
    assert bool(asked) == (kind == "TensorFlowEvent"), "a directory is only listed where that is needed"
    parser = collectors.parser(one, trial="ns/t", metrics=("loss",), file=read[0])
    assert type(parser) is by


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (collector("StdOut"), ""),
        (collector("StdOut", path=".."), ""),
        (collector("File"), ""),
        (collector("TensorFlowEvent", path="/train/"), ""),
        (collector("File", path="/"), "below / in plain letters"),
        (collector("File", path="/out/.."), "without .."),
        (collector("TensorFlowEvent", path="/a/../b"), "without .."),
        (collector("File", path="/out/a\nb"), "without .."),
        (collector("Telepathy"), "use StdOut, File, "),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(one, words):
    assert (words in collectors.problem(one)) if words else collectors.problem(one) == ""


@pytest.mark.parametrize(
    ("one", "nothing", "absent"),
    [
        (collector("StdOut"), "the output has no line like `loss=0.5`", "the output has no line like `loss=0.5`"),
        (collector("StdOut", filters=("(a)=(b)",)), "to the filters in metricsFormat", "to the filters"),
        (collector("File"), "/out/metrics.log has no line like `loss=0.5`", "no file /out/metrics.log appeared; "),
        (collector("File", form="JSON"), 'no line like `{"loss": 0.5}`', "$KAGIT_METRICS_DIR"),
        (collector("TensorFlowEvent", path="/train"), "below /train has a scalar loss", "no event file appeared below"),
        (collector("PrometheusMetric"), "http://127.0.0.1:9090/metrics never had", "for as long as the trial runs"),
        (collector("Push"), "call `kagit report-metric loss=0.5`", "call `kagit report-metric loss=0.5`"),
        (collector("Custom"), "call `kagit report-metric loss=0.5`", "call `kagit report-metric loss=0.5`"),
    ],
)
def test_where_nothing_was_found_it_says_what_was_looked_for(one, nothing, absent):
    assert nothing in collectors.nothing(one, "loss")
    assert absent in collectors.absent(one, "loss")
    assert "3" in collectors.unusable(one, "loss", count=3, example="loss=x")
