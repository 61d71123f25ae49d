"""The events of restores: the call as CloudTrail writes it, the job as AWS Backup tells of it.

Shapes: docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html and
docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html. CloudTrail writes members in camelCase and
moments inside request and response as text.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from .rules import RestoreJob

CALL_DETAIL_TYPE = "AWS API Call via CloudTrail"
JOB_DETAIL_TYPE = "Restore Job State Change"
BACKUP_SERVICE = "backup.amazonaws.com"


def restore_call_detail(
    event_name: str,
    request: Mapping[str, Any],
    table_description: Mapping[str, Any] | None,
    *,
    region: str,
    account_id: str,
    by_aws_backup: bool = False,
    error_code: str | None = None,
    begun_ago: float = 0.0,
) -> dict[str, Any]:
    """The `detail` of the event for a restore call, so many seconds ago, and its answer."""
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=begun_ago)
    caller = {"sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.31.0"}
    identity = _operator(account_id, now)
    if by_aws_backup:
        caller = {"sourceIPAddress": BACKUP_SERVICE, "userAgent": BACKUP_SERVICE}
        identity = {**_backup_role(account_id, now), "invokedBy": BACKUP_SERVICE}
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": _iso(now),
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": event_name,
        "awsRegion": region,
        **caller,
        "requestParameters": _camel_case(request),
        "responseElements": {"tableDescription": _camel_case(table_description)}
        if table_description
        else None,
        "requestID": str(uuid.uuid4()).replace("-", "").upper(),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "resources": [
            {
                "accountId": account_id,
                "type": "AWS::DynamoDB::Table",
                "ARN": f"arn:aws:dynamodb:{region}:{account_id}:table/{request['TargetTableName']}",
            }
        ],
        "eventType": "AwsApiCall",
        "apiVersion": "2012-08-10",
        "managementEvent": True,
        "recipientAccountId": account_id,
        "eventCategory": "Management",
    }
    if error_code:
        detail |= {"errorCode": error_code, "errorMessage": "the restore was refused"}
    return detail


def restore_job_detail(job: RestoreJob, status: str) -> dict[str, Any]:
    """The `detail` of the event for a job that is now in this state; only one that is done names its table."""
    detail: dict[str, Any] = {
        "restoreJobId": job.id,
        "backupSizeInBytes": "36048",
        "creationDate": _iso(datetime.datetime.fromtimestamp(job.created_at, datetime.UTC)),
        "iamRoleArn": job.role_arn,
        "percentDone": 100 if status == "COMPLETED" else 0,
        "resourceType": job.resource_type,
        "status": status,
        "recoveryPointArn": job.recovery_point_arn,
    }
    if job.source_arn:
        detail["sourceResourceArn"] = job.source_arn
    if job.testing_plan_arn:
        detail["restoreTestingPlanArn"] = job.testing_plan_arn
    if status == "COMPLETED":
        detail["completionDate"] = _iso(datetime.datetime.now(datetime.UTC))
        detail["createdResourceArn"] = job.target_arn
    return detail


def _operator(account_id: str, now: datetime.datetime) -> dict[str, Any]:
    return _assumed_role(account_id, "operators", "on-call", now)


def _backup_role(account_id: str, now: datetime.datetime) -> dict[str, Any]:
    return _assumed_role(account_id, "AWSBackupDefaultServiceRole", "AWSBackup", now)


def _assumed_role(account_id: str, role: str, session: str, now: datetime.datetime) -> dict[str, Any]:
    principal = "AROAEXAMPLEPRINCIPAL"
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{account_id}:assumed-role/{role}/{session}",
        "accountId": account_id,
        "accessKeyId": "ASIAEXAMPLEACCESSKEY",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{account_id}:role/{role}",
                "accountId": account_id,
                "userName": role,
            },
            "attributes": {"creationDate": _iso(now), "mfaAuthenticated": "false"},
        },
    }


def _camel_case(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _camel_case(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_camel_case(member) for member in value]
    if isinstance(value, datetime.datetime):
        return _rendered(value)
    return value


def _iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _rendered(moment: datetime.datetime) -> str:
    """A moment as CloudTrail prints it inside request and response: `Nov 22, 2026, 7:05:09 AM`."""
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%b} {utc.day}, {utc.year}, {utc.hour % 12 or 12}:{utc:%M:%S} {utc:%p}"
