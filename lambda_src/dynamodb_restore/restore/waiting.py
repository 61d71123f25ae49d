"""Whether the target is ready: a pure function of its description."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore.aws import table_ref
from dynamodb_restore.instants import iso
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.request import RestoreRequest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How much earlier or later than the call's event the target may say it was created: two services' clocks. The call itself
makes the table, and its answer tells when
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html). It is also less than the shortest
restore known takes, 81 s, before which no table of that name can be deleted and restored anew."""

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
    """The target will not become ready."""

    code: ReasonCode
    reason: str


Readiness = Ready | Wait | Skip | Hopeless


def judge(
    request: RestoreRequest,
    target: TableDescriptionTypeDef | None,
    now: datetime,
    target_id: str | None = None,
) -> Readiness:
    """Decide from DescribeTable's answer about the target (None: no such table) what to do at `now`.

    Args:
        target_id: the TableId that the request was found to be about; None where the event tells it, or nothing does yet.
    """
    name = request.target.name
    target_id = target_id or request.target_id
    if target is None:
        if now - request.requested_at < APPEARANCE:
            return Wait(f"{name} is not visible yet")
        return Hopeless(
            ReasonCode.TARGET_GONE,
            f"{name} does not exist: it was deleted while it was being restored, or never made",
        )
    created = target["CreationDateTime"]
    # CloudTrail tells the second of the call; a table made within that second belongs to it.
    if created < request.requested_at - CLOCK_TOLERANCE:
        return Skip(
            f"{name} was created {iso(created)}, before the restore call of {iso(request.requested_at)}"
        )
    table_id = target.get("TableId")
    if target_id and table_id and table_id != target_id:
        return Hopeless(
            ReasonCode.TARGET_GONE,
            f"{name} was deleted; the table of that name is another one now, with the id {table_id}",
        )
    latest = _made_at_latest(request)
    if latest is not None and created > latest + CLOCK_TOLERANCE:
        return Hopeless(
            ReasonCode.TARGET_GONE,
            f"{name} was created {iso(created)}, and what was restored {iso(request.requested_at)} was made by"
            f" {iso(latest)}: it is gone, and this is another table",
        )
    summary = target.get("RestoreSummary", {})
    source_arn = summary.get("SourceTableArn")
    if source_arn and not comes_from(request, source_arn):
        return Hopeless(
            ReasonCode.OTHER_SOURCE,
            f"{name} is being restored from {source_arn}, not from {request.source.name}",
        )
    status = target["TableStatus"]
    if status == "ACTIVE":
        return Ready()
    if status in _NOT_YET:
        return Wait(f"{name} is {status}")
    if status == "DELETING":
        return Hopeless(ReasonCode.TARGET_GONE, f"{name} is being deleted")
    return Hopeless(ReasonCode.TARGET_UNUSABLE, f"{name} is {status}")


def _made_at_latest(request: RestoreRequest) -> datetime | None:
    """The latest that the target can have been made; None where that is still open: a job makes its table at some time
    between its creation and its completion."""
    return request.requested_at if request.job is None else request.job.completed_at


def comes_from(request: RestoreRequest, source_arn: str) -> bool:
    """Whether an ARN is that of the request's source."""
    try:
        source = table_ref(source_arn)
    except ValueError:
        return False
    same_account = not request.source.account or source.account in (None, request.source.account)
    return (
        source.name == request.source.name and source.region in (None, request.source_region) and same_account
    )
