"""Restore jobs of AWS Backup."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from .rule import Ask, Request, Response, Rule


@dataclass
class RestoreJob:
    """A restore job: docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRestoreJob.html.

    Attributes:
        source_arn: None for a recovery point whose job does not tell its source.
        resource_type: `DynamoDB.FullyManaged` where the table has AWS Backup's advanced features.
        testing_plan_arn: of the plan that it is a test of; None for a restore that somebody asked for.
        metadata: what it was asked for.
    """

    recovery_point_arn: str
    target_arn: str
    role_arn: str
    account_id: str
    source_arn: str | None = None
    recovery_point_made_at: float = field(default_factory=time.time)
    status: str = "RUNNING"
    id: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    created_at: float = field(default_factory=time.time)
    untold: int = 0
    resource_type: str = "DynamoDB"
    testing_plan_arn: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begun(
        cls, region: str, account_id: str, source_arn: str, target_arn: str, *, tested: bool = False
    ) -> RestoreJob:
        """A job that begins now, from a recovery point of its own, for a table with advanced features.

        Args:
            tested: whether a plan of AWS Backup's restore testing made it.
        """
        vault = f"arn:aws:backup:{region}:{account_id}"
        return cls(
            recovery_point_arn=f"{vault}:recovery-point:{str(uuid.uuid4()).upper()}",
            target_arn=target_arn,
            role_arn=f"arn:aws:iam::{account_id}:role/service-role/AWSBackupDefaultServiceRole",
            account_id=account_id,
            source_arn=source_arn,
            resource_type="DynamoDB.FullyManaged",
            testing_plan_arn=f"{vault}:restore-testing-plan:monthly-0c6c1c5e" if tested else None,
        )

    def described(self) -> dict[str, Any]:
        description: dict[str, Any] = {
            "AccountId": self.account_id,
            "RestoreJobId": self.id,
            "RecoveryPointArn": self.recovery_point_arn,
            "RecoveryPointCreationDate": self.recovery_point_made_at,
            "CreationDate": self.created_at,
            "Status": self.status,
            "PercentDone": "100.00%" if self.status == "COMPLETED" else "0.00%",
            "BackupSizeInBytes": 36_048,
            "IamRoleArn": self.role_arn,
            "ResourceType": self.resource_type,
        }
        if self.testing_plan_arn:
            description["CreatedBy"] = {"RestoreTestingPlanArn": self.testing_plan_arn}
        if self.source_arn:
            description["SourceResourceArn"] = self.source_arn
        if self.untold == 0:
            description["CreatedResourceArn"] = self.target_arn
        return description


class RestoreJobs(Rule):
    """DescribeRestoreJob and GetRestoreJobMetadata know the jobs; the emulator has none.

    docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeRestoreJob.html and
    docs.aws.amazon.com/aws-backup/latest/devguide/API_GetRestoreJobMetadata.html. `CreatedResourceArn` may be
    missing at first: a job's `untold` counts the answers without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[str, RestoreJob] = {}

    def add(self, job: RestoreJob) -> None:
        with self._lock:
            self._jobs[job.id] = job

    @override
    def reset(self) -> None:
        with self._lock:
            self._jobs.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        asked_for = request.is_call("backup", "GetRestoreJobMetadata")
        if not asked_for and not request.is_call("backup", "DescribeRestoreJob"):
            return None
        with self._lock:
            job = self._jobs.get(request.parameters["restoreJobId"])
            if job is None:
                return None  # the emulator says so itself
            if asked_for:
                return request.answer({"RestoreJobId": job.id, "Metadata": job.metadata})
            described = job.described()
            job.untold = max(0, job.untold - 1)
        return request.answer(described)
