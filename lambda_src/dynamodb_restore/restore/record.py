"""The restore record: what we keep of one restore, one item in the restore table.

Item shape: `pk` = `target#TABLE_NAME`, `sk` = `restore#RESTORE_ID`, `state`, `history` (a list of
`{state, at, detail}`), `request` (`RestoreRequest.as_json`), `source`, `target`, `restore_point`, `origin`,
`target_id` and `source_id` (the TableIds of both tables), `evidence` (what shows that the one was restored from the other),
`settings` (setting name to portable state), `report` (`Report.as_json`), `attempts`, `sync_attempts`,
`plan` (setting name to the steps that were planned and whose end is not known, a line each), `done` (the same of the steps
that AWS took), `outcomes` (how each setting stood after the last delivery that applied them; gone once a report has
them), `late_changes` (captured from the source after its cutover),
`leader` (the id of the message that is acted upon), `lease_owner` and `lease_until` (the invocation that acts for it, and
the epoch second after which it cannot any more), `give_up` (`{number, code, reason, set_aside}` of the last one; the last part
only once its message is in the secondary DLQ), `untold` (channel to the reason why it could not be told the report; gone once
it was), `findings` (what was found to name the source), `updated_at`, and `expires_at` (epoch seconds, the table's TTL attribute).
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import (
    ClientError,
    Clients,
    is_condition_failed,
    marshal,
    unmarshal,
)
from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.instants import from_epoch, from_iso, iso
from dynamodb_restore.restore.bounds import (
    FINDINGS_BYTES,
    REPORT_BYTES,
    STATES_BYTES,
    STEPS_BYTES,
    fitted_findings,
    fitted_outcomes,
    json_bytes,
    shortened,
)
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.settings.setting import Overrides, State
from dynamodb_restore.store import ItemKey, record_key
from dynamodb_restore.sync.outcome import Outcome
from dynamodb_restore.sync.step_log import Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RestoreState(enum.Enum):
    """Where a restore stands; all but the first two are also a report's `result`."""

    WAITING = "waiting"
    SYNCING = "syncing"
    REPLAYING = "replaying"
    ABANDONED = "abandoned"
    SYNCED = "synced"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    SKIPPED = "skipped"


_CLOCKS_APART = timedelta(seconds=10)
"""How much the clocks of two invocations may differ."""

_NOBODY_ACTS = "(attribute_not_exists(#lease_until) OR #lease_until < :now)"
_NO_OPERATOR_ACTS = "(attribute_not_exists(#taken_up) OR #lease_until < :now)"

_LEASE = ("lease_owner", "lease_until", "taken_up")

_GIVEN_UP = (RestoreState.INCOMPLETE, RestoreState.FAILED)
"""States that only the message which was given up leads out of, once somebody has sent it round again."""

_CLOSED = (RestoreState.SYNCED, RestoreState.SKIPPED, RestoreState.ABANDONED)
"""Final states."""

_SETTLED = (*_CLOSED, RestoreState.REPLAYING)
"""States in which a delivery of the event has nothing left to do. An incomplete or failed restore can be run
again once its cause is mended; a replaying one is the operator function's to end."""


@dataclass(frozen=True)
class RestoreKey:
    """Which restore is meant.

    Attributes:
        target: the target table's name.
        restore_id: the target's TableId, or the event's id where AWS did not tell one.
    """

    target: str
    restore_id: str

    def item_key(self) -> ItemKey:
        """The primary key of the record's item."""
        return record_key(self.target, self.restore_id)


@dataclass(frozen=True)
class Identified:
    """What tells the two tables of a restore from others of their names.

    Attributes:
        target_id, source_id: their TableIds, as far as they are known.
        evidence: what shows that the target was restored as the request says, in words.
    """

    target_id: str | None = None
    source_id: str | None = None
    evidence: str | None = None

    def attributes(self) -> dict[str, str]:
        """What of it is known, for the record: what is not leaves there what is."""
        return {
            name: value
            for name, value in {
                "target_id": self.target_id,
                "source_id": self.source_id,
                "evidence": self.evidence,
            }.items()
            if value is not None
        }


@dataclass(frozen=True)
class GiveUp:
    """That a restore was given up.

    Attributes:
        number: counted from 1; a record of an earlier release has given up without one, which is 0.
        code, reason: what its message in the secondary DLQ says.
        set_aside: whether it is known to lie there. Where the worker could not send it, SQS moves the message by itself,
            and it says nothing there.
    """

    number: int
    code: str
    reason: str
    set_aside: bool = False

    def as_json(self) -> dict[str, Any]:
        told = {"number": self.number, "code": self.code, "reason": shortened(self.reason)}
        return {**told, "set_aside": True} if self.set_aside else told


@dataclass(frozen=True)
class RestoreRecord:
    """What was read back from the restore table.

    Attributes:
        settings: portable states of the source, as read while the target was being restored.
        restore_point: the instant restored to; None until AWS has told it.
        sync_attempts: how often the settings were applied.
        attempts: deliveries of the message so far.
        pipeline_owner: the restore that owned the source's pipeline when this one was first seen; None
            where the source had none.
        request: `RestoreRequest.as_json`, for people.
        outcomes: how each setting stood after the last delivery that applied them, and what all have done.
        steps: those that were carried out, and those that may have been.
        leader: the id of the message that this restore is followed by. There can be several about one.
        updated_at: when a delivery last wrote the record.
        identified: which tables these are, and what shows that the restore was made.
        give_up: the last time that it was given up; None where it never was.
        lease_until: when the invocation that acts for it, or did and could not say so, cannot run any more.
        claimed: whether a delivery has come to claim the source's pipeline, or to see that there is none.
        without_replay: whether its settings were applied with no changes replayed, or an operator has seen to it that none are:
            the table may be in use since.
        noted: the state that its history noted last; None where none is noted yet.
        noted_at: when that was.
        report: `Report.as_json` of its last report; empty where it has none.
        untold: who has not heard of that report: channel to the reason.
    """

    state: RestoreState
    settings: Mapping[str, State]
    restore_point: datetime | None
    sync_attempts: int
    attempts: int = 1
    pipeline_owner: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    steps: Steps = field(default_factory=Steps)
    leader: str | None = None
    updated_at: datetime | None = None
    identified: Identified = Identified()
    give_up: GiveUp | None = None
    claimed: bool = True
    lease_until: datetime | None = None
    without_replay: bool = False
    noted: RestoreState | None = None
    noted_at: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, request: RestoreRequest) -> bool:
        """Whether the restore on record is one of the table that a request names."""
        known = self.request
        return (
            known.get("source") in (None, request.source.name)
            and known.get("source_region") in (None, request.source_region)
            and known.get("source_account") in (None, request.source_account)
        )

    @property
    def overrides(self) -> Overrides:
        """What the restore call itself decided about the target."""
        return Overrides(**self.request.get("overrides", {}))

    @property
    def told_restore_point(self) -> datetime | None:
        """The instant restored to, or else what the last report said of it: what the restore call asked for."""
        told = self.report.get("restore_point")
        return self.restore_point or (from_iso(told) if told else None)

    @property
    def syncing_since(self) -> datetime | None:
        """Since when its settings are being applied, by one delivery after another; None where they are not."""
        return self.noted_at if self.noted is RestoreState.SYNCING else None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for this restore."""
        return self.state in _SETTLED

    @property
    def give_ups(self) -> int:
        """How often it was given up so far."""
        return self.give_up.number if self.give_up else 0

    @property
    def given_up(self) -> bool:
        """Whether it ended without success, and a person can redrive its message."""
        return self.state in _GIVEN_UP

    @property
    def set_aside(self) -> bool:
        """Whether the message of its last give-up is known to lie in the secondary DLQ."""
        return self.give_up is not None and self.give_up.set_aside


@dataclass(frozen=True)
class Lease:
    """An invocation's right to act for a restore, alone.

    Attributes:
        owner: the invocation's request id.
        until: when the invocation can run no longer, with a margin for clocks that differ.
    """

    owner: str
    until: datetime

    @classmethod
    def of(cls, invocation: str, now: datetime, remaining_seconds: float) -> Lease:
        """The lease of an invocation that may run for so long from now on."""
        return cls(invocation, now + timedelta(seconds=remaining_seconds) + _CLOCKS_APART)


class _Update:
    """One conditional UpdateItem, as it is put together.

    Each attribute stands in its expressions behind `#`: some names are reserved words, and more may become so.

    Args:
        values: attribute to JSON value.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._assignments: list[str] = []
        self._removed: list[str] = []
        self._conditions: list[str] = []
        self._values: dict[str, Any] = {}
        for name, value in values.items():
            self.assign(name, value)

    def assign(self, name: str, value: Any, *, only_if_missing: bool = False) -> None:
        self._values[f":{name}"] = value
        assigned = f"if_not_exists(#{name}, :{name})" if only_if_missing else f":{name}"
        self._assignments.append(f"#{name} = {assigned}")

    def assign_part(self, name: str, part: str, value: Any) -> None:
        """Set one part of a map, which must be there."""
        self._values[f":{part}"] = value
        self._assignments.append(f"#{name}.#{part} = :{part}")

    def append(self, name: str, entry: Any) -> None:
        """Add an entry to a list, which may be missing."""
        self._values |= {":no_entries": [], ":entry": [entry]}
        self._assignments.append(f"#{name} = list_append(if_not_exists(#{name}, :no_entries), :entry)")

    def remove(self, *names: str) -> None:
        self._removed += [f"#{name}" for name in names]

    def require(self, condition: str, **values: Any) -> None:
        """Let it happen only where this holds too; `values` are those behind its placeholders."""
        self._conditions.append(condition)
        self._values |= {f":{name}": value for name, value in values.items()}

    def require_same(self, name: str, value: Any) -> None:
        """Let it happen only where an attribute still has this value, or is missing where it is None."""
        if value is None:
            self.require(f"attribute_not_exists(#{name})")
        else:
            self.require(f"#{name} = :same_{name}", **{f"same_{name}": value})

    def require_in(self, name: str, states: Sequence[RestoreState], *, none: bool = False) -> None:
        """Let it happen only where an attribute has one of these values, or `none` of them."""
        values = {f"{name}{index}": state.value for index, state in enumerate(states)}
        listed = ", ".join(f":{value}" for value in values)
        self.require(f"{'NOT ' if none else ''}#{name} IN ({listed})", **values)

    def require_not_in(self, name: str, states: Sequence[RestoreState]) -> None:
        """Let it happen only where an attribute has none of these values."""
        self.require_in(name, states, none=True)

    def carry_out(self, dynamodb: DynamoDBClient, table_name: str, key: RestoreKey) -> bool:
        """Whether its conditions held, and it so took effect.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        clauses = [
            f"{action} {', '.join(parts)}"
            for action, parts in (("SET", self._assignments), ("REMOVE", self._removed))
            if parts
        ]
        update, condition = " ".join(clauses), " AND ".join(self._conditions)
        try:
            dynamodb.update_item(
                TableName=table_name,
                Key=key.item_key(),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={
                    name: name[1:] for name in re.findall(r"#\w+", f"{update} {condition}")
                },
                ExpressionAttributeValues=marshal(self._values),
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return False
        return True


class NotesOnRecord:
    """What is noted beside a report that is on record: where its message is, who has not heard of it, and what was found."""

    def __init__(self, clients: Clients, table_name: str) -> None:
        self._dynamodb = clients.dynamodb
        self._table_name = table_name

    def note_set_aside(self, key: RestoreKey, number: int) -> None:
        """Note that the message of a give-up is in the secondary DLQ, and end the lease of who gave it up.

        Args:
            number: of the give-up; where the record has another one, or goes on, nothing is noted.
        """
        update = _Update({})
        update.assign_part("give_up", "set_aside", True)
        update.remove(*_LEASE)
        update.require("#give_up.#number = :number", number=number)
        update.require_in("state", _GIVEN_UP)
        update.carry_out(self._dynamodb, self._table_name, key)

    def note_untold(
        self, key: RestoreKey, report: Mapping[str, Any], untold: Mapping[str, str], now: datetime
    ) -> None:
        """Note who has still not heard of the report on record.

        Args:
            report: the one that was told. Where there is another by now, or everybody has heard, nothing is noted.
        """
        update = _Update({"updated_at": iso(now)})
        if untold:
            update.assign("untold", _shortened(untold))
        else:
            update.remove("untold")
        update.require("attribute_exists(#untold)")
        update.require("#report.#finished_at = :finished_at", finished_at=report["finished_at"])
        update.carry_out(self._dynamodb, self._table_name, key)

    def save_findings(self, key: RestoreKey, findings: Sequence[Finding]) -> None:
        """Note what was found to name the source, beside the report."""
        fitting = fitted_findings(findings, FINDINGS_BYTES)
        update = _Update({"findings": [finding.as_json() for finding in fitting]})
        update.require("attribute_exists(#pk)")
        update.carry_out(self._dynamodb, self._table_name, key)


class RestoreRecords:
    """The records of restores in the restore table.

    Attributes:
        notes: what is noted beside their reports.
    """

    def __init__(self, clients: Clients, table_name: str, retention: timedelta) -> None:
        self.notes = NotesOnRecord(clients, table_name)
        self._dynamodb = clients.dynamodb
        self._table_name = table_name
        self._retention = retention

    def get(self, key: RestoreKey) -> RestoreRecord | None:
        """Read one record, consistently; None where there is none."""
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=key.item_key(), ConsistentRead=True)
        item = answer.get("Item")
        return _record(unmarshal(item)) if item else None

    def take_lead(
        self,
        key: RestoreKey,
        request: RestoreRequest,
        record: RestoreRecord | None,
        message_id: str,
        lease: Lease,
        now: datetime,
        identified: Identified = Identified(),
        *,
        was_set_aside: bool = False,
    ) -> bool:
        """Let one message, in one invocation, act for a restore. The record is made where there is none.

        Args:
            record: as it was read: whoever has changed its leader, state or give-ups since then comes first.
            message_id: of the message that leads from now on.
            identified: which tables these are, and what shows that the restore was made.
            was_set_aside: whether the message comes of the give-up on record: whoever gave it up has nothing left to do but to
                let go. An operator who has taken the ended restore up acts for it still.

        Returns:
            Whether it may: no other invocation acts for the restore, and nothing has changed.
        """
        # A restore that is reopened begins where it was given up; history notes what follows.
        state = RestoreState.WAITING if record is None or record.given_up else record.state
        values: dict[str, Any] = {
            **_described(request),
            **identified.attributes(),
            "state": state.value,
            "leader": message_id,
            "lease_owner": lease.owner,
            "lease_until": math.ceil(lease.until.timestamp()),
            "updated_at": iso(now),
            "expires_at": int((now + self._retention).timestamp()),
        }
        update = _Update(values)
        update.assign("settings", {}, only_if_missing=True)
        update.require(_NO_OPERATOR_ACTS if was_set_aside else _NOBODY_ACTS, now=int(now.timestamp()))
        update.remove("taken_up")
        if record is None:
            update.require("attribute_not_exists(#pk)")
        else:
            update.require("#state = :before", before=record.state.value)
            update.require_not_in("state", _SETTLED)
            update.require_same("leader", record.leader)
            update.require_same("give_up", record.give_up.as_json() if record.give_up else None)
        return update.carry_out(self._dynamodb, self._table_name, key)

    def take_up(self, key: RestoreKey, record: RestoreRecord, lease: Lease, now: datetime) -> bool:
        """Let an operator's invocation act for a restore that has ended.

        Args:
            record: as it was read: whoever has changed its state since then comes first.

        Returns:
            Whether it may: no other invocation acts for the restore, and nothing has changed.
        """
        until = math.ceil(lease.until.timestamp())
        update = _Update({"lease_owner": lease.owner, "lease_until": until, "taken_up": True})
        update.require("#state = :before", before=record.state.value)
        update.require(_NOBODY_ACTS, now=int(now.timestamp()))
        return update.carry_out(self._dynamodb, self._table_name, key)

    def give_lead_back(self, key: RestoreKey, lease: Lease) -> None:
        """Let another invocation act for the restore, before the lease runs out."""
        update = _Update({})
        update.remove(*_LEASE)
        update.require("#lease_owner = :me", me=lease.owner)
        update.carry_out(self._dynamodb, self._table_name, key)

    def keep_state(
        self,
        key: RestoreKey,
        name: str,
        state: State,
        kept: Mapping[str, State],
        source_id: str | None = None,
    ) -> bool:
        """Keep one portable state of the source, as soon as it is read: whatever ends the delivery, it is known then.

        Args:
            kept: those that are on record. One that does not fit beside them is not kept, and is read again by the next
                delivery.
            source_id: the source's TableId.
        """
        if _size(state) + sum(map(_size, kept.values())) > STATES_BYTES:
            return False
        values = {":state": state} if source_id is None else {":state": state, ":source": source_id}
        also = "" if source_id is None else ", source_id = :source"
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=key.item_key(),
            UpdateExpression=f"SET settings.#name = :state{also}",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=marshal(values),
        )
        return True

    def save_waiting(
        self,
        key: RestoreKey,
        request: RestoreRequest,
        *,
        summary: Mapping[str, Any],
        attempts: int,
        pipeline_owner: str | None,
        now: datetime,
        known: bool,
        lease: Lease,
        identified: Identified = Identified(),
    ) -> bool:
        """Note that the target is not ACTIVE yet.

        Returns:
            Whether that was noted; not where the restore has ended meanwhile, or another invocation acts for it.

        Args:
            summary: DescribeTable's `RestoreSummary`, which AWS shows only while it restores.
            pipeline_owner: the restore that owns the source's pipeline; None where the source has none.
            known: whether history has this state already, so that it needs no new entry.
            lease: of the invocation that notes it.
            identified: which tables these are.
        """
        restored_to = summary.get("RestoreDateTime")
        values = {
            **_described(request),
            **identified.attributes(),
            "attempts": attempts,
            "pipeline_owner": pipeline_owner,
        }
        if restored_to:
            values["restore_point"] = iso(restored_to)
        if summary:
            values["origin"] = summary.get("SourceBackupArn") or summary.get("SourceTableArn")
        return self._save(key, RestoreState.WAITING, values, now, known=known, lease=lease)

    def save_syncing(
        self,
        key: RestoreKey,
        request: RestoreRequest,
        *,
        attempts: int,
        sync_attempts: int,
        pipeline_owner: str | None,
        steps: Steps,
        now: datetime,
        known: bool,
        lease: Lease,
        without_replay: bool,
        identified: Identified = Identified(),
    ) -> bool:
        """Note, before anything is written to the target, that its settings are being applied.

        Returns:
            As for `save_waiting`.

        Args:
            sync_attempts: how often they have been, this time included.
            steps: those on record.
            without_replay: whether no changes are replayed into the target; once noted, that stands.
            pipeline_owner, known, lease, identified: as for `save_waiting`.
        """
        values: dict[str, Any] = {
            **_described(request),
            **identified.attributes(),
            "attempts": attempts,
            "sync_attempts": sync_attempts,
            "pipeline_owner": pipeline_owner,
            **_as_values(steps),
        } | ({"without_replay": True} if without_replay else {})
        return self._save(key, RestoreState.SYNCING, values, now, known=known, lease=lease)

    def save_steps(
        self,
        key: RestoreKey,
        steps: Steps,
        outcomes: Sequence[Outcome] | None = None,
        lease: Lease | None = None,
    ) -> None:
        """Replace what is on record of a restore's steps. A restore that has ended, and a record that is gone, stay so.

        Args:
            outcomes: how each setting stands; None where that is not known yet.
            lease: of who has taken an ended restore up, and so may; None for who has not.
        """
        update = _Update(_as_values(steps))
        if outcomes is not None:
            update.assign("outcomes", [outcome.as_json() for outcome in fitted_outcomes(outcomes)])
        update.require("attribute_exists(#state)")
        if lease is None:
            update.require_not_in("state", _CLOSED)
        else:
            update.require("#lease_owner = :me", me=lease.owner)
        update.carry_out(self._dynamodb, self._table_name, key)

    def save_report(
        self,
        key: RestoreKey,
        report: Report,
        now: datetime,
        *,
        by_operator: bool = False,
        taken_up: bool = False,
        give_up: GiveUp | None = None,
        lease: Lease | None = None,
        untold: Mapping[str, str] | None = None,
    ) -> bool:
        """Note how the restore ended.

        Returns:
            Whether that was noted; not where it has ended before, or another invocation acts for it.

        Args:
            by_operator: whether a person ended it, which alone moves a replaying restore on.
            taken_up: whether it had ended before and was taken up, so that its lease alone decides.
            give_up: where it was given up. The lease stands then until the message is set aside, so that no other message
                takes the restore up in between.
            lease: of the invocation that ends it; None for a person's.
            untold: who could not be told of it: channel to the reason.
        """
        values: dict[str, Any] = {
            "report": report.within(REPORT_BYTES).as_json(),
            "source": report.source,
            "target": report.target,
        }
        if give_up is not None:
            values["give_up"] = give_up.as_json()
        final = () if taken_up else _CLOSED if by_operator else _SETTLED
        removed = ["outcomes"]
        if untold:
            values["untold"] = _shortened(untold)
        else:
            removed.append("untold")
        if give_up is None:
            removed += _LEASE
        else:
            # It was given back; who takes the restore up again claims it anew.
            removed.append("pipeline_owner")
        return self._save(
            key, _END_STATES[report.result], values, now, final=final, lease=lease, without=removed
        )

    def _save(
        self,
        key: RestoreKey,
        state: RestoreState,
        values: Mapping[str, Any],
        now: datetime,
        *,
        known: bool = False,
        lease: Lease | None = None,
        final: Sequence[RestoreState] = _SETTLED,
        without: Sequence[str] = (),
    ) -> bool:
        update = _Update(
            {
                **values,
                "state": state.value,
                "updated_at": iso(now),
                "expires_at": int((now + self._retention).timestamp()),
            }
        )
        update.remove(*without)
        if not known:
            update.append("history", {"state": state.value, "at": iso(now)})
        # A late delivery must not reopen a restore, and one whose lease has ended must not continue.
        if final:
            update.require_not_in("state", final)
        if lease is not None:
            update.require("#lease_owner = :me", me=lease.owner)
        return update.carry_out(self._dynamodb, self._table_name, key)


def note_without_replay(clients: Clients, table_name: str, key: RestoreKey) -> None:
    """Note in a restore's record that no changes are to be replayed into its target any more.

    Raises:
        ClientError, BotoCoreError: from UpdateItem; a record that is not there is none.
    """
    _note(clients, table_name, key, "without_replay", True)


def note_late_changes(clients: Clients, table_name: str, key: RestoreKey, count: int) -> None:
    """Note in a restore's record how many changes of its source were captured after its cutover.

    Raises:
        ClientError, BotoCoreError: from UpdateItem; a record that is gone is none.
    """
    _note(clients, table_name, key, "late_changes", count)


def _note(clients: Clients, table_name: str, key: RestoreKey, name: str, value: Any) -> None:
    try:
        clients.dynamodb.update_item(
            TableName=table_name,
            Key=key.item_key(),
            UpdateExpression=f"SET {name} = :value",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues=marshal({":value": value}),
        )
    except ClientError as error:
        if not is_condition_failed(error):
            raise


_END_STATES = {
    Result.SYNCED: RestoreState.SYNCED,
    Result.INCOMPLETE: RestoreState.INCOMPLETE,
    Result.FAILED: RestoreState.FAILED,
    Result.SKIPPED: RestoreState.SKIPPED,
    Result.REPLAYING: RestoreState.REPLAYING,
    Result.ABANDONED: RestoreState.ABANDONED,
}


def _as_lists(plan: Plan) -> dict[str, list[str]]:
    return {name: list(steps) for name, steps in plan.items()}


def _as_values(steps: Steps) -> dict[str, dict[str, list[str]]]:
    fitting = steps.within(STEPS_BYTES)
    return {"plan": _as_lists(fitting.planned), "done": _as_lists(fitting.done)}


def _size(state: State) -> int:
    return json_bytes(state)


def _shortened(untold: Mapping[str, str]) -> dict[str, str]:
    return {channel: shortened(reason) for channel, reason in untold.items()}


def _described(request: RestoreRequest) -> dict[str, Any]:
    return {"request": request.as_json(), "source": request.source.name, "target": request.target.name}


def _record(item: Mapping[str, Any]) -> RestoreRecord:
    restore_point = item.get("restore_point")
    steps = Steps(item.get("plan", {}), item.get("done", {}))
    told = item.get("outcomes", item.get("report", {}).get("settings", []))
    last = item["history"][-1] if item.get("history") else None
    return RestoreRecord(
        state=RestoreState(item["state"]),
        settings=item.get("settings", {}),
        restore_point=from_iso(restore_point) if restore_point else None,
        sync_attempts=item.get("sync_attempts", 0),
        attempts=item.get("attempts", 1),
        pipeline_owner=item.get("pipeline_owner"),
        request=item.get("request", {}),
        steps=steps,
        leader=item.get("leader"),
        updated_at=from_iso(item["updated_at"]) if "updated_at" in item else None,
        identified=Identified(
            item.get("target_id"),
            item.get("source_id"),
            # Records of earlier versions have an origin where the table's RestoreSummary was seen.
            item.get("evidence") or ("the table's RestoreSummary" if item.get("origin") else None),
        ),
        give_up=GiveUp(**item["give_up"]) if "give_up" in item else None,
        claimed="pipeline_owner" in item,
        without_replay=item.get("without_replay", False),
        lease_until=from_epoch(item["lease_until"]) if "lease_until" in item else None,
        noted=RestoreState(last["state"]) if last else None,
        noted_at=from_iso(last["at"]) if last else None,
        report=item.get("report", {}),
        untold=item.get("untold", {}),
        outcomes=tuple(steps.on_record([Outcome.from_json(outcome) for outcome in told])),
    )
