"""Looking into untyped data (YAML, JSON) without surprises: a wrong shape reads as empty, never as an exception."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is a mapping, an empty one otherwise."""
    # dict first: asking an abstract class costs ten times as much, and this is asked a hundred times per trial
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) or isinstance(value, Mapping) else {}  # noqa: SIM101


def sequence(value: object) -> Sequence[Any]:
    """`value` if it is a list or tuple, an empty one otherwise."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    """`value` if it is text, the empty text otherwise."""
    return value if isinstance(value, str) else ""


def at(value: object, *path: str | int) -> Any:  # noqa: ANN401 - untyped data by nature
    """What stands at a path of keys and indexes; None where the path ends early."""
    for part in path:
        if isinstance(part, int):
            items = sequence(value)
            value = items[part] if -len(items) <= part < len(items) else None
        else:
            value = mapping(value).get(part)
    return value


def under(value: object, key: str, *, inside: bool = False) -> Iterator[str]:
    """Every text below any `key`, however deep."""
    if isinstance(value, str):
        if inside:
            yield value
        return
    for name, one in mapping(value).items():
        yield from under(one, key, inside=inside or name == key)
    for one in sequence(value):
        yield from under(one, key, inside=inside)
