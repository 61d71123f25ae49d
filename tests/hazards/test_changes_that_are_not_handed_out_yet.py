"""Lambda has read changes from the stream and not handed them to capture, or does not read at this moment.

A batching window holds a batch back for up to 300 seconds, and a mapping that was just changed stops polling for up to
90. Meanwhile nothing is captured, so buffer, positions and counts say that all is done.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dynamodb_restore.pipeline.claim import Captured, ClaimState
from tests.hazards.operating import claim_of, codes, cut_over
from tests.unit.changes.house import CAPTURE, REPLAY, House
from tests.unit.changes.makers import NOON, put


def at(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def drained(house: House, batching_window_seconds: int = 0) -> None:
    house.register(batching_window_seconds=batching_window_seconds)
    house.replaying()
    house.captured(5)
    house.replayed(5)


def test_cutover_waits_for_twice_the_batching_window_and_can_be_resumed(house: House) -> None:
    drained(house, batching_window_seconds=300)

    assert cut_over(house) == {
        "settling_until": "2026-11-22T12:10:10Z",
        "next": "stop writing to the source, and call cutover again from then on",
    }
    assert house.naps == [], "for what it cannot wait for, it does not wait at all"
    assert claim_of(house).settling == Captured(NOON, 1)

    house.now = NOON + 500
    assert cut_over(house)["settling_until"] == "2026-11-22T12:10:10Z"
    house.now = NOON + 609
    assert cut_over(house)["result"] == "synced"
    assert house.now == NOON + 610


def test_a_change_that_comes_at_the_end_of_the_batching_window_is_seen(house: House) -> None:
    drained(house, batching_window_seconds=300)
    cut_over(house)
    house.now = NOON + 299
    house.captured(6)
    house.replayed(6)

    # There is no need to wait for the rest to be told so.
    (obstacle,) = cut_over(house)["refused"]

    assert obstacle["code"] == "still_written"
    assert claim_of(house).state is ClaimState.REPLAYING
    # What comes after that has the whole time again.
    assert cut_over(house)["settling_until"] == "2026-11-22T12:15:09Z"


def test_a_batching_window_that_was_changed_by_hand_counts_too(house: House) -> None:
    drained(house)
    house.set_batching_window(CAPTURE, 300)

    assert cut_over(house)["settling_until"] == "2026-11-22T12:10:10Z"


@pytest.mark.parametrize("mapping", [CAPTURE, REPLAY])
def test_a_mapping_that_was_just_changed_has_two_minutes(house: House, mapping: str) -> None:
    drained(house)
    house.modify(mapping, at(NOON - 30))

    assert cut_over(house)["settling_until"] == "2026-11-22T12:01:30Z"
    house.now = NOON + 89
    assert cut_over(house)["result"] == "synced"
    assert house.now == NOON + 89 + 10


def test_a_mapping_that_is_changed_while_cutover_waits_has_two_minutes_from_then_on(house: House) -> None:
    """It is enabled again by the time that cutover looks, and does not read yet."""
    drained(house)
    house.on_nap = lambda: house.modify(CAPTURE, at(NOON + 4))

    assert cut_over(house)["settling_until"] == "2026-11-22T12:02:04Z"
    assert claim_of(house).state is ClaimState.REPLAYING


def test_a_mapping_changed_long_ago_does_not_hold_cutover_up(house: House) -> None:
    drained(house)
    house.modify(CAPTURE, at(NOON) - timedelta(days=30))

    assert cut_over(house)["result"] == "synced"
    assert house.now == NOON + 10


@pytest.mark.parametrize(("seconds", "until"), [(61, "2026-11-22T12:01:01Z"), (3600, "2026-11-22T13:00:00Z")])
def test_a_caller_may_ask_for_more(house: House, seconds: int, until: str) -> None:
    drained(house)

    assert cut_over(house, settle_seconds=seconds)["settling_until"] == until
    # A person is not there to the second.
    house.now = NOON + seconds + 600
    assert cut_over(house, settle_seconds=seconds)["result"] == "synced"


def test_it_settles_no_less_than_was_asked_for_where_a_second_has_begun(house: House) -> None:
    drained(house)
    house.now = NOON + 0.9

    cut_over(house, settle_seconds=20)

    assert house.now >= NOON + 20.9


def test_a_wait_that_nobody_came_back_to_is_forgotten(house: House) -> None:
    """What was captured since yesterday's try says nothing about today's."""
    drained(house, batching_window_seconds=300)
    cut_over(house)
    house.captured(9, changes=50)
    house.replayed(9)
    house.now = NOON + 86_400

    assert cut_over(house)["settling_until"] == "2026-11-23T12:10:10Z"


@pytest.mark.parametrize(("window", "seconds"), [(0, 10), (25, 60), (26, 0)])
def test_the_call_that_ends_it_waits_once_more_for_what_was_written_just_before_it(
    house: House, window: int, seconds: int
) -> None:
    """A person who was told to stop writing and to call again may have stopped only then. Where a batching window is longer
    than the function can wait, capture that stays on after the cutover tells of it."""
    drained(house, batching_window_seconds=window)
    house.modify(CAPTURE, at(NOON))
    assert "settling_until" in cut_over(house)

    house.now = again = NOON + 200
    assert cut_over(house)["result"] == "synced"
    assert house.now == again + seconds


def test_after_a_refusal_it_is_waited_for_anew(house: House) -> None:
    """Who was refused lets the writers go on, and stops them again before the next call."""
    drained(house, batching_window_seconds=300)
    house.quarantine.add(put("a"), "wrong type")
    cut_over(house)
    house.now = NOON + 620
    assert codes(cut_over(house)) == ["quarantine"]

    house.now = NOON + 700
    assert cut_over(house, accept=["quarantine"])["settling_until"] == "2026-11-22T12:21:50Z"
    house.now = NOON + 1310
    assert cut_over(house, accept=["quarantine"])["result"] == "synced"


def test_so_it_is_after_a_refusal_for_what_was_written_meanwhile(house: House) -> None:
    drained(house, batching_window_seconds=300)
    cut_over(house)
    house.captured(6)
    house.replayed(6)
    house.now = NOON + 620
    assert codes(cut_over(house)) == ["still_written"]

    house.now = NOON + 1400
    assert cut_over(house)["settling_until"] == "2026-11-22T12:33:30Z"


def test_force_does_not_shorten_it(house: House) -> None:
    drained(house, batching_window_seconds=300)

    assert "settling_until" in cut_over(house, force=True)
    assert claim_of(house).state is ClaimState.REPLAYING
