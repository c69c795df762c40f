"""Event files for tests, framed and summed by tensorboardX and not by what is tested."""

import struct
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorboardX import SummaryWriter
    from tensorboardX.crc32c import crc32c
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

__all__ = ["SummaryWriter", "record", "scalar"]


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def scalar(tag: str, value: float, *, wall: float = 1_700_000_000.0, step: int = 0) -> bytes:
    """The record of a scalar as tensorboardX and TensorFlow 1 write it."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    return record(Event(wall_time=wall, step=step, summary=summary).SerializeToString())
