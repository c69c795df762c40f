"""The search space: parameters, and points as text the way manifests carry them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Point: TypeAlias = Mapping[str, str]
"""Parameter name to value; every value is text, as in Katib's parameterAssignments."""


class ParameterType(StrEnum):
    """Katib's parameterType."""

    DOUBLE = "double"
    INT = "int"
    DISCRETE = "discrete"
    CATEGORICAL = "categorical"


class Distribution(StrEnum):
    """Katib's feasibleSpace.distribution."""

    UNIFORM = "uniform"
    LOG_UNIFORM = "logUniform"
    NORMAL = "normal"
    LOG_NORMAL = "logNormal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One dimension. Numbers are exact decimals; `values` is set for discrete and categorical only."""

    name: str
    type: ParameterType
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    step: Decimal | None = None
    values: tuple[str, ...] = ()
    distribution: Distribution = Distribution.UNIFORM

    @property
    def is_range(self) -> bool:
        """Whether it is a double or int between minimum and maximum."""
        return self.type in {ParameterType.DOUBLE, ParameterType.INT}

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """Minimum and maximum of a range; ValueError for lists."""
        if self.minimum is None or self.maximum is None:
            msg = f"parameter {self.name} has no range"
            raise ValueError(msg)
        return self.minimum, self.maximum

    def contains(self, text: str) -> bool:
        """Whether `text` is a legal value: inside the range, on the step, in the list."""
        if not self.is_range:
            return text in self.values
        low, high = self.bounds
        try:
            value = Decimal(text)
        except ArithmeticError:
            return False
        if not value.is_finite() or not low <= value <= high:
            return False
        if self.type is ParameterType.INT and value != value.to_integral_value():
            return False
        return self.step is None or abs(
            (value - low) / self.step - ((value - low) / self.step).to_integral_value()
        ) < Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Space:
    """Parameters in the order of the manifest."""

    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        """The parameters in order."""
        return iter(self.parameters)

    def __len__(self) -> int:
        """Count of parameters."""
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter of that name; KeyError if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def with_fixed(self, fixed: Mapping[str, str]) -> "Space":
        """The same, with these parameters at the one value that each is given."""
        if not fixed:
            return self
        return Space(
            tuple(
                Parameter(name=one.name, type=ParameterType.CATEGORICAL, values=(fixed[one.name],))
                if one.name in fixed
                else one
                for one in self
            )
        )

    def contains(self, point: Point) -> bool:
        """Whether the point names exactly these parameters with legal values."""
        return set(point) == {p.name for p in self} and all(p.contains(point[p.name]) for p in self)
