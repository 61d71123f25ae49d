"""Restores of a table by AWS Backup, as its events and its answers tell of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.aws.names import ACCOUNT, REGION, table_arn
from tests.faults.actions import deliver_all
from tests.faults.estate import RESTORE_QUEUE, RESTORED_TO, SOURCE, TARGET, TARGET_MADE_AT, build
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import reports
from tests.unit.builders import event

RECOVERY_POINT = f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:1EB3B5E7-9EB0-435A-A80B-108B488B0D45"
TESTING_PLAN = f"arn:aws:backup:{REGION}:{ACCOUNT}:restore-testing-plan:monthly-0c6c1c5e"
JOB = "9F0AC3B0-1C3E-44C5-B9E0-000000000061"


def unseen() -> World:
    """The target is being restored, and no event has told of it; CloudTrail has no record of a call."""
    world = World(build())
    world.account.trail.records.clear()
    return world


def job(**more: Any) -> dict[str, Any]:
    """DescribeRestoreJob's answer about the job that made the target."""
    return {
        "Status": "COMPLETED",
        "ResourceType": "DynamoDB.FullyManaged",
        "RecoveryPointArn": RECOVERY_POINT,
        "RecoveryPointCreationDate": RESTORED_TO,
        "SourceResourceArn": table_arn(SOURCE),
        "CreatedResourceArn": table_arn(TARGET),
        "CreationDate": TARGET_MADE_AT - timedelta(minutes=1),
        "CompletionDate": TARGET_MADE_AT + timedelta(minutes=9),
        **more,
    }


def restored_by_job(
    name: str = "job_fully_managed", *, asked_for: dict[str, str] | None = None, **more: Any
) -> World:
    """A job's event is on the restore queue, and its table is ACTIVE.

    Args:
        name: of the event in `tests/events`, without the ids that tell it from others.
        asked_for: GetRestoreJobMetadata's answer, where the job was asked for more than a name.
        more: of DescribeRestoreJob's answer.
    """
    world = unseen()
    body = event(name)
    body["detail"]["restoreJobId"] = JOB
    world.account.backups.jobs[JOB] = job(**more)
    world.account.backups.asked_for[JOB] = asked_for or {}
    world.account.tables.finish_restore(TARGET)
    world.account.queues.put(RESTORE_QUEUE, json.dumps(body))
    return world


def told(functions: Functions, world: World) -> dict[str, Any]:
    """The one report on the restore, once all messages have been dealt with."""
    deliver_all(functions, world)
    (report,) = reports(world)
    return report
