"""What annotations ask for."""

import pytest

from kagit import names
from kagit.v1beta1 import manifest
from kagit.wishes import FIELDS, Patience, Wishes, changes, endpoint, patience, seconds, whole, wishes
from tests.sim.universe import manifest as body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1d2h3m4s", 93784),
        ("0h5s", 5),
        ("3660d", 3660 * 86400),
        ("3661d", None),
        ("999999999d999999999d", None),
        ("0s", None),
        ("", None),
        ("5", None),
        ("-5s", None),
        ("1.5h", None),
        ("30m1h", None),
        ("1h ", None),
        ("1H", None),
        ("1h\n", None),
        ("٣h", None),
        ("1w", None),
    ],
)
def test_durations(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("2", 2),
        ("100", 100),
        ("101", None),
        ("-1", None),
        ("", None),
        ("1.0", None),
        ("٣", None),
        ("9" * 999, None),
    ],
)
def test_numbers_of_retries(text, expected):
    assert whole(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", (1, 0.0, False)),
        ("20", (20, 0.0, False)),
        ("1000", (1000, 0.0, False)),
        ("20,0.001", (20, 0.001, False)),
        ("20, 1e-3", (20, 0.001, False)),
        ("20, 0", (20, 0.0, False)),
        ("20, 0.5%", (20, 0.005, True)),
        ("20, 5%", (20, 0.05, True)),
        ("0", None),
        ("1001", None),
        ("-3", None),
        ("020", None),
        ("", None),
        ("20,", None),
        ("20,  1", None),
        ("20, -1", None),
        ("20, %", None),
        ("20, .5", None),
        ("20, nan", None),
        ("20, 1e999", None),
        ("20%", None),
        ("20 0.1", None),
        ("20\n", None),
        ("٣", None),
        ("9" * 999, None),
    ],
)
def test_patience(text, expected):
    found = patience(text)
    assert expected == (None if found is None else (found.trials, pytest.approx(found.least), found.relative))


@pytest.mark.parametrize(
    ("text", "gain", "best", "allowed"),
    [
        ("9", 1e-300, 5.0, True),
        ("9", 0.0, 5.0, False),
        ("9, 0.1", 0.1, 5.0, False),
        ("9, 0.1", 0.11, 5.0, True),
        ("9, 1%", 0.05, -5.0, False),
        ("9, 1%", 0.051, -5.0, True),
        ("9, 1%", 1e-300, 0.0, True),
        ("9, 1", float("inf"), 5.0, True),
    ],
)
def test_a_gain_is_more_than_the_least(text, gain, best, allowed):
    assert patience(text).allows(gain, best=best) is allowed


def test_without_annotations_everything_is_as_it_was():
    assert wishes({}) == Wishes(
        max_duration=None, suspended=False, retries=2, reuse_results=False, stops_trials=True, without_gain=None
    )


def test_every_wish_has_an_annotation_and_every_annotation_a_wish():
    given = {
        names.ANNOTATION_MAX_DURATION: "1h",
        names.ANNOTATION_SUSPEND: "true",
        names.ANNOTATION_RETRIES: "0",
        names.ANNOTATION_REUSE_RESULTS: "true",
        names.ANNOTATION_STOP_TRIALS: "false",
        names.ANNOTATION_WITHOUT_GAIN: "20, 0.5%",
        names.ANNOTATION_SUGGESTION_ENDPOINT: "tuner:6789",
    }
    assert set(given) == set(names.WISHES) == {*FIELDS.values(), names.ANNOTATION_SUSPEND}
    expected = Wishes(
        max_duration=3600,
        suspended=True,
        retries=0,
        reuse_results=True,
        stops_trials=False,
        without_gain=Patience(trials=20, least=0.005, relative=True),
        suggestion_endpoint="tuner:6789",
    )
    assert wishes(given) == expected


@pytest.mark.parametrize("key", names.WISHES)
def test_a_wish_makes_no_new_run(key):
    said = {"max-duration": "1h", "retries": "7", "stop-without-gain": "9", "suggestion-endpoint": "tuner:6789"}
    value = said.get(key.removeprefix(names.ANNOTATION_PREFIX), "true")
    plain, wishing = body("a"), body("a")
    wishing["metadata"]["annotations"] = {key: value}
    (one, _), (other, _) = manifest.experiment(plain), manifest.experiment(wishing)
    assert (one.spec_digest, one.run_digest) == (other.spec_digest, other.run_digest)


def test_changes_are_told_but_for_the_suspension_and_what_means_the_same():
    old = {names.ANNOTATION_MAX_DURATION: "60m", names.ANNOTATION_RETRIES: "1"}
    new = {
        names.ANNOTATION_MAX_DURATION: "1h",
        names.ANNOTATION_SUSPEND: "true",
        names.ANNOTATION_REUSE_RESULTS: "true",
    }
    assert list(changes(old, new)) == ["kagit.dev/retries 1 → none", "kagit.dev/reuse-results none → true"]


@pytest.mark.parametrize("text", ["tuner:6789", "10.0.0.1:1", "[::1]:65535", "a.b-c.example.org:80"])
def test_what_is_an_endpoint(text):
    assert endpoint(text) == text


@pytest.mark.parametrize(
    "text",
    ["tuner", ":6789", "tuner:", "tuner:0", "tuner:65536", "tuner:6789 ", "unix:/run/x:1", "xds:///t:1", "http://t:1",
     "a@b:1", "-a:1", "a..:1" * 200, "t\u0660:1", "t:\u0661", "../t:1", "t:1\n"],
)  # fmt: skip
def test_what_is_no_endpoint(text):
    assert endpoint(text) == ""
