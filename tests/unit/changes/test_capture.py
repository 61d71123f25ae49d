from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from typing_extensions import override

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import decode
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from tests.unit.changes.makers import NOON, expiry, record
from tests.unit.fakes import client_error

OPTIONS = CaptureOptions(buffer_url="buffer", group_count=16, byte_limit=262_144, keep_expiries=True)

# "order#1" is of group 6 of 16; "order#2" and "order#3" are of group 3.


class Buffer:
    """SQS: takes what `judge` lets through.

    Attributes:
        judge: (call number, entry) to whether the entry is accepted.
    """

    def __init__(self, judge: Callable[[int, Mapping[str, Any]], bool] = lambda call, entry: True) -> None:
        self.judge = judge
        self.calls: list[Sequence[Mapping[str, Any]]] = []
        self.accepted: list[Mapping[str, Any]] = []
        self.fault_at: int | None = None

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "buffer"
        self.calls.append(Entries)
        if len(self.calls) == self.fault_at:
            raise client_error("SendMessageBatch", "AccessDenied", "no")
        successful, failed = [], []
        for entry in Entries:
            if self.judge(len(self.calls), entry):
                self.accepted.append(entry)
                successful.append({"Id": entry["Id"], "SequenceNumber": str(1000 + len(self.accepted))})
            else:
                failed.append(
                    {"Id": entry["Id"], "Code": "InternalError", "Message": "try again", "SenderFault": False}
                )
        return {"Successful": successful, **({"Failed": failed} if failed else {})}

    def groups(self) -> list[list[str]]:
        """The groups of each call's entries."""
        return [[entry["MessageGroupId"] for entry in call] for call in self.calls]

    def sequences(self, group: str) -> list[str]:
        """The stream's sequence numbers of what was accepted of a group."""
        return [
            change.sequence
            for entry in self.accepted
            if entry["MessageGroupId"] == group
            for change in decode(entry["MessageBody"])
        ]


def run(
    buffer: Buffer,
    records: Sequence[Mapping[str, Any]],
    options: CaptureOptions = OPTIONS,
    *,
    nonce: str = "invocation 1",
    naps: list[float] | None = None,
) -> Captured:
    class Standing:
        sqs = buffer

    sleep = (naps if naps is not None else []).append
    return capture(
        records, options, cast("Clients", Standing()), nonce=nonce, sleep=sleep, rng=random.Random(7)
    )


def large(name: str, sequence: int) -> dict[str, Any]:
    """A record whose image nearly fills a message of 1,024 bytes."""
    blob = base64.b64encode(random.Random(sequence).randbytes(450)).decode()
    return record(name, sequence, blob={"B": blob})


def limited(byte_limit: int = 1024) -> CaptureOptions:
    return CaptureOptions(buffer_url="buffer", group_count=16, byte_limit=byte_limit, keep_expiries=True)


def test_a_batch_becomes_a_bundle_for_each_group() -> None:
    buffer = Buffer()

    captured = run(
        buffer,
        [
            record("order#1", 1, time=NOON),
            record("order#2", 2, time=NOON - 3),
            record("order#3", 3, time=NOON + 4),
        ],
    )

    assert captured == Captured(positions={6: 1001, 3: 1002}, sent=3, through=NOON + 4, since=NOON - 3)
    assert buffer.groups() == [["6", "3"]]
    assert buffer.sequences("3") == ["2", "3"]


def test_the_latest_change_that_was_sent_is_told_whichever_bundle_it_is_in() -> None:
    captured = run(Buffer(), [record("order#1", 1, time=NOON + 9), record("order#2", 2, time=NOON)])

    assert captured.through == NOON + 9


def test_an_empty_batch_sends_nothing() -> None:
    buffer = Buffer()

    assert run(buffer, []) == Captured()
    assert buffer.calls == []


def test_a_call_carries_one_bundle_of_a_group_at_most() -> None:
    buffer = Buffer()

    captured = run(
        buffer,
        [large("order#2", 1), large("order#1", 2), large("order#3", 3), large("order#2", 4)],
        limited(),
    )

    assert buffer.groups() == [["3", "6"], ["3"], ["3"]]
    assert buffer.sequences("3") == ["1", "3", "4"]
    assert (captured.sent, captured.positions, captured.retry_from) == (4, {3: 1004, 6: 1002}, None)


def test_a_call_has_ten_entries_and_a_mebibyte_at_most() -> None:
    buffer = Buffer()
    options = CaptureOptions(buffer_url="buffer", group_count=1000, byte_limit=262_144, keep_expiries=True)
    blobs = [base64.b64encode(random.Random(n).randbytes(140_000)).decode() for n in range(25)]

    run(buffer, [record(f"order#{n}", n, blob={"B": blob}) for n, blob in enumerate(blobs)], options)

    sizes = [sum(len(entry["MessageBody"]) for entry in call) for call in buffer.calls]
    assert len(buffer.accepted) == 25
    assert max(sizes) <= 1_048_576
    assert max(len(call) for call in buffer.calls) <= 10


def test_many_groups_with_little_in_them_go_out_ten_at_a_time() -> None:
    buffer = Buffer()
    options = CaptureOptions(buffer_url="buffer", group_count=10_000, byte_limit=262_144, keep_expiries=True)

    run(buffer, [record(f"order#{n}", n) for n in range(25)], options)

    assert [len(call) for call in buffer.calls] == [10, 10, 5]


def test_an_entry_that_failed_is_sent_again_alone() -> None:
    buffer = Buffer(lambda call, entry: entry["MessageGroupId"] != "3" or call == 3)
    naps: list[float] = []

    captured = run(buffer, [record("order#1", 1), record("order#2", 2)], naps=naps)

    assert buffer.groups() == [["6", "3"], ["3"], ["3"]]
    assert (captured.sent, captured.retry_from, captured.problem) == (2, None, None)
    assert [round(nap, 2) for nap in naps] == [0.08, 0.28]


def test_a_group_that_keeps_failing_stops_and_the_stream_resumes_at_its_first_record() -> None:
    """What comes after it in other groups is sent, and once more after the redelivery: order holds for each item."""
    buffer = Buffer(lambda call, entry: entry["MessageGroupId"] != "3")

    captured = run(
        buffer,
        [large("order#1", 11), large("order#2", 12), large("order#1", 13), large("order#2", 14)],
        limited(),
    )

    assert captured.retry_from == "12"
    assert captured.problem == "SendMessageBatch: InternalError: try again"
    assert captured.positions == {6: 1002}
    assert captured.sent == 2
    assert buffer.sequences("6") == ["11", "13"]
    assert {
        change.sequence for call in buffer.calls for entry in call for change in decode(entry["MessageBody"])
    } == {
        "11",
        "12",
        "13",
    }


def test_the_earliest_of_several_failures_is_where_the_stream_resumes() -> None:
    buffer = Buffer(lambda call, entry: False)

    captured = run(buffer, [record("order#2", 21), record("order#1", 22), record("order#3", 23)])

    assert captured == Captured(
        since=NOON, retry_from="21", problem="SendMessageBatch: InternalError: try again"
    )


def test_a_call_that_fails_as_a_whole_sends_the_stream_back() -> None:
    buffer = Buffer()
    buffer.fault_at = 1

    captured = run(buffer, [record("order#1", 31), record("order#2", 32)])

    assert captured == Captured(since=NOON, retry_from="31", problem="SendMessageBatch: AccessDenied: no")
    assert len(buffer.calls) == 1


def test_what_was_accepted_before_a_call_failed_counts() -> None:
    buffer = Buffer(lambda call, entry: entry["MessageGroupId"] == "6")
    buffer.fault_at = 2

    captured = run(buffer, [record("order#1", 41), record("order#2", 42)])

    assert (captured.sent, captured.positions, captured.retry_from) == (1, {6: 1001}, "42")


def test_an_answer_that_names_an_entry_nowhere_counts_as_failed() -> None:
    class Forgetful(Buffer):
        @override
        def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
            self.calls.append(parameters["Entries"])
            return {}

    captured = run(Forgetful(), [record("order#1", 1)])

    assert captured.retry_from == "1"
    assert captured.problem == "SendMessageBatch: entries neither successful nor failed"


@pytest.mark.parametrize(
    ("keep", "sequences", "skipped"), [(True, ["1", "2", "3"], 0), (False, ["1", "3"], 1)]
)
def test_deletes_by_time_to_live_are_kept_or_skipped(keep: bool, sequences: list[str], skipped: int) -> None:
    buffer = Buffer()
    options = CaptureOptions(buffer_url="buffer", group_count=16, byte_limit=262_144, keep_expiries=keep)

    captured = run(
        buffer, [record("order#1", 1), expiry("order#1", 2), record("order#1", 3, event="REMOVE")], options
    )

    assert buffer.sequences("6") == sequences
    assert captured.skipped == skipped
    assert captured.retry_from is None


def test_a_malformed_record_stops_the_batch_there() -> None:
    buffer = Buffer()
    malformed = record("order#1", 2)
    del malformed["dynamodb"]["Keys"]

    captured = run(buffer, [record("order#1", 1), malformed, record("order#1", 3)])

    assert buffer.sequences("6") == ["1"]
    assert captured.retry_from == "2"
    assert captured.problem == "stream record without 'Keys'"


@pytest.mark.parametrize(
    "found", [{}, {"dynamodb": None}, {"dynamodb": {}}, {"eventName": "REMOVE", "dynamodb": "x"}]
)
def test_a_record_without_a_sequence_number_sends_the_whole_batch_back(found: dict[str, Any]) -> None:
    captured = run(Buffer(), [record("order#1", 1), found])

    assert captured.retry_from == ""


def test_the_same_records_have_other_deduplication_ids_in_another_invocation() -> None:
    """SQS would drop the second delivery of 2, although the older 1 was sent once more before it."""
    buffer = Buffer()
    first, second = record("order#1", 1), record("order#1", 2)

    run(buffer, [second], nonce="invocation 1")
    run(buffer, [first], nonce="invocation 2")
    run(buffer, [second], nonce="invocation 3")

    assert buffer.accepted[0]["MessageBody"] == buffer.accepted[2]["MessageBody"]
    assert len({entry["MessageDeduplicationId"] for entry in buffer.accepted}) == 3


def test_a_second_try_of_an_entry_keeps_its_deduplication_id() -> None:
    """SQS may have taken the entry whose answer was lost."""
    buffer = Buffer(lambda call, entry: call == 2)

    run(buffer, [record("order#1", 1)])

    (first,), (second,) = buffer.calls
    assert first["MessageDeduplicationId"] == second["MessageDeduplicationId"]
