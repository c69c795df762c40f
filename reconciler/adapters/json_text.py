"""JSON to text and back: compact, keys sorted, so that equal objects have equal texts. The one door to orjson."""

from collections.abc import Callable
from typing import Any, TypeAlias

from kagit.errors import Refused

Value: TypeAlias = Any
"""Whatever JSON can say; who looks inside says with a cast what it expects."""


def _codec() -> tuple[Callable[[Any], str], Callable[[str | bytes], Any]]:
    try:
        import orjson
    except ImportError:
        import json

        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode
        return encode, json.loads
    option = orjson.OPT_SORT_KEYS
    return lambda value: orjson.dumps(value, option=option).decode(), orjson.loads


_encode, _decode = _codec()


def dumps(value: object) -> str:
    """The value as JSON with sorted keys; Refused for what JSON cannot say."""
    try:
        return _encode(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"not expressible as JSON: {error}; give only texts, numbers, lists and maps") from error


def loads(text: str | bytes) -> Value:
    """The value of a JSON text; ValueError where it is none."""
    return _decode(text)
