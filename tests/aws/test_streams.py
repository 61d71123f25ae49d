"""DynamoDB Streams in memory, and Lambda's poller of one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.account import Account
from tests.aws.choices import RandomChoices
from tests.aws.errors import error_code
from tests.aws.lambda_runtime import StreamPoller
from tests.aws.names import function_arn
from tests.aws.streams import RETENTION_SECONDS, Stream

TABLE = "orders"


@pytest.fixture
def stream(account: Account) -> Stream:
    account.items.make(TABLE, id="S")
    return account.streams.switch_on(TABLE, "NEW_AND_OLD_IMAGES")


@pytest.fixture
def poller(account: Account, stream: Stream) -> StreamPoller:
    return StreamPoller(account, stream, account.mappings.put(stream.arn, function_arn("capture")))


def item(name: str, **attributes: Any) -> dict[str, Any]:
    return {"id": {"S": name}, **attributes}


def read(account: Account, stream: Stream, shard: int = 0, **start: Any) -> list[dict[str, Any]]:
    asked = {"StreamArn": stream.arn, "ShardId": stream.shards[shard].shard_id, **start}
    iterator = account.answer("GetShardIterator", {"ShardIteratorType": "TRIM_HORIZON", **asked})
    records: list[dict[str, Any]] = account.answer("GetRecords", iterator)["Records"]
    return records


def nothing_failed(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"batchItemFailures": []}


def test_each_write_is_a_record_and_one_that_changes_nothing_is_none(
    account: Account, stream: Stream
) -> None:
    account.items.put(TABLE, item("a", n={"N": "1"}))
    account.items.put(TABLE, item("a", n={"N": "1.0"}))
    account.items.put(TABLE, item("a", n={"N": "2"}))
    account.items.remove(TABLE, item("b"))
    account.items.remove(TABLE, item("a"), by_time_to_live=True)
    records = read(account, stream)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert "OldImage" not in records[0]["dynamodb"]
    assert "NewImage" not in records[2]["dynamodb"]
    assert [record.get("userIdentity") for record in records] == [
        None,
        None,
        {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    ]
    sequences = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_view_type_says_which_images_there_are(account: Account, view: str, images: set[str]) -> None:
    account.items.make(TABLE, id="S")
    account.items.put(TABLE, item("a"))
    stream = account.streams.switch_on(TABLE, view)
    account.items.put(TABLE, item("a", n={"N": "1"}))
    (record,) = read(account, stream)
    assert record["dynamodb"].keys() & {"NewImage", "OldImage"} == images


def test_the_keys_of_a_shard_that_is_split_go_to_its_children(account: Account, stream: Stream) -> None:
    for number in range(20):
        account.items.put(TABLE, item(f"{number}"))
    stream.split(stream.shards[0])
    for number in range(20):
        account.items.put(TABLE, item(f"{number}", n={"N": "1"}))
    described = account.answer("DescribeStream", {"StreamArn": stream.arn})["StreamDescription"]
    parents = [shard.get("ParentShardId") for shard in described["Shards"]]
    assert parents == [None, stream.shards[0].shard_id, stream.shards[0].shard_id]
    children = [
        {record["dynamodb"]["Keys"]["id"]["S"] for record in read(account, stream, n)} for n in (1, 2)
    ]
    assert all(children)
    assert not children[0] & children[1]
    assert len(children[0] | children[1]) == 20


def test_a_record_can_be_read_for_a_day(account: Account, stream: Stream) -> None:
    account.items.put(TABLE, item("a"))
    (record,) = read(account, stream)
    account.clock.sleep(60)
    account.items.put(TABLE, item("b"))
    account.clock.sleep(RETENTION_SECONDS - 60)
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in read(account, stream)] == ["b"]
    sequence = record["dynamodb"]["SequenceNumber"]
    with pytest.raises(ClientError) as raised:
        read(account, stream, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=sequence)
    assert error_code(raised.value) == "TrimmedDataAccessException"
    # After it nothing is missing.
    assert read(account, stream, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=sequence) != []
    assert read(account, stream, ShardIteratorType="LATEST") == []


def test_an_iterator_is_good_for_a_quarter_of_an_hour(account: Account, stream: Stream) -> None:
    asked = {"StreamArn": stream.arn, "ShardId": stream.shards[0].shard_id, "ShardIteratorType": "LATEST"}
    iterator = account.answer("GetShardIterator", asked)
    account.clock.sleep(900)
    account.answer("GetRecords", iterator)
    account.clock.sleep(1)
    with pytest.raises(ClientError) as raised:
        account.answer("GetRecords", iterator)
    assert error_code(raised.value) == "ExpiredIteratorException"


def test_a_stream_that_is_switched_off_and_on_is_another_one(account: Account) -> None:
    account.items.make(TABLE, id="S")
    account.tables.make(TABLE, account.clock.instant(), on_demand=True)

    def switch(**wanted: Any) -> Any:
        account.answer("UpdateTable", {"TableName": TABLE, "StreamSpecification": wanted})
        account.settle()
        account.clock.sleep(60)
        return account.answer("DescribeTable", {"TableName": TABLE})["Table"]["LatestStreamArn"]

    first = switch(StreamEnabled=True, StreamViewType="NEW_IMAGE")
    assert first.endswith("/stream/2026-11-22T12:00:00.000")
    account.items.put(TABLE, item("a"))
    assert switch(StreamEnabled=False) == first
    account.items.put(TABLE, item("b"))
    second = switch(StreamEnabled=True, StreamViewType="NEW_IMAGE")
    account.items.put(TABLE, item("c"))
    old, new = (account.streams.streams[arn] for arn in (first, second))
    names = [[one["dynamodb"]["Keys"]["id"]["S"] for one in read(account, stream)] for stream in (old, new)]
    assert names == [["a"], ["c"]]
    described = account.answer("DescribeStream", {"StreamArn": first})["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"


def test_a_records_time_is_approximate() -> None:
    account = Account(choices=RandomChoices(random.Random(1)))
    account.items.make(TABLE, id="S")
    account.clock.wait_until(1_000_000.75)
    stream = account.streams.switch_on(TABLE, "KEYS_ONLY")
    account.items.put(TABLE, item("a"))
    account.clock.offsets["dynamodb"] = 5
    account.items.put(TABLE, item("b"))
    account.streams.times_off_by = 30
    for number in range(50):
        account.items.put(TABLE, item(f"{number}"))
    times = [record.time for record in stream.records()]
    assert times[:2] == [1_000_000, 1_000_005]
    assert min(times[2:]) < 1_000_000 < 1_000_010 < max(times[2:])
    assert all(abs(time - 1_000_005.75) <= 31 for time in times)
    (first, *_) = read(account, stream)
    assert first["dynamodb"]["ApproximateCreationDateTime"] == datetime.fromtimestamp(1_000_000, UTC)


# The poller -------------------------------------------------------------------------------------------------------------


def test_lambda_delivers_binary_as_text_and_children_after_their_parents(
    account: Account, stream: Stream, poller: StreamPoller
) -> None:
    account.items.put(TABLE, item("a", blob={"L": [{"B": b"\xff"}]}))
    stream.split(stream.shards[0])
    account.items.put(TABLE, item("a"))
    events: list[Any] = []

    def take(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        events.extend(records)
        return {"batchItemFailures": []}

    (parent,) = poller.ready()
    assert poller.deliver(parent, take) == 1
    (child,) = poller.ready()
    assert poller.deliver(child, take) == 1
    assert poller.done
    assert events[0]["dynamodb"]["NewImage"]["blob"] == {"L": [{"B": "/w=="}]}
    assert [event["eventName"] for event in events] == ["INSERT", "MODIFY"]


def test_a_partial_batch_comes_back_from_the_first_failure_and_the_mapping_says_ok(
    account: Account, stream: Stream, poller: StreamPoller
) -> None:
    for number in range(5):
        account.items.put(TABLE, item(f"{number}"))
    sequences = [str(record.sequence) for record in stream.records()]

    def fail(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return {"batchItemFailures": [{"itemIdentifier": sequences[number]} for number in (3, 2)]}

    (shard,) = poller.ready()
    assert poller.deliver(shard, fail) == 2
    assert account.mappings.of(poller.uuid)["LastProcessingResult"] == "OK"
    assert poller.pending(shard) == 3
    whole = {"batchItemFailures": [{"itemIdentifier": ""}]}
    assert poller.deliver(shard, lambda records: whole) == 0
    assert poller.deliver(shard, nothing_failed) == 3


def test_a_failed_batch_comes_back_whole_and_the_mapping_says_so(
    account: Account, stream: Stream, poller: StreamPoller
) -> None:
    account.items.put(TABLE, item("a"))

    def fail(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        assert poller.ready() == [], "a shard is delivered once at a time"
        raise ValueError

    (shard,) = poller.ready()
    with pytest.raises(ValueError):  # noqa: PT011 - the one above
        poller.deliver(shard, fail)
    assert account.mappings.of(poller.uuid)["LastProcessingResult"] == "PROBLEM: Function call failed"
    assert poller.ready() == [shard]


def test_a_batch_that_is_not_full_waits_for_its_window(
    account: Account, stream: Stream, poller: StreamPoller
) -> None:
    poller.window_seconds, poller.batch_size = 300, 3
    account.items.put(TABLE, item("a"))
    account.clock.sleep(299)
    assert poller.ready() == []
    account.clock.sleep(1)
    (shard,) = poller.ready()
    poller.deliver(shard, nothing_failed)
    for number in range(3):
        account.items.put(TABLE, item(f"{number}"))
    assert poller.ready() == [shard]


def test_what_is_trimmed_is_never_delivered(account: Account, stream: Stream, poller: StreamPoller) -> None:
    account.items.put(TABLE, item("a"))
    account.clock.sleep(RETENTION_SECONDS)
    account.items.put(TABLE, item("b"))
    (shard,) = poller.ready()
    assert poller.deliver(shard, nothing_failed) == 1
    assert poller.done
