"""Discarded changes: what capture had to give up, and Lambda put into the failure bucket."""

from __future__ import annotations

from dataclasses import dataclass

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain

_SHOWN_OBJECTS = 3


@dataclass(frozen=True)
class Discarded:
    """What capture gave up, an object for each batch of records.

    Attributes:
        objects: how many there are.
        first: the URIs of the first few.
        unknown: why it could not be looked; None where it could.
    """

    objects: int = 0
    first: tuple[str, ...] = ()
    unknown: str | None = None


def find_discarded(clients: Clients, bucket: str, mapping_id: str, since: int) -> Discarded:
    """What capture gave up from an instant on: changes that will never be in the buffer by themselves.

    Lambda names the objects `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/…`
    (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), by shard before time, so no key to start
    after would leave out the old ones only. In the usual case there is nothing to list. A change is given up
    after it was written, so none from `since` on is in an older object; a newer one may hold older changes.

    To be asked after the mapping: capture goes on only once what it gave up is in the bucket, and the other way
    round both could be looked at before it is (listing shows every object that was written before:
    docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).

    Args:
        mapping_id: UUID of the capture mapping.
        since: epoch seconds.

    Raises:
        ClientError, BotoCoreError: the same call can succeed later.
    """
    objects, first = 0, list[str]()
    try:
        pages = clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"aws/lambda/{mapping_id}/"
        )
        for page in pages:
            # S3 tells times to the second, as the window does.
            keys = [
                found["Key"]
                for found in page.get("Contents", [])
                if found["LastModified"].timestamp() >= since
            ]
            objects += len(keys)
            first += [f"s3://{bucket}/{key}" for key in keys[: _SHOWN_OBJECTS - len(first)]]
    except AwsError as error:
        # A bucket that nobody may list any more must not stand in the way of a cutover that is forced.
        if classify(error) is ErrorClass.RETRY:
            raise
        return Discarded(unknown=explain(error))
    return Discarded(objects, tuple(first))
