from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import item_id
from dynamodb_restore.changes.doubt import MOST_KEY_BYTES, DoubtStore, key_bytes
from tests.unit.changes.makers import NOON, RESTORE_TABLE, key, make_restore_table
from tests.unit.fakes import Aws


@pytest.fixture
def store(aws: Aws, clients: Clients) -> DoubtStore:
    make_restore_table(clients)
    return DoubtStore(clients, RESTORE_TABLE, "orders", "buffer-1")


def names(store: DoubtStore) -> list[str]:
    return [found["id"]["S"] for doubt in store.read() for found in doubt.keys]


def test_what_is_about_to_be_written_is_noted_and_cleared(store: DoubtStore) -> None:
    note = store.note("restore-1", sent_until=NOON + 0.5, invocation="one")
    note.begin([key("a"), key("b")])

    (doubt,) = store.read()
    assert (doubt.restore_id, doubt.keys) == ("restore-1", (key("a"), key("b")))
    assert (doubt.sent_until, doubt.certain_at) == (NOON + 1, NOON + 901)
    note.end()
    assert store.read() == []


def test_what_stays_in_doubt_stays_noted(store: DoubtStore) -> None:
    note = store.note("restore-1", sent_until=NOON, invocation="one")
    note.begin([key("a"), key("b")])
    note.keep([key("b")])
    note.begin([key("c")])
    assert names(store) == ["b", "c"]

    note.end()
    assert names(store) == ["b"]


def test_a_note_without_keys_is_never_made(store: DoubtStore, aws: Aws) -> None:
    store.note("restore-1", sent_until=NOON, invocation="one").end()

    assert aws.calls[-1].operation == "CreateTable"


def test_an_update_that_lands_late_replaces_no_later_one(
    store: DoubtStore, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []
    answer = aws.answer

    def copied(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation == "UpdateItem":
            held.append((client, operation, parameters, otherwise))
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", copied)
    note = store.note("restore-1", sent_until=NOON, invocation="one")
    note.begin([key("a")])
    note.begin([key("b")])

    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        answer(*held[0])
    assert names(store) == ["b"]


def test_only_notes_whose_requests_are_dead_are_due(store: DoubtStore) -> None:
    for name, sent_until in (("young", NOON + 1), ("old", NOON - 100), ("just", NOON)):
        store.note("restore-1", sent_until=sent_until - 1, invocation=name).begin([key(name)])

    due = store.due(NOON + 900.9)

    # A note's last second is rounded up; one that ends in the second that is asked for is not due yet.
    assert [doubt.keys[0]["id"]["S"] for doubt in due] == ["old"]
    assert len(store.due(NOON + 902)) == 3


def test_each_buffer_has_its_own_notes(store: DoubtStore, clients: Clients) -> None:
    store.note("restore-1", sent_until=NOON, invocation="one").begin([key("a")])

    assert DoubtStore(clients, RESTORE_TABLE, "orders", "buffer").read() == []
    assert DoubtStore(clients, RESTORE_TABLE, "customers", "buffer-1").read() == []


def test_a_note_is_settled_by_one_at_a_time(store: DoubtStore) -> None:
    store.note("restore-1", sent_until=NOON, invocation="one").begin([key("a"), key("b")])
    (doubt,) = store.read()

    assert store.take(doubt, now=NOON + 1000, until=NOON + 1060)
    assert not store.take(doubt, now=NOON + 1010, until=NOON + 1070)
    # The one who took it was killed.
    assert store.take(doubt, now=NOON + 1061, until=NOON + 1121)
    store.leave(doubt, [key("b")])
    assert names(store) == ["b"]
    assert store.take(doubt, now=NOON + 1062, until=NOON + 1122)
    store.leave(doubt, [])
    assert store.read() == []
    assert not store.take(doubt, now=NOON + 1200, until=NOON + 1300)


def test_the_largest_round_fits_a_note(store: DoubtStore, aws: Aws) -> None:
    """Keys that do not compress, as many as a round's bounds let in."""
    long = [{"pk": {"S": f"{number:06}" + "äß€😀"[number % 4] * 500}} for number in range(2000)]
    keys, room = [], MOST_KEY_BYTES
    for each in long:
        room -= key_bytes(item_id(each))
        if room < 0:
            break
        keys.append(each)

    store.note("restore-1", sent_until=NOON, invocation="one").begin(keys)

    (update,) = aws.named("UpdateItem")
    assert len(update["ExpressionAttributeValues"][":keys"]["B"]) < 390_000
    assert len(keys) > 50
    (doubt,) = store.read()
    assert list(doubt.keys) == keys
