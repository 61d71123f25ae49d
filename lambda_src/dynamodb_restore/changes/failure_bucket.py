"""The failure bucket, as the functions use it: images too large for a message, and records that nobody can read.

Lambda itself puts what capture could not send under `aws/lambda/MAPPING/`
(docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html). All that lies there counts as discarded, and cutover
is refused for it. Images lie apart from it, under the pipeline's own prefix.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import Attributes, Change, item_id


class FailureBucket:
    """Puts and gets objects of one pipeline."""

    def __init__(self, clients: Clients, bucket: str, image_prefix: str) -> None:
        """
        Args:
            image_prefix: of the objects that hold images, ending in a slash.
        """
        self._clients = clients
        self._bucket = bucket
        self._image_prefix = image_prefix

    def put_image(self, change: Change) -> Change:
        """Put the image of a PUT into an object; return the change that names it.

        The name follows from the change, and the content from the image: the same change, delivered again, writes the
        same object again.

        Raises:
            ClientError, BotoCoreError: from PutObject.
        """
        name = hashlib.sha256(f"{change.sequence}/{item_id(change.key)}".encode()).hexdigest()
        content = json.dumps(change.image, separators=(",", ":"), ensure_ascii=False).encode()
        self._clients.s3.put_object(
            Bucket=self._bucket,
            Key=self._image_prefix + name,
            Body=gzip.compress(content, mtime=0),
            ContentType="application/json",
            ContentEncoding="gzip",
        )
        return change.with_image_in(name)

    def image(self, name: str) -> Attributes:
        """The image that `put_image` put under a name, exactly.

        Raises:
            ClientError, BotoCoreError: from GetObject; `NoSuchKey` where the object has expired.
        """
        answer = self._clients.s3.get_object(Bucket=self._bucket, Key=self._image_prefix + name)
        image: Attributes = json.loads(gzip.decompress(answer["Body"].read()))
        return image

    def discard(self, record: Mapping[str, Any], reason: str, capture_mapping: str) -> str:
        """Put a stream record as it is where what Lambda gives up lies; return the object's key.

        Args:
            capture_mapping: UUID of the stream's event source mapping.

        Raises:
            ClientError, BotoCoreError: from PutObject.
        """
        content = json.dumps({"reason": reason, "record": record}).encode()
        key = f"aws/lambda/{capture_mapping}/not-understood/{hashlib.sha256(content).hexdigest()}.json"
        self._clients.s3.put_object(
            Bucket=self._bucket, Key=key, Body=content, ContentType="application/json"
        )
        return key
