"""What Lambda puts into the failure bucket for a batch of stream records that it gave up: one JSON object.

`payload` is the event that the function would have been invoked with, and `DDBStreamBatchInfo` tells of the batch, with
`approximateArrivalOfLastRecord`, an instant (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.instants import from_iso

_LONGEST = 32 * 1024 * 1024
"""Bytes. An event has 6 MB at most (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and as JSON text
within JSON text less than twice as many."""


class DiscardedBatchError(Exception):
    """An object is no batch of stream records; the text says what is wrong with it."""


@dataclass(frozen=True)
class DiscardedBatch:
    """Records that Lambda gave up.

    Attributes:
        last_arrival: epoch seconds at which the stream took the last of them, approximately; None where the object does
            not tell.
    """

    records: Sequence[Mapping[str, Any]]
    last_arrival: float | None


def read_discarded_batch(clients: Clients, bucket: str, key: str) -> DiscardedBatch:
    """Read an object of the failure bucket.

    Raises:
        ClientError, BotoCoreError: from GetObject, or while its body was read.
        DiscardedBatchError: it is no batch of stream records.
    """
    answer = clients.s3.get_object(Bucket=bucket, Key=key)
    with closing(answer["Body"]) as body:
        if answer["ContentLength"] > _LONGEST:
            raise DiscardedBatchError(f"it has {answer['ContentLength']} bytes, more than any batch")
        return parse_discarded_batch(body.read())


def parse_discarded_batch(content: bytes) -> DiscardedBatch:
    """The batch in an object's content.

    AWS's page calls the payload "Whole Event" and leaves open whether it is text or an object, so both are read.

    Raises:
        DiscardedBatchError: it is no batch of stream records.
    """
    try:
        found = json.loads(content)
        payload = found["payload"]
        event = json.loads(payload) if isinstance(payload, str) else payload
        records = event["Records"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DiscardedBatchError(f"it is not what Lambda writes: {error!r:.200}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DiscardedBatchError("its payload has no list of records")
    return DiscardedBatch(records, _last_arrival(found))


def _last_arrival(found: Mapping[str, Any]) -> float | None:
    try:
        arrival = from_iso(found["DDBStreamBatchInfo"]["approximateArrivalOfLastRecord"])
    except (KeyError, TypeError, ValueError):
        return None
    return arrival.timestamp()
