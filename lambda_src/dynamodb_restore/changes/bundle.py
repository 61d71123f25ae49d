"""Bundles: many changes of one group in one SQS message.

A message's body is base64 text of zlib-compressed JSON `{"v": 1, "k": [key names], "c": [[kind, sequence, time,
attributes], …]}`, where `attributes` is the image of a put and the key of every other change. SQS takes text
only, hence base64 (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dynamodb_restore.changes.change import (
    Change,
    Kind,
    MalformedChangeError,
    check_key,
    check_value,
    item_id,
)

_VERSION = 1

_COMPRESSION = 1
"""zlib's fastest level: it takes most of what can be had from JSON, at a fifth of the default level's time."""

_LONGEST_RAW = 8 * 1024 * 1024
"""Bytes that a body may unpack to. Capture's bundles stay below: Lambda hands it at most 6 MB of stream records at once
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and a bundle says less of a change than its record.
This stops a corrupt or hostile body from filling the function's memory; JSON can take more than twenty times its own size."""


_LATEST_TIME = 2**40
"""Epoch seconds that no change has."""


class BundleError(Exception):
    """A message's body is no bundle; the text says what is wrong with it."""


@dataclass(frozen=True)
class Bundle:
    """Changes of one group in stream order, ready to be sent.

    Attributes:
        first: position, in the stream batch, of the first change; where a failed send resumes.
        last_time: epoch seconds of the last change.
    """

    group: int
    body: str
    first: int
    count: int
    last_time: int


def group_of(key_id: str, group_count: int) -> int:
    """The group of an item: the same for all its changes, as long as the group count stays the same."""
    digest = hashlib.blake2b(key_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % group_count


def pack(
    changes: Iterable[tuple[int, Change]], *, group_count: int, byte_limit: int
) -> dict[int, list[Bundle]]:
    """Pack changes into bundles of at most `byte_limit` bytes of body, by group and in order.

    Args:
        changes: each with its position in the stream batch.

    A change that does not fit alone travels as its key: replay reads the item from the source.
    """
    groups: dict[int, list[tuple[int, Change]]] = {}
    for position, change in changes:
        groups.setdefault(group_of(item_id(change.key), group_count), []).append((position, change))
    return {group: list(_bundles(group, members, byte_limit)) for group, members in groups.items()}


def _bundles(group: int, members: Sequence[tuple[int, Change]], byte_limit: int) -> Iterator[Bundle]:
    body = encode([change for _, change in members])
    if len(body) <= byte_limit:
        yield Bundle(group, body, members[0][0], len(members), members[-1][1].time)
        return
    if len(members) == 1:
        position, change = members[0]
        yield Bundle(group, encode([change.without_image()]), position, 1, change.time)
        return
    middle = len(members) // 2
    yield from _bundles(group, members[:middle], byte_limit)
    yield from _bundles(group, members[middle:], byte_limit)


def encode(changes: Sequence[Change]) -> str:
    """The body of a message with these changes, which are all of one table."""
    entries = [
        (
            change.kind.value,
            change.sequence,
            change.time,
            change.key if change.image is None else change.image,
        )
        for change in changes
    ]
    content = {"v": _VERSION, "k": sorted(changes[0].key), "c": entries}
    raw = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.b64encode(zlib.compress(raw, _COMPRESSION)).decode()


def decode(body: str) -> list[Change]:
    """The changes in a message's body, in order.

    Raises:
        BundleError: the body is not what `encode` writes.
    """
    try:
        content = json.loads(_unpacked(body))
        if content["v"] != _VERSION:
            raise BundleError(f"bundle of version {content['v']!r:.50}; this code reads version {_VERSION}")
        return [_change(entry, content["k"]) for entry in content["c"]]
    except BundleError:
        raise
    except (
        binascii.Error,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise BundleError(f"not a bundle: {type(error).__name__}: {error}") from error
    except MalformedChangeError as error:
        raise BundleError(f"not a bundle: {error}") from error


def _unpacked(body: str) -> bytes:
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(base64.b64decode(body, validate=True), _LONGEST_RAW)
    if not unpacker.eof:
        raise BundleError(f"bundle is cut short or unpacks to more than {_LONGEST_RAW} bytes")
    return raw


def _change(entry: Sequence[object], key_names: Sequence[str]) -> Change:
    kind_text, sequence, time, attributes = entry
    kind = Kind(kind_text)
    if not isinstance(attributes, dict) or not isinstance(time, int) or not isinstance(sequence, str):
        raise MalformedChangeError("an entry's sequence, time or attributes are of the wrong type")
    if not 0 <= time < _LATEST_TIME:
        raise MalformedChangeError(f"an entry's time is {time}")
    key = {name: attributes[name] for name in key_names}
    # A well-packed message can still be one that capture did not write. What passes here must not fail later,
    # where it would bring down the messages beside it.
    check_key(key)
    for value in attributes.values():
        check_value(value)
    return Change(kind, key, attributes if kind is Kind.PUT else None, sequence, time)
