"""What Lambda puts into the failure bucket, and what of it counts as missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.pipeline.discarded_batch import (
    DiscardedBatchError,
    parse_discarded_batch,
    read_discarded_batch,
)
from tests.aws.lambda_runtime import given_up
from tests.unit.changes.house import FAILURES, STREAM, House
from tests.unit.changes.makers import NOON, record

RECORDS = [record("order#1", 1), record("order#2", 2, time=NOON + 7)]


@pytest.mark.parametrize("as_text", [True, False])
def test_the_payload_is_read_as_text_and_as_an_object(as_text: bool) -> None:
    batch = parse_discarded_batch(given_up(RECORDS, STREAM, as_text=as_text))

    assert (list(batch.records), batch.last_arrival) == (RECORDS, NOON + 7)


@pytest.mark.parametrize(
    "arrival", [None, "yesterday", 7, "2026-11-22T12:00:07.000+00:00", "2026-11-22T12:00:07", {}]
)
def test_a_time_that_cannot_be_read_is_not_known(arrival: Any) -> None:
    found = json.loads(given_up(RECORDS, STREAM))
    found["DDBStreamBatchInfo"]["approximateArrivalOfLastRecord"] = arrival

    known = isinstance(arrival, str) and arrival.startswith("2026")
    assert parse_discarded_batch(json.dumps(found).encode()).last_arrival == (NOON + 7 if known else None)


def test_a_batch_without_what_tells_of_it_is_read_all_the_same() -> None:
    content = json.dumps({"payload": {"Records": RECORDS}}).encode()

    assert parse_discarded_batch(content).last_arrival is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"{}",
        b'{"payload": null}',
        b'{"payload": 7}',
        b'{"payload": "no JSON"}',
        b'{"payload": "7"}',
        b'{"payload": {"Records": {}}}',
        b'{"payload": {"Records": [7]}}',
        b'{"reason": "record without Keys", "record": {}}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_told_as_no_batch(content: bytes) -> None:
    with pytest.raises(DiscardedBatchError):
        parse_discarded_batch(content)


def test_an_object_larger_than_any_batch_is_not_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamodb_restore.pipeline.discarded_batch._LONGEST", 100)
    house.give_up("shard-1/a", NOON, records=RECORDS)
    (key,) = house.aws.objects.buckets[FAILURES]

    with pytest.raises(DiscardedBatchError, match="more than any batch"):
        read_discarded_batch(house.clients, FAILURES, key)


def test_a_batch_whose_last_record_is_from_before_the_window_is_not_missing(house: House) -> None:
    """A mapping that is enabled for this restore gives up what is about to leave the stream."""
    old = [record("order#1", 1, time=NOON - 3601)]
    house.give_up("shard-1/a", NOON, records=old)
    late = house.give_up("shard-1/b", NOON, records=[*old, record("order#1", 2, time=NOON - 3600)])

    found = house.pipeline.discarded(NOON - 3600)

    assert (found.objects, found.first) == (1, (late,))


def test_what_does_not_tell_when_it_is_from_is_missing(house: House) -> None:
    house.give_up("shard-1/a", NOON, content=b"no JSON")
    house.give_up("shard-1/b", NOON, content=json.dumps({"payload": {"Records": []}}).encode())

    assert house.pipeline.discarded(NOON - 3600).objects == 2


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchKey", "SlowDown"])
def test_what_cannot_be_read_is_missing(house: House, code: str) -> None:
    house.give_up("shard-1/a", NOON, records=[record("order#1", 1, time=NOON - 3601)])
    house.aws.fail("GetObject", code)

    assert house.pipeline.discarded(NOON - 3600).objects == 1


def test_one_look_reads_a_bounded_number_of_objects(house: House) -> None:
    old = [record("order#1", 1, time=NOON - 3601)]
    for number in range(30):
        house.give_up(f"shard-1/{number:02}", NOON, records=old)

    assert house.pipeline.discarded(NOON - 3600).objects == 10
    assert len(house.aws.named("GetObject")) == 20


def test_a_listing_that_may_succeed_later_is_no_answer(house: House) -> None:
    house.aws.fail("ListObjectsV2", "SlowDown")
    house.aws.fail("ListObjectsV2", "ThrottlingException")

    assert house.pipeline.discarded(NOON).unknown is not None
    with pytest.raises(ClientError):
        house.pipeline.discarded(NOON)
