"""A writer that nobody stopped goes on writing to the source after the cutover.

What it writes is captured and goes nowhere. So capture stays on for some minutes after a cutover, and counts.
"""

from __future__ import annotations

import pytest

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.pipeline.claim import Captured, ClaimState
from tests.hazards.operating import claim_of, cut_over, shown
from tests.unit.changes.house import House
from tests.unit.changes.makers import NOON
from tests.unit.fakes import client_error


def just_cut_over(house: House, batching_window_seconds: int = 0) -> None:
    house.register(batching_window_seconds=batching_window_seconds)
    house.replaying()
    house.captured(5, changes=40)
    house.replayed(5)
    cut_over(house)
    if batching_window_seconds:
        house.now += 2 * batching_window_seconds + 10
        cut_over(house)


def test_a_late_change_is_captured_and_counted(house: House) -> None:
    just_cut_over(house)
    assert house.pipeline.captured_since_cutover(claim_of(house)) == 0

    house.captured(6, changes=3)

    claim = claim_of(house)
    assert (claim.state, claim.watched) == (ClaimState.WATCHING, Captured(NOON + 310, 40))
    assert house.states() == ("Enabled", "Disabled")
    assert house.pipeline.captured_since_cutover(claim) == 3
    assert (
        shown(house)["next"] == "nothing: it was cut over, and capture is watched until 2026-11-22T12:05:10Z"
    )


def test_a_change_captured_while_the_settings_are_applied_is_a_late_one(house: House) -> None:
    """Replay is fenced by then, so it is not in the target."""
    house.replaying()
    house.captured(5, changes=40)
    house.replayed(5)
    house.shelf.refuse("plum", *[client_error("TagResource", "ThrottlingException") for _ in range(5000)])
    assert "next" in cut_over(house)
    house.captured(6, changes=2)
    house.shelf.refuse("plum")

    assert cut_over(house)["result"] == "synced"

    assert house.pipeline.captured_since_cutover(claim_of(house)) == 2


def test_capture_is_watched_for_a_batching_window_longer(house: House) -> None:
    just_cut_over(house, batching_window_seconds=300)

    watched = claim_of(house).watched
    assert watched is not None
    assert watched.at == NOON + 610 + 300 + 300


def test_the_end_of_watching_stops_capture_and_gives_the_pipeline_back(house: House) -> None:
    just_cut_over(house)
    house.captured(6, changes=3)

    assert house.pipeline.end_watch(claim_of(house)) == 3

    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_a_person_may_end_it(house: House) -> None:
    just_cut_over(house)
    house.captured(6, changes=3)

    assert abandon(house.actions, house.pipeline) == {
        "released": "orders-restored was cut over; 3 changes were captured since"
    }
    assert house.claims.current() is None
    assert house.announced() == ["synced"]


def test_a_second_cutover_is_told_that_it_is_done(house: House) -> None:
    just_cut_over(house)

    assert cut_over(house, force=True) == {
        "refused": [{"code": "not_replaying", "reason": "orders-restored was cut over already"}]
    }
    assert house.announced() == ["synced"]


def test_the_next_restore_may_claim_at_once(house: House) -> None:
    just_cut_over(house)
    watched = claim_of(house)
    house.now += 5

    claim = house.begin("orders-again", "restore-2", NOON)

    assert claim is not None
    assert (claim.restore_id, claim.state) == ("restore-2", ClaimState.CAPTURING)
    # What went into the first restore's target is no longer in the buffer.
    assert claim.covered_from == NOON + 10

    # Whoever ends the watching now has read the claim before.
    house.pipeline.end_watch(watched)
    assert house.claims.current() == claim
    assert house.states() == ("Enabled", "Disabled")


@pytest.mark.parametrize("state", [ClaimState.CAPTURING, ClaimState.CUTTING_OVER, ClaimState.ABANDONING])
def test_no_other_claim_can_be_taken_over(house: House, state: ClaimState) -> None:
    owner = house.claim(state)

    assert house.begin("orders-again", "restore-2", NOON) == owner


def test_the_restore_that_is_watched_does_not_claim_again(house: House) -> None:
    """Its message may be delivered once more."""
    just_cut_over(house)
    watched = claim_of(house)

    assert house.begin() == watched


def test_capture_that_always_runs_goes_on(house: House) -> None:
    house.register("always")
    house.replaying()
    house.captured(5)
    house.replayed(5)
    cut_over(house)

    house.pipeline.end_watch(claim_of(house))

    assert house.states() == ("Enabled", "Disabled")
