"""What must hold of a world, whatever its history was: the oracles of the simulation."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynamodb_restore.changes.bundle import open_bundle
from dynamodb_restore.changes.progress import Position, Progress, Side, lagging_groups
from dynamodb_restore.changes.quarantine import Quarantine
from tests.aws.attributes import Item
from tests.aws.queues import Message
from tests.aws.streams import Record
from tests.simulation.plan import COUNTS_LAG_SECONDS, REFUSED, RESTORE_ID

if TYPE_CHECKING:
    from tests.simulation.world import World

_DOUBT = "a write of it stayed without an answer"

_EXPECTED_REFUSALS = {"BatchWriteItem": "ValidationException", "PutItem": "ValidationException"}
"""What AWS may refuse by its own rules, apart from conditions that do not hold: items that do not fit the target."""


class BrokenPromiseError(AssertionError):
    """The world is not as the guarantees say it must be."""


class Promises:
    """What was promised of one world.

    Every check raises BrokenPromiseError.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[tuple[Side, int], int] = {}

    def check_drained(self, replayed: Progress) -> None:
        """What is in the buffer once it is said to be drained has been dealt with."""
        left = [
            message.message_id
            for message in self._world.buffer.messages.values()
            if (message.sequence or 0) > replayed.positions.get(int(message.group), Position(-1, 0)).sequence
        ]
        if left:
            raise BrokenPromiseError(f"said to be drained, but not dealt with: {left}")

    def check_progress(self) -> None:
        """Progress never moves back, and a captured bundle that is not replayed yet shows as lag."""
        progress_notes = self._world.progress
        captured, replayed = progress_notes.read(Side.CAPTURED), progress_notes.read(Side.REPLAYED)
        for side, progress in ((Side.CAPTURED, captured), (Side.REPLAYED, replayed)):
            for group, position in progress.positions.items():
                if position.sequence < self._seen.get((side, group), 0):
                    raise BrokenPromiseError(f"group {group} moved back to {position} as {side}")
                self._seen[side, group] = position.sequence
        lagging = lagging_groups(captured, replayed)
        for group, sequence in self._world.noted.items():
            if captured.positions[group].sequence < sequence:
                raise BrokenPromiseError(f"group {group} was captured up to {sequence} and moved back")
            behind = group not in replayed.positions or replayed.positions[group].sequence < sequence
            if behind and group not in lagging:
                raise BrokenPromiseError(f"group {group} lags behind {sequence} and does not show it")

    def check(self) -> None:
        """All that holds once every change has arrived."""
        self._world.clock.sleep(COUNTS_LAG_SECONDS)
        standing = self._world.pipeline.standing(self._world.claim())
        if not standing.drained:
            raise BrokenPromiseError(f"not drained although all is done: {standing.obstacles()}")
        self.check_refusals()
        self.check_items()
        self.check_writes()
        self.check_counts()

    def check_refusals(self) -> None:
        """Nothing was asked of AWS that it never takes."""
        for (operation, code), count in self._world.wire.refusals.items():
            if code not in ("ConditionalCheckFailedException", _EXPECTED_REFUSALS.get(operation)):
                raise BrokenPromiseError(f"{operation} was refused {count} times: {code}")

    @property
    def _history(self) -> list[Record]:
        """All changes of the source, in their order."""
        return sorted(self._world.stream.records(), key=lambda record: record.sequence)

    def _covers(self, record: Record) -> bool:
        skipped = record.expiry and not self._world.plan.keep_expiries
        late = self._world.window.end is not None and record.time >= self._world.window.end
        return record.time >= self._world.window.start and not late and not skipped

    def check_items(self) -> None:
        """Each item is what its last captured change in the window made of it, or is in quarantine."""
        expected: dict[str, Item | None] = dict(self._world.snapshot)
        last = {record.key_text: record.new for record in self._history if self._covers(record)}
        expected |= last
        refused = {key for key, image in last.items() if image is not None and REFUSED in image}
        items = self._world.target.items
        for key in expected.keys() | items.keys():
            if key not in refused and items.get(key) != expected.get(key):
                raise BrokenPromiseError(
                    f"{key} is {items.get(key)}, and its last change made it {expected.get(key)}"
                )
        quarantine = Quarantine(self._world.clients, "restores", RESTORE_ID)
        entries = {self._world.source.schema.key_of(_in_sdk(item.key)): item for item in quarantine.items()}
        # Where the window has an end, what was in doubt is not read from the source.
        found = {key for key, item in entries.items() if key in refused or not item.reason.startswith(_DOUBT)}
        if found != refused:
            raise BrokenPromiseError(f"in quarantine are {found}, refused were {refused}")

    def check_writes(self) -> None:
        """Nothing outside the window was written."""
        in_window = [record for record in self._history if self._covers(record)]
        images = {record.new["version"]["N"] for record in in_window if record.new is not None}
        keys = {record.key_text for record in in_window}
        for write in self._world.target.log or ():
            stranger = write.new is not None and write.new["version"]["N"] not in images
            if write.key not in keys or stranger:
                raise BrokenPromiseError(f"written from outside the window: {write}")

    def check_counts(self) -> None:
        """Every change in the buffer was applied, superseded, quarantined or outside the window: none twice, none lost."""
        buffered = sum(_changes_in(message) for message in self._world.buffer.accepted)
        if self._world.replay_exact and self._world.handled != buffered:
            raise BrokenPromiseError(
                f"{buffered} changes were buffered and {self._world.handled} accounted for"
            )
        if self._world.capture_exact and self._world.captured != buffered:
            raise BrokenPromiseError(f"{self._world.captured} changes were captured and {buffered} buffered")


def _changes_in(message: Message) -> int:
    return len(open_bundle(message.body))


def _in_sdk(key: Mapping[str, Any]) -> Item:
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else dict(value)
        for name, value in key.items()
    }
