"""Rounds: the changes of an invocation's messages, cut into portions that are written one after another.

A round holds the last change of each of its items, and what has to be known to say afterwards how far each group has
come. Messages are unpacked one at a time, when a round comes to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dynamodb_restore.changes.bundle import BundleError, open_bundle
from dynamodb_restore.changes.change import Change, Kind, item_id
from dynamodb_restore.changes.delivery import Delivery
from dynamodb_restore.changes.doubt import key_bytes
from dynamodb_restore.changes.progress import Partial
from dynamodb_restore.changes.window import Window

_END = -1
"""The index behind a message's last change."""

_NO_IMAGE = "the change has no image from inside the window, and what its source has now may be from after the window's end"
_LATE_IMAGE = (
    "its message came to the buffer too late for its image to be trusted, and what its source has now may be from after "
    "the window's end"
)


@dataclass
class Message:
    """A message that this invocation works on.

    Attributes:
        start: how many of its changes an earlier invocation has dealt with.
        done: how many of its changes are dealt with.
        length: of changes; None while it is not unpacked.
        last_time: epoch seconds of its last change.
        late: whether its images are not to be trusted; see `delivery.LATE_SECONDS`.
        finished: whether nothing of it is left to do.
    """

    delivery: Delivery
    start: int = 0
    done: int = 0
    length: int | None = None
    last_time: int = 0
    late: bool = False
    finished: bool = False

    @property
    def group(self) -> str:
        return self.delivery.group


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a message, or the end of it.

    Attributes:
        item: id of the change's item; None where the change is outside the window, and at the end.
    """

    message: Message
    index: int
    item: str | None

    @property
    def is_end(self) -> bool:
        return self.index == _END


@dataclass
class Pending:
    """The last change of one item in a round.

    Attributes:
        item: the item's id.
        step: the place of that change among the round's steps.
        version: where it is in the buffer; greater for a later one.
        refusal: why it is not written whatever the target says; None where it is.
        size: about the bytes of its image.
    """

    item: str
    change: Change
    step: int
    version: int
    refusal: str | None
    size: int


@dataclass(frozen=True)
class Bounds:
    """How much a round holds at most.

    Attributes:
        image_bytes: of images, as Python writes them down; in memory they take up to five times as much, and
            their requests three times. With one unpacked message beside them, 8 MB stay below 256 MB, and 1,000
            items of 1 KB are still one round.
        items: their keys fit one note, and what the target refuses of them can be stored in seconds.
        steps: changes of all items; a hot item has many.
        key_bytes: what the invocation's note has room for.
        units: write units; infinite where the write rate has no limit.
        read_bytes: what an item that is to be read counts as.
    """

    image_bytes: int = 8 * 1024 * 1024
    items: int = 2_000
    steps: int = 10_000
    key_bytes: int = 300_000
    units: float = float("inf")
    read_bytes: int = 64 * 1024


OBJECT_BYTES = 1024 * 1024
"""What an image in an object counts as: it did not fit a message, and an item has at most 400 KB."""

_BYTES_PER_UNIT = 1024


@dataclass
class Round:
    """A portion of the changes.

    Attributes:
        items: by item id, in the order of each item's last change. Written in this order, what is left where time runs
            out is behind all that was written, so nothing of that comes again.
        steps: all changes and ends of messages, in order.
        unreadable: a message that could not be unpacked, with the reason; it is always alone in its round, so that
            what comes before it in its group is settled.
    """

    items: dict[str, Pending] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    unreadable: tuple[Message, str] | None = None
    _image_bytes: int = 0
    _key_bytes: int = 0
    _units: float = 0

    def add(self, message: Message, index: int, change: Change, refusal: str | None, read_bytes: int) -> None:
        """Take up one change of the window."""
        item = item_id(change.key)
        size = _size(change, refusal, read_bytes)
        # Taken out, so that it goes to the end.
        earlier = self.items.pop(item, None)
        if earlier is None:
            self._key_bytes += key_bytes(item)
        else:
            self._count(earlier.size, -1)
            # One text for all steps of an item.
            item = earlier.item
        self._count(size, +1)
        version = Partial(message.delivery.sequence, index).as_number
        self.items[item] = Pending(item, change, len(self.steps), version, refusal, size)
        self.steps.append(Step(message, index, item))

    def is_full(self, bounds: Bounds) -> bool:
        return (
            self._image_bytes >= bounds.image_bytes
            or len(self.items) >= bounds.items
            or len(self.steps) >= bounds.steps
            or self._key_bytes >= bounds.key_bytes
            or self._units >= bounds.units
        )

    def _count(self, size: int, sign: int) -> None:
        self._image_bytes += sign * size
        self._units += sign * (1 + size // _BYTES_PER_UNIT)


def _size(change: Change, refusal: str | None, read_bytes: int) -> int:
    if refusal is not None:
        return 0
    if change.kind is Kind.OBJECT:
        return OBJECT_BYTES
    if change.kind is Kind.READ:
        return read_bytes
    return len(repr(change.image)) if change.image is not None else 0


class Rounds:
    """Makes rounds of messages, in order, group by group as they come.

    Attributes:
        stopped: groups of which nothing more is taken up; the caller adds to them.
    """

    def __init__(self, messages: Iterable[Message], window: Window) -> None:
        self.stopped: set[str] = set()
        self._window = window
        self._parts = self._all_parts(messages)
        self._held: tuple[Message, str] | None = None

    def next(self, bounds: Bounds) -> Round | None:
        """The next portion; None where there is no more."""
        found = Round()
        if self._held is not None:
            found.unreadable, self._held = self._held, None
            return found
        for message, index, content in self._parts:
            if isinstance(content, str):
                if not found.steps:
                    found.unreadable = message, content
                else:
                    self._held = message, content
                return found
            self._add(found, message, index, content, bounds)
            if found.is_full(bounds):
                return found
        return found if found.steps else None

    def _add(self, found: Round, message: Message, index: int, change: Change | None, bounds: Bounds) -> None:
        if change is None or not self._window.covers(change):
            found.steps.append(Step(message, index, None))
            return
        change = self._window.known_part(change)
        refusal = None
        if change.kind is Kind.READ and not self._window.takes_present_images:
            refusal = _LATE_IMAGE if message.late else _NO_IMAGE
        found.add(message, index, change, refusal, bounds.read_bytes)

    def _all_parts(self, messages: Iterable[Message]) -> Iterator[tuple[Message, int, Change | str | None]]:
        """Each change with its message and index; None for the end of a message, a text for one that is unreadable."""
        for message in messages:
            if message.group in self.stopped:
                continue
            try:
                changes = _unpack(message)
            except BundleError as error:
                yield message, _END, str(error)
                continue
            for index in range(message.start, len(changes)):
                if message.group in self.stopped:
                    break
                yield message, index, changes[index]
            else:
                yield message, _END, None
            # Before the next message is unpacked.
            del changes


def _unpack(message: Message) -> list[Change]:
    """All changes of a message: it is replayed whole or not at all, so each is checked before the first is taken up.

    Where the message came late, its images are left out.

    Raises:
        BundleError: it is none of capture's messages.
    """
    if not message.group.isdecimal():
        raise BundleError(f"{message.group!r} is none of capture's groups")
    bundle = open_bundle(message.delivery.body)
    late = message.delivery.is_late(bundle.sent_at)
    changes = list(bundle)
    message.length = len(changes)
    message.late = late
    message.last_time = changes[-1].time if changes else int(message.delivery.sent_at)
    return [change.without_image() for change in changes] if late else changes
