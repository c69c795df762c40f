from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import dimensions
from algorithms.numbers import clamped_text, number_of, real_text, tick_count, whole_text
from kagit.errors import Broken
from kagit.space import Space
from tests.algorithms.harness import many, parameter, ranges


def dimension(*args, **kwargs):
    return dimensions.of(Space((parameter(*args, **kwargs),)))[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.30", "0.3"),
        ("1", "1.0"),
        ("-0.0", "0.0"),
        ("1e-5", "1e-05"),
        ("1E-10", "1e-10"),
        ("5e-324", "5e-324"),
        ("0.10000000000000000001", "0.10000000000000000001"),
        ("1E-400", "1e-400"),
    ],
)
def test_doubles_are_written_as_short_as_is_exact(value, text):
    assert real_text(Decimal(value)) == text
    assert Decimal(text) == Decimal(value)


@pytest.mark.parametrize(("value", "text"), [("3.0", "3"), ("1E+2", "100"), ("-0", "0"), ("9223372036854775807",) * 2])
def test_ints_are_digits_only(value, text):
    assert whole_text(Decimal(value)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@many
def test_doubles_come_back_as_the_same_double(value):
    assert float(clamped_text(value, low=Decimal("-2e308"), high=Decimal("2e308"))) == value


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1,5"])
def test_what_is_no_finite_number_is_broken(text):
    with pytest.raises(Broken, match="not a finite number"):
        number_of(text)


def test_steps_are_counted_and_written_exactly():
    tenths = dimension("x", "double", low="0", high="1", step="0.1")
    assert [tenths.text(k) for k in range(tenths.size)] == [f"0.{k}" for k in range(10)] + ["1.0"]
    odd = dimension("x", "double", low="-0.3", high="0.29", step="0.2")
    assert [odd.text(k) for k in range(odd.size)] == ["-0.3", "-0.1", "0.1"]
    ints = dimension("x", "int", low="1", high="10", step="4")
    assert [ints.text(k) for k in range(ints.size)] == ["1", "5", "9"]
    assert tick_count(low=Decimal("0.1"), high=Decimal("0.7"), step=Decimal("0.1")) == 7


def test_discrete_values_are_ordered_as_numbers_and_keep_their_own_text():
    one = dimension("x", "discrete", values=("1e2", "-3", "10.0", "10", "+2", "1e2"))
    assert one.values == ("-3", "+2", "10.0", "10", "1e2")
    assert [one.rank(text) for text in one.values] == [0, 1, 2, 3, 4]


def test_categories_keep_the_order_of_the_manifest():
    assert dimension("x", "categorical", values=("b", "a", "b", "1")).values == ("b", "a", "1")


@given(one=ranges("x"), share=st.floats(0, 1, exclude_max=True))
@many
def test_a_value_and_its_share_of_the_probability_belong_together(one, share):
    (dim,) = dimensions.of(Space((one,)))
    text = dim.at(share)
    assert one.contains(text)
    assert 0 <= dim.share(text) <= 1
    if dim.size is not None:
        rank = dim.rank(text)
        assert dim.text(rank) == text
        assert abs(dim.share(text) - share) <= dim.weight(rank) / 2 + 1e-6


@given(one=ranges("x"), rank=st.integers(0, 2**64))
@many
def test_every_rank_has_its_text(one, rank):
    (dim,) = dimensions.of(Space((one,)))
    if dim.size is not None:
        rank %= dim.size
        assert dim.rank(dim.text(rank)) == rank


@pytest.mark.parametrize("dist", ["uniform", "logUniform", "normal", "logNormal"])
@pytest.mark.parametrize(("low", "high", "step"), [("1", "2", "1"), ("3", "100", None), ("5", "900", "7")])
def test_the_weights_of_all_values_make_one(dist, low, high, step):
    one = dimension("x", "int", low=low, high=high, step=step, dist=dist)
    assert sum(one.weight(rank) for rank in range(one.size)) == pytest.approx(1)
