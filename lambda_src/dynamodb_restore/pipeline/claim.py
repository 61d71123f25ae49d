"""The claim: which restore owns a pipeline, and what it is doing with it.

Items in the restore table, in the pipeline's partition (`store.py`):

- `sk` = `claim`, the restore that owns the pipeline: `restore_id`, `target`, `state`, `claimed_at`,
  `window_start`, `window_end`, `covered_from` (epoch seconds), `window_chosen`, `window_present_images`, `version`.
  One at a time, by a conditional write; each change of it is conditional on the version that was read. `replayed_until`
  (epoch seconds), once the replay has gone on for a day (`retention`). While a cutover settles, `stopped_at`,
  `settling_since` and `settling_changes`; once replay is fenced, `fenced_at` and `accepted` (a list of texts); after a cutover,
  `watched_until` and `watched_changes` (instants in epoch seconds, counts of captured changes).
- `sk` = `coverage`: `consumed_until`, epoch seconds: changes up to then went into an earlier restore.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dynamodb_restore.aws import (
    ClientError,
    Clients,
    is_condition_failed,
    item_that_failed,
    marshal,
    unmarshal,
)
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import from_epoch
from dynamodb_restore.store import ItemKey, claim_key, coverage_key


class ClaimState(enum.Enum):
    """What the owner of a pipeline is doing. Replay writes only in `replaying`; every other state stops it."""

    CAPTURING = "capturing"
    REPLAYING = "replaying"
    CUTTING_OVER = "cutting_over"
    ABANDONING = "abandoning"
    WATCHING = "watching"
    """Cut over: capture stays on for some minutes, to detect a forgotten writer."""


@dataclass(frozen=True)
class Captured:
    """How much had been captured at an instant.

    Attributes:
        at: epoch seconds.
        changes: captured by then, redeliveries included.
    """

    at: int
    changes: int


@dataclass(frozen=True)
class Claim:
    """The claim of a restore on a pipeline.

    Attributes:
        window: which changes are replayed.
        window_chosen: whether a person chose the window, so that the restore point no longer sets it.
        covered_from: epoch seconds from which every change is captured; None until that is known.
        settling: when the cutover that is under way began to wait, and what was captured then; None where none is.
        stopped_at: epoch seconds since which the writers are stopped: a cutover has told a person then to stop them and to call
            again, and no call has come since; None otherwise.
        accepted: what stood in the way of a cutover and was accepted, in words.
        fenced_at: epoch seconds since when replay begins no more writes; None while it may.
        replayed_until: epoch seconds before which everything captured has certainly been replayed; None until that was noted.
        watched: until when capture is watched after the cutover, and what was captured at it; None before.
        version: counts the writes of this claim, so that none undoes another that it has not seen.
    """

    restore_id: str
    target: str
    state: ClaimState
    claimed_at: datetime
    window: Window
    window_chosen: bool = False
    covered_from: int | None = None
    settling: Captured | None = None
    stopped_at: int | None = None
    accepted: tuple[str, ...] = ()
    fenced_at: int | None = None
    watched: Captured | None = None
    replayed_until: int | None = None
    version: int = 0

    @property
    def gap_seconds(self) -> int:
        """How many seconds of changes after the restore point could not be captured; 0 if there is no gap."""
        if self.covered_from is None:
            return 0
        return max(0, self.covered_from - self.window.start)

    @property
    def has_replayed_nothing(self) -> bool:
        """Whether replay has not begun and, being abandoned, never will: one that had begun would have been fenced."""
        abandoned_before = self.state is ClaimState.ABANDONING and self.fenced_at is None
        return self.state is ClaimState.CAPTURING or abandoned_before


class ClaimStore:
    """Reads, takes and releases the claim on one source table's pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._key = claim_key(source)
        self._coverage_key = coverage_key(source)

    def current(self) -> Claim | None:
        """The restore that owns the pipeline; None where it is free."""
        item = self._get(self._key)
        return claim_of(item) if item is not None else None

    def still_replays(self, claim: Claim) -> bool:
        """Whether the pipeline is still the same restore's, and replaying; read consistently."""
        now = self.current()
        return now is not None and now.restore_id == claim.restore_id and now.state is ClaimState.REPLAYING

    @property
    def key(self) -> dict[str, Any]:
        """The key of the claim's item, for `claim_of`."""
        return self._key

    def take(self, claim: Claim) -> Claim:
        """Claim the pipeline, unless a restore owns it already.

        Returns:
            The claim that now holds: the given one, or the owner's; taking one's own again changes nothing.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._restore_table,
                Item={**self._key, **_item(claim)},
                ConditionExpression="attribute_not_exists(restore_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return claim_of(item_that_failed(error))
        return claim

    def update(self, claim: Claim) -> Claim | None:
        """Write a changed claim.

        Returns:
            The claim as it now holds; None where it is no longer the one that was read: the restore may have
            given up the pipeline, or something else about the claim may have changed.
        """
        written = replace(claim, version=claim.version + 1)
        try:
            self._dynamodb.put_item(
                TableName=self._restore_table,
                Item={**self._key, **_item(written)},
                ConditionExpression="restore_id = :owner AND version = :read",
                ExpressionAttributeValues=marshal({":owner": claim.restore_id, ":read": claim.version}),
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return None
        return written

    def note_replayed(self, claim: Claim, until: int) -> None:
        """Note before which instant everything captured has been replayed, where the restore owns the pipeline and that is
        further than is noted already.

        It is no change of the claim that anybody has to have seen: the version stays. A whole claim that is written
        at the same time may undo it, and then it is noted anew.

        Args:
            until: epoch seconds.
        """
        try:
            self._dynamodb.update_item(
                TableName=self._restore_table,
                Key=self._key,
                UpdateExpression="SET replayed_until = :until",
                ConditionExpression=(
                    "restore_id = :owner AND (attribute_not_exists(replayed_until) OR replayed_until < :until)"
                ),
                ExpressionAttributeValues=marshal({":owner": claim.restore_id, ":until": until}),
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise

    def note_consumed(self, until: datetime) -> None:
        """Note up to when changes went into a restore's target, so that the buffer no longer has them."""
        self._dynamodb.put_item(
            TableName=self._restore_table,
            Item={**self._coverage_key, **marshal({"consumed_until": int(until.timestamp())})},
        )

    def release(self, claim: Claim) -> None:
        """Give the pipeline back, if the restore still owns it."""
        try:
            self._dynamodb.delete_item(
                TableName=self._restore_table,
                Key=self._key,
                ConditionExpression="restore_id = :owner",
                ExpressionAttributeValues=marshal({":owner": claim.restore_id}),
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise

    def consumed_until(self) -> int | None:
        """Epoch seconds up to which changes went into an earlier restore; None where there was none."""
        item = self._get(self._coverage_key)
        return unmarshal(item)["consumed_until"] if item is not None else None

    def _get(self, key: ItemKey) -> Mapping[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._restore_table, Key=key, ConsistentRead=True)
        return answer.get("Item")


def _item(claim: Claim) -> dict[str, Any]:
    numbers = {
        "covered_from": claim.covered_from,
        "fenced_at": claim.fenced_at,
        "stopped_at": claim.stopped_at,
        "settling_since": claim.settling and claim.settling.at,
        "settling_changes": claim.settling and claim.settling.changes,
        "replayed_until": claim.replayed_until,
        "watched_until": claim.watched and claim.watched.at,
        "watched_changes": claim.watched and claim.watched.changes,
    }
    return marshal(
        {
            "restore_id": claim.restore_id,
            "target": claim.target,
            "state": claim.state.value,
            "claimed_at": int(claim.claimed_at.timestamp()),
            **window_values(claim.window),
            "window_chosen": claim.window_chosen,
            "version": claim.version,
            **({"accepted": claim.accepted} if claim.accepted else {}),
            **{name: number for name, number in numbers.items() if number is not None},
        }
    )


def window_values(window: Window) -> dict[str, Any]:
    """The attributes of an item that has this window, as JSON values."""
    values: dict[str, Any] = {"window_start": window.start}
    if window.end is not None:
        values["window_end"] = window.end
    if window.present_images:
        values["window_present_images"] = True
    return values


def window_of(values: Mapping[str, Any]) -> Window:
    """The window that an item has, of its JSON values."""
    present_images = values.get("window_present_images", False)
    return Window(values["window_start"], values.get("window_end"), present_images=present_images)


def claim_of(item: Mapping[str, Any]) -> Claim:
    """The claim that an item holds, as DynamoDB gives it."""
    values = unmarshal(item)

    def captured(instant: str, changes: str) -> Captured | None:
        at = values.get(instant)
        return None if at is None else Captured(at, values.get(changes, 0))

    return Claim(
        restore_id=values["restore_id"],
        target=values["target"],
        state=ClaimState(values["state"]),
        claimed_at=from_epoch(values["claimed_at"]),
        window=window_of(values),
        window_chosen=values["window_chosen"],
        covered_from=values.get("covered_from"),
        settling=captured("settling_since", "settling_changes"),
        stopped_at=values.get("stopped_at"),
        accepted=tuple(values.get("accepted", ())),
        fenced_at=values.get("fenced_at"),
        watched=captured("watched_until", "watched_changes"),
        replayed_until=values.get("replayed_until"),
        version=values["version"],
    )
