"""JSON to text and back: compact, keys sorted, so that equal objects have equal texts. The one door to orjson."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import orjson  # noqa: TID253 - a few ms, and every object that is stored passes here

from kagit.errors import Refused

Value: TypeAlias = Any
"""Whatever JSON can say; who looks inside says with a cast what it expects."""


def dumps(value: object) -> str:
    """The value as JSON with sorted keys; Refused for what JSON cannot say."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        if "null" in text:  # which orjson also writes for what is no number
            _refuse_what_is_no_number(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"not expressible as JSON: {error}; give only texts, numbers, lists and maps") from error
    return text


def _refuse_what_is_no_number(value: Value) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{value} is no number in JSON"
        raise ValueError(msg)
    if isinstance(value, dict):
        value = list(cast("dict[str, Value]", value).values())
    if isinstance(value, list):
        for item in cast("Sequence[Value]", value):
            _refuse_what_is_no_number(item)


def loads(text: str | bytes) -> Value:
    """The value of a JSON text; ValueError where it is none."""
    return orjson.loads(text)
