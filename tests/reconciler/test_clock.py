"""Time goes forward, whatever the wall clock does."""

import pytest

from reconciler.adapters import clock


@pytest.fixture
def hands(monkeypatch):
    now = {"wall": 1000.0, "steady": 5.0}
    monkeypatch.setattr(clock.time, "time", lambda: now["wall"])
    monkeypatch.setattr(clock.time, "monotonic", lambda: now["steady"])
    return now


def test_it_is_the_wall_clock(hands):
    system = clock.SystemClock()
    assert system.now() == 1000.0
    hands["wall"] += 2
    hands["steady"] += 2
    assert system.now() == 1002.0


def test_a_jump_backwards_neither_turns_nor_stops_time(hands):
    system = clock.SystemClock()
    system.now()
    hands["wall"] -= 600
    hands["steady"] += 3
    assert system.now() == 1003.0
    hands["steady"] += 3
    assert system.now() == 1006.0


def test_a_jump_forwards_is_followed(hands):
    system = clock.SystemClock()
    system.now()
    hands["wall"] += 3600  # the machine slept: the steady clock did not count it
    assert system.now() == 4600.0


def test_a_manual_clock_moves_by_hand_and_forwards_only():
    manual = clock.ManualClock(10)
    manual.advance(5)
    assert manual.now() == 15
    with pytest.raises(ValueError, match="backwards"):
        manual.advance(-1)
