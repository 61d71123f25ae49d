"""What was there to be had when a restore was requested is gone by the time that replay starts.

A restore takes hours. SQS drops what is 14 days old, and a stream what is a day old, while the restore runs and while a
mapping that was just enabled starts.
"""

from __future__ import annotations

import pytest

from dynamodb_restore.pipeline.pipeline import gap_notes
from tests.hazards.operating import shown, shown_codes
from tests.unit.changes.house import CAPTURE, DAY, House, point
from tests.unit.changes.makers import NOON

_HOUR = 3600


def always(house: House) -> None:
    house.register("always")
    house.switch(CAPTURE, "Enabled")
    house.captured(5, since=NOON - 30 * DAY)


def test_what_the_buffer_drops_meanwhile_is_a_gap(house: House) -> None:
    restore_point = NOON - 14 * DAY + 600
    always(house)
    claim = house.begin(restore_point=restore_point)
    assert claim is not None
    assert claim.gap_seconds == 0

    house.now += 10 * _HOUR
    replaying = house.pipeline.start_replay(claim, point(restore_point))

    assert replaying is not None
    assert replaying.covered_from == NOON - 14 * DAY + 10 * _HOUR
    assert replaying.gap_seconds == 10 * _HOUR - 600 + 60
    assert gap_notes(replaying)[0].startswith(
        "changes from 2026-11-08T12:09:00Z to 2026-11-08T22:00:00Z cannot be had"
    )
    assert shown(house)["gap_seconds"] == replaying.gap_seconds


def test_a_restore_that_is_well_inside_has_none(house: House) -> None:
    always(house)
    claim = house.begin(restore_point=NOON - 3 * DAY)
    assert claim is not None

    house.now += 10 * _HOUR
    replaying = house.pipeline.start_replay(claim, point(NOON - 3 * DAY))

    assert replaying is not None
    assert replaying.gap_seconds == 0


def test_what_was_known_to_be_missing_stays_missing(house: House) -> None:
    claim = house.begin(restore_point=NOON - 2 * DAY)
    assert claim is not None

    replaying = house.pipeline.start_replay(claim, None)

    assert replaying is not None
    assert replaying.covered_from == claim.covered_from


def test_a_mapping_that_was_changed_may_have_been_off_for_long_before(house: House) -> None:
    """Somebody disabled it for two days and enabled it again: the stream has dropped a day of changes by then."""
    always(house)
    house.modify(CAPTURE, point(NOON - 3 * DAY).at)

    claim = house.begin(restore_point=NOON - 5 * DAY)

    assert claim is not None
    assert claim.covered_from == NOON - 4 * DAY + 600
    assert claim.gap_seconds == DAY + 600 + 60


@pytest.mark.parametrize(("after", "obstacles"), [(DAY - 600, []), (DAY - 599, ["gap"])])
def test_a_mapping_that_was_changed_during_the_replay_may_have_been_off_as_well(
    house: House, after: int, obstacles: list[str]
) -> None:
    house.replaying_from(NOON - 60)
    house.now += 3 * DAY
    house.modify(CAPTURE, point(NOON + after).at)

    assert shown_codes(house) == obstacles


@pytest.mark.parametrize("mode", ["on_restore", "always"])
@pytest.mark.parametrize(("inside", "gap"), [(0, 0), (1, 1), (600, 600)])
def test_a_mapping_takes_minutes_to_start(house: House, mode: str, inside: int, gap: int) -> None:
    """The oldest ten minutes of the stream may be dropped before it reads."""
    house.register(mode)

    claim = house.begin(restore_point=NOON - DAY + 600 + 60 - inside)

    assert claim is not None
    assert claim.gap_seconds == gap
