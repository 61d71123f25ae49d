"""Bringing in what was set aside or given up: as keys, once it is safe, and again after anything went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.changes.bundle import decode, encode
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.progress import Side
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import ClaimState
from tests.unit.changes.house import FAILURES, House
from tests.unit.changes.makers import NOON, delete, put, record

NOTHING = {
    "brought_in": 0,
    "objects": 0,
    "bundles": 0,
    "unreadable": [],
    "more_unreadable": 0,
    "more": False,
}


@pytest.fixture
def replaying(house: House) -> House:
    house.replaying()
    return house


def set_aside(house: House, body: str | Sequence[Change], *, group: int = 6, number: int = 1) -> str:
    """Do what replay, or SQS, does with a bundle; returns its message id."""
    sent = house.clients.sqs.send_message(
        QueueUrl=house.aside_url,
        MessageBody=body if isinstance(body, str) else encode(body, sent_at=NOON),
        MessageGroupId=str(group),
        MessageDeduplicationId=f"{group}-{number}",
    )
    return sent["MessageId"]


def buffered(house: House) -> list[Change]:
    """What the buffer holds."""
    answer = house.clients.sqs.receive_message(QueueUrl=house.buffer_url, MaxNumberOfMessages=10)
    return [change for message in answer.get("Messages", []) for change in decode(message["Body"])]


def given_up_keys(house: House) -> list[str]:
    return sorted(house.aws.objects.buckets[FAILURES])


def first_only(count: int) -> Callable[[], bool]:
    """Time for so many looks at the clock."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def test_there_is_nothing_to_bring_in(replaying: House) -> None:
    assert replaying.upkeep("bring_in") == NOTHING
    assert buffered(replaying) == []


def test_a_bundle_comes_back_as_its_keys(replaying: House) -> None:
    """Its images may be older than what the target has by now."""
    set_aside(replaying, [put("a", sequence=7), delete("b", sequence=8)])

    assert replaying.upkeep("bring_in") == {**NOTHING, "brought_in": 2, "bundles": 1}
    found = sorted(buffered(replaying), key=lambda change: change.sequence)
    assert [(change.kind, change.key["id"]["S"], change.sequence) for change in found] == [
        (Kind.READ, "a", "7"),
        (Kind.READ, "b", "8"),
    ]
    assert replaying.pipeline.buffer.set_aside() == 0


def test_a_batch_comes_back_as_its_keys_and_its_object_is_removed(replaying: House) -> None:
    replaying.give_up("shard-1/a", NOON, records=[record("order#1", 7), record("order#1", 8, event="REMOVE")])

    assert replaying.upkeep("bring_in") == {**NOTHING, "brought_in": 2, "objects": 1}
    assert [(change.kind, change.sequence) for change in buffered(replaying)] == [
        (Kind.READ, "7"),
        (Kind.READ, "8"),
    ]
    assert given_up_keys(replaying) == []


def test_cutover_waits_for_what_was_brought_in(replaying: House) -> None:
    """It is captured like any other change, and no claim is made that capture saw everything since."""
    replaying.give_up("shard-1/a", NOON, records=[record("order#1", 7, time=NOON - 60)])

    replaying.upkeep("bring_in")

    captured = replaying.progress.read(Side.CAPTURED)
    assert (captured.changes, captured.since) == (1, None)
    assert [position.time for position in captured.positions.values()] == [NOON - 60]
    claim = replaying.claims.current()
    assert claim is not None
    assert replaying.pipeline.standing(claim).lagging


def test_only_what_the_window_covers_is_brought_in(replaying: House) -> None:
    before, within = NOON - 3601, NOON - 3600
    set_aside(replaying, [put("old", sequence=1, time=before), put("new", sequence=2, time=within)])
    replaying.give_up(
        "shard-1/a", NOON, records=[record("old", 3, time=before), record("new", 4, time=within)]
    )
    replaying.give_up("shard-1/b", NOON, records=[record("old", 5, time=before)])
    replaying.give_up("shard-1/c", before, records=[record("old", 6, time=before)])

    assert replaying.upkeep("bring_in") == {**NOTHING, "brought_in": 2, "bundles": 1, "objects": 1}
    assert {change.key["id"]["S"] for change in buffered(replaying)} == {"new"}
    # Other restores' stay.
    assert [name.rpartition("/")[2] for name in given_up_keys(replaying)] == ["b", "c"]


def test_a_bundle_without_a_change_in_the_window_is_removed(replaying: House) -> None:
    set_aside(replaying, [put("old", sequence=1, time=NOON - 3601)])

    assert replaying.upkeep("bring_in") == {**NOTHING, "bundles": 1}
    assert replaying.pipeline.buffer.set_aside() == 0


def test_what_cannot_be_read_stays_and_is_told(replaying: House) -> None:
    message_id = set_aside(replaying, "no bundle")
    uri = replaying.give_up("shard-1/a", NOON, content=b"no JSON")
    keyless = record("order#1", 1)
    del keyless["dynamodb"]["Keys"]
    other = replaying.give_up("shard-1/b", NOON, records=[keyless])

    answer = replaying.upkeep("bring_in")

    assert (answer["brought_in"], answer["more"]) == (0, False)
    assert [line.partition(": ")[0] for line in answer["unreadable"]] == [
        f"message {message_id}",
        uri,
        other,
    ]
    assert len(given_up_keys(replaying)) == 2
    # It is shown again at once, and not after minutes.
    again = replaying.clients.sqs.receive_message(QueueUrl=replaying.aside_url)
    assert [message["MessageId"] for message in again["Messages"]] == [message_id]


def test_the_first_few_that_cannot_be_read_are_shown(replaying: House) -> None:
    for number in range(7):
        replaying.give_up(f"shard-1/{number}", NOON, content=b"")

    answer = replaying.upkeep("bring_in")

    assert (len(answer["unreadable"]), answer["more_unreadable"]) == (5, 2)


def test_what_cannot_be_read_holds_up_no_other(replaying: House) -> None:
    """In a FIFO queue it hides what is behind it in its group, for as long as it is held."""
    set_aside(replaying, "no bundle", number=0)
    for number in range(1, 25):
        set_aside(replaying, [put(f"a{number}", sequence=number)], number=number)
    set_aside(replaying, [put("b", sequence=99)], group=7)

    assert replaying.upkeep("bring_in")["bundles"] == 25
    assert replaying.pipeline.buffer.set_aside() == 1


def test_a_refused_object_is_told_and_stays(replaying: House) -> None:
    uri = replaying.give_up("shard-1/a", NOON, records=[record("order#1", 1)])
    replaying.aws.fail("GetObject", "AccessDenied", "not yours")

    assert replaying.upkeep("bring_in")["unreadable"] == [f"{uri}: GetObject: AccessDenied: not yours"]
    assert len(given_up_keys(replaying)) == 1


def test_an_object_that_another_run_brought_in_is_passed_over(replaying: House) -> None:
    replaying.give_up("shard-1/a", NOON, records=[record("order#1", 1)])
    replaying.aws.fail("GetObject", "NoSuchKey")

    assert replaying.upkeep("bring_in") == NOTHING


@pytest.mark.parametrize(
    "operation",
    [
        "ReceiveMessage",
        "SendMessageBatch",
        "UpdateItem",
        "DeleteMessage",
        "ListObjectsV2",
        "GetObject",
        "DeleteObject",
    ],
)
def test_a_run_that_failed_is_finished_by_the_next(
    replaying: House, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside(replaying, [put("a", sequence=1)])
    replaying.give_up("shard-1/a", NOON, records=[record("b", 2)])
    # Sends are tried four times, and what may land late is waited for.
    monkeypatch.setattr("dynamodb_restore.handlers.upkeep.time.sleep", lambda _: None)
    tries = 4 if operation == "SendMessageBatch" else 1
    replaying.aws.fail(operation, "ThrottlingException", "slow down", times=tries)

    answer = replaying.upkeep("bring_in")

    assert answer["more"]
    assert answer["next"].startswith("mend what failed, then bring_in again: ")
    assert operation in answer["next"]
    assert replaying.upkeep("bring_in")["more"] is False
    assert {change.key["id"]["S"] for change in buffered(replaying)} == {"a", "b"}
    assert (replaying.pipeline.buffer.set_aside(), given_up_keys(replaying)) == (0, [])


@pytest.mark.parametrize("operation", ["SendMessageBatch", "UpdateItem"])
def test_nothing_is_removed_before_it_is_in_the_buffer_and_noted(replaying: House, operation: str) -> None:
    set_aside(replaying, [put("a", sequence=1)])
    replaying.aws.fail(operation, "AccessDenied")
    replaying.upkeep("bring_in")
    assert replaying.pipeline.buffer.set_aside() == 1

    replaying.upkeep("bring_in")
    replaying.give_up("shard-1/a", NOON, records=[record("b", 2)])
    replaying.aws.fail(operation, "AccessDenied")
    replaying.upkeep("bring_in")
    assert len(given_up_keys(replaying)) == 1


def test_what_fits_no_time_is_left_for_the_next_call(replaying: House) -> None:
    for number in range(3):
        set_aside(replaying, [put(f"a{number}", sequence=number)], group=number, number=number)
        replaying.give_up(f"shard-1/{number}", NOON, records=[record(f"b{number}", number)])

    answers = [replaying.upkeep("bring_in", enough_time=first_only(count)) for count in (0, 4)]

    assert [answer["more"] for answer in answers] == [True, True]
    assert answers[0] == {**NOTHING, "more": True, "next": "bring_in again"}
    last = replaying.upkeep("bring_in")
    assert sum(answer["brought_in"] for answer in [*answers, last]) == 6
    assert last["more"] is False


@pytest.mark.parametrize("looks", [0, 1])
def test_bundles_that_are_left_are_told_although_the_bucket_is_empty(replaying: House, looks: int) -> None:
    for number in range(20):
        set_aside(replaying, [put(f"a{number}", sequence=number)], group=number, number=number)

    answer = replaying.upkeep("bring_in", enough_time=first_only(looks))

    assert (answer["bundles"], answer["more"]) == (10 * looks, True)


def test_a_bundle_that_is_being_brought_in_still_counts(replaying: House) -> None:
    """While it is hidden it is in neither queue for anybody else, and cutover must not take that for nothing."""
    set_aside(replaying, [put("a", sequence=1)])
    replaying.clients.sqs.receive_message(QueueUrl=replaying.aside_url, VisibilityTimeout=300)

    assert replaying.pipeline.buffer.set_aside() == 1


@pytest.mark.parametrize("action", ["bring_in", "repair"])
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, "no restore owns the pipeline of orders: there is nothing to do"),
        (
            ClaimState.CAPTURING,
            "the restore into orders-restored is capturing, not replaying: look at status",
        ),
        (ClaimState.CUTTING_OVER, "the restore into orders-restored is cutting_over, not replaying"),
        (ClaimState.ABANDONING, "the restore into orders-restored is abandoning, not replaying"),
    ],
)
def test_only_a_restore_that_replays_takes_anything(
    house: House, action: str, state: ClaimState | None, reason: str
) -> None:
    if state is not None:
        house.claim(state)
    set_aside(house, [put("a", sequence=1)])
    house.quarantine.add(put("a"), "wrong type")

    assert house.upkeep(action)["error"].startswith(reason)
    assert (house.pipeline.buffer.set_aside(), len(list(house.quarantine.items()))) == (1, 1)


@pytest.mark.parametrize("action", ["bring_in", "repair"])
def test_a_window_with_an_end_takes_nothing_that_the_source_has_now(house: House, action: str) -> None:
    claim = house.claim()
    house.claims.update(replace(claim, window=Window(NOON - 3600, NOON)))
    set_aside(house, [put("a", sequence=1, time=NOON - 60)])
    house.quarantine.add(put("a"), "wrong type")

    assert house.upkeep(action) == {
        "error": "the window has an end, and what the source has now may be from after it: abandon and restore again"
    }
    assert (house.pipeline.buffer.set_aside(), buffered(house)) == (1, [])


@pytest.mark.parametrize("action", ["bring_in", "repair"])
@pytest.mark.parametrize("taken_over", [False, True])
def test_a_restore_that_ends_meanwhile_takes_no_more(
    replaying: House, monkeypatch: pytest.MonkeyPatch, action: str, taken_over: bool
) -> None:
    set_aside(replaying, [put("a", sequence=1)])
    replaying.quarantine.add(put("a"), "wrong type")
    answer = replaying.aws.answer

    def ended(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation in ("ReceiveMessage", "Query"):
            claim = replaying.claims.current()
            if claim is not None and taken_over:
                replaying.claims.release(claim)
                replaying.claims.take(replace(claim, restore_id="restore-2"))
            elif claim is not None and claim.state is ClaimState.REPLAYING:
                replaying.pipeline.fence(claim, ClaimState.CUTTING_OVER)
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(replaying.aws, "answer", ended)

    expected = "another restore owns the pipeline" if taken_over else "is cutting_over, not replaying"
    assert expected in replaying.upkeep(action)["error"]
    written = [call["TableName"] for call in replaying.aws.named("DeleteItem")]
    assert "orders-restored" not in written
    assert (replaying.pipeline.buffer.set_aside(), buffered(replaying)) == (1, [])
