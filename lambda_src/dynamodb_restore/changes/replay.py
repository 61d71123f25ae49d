"""Replay: bundles from the FIFO buffer become writes into the target.

An invocation takes up to ten messages of several groups. It reduces them to each item's last change, writes
those, and answers with the messages that are to come back: the first of each group that was not fully dealt
with, and all later ones of that group, so that no change is overtaken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.changes.bundle import BundleError, decode
from dynamodb_restore.changes.change import Change, item_id
from dynamodb_restore.changes.progress import Position
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.writer import TargetWriter


@dataclass(frozen=True)
class Window:
    """The changes that are replayed: those from `start` on and, where an `end` is set, before it.

    Both are whole epoch seconds, as stream records tell no finer time. A restore point lies within its
    second, so that second is replayed whole: writing what is there already changes nothing.
    """

    start: int
    end: int | None = None

    def covers(self, change: Change) -> bool:
        """Whether the change is to be replayed. One that does not tell its time may lie before any end."""
        if not change.time_known:
            return change.time >= self.start
        return change.time >= self.start and (self.end is None or change.time < self.end)

    def known_part(self, change: Change) -> Change:
        """What is known to belong into the window: of a change that may lie after its end, the key alone."""
        may_lie_after_end = self.end is not None and not change.time_known
        return change.without_image() if may_lie_after_end else change


@dataclass
class Replayed:
    """What one invocation came to.

    Attributes:
        positions: group to the last bundle that was fully dealt with.
        applied, superseded, outside, quarantined: changes, by what became of them.
        set_aside: messages that could not be decoded and are now on the FIFO DLQ.
        repeated: messages that an earlier invocation had dealt with.
        retry: ids of the messages that are to come back.
        problem: why they are.
        refused_for_good: whether that is something that no retry mends.
    """

    positions: dict[int, Position] = field(default_factory=dict)
    applied: int = 0
    superseded: int = 0
    outside: int = 0
    quarantined: int = 0
    set_aside: int = 0
    repeated: int = 0
    retry: list[str] = field(default_factory=list)
    problem: str | None = None
    refused_for_good: bool = False

    @property
    def changes(self) -> int:
        """All changes in messages that are done with."""
        return self.applied + self.superseded + self.outside + self.quarantined


@dataclass(frozen=True)
class _Message:
    """One SQS message and the changes in it."""

    message_id: str
    group: str
    sequence: int
    changes: Sequence[Change]
    last_time: int


SetAside = Callable[[Mapping[str, Any], str], bool]
"""Copies a message that cannot be decoded to the FIFO DLQ with the reason; False where that failed."""


def replay(
    records: Sequence[Mapping[str, Any]],
    window: Window,
    writer: TargetWriter,
    quarantine: Quarantine,
    known_quarantined: frozenset[str],
    set_aside: SetAside,
    dealt_with: Mapping[int, Position],
) -> Replayed:
    """Write what an SQS event carries into the target.

    Args:
        dealt_with: per group, the last bundle that was fully dealt with. SQS deletes each message on its own:
            where it lost one deletion and kept those after it, the message comes back alone, and its images
            are older than what the target has.
        known_quarantined: ids of the items that are in quarantine, so that only those cost a call when
            the target takes them after all.
    """
    replayed = Replayed()
    messages = _decode_all(records, set_aside, dealt_with, replayed)
    last: dict[str, tuple[int, _Message, Change]] = {}
    number = 0
    for message in messages:
        for change in message.changes:
            if window.covers(change):
                last[item_id(change.key)] = (number, message, change)
            number += 1
    written = writer.write({number: window.known_part(change) for number, _, change in last.values()})
    replayed.problem = written.problem or replayed.problem
    replayed.refused_for_good = written.refused_for_good

    failed: set[str] = set()
    for item, (number, message, change) in last.items():
        if number in written.refused:
            quarantine.add(change, written.refused[number])
        elif number not in written.done:
            failed.add(message.message_id)
        elif item in known_quarantined:
            quarantine.remove(change.key)
    _settle(messages, failed, window, {number for number, _, _ in last.values()}, written.refused, replayed)
    return replayed


def _decode_all(
    records: Sequence[Mapping[str, Any]],
    set_aside: SetAside,
    dealt_with: Mapping[int, Position],
    replayed: Replayed,
) -> list[_Message]:
    """Decode the messages, in order; those after one that could neither be decoded nor set aside wait.

    Leaving a bundle out is safe for order: it never comes back into the queue, so none of its images can
    land late. What it carried is lost to the target, which `status` tells and `cutover` refuses.
    """
    messages: list[_Message] = []
    done = {str(group): position.sequence for group, position in dealt_with.items()}
    stopped: set[str] = set()
    for record in records:
        group = record["attributes"]["MessageGroupId"]
        sequence = int(record["attributes"]["SequenceNumber"])
        if group in stopped:
            replayed.retry.append(record["messageId"])
            continue
        if sequence <= done.get(group, -1):
            replayed.repeated += 1
            continue
        try:
            changes = _changes_of(record)
        except BundleError as error:
            if set_aside(record, str(error)):
                replayed.set_aside += 1
                changes = []
            else:
                replayed.problem = f"a bundle could not be decoded nor set aside: {error}"
                replayed.retry.append(record["messageId"])
                stopped.add(group)
                continue
        last_time = changes[-1].time if changes else int(record["attributes"]["SentTimestamp"]) // 1000
        messages.append(_Message(record["messageId"], group, sequence, changes, last_time))
    return messages


def _changes_of(record: Mapping[str, Any]) -> list[Change]:
    group = record["attributes"]["MessageGroupId"]
    if not group.isdecimal():
        raise BundleError(f"{group!r} is none of capture's groups")
    return decode(record["body"])


def _settle(
    messages: Sequence[_Message],
    failed: set[str],
    window: Window,
    last_numbers: set[int],
    refused: Mapping[int, str],
    replayed: Replayed,
) -> None:
    """Split the messages into those done with and those to come back, and count what was done."""
    stopped: set[str] = set()
    number = 0
    for message in messages:
        if message.message_id in failed:
            stopped.add(message.group)
        if message.group in stopped:
            replayed.retry.append(message.message_id)
            number += len(message.changes)
            continue
        for change in message.changes:
            if not window.covers(change):
                replayed.outside += 1
            elif number not in last_numbers:
                replayed.superseded += 1
            elif number in refused:
                replayed.quarantined += 1
            else:
                replayed.applied += 1
            number += 1
        if message.group.isdecimal():
            replayed.positions[int(message.group)] = Position(message.sequence, message.last_time)
