"""Lines of JSON: what counts, what is refused, and that no bytes and no cut change it."""

import json
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.json_lines import LONGEST_LINE, JsonLines

METRICS = ("loss", "acc", "größe")


def parsed(data: bytes, cuts=(), metrics=METRICS):
    parser = JsonLines(trial="ns/t", metrics=metrics)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [one for a, b in pairwise(edges) for one in parser.feed(data[a:b])]
    return parser, found + parser.finish()


def texts(data: str, **more) -> list[tuple[str, str]]:
    return [(one.metric, one.text) for one in parsed(data.encode(), **more)[1]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"loss": 0.10}', [("loss", "0.10", 0.1)]),
        ('{"loss": "0.10"}', [("loss", "0.10", 0.1)]),
        ('{"loss": " 1e-3 "}', [("loss", "1e-3", 0.001)]),
        ('{"loss": 3}', [("loss", "3", 3.0)]),
        ('{"loss": -0}', [("loss", "-0", 0.0)]),
        ('{"loss": NaN, "acc": -Infinity}', [("loss", "NaN", None), ("acc", "-Infinity", None)]),
        ('{"loss": "nan"}', [("loss", "nan", None)]),
        ('{"loss": 1e999}', [("loss", "1e999", None)]),
        (
            '{"loss": 123456789012345678901234567890}',
            [("loss", "123456789012345678901234567890", 1.2345678901234568e29)],
        ),
        ('{"loss": 1, "loss": 2}', [("loss", "2", 2.0)]),
        ('{"gr\\u00f6\\u00dfe": 1}', [("größe", "1", 1.0)]),
        ('{"größe": 1}', [("größe", "1", 1.0)]),
        ('{"l\\u006fss": 1}', [("loss", "1", 1.0)]),
        ('\ufeff{"loss": 1}\r', [("loss", "1", 1.0)]),
        ('\0\0\0{"loss": 1}', [("loss", "1", 1.0)]),
        ('{"loss": null, "acc": 1}', [("acc", "1", 1.0)]),
        ('{"train": {"loss": 1}, "acc": 2}', [("acc", "2", 2.0)]),
        ('{"val_loss": 1}', []),
        ("", []),
    ],
)
def test_what_counts(line, expected):
    parser, found = parsed(line.encode())
    assert [(one.metric, one.text, one.value) for one in found] == expected
    assert parser.rejected == 0


@pytest.mark.parametrize(
    "line",
    [
        '{"loss": true}',
        '{"loss": [1]}',
        '{"loss": {"value": 1}}',
        '{"loss": ""}',
        '{"loss": "abc"}',
        '{"loss": "1_000"}',
        '{"loss": "٣"}',
        '{"loss": ' + "1" * 300 + "}",
        '{"loss": 0.5',
        "loss=0.5",
        '["loss", 1]',
        '"loss"',
        '{"loss": ' + "[" * 100_000,
    ],
)
def test_what_is_no_number_is_counted_with_its_text_and_the_others_go_on(line):
    parser, found = parsed(f'{line}\n{{"loss": 7}}\n{line}'.encode())
    assert [one.text for one in found] == ["7"]
    assert (parser.rejected, parser.rejected_example) == (2, line[:120])


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        ('"2024-03-04T17:55:08.123456789+01:00"', "2024-03-04T17:55:08.123456789+01:00"),
        ('"2024-02-30T00:00:00Z"', ""),
        ('"2024-03-04 17:55:08"', ""),
        ('"1638422847"', ""),
        ("1638422847", "2021-12-02T05:27:27Z"),
        ("1638422847.28721", "2021-12-02T05:27:27.28721Z"),
        ("1638422847.287210001", "2021-12-02T05:27:27.287210001Z"),
        ("1.63842284728721e9", "2021-12-02T05:27:27.28721Z"),
        ("1638422847287", "2021-12-02T05:27:27.287Z"),
        ("1638422847287.5", "2021-12-02T05:27:27.2875Z"),
        ("1638422847287210", "2021-12-02T05:27:27.28721Z"),
        ("1638422847287210001", "2021-12-02T05:27:27.287210001Z"),
        ("99999999999", "5138-11-16T09:46:39Z"),
        ("-1.5", "1969-12-31T23:59:58.5Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("1e-999999999", "1970-01-01T00:00:00Z"),
        ("1e999999999", ""),
        ("-9e19", ""),
        ("NaN", ""),
        ("true", ""),
        ("null", ""),
        ("[1]", ""),
    ],
)
def test_times(timestamp, time):
    _, found = parsed(f'{{"timestamp": {timestamp}, "loss": 1}}'.encode())
    assert [one.time for one in found] == [time]


LINES = st.lists(
    st.sampled_from(
        ['{"loss": 1}', '{"acc": "2", "loss": 3}', "{", "loss", "", '{"gr\\u00f6\\u00dfe": NaN}', '{"x": 1}', "\r", "é"]
    )
)


@given(LINES, st.lists(st.integers(0, 200), max_size=5))
def test_cuts_change_nothing_and_going_on_at_the_cursor_neither(lines, cuts):
    data = "\n".join(lines).encode()
    whole = parsed(data)[1]
    assert parsed(data, cuts=cuts)[1] == whole
    for cut in cuts:
        first = JsonLines(trial="ns/t", metrics=METRICS)
        found = first.feed(data[:cut])
        again = JsonLines(trial="ns/t", metrics=METRICS)
        counts = {name: sum(one.metric == name for one in found) for name in METRICS}
        again.resume(offset=first.consumed, counts=counts)
        assert found + again.feed(data[first.consumed :]) + again.finish() == whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_are_read(data, cuts):
    parser, found = parsed(b'{"loss": 1}\n' + data + b'\n{"loss": 2}', cuts=cuts)
    mine = [one.text for one in found if one.metric == "loss"]
    assert (mine[0], mine[-1], parser.consumed) == ("1", "2", len(data) + 24)


@given(st.dictionaries(st.text(min_size=1), st.floats() | st.integers() | st.text() | st.none(), max_size=5))
def test_what_python_writes_is_read(values):
    metrics = sorted(values)
    _, found = parsed((json.dumps(values) + "\n").encode(), metrics=metrics)
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    numbers = {name: value for name, value in numbers.items() if len(str(value)) <= 256}
    got = {one.metric: one.text for one in found if one.metric in numbers}
    assert got == {name: json.dumps(value) for name, value in numbers.items()}


def test_a_line_longer_than_any_is_skipped_in_little_memory():
    parser = JsonLines(trial="ns/t", metrics=["loss"])
    piece = b'{"loss": 1}' * 10_000
    tracemalloc.start()
    for _ in range(200):
        assert parser.feed(piece) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.text for one in parser.feed(b'\n{"loss": 2}\n')] == ["2"]
    assert (parser.rejected, parser.consumed) == (1, 200 * len(piece) + 13)
    assert peak < 4 * LONGEST_LINE
