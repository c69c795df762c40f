"""From TensorFlow's event files to readings, with the meaning of Katib's TensorFlowEvent collector, without TensorFlow.

A file is a row of records: length, checksum of the length, data, checksum of the data. The data is an `Event` in
protobuf's wire format (tensorflow/core/util/event.proto), read in `protobuf.py` as far as scalars need it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from reconciler.core import times
from reconciler.core.incremental import Incremental
from reconciler.core.protobuf import Fields, double, fields, messages, scalar
from reconciler.ports import Reading

LARGEST_RECORD = 8 << 20
"""Bytes of a record, after which it is skipped: memory stays bounded whatever a trial writes."""
_MOST_CHECKED = 1 << 16
_MOST_TAGS = 4096
_HEADER, _FRAME = 12, 16
_POLYNOMIAL = 0x82F63B78
_WALL_TIME, _SUMMARY = 1, 5
_VALUE = 1
_TAG, _SIMPLE, _TENSOR = 1, 2, 8
_Record: TypeAlias = tuple[bytes, bytes]


class EventFile(Incremental):
    """Finds the readings of one trial in one event file, which is fed in order.

    A metric is a tag that begins with its name, in any directory; `train/loss` is a tag that begins with `loss`, in a
    directory whose path ends with `train`, or, which Katib has not, the tag `train/loss` itself.
    """

    def __init__(self, *, trial: str, metrics: Sequence[str], directory: str) -> None:
        """`directory` is that of the file, as the trial's container knows it."""
        super().__init__(trial=trial, metrics=metrics)
        self._wanted = [(name, *_split(name)) for name in metrics if name]
        self._parts = [last.encode() for _, _, last in self._wanted]
        self._directory = directory.rstrip("/")
        self._metrics_of: dict[str, tuple[str, ...]] = {}
        self._passed = 0
        self._left = 0
        self._damaged = False

    @property
    def consumed(self) -> int:
        """Offset of the first record that is not counted."""
        return super().consumed - self._passed

    def finish(self) -> list[Reading]:
        """Nothing: a record that is not complete when the file is has no meaning."""
        return []

    def _take(self, data: bytes) -> list[Reading]:
        if self._damaged or self._left > len(data):
            self._passed += len(data)
            self._left = max(0, self._left - len(data))
            return []
        if self._left:
            data, self._left, self._passed = data[self._left :], 0, 0
        return self._records(self._rest + data)

    def _drop(self) -> None:
        super()._drop()
        self._passed, self._left, self._damaged = 0, 0, False

    def _records(self, buffer: bytes) -> list[Reading]:
        readings: list[Reading] = []
        at, size = 0, len(buffer)
        while at + _HEADER <= size:
            length = _length(buffer[at : at + _HEADER])
            end = at + _FRAME + length
            if length < 0 or length > LARGEST_RECORD:
                self._pass_over(length, end - size, size - at)
                at = size if length < 0 else min(size, end)
                continue
            if end > size:
                break
            record = buffer[at + _HEADER : end - 4], buffer[end - 4 : end]
            if any(part in record[0] for part in self._parts):
                self._record(record, readings)
            at = end
        self._rest = buffer[at:]
        return readings

    def _pass_over(self, length: int, left: int, passed: int) -> None:
        """Skip a record that is too large; behind one whose length is damaged nothing can be found any more."""
        if length < 0:
            where = self._fed - passed
            self._reject(f"from byte {where} on it is no event file, or it is damaged")
            self._damaged, self._passed = True, passed
        else:
            self._reject(f"a record of {length} bytes was skipped")
            self._left, self._passed = max(0, left), passed if left > 0 else 0

    def _record(self, record: _Record, readings: list[Reading]) -> None:
        data, checksum = record
        if len(data) <= _MOST_CHECKED and _masked(data) != int.from_bytes(checksum, "little"):
            self._reject("a record is damaged and was skipped")
            return
        try:
            event = list(fields(data))
            wall = next((double(value) for number, value in event if number == _WALL_TIME), 0.0)
            for summary in messages(event, _SUMMARY):
                for value in messages(fields(summary), _VALUE):
                    self._value(list(fields(value)), wall, readings)
        except ValueError as error:
            self._reject(f"a record cannot be read: {error}")

    def _value(self, value: Fields, wall: float, readings: list[Reading]) -> None:
        tag = b"".join(messages(value, _TAG)).decode(errors="replace")
        metrics = self._metrics_of.get(tag)
        if metrics is None:
            if len(self._metrics_of) >= _MOST_TAGS:
                self._metrics_of.clear()
            metrics = self._metrics_of[tag] = self._matching(tag)
        if not metrics:
            return
        found = scalar(value, simple=_SIMPLE, tensor=_TENSOR)
        if found is None:
            self._reject(f"{tag} is no scalar")
            return
        time = times.as_seconds(wall)
        readings += [self._reading(metric, time=time, value=found[0], text=found[1]) for metric in metrics]

    def _matching(self, tag: str) -> tuple[str, ...]:
        return tuple(
            name
            for name, folder, last in self._wanted
            if tag == name or (last and tag.startswith(last) and self._directory.endswith(folder))
        )


def _split(metric: str) -> tuple[str, str]:
    folder, _, last = metric.rpartition("/")
    return folder, last


@lru_cache(maxsize=1024)
def _length(header: bytes) -> int:
    """Length of a record's data, -1 where the header is damaged; most records have one of few lengths."""
    length = int.from_bytes(header[:8], "little")
    return length if _masked(header[:8]) == int.from_bytes(header[8:], "little") else -1


def _table() -> tuple[int, ...]:
    made: list[int] = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        made.append(crc)
    return tuple(made)


_CRC = _table()


def _masked(data: bytes) -> int:
    """CRC-32C, masked as TFRecord files have it."""
    crc, table = 0xFFFFFFFF, _CRC
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
