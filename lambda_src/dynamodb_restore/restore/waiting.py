"""Whether the target is ready: one pure decision about one description of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore.instants import iso
from dynamodb_restore.restore.request import RestoreRequest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How much earlier than the call's event the target may say it was created: two services' clocks."""

APPEARANCE = timedelta(minutes=10)
"""How long after the call a target that DescribeTable does not know may still appear. DescribeTable is
eventually consistent for seconds, not minutes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html)."""

_NOT_YET = ("CREATING", "UPDATING")


@dataclass(frozen=True)
class Ready:
    """The target is ACTIVE."""


@dataclass(frozen=True)
class Wait:
    """Come back later."""

    reason: str


@dataclass(frozen=True)
class Skip:
    """There is nothing to do for this request, on purpose."""

    reason: str


@dataclass(frozen=True)
class Hopeless:
    """No waiting makes this target ready."""

    code: str
    reason: str


Readiness = Ready | Wait | Skip | Hopeless


def judge(request: RestoreRequest, target: TableDescriptionTypeDef | None, now: datetime) -> Readiness:
    """Decide from DescribeTable's answer about the target (None: no such table) what to do at `now`."""
    name = request.target.name
    if target is None:
        if now - request.requested_at < APPEARANCE:
            return Wait(f"{name} is not visible yet")
        return Hopeless(
            "target_gone", f"{name} does not exist: it was deleted while it was being restored, or never made"
        )
    created = target["CreationDateTime"]
    # CloudTrail tells the second of the call; a table made within that second belongs to it.
    if created < request.requested_at - CLOCK_TOLERANCE:
        return Skip(
            f"{name} was created {iso(created)}, before the restore call of {iso(request.requested_at)}"
        )
    table_id = target.get("TableId")
    if request.target_id and table_id and table_id != request.target_id:
        return Hopeless(
            "target_gone",
            f"{name} was deleted; the table of that name is another one now, with the id {table_id}",
        )
    summary = target.get("RestoreSummary", {})
    source_arn = summary.get("SourceTableArn")
    if source_arn and not source_arn.endswith(f":table/{request.source.name}"):
        return Hopeless(
            "other_source", f"{name} is being restored from {source_arn}, not from {request.source.name}"
        )
    status = target["TableStatus"]
    if status == "ACTIVE":
        return Ready()
    if status in _NOT_YET:
        return Wait(f"{name} is {status}")
    if status == "DELETING":
        return Hopeless("target_gone", f"{name} is being deleted")
    return Hopeless("target_unusable", f"{name} is {status}")
