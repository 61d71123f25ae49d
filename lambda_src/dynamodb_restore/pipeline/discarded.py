"""Discarded changes: what capture had to give up, and Lambda put into the failure bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain
from dynamodb_restore.pipeline.discarded_batch import DiscardedBatchError, read_discarded_batch

_SHOWN_OBJECTS = 3

_MOST_READS = 20
"""Objects that one look reads: up to 6 MB each. Those beyond count as missing without being read."""


@dataclass(frozen=True)
class Discarded:
    """What capture gave up, an object for each batch of records.

    Attributes:
        objects: how many there are.
        first: the URIs of the first few.
        unknown: why the bucket could not be read; None if it could.
    """

    objects: int = 0
    first: tuple[str, ...] = ()
    unknown: str | None = None


def find_discarded(clients: Clients, bucket: str, mapping_id: str, since: int) -> Discarded:
    """What capture gave up since a time: changes that will not reach the buffer by themselves.

    An object that says that its last record reached the stream before `since` is left out: a mapping that is enabled
    after a pause gives up what is about to leave the stream, and that has nothing to do with this restore. Where an
    object does not say, or cannot be read, it counts.

    To be asked after the mapping: capture goes on only once what it gave up is in the bucket, and the other way
    round both could be looked at before it is (listing shows every object that was written before:
    docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).

    Args:
        mapping_id: UUID of the capture mapping.
        since: epoch seconds.

    Raises:
        ClientError, BotoCoreError: the same call can succeed later.
    """
    objects, reads, first = 0, 0, list[str]()
    try:
        for key in discarded_keys(clients, bucket, mapping_id, since):
            reads += 1
            if reads <= _MOST_READS and _arrived_before(clients, bucket, key, since):
                continue
            objects += 1
            if len(first) < _SHOWN_OBJECTS:
                first.append(f"s3://{bucket}/{key}")
    except AwsError as error:
        # A bucket that may no longer be listed must not block a forced cutover.
        if classify(error) is ErrorClass.RETRY:
            raise
        return Discarded(unknown=explain(error))
    return Discarded(objects, tuple(first))


def discarded_keys(clients: Clients, bucket: str, mapping_id: str, since: int) -> Iterator[str]:
    """The keys of the objects that Lambda wrote from an instant on.

    Lambda names the objects `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/…`
    (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), by shard before time, so no key to start
    after would leave out the old ones only. In the usual case there is nothing to list. A change is given up
    after it was written, so none from `since` on is in an older object; a newer one may hold older changes.

    Raises:
        ClientError, BotoCoreError: from ListObjectsV2.
    """
    pages = clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"aws/lambda/{mapping_id}/"
    )
    for page in pages:
        for found in page.get("Contents", []):
            # S3 tells times to the second, as the window does.
            if found["LastModified"].timestamp() >= since:
                yield found["Key"]


def _arrived_before(clients: Clients, bucket: str, key: str, since: int) -> bool:
    try:
        last_arrival = read_discarded_batch(clients, bucket, key).last_arrival
    except (*AwsError, DiscardedBatchError):
        return False
    return last_arrival is not None and last_arrival < since
