"""Event files written by tensorboardX and by hand: every scalar is found, and no byte does harm."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core import event_file, protobuf
from reconciler.core.event_file import LARGEST_RECORD, EventFile
from tests.reconciler.events import SummaryWriter, record, scalar


def parsed(data: bytes, cuts=(), metrics=("loss",), directory="/train"):
    parser = EventFile(trial="ns/t", metrics=metrics, directory=directory)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [one for a, b in pairwise(edges) for one in parser.feed(data[a:b])]
    return parser, found + parser.finish()


def texts(data: bytes, **more) -> list[tuple[str, str]]:
    return [(one.metric, one.text) for one in parsed(data, **more)[1]]


def test_what_tensorboardx_writes_is_read(tmp_path):
    writer = SummaryWriter(str(tmp_path))
    values = [1.0, 0.1, 1 / 3, 1e-30, 1e30, 0.0, -2.5, float("nan"), float("inf")]
    for step, value in enumerate(values):
        writer.add_scalar("loss", value, global_step=step, walltime=1_700_000_000.25 + step)
        writer.add_scalar("lr", 0.5, global_step=step)
        writer.add_histogram("weights/loss", np.arange(10.0), global_step=step)
    writer.add_text("note", "loss is fine")
    writer.close()
    (file,) = tmp_path.iterdir()
    parser, found = parsed(file.read_bytes())
    assert [one.text for one in found] == [str(np.float32(value)) for value in values]
    assert [one.step for one in found] == list(range(len(values)))
    assert [one.value for one in found] == [float(one.text) for one in found[:-2]] + [None, None]
    assert found[1].time == "2023-11-14T22:13:21.25Z"
    assert (parser.consumed, parser.rejected) == (file.stat().st_size, 0)


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def tensor(kind: int, behind: bytes, tag: bytes = b"loss", shape: bytes = b"") -> bytes:
    """TensorFlow 2's scalar summary, byte by byte: dtype, shape, then the value; the plugin's name behind it."""
    body = bytes([0x08, kind]) + field(2, shape) + behind
    metadata = field(1, field(1, b"scalars"))
    value = field(1, tag) + field(9, metadata) + field(8, body)
    return record(b"\x09" + struct.pack("<d", 1_700_000_000.5) + b"\x10\x03" + field(5, field(1, value)))


@pytest.mark.parametrize(
    ("kind", "behind", "text"),
    [
        (1, field(4, b"\xcd\xcc\xcc\x3d"), "0.1"),
        (1, field(5, b"\xcd\xcc\xcc\x3d"), "0.1"),
        (1, b"\x2d\xcd\xcc\xcc\x3d", "0.1"),
        (1, field(4, b"\xff\xff\x7f\x7f"), "3.4028235e+38"),
        (1, field(4, b"\x00\x00\xc0\x7f"), "nan"),
        (1, b"", "0.0"),
        (2, field(4, struct.pack("<d", 0.1)), "0.1"),
        (2, field(6, struct.pack("<d", 1 / 3)), "0.3333333333333333"),
        (3, field(4, struct.pack("<i", -7)), "-7"),
        (3, b"\x38\x07", "7"),
        (3, b"\x38" + b"\xf9" + b"\xff" * 8 + b"\x01", "-7"),
        (9, field(10, b"\x80\x80\x80\x80\x80\x80\x80\x01"), str(1 << 49)),
        (9, field(4, struct.pack("<q", -(1 << 60))), str(-(1 << 60))),
        (4, b"\x38\xff\x01", "255"),
        (22, b"\x80\x01\x05", "5"),
        (23, b"\x88\x01\x06", "6"),
        (19, field(4, struct.pack("<e", 0.1)), "0.1"),
        (19, field(13, b"\xe6\x5c"), "0.1"),
        (14, field(13, b"\xcd\x7b"), "0.100097656"),
    ],
)
def test_tensors_of_every_numeric_type(kind, behind, text):
    parser, found = parsed(tensor(kind, behind))
    assert [(one.text, one.time) for one in found] == [(text, "2023-11-14T22:13:20.5Z")], parser.rejected_example


@pytest.mark.parametrize(
    ("kind", "behind", "shape"),
    [
        (7, field(8, b"0.5"), b""),
        (10, b"\x58\x01", b""),
        (1, field(4, b"\0" * 8), field(2, b"\x08\x02")),
        (0, b"", b""),
        (1, field(4, b"\0" * 3), b""),
        (1, field(4, b"\0" * 4), field(2, b"\x08\x00")),
    ],
)
def test_what_is_no_scalar_is_counted_and_the_next_is_read(kind, behind, shape):
    parser, found = parsed(tensor(kind, behind, shape=shape) + scalar("loss", 0.5))
    assert ([one.text for one in found], parser.rejected) == (["0.5"], 1)


def test_a_tensor_of_one_element_is_a_scalar():
    one = field(2, b"\x08\x01")
    assert texts(tensor(1, field(4, b"\x00\x00\x00\x3f"), shape=one + one)) == [("loss", "0.5")]


@pytest.mark.parametrize(
    ("metric", "tag", "directory", "found"),
    [
        ("loss", "loss", "/train", True),
        ("loss", "loss_1", "/train", True),
        ("loss", "val_loss", "/train", False),
        ("train/loss", "loss", "/log/train", True),
        ("train/loss", "loss_1", "/train", True),
        ("train/loss", "loss", "/log/pretrain", True),
        ("train/loss", "loss", "/log/test", False),
        ("train/loss", "train/loss", "/log/test", True),
        ("train/loss", "train/loss_1", "/log/test", False),
        ("a/train/loss", "loss", "/log/a/train/", True),
        ("a/train/loss", "loss", "/log/train", False),
        ("train/", "x", "/train", False),
    ],
)
def test_which_tags_are_which_metric(metric, tag, directory, found):
    assert bool(texts(scalar(tag, 1.0), metrics=(metric,), directory=directory)) == found


def test_several_values_in_one_event_and_a_tag_for_two_metrics():
    data = scalar("loss", 1.0) + scalar("loss_reg", 2.0) + scalar("acc", 3.0)
    assert texts(data, metrics=("loss", "loss_reg", "acc")) == [
        ("loss", "1.0"),
        ("loss", "2.0"),
        ("loss_reg", "2.0"),
        ("acc", "3.0"),
    ]


FILE = b"".join(scalar("loss", float(step), wall=1e9 + step, step=step) + scalar("lr", 1.0) for step in range(5))


@given(st.lists(st.integers(0, len(FILE)), max_size=6))
def test_cuts_change_nothing_and_going_on_at_the_cursor_neither(cuts):
    whole = parsed(FILE)[1]
    assert parsed(FILE, cuts=cuts)[1] == whole
    for cut in cuts:
        first = EventFile(trial="ns/t", metrics=["loss"], directory="/train")
        found = first.feed(FILE[:cut])
        again = EventFile(trial="ns/t", metrics=["loss"], directory="/train")
        again.resume(offset=first.consumed, counts={"loss": len(found)})
        assert found + again.feed(FILE[first.consumed :]) == whole


def test_a_record_that_is_not_complete_is_waited_for():
    parser, found = parsed(FILE[:-3])
    assert (len(found), parser.rejected) == (5, 0)
    assert parser.consumed == len(FILE) - len(scalar("lr", 1.0))


def test_a_damaged_record_is_skipped_and_a_damaged_length_ends_the_file():
    size = len(scalar("loss", 0.0))
    value = FILE[: size - 6] + b"\xff" + FILE[size - 5 :]
    parser, found = parsed(value)
    assert [one.text for one in found] == ["1.0", "2.0", "3.0", "4.0"]
    assert (parser.rejected, parser.consumed) == (1, len(FILE))
    length = b"\xff" + FILE[1:]
    parser, found = parsed(scalar("loss", 9.0) + length, cuts=(50, 100))
    assert [one.text for one in found] == ["9.0"]
    assert (parser.rejected, parser.consumed) == (1, size)
    assert parser.rejected_example == f"from byte {size} on it is no event file, or it is damaged"


@pytest.mark.parametrize("piece", [1 << 20, 1000, LARGEST_RECORD + 500])
def test_a_record_larger_than_any_is_skipped(piece):
    data = scalar("loss", 1.0) + record(b"loss" * (LARGEST_RECORD // 4 + 1)) + scalar("loss", 2.0)
    data = data if piece >= 1 << 20 else data[:100_000]
    parser = EventFile(trial="ns/t", metrics=["loss"], directory="/train")
    found = []
    for at in range(0, len(data), piece):
        found += parser.feed(data[at : at + piece])
        assert len(parser._rest) <= LARGEST_RECORD
    if piece >= 1 << 20:
        assert ([one.text for one in found], parser.rejected, parser.consumed) == (["1.0", "2.0"], 1, len(data))
    else:
        assert parser.consumed == len(scalar("loss", 1.0)), "after a restart the whole record is passed over again"


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_in_a_record_do_no_harm(data):
    assert [one.text for one in parsed(record(b"loss" + data) + scalar("loss", 0.5))[1]][-1] == "0.5"


@given(st.data())
def test_any_change_of_a_byte_does_no_harm(data):
    at = data.draw(st.integers(0, len(FILE) - 1))
    changed = FILE[:at] + bytes([data.draw(st.integers(0, 255))]) + FILE[at + 1 :]
    parser, found = parsed(changed)
    assert {one.text for one in found} <= {f"{step}.0" for step in range(5)}
    assert len(found) >= 4 or parser.rejected


@given(st.binary(max_size=100))
def test_any_bytes_are_no_event_file(data):
    assert parsed(data)[1] == []


def test_checksums():
    assert event_file._masked(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


@given(st.floats(width=32, allow_nan=False))
def test_the_text_of_a_float_means_that_float(value):
    found = protobuf.scalar([(2, struct.pack("<f", value))], simple=2, tensor=8)
    assert found is not None
    assert np.float32(found[1]) == np.float32(value)
    digits = found[1].lstrip("-").partition("e")[0].replace(".", "").strip("0")
    assert len(digits) <= 9, "no more digits than tell one float from the next"
