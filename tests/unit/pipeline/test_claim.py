from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import Captured, Claim, ClaimState
from dynamodb_restore.pipeline.registration import CaptureMode, Registration, RegistrationError
from tests.unit.changes.house import CAPTURE, FAILURES, REPLAY, STREAM, House
from tests.unit.changes.makers import NOON
from tests.unit.fakes import function_arn

CLAIM = Claim(
    restore_id="restore-1",
    target="orders-restored",
    state=ClaimState.CAPTURING,
    claimed_at=datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC),
    window=Window(NOON - 60, NOON),
    window_chosen=True,
    covered_from=NOON - 30,
)


def test_a_registration_is_read_as_terraform_writes_it(house: House) -> None:
    house.register(
        "always",
        ("orders-*", "spare"),
        batching_window_seconds=7,
        filters={"L": [{"S": "{}"}, {"S": '{"eventName": []}'}]},
    )

    assert house.registration() == Registration(
        source="orders",
        mode=CaptureMode.ALWAYS,
        capture_mapping=CAPTURE,
        replay_mapping=REPLAY,
        buffer_url=house.buffer_url,
        buffer_dead_letter_url=house.aside_url,
        buffer_id="buffer-1",
        target_patterns=("orders-*", "spare"),
        failure_bucket=FAILURES,
        image_prefix="images/",
        capture_function=function_arn("capture"),
        replay_function=function_arn("replay"),
        upkeep_function=function_arn("upkeep"),
        stream_arn=STREAM,
        stream_has_new_images=True,
        filters=("{}", '{"eventName": []}'),
        batching_window_seconds=7,
        replay_timeout_seconds=60,
        in_root_module=True,
    )
    assert house.registration("customers") is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"upkeep_function": None}, "upkeep_function"),
        ({"capture": {"S": "sometimes"}}, "sometimes"),
        ({"stream_has_new_images": {"S": "yes"}}, "BOOL"),
        ({"filters": {"S": "[]"}}, "'L'"),
    ],
)
def test_a_registration_of_another_release_says_what_to_do(
    house: House, changed: dict[str, Any], named: str
) -> None:
    house.register(**changed)

    with pytest.raises(RegistrationError, match=f"{named}.*terraform apply"):
        house.registration()


@pytest.mark.parametrize(
    ("target", "admitted"),
    [
        ("orders-restored", True),
        ("spare", True),
        ("spare2", False),
        ("Orders-restored", False),
        ("my-orders-x", False),
    ],
)
def test_a_pipeline_admits_the_targets_of_its_patterns(house: House, target: str, admitted: bool) -> None:
    house.register(patterns=("orders-*", "spare"))
    registration = house.registration()

    assert registration is not None
    assert registration.admits(target) is admitted


@pytest.mark.parametrize(
    "claim",
    [
        CLAIM,
        replace(CLAIM, window=Window(NOON), window_chosen=False, covered_from=None),
        replace(CLAIM, state=ClaimState.REPLAYING, settling=Captured(NOON + 1, 0)),
        replace(
            CLAIM,
            state=ClaimState.CUTTING_OVER,
            settling=Captured(NOON + 1, 7),
            accepted=("one", "two"),
            fenced_at=NOON + 2,
        ),
        replace(CLAIM, state=ClaimState.WATCHING, watched=Captured(NOON + 300, 9)),
    ],
)
def test_a_claim_is_read_as_it_was_taken(house: House, claim: Claim) -> None:
    assert house.claims.current() is None
    assert house.claims.take(claim) == claim
    assert house.claims.current() == claim


def test_a_second_claim_gets_the_owner(house: House) -> None:
    house.claims.take(CLAIM)

    assert house.claims.take(replace(CLAIM, restore_id="restore-2", target="other")) == CLAIM
    assert house.claims.current() == CLAIM


def test_taking_ones_own_claim_again_changes_nothing(house: House) -> None:
    house.claims.take(CLAIM)
    replaying = house.claims.update(replace(CLAIM, state=ClaimState.REPLAYING))

    assert house.claims.take(CLAIM) == replaying


def test_a_change_of_a_claim_does_not_undo_one_that_it_has_not_seen(house: House) -> None:
    house.claims.take(CLAIM)
    newer = house.claims.update(replace(CLAIM, window=Window(NOON + 5)))

    assert house.claims.update(replace(CLAIM, state=ClaimState.REPLAYING)) is None
    assert house.claims.current() == newer == replace(CLAIM, window=Window(NOON + 5), version=1)


def test_a_claim_that_was_given_up_cannot_be_changed(house: House) -> None:
    house.claims.take(CLAIM)
    house.claims.release(CLAIM)

    assert house.claims.update(CLAIM) is None
    assert house.claims.current() is None


def test_a_claim_that_another_restore_has_taken_meanwhile_cannot_be_changed(house: House) -> None:
    """The other's claim may have been written as often: its version tells nothing."""
    house.claims.take(CLAIM)
    house.claims.release(CLAIM)
    other = house.claims.take(replace(CLAIM, restore_id="restore-2", target="orders-again"))

    assert house.claims.update(replace(CLAIM, state=ClaimState.REPLAYING)) is None
    assert house.claims.current() == other


def test_what_was_consumed_outlasts_the_claim(house: House) -> None:
    house.claims.take(CLAIM)
    house.claims.note_consumed(datetime.fromtimestamp(NOON + 9, UTC))
    house.claims.release(CLAIM)

    assert house.claims.current() is None
    assert house.claims.consumed_until() == 1795348809


def test_release_by_itself_consumes_nothing(house: House) -> None:
    house.claims.take(CLAIM)
    house.claims.release(CLAIM)

    assert house.claims.consumed_until() is None


def test_release_leaves_another_restores_claim(house: House) -> None:
    house.claims.take(CLAIM)
    house.claims.release(replace(CLAIM, restore_id="restore-0"))

    assert house.claims.current() == CLAIM


def test_other_errors_are_raised(house: House) -> None:
    house.aws.fail("PutItem", "AccessDeniedException", times=2)
    house.aws.fail("DeleteItem", "AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        house.claims.take(CLAIM)
    with pytest.raises(ClientError, match="AccessDenied"):
        house.claims.update(CLAIM)
    with pytest.raises(ClientError, match="AccessDenied"):
        house.claims.release(CLAIM)


@pytest.mark.parametrize(
    ("start", "covered_from", "gap"),
    [(NOON, NOON + 90, 90), (NOON, NOON, 0), (NOON, NOON - 1, 0), (NOON, None, 0)],
)
def test_the_gap_is_what_lies_between_the_restore_point_and_the_first_captured_change(
    start: int, covered_from: int | None, gap: int
) -> None:
    assert replace(CLAIM, window=Window(start), covered_from=covered_from).gap_seconds == gap
