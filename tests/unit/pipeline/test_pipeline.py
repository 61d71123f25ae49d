from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.changes.progress import Side
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from tests.unit.changes.house import CAPTURE, DAY, REPLAY, RESTORE_ID, STREAM, House, point
from tests.unit.changes.makers import NOON

REACH = NOON - DAY + 600
"""How far back a stream surely reaches at noon: a day less ten minutes, in which the mapping may still be starting."""

LAGGING = (
    "1 groups have captured changes that are not replayed yet; where the buffer stays empty, cutover tells after 5 minutes"
    " whether they are lost"
)


def at(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def obstacles(house: House) -> list[str]:
    """Why the restore that owns the pipeline is not drained, or could not be cut over."""
    claim = house.claims.current()
    assert claim is not None
    standing = house.pipeline.standing(claim)
    found = [obstacle.reason for obstacle in standing.obstacles()]
    assert standing.drained == (not found)
    return found


def test_a_restore_claims_the_pipeline_and_capture_starts(house: House) -> None:
    claim = house.begin()

    assert claim == Claim(
        restore_id=RESTORE_ID,
        target="orders-restored",
        state=ClaimState.CAPTURING,
        claimed_at=at(NOON),
        window=Window(NOON - 3660),
        covered_from=REACH,
        version=1,
    )
    assert house.claims.current() == claim
    assert house.states() == ("Enabled", "Disabled")


def test_a_source_without_a_pipeline_has_none_to_open(house: House) -> None:
    assert house.pipelines.open("customers") is None


def test_a_target_that_is_not_admitted_claims_nothing(house: House) -> None:
    house.register(patterns=("spare-*",))

    assert house.begin() is None
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_a_second_restore_gets_the_owners_claim_and_switches_nothing(house: House) -> None:
    owner = house.begin()
    house.switch(CAPTURE, "Disabled")

    found = house.begin("orders-again", "restore-2")

    assert found == owner
    assert house.states() == ("Disabled", "Disabled")


def test_a_delivery_that_died_after_the_claim_is_taken_up(house: House) -> None:
    house.aws.fail("UpdateEventSourceMapping", "ServiceException")
    with pytest.raises(ClientError):
        house.begin()
    assert house.states() == ("Disabled", "Disabled")

    claim = house.begin()

    assert claim is not None
    assert claim.covered_from == REACH
    assert house.states() == ("Enabled", "Disabled")


def test_beginning_again_changes_nothing(house: House) -> None:
    first = house.begin()
    house.now += 500

    assert house.begin() == first


def test_a_window_chosen_while_the_claim_is_taken_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator acts between the claim and the note of what it covers."""
    update = type(house.claims).update
    once = iter([True])

    def raced(store: object, claim: Claim) -> Claim | None:
        if next(once, False):
            taken = house.claims.current()
            assert taken is not None
            update(house.claims, replace(taken, window=Window(NOON - 7), window_chosen=True))
        return update(house.claims, claim)

    monkeypatch.setattr(type(house.claims), "update", raced)
    claim = house.begin()

    assert claim is not None
    assert (claim.window, claim.window_chosen, claim.covered_from) == (Window(NOON - 7), True, REACH)


def test_the_window_starts_a_minute_before_the_restore_point(house: House) -> None:
    claim = house.begin(restore_point=NOON - 200)

    assert claim is not None
    assert claim.window == Window(NOON - 260)


@pytest.mark.parametrize(
    ("restore_point", "gap"),
    [
        (NOON - 3600, 0),
        (REACH + 60, 0),
        (REACH + 59, 1),
        (NOON - 3 * DAY, 2 * DAY + 600 + 60),
    ],
)
def test_what_lies_before_the_stream_is_a_gap(house: House, restore_point: int, gap: int) -> None:
    claim = house.begin(restore_point=restore_point)

    assert claim is not None
    assert claim.gap_seconds == gap


def test_what_lies_before_the_streams_birth_is_a_gap(house: House) -> None:
    stream = STREAM.replace("2026-11-01T00:00:00.123", "2026-11-22T11:30:00.000")
    house.register(stream_arn={"S": stream})
    house.switch(CAPTURE, "Disabled", EventSourceArn=stream)
    house.stream_is(stream)

    claim = house.begin()

    assert claim is not None
    assert (claim.covered_from, claim.gap_seconds) == (1795347000, 1860)


@pytest.mark.parametrize("arn", ["", "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/other"])
def test_a_stream_that_does_not_tell_its_birth_limits_nothing(house: House, arn: str) -> None:
    house.register(stream_arn={"S": arn})
    house.switch(CAPTURE, "Disabled", EventSourceArn=arn)
    house.stream_is(arn)

    claim = house.begin()

    assert claim is not None
    assert claim.covered_from == REACH


def test_what_an_earlier_restore_consumed_is_a_gap(house: House) -> None:
    house.claims.note_consumed(at(NOON - 600))

    claim = house.begin()

    assert claim is not None
    assert (claim.covered_from, claim.gap_seconds) == (NOON - 600, 3060)


@pytest.mark.parametrize(
    ("since", "covered_from"),
    [
        (None, REACH),
        (NOON - 3600, REACH),
        (NOON - 3 * DAY, NOON - 3 * DAY),
        (NOON - 30 * DAY, NOON - 14 * DAY),
    ],
)
def test_capture_that_always_runs_covers_what_the_buffer_keeps(
    house: House, since: int | None, covered_from: int
) -> None:
    house.register("always")
    house.switch(CAPTURE, "Enabled")
    if since is not None:
        house.progress.advance(Side.CAPTURED, {}, changes=0, since=since)

    claim = house.begin()

    assert claim is not None
    assert claim.covered_from == covered_from
    assert house.aws.named("UpdateEventSourceMapping") == []


def test_replay_starts_with_the_restore_point_that_aws_told_meanwhile(house: House) -> None:
    claim = house.begin()
    assert claim is not None

    replaying = house.pipeline.start_replay(claim, point(NOON - 77))

    assert replaying is not None
    assert (replaying.state, replaying.window) == (ClaimState.REPLAYING, Window(NOON - 137))
    assert house.claims.current() == replaying
    assert house.states() == ("Enabled", "Enabled")


def test_replay_keeps_the_restore_point_where_aws_told_none(house: House) -> None:
    claim = house.begin()
    assert claim is not None

    replaying = house.pipeline.start_replay(claim, None)
    assert replaying is not None
    assert replaying.window == Window(NOON - 3660)


def test_a_window_chosen_while_settings_were_applied_stands(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.claims.update(replace(claim, window=Window(NOON - 5, NOON), window_chosen=True))

    replaying = house.pipeline.start_replay(claim, point(NOON - 77))

    assert replaying is not None
    assert (replaying.window, replaying.state) == (Window(NOON - 5, NOON), ClaimState.REPLAYING)


def test_a_restore_abandoned_while_settings_were_applied_does_not_replay(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.fence(claim, ClaimState.ABANDONING)

    assert house.pipeline.start_replay(claim, None) is None
    assert house.states() == ("Enabled", "Disabled")


def test_a_pipeline_given_to_another_restore_meanwhile_is_not_switched(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.end(claim, replayed=False)
    other = house.begin("orders-again", "restore-2")

    assert house.pipeline.start_replay(claim, None) is None

    assert house.claims.current() == other
    assert house.states() == ("Enabled", "Disabled")


def test_a_pipeline_that_replays_for_another_restore_meanwhile_replays_for_that_alone(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.end(claim, replayed=False)
    other = house.begin("orders-again", "restore-2")
    assert other is not None
    replaying = house.pipeline.start_replay(other, None)

    assert house.pipeline.start_replay(claim, None) is None

    assert house.claims.current() == replaying


def test_starting_replay_again_takes_up_where_it_stopped(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.aws.fail("UpdateEventSourceMapping", "ResourceInUseException")
    with pytest.raises(ClientError):
        house.pipeline.start_replay(claim, point(NOON - 77))

    again = house.pipeline.start_replay(claim, point(NOON - 77))

    assert again is not None
    assert again == house.pipeline.start_replay(claim, point(NOON - 78))
    assert again.window == Window(NOON - 137)
    assert house.states() == ("Enabled", "Enabled")


def test_a_fence_holds_only_against_the_claim_that_was_read(house: House) -> None:
    claim = house.begin()
    assert claim is not None

    fenced = house.pipeline.fence(claim, ClaimState.CUTTING_OVER)

    assert fenced is not None
    assert house.claims.current() == fenced
    assert house.pipeline.fence(claim, ClaimState.ABANDONING) is None
    assert house.claims.current() == fenced


@pytest.mark.parametrize(
    ("mode", "states"), [("on_restore", ("Disabled", "Disabled")), ("always", ("Enabled", "Disabled"))]
)
def test_the_end_switches_off_what_the_restore_switched_on(
    house: House, mode: str, states: tuple[str, str]
) -> None:
    house.register(mode)
    house.replaying()
    claim = house.claims.current()
    assert claim is not None

    house.pipeline.end(claim, replayed=True)

    assert house.states() == states
    assert house.claims.current() is None
    assert house.claims.consumed_until() == NOON


@pytest.mark.parametrize(("mode", "since"), [("on_restore", None), ("always", NOON - 30)])
def test_what_was_captured_before_a_pause_says_nothing_about_what_comes_after(
    house: House, mode: str, since: int | None
) -> None:
    house.register(mode)
    house.replaying()
    house.captured(5)
    claim = house.claims.current()
    assert claim is not None

    house.pipeline.end(claim, replayed=True)

    assert house.progress.read(Side.CAPTURED).since == since


def test_an_end_that_died_half_way_is_finished_by_another_try(house: House) -> None:
    house.replaying()
    claim = house.claims.current()
    assert claim is not None
    house.aws.fail("DeleteItem", "InternalServerError")
    with pytest.raises(ClientError):
        house.pipeline.end(claim, replayed=True)

    house.pipeline.end(claim, replayed=True)

    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_ending_again_leaves_the_next_restore_alone(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.end(claim, replayed=False)
    other = house.begin("orders-again", "restore-2")

    house.pipeline.end(claim, replayed=True)

    assert house.claims.current() == other
    assert house.states() == ("Enabled", "Disabled")
    assert house.claims.consumed_until() is None


def test_an_empty_buffer_with_both_mappings_at_work_is_drained(house: House) -> None:
    house.replaying()
    house.captured(5)
    house.replayed(5)

    assert obstacles(house) == []


def test_everything_that_may_be_left_is_told(house: House) -> None:
    house.claim()
    house.captured(5)
    house.captured(6, group=1)
    house.replayed(6, group=1)
    house.switch(CAPTURE, "Enabled", LastProcessingResult="PROBLEM: Function call failed")
    house.switch(REPLAY, "Disabling")
    house.clients.sqs.send_message_batch(
        QueueUrl=house.buffer_url,
        Entries=[
            {"Id": f"{n}", "MessageBody": "x", "MessageGroupId": f"{n}", "MessageDeduplicationId": f"{n}"}
            for n in range(3)
        ],
    )
    house.clients.sqs.receive_message(QueueUrl=house.buffer_url)

    assert obstacles(house) == [
        "1 groups have captured changes that are not replayed yet",
        "the buffer holds 2 messages waiting and 1 in flight",
        "the capture mapping reports PROBLEM: Function call failed",
        "the replay mapping is Disabling",
    ]


def test_a_buffer_whose_last_message_is_being_replayed_is_not_drained(house: House) -> None:
    house.replaying()
    house.clients.sqs.send_message(
        QueueUrl=house.buffer_url, MessageBody="x", MessageGroupId="1", MessageDeduplicationId="1"
    )
    house.clients.sqs.receive_message(QueueUrl=house.buffer_url)

    assert obstacles(house) == ["the buffer holds 0 messages waiting and 1 in flight"]


def test_what_is_captured_between_the_two_looks_shows_as_lag(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.replaying()
    house.captured(5)
    house.replayed(5)
    read = type(house.progress).read
    looks = iter([True])

    def raced(store: object, side: Side) -> object:
        found = read(house.progress, side)
        if next(looks, False):
            house.captured(6)
        return found

    monkeypatch.setattr(type(house.progress), "read", raced)

    assert obstacles(house) == [LAGGING]


def test_mappings_under_way_are_left_alone(house: House) -> None:
    house.switch(CAPTURE, "Enabling")
    house.begin()
    house.switch(CAPTURE, "Disabling")
    house.switch(REPLAY, "Disabled")
    claim = house.claims.current()
    assert claim is not None
    house.pipeline.end(claim, replayed=False)

    assert house.aws.named("UpdateEventSourceMapping") == []


def test_the_other_mapping_is_never_touched(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.start_replay(claim, None)

    assert house.aws.named("UpdateEventSourceMapping") == [
        {"UUID": CAPTURE, "Enabled": True},
        {"UUID": REPLAY, "Enabled": True},
    ]


def test_a_restore_that_asks_again_finishes_giving_up_and_captures_anew(house: House) -> None:
    """Giving up was refused half-way: the claim says that nothing will be replayed, and nobody has released it."""
    house.begin()
    house.aws.fail("UpdateItem", "AccessDeniedException")
    with pytest.raises(ClientError):
        house.pipeline.give_back("orders-restored")
    half = house.claims.current()
    assert half is not None
    assert half.state is ClaimState.ABANDONING

    claim = house.begin()

    assert claim is not None
    assert claim.state is ClaimState.CAPTURING
    assert house.claims.current() == claim
    assert house.states() == ("Enabled", "Disabled")


def test_a_restore_that_is_abandoned_after_it_replayed_stays_so(house: House) -> None:
    house.replaying()
    claim = house.claims.current()
    assert claim is not None
    fenced = house.pipeline.fence(claim, ClaimState.ABANDONING)

    assert house.begin() == fenced
