"""The note on which pipelines restores own: what Terraform's plan reads, and never more than a hint."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.owned import OwnedPipelines
from tests.unit.changes.house import RESTORE_ID, STREAM, House
from tests.unit.changes.makers import NOON, RESTORE_TABLE

KEY = {"pk": {"S": "pipelines"}, "sk": {"S": "owned"}}
OTHERS = {"customers": {"M": {"restore_id": {"S": "restore-of-customers"}}}}


@pytest.fixture(autouse=True)
def made_by_terraform(house: House) -> None:
    """The item, with a note about another source's pipeline."""
    house.clients.dynamodb.put_item(TableName=RESTORE_TABLE, Item={**KEY, "owned": {"M": OTHERS}})


def owned(house: House) -> dict[str, Any]:
    """What is noted, but for the other source."""
    item = house.clients.dynamodb.get_item(TableName=RESTORE_TABLE, Key=KEY)["Item"]
    noted: dict[str, Any] = dict(item["owned"]["M"])
    assert noted.pop("customers") == OTHERS["customers"]
    return noted


def entry(house: House, target: str = "orders-restored", restore_id: str = RESTORE_ID) -> dict[str, Any]:
    """A note that is made now, of a claim that was taken at noon."""
    return {
        "M": {
            "target": {"S": target},
            "restore_id": {"S": restore_id},
            "claimed_at": {"S": "2026-11-22T12:00:00Z"},
            "noted_at": {"S": iso(house.instant())},
            "stream_arn": {"S": STREAM},
            "in_root_module": {"BOOL": True},
        }
    }


def test_a_restore_that_takes_a_pipeline_is_noted_until_it_gives_it_back(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    assert owned(house) == {"orders": entry(house)}

    house.pipeline.end(claim, replayed=False)
    assert owned(house) == {}


def test_giving_up_and_the_end_of_a_watch_clear_it_too(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    assert house.pipeline.give_up(claim)
    assert owned(house) == {}

    house.begin()
    claim = house.claims.current()
    assert claim is not None
    house.pipeline.watch(claim)
    assert owned(house) == {"orders": entry(house)}
    house.pipeline.end_watch(claim)
    assert owned(house) == {}


def test_the_next_restore_takes_the_place_of_one_that_is_only_watched(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.pipeline.watch(claim)

    house.begin("orders-again", "restore-2")
    assert owned(house) == {"orders": entry(house, "orders-again", "restore-2")}
    # A late end of the first is no business of the second.
    house.pipeline.owned.clear(claim)
    assert owned(house) == {"orders": entry(house, "orders-again", "restore-2")}


def test_a_restore_that_does_not_get_the_pipeline_notes_nothing(house: House) -> None:
    house.begin()
    house.begin("orders-second", "restore-2")
    assert owned(house) == {"orders": entry(house)}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ProvisionedThroughputExceededException"])
def test_a_note_that_fails_is_no_failure_of_the_restore_and_upkeep_makes_it(house: House, code: str) -> None:
    house.aws.fail("UpdateItem", code)
    claim = house.begin()
    assert claim is not None
    assert (claim.state, house.states()) == (ClaimState.CAPTURING, ("Enabled", "Disabled"))
    assert owned(house) == {}

    house.upkeep("upkeep")
    assert owned(house)["orders"]["M"]["restore_id"] == {"S": RESTORE_ID}


def test_upkeep_notes_the_owner_anew_with_each_run_and_clears_what_is_left_over(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.now = NOON + 3600
    house.pipeline.owned.repair(claim, house.instant())
    assert owned(house) == {"orders": entry(house)}
    assert owned(house)["orders"]["M"]["noted_at"] == {"S": "2026-11-22T13:00:00Z"}
    house.upkeep("upkeep")
    assert owned(house)["orders"]["M"]["noted_at"]["S"] != "2026-11-22T13:00:00Z"

    # The end died before it could clear the note.
    house.pipeline.owned.note(claim, house.instant())
    house.claims.release(claim)
    house.upkeep("upkeep")
    assert owned(house) == {}


def test_a_note_of_just_now_may_be_of_a_restore_that_upkeep_has_not_seen(house: House) -> None:
    assert house.begin() is not None
    for seconds, left in ((0, {"orders"}), (60, {"orders"}), (61, set())):
        house.now = NOON + seconds
        house.pipeline.owned.repair(None, house.instant())
        assert owned(house).keys() == left


def test_upkeep_goes_on_where_it_cannot_note_it(house: House) -> None:
    house.claim()
    house.aws.fail("UpdateItem", "AccessDeniedException")
    assert house.upkeep("upkeep")["misdirected"] is None


def test_the_item_is_terraforms_to_make(house: House) -> None:
    """Terraform makes an item only where there is none, so one that the functions made would end its apply."""
    house.clients.dynamodb.delete_item(TableName=RESTORE_TABLE, Key=KEY)
    claim = house.begin()
    assert claim is not None
    house.pipeline.end(claim, replayed=False)
    assert "Item" not in house.clients.dynamodb.get_item(TableName=RESTORE_TABLE, Key=KEY)


def test_why_it_could_not_be_noted_is_told(house: House) -> None:
    claim = house.claim()
    notes = OwnedPipelines(house.clients, RESTORE_TABLE, house.pipeline.registration)
    house.aws.fail("UpdateItem", "AccessDeniedException")
    assert "AccessDeniedException" in (notes.note(claim, house.instant()) or "")
    assert notes.note(claim, house.instant()) is None
    assert notes.repair(None, house.instant()) is None
    # There is nothing to clear: no failure either.
    assert notes.repair(None, house.instant()) is None


def test_where_terraform_has_not_made_the_item_nothing_is_noted(house: House) -> None:
    """It makes the item only where there is none. That nobody was told of a pipeline is no error then."""
    house.clients.dynamodb.delete_item(TableName=RESTORE_TABLE, Key=KEY)
    claim = house.begin()
    assert claim is not None
    assert house.pipeline.owned.note(claim, house.instant()) is None
    assert "Item" not in house.clients.dynamodb.get_item(TableName=RESTORE_TABLE, Key=KEY)
