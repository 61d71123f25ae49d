"""A bundle expires in the buffer, and later ones of its group do not: the group's position passes over it.

SQS drops what is two weeks old and tells nobody. So upkeep notes how far a long replay has certainly come, and where that is
nearly two weeks ago, cutover is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dynamodb_restore.pipeline import upkeep
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.upkeep import note_how_far
from tests.hazards.operating import claim_of, codes, cut_over, shown_codes
from tests.unit.changes.house import DAY, House
from tests.unit.changes.makers import NOON

if TYPE_CHECKING:
    import pytest

_HOUR = 3600
_LONG = 14 * DAY - _HOUR
"""After which something may have expired."""


def long_replay(house: House) -> None:
    """A replay that began just now; capture has sent two bundles of a group."""
    house.replaying_from(NOON)
    house.captured(5, time=NOON)
    house.captured(9, time=NOON + DAY)


def note(house: House) -> None:
    """Do what upkeep does every few minutes."""
    note_how_far(house.pipeline, claim_of(house))


def test_what_may_have_expired_stands_in_the_way(house: House) -> None:
    long_replay(house)
    start = claim_of(house).window.start

    house.now = start + _LONG
    # The second bundle is replayed at last; the first was dropped an hour ago.
    house.replayed(9, time=NOON + DAY)

    (obstacle,) = cut_over(house)["refused"]
    assert obstacle["code"] == "expired"
    assert obstacle["reason"].startswith(
        "since 2026-11-22T11:59:00Z it is not known that everything captured was"
    )
    assert cut_over(house, accept=["expired"])["result"] == "synced"


def test_a_second_earlier_nothing_can_have_expired(house: House) -> None:
    long_replay(house)
    house.replayed(9, time=NOON + DAY)

    house.now = claim_of(house).window.start + _LONG - 12

    assert cut_over(house)["result"] == "synced"


def test_a_replay_that_keeps_up_for_weeks_is_cut_over_as_any(house: House) -> None:
    long_replay(house)
    for day in range(1, 40):
        house.now = NOON + day * DAY + 120
        house.captured(10 + day, time=NOON + day * DAY)
        house.replayed(10 + day, time=NOON + day * DAY)
        note(house)

    assert claim_of(house).replayed_until == house.now - _HOUR
    assert cut_over(house)["result"] == "synced"


def test_how_far_it_came_is_as_far_as_the_group_that_lags_most(house: House) -> None:
    long_replay(house)
    house.replayed(5, time=NOON + 600)
    house.captured(7, group=1, time=NOON + DAY)
    house.replayed(7, group=1, time=NOON + DAY)
    house.now = NOON + 3 * DAY

    note(house)

    assert claim_of(house).replayed_until == NOON + 600


def test_a_group_of_which_nothing_was_replayed_holds_it_at_the_start(house: House) -> None:
    long_replay(house)
    house.now = NOON + 3 * DAY

    note(house)

    assert claim_of(house).replayed_until is None


def test_what_was_set_aside_holds_it_too(house: House) -> None:
    """The FIFO DLQ forgets as the buffer does."""
    long_replay(house)
    house.replayed(9, time=NOON + DAY)
    house.clients.sqs.send_message(
        QueueUrl=house.aside_url, MessageBody="x", MessageGroupId="0", MessageDeduplicationId="x"
    )
    house.now = NOON + 3 * DAY

    note(house)

    assert claim_of(house).replayed_until is None
    assert codes(cut_over(house)) == ["set_aside"]


def test_once_it_is_too_late_to_know_upkeep_notes_nothing_more(house: House) -> None:
    long_replay(house)
    house.replayed(9, time=NOON + DAY)
    house.now = claim_of(house).window.start + _LONG

    note(house)

    assert claim_of(house).replayed_until is None
    assert shown_codes(house) == ["expired"]


def test_it_is_noted_once_a_day(house: House) -> None:
    """What is looked at for it costs calls, with each run of upkeep."""
    long_replay(house)
    house.replayed(9, time=NOON + DAY)
    house.now = NOON + 3 * DAY
    note(house)
    noted = claim_of(house).replayed_until

    house.now += DAY - 2 * _HOUR
    note(house)

    assert claim_of(house).replayed_until == noted == NOON + 3 * DAY - _HOUR


def test_it_is_no_change_that_a_cutover_has_to_have_seen(house: House) -> None:
    long_replay(house)
    house.replayed(9, time=NOON + DAY)
    house.now = NOON + 3 * DAY
    before = claim_of(house)

    note(house)

    fenced = house.pipeline.fence(before, ClaimState.CUTTING_OVER)
    assert fenced is not None
    assert claim_of(house) == fenced


def test_it_never_goes_back_and_is_not_noted_for_another_restore(house: House) -> None:
    long_replay(house)
    claim = claim_of(house)
    house.claims.note_replayed(claim, NOON + 20)
    house.claims.note_replayed(claim, NOON + 10)
    house.claims.note_replayed(replace(claim, restore_id="restore-0"), NOON + 30)

    assert claim_of(house).replayed_until == NOON + 20


def test_upkeep_does_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Claim] = []
    monkeypatch.setattr(upkeep, "note_how_far", lambda _, claim: noted.append(claim))
    long_replay(house)

    house.upkeep("upkeep")
    assert noted == [claim_of(house)]

    house.pipeline.fence(claim_of(house), ClaimState.ABANDONING)
    house.upkeep("upkeep")
    assert len(noted) == 1
