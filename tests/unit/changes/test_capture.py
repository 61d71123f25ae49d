from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import LATE_SECONDS, Entry, OpenedBundle, decode, open_bundle
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import Kind, MalformedChangeError, change_of, sdk_attributes
from dynamodb_restore.changes.failure_bucket import FailureBucket
from tests.unit.changes.makers import NOON, any_text, expiry, key, record, values
from tests.unit.fakes import client_error
from tests.unit.strategies import json_values

OPTIONS = CaptureOptions(buffer_url="buffer", group_count=16, byte_limit=262_144, keep_expiries=True)

SENT = NOON + 60
"""When the invocations of these tests run, epoch seconds."""

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
        self.faults: list[Exception] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "buffer"
        self.calls.append(Entries)
        if len(self.calls) == self.fault_at:
            raise client_error("SendMessageBatch", "AccessDenied", "no")
        if self.faults:
            raise self.faults.pop(0)
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

    def bundles(self) -> list[OpenedBundle]:
        """What was accepted."""
        return [open_bundle(entry["MessageBody"]) for entry in self.accepted]


class Bucket:
    """S3: keeps what is put, unless it is to fail."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.puts = 0

    def put_object(self, **parameters: Any) -> None:
        self.puts += 1
        if self.faults:
            raise self.faults.pop(0)
        self.objects[parameters["Key"]] = parameters

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key]["Body"])}


def failure_bucket(bucket: Bucket) -> FailureBucket:
    class Standing:
        s3 = bucket

    return FailureBucket(cast("Clients", Standing()), "failures", "images/orders/")


def run(
    buffer: Buffer,
    records: Sequence[Mapping[str, Any]],
    options: CaptureOptions = OPTIONS,
    *,
    nonce: str = "invocation 1",
    naps: list[float] | None = None,
    bucket: Bucket | None = None,
    discards: list[tuple[Any, str]] | None = None,
    now: Callable[[], float] = lambda: SENT,
) -> Captured:
    """One invocation at SENT. Without a bucket large images are stored nowhere; without `discards` nothing can be."""

    class Standing:
        sqs_once = buffer

    def discard(record: Mapping[str, Any], reason: str) -> bool:
        if discards is not None:
            discards.append((record, reason))
        return discards is not None

    return capture(
        records,
        options,
        cast("Clients", Standing()),
        images=failure_bucket(bucket) if bucket is not None else None,
        discard=discard,
        nonce=nonce,
        now=now,
        sleep=(naps if naps is not None else []).append,
        rng=random.Random(7),
    )


def large(name: str, sequence: int) -> dict[str, Any]:
    """A record whose image nearly fills a message of 1,024 bytes."""
    blob = base64.b64encode(random.Random(sequence).randbytes(450)).decode()
    return record(name, sequence, blob={"B": blob})


def too_large(name: str, sequence: int, **image: Any) -> dict[str, Any]:
    """A record whose image fits no message of 1,024 bytes."""
    blob = base64.b64encode(random.Random(sequence).randbytes(1500)).decode()
    return record(name, sequence, blob={"B": blob}, **image)


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

    assert captured == Captured(
        positions={6: 1001, 3: 1002}, sent=3, through=NOON + 4, since=NOON - 3, done=3
    )
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
        since=NOON,
        retry_from="21",
        retry_key=key("order#2"),
        problem="SendMessageBatch: InternalError: try again",
        answer_at=SENT + 65,
    )


def test_a_call_that_fails_as_a_whole_sends_the_stream_back() -> None:
    buffer = Buffer()
    buffer.fault_at = 1

    captured = run(buffer, [record("order#1", 31), record("order#2", 32)])

    assert captured == Captured(
        since=NOON,
        retry_from="31",
        retry_key=key("order#1"),
        problem="SendMessageBatch: AccessDenied: no",
    )
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


@pytest.mark.parametrize(
    ("old", "ttl_attribute", "sequences"),
    [
        ({"expires": {"N": str(NOON - 1)}}, "expires", []),
        ({"expires": {"N": f"{NOON}.0"}}, "expires", []),
        ({"expires": {"N": str(NOON + 1)}}, "expires", ["1"]),
        # Time to live leaves alone what it should have deleted more than five years ago.
        ({"expires": {"N": str(NOON - 6 * 366 * 86_400)}}, "expires", ["1"]),
        ({"expires": {"S": str(NOON - 1)}}, "expires", ["1"]),
        ({"expires": {"N": "NaN"}}, "expires", ["1"]),
        ({}, "expires", ["1"]),
        ({"expires": {"N": str(NOON - 1)}}, None, ["1"]),
    ],
)
def test_a_delete_of_an_item_that_had_expired_is_an_expiry(
    old: dict[str, Any], ttl_attribute: str | None, sequences: list[str]
) -> None:
    """A delete by time to live that a global table replicated carries no identity."""
    buffer = Buffer()
    found = record("order#1", 1, event="REMOVE")
    found["dynamodb"]["OldImage"] = {**key("order#1"), **old}
    options = replace(OPTIONS, keep_expiries=False, ttl_attribute=ttl_attribute)

    captured = run(buffer, [found], options)

    assert buffer.sequences("6") == sequences
    assert captured.skipped == 1 - len(sequences)


def test_only_a_delete_whose_time_is_known_can_be_told_as_an_expiry_by_its_old_image() -> None:
    buffer = Buffer()
    options = replace(OPTIONS, keep_expiries=False, ttl_attribute="expires")
    gone = {"expires": {"N": str(NOON - 1)}}
    changed, timeless, imageless = (
        record("order#1", 1, expires={"N": str(NOON - 1)}),
        record("order#1", 2, event="REMOVE", time=None),
        record("order#1", 3, event="REMOVE"),
    )
    changed["dynamodb"]["OldImage"] = timeless["dynamodb"]["OldImage"] = {**key("order#1"), **gone}

    run(buffer, [changed, timeless, imageless], options)

    assert buffer.sequences("6") == ["1", "2", "3"]


def test_a_record_without_a_key_is_discarded_and_the_rest_goes_on() -> None:
    buffer = Buffer()
    malformed = record("order#1", 2)
    del malformed["dynamodb"]["Keys"]
    discards: list[tuple[Any, str]] = []

    captured = run(buffer, [record("order#1", 1), malformed, record("order#1", 3)], discards=discards)

    assert buffer.sequences("6") == ["1", "3"]
    assert (captured.discarded, captured.done, captured.retry_from) == (1, 3, None)
    assert discards == [(malformed, "stream record without 'Keys'")]


def test_a_record_without_a_key_that_cannot_be_discarded_comes_again() -> None:
    buffer = Buffer()
    malformed = record("order#1", 2)
    del malformed["dynamodb"]["Keys"]

    captured = run(buffer, [record("order#1", 1), malformed, record("order#1", 3)])

    assert buffer.sequences("6") == ["1"]
    assert (captured.retry_from, captured.retry_key, captured.done) == ("2", None, 1)
    assert captured.problem == "a record could not be understood nor discarded: stream record without 'Keys'"


@pytest.mark.parametrize(
    "found", [{}, {"dynamodb": None}, {"dynamodb": {}}, {"eventName": "REMOVE", "dynamodb": "x"}]
)
def test_a_record_without_a_sequence_number_sends_the_whole_batch_back(found: dict[str, Any]) -> None:
    captured = run(Buffer(), [record("order#1", 1), found])

    assert captured.retry_from == ""


@pytest.mark.parametrize(
    "image",
    [
        {"text": {"S": "half of \ud83d"}},
        {"number": {"N": "NaN"}},
        {"number": {"N": float("nan")}},
        {"later": {"X": "what DynamoDB has by then"}},
        {"id": {"S": "another item"}},
    ],
)
def test_an_image_that_could_not_be_read_again_travels_as_its_key(image: dict[str, Any]) -> None:
    buffer = Buffer()
    found = record("order#1", 1)
    found["dynamodb"]["NewImage"] |= image

    captured = run(buffer, [found, record("order#1", 2)])

    (bundle,) = buffer.bundles()
    assert [(change.kind, change.sequence) for change in bundle] == [(Kind.READ, "1"), (Kind.PUT, "2")]
    assert captured.retry_from is None


def test_a_bundle_tells_when_it_was_packed_and_a_record_without_a_time_that_it_has_none() -> None:
    buffer = Buffer()

    captured = run(buffer, [record("order#1", 1, time=None)], now=lambda: SENT + 0.5)

    (bundle,) = buffer.bundles()
    assert bundle.sent_at == SENT + 0.5
    (change,) = bundle
    assert (change.time, change.time_known) == (SENT, False)
    assert (captured.since, captured.through) == (SENT, SENT)


def test_an_image_too_large_for_a_message_lies_in_the_failure_bucket_before_the_message_is_sent() -> None:
    bucket = Bucket()
    buffer = Buffer(lambda call, entry: bool(bucket.objects))
    found = [record("order#1", 1), too_large("order#1", 2, n={"N": "1.10"}), record("order#1", 3)]

    captured = run(buffer, found, limited(), bucket=bucket)

    changes = [change for bundle in buffer.bundles() for change in bundle]
    assert [change.kind for change in changes] == [Kind.PUT, Kind.OBJECT, Kind.PUT]
    name = changes[1].image_object
    assert name is not None
    assert list(bucket.objects) == [f"images/orders/{name}"]
    assert failure_bucket(bucket).image(name) == found[1]["dynamodb"]["NewImage"]
    assert (captured.retry_from, captured.images_not_stored, captured.problem) == (None, 0, None)


def test_an_image_that_is_delivered_again_is_the_same_object() -> None:
    first, again, other = Bucket(), Bucket(), Bucket()

    run(Buffer(), [too_large("order#1", 2)], limited(), bucket=first)
    run(Buffer(), [too_large("order#1", 2)], limited(), bucket=again)
    run(Buffer(), [too_large("order#1", 3), too_large("order#2", 2)], limited(), bucket=other)

    assert first.objects == again.objects
    assert len(first.objects.keys() | other.objects.keys()) == 3


def test_an_image_that_cannot_be_stored_now_sends_its_record_back() -> None:
    buffer = Buffer()
    bucket = Bucket(client_error("PutObject", "SlowDown", "please", status=503))

    captured = run(
        buffer,
        [record("order#2", 1), too_large("order#1", 2), record("order#2", 3)],
        limited(),
        bucket=bucket,
    )

    assert buffer.sequences("3") == ["1"]
    assert (captured.retry_from, captured.problem) == ("2", "PutObject: SlowDown: please")
    assert (captured.done, captured.retry_key, captured.images_not_stored) == (1, key("order#1"), 0)


def test_images_that_nothing_will_store_travel_as_keys_and_one_refusal_is_enough() -> None:
    buffer = Buffer()
    bucket = Bucket(client_error("PutObject", "AccessDenied", "not yours"))

    captured = run(buffer, [too_large("order#1", 1), too_large("order#1", 2)], limited(), bucket=bucket)

    assert [change.kind for bundle in buffer.bundles() for change in bundle] == [Kind.READ, Kind.READ]
    assert (captured.images_not_stored, captured.problem) == (2, "PutObject: AccessDenied: not yours")
    assert (captured.retry_from, bucket.puts) == (None, 1)


def test_an_image_without_a_sequence_number_has_no_object_and_stops_no_other() -> None:
    buffer, bucket = Buffer(), Bucket()
    nameless = too_large("order#1", 1)
    del nameless["dynamodb"]["SequenceNumber"]

    captured = run(buffer, [nameless, too_large("order#1", 2)], limited(), bucket=bucket)

    assert [change.kind for bundle in buffer.bundles() for change in bundle] == [Kind.READ, Kind.OBJECT]
    assert captured.images_not_stored == 1


def test_without_a_failure_bucket_a_large_image_travels_as_its_key() -> None:
    buffer = Buffer()

    captured = run(buffer, [too_large("order#1", 1)], limited())

    assert [change.kind for bundle in buffer.bundles() for change in bundle] == [Kind.READ]
    assert captured.images_not_stored == 1


def test_images_are_stored_for_a_while_and_the_stream_resumes_behind_the_last() -> None:
    seconds = iter(range(0, 1000, 8))
    found = [too_large("order#1", sequence) for sequence in range(1, 9)]

    captured = run(Buffer(), found, limited(), bucket=Bucket(), now=lambda: SENT + next(seconds))

    assert captured.retry_from == "4"
    assert captured.problem == "this invocation has no time left to store more images"


def test_the_first_image_is_stored_however_late_it_is() -> None:
    seconds = iter([0, 1000, 1000, 1000])

    captured = run(
        Buffer(), [too_large("order#1", 1)], limited(), bucket=Bucket(), now=lambda: SENT + next(seconds)
    )

    assert captured.retry_from is None


TIMEOUT = ReadTimeoutError(endpoint_url="https://sqs")


def test_what_sqs_may_have_taken_is_sent_again_under_its_deduplication_id() -> None:
    buffer = Buffer()
    buffer.faults = [TIMEOUT, client_error("SendMessageBatch", "ServiceUnavailable", "", status=503)]

    captured = run(buffer, [record("order#1", 1)])

    assert len({entry["MessageDeduplicationId"] for call in buffer.calls for entry in call}) == 1
    assert (len(buffer.calls), captured.sent, captured.retry_from, captured.answer_at) == (3, 1, None, None)


@pytest.mark.parametrize("fault", [TIMEOUT, client_error("SendMessageBatch", "ThrottlingException", "slow")])
def test_while_it_is_in_doubt_whether_sqs_took_an_entry_the_stream_is_not_answered(fault: Exception) -> None:
    """What SQS takes of the lost tries from then on counts as late."""
    buffer = Buffer()
    buffer.faults = [fault] * 4

    captured = run(buffer, [record("order#1", 1)])

    assert len(buffer.calls) == 4
    assert (captured.retry_from, captured.answer_at) == ("1", SENT + LATE_SECONDS + 5)


def test_a_refusal_after_a_lost_try_leaves_that_try_in_doubt() -> None:
    buffer = Buffer()
    buffer.faults = [TIMEOUT, client_error("SendMessageBatch", "AccessDenied", "no")]

    captured = run(buffer, [record("order#1", 1)])

    assert (len(buffer.calls), captured.answer_at) == (2, SENT + LATE_SECONDS + 5)


def test_doubt_about_one_call_outlasts_the_next_ones() -> None:
    buffer = Buffer()
    buffer.faults = [TIMEOUT] * 4
    options = replace(OPTIONS, group_count=1000)

    captured = run(buffer, [record(f"order#{n}", n) for n in range(11)], options)

    assert (captured.retry_from, captured.sent, captured.answer_at) == ("0", 1, SENT + LATE_SECONDS + 5)


def test_no_send_begins_so_late_that_its_message_could_count_as_late() -> None:
    buffer = Buffer()
    # Begun, packed, and the look before each of three sends.
    seconds = iter([0, 0, 0, 30, 30.1])

    captured = run(
        buffer,
        [large("order#2", 1), large("order#2", 2), large("order#2", 3)],
        limited(),
        now=lambda: SENT + next(seconds),
    )

    assert buffer.sequences("3") == ["1", "2"]
    assert captured.retry_from == "3"
    assert captured.problem == "SendMessageBatch: this invocation has no time left for more"
    assert captured.answer_at is None


json_records = st.fixed_dictionaries(
    {},
    optional={
        "eventName": st.sampled_from(["INSERT", "MODIFY", "REMOVE"]) | json_values,
        "userIdentity": st.just({"type": "Service", "principalId": "dynamodb.amazonaws.com"}) | json_values,
        "dynamodb": st.fixed_dictionaries(
            {},
            optional={
                "Keys": st.fixed_dictionaries({"id": st.fixed_dictionaries({"S": any_text})}) | json_values,
                "NewImage": st.dictionaries(
                    st.sampled_from(["id", "x"]) | any_text,
                    values | st.fixed_dictionaries({"S": any_text}) | json_values,
                    max_size=3,
                )
                | json_values,
                "OldImage": st.just({"expires": {"N": "1"}}) | json_values,
                "SequenceNumber": st.integers(1, 10**30).map(str) | any_text | json_values,
                "ApproximateCreationDateTime": st.floats() | st.integers() | any_text | json_values,
            },
        )
        | json_values,
    },
)
"""What might be a stream record, and what is none."""


@settings(max_examples=300)
@given(st.lists(json_records, max_size=4), st.booleans(), st.sampled_from([1024, 262_144]))
def test_whatever_a_record_holds_it_is_sent_as_it_can_be_read_or_reported(
    records: list[dict[str, Any]], keep_expiries: bool, byte_limit: int
) -> None:
    buffer, bucket = Buffer(), Bucket()
    discards: list[tuple[Any, str]] = []
    options = replace(OPTIONS, keep_expiries=keep_expiries, byte_limit=byte_limit, ttl_attribute="expires")

    captured = run(buffer, records, options, bucket=bucket, discards=discards)

    sent = [change for bundle in buffer.bundles() for change in bundle]
    assert len(sent) + len(discards) + captured.skipped == len(records)
    assert (captured.retry_from, captured.sent) == (None, len(sent))
    for record_found, _ in discards:
        with pytest.raises(MalformedChangeError):
            Entry.of(0, change_of(record_found, 0).without_image())
    for change in sent:
        sdk_attributes(change.image or change.key)
        # SQS, S3 and DynamoDB take UTF-8.
        json.dumps([change.key, change.image], ensure_ascii=False).encode()


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
