from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.quarantine import Quarantine, Quarantined
from tests.unit.changes.makers import NOON, RESTORE_TABLE, key, make_restore_table, put
from tests.unit.fakes import Aws


@pytest.fixture
def quarantine(aws: Aws, clients: Clients) -> Quarantine:
    make_restore_table(clients)
    return Quarantine(clients, RESTORE_TABLE, "restore-1")


def test_a_later_refusal_of_an_item_takes_the_place_of_an_earlier_one(quarantine: Quarantine) -> None:
    quarantine.add(put("a", sequence=1), "too large")
    quarantine.add(put("a", sequence=2, time=NOON + 1), "wrong type")
    quarantine.add(put("b", sequence=3), "wrong type")

    assert sorted(quarantine.items(), key=lambda item: item.sequence) == [
        Quarantined({"id": {"S": "a"}}, "wrong type", "2", 1795348801),
        Quarantined({"id": {"S": "b"}}, "wrong type", "3", 1795348800),
    ]


def test_an_item_that_was_taken_after_all_is_forgotten(quarantine: Quarantine) -> None:
    quarantine.add(put("a"), "too large")
    quarantine.remove(key("a"))
    quarantine.remove(key("never there"))

    assert list(quarantine.items()) == []


def test_restores_do_not_see_each_others_items(quarantine: Quarantine, clients: Clients) -> None:
    quarantine.add(put("a"), "too large")

    assert list(Quarantine(clients, RESTORE_TABLE, "restore-2").items()) == []


def test_the_longest_key_of_dynamodb_can_be_quarantined(quarantine: Quarantine) -> None:
    """A partition key has up to 2,048 bytes and a sort key 1,024: more than fits a sort key together."""
    longest = {"pk": {"S": "ä" * 1024}, "sk": {"S": "\n" * 1024}}
    quarantine.add(Change(Kind.DELETE, longest, None, "1", NOON), "refused")

    assert [item.key for item in quarantine.items()] == [longest]
    quarantine.remove(longest)
    assert list(quarantine.items()) == []


def test_more_than_a_page_of_items_is_read(quarantine: Quarantine) -> None:
    for number in range(120):
        quarantine.add(put(f"{number}", note={"S": "x"}), "r" * 10_000)

    assert len(list(quarantine.items())) == 120


def test_what_was_refused_again_meanwhile_is_not_resolved(quarantine: Quarantine) -> None:
    quarantine.add(put("a", sequence=1), "too large")
    (seen,) = quarantine.items()
    quarantine.add(put("a", sequence=2), "still too large")

    assert not quarantine.resolve(seen)
    assert [item.sequence for item in quarantine.items()] == ["2"]


def test_what_is_as_it_was_seen_is_resolved_and_may_be_resolved_again(quarantine: Quarantine) -> None:
    quarantine.add(put("a", sequence=1), "too large")
    (seen,) = quarantine.items()

    assert quarantine.resolve(seen)
    assert quarantine.resolve(seen)
    assert list(quarantine.items()) == []
