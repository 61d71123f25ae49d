"""Backups: DynamoDB's own, and the restore jobs of AWS Backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error


@dataclass
class Backups:
    """What is told of them.

    Attributes:
        backups: ARN to `BackupDetails`.
        jobs: id to DescribeRestoreJob's answer.
        asked_for: id to GetRestoreJobMetadata's; a job that is not there was asked for its table's name alone.
        any_backup, any_job: what is told of one that is not there, where that is not to be an error.
    """

    backups: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked_for: dict[str, dict[str, str]] = field(default_factory=dict)
    any_backup: Callable[[str], dict[str, Any] | None] = field(default=lambda _: None)
    any_job: Mapping[str, Any] | None = None

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "DescribeBackup": self._describe,
            "DescribeRestoreJob": self._describe_job,
            "GetRestoreJobMetadata": self._tell_metadata,
        }

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = parameters["BackupArn"]
        details = self.backups.get(arn) or self.any_backup(arn)
        if details is None:
            raise client_error("DescribeBackup", "BackupNotFoundException", f"Backup not found: {arn}")
        return {"BackupDescription": {"BackupDetails": details}}

    def _describe_job(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        job_id = parameters["RestoreJobId"]
        return {"RestoreJobId": job_id, **self._job("DescribeRestoreJob", job_id)}

    def _tell_metadata(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/aws-backup/latest/devguide/API_GetRestoreJobMetadata.html."""
        job_id = parameters["RestoreJobId"]
        job = self._job("GetRestoreJobMetadata", job_id)
        name = str(job.get("CreatedResourceArn", "")).rpartition("/")[2]
        metadata = {"targetTableName": name, "encryptionType": "Default", **self.asked_for.get(job_id, {})}
        return {"RestoreJobId": job_id, "Metadata": metadata}

    def _job(self, operation: str, job_id: str) -> Mapping[str, Any]:
        job = self.jobs.get(job_id, self.any_job)
        if job is None:
            raise client_error(operation, "ResourceNotFoundException", f"Restore job {job_id} does not exist")
        return job
