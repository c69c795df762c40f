import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (-math.inf, "–"),
        (-0.0, "0"),
        (0.0, "0"),
        (0.123456, "0.1235"),
        (30.0, "30"),
        (123456.0, "1.235e5"),
        (1e-5, "1e-5"),
        (-1.5e300, "-1.5e300"),
    ],
)
def test_four_digits(value, text):
    assert figures.short(value) == text


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_exact_reads_back_as_the_same_number(value):
    assert float(figures.exact(value)) == value
    assert not figures.exact(value).startswith("-0.0") or value != 0


def test_no_number_is_empty():
    assert [figures.exact(value) for value in (None, math.nan, math.inf)] == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("0.123456789", "0.1235"), ("12345678", "12345678"), ("rbf-kernel", "rbf-kernel"), ("1" * 400, "1" * 400)],
)
def test_long_numbers_are_shortened_and_nothing_else(text, shown):
    assert figures.short_text(text) == shown


@pytest.mark.parametrize(
    ("started", "finished", "text"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:59Z", "59 s"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:01:01.5Z", "1 min 1 s"),
        ("2026-01-01T00:00:00Z", "2026-01-02T01:02:03Z", "25 h 2 min"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "–"),
        ("2026-13-41T00:00:00Z", "2026-01-01T00:00:00Z", "–"),
        ("", "2026-01-01T00:00:00Z", "–"),
        ("yesterday", "now", "–"),
    ],
)
def test_durations(started, finished, text):
    assert figures.duration(started, finished) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**30, "5.0 GiB"), (2**60, "1048576.0 TiB")],
)
def test_sizes(count, text):
    assert figures.size(count) == text
