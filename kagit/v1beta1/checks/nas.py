"""Neural architecture search (spec katib.md sections 5.9 and 5.10)."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagit.findings import Issue
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.spelling import short
from kagit.v1beta1.checks import space
from kagit.v1beta1.schema import Place

_AT: Place = ("spec", "nasConfig")
_NO_CHOICE = ("list-single", "range-single")


def check(spec: Mapping[str, Any]) -> Iterator[Issue]:
    """What is wrong with nasConfig of an effective spec; with parameters beside it, that was said already."""
    if "nasConfig" not in spec or sequence(spec.get("parameters")):
        return
    config = mapping(spec["nasConfig"])
    if look(spec, "algorithm", "algorithmName") == "enas":
        yield from _graph(mapping(config.get("graphConfig")))
    operations = sequence(config.get("operations"))
    if not operations:
        message = "nasConfig has no operations; give at least one with operationType and parameters"
        yield Issue(at=(*_AT, "operations"), message=message, slug="nas-operations-missing")
    for i, one in enumerate(operations):
        yield from _operation(mapping(one), (*_AT, "operations", i))


def _graph(graph: Mapping[str, Any]) -> Iterator[Issue]:
    at: Place = (*_AT, "graphConfig")
    for key in ("inputSizes", "outputSizes"):
        sizes = sequence(graph.get(key))
        if not sizes:
            message = f"graphConfig has no {key}; give them, e.g. [32, 32, 3]"
            yield Issue(at=(*at, key), message=message, slug="nas-graph-incomplete")
        for i, size in enumerate(sizes):
            if not isinstance(size, int) or size <= 0:
                message = f"a size of {key} is {short(size)}; give at least 1"
                yield Issue(at=(*at, key, i), message=message, slug="nas-graph-empty")
    layers = graph.get("numLayers")
    if not layers:
        message = "graphConfig has no numLayers; give the number of layers"
        yield Issue(at=(*at, "numLayers"), message=message, slug="nas-graph-incomplete")
    elif layers < 0:
        message = f"numLayers is {layers}; give at least 1"
        yield Issue(at=(*at, "numLayers"), message=message, slug="nas-graph-empty")


def _operation(operation: Mapping[str, Any], at: Place) -> Iterator[Issue]:
    kind = text(operation.get("operationType"))
    if not kind:
        message = "operation has no operationType; give one, e.g. convolution"
        yield Issue(at=(*at, "operationType"), message=message, slug="nas-type-missing")
    parameters = sequence(operation.get("parameters"))
    if not parameters:
        message = f"{short(kind) or 'operation'} has no parameters; give at least one with a list"
        yield Issue(at=(*at, "parameters"), message=message, slug="nas-parameters-missing")
    found = space.parameters(parameters, (*at, "parameters"))
    yield from (issue for issue in found if issue.slug not in _NO_CHOICE)  # here it is one of several operations
