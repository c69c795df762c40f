"""Of what the tables of fields are made: shapes with a type, a line for people, and the limits of a value."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeAlias

NAME = 253
"""Characters of the longest name of an object."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without fields that we check: text, int, number, bool, object or any.

    `least` is the smallest number, or the fewest characters of a text; `longest` its most characters (0: no limit).
    `known` are fields of an otherwise free object that rules may look at; what is nullable may be null for ever.
    """

    kind: str
    _: KW_ONLY
    doc: str = ""
    one_of: tuple[str, ...] = ()
    least: int | None = None
    longest: int = 0
    pattern: str = ""
    format: str = ""
    nullable: bool = False
    known: Mapping[str, "Shape"] = field(default_factory=dict[str, "Shape"])


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one kind of items: at most `most` (0: no limit), told apart by the field `key` where there is one."""

    item: "Shape"
    _: KW_ONLY
    doc: str = ""
    least: int = 0
    most: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from free keys to one kind of values."""

    item: "Shape"
    _: KW_ONLY
    doc: str = ""
    most: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known fields."""

    fields: Mapping[str, "Shape"]
    _: KW_ONLY
    doc: str = ""
    required: tuple[str, ...] = ()


Shape: TypeAlias = Leaf | ListOf | MapOf | Record

TEXT, INT, NUMBER, BOOL, OBJECT, ANY = (Leaf(k) for k in ("text", "int", "number", "bool", "object", "any"))
TEXTS = ListOf(TEXT)


def text(doc: str, *, one_of: tuple[str, ...] = (), least: int | None = None, longest: int = 0) -> Leaf:
    """Text, described."""
    return Leaf("text", doc=doc, one_of=one_of, least=least, longest=longest)


def whole(doc: str, *, least: int | None = None) -> Leaf:
    """A whole number of 32 bits, described."""
    return Leaf("int", doc=doc, least=least, format="int32")


def long(doc: str, *, least: int | None = None) -> Leaf:
    """A whole number of 64 bits, described."""
    return Leaf("int", doc=doc, least=least, format="int64")


def time(doc: str) -> Leaf:
    """A time as Kubernetes writes it, null while it has not come."""
    return Leaf("text", doc=doc, format="date-time", nullable=True)
