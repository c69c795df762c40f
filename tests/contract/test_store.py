"""One suite for every Store: what one of them promises, all of them keep."""

import pytest

from kagit.names import UNAVAILABLE
from kagit.objective import Metric
from reconciler.adapters.store_duckdb import DuckStore
from reconciler.adapters.store_memory import MemoryStore
from reconciler.core.tally import Tally
from reconciler.ports import Reading


class Hands:
    """A clock that is moved by hand."""

    def __init__(self):
        self.seconds = 1000.0

    def now(self):
        return self.seconds


@pytest.fixture(params=["duckdb", "duckdb-unbuffered", "memory"])
def store(request, tmp_path):
    made = {
        "duckdb": lambda: DuckStore(tmp_path / "metrics.duckdb", clock=Hands()),
        "duckdb-unbuffered": lambda: DuckStore(tmp_path / "metrics.duckdb", clock=Hands(), buffer_rows=0),
        "memory": MemoryStore,
    }[request.param]()
    yield made
    made.close()


def rows(*texts, trial="ns/exp-1-0000", metric="loss", first=0, time=""):
    def value(text):
        return float(text) if text not in {"nan", "inf"} else None

    return [Reading(trial, metric, first + i, time, value(text), text) for i, text in enumerate(texts)]


def test_an_unknown_trial_was_never_read(store):
    assert dict(store.cursors(["ns/x"])) == {"ns/x": 0}
    assert dict(store.observations(["ns/x"])) == {"ns/x": ()}
    assert list(store.curve("ns/x", "loss")) == []
    assert dict(store.steps("ns/x")) == {}


def test_readings_come_back_as_they_went_in(store):
    written = rows("0.10", "nan", "1e-3") + rows("7", first=3, time="2024-03-04T17:55:08.123456789+01:00")
    store.append(written[:2], cursors={"ns/exp-1-0000": 10})
    store.append(written[2:], cursors={"ns/exp-1-0000": 20, "ns/other": 5})
    assert list(store.curve("ns/exp-1-0000", "loss")) == written
    assert dict(store.cursors(["ns/exp-1-0000", "ns/other"])) == {"ns/exp-1-0000": 20, "ns/other": 5}
    assert dict(store.steps("ns/exp-1-0000")) == {"loss": 4}


def test_a_cursor_moves_without_readings(store):
    store.append([], cursors={"ns/t": 4096})
    assert dict(store.cursors(["ns/t"])) == {"ns/t": 4096}
    assert dict(store.observations(["ns/t"])) == {"ns/t": ()}


def test_reading_twice_is_harmless(store):
    store.append(rows("1", "2", "3"), cursors={"ns/exp-1-0000": 30})
    store.append(rows("2", "3", "4", first=1), cursors={"ns/exp-1-0000": 40})
    assert [one.text for one in store.curve("ns/exp-1-0000", "loss")] == ["1", "2", "3", "4"]
    assert store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"] == (
        Metric(name="loss", min="1", max="4", latest="4"),
    )


def test_a_reading_of_the_same_step_replaces_the_old_one(store):
    store.append(rows("-9", "2", "9"), cursors={})
    store.append(rows("1"), cursors={})
    store.append(rows("3", first=2), cursors={})
    assert [one.text for one in store.curve("ns/exp-1-0000", "loss")] == ["1", "2", "3"]
    assert store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"] == (
        Metric(name="loss", min="1", max="3", latest="3"),
    )


def test_the_same_step_twice_at_once_counts_once(store):
    store.append([*rows("5"), *rows("6")], cursors={})
    assert [one.text for one in store.curve("ns/exp-1-0000", "loss")] == ["6"]


def test_roll_ups_keep_the_first_printed_text_and_non_finite_only_as_latest(store):
    store.append(rows("0.10", "0.1", "3.0", "3", "nan"), cursors={})
    store.append(rows("inf", metric="only"), cursors={})
    assert store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"] == (
        Metric(name="loss", min="0.10", max="3.0", latest="nan"),
        Metric(name="only", min=UNAVAILABLE, max=UNAVAILABLE, latest="inf"),
    )


def test_latest_is_the_greatest_time_and_then_the_last_step(store):
    store.append(rows("1", time="2024-03-04T18:00:00+01:00"), cursors={})
    store.append(rows("2", first=1, time="2024-03-04T17:00:00Z"), cursors={})
    store.append(rows("3", first=2, time="2024-03-04T16:59:59Z") + rows("4", first=3), cursors={})
    assert store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"] == (
        Metric(name="loss", min="1", max="4", latest="2"),
    )


@pytest.mark.parametrize(
    ("times", "latest"),
    [
        (("2024-03-04T17:00:00.000000002Z", "2024-03-04T17:00:00.000000001Z"), "1"),
        (("2024-03-04T17:00:00.000000001Z", "2024-03-04T17:00:00.000000002Z"), "2"),
        (("2024-03-04T18:00:00.5+01:00", "2024-03-04T17:00:00.50Z"), "2"),
        (("2024-03-04T17:00:00.9999999Z", "2024-03-04T17:00:00.9999998Z"), "1"),
        (("2024-03-04T17:00:00Z", ""), "1"),
        (("2024-03-04T23:59:59-08:00", "2024-03-05T07:59:58.999Z"), "1"),
    ],
)
def test_times_are_instants_to_the_last_digit_and_outlive_a_restart(store, times, latest):
    for step, time in enumerate(times):
        store.append(rows(str(step + 1), first=step, time=time), cursors={})
        store.flush()
    roll = store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"]
    assert roll[0].latest == latest
    again = Tally()
    again.merge(roll)
    again.add(rows("3", first=2, time="2024-03-04T16:59:59Z"))
    assert again.observation()[0].latest == latest


def test_trials_and_metrics_do_not_mix(store):
    store.append(rows("1") + rows("2", metric="acc") + rows("3", trial="other/exp-1-0000"), cursors={})
    seen = store.observations(["ns/exp-1-0000", "other/exp-1-0000", "ns/none"])
    assert {trial: [(one.name, one.latest) for one in roll] for trial, roll in seen.items()} == {
        "ns/exp-1-0000": [("acc", "2"), ("loss", "1")],
        "other/exp-1-0000": [("loss", "3")],
        "ns/none": [],
    }


@pytest.mark.parametrize(
    "name", ["it's", 'a"b', "x; DROP TABLE readings; --", "$1 ? %s", "größe/мера", "a\nb", "a\x00b", "🦊"]
)
def test_names_are_data(store, name):
    store.append(rows("1", "2", metric=name, trial=f"ns/{name}"), cursors={f"ns/{name}": 3})
    store.append(rows("3", metric=name, trial=f"ns/{name}"), cursors={})
    assert [one.text for one in store.curve(f"ns/{name}", name)] == ["3", "2"]
    assert store.observations([f"ns/{name}"])[f"ns/{name}"] == (Metric(name=name, min="2", max="3", latest="2"),)


def test_numbers_at_the_edge_of_doubles_survive(store):
    texts = ["5e-324", "1.7976931348623157e308", "-0.0", "0.1", "123456789012345678901234567890"]
    store.append(rows(*texts), cursors={})
    assert [one.value for one in store.curve("ns/exp-1-0000", "loss")] == [float(text) for text in texts]


def test_steps_may_have_gaps(store):
    store.append(rows("1", first=10) + rows("2", first=5), cursors={})
    store.append(rows("3", first=7), cursors={})
    assert [(one.step, one.text) for one in store.curve("ns/exp-1-0000", "loss")] == [(5, "2"), (7, "3"), (10, "1")]
    assert dict(store.steps("ns/exp-1-0000")) == {"loss": 11}
    assert store.observations(["ns/exp-1-0000"])["ns/exp-1-0000"][0].latest == "1"


def test_closing_twice_is_harmless(store):
    store.close()
    store.close()
