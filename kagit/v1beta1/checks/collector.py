"""Where metrics come from (spec katib.md section 3.7)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit import filters
from kagit.findings import Issue
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.spelling import did_you_mean, short
from kagit.v1beta1.schema import Place

KINDS = ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push")
_AT: Place = ("spec", "metricsCollectorSpec")
_SOURCE: Place = (*_AT, "source")
_FILE: Place = (*_SOURCE, "fileSystemPath")
_FILTER: Place = (*_SOURCE, "filter")
_PORTS = 65536


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with the metrics collector of an effective spec."""
    collector = mapping(spec.get("metricsCollectorSpec"))
    kind, source = text(look(collector, "collector", "kind")), mapping(collector.get("source"))
    file = mapping(source.get("fileSystemPath"))
    match kind:
        case "File":
            yield from _file(file, source)
        case "TensorFlowEvent":
            yield from _events(file)
        case "PrometheusMetric":
            yield from _prometheus(mapping(source.get("httpGet")))
        case "Custom":
            yield from _custom(collector, file)
        case "StdOut" | "Push":
            pass
        case _:
            known = "did you mean Push?" if kind == "None" else did_you_mean(kind, KINDS)
            message = f"collector kind is {short(kind)!r}; {known}"
            yield Issue(at=(*_AT, "collector", "kind"), message=message, slug="collector-unknown")
    yield from _filters(sequence(look(source, "filter", "metricsFormat")))


def _file(file: Mapping[str, Any], source: Mapping[str, Any]) -> Iterator[Issue]:
    path, kind, form = (text(file.get(key)) for key in ("path", "kind", "format"))
    if kind != "File" or not path.startswith("/"):
        message = (
            f"a File collector needs kind File and an absolute path, not {short(kind)} {short(path)!r}; start it with /"
        )
        yield Issue(at=(*_FILE, "path"), message=message, slug="collector-path")
    if form not in {"TEXT", "JSON"}:
        message = f"format is {short(form)!r}; give TEXT or JSON"
        yield Issue(at=(*_FILE, "format"), message=message, slug="collector-format")
    if form == "JSON" and "filter" in source:
        message = "a filter has no meaning for format JSON; remove filter"
        yield Issue(at=_FILTER, message=message, slug="filter-on-json")


def _events(file: Mapping[str, Any]) -> Iterator[Issue]:
    path, kind = text(file.get("path")), text(file.get("kind"))
    if kind != "Directory" or not path.startswith("/"):
        message = (
            f"a TensorFlowEvent collector needs kind Directory and an absolute path, not {short(kind)} {short(path)!r}"
        )
        yield Issue(at=_SOURCE, message=f"{message}; start the path with /", slug="collector-path")
    if file.get("format"):
        message = "TensorFlow event files have one format; remove format"
        yield Issue(at=(*_FILE, "format"), message=message, slug="collector-format")


def _prometheus(get: Mapping[str, Any]) -> Iterator[Issue]:
    port, path = get.get("port"), text(get.get("path"))
    digits = str(port) if isinstance(port, int | str) and not isinstance(port, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < _PORTS):  # noqa: PLR2004 - digits of a port
        message = f"port is {short(port)!r}; give a number from 1 to {_PORTS - 1}"
        yield Issue(at=(*_SOURCE, "httpGet", "port"), message=message, slug="collector-port")
    if not path.startswith("/"):
        message = f"path is {short(path)!r}; start it with /"
        yield Issue(at=(*_SOURCE, "httpGet", "path"), message=message, slug="collector-path")


def _custom(collector: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[Issue]:
    if not mapping(look(collector, "collector", "customCollector")):
        message = "a Custom collector needs a container; give customCollector with name and image"
        yield Issue(at=(*_AT, "collector", "customCollector"), message=message, slug="collector-container-missing")
    path, kind = text(file.get("path")), text(file.get("kind"))
    if file and (kind not in {"File", "Directory"} or not path.startswith("/")):
        message = f"fileSystemPath is {short(kind)!r} {short(path)!r}; give kind File or Directory and an absolute path"
        yield Issue(at=_FILE, message=message, slug="collector-path")


def _filters(patterns: Any) -> Iterator[Issue]:  # noqa: ANN401 - items are untyped
    for i, one in enumerate(patterns):
        why = filters.problem(text(one)) if one is not None else ""
        if why:
            at = (*_FILTER, "metricsFormat", i)
            yield Issue(at=at, message=f"filter {short(one)!r} {why}", slug="filter-invalid")
