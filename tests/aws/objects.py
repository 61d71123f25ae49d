"""S3: objects, which come in the order of their keys, a page at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.response import StreamingBody

from tests.aws.clock import VirtualClock
from tests.aws.errors import client_error

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


@dataclass(frozen=True)
class StoredObject:
    """One object: S3 tells the whole second in which it was written."""

    modified: datetime
    body: bytes = b""


@dataclass
class Objects:
    """Buckets by name, each with its objects by key
    (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html)."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    page_size: int = 2
    buckets: dict[str, dict[str, StoredObject]] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListObjectsV2": self._list,
            "PutObject": self._put,
            "GetObject": self._get,
            "DeleteObject": self._delete,
        }

    @property
    def contents(self) -> dict[tuple[str, str], bytes]:
        """All objects, by bucket and key."""
        return {
            (bucket, key): found.body
            for bucket, objects in self.buckets.items()
            for key, found in objects.items()
        }

    def put(self, bucket: str, key: str, at: float, body: bytes = b"") -> None:
        """Put an object at an instant, in epoch seconds, without a call."""
        modified = datetime.fromtimestamp(int(at), UTC)
        self.buckets.setdefault(bucket, {})[key] = StoredObject(modified, body)

    def _bucket(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, StoredObject]:
        bucket = parameters["Bucket"]
        if bucket not in self.buckets:
            raise _missing(operation, "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[bucket]

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket = self._bucket("ListObjectsV2", parameters)
        prefix, after = parameters.get("Prefix", ""), parameters.get("ContinuationToken", "")
        keys = sorted(key for key in bucket if key.startswith(prefix) and key > after)
        page = keys[: self.page_size]
        answer: dict[str, Any] = {"KeyCount": len(page), "IsTruncated": len(page) < len(keys)}
        if page:
            answer["Contents"] = [
                {"Key": key, "LastModified": bucket[key].modified, "Size": len(bucket[key].body)}
                for key in page
            ]
        if answer["IsTruncated"]:
            answer["NextContinuationToken"] = page[-1]
        return answer

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._bucket("PutObject", parameters)
        body = parameters.get("Body", b"")
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
        self.put(parameters["Bucket"], parameters["Key"], self.clock.of("s3"), content)
        return {}

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = self._bucket("GetObject", parameters).get(parameters["Key"])
        if found is None:
            raise _missing("GetObject", "NoSuchKey", "The specified key does not exist.")
        return {
            "Body": StreamingBody(io.BytesIO(found.body), len(found.body)),
            "ContentLength": len(found.body),
            "LastModified": found.modified,
        }

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._bucket("DeleteObject", parameters).pop(parameters["Key"], None)
        return {}


def _missing(operation: str, code: str, message: str) -> ClientError:
    return client_error(operation, code, message, status=404)
