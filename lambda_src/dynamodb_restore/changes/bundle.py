"""Bundles: many changes of one group in one SQS message.

A message's body is base64 text of zlib-compressed lines of JSON. The first is `{"v": 2, "t": sent, "k": [key names]}`,
where `sent` is when the bundle was packed to be sent, in epoch milliseconds. Each further line is one change:
`[kind, sequence, time, attributes]`, where `time` is null where the stream record told none, and `attributes` is the
image of a put and the key of every other change; a change whose image is an object has that object's name as a
fifth element. So one change can be read without the others. SQS takes text only, hence base64
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).

What is written here can be read here: each change is asked `check_change` before it is written and after it is read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dynamodb_restore.changes.change import Change, Kind, MalformedChangeError, check_change, item_id

_VERSION = 2

LATE_SECONDS = 60
"""A message that SQS took longer than this after its bundle was packed came late or was sent again by somebody else: its
images may be older than what was replayed meanwhile. See `capture`.

Of a message that is redriven this is always so: SQS sets one aside after 1,000 receives (modules/change-pipeline/buffer.tf),
between which replay pauses for two seconds at least (`delivery.pause_seconds`)."""

_COMPRESSION = 1
"""zlib's fastest level: it takes most of what can be had from JSON, at a fifth of the default level's time."""

_LONGEST_RAW = 8 * 1024 * 1024
"""Bytes that a body may unpack to: above what Lambda hands to capture at once, 6 MB
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). It stops a corrupt or hostile body from filling the
function's memory."""

_MOST_CHANGES = 10_000
"""Records that Lambda hands to capture at once
(docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html, BatchSize)."""

_LONGEST_HEADER = 4096
"""Bytes of the first line: the names of two key attributes have 255 characters each
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

_LATEST_SENT = 2**40 * 1000
"""Epoch milliseconds at which no bundle is sent."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

_SPARE_BYTES = 32
"""What the send time may add to a body; it is not known yet when a change is measured."""


class BundleError(Exception):
    """A message's body is no bundle; the text says what is wrong with it."""


@dataclass(frozen=True)
class Entry:
    """A change that can travel.

    Attributes:
        position: of its record in the stream batch.
        line: as a bundle carries it.
    """

    position: int
    change: Change
    line: bytes

    @classmethod
    def of(cls, position: int, change: Change) -> Entry:
        """The entry of a change.

        Raises:
            MalformedChangeError: the change cannot travel.
        """
        check_change(change)
        fields: list[object] = [
            change.kind.value,
            change.sequence,
            change.time if change.time_known else None,
            change.key if change.image is None else change.image,
        ]
        if change.image_object is not None:
            fields.append(change.image_object)
        return cls(position, change, _json(fields))

    def fits(self, byte_limit: int) -> bool:
        """Whether a bundle of this change alone has at most `byte_limit` bytes of body."""
        if _most_packed(_LONGEST_HEADER + len(self.line)) <= byte_limit:
            return True
        raw = _raw([self], sent_at=0)
        return len(raw) <= _LONGEST_RAW and len(_packed(raw)) <= byte_limit - _SPARE_BYTES


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
    entries: Iterable[Entry], *, group_count: int, byte_limit: int, sent_at: float
) -> dict[int, list[Bundle]]:
    """Pack entries into bundles of at most `byte_limit` bytes of body, by group and in order.

    Args:
        sent_at: epoch seconds.

    An entry that does not fit alone has a bundle of its own, which is larger: what has an image is to be asked
    `Entry.fits` before.
    """
    groups: dict[int, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(group_of(item_id(entry.change.key), group_count), []).append(entry)
    return {group: list(_bundles(group, members, byte_limit, sent_at)) for group, members in groups.items()}


def _bundles(group: int, members: Sequence[Entry], byte_limit: int, sent_at: float) -> Iterator[Bundle]:
    raw = _raw(members, sent_at)
    # The items of one table have the same key names; a record that has others must not spoil its neighbours.
    alike = all(member.change.key.keys() == members[0].change.key.keys() for member in members)
    if alike and len(raw) <= _LONGEST_RAW and len(members) <= _MOST_CHANGES:
        body = _packed(raw)
        if len(body) <= byte_limit or len(members) == 1:
            last_time = members[-1].change.time
            yield Bundle(group, body, members[0].position, len(members), last_time)
            return
    middle = len(members) // 2
    yield from _bundles(group, members[:middle], byte_limit, sent_at)
    yield from _bundles(group, members[middle:], byte_limit, sent_at)


def encode(changes: Sequence[Change], *, sent_at: float) -> str:
    """The body of a message with these changes, which are all of one table.

    Args:
        sent_at: epoch seconds.

    Raises:
        MalformedChangeError: one of them cannot travel.
    """
    return _packed(_raw([Entry.of(position, change) for position, change in enumerate(changes)], sent_at))


def _raw(entries: Sequence[Entry], sent_at: float) -> bytes:
    header = {"v": _VERSION, "t": int(sent_at * 1000), "k": sorted(entries[0].change.key)}
    return b"\n".join([_json(header), *(entry.line for entry in entries)])


def _json(content: object) -> bytes:
    # No line break is left in it: JSON escapes those inside texts.
    return _ENCODER.encode(content).encode()


def _most_packed(size: int) -> int:
    """Bytes that `_packed` makes of so many at most: what does not compress grows by less than a thousandth
    (zlib.net/zlib_tech.html, "Maximum Expansion Factor"), and by a third as base64."""
    return (size * 1001 // 1000 + 16) * 4 // 3 + 4


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, _COMPRESSION)).decode()


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle whose changes are read one at a time.

    Attributes:
        sent_at: epoch seconds at which capture packed it to be sent.
        key_names: of the table's key.
        lines: one for each change, not read yet.
    """

    sent_at: float
    key_names: tuple[str, ...]
    lines: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Change]:
        return (self.change(index) for index in range(len(self)))

    def change(self, index: int) -> Change:
        """One of the changes, which are in stream order.

        Raises:
            BundleError: it is none that capture wrote.
            IndexError: the bundle has no such change.
        """
        line = self.lines[index]
        with _told_as_no_bundle():
            kind_text, sequence, time, attributes, *rest = json.loads(line)
            kind = Kind(kind_text)
            if len(rest) != (kind is Kind.OBJECT):
                raise MalformedChangeError("an entry has too few or too many elements")
            change = Change(
                kind,
                {name: attributes[name] for name in self.key_names},
                attributes if kind is Kind.PUT else None,
                sequence,
                int(self.sent_at) if time is None else time,
                image_object=rest[0] if rest else None,
                time_known=time is not None,
            )
            # A well-packed message can still be one that capture did not write. What passes here must not fail later,
            # where it would bring down the messages beside it.
            check_change(change)
            return change


def open_bundle(body: str) -> OpenedBundle:
    """Unpack a message's body, without reading its changes.

    Raises:
        BundleError: the body is not what `encode` writes, as far as that can be said before its changes are read.
    """
    with _told_as_no_bundle():
        raw = _unpacked(body)
        header = json.loads(raw[: raw.index(b"\n", 0, _LONGEST_HEADER)])
        if header["v"] != _VERSION:
            raise BundleError(f"bundle of version {header['v']!r:.50}; this code reads version {_VERSION}")
        sent, key_names = header["t"], header["k"]
        if not isinstance(sent, int) or isinstance(sent, bool) or not 0 <= sent < _LATEST_SENT:
            raise BundleError(f"bundle that was sent at {sent!r:.50}")
        if not isinstance(key_names, list):
            raise BundleError("bundle without a list of key names")
        if raw.count(b"\n") > _MOST_CHANGES:
            raise BundleError(f"bundle with more than {_MOST_CHANGES} changes")
        return OpenedBundle(sent / 1000, tuple(key_names), raw.split(b"\n")[1:])


def decode(body: str) -> list[Change]:
    """All changes in a message's body, in order.

    Raises:
        BundleError: the body is not what `encode` writes.
    """
    return list(open_bundle(body))


def _unpacked(body: str) -> bytes:
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(base64.b64decode(body, validate=True), _LONGEST_RAW)
    if not unpacker.eof:
        raise BundleError(f"bundle is cut short or unpacks to more than {_LONGEST_RAW} bytes")
    return raw


@contextmanager
def _told_as_no_bundle() -> Iterator[None]:
    """Turn what reading arbitrary bytes can raise into the one error that callers know."""
    try:
        yield
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"not a bundle: {type(error).__name__}: {error}") from error
    except MalformedChangeError as error:
        raise BundleError(f"not a bundle: {error}") from error
