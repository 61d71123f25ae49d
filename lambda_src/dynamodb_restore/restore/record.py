"""The restore record: what we keep of one restore, one item in the restore table.

Item shape: `pk` = `target#TABLE_NAME`, `sk` = `restore#RESTORE_ID`, `state`, `history` (a list of
`{state, at, detail}`), `request` (`RestoreRequest.as_json`), `source`, `target`, `restore_point`, `origin`,
`target_id` and `source_id` (the TableIds of both tables), `evidence` (what shows that the one was restored from the other),
`settings` (setting name to portable state), `report` (`Report.as_json`), `attempts`, `sync_attempts`,
`plan` (setting name to the steps that were planned and whose end is not known, a line each), `done` (the same of the steps
that AWS took), `outcomes` (how each setting stood after the last delivery that applied them; gone once a report has
them), `late_changes` (captured from the source after its cutover),
`leader` (the id of the message that is acted upon), `updated_at`, and `expires_at` (epoch seconds, the table's TTL attribute).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.instants import iso
from dynamodb_restore.restore.outcome import Outcome
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.steps import Plan, Steps
from dynamodb_restore.settings.setting import Overrides, State


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


_SORT_PREFIX = "restore#"

_MOST_STATE_BYTES = 250_000
"""Of portable states in one record: an item holds 400 KB, and the report has to fit too
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html)."""

_CLOSED = (RestoreState.SYNCED, RestoreState.SKIPPED, RestoreState.ABANDONED)
"""States that nothing changes any more."""

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

    def item_key(self) -> dict[str, Any]:
        """The primary key of the record's item."""
        return {"pk": {"S": _partition(self.target)}, "sk": {"S": f"{_SORT_PREFIX}{self.restore_id}"}}


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

    def is_of(self, source: str, region: str) -> bool:
        """Whether the restore on record is one of that table."""
        told_source, told_region = self.request.get("source"), self.request.get("source_region")
        return told_source in (None, source) and told_region in (None, region)

    @property
    def overrides(self) -> Overrides:
        """What the restore call itself decided about the target."""
        return Overrides(**self.request.get("overrides", {}))

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for this restore."""
        return self.state in _SETTLED


@dataclass(frozen=True)
class _Lead:
    """The message that a delivery belongs to, and whether it is to lead whichever did before."""

    message_id: str
    take_over: bool


class RestoreRecords:
    """The records of restores in the restore table."""

    def __init__(self, clients: Clients, table_name: str, retention: timedelta) -> None:
        self._dynamodb = clients.dynamodb
        self._table_name = table_name
        self._retention = retention

    def get(self, key: RestoreKey) -> RestoreRecord | None:
        """Read one record, consistently; None where there is none."""
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=key.item_key(), ConsistentRead=True)
        item = answer.get("Item")
        return _record(_plain(item)) if item else None

    def save_waiting(
        self,
        key: RestoreKey,
        request: RestoreRequest,
        *,
        settings: Mapping[str, State],
        summary: Mapping[str, Any],
        attempts: int,
        pipeline_owner: str | None,
        now: datetime,
        known: bool,
        leader: str,
        take_over: bool = False,
        identified: Identified = Identified(),
    ) -> str | None:
        """Note that the target is not ACTIVE yet.

        Returns:
            The id of the message that leads this restore; None where it has ended meanwhile.

        Args:
            settings: portable states of the source, by setting name. Where all together do not fit the record,
                the largest are not kept, and are read again once the target is ACTIVE.
            summary: DescribeTable's `RestoreSummary`, which AWS shows only while it restores.
            pipeline_owner: the restore that owns the source's pipeline; None where the source has none.
            known: whether the record has this state already, so that history needs no new entry.
            leader: the id of the message that leads, where none has led so far.
            take_over: whether it leads from now on, whichever did before.
            identified: which tables these are; `settings` are those of its source.
        """
        restored_to = summary.get("RestoreDateTime")
        values = {
            **_described(request),
            **identified.attributes(),
            "settings": _that_fit(settings),
            "attempts": attempts,
            "pipeline_owner": pipeline_owner,
        }
        if restored_to:
            values["restore_point"] = iso(restored_to)
        if summary:
            values["origin"] = summary.get("SourceBackupArn") or summary.get("SourceTableArn")
        lead = _Lead(leader, take_over)
        return self._save(key, RestoreState.WAITING, values, now, known=known, lead=lead)

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
        leader: str,
        settings: Mapping[str, State],
        take_over: bool = False,
        identified: Identified = Identified(),
    ) -> str | None:
        """Note, before anything is written to the target, that its settings are being applied.

        Returns:
            As for `save_waiting`.

        Args:
            sync_attempts: how often they have been, this time included.
            steps: those on record, with those that are about to be taken.
            settings, pipeline_owner, known, leader, take_over, identified: as for `save_waiting`.
        """
        values = {
            **_described(request),
            **identified.attributes(),
            "settings": _that_fit(settings),
            "attempts": attempts,
            "sync_attempts": sync_attempts,
            "pipeline_owner": pipeline_owner,
            **_as_values(steps),
        }
        lead = _Lead(leader, take_over)
        return self._save(key, RestoreState.SYNCING, values, now, known=known, lead=lead)

    def save_steps(self, key: RestoreKey, steps: Steps, outcomes: Sequence[Outcome] | None = None) -> None:
        """Replace what is on record of a restore's steps. A restore that has ended, and a record that is gone, stay so.

        Args:
            outcomes: how each setting stands; None where that is not known yet.
        """
        values: dict[str, Any] = _as_values(steps)
        if outcomes is not None:
            values["outcomes"] = [outcome.as_json() for outcome in outcomes]
        names = {f"#{index}": name for index, name in enumerate(values)}
        assignments = ", ".join(f"#{index} = :{index}" for index in range(len(values)))
        ends = {f":closed{index}": end.value for index, end in enumerate(_CLOSED)}
        expression_values = {f":{index}": value for index, value in enumerate(values.values())}
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=key.item_key(),
                UpdateExpression=f"SET {assignments}",
                ConditionExpression=f"attribute_exists(#state) AND NOT #state IN ({', '.join(ends)})",
                ExpressionAttributeNames={**names, "#state": "state"},
                ExpressionAttributeValues=_typed({**expression_values, **ends}),
            )
        except ClientError as error:
            if classify(error) is not ErrorClass.IGNORE:
                raise

    def save_report(
        self, key: RestoreKey, report: Report, now: datetime, *, by_operator: bool = False
    ) -> None:
        """Note how the restore ended.

        Args:
            by_operator: whether a person ended it, which alone moves a replaying restore on.
        """
        values = {"report": report.as_json(), "source": report.source, "target": report.target}
        final = _CLOSED if by_operator else _SETTLED
        self._save(key, _END_STATES[report.result], values, now, final=final, without=["outcomes"])

    def _save(
        self,
        key: RestoreKey,
        state: RestoreState,
        values: Mapping[str, Any],
        now: datetime,
        *,
        known: bool = False,
        lead: _Lead | None = None,
        final: Sequence[RestoreState] = _SETTLED,
        without: Sequence[str] = (),
    ) -> str | None:
        entry = {"state": state.value, "at": iso(now)}
        values = {
            **values,
            "state": state.value,
            "updated_at": iso(now),
            "expires_at": int((now + self._retention).timestamp()),
        }
        names = {f"#{index}": name for index, name in enumerate(values)}
        assignments = [f"#{index} = :{index}" for index in range(len(values))]
        expression_values = {f":{index}": value for index, value in enumerate(values.values())}
        if not known:
            names["#history"] = "history"
            assignments.append("#history = list_append(if_not_exists(#history, :none), :entry)")
            expression_values |= {":none": [], ":entry": [entry]}
        if lead is not None:
            names["#leader"] = "leader"
            present = ":leader" if lead.take_over else "if_not_exists(#leader, :leader)"
            assignments.append(f"#leader = {present}")
            expression_values |= {":leader": lead.message_id}
        # Two deliveries of one restore can run at once; the one that is behind must not reopen it.
        ends = {f":final{index}": end.value for index, end in enumerate(final)}
        names["#state"] = "state"
        removal = f" REMOVE {', '.join(without)}" if without else ""
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=key.item_key(),
                UpdateExpression=f"SET {', '.join(assignments)}{removal}",
                ConditionExpression=f"attribute_not_exists(#state) OR NOT #state IN ({', '.join(ends)})",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_typed({**expression_values, **ends}),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if classify(error) is not ErrorClass.IGNORE:
                raise
            return None
        return answer["Attributes"].get("leader", {}).get("S")


def note_late_changes(clients: Clients, table_name: str, key: RestoreKey, count: int) -> None:
    """Note in a restore's record how many changes of its source were captured after its cutover.

    Raises:
        ClientError, BotoCoreError: from UpdateItem; a record that is gone is none.
    """
    try:
        clients.dynamodb.update_item(
            TableName=table_name,
            Key=key.item_key(),
            UpdateExpression="SET late_changes = :count",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":count": {"N": str(count)}},
        )
    except ClientError as error:
        if classify(error) is not ErrorClass.IGNORE:
            raise


_END_STATES = {
    Result.SYNCED: RestoreState.SYNCED,
    Result.INCOMPLETE: RestoreState.INCOMPLETE,
    Result.FAILED: RestoreState.FAILED,
    Result.SKIPPED: RestoreState.SKIPPED,
    Result.REPLAYING: RestoreState.REPLAYING,
    Result.ABANDONED: RestoreState.ABANDONED,
}


def _partition(target: str) -> str:
    return f"target#{target}"


def _as_lists(plan: Plan) -> dict[str, list[str]]:
    return {name: list(steps) for name, steps in plan.items()}


def _as_values(steps: Steps) -> dict[str, dict[str, list[str]]]:
    return {"plan": _as_lists(steps.planned), "done": _as_lists(steps.done)}


def _that_fit(settings: Mapping[str, State]) -> dict[str, State]:
    sizes = {name: len(json.dumps(state, ensure_ascii=False).encode()) for name, state in settings.items()}
    kept: dict[str, State] = {}
    room = _MOST_STATE_BYTES
    for name in sorted(sizes, key=lambda name: (sizes[name], name)):
        room -= sizes[name]
        if room >= 0:
            kept[name] = settings[name]
    return kept


def _described(request: RestoreRequest) -> dict[str, Any]:
    return {"request": request.as_json(), "source": request.source.name, "target": request.target.name}


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as DynamoDB attribute values; DynamoDB's numbers are decimals, never floats."""
    exact = json.loads(json.dumps(dict(values)), parse_float=Decimal)
    serialize = TypeSerializer().serialize
    return {key: serialize(value) for key, value in exact.items()}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as JSON values: whole numbers become int, all others float."""
    deserialize = TypeDeserializer().deserialize
    return {key: _without_decimals(deserialize(value)) for key, value in item.items()}


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _without_decimals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_decimals(item) for item in value]
    return value


def _record(item: Mapping[str, Any]) -> RestoreRecord:
    restore_point = item.get("restore_point")
    steps = Steps(item.get("plan", {}), item.get("done", {}))
    told = item.get("outcomes", item.get("report", {}).get("settings", []))
    return RestoreRecord(
        state=RestoreState(item["state"]),
        settings=item.get("settings", {}),
        restore_point=datetime.fromisoformat(restore_point) if restore_point else None,
        sync_attempts=item.get("sync_attempts", 0),
        attempts=item.get("attempts", 1),
        pipeline_owner=item.get("pipeline_owner"),
        request=item.get("request", {}),
        steps=steps,
        leader=item.get("leader"),
        updated_at=datetime.fromisoformat(item["updated_at"]) if "updated_at" in item else None,
        identified=Identified(
            item.get("target_id"),
            item.get("source_id"),
            # Records of earlier versions have an origin where the table's RestoreSummary was seen.
            item.get("evidence") or ("the table's RestoreSummary" if item.get("origin") else None),
        ),
        outcomes=tuple(steps.on_record([Outcome.from_json(outcome) for outcome in told])),
    )
