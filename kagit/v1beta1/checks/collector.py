"""Where metrics come from (spec katib.md section 3.7)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kagit import filters
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.spelling import describe, did_you_mean, short
from kagit.v1beta1.schema import Place

KINDS = ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push")
_AT: Place = ("spec", "metricsCollectorSpec")
_KIND: Place = (*_AT, "collector", "kind")
_SOURCE: Place = (*_AT, "source")
_FILE: Place = (*_SOURCE, "fileSystemPath")
_FILTER: Place = (*_SOURCE, "filter")
_PORTS = 65536
_BLANK = re.compile(r"[\s\x00-\x1f]")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?")
_HEADER = re.compile(r"[-A-Za-z0-9]+")
_USED = {
    "StdOut": ("filter",),
    "File": ("fileSystemPath", "filter"),
    "TensorFlowEvent": ("fileSystemPath",),
    "PrometheusMetric": ("httpGet",),
    "Custom": ("fileSystemPath", "filter", "httpGet"),
    "Push": (),
}


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
            yield from _custom(mapping(look(collector, "collector", "customCollector")), file)
        case "StdOut" | "Push":
            pass
        case _:
            message = f"collector kind is {short(kind)!r}; {did_you_mean(kind, KINDS)}"
            yield Issue(at=_KIND, message=message, slug="collector-unknown")
            return
    yield from _unused(kind, collector)
    yield from _filters(sequence(look(source, "filter", "metricsFormat")))


def check_spelling(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """Whether a spec, as it was written, uses the old word for Push; the effective spec has the new one."""
    if look(spec, "metricsCollectorSpec", "collector", "kind") == "None":
        message = "collector kind None is the old word for Push; write Push"
        yield Issue(at=_KIND, message=message, slug="collector-none", severity=Severity.WARNING)


def _file(file: Mapping[str, Any], source: Mapping[str, Any]) -> Iterator[Issue]:
    path, kind, form = (text(file.get(key)) for key in ("path", "kind", "format"))
    at = (*_FILE, "path")
    if kind != "File":
        message = f"a File collector reads kind File, not {short(kind)}; give File, or leave kind out"
        yield Issue(at=at, message=message, slug="collector-path")
    yield from _path(path, at)
    if path.startswith("/") and path.endswith("/") and path.strip("/"):
        message = f"path {short(path)!r} names a folder; give the file in it"
        yield Issue(at=at, message=message, slug="collector-path")
    if form not in {"TEXT", "JSON"}:
        message = f"format is {short(form)!r}; {did_you_mean(form, ('TEXT', 'JSON'))}"
        yield Issue(at=(*_FILE, "format"), message=message, slug="collector-format")
    if form == "JSON" and "filter" in source:
        message = "a filter has no meaning for format JSON; remove filter"
        yield Issue(at=_FILTER, message=message, slug="filter-on-json")


def _path(path: str, at: Place) -> Iterator[Issue]:
    """What is wrong with a path inside a trial's container."""
    parts = path.split("/")
    if not path.startswith("/"):
        message = f"path is {short(path)!r}; give an absolute one, which starts with /"
    elif "\0" in path or "\n" in path:
        message = f"path {short(path)!r} has a NUL or a line end; remove it"
    elif ".." in parts:
        message = f"path is {short(path)!r}; write it without '..'"
    elif len([part for part in parts if part not in {"", "."}]) == 0:
        message = "path is the root of the container; give a folder below it"
    else:
        return
    yield Issue(at=at, message=message, slug="collector-path")


def _events(file: Mapping[str, Any]) -> Iterator[Issue]:
    path, kind = text(file.get("path")), text(file.get("kind"))
    if kind != "Directory":
        message = (
            f"a TensorFlowEvent collector reads kind Directory, not {short(kind)}; give Directory, or leave it out"
        )
        yield Issue(at=_SOURCE, message=message, slug="collector-path")
    yield from _path(path, _SOURCE)
    if file.get("format"):
        message = "TensorFlow event files have one format; remove format"
        yield Issue(at=(*_FILE, "format"), message=message, slug="collector-format")


def _prometheus(get: Mapping[str, Any]) -> Iterator[Issue]:
    port, path, host, scheme = get.get("port"), *(text(get.get(key)) for key in ("path", "host", "scheme"))
    at: Place = (*_SOURCE, "httpGet")
    digits = str(port) if isinstance(port, int | str) and not isinstance(port, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < _PORTS):  # noqa: PLR2004 - digits of a port
        message = f"port is {describe(port)}; give a number from 1 to {_PORTS - 1}"
        yield Issue(at=(*at, "port"), message=message, slug="collector-port")
    if not path.startswith("/") or _BLANK.search(path):
        message = f"path is {short(path)!r}; start it with /, and have no blanks in it"
        yield Issue(at=(*at, "path"), message=message, slug="collector-path")
    if host and not _HOST.fullmatch(host):
        message = f"host is {short(host)!r}; give a name or address alone, without scheme, port and path"
        yield Issue(at=(*at, "host"), message=message, slug="collector-host")
    if scheme and scheme not in {"HTTP", "HTTPS"}:
        message = f"scheme is {short(scheme)!r}; {did_you_mean(scheme, ('HTTP', 'HTTPS'))}"
        yield Issue(at=(*at, "scheme"), message=message, slug="collector-scheme")
    for i, header in enumerate(sequence(get.get("httpHeaders"))):
        if not _HEADER.fullmatch(text(look(header, "name"))):
            message = f"header name is {short(look(header, 'name'))!r}; give letters, digits and '-'"
            yield Issue(at=(*at, "httpHeaders", i, "name"), message=message, slug="collector-header")


def _custom(container: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[Issue]:
    at: Place = (*_AT, "collector", "customCollector")
    missing = [key for key in ("name", "image") if not text(container.get(key))]
    if not container:
        message = "a Custom collector needs a container; give customCollector with name and image"
        yield Issue(at=at, message=message, slug="collector-container-missing")
    elif missing:
        message = f"customCollector has no {' and no '.join(missing)}; give a container with both, as in a Pod"
        yield Issue(at=at, message=message, slug="collector-container-missing")
    if file and text(file.get("kind")) not in {"File", "Directory"}:
        message = f"kind of fileSystemPath is {short(text(file.get('kind')))!r}; give File or Directory"
        yield Issue(at=_FILE, message=message, slug="collector-path")
    if file:
        yield from _path(text(file.get("path")), _FILE)


def _unused(kind: str, collector: Mapping[str, Any]) -> Iterator[Issue]:
    """Parts of the source that this kind of collector does not look at."""
    source = mapping(collector.get("source"))
    parts = [(*_SOURCE, key) for key in source if key not in _USED[kind]]
    if kind != "Custom" and look(collector, "collector", "customCollector"):
        parts.append((*_AT, "collector", "customCollector"))
    for at in parts:
        message = f"{at[-1]} has no effect on a {kind} collector; remove it, or change kind"
        yield Issue(at=at, message=message, slug="collector-part-unused", severity=Severity.WARNING)


def _filters(patterns: Any) -> Iterator[Issue]:  # noqa: ANN401 - items are untyped
    for i, one in enumerate(patterns):
        why = filters.problem(text(one))
        if why:
            at = (*_FILTER, "metricsFormat", i)
            yield Issue(at=at, message=f"filter {short(one)!r} {why}", slug="filter-invalid")
