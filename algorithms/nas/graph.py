"""nasConfig as operations, and architectures as the texts that Katib hands to trials (spec katib.md 5.9, 5.10)."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any, TypeAlias

from algorithms import dimensions
from algorithms.contract import Problem
from algorithms.dimensions import Dimension
from kagit.findings import Issue, Severity
from kagit.shapes import at as look
from kagit.shapes import mapping, sequence, text
from kagit.space import Distribution, Parameter, ParameterType, Point, Space
from kagit.spelling import short

Architecture: TypeAlias = tuple[tuple[int, ...], ...]
"""For each layer its operation, then a bit for each layer before it: whether that one's output is taken in, too."""
Value: TypeAlias = str | int | float

MOST_OPERATIONS = 1_000
MOST_LAYERS = 100
"""The architecture of more layers is longer than a trial's command line should be."""
_AT = ("nasConfig",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One of the things that a layer may be."""

    type: str
    parameters: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What is searched: how many layers, and the operations by their number."""

    layers: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operations: tuple[Operation, ...]

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return architectures(self.layers, len(self.operations))

    def point(self, architecture: Architecture) -> Point:
        """The texts of an architecture: itself, and what its operations are."""
        used = dict.fromkeys(layer[0] for layer in architecture)
        embedding = {
            one: {
                "opt_id": one,
                "opt_type": self.operations[one].type,
                "opt_params": dict(self.operations[one].parameters),
            }
            for one in used
        }
        config = {
            "num_layers": self.layers,
            "input_sizes": self.inputs,
            "output_sizes": self.outputs,
            "embedding": embedding,
        }
        return {"architecture": written(architecture), "nn_config": written(config)}

    def read(self, point: Point) -> Architecture | None:
        """The architecture of a point; None where it is none of this graph."""
        try:
            layers = json.loads(point.get("architecture", ""))
        except (ValueError, RecursionError):
            return None
        rows = [tuple(sequence(layer)) for layer in sequence(layers)]
        if len(rows) != self.layers or not all(_is_layer(row, at, len(self.operations)) for at, row in enumerate(rows)):
            return None
        architecture = tuple(rows)
        return architecture if self.point(architecture) == point else None

    def every(self) -> Iterator[Architecture]:
        """All architectures; to be asked for where `size` is small."""
        layers = [
            [(one, *bits) for one in range(len(self.operations)) for bits in product((0, 1), repeat=at)]
            for at in range(self.layers)
        ]
        return product(*layers)

    def drawn(self, chance: Random) -> Architecture:
        """Any architecture, all of them equally likely."""
        count = len(self.operations)
        return tuple(
            (int(chance.random() * count), *(int(chance.random() * 2) for _ in range(at))) for at in range(self.layers)
        )


def _is_layer(row: tuple[Any, ...], at: int, operations: int) -> bool:
    whole = all(type(one) is int for one in row)
    return whole and len(row) == at + 1 and 0 <= row[0] < operations and set(row[1:]) <= {0, 1}


def written(value: object) -> str:
    """JSON with single quotes, as Katib writes it so that no template breaks on it."""
    return json.dumps(value).replace('"', "'")


def of(problem: Problem) -> Graph:
    """The graph of a checked problem."""
    config = mapping(problem.nas)
    return Graph(
        layers=layers_of(problem),
        inputs=tuple(sequence(look(config, "graphConfig", "inputSizes"))),
        outputs=tuple(sequence(look(config, "graphConfig", "outputSizes"))),
        operations=tuple(
            Operation(type=text(look(one, "operationType")), parameters=parameters)
            for one in sequence(config.get("operations"))
            for parameters in _combinations(sequence(look(one, "parameters")))
        ),
    )


def layers_of(problem: Problem) -> int:
    """How many layers are wished for; 0 where nothing is said."""
    layers = look(problem.nas, "graphConfig", "numLayers")
    return layers if isinstance(layers, int) else 0


def values(parameter: object) -> tuple[Value, ...]:
    """All values of an operation's parameter: numbers as numbers, categories as texts."""
    one = _parameter(parameter)
    (dimension,) = dimensions.of(Space((one,)))
    if isinstance(dimension, dimensions.Reals):
        return ()
    texts = map(dimension.text, range(dimension.size))
    return tuple(texts) if one.type is ParameterType.CATEGORICAL else tuple(map(_number, texts))


def _number(said: str) -> int | float:
    value = Decimal(said)
    return int(value) if value == value.to_integral_value() and "." not in said else float(value)


def _combinations(parameters: Sequence[object]) -> Iterator[Mapping[str, Value]]:
    names = [text(look(one, "name")) for one in parameters]
    for chosen in product(*map(values, parameters)):
        yield dict(zip(names, chosen, strict=True))


def _parameter(given: object) -> Parameter:
    feasible = mapping(look(given, "feasibleSpace"))
    low, high, step = (Decimal(said) if (said := text(feasible.get(key))) else None for key in ("min", "max", "step"))
    return Parameter(
        name=text(look(given, "name")),
        type=ParameterType(text(look(given, "parameterType"))),
        minimum=low,
        maximum=high,
        step=step,
        values=tuple(sequence(feasible.get("list"))),
    )


def check(problem: Problem) -> Iterator[Issue]:
    """What cannot be searched although it is well-formed, with places below `spec`; nothing where nothing is given."""
    for i, operation in enumerate(sequence(look(problem.nas, "operations"))):
        for k, one in enumerate(sequence(look(operation, "parameters"))):
            yield from _check_parameter(one, (*_AT, "operations", i, "parameters", k, "feasibleSpace"))


def _check_parameter(given: object, at: tuple[str | int, ...]) -> Iterator[Issue]:
    one = _parameter(given)
    if isinstance(_dimension(one), dimensions.Reals):
        message = f"{short(one.name)} is a double without a step; give one, so that its values can be counted"
        yield Issue(at=(*at, "step"), message=message, slug="nas-step-missing")
    said = text(look(given, "feasibleSpace", "distribution"))
    if one.is_range and said not in {"", "unknown", Distribution.UNIFORM}:
        message = (
            f"distribution of {short(one.name)} has no effect in an operation: all its values are tried; remove it"
        )
        yield Issue(at=(*at, "distribution"), message=message, slug="distribution-ignored", severity=Severity.WARNING)


def _dimension(one: Parameter) -> Dimension:
    return dimensions.of(Space((one,)))[0]


def check_size(problem: Problem) -> Iterator[Issue]:
    """Whether there are more layers or operations than anybody can try, or fewer architectures than trials."""
    count = sum(
        math.prod(_dimension(_parameter(one)).size or 0 for one in sequence(look(operation, "parameters")))
        for operation in sequence(look(problem.nas, "operations"))
    )
    layers, most = layers_of(problem), problem.max_trials
    if count > MOST_OPERATIONS:
        message = (
            f"there are {count} operations, one for each combination of parameters; give at most {MOST_OPERATIONS}"
        )
        yield Issue(at=(*_AT, "operations"), message=message, slug="nas-operations-many")
    if layers > MOST_LAYERS:
        message = f"numLayers is {layers}; give at most {MOST_LAYERS}"
        yield Issue(at=(*_AT, "graphConfig", "numLayers"), message=message, slug="nas-layers-many")
    elif most is not None and 0 < (size := architectures(layers, count)) < most:
        message = f"maxTrialCount is {most}, but there are only {size} architectures; {size} are enough"
        yield Issue(at=("maxTrialCount",), message=message, slug="space-smaller-than-budget", severity=Severity.WARNING)


def architectures(layers: int, operations: int) -> int:
    """How many networks there are: each layer is any operation, and takes in any of those before it."""
    return int(operations**layers) << (layers * (layers - 1) // 2)
