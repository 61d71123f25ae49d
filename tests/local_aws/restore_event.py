"""The event of a restore call as CloudTrail writes it and EventBridge delivers it.

Shape: docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html and
docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html. CloudTrail writes
members in camelCase and moments inside request and response as text.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

DETAIL_TYPE = "AWS API Call via CloudTrail"


def restore_call_detail(
    request: Mapping[str, Any],
    table_description: Mapping[str, Any] | None,
    *,
    region: str,
    account_id: str,
    error_code: str | None = None,
) -> dict[str, Any]:
    """The `detail` of the event for a RestoreTableToPointInTime call and its answer."""
    now = datetime.datetime.now(datetime.UTC)
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEPRINCIPAL:on-call",
            "arn": f"arn:aws:sts::{account_id}:assumed-role/operators/on-call",
            "accountId": account_id,
            "accessKeyId": "ASIAEXAMPLEACCESSKEY",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEPRINCIPAL",
                    "arn": f"arn:aws:iam::{account_id}:role/operators",
                    "accountId": account_id,
                    "userName": "operators",
                },
                "attributes": {"creationDate": _iso(now), "mfaAuthenticated": "false"},
            },
        },
        "eventTime": _iso(now),
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": "RestoreTableToPointInTime",
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31.0",
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
