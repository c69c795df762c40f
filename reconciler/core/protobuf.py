"""As much of protobuf's wire format as event files need: fields of a message, and scalars among them.

Bad bytes are a ValueError, never more: whoever writes them is a trial.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite, prod
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""A varint, or the bytes of anything else."""
Fields: TypeAlias = list[tuple[int, Value]]

_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_SIZES = {_EIGHT: 8, _FOUR: 4}
_LONGEST_VARINT = 70
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_DIM, _DIM_SIZE = 2, 1
_HALF, _BFLOAT16 = 19, 14
_HALVES = 13
_TYPES: Mapping[int, tuple[str, int]] = {
    1: ("<f", 5),
    2: ("<d", 6),
    3: ("<i", 7),
    4: ("<B", 7),
    5: ("<h", 7),
    6: ("<b", 7),
    9: ("<q", 10),
    17: ("<H", 7),
    22: ("<I", 16),
    23: ("<Q", 17),
    _HALF: ("<e", _HALVES),
    _BFLOAT16: ("<H", _HALVES),
}
"""TensorFlow's numeric types: how one value is packed, and the field that lists values."""
_DIGITS = {"<e": (3, 4, 5), "<f": (6, 7, 8, 9)}


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Numbers and values of the fields of a message, in order."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size = _SIZES.get(wire)
        if size is None:
            if wire != _LENGTH:
                msg = f"wire type {wire} is none of protobuf 3"
                raise ValueError(msg)
            size, at = _varint(data, at)
        if size > end - at:
            msg = "a field is longer than its message"
            raise ValueError(msg)
        yield key >> 3, data[at : at + size]
        at += size


def messages(among: Iterable[tuple[int, Value]], number: int) -> Iterator[bytes]:
    """The values of one field that holds messages, texts or packed numbers."""
    return (value for one, value in among if one == number and isinstance(value, bytes))


def double(value: Value) -> float:
    """A value as a double; ValueError if it is none."""
    return float(_unpacked("<d", value))


def scalar(value: Fields, *, simple: int, tensor: int) -> tuple[float, str] | None:
    """The one number in a message that has a float in field `simple` or a TensorProto in field `tensor`, with its text.

    The text has as few digits as its type needs, e.g. 0.1 for the float that is nearest to it. None if there is no
    number or more than one.
    """
    for number, one in value:
        if number == simple:
            return _printed(float(_unpacked("<f", one)), "<f")
        if number == tensor and isinstance(one, bytes):
            return _tensor(list(fields(one)))
    return None


def _tensor(tensor: Fields) -> tuple[float, str] | None:
    kind = next((value for number, value in tensor if number == _DTYPE), 0)
    if not isinstance(kind, int) or kind not in _TYPES or _elements(tensor) != 1:
        return None
    form, listed = _TYPES[kind]
    content = b"".join(messages(tensor, _CONTENT))
    number = _unpacked(form, content) if content else _listed(tensor, form, listed)
    if kind == _BFLOAT16:
        return _printed(float(_unpacked("<f", struct.pack("<I", int(number) << 16))), "<f")
    return _printed(float(number), form) if isinstance(number, float) else (float(number), str(number))


def _listed(tensor: Fields, form: str, field: int) -> float | int:
    """The one value of a tensor that lists its values; zero where zero was left out."""
    given = next((value for number, value in tensor if number == field), 0)
    if form in {"<f", "<d"}:
        return _unpacked(form, given) if given else 0.0
    if isinstance(given, bytes):
        given, _ = _varint(given, 0) if given else (0, 0)
    bits = given & (1 << 8 * struct.calcsize(form)) - 1
    return _unpacked(form, bits.to_bytes(struct.calcsize(form), "little"))


def _elements(tensor: Fields) -> int:
    dims = [dim for shape in messages(tensor, _SHAPE) for dim in messages(fields(shape), _DIM)]
    return prod(next((int(v) for n, v in fields(dim) if n == _DIM_SIZE and isinstance(v, int)), 0) for dim in dims)


def _printed(value: float, form: str) -> tuple[float, str]:
    """A number of a narrow type with the fewest digits that mean it."""
    if isfinite(value):
        for digits in _DIGITS.get(form, ()):
            short = float(f"{value:.{digits}g}")
            try:
                if struct.unpack(form, struct.pack(form, short))[0] == value:
                    return short, repr(short)
            except OverflowError:  # rounded up beyond the largest of its type
                continue
    return value, repr(value)


def _unpacked(form: str, value: Value) -> float | int:
    try:
        number: float | int = struct.unpack(form, value if isinstance(value, bytes) else b"")[0]
    except struct.error as error:
        raise ValueError(str(error)) from None
    return number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(data) and shift < _LONGEST_VARINT:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return result, at
        shift += 7
    msg = "a number has no end"
    raise ValueError(msg)
