"""The source's stream is another than when the pipeline was applied.

A stream that was switched off and on has a new ARN, and so has that of a table made anew. The old one stays readable for
a day and nothing new is written to it, so a capture mapping that reads it reports that all is well.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import gap_notes
from tests.hazards.operating import claim_of, codes, cut_over, shown
from tests.unit.changes.house import CAPTURE, DAY, STREAM, House, point
from tests.unit.changes.makers import NOON

_ON_AGAIN = STREAM.replace("2026-11-01T00:00:00.123", "2026-11-22T11:30:00.000")
_HALF_PAST_ELEVEN = NOON - 1800


def switched_off_and_on(house: House) -> None:
    house.stream_is(_ON_AGAIN)


def switched_off(house: House) -> None:
    house.stream_is(STREAM, enabled=False)


def made_anew_without_a_stream(house: House) -> None:
    house.aws.describe_as("orders", StreamSpecification={}, LatestStreamArn=None)


def table_gone(house: House) -> None:
    house.clients.dynamodb.delete_table(TableName="orders")


def applied(house: House, state: str) -> None:
    """`terraform apply`: capture reads the new stream."""
    house.register(stream_arn={"S": _ON_AGAIN})
    house.switch(CAPTURE, state, EventSourceArn=_ON_AGAIN)


def test_what_is_captured_with_after_the_apply_is_switched_on_by_upkeep(house: House) -> None:
    """Terraform makes the new mapping disabled, and it is not Terraform's to know that a restore needs it."""
    house.replaying()
    switched_off_and_on(house)
    assert house.upkeep("upkeep")["misdirected"].startswith(f"capture reads {STREAM}")
    applied(house, "Disabled")

    assert house.upkeep("upkeep")["misdirected"] is None
    assert house.states() == ("Enabled", "Enabled")


REPLACED = [
    (switched_off_and_on, f"capture reads {STREAM}, and the stream of orders is {_ON_AGAIN} now"),
    (switched_off, "the stream of orders is switched off: switch it on again, then run `terraform apply`"),
    (made_anew_without_a_stream, "the stream of orders is switched off"),
    (table_gone, "table orders does not exist"),
]


@pytest.mark.parametrize(("replace", "reason"), REPLACED)
@pytest.mark.parametrize("mode", ["on_restore", "always"])
def test_a_claim_covers_nothing_yet(
    house: House, mode: str, replace: Callable[[House], None], reason: str
) -> None:
    house.register(mode)
    house.switch(CAPTURE, "Enabled")
    house.captured(5)
    replace(house)

    claim = house.begin()

    assert claim is not None
    assert (claim.covered_from, claim.gap_seconds) == (NOON, 3660)
    assert gap_notes(claim)[0].startswith(
        "changes from 2026-11-22T10:59:00Z to 2026-11-22T12:00:00Z cannot be had"
    )


@pytest.mark.parametrize(("replace", "reason"), REPLACED)
def test_a_stream_replaced_before_replay_starts_is_a_gap(
    house: House, replace: Callable[[House], None], reason: str
) -> None:
    claim = house.begin()
    assert claim is not None
    assert claim.gap_seconds == 0
    replace(house)
    house.now += 600

    replaying = house.pipeline.start_replay(claim, point(NOON - 3600))

    assert replaying is not None
    assert replaying.gap_seconds == 3660 + 600


@pytest.mark.parametrize(("replace", "reason"), REPLACED)
def test_status_and_cutover_say_so_and_how_to_mend_it(
    house: House, replace: Callable[[House], None], reason: str
) -> None:
    house.replaying()
    house.captured(5)
    house.replayed(5)
    replace(house)

    shown_now = shown(house)
    answer = cut_over(house)

    (obstacle,) = answer["refused"]
    assert obstacle["code"] == "capture_misdirected"
    assert obstacle["reason"].startswith(reason)
    assert "`terraform apply`" in obstacle["reason"]
    assert shown_now["obstacles"] == [obstacle]
    assert not shown_now["drained"]
    assert claim_of(house).state is ClaimState.REPLAYING


def test_it_can_be_accepted_by_its_code(house: House) -> None:
    house.replaying()
    switched_off(house)

    report = cut_over(house, accept=["capture_misdirected"])

    (note,) = report["notes"]
    assert note.startswith("cut over although the stream of orders is switched off")


def test_what_was_written_while_there_was_no_stream_is_a_gap_after_it_was_mended_too(house: House) -> None:
    """`terraform apply` lets capture read the new stream: it matches, and what was written in between is nowhere."""
    house.claim(covered_from=NOON - DAY)
    house.replaying()
    switched_off_and_on(house)
    applied(house, "Enabled")

    answer = cut_over(house)

    (obstacle,) = answer["refused"]
    assert obstacle["code"] == "gap"
    assert (
        "the stream was replaced during the restore, by one made at 2026-11-22T11:30:00Z"
        in obstacle["reason"]
    )
    assert shown(house)["obstacles"] == [obstacle]


def test_a_stream_that_was_replaced_before_the_claim_is_no_second_gap(house: House) -> None:
    house.stream_is(_ON_AGAIN)
    applied(house, "Disabled")
    house.replaying_from(NOON - 1200)

    assert claim_of(house).covered_from == _HALF_PAST_ELEVEN
    assert cut_over(house)["result"] == "synced"


def test_a_mapping_that_was_made_anew_is_switched_on_when_replay_starts(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.switch(CAPTURE, "Disabled")

    house.pipeline.start_replay(claim, None)

    assert house.states() == ("Enabled", "Enabled")


def test_capture_that_was_switched_off_between_restores_covers_nothing_before(house: House) -> None:
    """`always` since three days, but disabled by hand at some time: what the stream dropped meanwhile is nowhere."""
    house.register("always")
    house.captured(5, since=NOON - 3 * DAY)
    house.switch(CAPTURE, "Disabled")

    claim = house.begin(restore_point=NOON - 2 * DAY)

    assert claim is not None
    assert claim.covered_from == NOON - DAY + 600
    assert codes(cut_over(house)) == ["not_replaying"]
