from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.quarantine import Quarantine, Quarantined, Refusal
from tests.unit.changes.makers import NOON, RESTORE_TABLE, FakeTime, key, make_restore_table, put
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
    for number in range(1100):
        quarantine.add(put(f"{number}", note={"S": "x"}), "r" * 1000)

    assert len(list(quarantine.items())) == 1100


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


def test_an_earlier_refusal_replaces_no_later_one(quarantine: Quarantine) -> None:
    quarantine.add(put("a", sequence=2), "later", 20)
    quarantine.add(put("a", sequence=1), "earlier", 10)

    assert [(item.reason, item.version) for item in quarantine.items()] == [("later", 20)]


def test_a_removal_removes_no_later_refusal(quarantine: Quarantine) -> None:
    quarantine.add(put("a"), "refused", 20)
    quarantine.remove(key("a"), 19)
    assert len(list(quarantine.items())) == 1

    quarantine.remove(key("a"), 21)
    assert list(quarantine.items()) == []


def test_what_is_being_repaired_stays_until_it_is_resolved(quarantine: Quarantine) -> None:
    quarantine.add(put("a"), "refused", 20)
    (seen,) = quarantine.items()
    assert quarantine.begin_repair(seen)

    quarantine.remove(key("a"), 21)
    quarantine.add(put("a"), "refused again", 22)
    (again,) = quarantine.items()

    assert (again.repairing, again.reason) == (True, "refused again")
    assert not quarantine.resolve(seen)
    assert quarantine.resolve(again)
    assert list(quarantine.items()) == []


def test_what_is_gone_cannot_be_repaired(quarantine: Quarantine) -> None:
    quarantine.add(put("a"), "refused")
    (seen,) = quarantine.items()
    quarantine.remove(key("a"))

    assert not quarantine.begin_repair(seen)
    assert list(quarantine.items()) == []


def refusals(count: int, version: int = 1) -> list[Refusal]:
    return [Refusal(put(f"{number}"), "too large", version) for number in range(count)]


def test_many_refusals_are_stored_25_a_call(quarantine: Quarantine, aws: Aws) -> None:
    with ThreadPoolExecutor(1) as calls:
        stored, problem = quarantine.add_all(refusals(60), FakeTime().clock(), calls, may_be_there=False)

    assert (stored, problem) == (set(range(60)), None)
    assert len(list(quarantine.items())) == 60
    sizes = [len(call["RequestItems"][RESTORE_TABLE]) for call in aws.named("BatchWriteItem")]
    assert sizes == [25, 25, 10]
    assert aws.named("BatchGetItem") == []


def test_entries_that_are_there_are_replaced_on_condition(quarantine: Quarantine) -> None:
    quarantine.add(put("1", sequence=7), "later", 9)
    quarantine.add(put("2", sequence=7), "earlier", 4)

    with ThreadPoolExecutor(1) as calls:
        stored, _ = quarantine.add_all(refusals(4, version=5), FakeTime().clock(), calls, may_be_there=True)

    assert stored == {0, 1, 2, 3}
    assert {item.key["id"]["S"]: item.reason for item in quarantine.items()} == {
        "0": "too large",
        "1": "later",
        "2": "too large",
        "3": "too large",
    }


@pytest.mark.parametrize("may_be_there", [False, True])
def test_what_cannot_be_stored_is_told(quarantine: Quarantine, aws: Aws, may_be_there: bool) -> None:
    aws.fail("BatchWriteItem", "AccessDeniedException", "no")

    with ThreadPoolExecutor(1) as calls:
        stored, problem = quarantine.add_all(
            refusals(30), FakeTime().clock(), calls, may_be_there=may_be_there
        )

    assert stored == {25, 26, 27, 28, 29}
    assert problem == "BatchWriteItem: AccessDeniedException: no"


def test_what_dynamodb_leaves_undone_is_stored_again(
    quarantine: Quarantine, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = aws.answer
    kept = iter([2, 0])

    def in_part(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation != "BatchWriteItem":
            return answer(client, operation, parameters, otherwise)
        ((table, requests),) = parameters["RequestItems"].items()
        done = next(kept, len(requests))
        if done:
            answer(client, operation, {"RequestItems": {table: requests[:done]}}, otherwise)
        return {"UnprocessedItems": {table: requests[done:]} if requests[done:] else {}}

    monkeypatch.setattr(aws, "answer", in_part)
    with ThreadPoolExecutor(1) as calls:
        stored, problem = quarantine.add_all(refusals(5), FakeTime().clock(), calls, may_be_there=False)

    assert (stored, problem) == ({0, 1, 2, 3, 4}, None)
    assert len(list(quarantine.items())) == 5


def test_entries_that_stay_undone_are_not_stored(
    quarantine: Quarantine, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = aws.answer

    def undone(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation != "BatchWriteItem":
            return answer(client, operation, parameters, otherwise)
        return {"UnprocessedItems": parameters["RequestItems"]}

    monkeypatch.setattr(aws, "answer", undone)
    with ThreadPoolExecutor(1) as calls:
        stored, problem = quarantine.add_all(
            refusals(3), FakeTime().clock(budget_seconds=9), calls, may_be_there=False
        )

    assert (stored, problem) == (set(), "BatchWriteItem: quarantine entries left unprocessed")


def test_nothing_is_stored_after_the_deadline(quarantine: Quarantine) -> None:
    with ThreadPoolExecutor(1) as calls:
        stored, problem = quarantine.add_all(
            refusals(3), FakeTime().clock(budget_seconds=0), calls, may_be_there=False
        )

    assert (stored, problem) == (set(), "no time is left to note what the target refused")


def test_entries_are_found_by_key(quarantine: Quarantine) -> None:
    for refusal in refusals(120):
        quarantine.add(refusal.change, refusal.reason, 3)

    with ThreadPoolExecutor(1) as calls:
        found = quarantine.find(
            [key("never there"), *(key(f"{n}") for n in range(110))], FakeTime().clock(), calls
        )

    assert len(found) == 110
    assert {entry.version for entry in found.values()} == {3}


def test_a_reason_is_cut_to_what_a_person_reads(quarantine: Quarantine) -> None:
    quarantine.add(put("a"), "r" * 10_000)

    assert [len(item.reason) for item in quarantine.items()] == [1000]
