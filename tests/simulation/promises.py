"""What must hold of a world, whatever its history was: the oracles of the simulation."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from dynamodb_restore.changes.bundle import open_bundle
from dynamodb_restore.changes.progress import Side, lagging_groups
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.window import Window
from tests.aws.attributes import Item
from tests.aws.streams import Record
from tests.simulation.estate import RESTORES, Estate
from tests.simulation.plan import REFUSED, RESTORE_ID

_EXPECTED_REFUSALS = {
    ("BatchWriteItem", "ValidationException"),
    ("PutItem", "ValidationException"),
    # A mapping that is being switched.
    ("UpdateEventSourceMapping", "ResourceInUseException"),
}
"""What AWS may refuse by its own rules, apart from conditions that do not hold: items that do not fit the target."""

_LARGEST_PROGRESS_ITEM = 2_048
"""Bytes of a progress item: each update of it costs its size, in units of 1 KB."""


class BrokenPromiseError(AssertionError):
    """The world is not as the guarantees say it must be."""


class Promises:
    """What was promised of one world.

    Every check raises BrokenPromiseError.

    Attributes:
        snapshot: what the target was restored to.
        window: which changes are replayed.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self.snapshot: dict[str, Item] = {}
        self.window = Window(0)
        self._seen: dict[tuple[Side, int], int] = {}
        self._looks = 0
        self._ended_at: tuple[int, int, int] | None = None

    # On the way

    def check_progress(self, noted: Mapping[int, int]) -> None:
        """Progress never moves back, and a captured bundle that is not replayed yet shows as lag.

        Args:
            noted: by group, the last bundle that capture knows to be in the buffer.
        """
        self._looks += 1
        if self._estate.plan.group_count > 16 and self._looks % 16:
            return
        captured, replayed = self._estate.pipeline.progress()
        for side, progress in ((Side.CAPTURED, captured), (Side.REPLAYED, replayed)):
            for group, position in progress.positions.items():
                if position.sequence < self._seen.get((side, group), 0):
                    raise BrokenPromiseError(f"group {group} moved back to {position} as {side}")
                self._seen[side, group] = position.sequence
        lagging = lagging_groups(captured, replayed)
        for group, sequence in noted.items():
            if captured.positions[group].sequence < sequence:
                raise BrokenPromiseError(f"group {group} was captured up to {sequence} and moved back")
            behind = group not in replayed.positions or replayed.positions[group].sequence < sequence
            if behind and group not in lagging:
                raise BrokenPromiseError(f"group {group} lags behind {sequence} and does not show it")

    # At the end

    def check_synced(self) -> None:
        """A person was told that the target has taken over, with no obstacle accepted but quarantine.

        Each item is what its last change in the window made of it, whether or not capture ever saw that change, or it is
        in quarantine.
        """
        last = {record.key_text: record.new for record in self._estate.history() if self._covers(record)}
        refused = {
            key
            for key, image in last.items()
            if image is not None and REFUSED in image and not self._is_as_now(key)
        }
        quarantined = self._quarantined()
        excess = {key for key in quarantined - refused if not self._is_as_now(key)}
        if not refused <= quarantined or (self.window.end is None and excess):
            raise BrokenPromiseError(f"in quarantine are {quarantined}, refused were {refused}")
        expected: dict[str, Item | None] = {**self.snapshot, **last}
        items = self._estate.target.items
        for key in (expected.keys() | items.keys()) - quarantined:
            if items.get(key) != expected.get(key) and not self._is_as_now(key):
                raise BrokenPromiseError(
                    f"{key} is {items.get(key)}, and its last change made it {expected.get(key)}"
                )

    def _is_as_now(self, key: str) -> bool:
        """Whether an item that expired is gone, although expiries are not replayed: what settles a doubt reads the source."""
        source = self._estate.source.items
        expired = not self._estate.plan.keep_expiries and key not in source
        return expired and key not in self._estate.target.items

    def note_end(self) -> None:
        """A person was told that the replay has ended; the first time counts."""
        if self._ended_at is not None:
            return
        log = self._estate.target.log or []
        self._ended_at = (len(log), len(self._estate.wire.calls), len(self._estate.history()))

    def check_end(self, late: int | None, *, clean: bool) -> None:
        """Some time after the end: the target is its users' alone, and changes that came too late were told.

        Args:
            late: how many changes upkeep has told of; None where it told none.
            clean: whether no write was in doubt at the end. After a forced cutover and an abandonment, what is on its way
                may still land.
        """
        writes, calls, changes = self._ended_at or (0, 0, 0)
        log = self._estate.target.log or []
        if clean and len(log) > writes:
            raise BrokenPromiseError(f"written after the cutover: {log[writes:]}")
        later = [str(call) for call in self._estate.wire.calls[calls:] if call.resource == "target"]
        if asked := [call for call in later if not call.startswith(("Get", "Describe"))]:
            raise BrokenPromiseError(f"asked for after the end: {asked}")
        kept = [
            record
            for record in self._estate.history()[changes:]
            if self._estate.plan.keep_expiries or not record.expiry
        ]
        if clean and kept and (late or 0) < len(kept):
            raise BrokenPromiseError(f"{len(kept)} changes after the cutover, and told were {late}")

    def check_refusals(self) -> None:
        """Nothing was asked of AWS that it never takes."""
        for (operation, code), count in self._estate.wire.refusals.items():
            if code != "ConditionalCheckFailedException" and (operation, code) not in _EXPECTED_REFUSALS:
                raise BrokenPromiseError(f"{operation} was refused {count} times: {code}")

    def check_writes(self) -> None:
        """Nothing outside the window was written."""
        in_window = [record for record in self._estate.history() if self._covers(record)]
        images = {record.new["version"]["N"] for record in in_window if record.new is not None}
        keys = {record.key_text for record in in_window}
        for write in self._estate.target.log or ():
            stranger = write.new is not None and write.new["version"]["N"] not in images
            if write.key not in keys or stranger:
                raise BrokenPromiseError(f"written from outside the window: {write}")

    def check_costs(self) -> None:
        """What is updated with every batch stays small."""
        restores = self._estate.restores
        for key, item in restores.items.items():
            kind = item["sk"]["S"].partition("#")[0]
            size = restores.size(key)
            if kind in ("captured", "replayed") and size > _LARGEST_PROGRESS_ITEM:
                raise BrokenPromiseError(f"{item['sk']['S']} has {size} bytes")

    def check_counts(self, *, captured: int | None, handled: int | None) -> None:
        """Every change in the buffer was applied, superseded, quarantined or outside the window: none twice, none lost.

        Args:
            captured, handled: changes that capture sent, and that replay has dealt with; None where something came about
                by which a change counts twice, or not at all.
        """
        buffered = sum(len(open_bundle(message.body)) for message in self._estate.buffer.accepted)
        if handled is not None and handled != buffered:
            raise BrokenPromiseError(f"{buffered} changes were buffered and {handled} accounted for")
        if captured is not None and captured != buffered:
            raise BrokenPromiseError(f"{captured} changes were captured and {buffered} buffered")

    def _covers(self, record: Record) -> bool:
        skipped = record.expiry and not self._estate.plan.keep_expiries
        late = self.window.end is not None and record.time >= self.window.end
        return record.time >= self.window.start and not late and not skipped

    def _quarantined(self) -> set[str]:
        quarantine = Quarantine(self._estate.clients, RESTORES, RESTORE_ID)
        return {self._estate.key_of(_in_sdk(item.key)) for item in quarantine.items()}


def _in_sdk(key: Mapping[str, Any]) -> Item:
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else dict(value)
        for name, value in key.items()
    }
