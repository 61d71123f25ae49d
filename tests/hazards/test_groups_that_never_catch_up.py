"""A group's last message is gone: it expired in the buffer after 14 days, or somebody purged the queue.

Its position never catches up. Where that was before the window, it is none of this restore's concern; where it was in the
window, something is lost, and a person decides about that alone.
"""

from __future__ import annotations

import pytest

from dynamodb_restore.pipeline.claim import ClaimState
from tests.hazards.operating import claim_of, codes, cut_over, shown, shown_codes
from tests.unit.changes.house import DAY, House
from tests.unit.changes.makers import NOON

_START = NOON - 3600
"""Of the window."""

_SHARDS_APART = 86_400 + 600
"""A shard that lags may hand out a change that is a day, and the lateness of trimming, older than another shard's."""


def test_one_that_is_quiet_since_before_the_window_does_not_count(house: House) -> None:
    house.replaying()
    house.captured(5, group=3, time=NOON - 15 * DAY)
    house.captured(5, group=4, time=_START - _SHARDS_APART - 1)
    house.captured(9, group=5)
    house.replayed(9, group=5)

    assert shown(house)["replay"]["lagging_groups"] == 0
    assert cut_over(house)["result"] == "synced"


@pytest.mark.parametrize("time", [_START, _START - 1, _START - _SHARDS_APART])
def test_one_whose_last_change_may_have_come_from_a_lagging_shard_does(house: House, time: int) -> None:
    """What was captured before it, from another shard, can be of the window."""
    house.replaying()
    house.captured(5, time=time)

    assert codes(cut_over(house)) == ["lagging"]


def test_one_that_was_purged_in_the_window_is_told_with_its_time(house: House) -> None:
    house.replaying()
    house.captured(5, group=7, time=NOON - 1800)
    house.captured(9, group=5)
    house.replayed(9, group=5)

    # SQS's counts may be a little behind: it is too early to say.
    assert codes(cut_over(house)) == ["lagging"]

    house.now = NOON + 300
    (obstacle,) = cut_over(house)["refused"]
    assert obstacle == {
        "code": "expired",
        "reason": (
            "changes of 1 groups (group 7, up to 2026-11-22T11:30:00Z) were captured and not replayed, and are in the"
            " buffer no more: they expired there, or it was purged; restore again, or accept that the target may lack them"
        ),
    }
    assert shown_codes(house) == ["expired"]
    assert claim_of(house).state is ClaimState.REPLAYING


def test_it_can_be_accepted_by_itself(house: House) -> None:
    house.replaying()
    house.captured(5, group=7, time=NOON - 1800)
    cut_over(house)
    house.now = NOON + 300

    report = cut_over(house, accept=["expired"])

    assert report["result"] == "synced"
    (note,) = report["notes"]
    assert note.startswith("cut over although changes of 1 groups (group 7, up to 2026-11-22T11:30:00Z)")
    assert note.endswith("(accepted: expired)")


def test_what_is_accepted_lets_nothing_else_through(house: House) -> None:
    house.replaying()
    house.captured(5, group=7, time=NOON - 1800)
    house.give_up("shard-1/a", NOON)
    cut_over(house)
    house.now = NOON + 300

    assert codes(cut_over(house, accept=["expired"])) == ["discarded"]


def test_old_changes_that_were_captured_just_now_are_not_lost(house: House) -> None:
    """Capture reads a day of the stream when it starts: the age of a change does not tell how long it lies in the buffer."""
    house.replaying()
    cut_over(house, accept=["gap"], settle_seconds=3600)
    house.now = NOON + 3600
    house.captured(5, time=NOON - 1800)

    assert shown_codes(house) == ["lagging"]
    assert codes(cut_over(house)) == ["still_written", "lagging"]
    assert shown_codes(house) == ["lagging"]


def test_one_whose_message_is_in_the_buffer_is_late_and_not_lost(house: House) -> None:
    house.replaying()
    house.captured(5)
    house.clients.sqs.send_message(
        QueueUrl=house.buffer_url, MessageBody="x", MessageGroupId="0", MessageDeduplicationId="1"
    )
    cut_over(house)
    house.now = NOON + 300

    assert codes(cut_over(house)) == ["lagging", "buffer_not_empty"]


def test_of_many_the_oldest_are_shown(house: House) -> None:
    house.replaying()
    for group in range(5):
        house.captured(5, group=group, time=NOON - 100 * group)
    cut_over(house)
    house.now = NOON + 300

    (obstacle,) = cut_over(house)["refused"]

    assert obstacle["reason"].startswith(
        "changes of 5 groups (group 4, up to 2026-11-22T11:53:20Z, group 3, up to 2026-11-22T11:55:00Z,"
        " group 2, up to 2026-11-22T11:56:40Z and 2 more) were captured"
    )
