"""A restore is given up before anything was replayed, its cause is mended, and its message is sent round again.

Its claim was released meanwhile, and with it the window that a person had chosen to keep a corrupt write out: the new claim
had the default one, so that everything was replayed, and nobody was told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.actions.window import set_window
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import ClaimState
from tests.faults.actions import call, deliver_all, finish_restore, redrive
from tests.faults.estate import RESTORE_TABLE
from tests.faults.functions import Functions
from tests.hazards.operating import claim_of
from tests.hazards.restore_runs import dead_letters, deliver_next, restoring
from tests.unit.changes.house import DAY, House, point
from tests.unit.changes.makers import NOON
from tests.unit.changes.makers import RESTORE_TABLE as RESTORES

_DEFAULT = Window(NOON - 3660)
_CHOSEN = Window(NOON - 1800, NOON - 60, present_images=True)

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def choose(house: House, window: Window = _CHOSEN) -> None:
    set_window(house.pipeline, window.start, window.end, accept_present_images=window.present_images)


def given_up(house: House) -> None:
    house.pipeline.give_back("orders-restored")


def abandoned(house: House) -> None:
    abandon(house.actions, house.pipeline)


def given_up_half_way(house: House) -> None:
    house.aws.fail("UpdateItem", "AccessDeniedException")
    with pytest.raises(ClientError):
        house.pipeline.give_back("orders-restored")
    assert claim_of(house).state is ClaimState.ABANDONING


@pytest.mark.parametrize("window", [_CHOSEN, Window(NOON - 1800, NOON - 60), Window(NOON - 1800)])
@pytest.mark.parametrize("end", [given_up, abandoned, given_up_half_way])
def test_a_window_that_was_chosen_holds_for_the_restore_that_is_taken_up_again(
    house: House, end: Callable[[House], None], window: Window
) -> None:
    house.begin()
    choose(house, window)
    end(house)

    house.begin()
    house.pipeline.start_replay(claim_of(house), point(NOON - 1200))

    claim = claim_of(house)
    assert (claim.state, claim.window, claim.window_chosen) == (ClaimState.REPLAYING, window, True)


def test_the_last_choice_holds(house: House) -> None:
    house.begin()
    choose(house)
    given_up(house)
    house.begin()
    choose(house, Window(NOON - 900))
    given_up(house)

    house.begin()

    assert claim_of(house).window == Window(NOON - 900)


def test_another_restore_has_a_window_of_its_own(house: House) -> None:
    """Also one into a table of the same name."""
    house.begin()
    choose(house)
    given_up(house)

    house.begin(restore_id="restore-2")

    assert (claim_of(house).window, claim_of(house).window_chosen) == (_DEFAULT, False)


def test_a_window_that_nobody_chose_is_found_anew(house: House) -> None:
    """By then AWS may tell another restore point."""
    house.begin(restore_point=NOON - DAY)
    given_up(house)

    house.begin()

    assert (claim_of(house).window, claim_of(house).window_chosen) == (_DEFAULT, False)


def test_what_is_kept_goes_by_itself_after_the_message_has(house: House) -> None:
    """SQS keeps the message for 14 days in the secondary DLQ, and for 14 more where it is sent back to."""
    house.begin()
    choose(house)
    given_up(house)

    answer = house.clients.dynamodb.get_item(
        TableName=RESTORES,
        Key={"pk": {"S": "pipeline#orders"}, "sk": {"S": "window#restore-1"}},
    )

    assert int(answer["Item"]["expires_at"]["N"]) == NOON + 35 * DAY


def test_a_window_that_could_not_be_kept_is_not_lost_with_its_claim(house: House) -> None:
    house.begin()
    choose(house)
    house.aws.fail("PutItem", "AccessDeniedException")

    with pytest.raises(ClientError):
        given_up(house)

    claim = claim_of(house)
    assert (claim.state, claim.window) == (ClaimState.CAPTURING, _CHOSEN)


def test_a_restore_that_waited_too_long_and_is_sent_round_replays_what_its_person_chose(
    functions: Functions,
) -> None:
    world = restoring(active=False, pipeline=True)
    deliver_next(functions, world)
    start = datetime(2026, 11, 22, 6, 45, tzinfo=UTC)
    end = datetime(2026, 11, 22, 7, 15, tzinfo=UTC)
    call(functions, world, action="window", start=start.isoformat(), end=end.isoformat())
    while not dead_letters(world):
        deliver_next(functions, world)
    assert "claim" not in {
        item["sk"]["S"] for item in world.account.items.tables[RESTORE_TABLE].items.values()
    }

    finish_restore(world)
    redrive(world)
    deliver_all(functions, world)

    shown = call(functions, world, action="status")
    assert shown["state"] == "replaying"
    assert shown["window"] == {"start": "2026-11-22T06:45:00Z", "end": "2026-11-22T07:15:00Z"}
