"""Where ministack's enforcement of IAM differs from AWS, and how it is made to agree.

Runs inside ministack's process, in its environment: imports nothing of the project, and ministack only when it is told
to `mend`. ministack enforces where the variable AUTH is "true": it checks the signature of every function and of every
user, and holds each call against the caller's policies.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

ARN_MEMBERS = ("ResourceArn", "BackupArn", "StreamArn", "SourceTableArn")
"""Members by which calls to DynamoDB name resources, beside TableName."""

EVENT_SOURCE_MAPPING = {
    "GET": "lambda:GetEventSourceMapping",
    "PUT": "lambda:UpdateEventSourceMapping",
    "DELETE": "lambda:DeleteEventSourceMapping",
}
ONE_KEY = re.compile(r"^\s*\(?\s*([#\w.]+)\s*=\s*(:\w+)")


def mend() -> None:
    """Replace what ministack has not right; to be called before its app is imported."""
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    _name_functions(runtime)
    _make_names_administrators(evaluator)
    _mend_actions(actions)
    _mend_resources(actions)
    _mend_context(actions)
    _mend_mappings(evaluator)


def _name_functions(runtime: Any) -> None:
    """Each function gets a session of its role, whose token tells the gateway who calls, and with which role.

    As Lambda does (docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html), and ministack too, with a token
    that says nothing. The token is a part of what is signed, so no call can come under another function's name.
    """

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        account, function = config["FunctionArn"].split(":")[4], config["FunctionName"]
        role = config["Role"].rpartition("/")[2]
        token = f"function/{function}/{role}"
        digest = hashlib.sha256(f"{config['FunctionArn']} {token}".encode()).hexdigest()
        access_key, secret = f"ASIA{digest[:16].upper()}", digest[16:]
        # In one step, and always the same: other instances of the function may be in the middle of a call.
        importlib.import_module("ministack.services.sts").register_session(
            access_key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{function}",
                "UserId": f"{role}:{function}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
        }

    runtime.execution_credentials = credentials


def _make_names_administrators(evaluator: Any) -> None:
    """Whoever signs with a plain name ("tests", "terraform") may do everything.

    Keys of users begin with AKIA and those of sessions, such as a function's, with ASIA
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, "Unique identifiers").
    """

    def is_root(access_key_id: str) -> bool:
        return not (access_key_id or "").startswith(("ASIA", "AKIA"))

    evaluator.is_root_access_key = is_root


def _mend_actions(actions: Any) -> None:
    """The actions that AWS asks for.

    A batch of SQS takes the permission of the single call
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html); a call that
    names one event source mapping is none of those on all of them
    (docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
    """
    extract = actions.extract_iam_action

    def mended(
        service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> str | None:
        action: str | None = extract(service, method, path, headers, body, query_params)
        if service == "sqs" and action is not None:
            return action.removesuffix("Batch")
        if service == "lambda" and re.search(r"/event-source-mappings/[^/]+/?$", path):
            return EVENT_SOURCE_MAPPING.get(method, action)
        return action

    actions.extract_iam_action = mended


def _mend_resources(actions: Any) -> None:
    """The resources that AWS holds an action against, where ministack takes a call for one on everything.

    docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html: an action on a stream, a backup
    or by an ARN has that as its resource, and a restore has its source too. list_awsbackup.html there: what is asked of
    a backup plan has the plan as its resource. list_awssystemsmanager.html there: GetParameters has the parameters.
    """
    arns_of, extract = actions.dynamodb_resource_arns, actions.extract_resource_arn

    def dynamodb_arns(body: bytes, region: str, account_id: str) -> list[str]:
        found: list[str] = arns_of(body, region, account_id)
        request = _json_object(body)
        # The stream of a Kinesis destination is named by its ARN too, and is none of DynamoDB's resources.
        found += [arn for key in ARN_MEMBERS if ":dynamodb:" in (arn := str(request.get(key)))]
        for key in ("SourceTableName", "TargetTableName"):
            if isinstance(request.get(key), str):
                found.append(f"arn:aws:dynamodb:{region}:{account_id}:table/{request[key]}")
        return list(dict.fromkeys(found))

    def mended(
        service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any, region: str, account: str
    ) -> str:  # fmt: skip
        if service == "backup" and (plan := re.match(r"/backup/plans/([^/]+)", path)):
            return f"arn:aws:backup:{region}:{account}:backup-plan:{unquote(plan[1])}"
        if service == "ssm" and (names := _json_object(body).get("Names")):
            # There is room for one; the gateway judges all of them.
            return f"arn:aws:ssm:{region}:{account}:parameter/{names[0].removeprefix('/')}"
        resource: str = extract(service, method, path, headers, body, query_params, region, account)
        return resource

    actions.dynamodb_resource_arns = dynamodb_arns
    actions.extract_resource_arn = mended


def _mend_context(actions: Any) -> None:
    """The condition key `dynamodb:LeadingKeys`: the partition keys of the items that a call is about.

    docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    context_of = actions.dynamodb_service_context

    def mended(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        request = _json_object(body)
        leading = [str(text) for value in _leading_values(request) for text in value.values()]
        return {**context, "dynamodb:LeadingKeys": leading} if leading else context

    actions.dynamodb_service_context = mended


def _mend_mappings(evaluator: Any) -> None:
    """The condition key `lambda:FunctionArn` of a call that updates an event source mapping: what the mapping invokes.

    docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    """
    enforce = evaluator.enforce

    def mended(access_key: str, action: str, *rest: Any, **more: Any) -> Any:
        if action == "lambda:UpdateEventSourceMapping":
            mappings: Any = importlib.import_module("ministack.services.lambda_svc")._esms
            mapping = mappings.get(more["resource_arn"].rpartition(":")[2])
            if mapping is not None:
                known = more.get("service_context") or {}
                more["service_context"] = {**known, "lambda:FunctionArn": mapping["FunctionArn"]}
        return enforce(access_key, action, *rest, **more)

    evaluator.enforce = mended


def _leading_values(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of the partition keys, typed as DynamoDB has them, of a call that names items or one partition."""
    named = [(request.get("TableName"), request[holder]) for holder in ("Key", "Item") if holder in request]
    for table, requests in request.get("RequestItems", {}).items():
        wanted = [*requests.get("Keys", ())] if isinstance(requests, dict) else []
        written = [each for one in requests for each in one.values()] if isinstance(requests, list) else []
        wanted += [each.get("Key") or each.get("Item") for each in written]
        named += [(table, key) for key in wanted]
    yield from (item[key] for table, item in named if (key := _partition_key(table)) in item)
    condition = ONE_KEY.match(str(request.get("KeyConditionExpression", "")))
    if condition:
        attribute = request.get("ExpressionAttributeNames", {}).get(condition[1], condition[1])
        if attribute == _partition_key(request.get("TableName")):
            yield request["ExpressionAttributeValues"][condition[2]]


def _partition_key(table: object) -> str:
    tables: Any = importlib.import_module("ministack.services.dynamodb")._tables
    name = table.rpartition("/")[2] if isinstance(table, str) else ""
    for key in (tables.get(name) or {}).get("KeySchema", []):
        if key["KeyType"] == "HASH":
            return str(key["AttributeName"])
    return ""


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
