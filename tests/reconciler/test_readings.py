"""The collector finds what Katib's pattern finds, however the output is cut, and says what it could not use."""

import re
import tracemalloc
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagit.errors import Refused
from kagit.names import UNAVAILABLE
from kagit.objective import Metric
from reconciler.core.readings import DEFAULT_FILTER, LONG_LINE, Parser
from reconciler.core.tally import Tally
from reconciler.ports import Reading

NAMES = ("loss", "val_loss", "acc", "e5", "1x", "1", "e", "a|b", "-m")
PIECES = [
    *NAMES,
    "=",
    "==",
    " = ",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "-",
    "+",
    ".",
    ",",
    "|",
    "_",
    "1",
    "23",
    "0.5",
    ".25",
    "4.",
]
PIECES += [
    "e",
    "E-3",
    "e+2",
    "x",
    "abc",
    "é",
    ":",
    "2024-03-04T17:55:08Z",
    "1e999",
    "nan",
    "inf",
    "=-inf",
    "NaN ",
    "Infinity",
]
PAIRS = [f"{name}{behind}" for name in NAMES for behind in ("=1", " = -.5e3 ", "=nan\n", "=x", "=2-")]
OUTPUTS = st.lists(st.sampled_from(PIECES) | st.sampled_from(PAIRS), max_size=40).map("".join)
NON_FINITE = re.compile(r"([+-]?(?:nan|inf(?:inity)?))(?![\w|-]|[ \t\f\v]*=)", re.ASCII | re.IGNORECASE)


def naive(output: str, names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Katib's algorithm, word by word; values that are no numbers are dropped, printed NaN and infinities are kept."""
    found = []
    for line in re.split(r"[\r\n]", output):
        stamp = line.split(" ")[0]
        time = stamp if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp) else ""
        for match in re.finditer(DEFAULT_FILTER, line, re.ASCII):
            text = match[2]
            if text in {"", "-", "+"}:
                special = NON_FINITE.match(line, match.start(2))
                text = special[1] if special else text
            if match[1] in names and re.search("[0-9]|n", text, re.IGNORECASE):
                found.append((match[1], text, time))
    return [one for one in found if not re.fullmatch(r"[+-]?[eE][+-]?\d+", one[1])]


def parsed(data: bytes, names=NAMES, cuts=(), filters=()):
    parser = Parser(trial="ns/t", metrics=names, filters=filters)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [one for a, b in pairwise(edges) for one in parser.feed(data[a:b])]
    return parser, found + parser.finish()


def by_metric(rows):
    """Readings come metric by metric; what counts is their order within each."""
    return sorted(rows, key=itemgetter(0))


@given(OUTPUTS, st.lists(st.integers(0, 200), max_size=5))
def test_finds_exactly_what_the_full_pattern_finds_however_the_output_is_cut(output, cuts):
    _, found = parsed(output.encode(), cuts=cuts)
    assert by_metric((one.metric, one.text, one.time) for one in found) == by_metric(naive(output, NAMES))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_are_read_and_cuts_change_nothing(data, cuts):
    whole = b"loss=1 " + data + b"\nloss=2"
    parser, found = parsed(whole, cuts=cuts)
    assert sorted(found) == sorted(parsed(whole)[1])
    texts = [one.text for one in found if one.metric == "loss"]
    assert (texts[0][0], texts[-1], parser.consumed) == ("1", "2", len(whole))


@given(OUTPUTS, st.integers(0, 200))
def test_going_on_at_the_cursor_gives_the_same_readings_with_the_same_steps(output, cut):
    data = output.encode()
    _, whole = parsed(data)
    first = Parser(trial="ns/t", metrics=NAMES)
    found = first.feed(data[:cut])
    counts = {name: sum(one.metric == name for one in found) for name in NAMES}
    again = Parser(trial="ns/t", metrics=NAMES)
    again.resume(offset=first.consumed, counts=counts)
    found += again.feed(data[first.consumed :], first.consumed) + again.finish()
    assert by_metric(one[1:] for one in found) == by_metric(one[1:] for one in whole)


def test_values_are_numbers_and_texts_stay_as_printed():
    _, found = parsed(b"loss=0.10 acc = -.5e-1\nloss=1,234 loss=888. loss=nan loss=-inf loss=1e999\n")
    assert by_metric((one.metric, one.step, one.value, one.text) for one in found) == [
        ("acc", 0, -0.05, "-.5e-1"),
        ("loss", 0, 0.1, "0.10"),
        ("loss", 1, 1.0, "1"),
        ("loss", 2, 888.0, "888"),
        ("loss", 3, None, "nan"),
        ("loss", 4, None, "-inf"),
        ("loss", 5, None, "1e999"),
    ]


def test_what_is_no_number_is_counted_with_the_first_example():
    parser, found = parsed(b"loss: 1\nval_loss_x=3\nloss = abc, sorry\nloss==0.3\n")
    assert (found, parser.rejected, parser.rejected_example) == ([], 2, "loss = abc, sorry")


def test_a_number_longer_than_any_number_is_not_stored():
    parser, found = parsed(b"loss=0." + b"1" * 300 + b" loss=0." + b"1" * 200)
    assert ([len(one.text) for one in found], parser.rejected) == ([202], 1)


def test_times_are_kept_word_by_word_where_they_are_times():
    stamps = [
        "2024-03-04T17:55:08.123456789+01:00",
        "2024-02-30T00:00:00Z",
        "2024-03-04 17:55:08",
        "INFO",
        "2024-13-01T00:00:00Z",
    ]
    _, found = parsed("".join(f"{stamp} loss=1\n" for stamp in stamps).encode())
    assert [one.time for one in found] == [stamps[0], "", "", "", ""]


def test_a_progress_bar_is_many_lines():
    _, found = parsed(b"2024-03-04T17:55:08Z loss=3\r2024-03-04T17:55:09Z loss=2\rloss=1")
    assert [(one.time[17:19], one.text) for one in found] == [("08", "3"), ("09", "2"), ("", "1")]


@pytest.mark.parametrize("filters", [(), (r"(\w+)=(\d+)",)])
def test_a_hundred_megabytes_in_one_line_take_little_memory_and_every_metric_counts_once(filters):
    parser = Parser(trial="ns/t", metrics=["loss"], filters=filters)
    piece, found, sent = b"x " * 99_000 + b"loss=7 ", 0, 0
    tracemalloc.start()
    while sent < (100 << 20 if not filters else 20 << 20):
        found += len(parser.feed(piece))
        sent += len(piece)
        assert parser.consumed > sent - 2 * LONG_LINE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found + len(parser.finish()) == sent // len(piece)
    assert peak < 4 << 20


@given(st.integers(0, 3000), st.integers(1000, 40_000))
def test_a_metric_at_the_edge_of_a_piece_of_a_long_line_counts_once(shift, size):
    data = b"2024-03-04T17:55:08Z " + b"." * (LONG_LINE + 1000 - shift) + b" val_loss=1 loss=2.5e3 acc=3 " + b"y" * 3000
    _, found = parsed(data, cuts=range(0, len(data), size))
    texts = [(one.metric, one.text, one.time) for one in found]
    expected = [(n, t, "2024-03-04T17:55:08Z") for n, t in (("acc", "3"), ("loss", "2.5e3"), ("val_loss", "1"))]
    assert by_metric(texts) == expected


def test_bytes_that_are_gone_are_counted_and_bytes_told_twice_are_not():
    parser = Parser(trial="ns/t", metrics=["loss"])
    found = (
        parser.feed(b"loss=1\nlo", 0)
        + parser.feed(b"\nlong gone\nloss=2\n", 100)
        + parser.feed(b"loss=2\nloss=3\n", 111)
    )
    assert ([one.text for one in found], parser.lost, parser.consumed) == (["1", "2", "3"], 93, 125)


KATIB_FILTER = r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}"


@pytest.mark.parametrize("filters", [(), (r"(\w+)=(\d+)",)])
@pytest.mark.parametrize("name", ["\n", "\r", "", " ", "a\nb", "\\", "é"])
def test_a_name_that_no_line_can_have_is_never_found(name, filters):
    assert [one.text for one in parsed(b"loss=1\n\nloss=2\n", ("loss", name), filters=filters)[1]] == ["1", "2"]


def test_a_filter_gives_names_that_the_default_cannot():
    _, found = parsed(
        "Verlust über/alles: 0,5 -> 0.25\n".encode(), ("über/alles",), filters=(r"(über/alles).*-> ([\d.]+)",)
    )
    assert [(one.metric, one.text) for one in found] == [("über/alles", "0.25")]


def test_the_default_filter_beside_another_one():
    _, found = parsed(b"loss=1 'loss': 2 loss=3", ("loss",), filters=(DEFAULT_FILTER, r"'(\w+)': (\d+)"))
    assert [one.text for one in found] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(loss)=(\d+", "not a regular expression"),
        (r"loss=(\d+)", "two groups"),
        (r"(a+)+=(\d)", "for ever"),
        (r"((\w|x)*)=(\d)", "for ever"),
        (r"(\w+)=((\d{1,3},){2,})", "for ever"),
        (r"(?=x)(\w+)=(\d+)", "RE2 does not know"),
        (r"(\w)\1=(\d+)", "RE2 does not know"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_with_the_way_out(pattern, words):
    with pytest.raises(Refused, match=words):
        Parser(trial="ns/t", metrics=["loss"], filters=[pattern])


@pytest.mark.parametrize(
    "pattern",
    [
        KATIB_FILTER,
        r"'([\w|-]+)'\s*:\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)",
        r"([)(+]+)\((\d+)",
        r"(?P<n>foo|bar)=(?:[a|b]{3})?(\d)",
    ],
)
def test_ordinary_filters_are_accepted(pattern):
    assert Parser(trial="ns/t", metrics=["loss"], filters=[pattern]).consumed == 0


# ------------------------------------------------------------------------------------------------------------ Tally


def readings(*rows, metric="loss"):
    def value(text):
        return None if text in {"nan", "inf", "unavailable"} else float(text)

    return [Reading("ns/t", metric, step, time, value(text), text) for step, (time, text) in enumerate(rows)]


def test_min_and_max_go_by_number_latest_by_order_and_all_as_printed():
    tally = Tally()
    tally.add(readings(("", "0.10"), ("", "0.1"), ("", "3"), ("", "-2.50"), ("", "nan")))
    assert tally.observation(["loss", "acc"]) == (
        Metric(name="loss", min="-2.50", max="3", latest="nan"),
        Metric(name="acc"),
    )
    assert tally.note("loss") == "the last of 5 readings of loss is not a finite number: nan"
    assert tally.note("acc") == ""


def test_only_nan_has_no_min_and_says_so():
    tally = Tally()
    tally.add(readings(("", "inf"), ("", "nan")))
    assert tally.observation() == (Metric(name="loss", min=UNAVAILABLE, max=UNAVAILABLE, latest="nan"),)
    assert tally.note("loss").startswith("every one of 2 readings")


def test_katibs_own_case_latest_is_the_greatest_time_and_then_the_last():
    day, before = "2021-12-02T14:27:{}+08:00", "2021-12-01T14:27:42+08:00"
    tally = Tally()
    rows = [(38, ".03"), (39, ".02"), (40, ".01"), (41, "0.05"), (41, "0.06"), (41, "0.07")]
    tally.add(readings(*[(day.format(second), text) for second, text in rows], (before, "0.1")))
    assert tally.observation() == (Metric(name="loss", min=".01", max="0.1", latest="0.07"),)


def test_times_in_other_zones_and_with_nanoseconds_are_compared_as_instants():
    tally = Tally()
    tally.add(
        readings(("2024-01-01T00:00:00.000000002Z", "1"), ("2024-01-01T01:00:00.000000001+01:00", "2"), ("", "3"))
    )
    assert tally.observation()[0].latest == "1"


@given(st.lists(st.sampled_from(["0.1", "0.10", "2", "-3e2", "nan"])), st.integers(0, 10))
def test_going_on_from_a_stored_observation_ends_the_same(texts, cut):
    whole, early, late = Tally(), Tally(), Tally()
    rows = readings(*[("", text) for text in texts])
    whole.add(rows)
    early.add(rows[:cut])
    late.merge(early.observation())
    late.add(rows[cut:])
    assert late.observation() == whole.observation()


def test_nothing_read_is_no_observation():
    assert Tally().observation(["loss"]) == ()


GENOTYPE = r"([\w-]+)=(Genotype.*)"


@given(st.lists(st.integers(0, 400), max_size=5))
def test_a_filter_may_find_texts_where_they_are_wished_for_however_the_output_is_cut(cuts):
    said = "Genotype(normal=[[('maß_3x3', 0)]], normal_concat=range(2, 3))"
    data = (
        f"accuracy=0.5\nBest-Genotype={said} \nBest-Genotype={'x' * 9}\nBest-Genotype=Genotype{'x' * 5000}\n".encode()
    )
    data += b"Best-Genotype=0.5\n"
    names = ("Best-Genotype", "accuracy")
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    filters = [GENOTYPE, r"([\w-]+)=([0-9.]+)"]
    parser = Parser(trial="ns/t", metrics=names, filters=filters, texts=True)
    found = [one for a, b in pairwise(edges) for one in parser.feed(data[a:b])] + parser.finish()
    assert by_metric((one.metric, one.step, one.value, one.text) for one in found) == [
        ("Best-Genotype", 0, None, said),
        ("Best-Genotype", 1, 0.5, "0.5"),
        ("accuracy", 0, 0.5, "0.5"),
    ]
    assert parser.rejected == 1
    wanted = Parser(trial="ns/t", metrics=names, filters=filters)
    assert [one.text for one in wanted.feed(data)] == ["0.5", "0.5"]
