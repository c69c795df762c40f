"""JSON to text and back: compact, keys sorted, so that equal objects have equal texts. The one door to orjson."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

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

    def encode_fast(value: Value) -> str:
        text = orjson.dumps(value, option=option).decode()
        if "null" in text:  # which orjson also writes for what is no number
            _refuse_what_is_no_number(value)
        return text

    return encode_fast, orjson.loads


def _refuse_what_is_no_number(value: Value) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{value} is no number in JSON"
        raise ValueError(msg)
    if isinstance(value, dict):
        value = list(cast("dict[str, Value]", value).values())
    if isinstance(value, list):
        for item in cast("Sequence[Value]", value):
            _refuse_what_is_no_number(item)


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
