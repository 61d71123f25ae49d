"""Images that were too large for a message: objects in the failure bucket, as capture put them there.

An object is gzip-compressed JSON of the image, in the form of Lambda's events. It is older than its message, so
it is there unless somebody, or the bucket's lifecycle, removed it.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

from dynamodb_restore.aws import AwsError, Clients, error_code
from dynamodb_restore.changes.change import Attributes, MalformedChangeError, check_value

_LONGEST_IMAGE = 8 * 1024 * 1024
"""Bytes that an object may unpack to. An item has at most 400 KB, which as JSON in DynamoDB's form is several times
as much where it has many small values
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

_GZIP = 16 + zlib.MAX_WBITS

_GONE = frozenset({"NoSuchKey", "NoSuchBucket"})
"""docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors"""


class ImageError(Exception):
    """The image cannot be read, now or later; the text says why."""


@dataclass(frozen=True)
class ImageStore:
    """The images of one pipeline.

    Attributes:
        bucket: the failure bucket.
        prefix: what the keys of images begin with.
    """

    clients: Clients
    bucket: str
    prefix: str

    def get(self, name: str) -> Attributes:
        """The image that an object holds.

        Args:
            name: of the object, below the prefix.

        Raises:
            ImageError: it is gone, or is no image.
            ClientError, BotoCoreError: from GetObject; the same call can succeed later.
        """
        key = self.prefix + name
        try:
            body = self.clients.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read(_LONGEST_IMAGE)
        except AwsError as error:
            if error_code(error) not in _GONE:
                raise
            raise ImageError(
                f"its image was too large for a message, and the object {key} that held it is gone"
            ) from error
        return _image(key, body)


def _image(key: str, body: bytes) -> Attributes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        raw = unpacker.decompress(body, _LONGEST_IMAGE)
        if not unpacker.eof:
            raise ImageError(f"the object {key} is cut short or unpacks to more than {_LONGEST_IMAGE} bytes")
        image = json.loads(raw)
        if not isinstance(image, dict):
            raise ImageError(f"the object {key} holds no image")
        for value in image.values():
            check_value(value)
    except (zlib.error, ValueError, RecursionError, MalformedChangeError) as error:
        raise ImageError(f"the object {key} holds no image: {error}") from error
    found: Attributes = image
    return found
