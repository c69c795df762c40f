"""What each of Katib's metrics collectors means here: what is read, how it is read, and what to say where nothing is.

Push, None and Custom read what the trial, or its collector's container, reports with `kagit report-metric`;
PrometheusMetric reads what a process beside the trial has written down of the trial's HTTP endpoint.
"""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from kagit.errors import Refused
from kagit.experiment import Collector
from kagit.filetree import check_path
from kagit.shapes import at, text
from reconciler.core.event_file import EventFile
from reconciler.core.incremental import Incremental
from reconciler.core.json_lines import JsonLines
from reconciler.core.readings import Parser

OUTPUT = ""
"""The attempt's output, where others have the name of a file."""
PUSHED, SCRAPED = "pushed.jsonl", "scraped.jsonl"
KINDS = ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push", "None")
_EVENTS = "tfevents"
_HERE = "that directory of the container is $KAGIT_METRICS_DIR here, so let the command, its arguments or env name it"


def problem(collector: Collector) -> str:
    """Why a collector cannot be used at all, with the way out; empty if it can."""
    if collector.kind not in KINDS:
        return f"metrics collector {collector.kind} is unknown; use {', '.join(KINDS)}"
    path = _path(collector)
    if collector.kind in {"File", "TensorFlowEvent"} and not _is_plain(str(path).lstrip("/")):
        return f"the metrics collector's path is {str(path)!r}; name a place below / in plain letters, without .."
    return ""


def sources(collector: Collector, files: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What is read of an attempt: its output, or files among those that it has left; `files` is asked if need be."""
    match collector.kind:
        case "File":
            return (_path(collector).name,)
        case "TensorFlowEvent":
            return [file for file in files() if _EVENTS in PurePosixPath(file).name and _is_plain(file)]
        case "PrometheusMetric":
            return (SCRAPED,)
        case "Push" | "None" | "Custom":
            return (PUSHED,)
        case _:
            return (OUTPUT,)


def parser(collector: Collector, *, trial: str, metrics: Sequence[str], file: str, texts: bool = False) -> Incremental:
    """A parser for one of the sources; Refused for a filter that cannot be used.

    `texts`: what the user's filters find need not be a number.
    """
    if collector.kind == "TensorFlowEvent":
        directory = str((_path(collector) / file).parent)
        return EventFile(trial=trial, metrics=metrics, directory=directory)
    if _is_text(collector):
        return Parser(trial=trial, metrics=metrics, filters=collector.filters, texts=texts)
    return JsonLines(trial=trial, metrics=metrics)


def nothing(collector: Collector, metric: str) -> str:
    """What was looked for in vain in what was read."""
    where = "the output" if collector.kind == "StdOut" else str(_path(collector))
    if _is_text(collector):
        if collector.filters:
            return f"no line of {where} gives a number for {metric} to the filters in metricsFormat"
        return f"{where} has no line like `{metric}=0.5`"
    if collector.kind == "TensorFlowEvent":
        return f"no event file below {where} has a scalar {metric}"
    if collector.kind == "PrometheusMetric":
        return f"{_address(collector)} never had a number for {metric}"
    if collector.kind == "File":
        return f'{where} has no line like `{{"{metric}": 0.5}}`'
    return f"{metric} was never reported; call `kagit report-metric {metric}=0.5` inside the trial"


def absent(collector: Collector, metric: str) -> str:
    """What to say where nothing was there to be read."""
    match collector.kind:
        case "File":
            return f"no file {_path(collector)} appeared; {_HERE}"
        case "TensorFlowEvent":
            return f"no event file appeared below {_path(collector)}; {_HERE}"
        case "PrometheusMetric":
            return f"{_address(collector)} never had a number for {metric}; serve it for as long as the trial runs"
        case _:
            return nothing(collector, metric)


def unusable(collector: Collector, metric: str, *, count: int, example: str) -> str:
    """What to say of a metric that was only ever there without a number."""
    if _is_text(collector):
        return f"{metric} was printed {count} times without a number, first as {example!r}"
    what = "records" if collector.kind == "TensorFlowEvent" else "lines"
    return f"{nothing(collector, metric)}, and {count} {what} could not be used, first {example!r}"


def _is_plain(path: str) -> bool:
    """Whether a path may be asked for: a trial may have given its files any name."""
    try:
        check_path(path)
    except Refused:
        return False
    return True


def _is_text(collector: Collector) -> bool:
    if collector.kind == "File":
        return text(at(collector.source, "fileSystemPath", "format")) != "JSON"
    return collector.kind == "StdOut"


def _path(collector: Collector) -> PurePosixPath:
    return PurePosixPath(text(at(collector.source, "fileSystemPath", "path")))


def _address(collector: Collector) -> str:
    get = collector.source.get("httpGet")
    return f"http://127.0.0.1:{at(get, 'port')}{text(at(get, 'path'))}"
