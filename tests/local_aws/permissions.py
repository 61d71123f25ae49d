"""Which permissions a call takes, and whether a role's policies give them.

An evaluation of identity policies as IAM documents it, for what the policies of this module use: Allow and Deny, wildcards
in actions and resources, and the conditions named in `_HOLDS`. Anything else raises, so that nothing is passed over
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). Keys of KMS are not a part of it;
policies of queues are judged by queue_policies.py.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient


class Asked(Protocol):
    """A call, as the gateway sees it or as the log keeps it."""

    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Need:
    """One permission that a call takes.

    Attributes:
        context: condition keys with their values, as AWS would fill them in.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]

    def covers(self, need: Need) -> bool:
        return (
            any(matches(pattern.lower(), need.action.lower()) for pattern in self.actions)
            and any(matches(pattern, need.resource) for pattern in self.resources)
            and all(
                _HOLDS[operator](_as_list(wanted), need.context.get(key))
                for operator, keys in self.conditions.items()
                for key, wanted in keys.items()
            )
        )


def denial(statements: Iterable[Statement], need: Need) -> str | None:
    """Why the policies do not give what is needed, in AWS's words; None where they do.

    docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    effects = {statement.effect for statement in statements if statement.covers(need)}
    if "Deny" in effects:
        return "with an explicit deny in an identity-based policy"
    return None if effects else f"because no identity-based policy allows the {need.action} action"


def matches(pattern: str, text: str) -> bool:
    """IAM's `*` and `?`; nothing else in a pattern has a meaning there."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def arn_matches(pattern: str, arn: str) -> bool:
    """The same for ARNs, whose six parts are compared one by one: a wildcard does not reach over a colon
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html, ARN operators)."""
    parts, wanted = arn.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(wanted) and all(map(matches, wanted, parts))


def _as_list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


Test = Callable[[list[str], Sequence[str] | None], bool]


def _any_of(wanted: list[str], values: Sequence[str] | None, like: Callable[[str, str], bool]) -> bool:
    return values is not None and any(like(pattern, value) for value in values for pattern in wanted)


def _all_of(wanted: list[str], values: Sequence[str] | None, like: Callable[[str, str], bool]) -> bool:
    # A key that is not there has no values, and all of none hold.
    return all(any(like(pattern, value) for pattern in wanted) for value in values or ())


def _same(one: str, other: str) -> bool:
    return one == other


def _same_bool(one: str, other: str) -> bool:
    return one.lower() == other.lower()


_HOLDS: dict[str, Test] = {
    "StringEquals": lambda wanted, values: _any_of(wanted, values, _same),
    "StringLike": lambda wanted, values: _any_of(wanted, values, matches),
    "StringNotEquals": lambda wanted, values: not _any_of(wanted, values, _same),
    "Bool": lambda wanted, values: _any_of(wanted, values, _same_bool),
    "ArnLike": lambda wanted, values: _any_of(wanted, values, arn_matches),
    "ArnEquals": lambda wanted, values: _any_of(wanted, values, arn_matches),
    # A key that is not there is like nothing, whether or not the operator says what then.
    "ArnNotLikeIfExists": lambda wanted, values: not _any_of(wanted, values, arn_matches),
    "ForAllValues:StringEquals": lambda wanted, values: _all_of(wanted, values, _same),
    "ForAllValues:StringLike": lambda wanted, values: _all_of(wanted, values, matches),
    "ForAnyValue:StringNotLike": lambda wanted, values: not _all_of(wanted, values, matches),
    "ForAnyValue:StringLike": lambda wanted, values: _any_of(wanted, values, matches),
}


# What roles have -------------------------------------------------------------------------------------------------


def function_of_mapping(lambda_: LambdaClient, uuid: str) -> str | None:
    """The ARN of the function that an event source mapping invokes; None where there is no such mapping."""
    try:
        return lambda_.get_event_source_mapping(UUID=uuid)["FunctionArn"]
    except lambda_.exceptions.ResourceNotFoundException:
        return None


def statements_of(iam: IAMClient, role: str) -> Iterator[Statement]:
    """The statements of a role's policies, its own and the attached ones, as IAM has them now."""
    documents: list[Any] = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        documents.append(
            iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        )
    for document in documents:
        yield from statements_in(json.loads(document) if isinstance(document, str) else document)


def statements_in(document: Mapping[str, Any]) -> Iterator[Statement]:
    """The statements of one policy, as they stand in it."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        yield Statement(
            sid=statement.get("Sid", ""),
            effect=statement["Effect"],
            actions=tuple(_as_list(statement["Action"])),
            resources=tuple(_as_list(statement["Resource"])),
            conditions=statement.get("Condition", {}),
        )


# What calls take -------------------------------------------------------------------------------------------------

_SERVICES = {"monitoring": "cloudwatch"}
"""Names that sign requests, where IAM's is another."""

_OPERATIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "s3:ListObjectsV2": "s3:ListBucket",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""Operations with another action than their own
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html,
docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html,
docs.aws.amazon.com/lambda/latest/api/API_Invoke.html)."""

_ANYWHERE = frozenset(
    {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "appsync:ListDataSources",
        "appsync:ListGraphqlApis",
        "backup:DescribeRestoreJob",
        "backup:GetRestoreJobMetadata",
        "backup:ListBackupPlans",
        "cloudtrail:DescribeTrails",
        "cloudtrail:LookupEvents",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:DescribeAlarmsForMetric",
        "cloudwatch:ListDashboards",
        "dynamodb:ListContributorInsights",
        "dynamodb:ListTables",
        "ec2:DescribeVpcEndpoints",
        "glue:DescribeIntegrations",
        "iam:GetAccountAuthorizationDetails",
        "lambda:CreateEventSourceMapping",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "pipes:ListPipes",
        "ssm:DescribeParameters",
        "states:ListStateMachines",
        "osis:ListPipelines",
        "redshift:DescribeIntegrations",
    }
)
"""Actions that know no resource: only a policy for `*` allows them
(docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)."""

_FREE = frozenset({"sts:GetCallerIdentity"})
"""What needs no permission (docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)."""


FunctionOf = Callable[[str], str | None]
"""The ARN of the function that an event source mapping invokes, by the mapping's id; None where there is no such mapping."""


def no_mapping(_: str) -> None:
    """For calls that are about no event source mapping."""


def needs(call: Asked, account: str, function_of: FunctionOf = no_mapping) -> list[Need]:
    """The permissions that a call of one of the module's functions takes.

    Args:
        call: what was asked.
        account: the account's id, 12 digits.
        function_of: what a mapping invokes, which AWS knows when the call names no more than the mapping.

    Raises:
        KeyError: it is not known what the call is about.
    """
    own = f"{_SERVICES.get(call.service, call.service)}:{call.operation}"
    action = _OPERATIONS.get(own, own)
    if action in _FREE:
        return []
    if action in _ANYWHERE:
        result = [Need(action, "*", _context(call, function_of))]
    else:
        result = [Need(action, arn, _context(call, function_of)) for arn in _resources(call, account)]
    if action == "lambda:CreateEventSourceMapping" and call.parameters.get("Tags"):
        result.append(
            Need("lambda:TagResource", _arn("lambda", call.region, account, "event-source-mapping:id"))
        )
    if action == "cloudwatch:PutMetricAlarm" and any("Tags" in key for key in call.parameters):
        result += [Need("cloudwatch:TagResource", need.resource) for need in result]
    return result


def _arn(service: str, region: str, account: str, rest: str) -> str:
    return f"arn:aws:{service}:{region}:{account}:{rest}"


_ARN_IN = {"kms": "KeyId", "sns": "TopicArn", "states": "stateMachineArn"}
"""Services of which a parameter is the resource."""


def _resources(call: Asked, account: str) -> list[str]:
    parameters = call.parameters
    place = (call.region, account)
    match call.service:
        case "dynamodb":
            return _dynamodb_resources(call, account)
        case "sqs":
            return [_arn("sqs", *place, call.resource)]
        case "kms" | "sns" | "states":
            return [parameters[_ARN_IN[call.service]]]
        case "s3":
            bucket = f"arn:aws:s3:::{parameters['Bucket']}"
            return [f"{bucket}/{parameters['Key']}" if "Key" in parameters else bucket]
        case "events":
            buses = {entry.get("EventBusName", "default") for entry in parameters["Entries"]}
            return [_arn("events", *place, f"event-bus/{bus}") for bus in sorted(buses)]
        case "lambda":
            return [_lambda_resource(call, account)]
        case "monitoring":
            return [_cloudwatch_resource(call, account)]
        case "backup" | "cloudtrail" | "osis":
            return [_searched_resource(call, account)]
        case "ssm":
            return [
                _arn("ssm", *place, f"parameter/{name.removeprefix('/')}") for name in parameters["Names"]
            ]
        case "application-autoscaling":
            return [_arn("application-autoscaling", *place, "scalable-target/any")]
    raise KeyError(f"what is {call} about?")


def _lambda_resource(call: Asked, account: str) -> str:
    parameters = call.parameters
    if "UUID" in parameters:
        return _arn("lambda", call.region, account, f"event-source-mapping:{parameters['UUID']}")
    if call.operation == "Invoke":
        return _arn("lambda", call.region, account, f"function:{call.resource}")
    arn: str = parameters["Resource"]
    return arn


def _searched_resource(call: Asked, account: str) -> str:
    """Where a search looks for what names a table."""
    parameters = call.parameters
    match call.service:
        case "cloudtrail":
            arn: str = parameters["TrailName"]
            return arn
        case "osis":
            return _arn("osis", call.region, account, f"pipeline/{parameters['PipelineName']}")
    return _arn("backup", call.region, account, f"backup-plan:{parameters.get('BackupPlanId', 'any')}")


def _cloudwatch_resource(call: Asked, account: str) -> str:
    parameters = call.parameters
    if call.operation == "GetDashboard":
        return f"arn:aws:cloudwatch::{account}:dashboard/{parameters.get('DashboardName', 'any')}"
    # CloudWatch's protocol of today is binary, and its parameters are not known here; where a client speaks JSON, they are.
    arn: str | None = parameters.get("ResourceARN")
    return arn or _arn("cloudwatch", call.region, account, f"alarm:{parameters.get('AlarmName', 'any')}")


def _dynamodb_resources(call: Asked, account: str) -> list[str]:
    parameters = call.parameters
    arn = parameters.get("ResourceArn") or parameters.get("BackupArn")
    if arn:
        return [arn]
    # The log leaves the parameters of the largest calls out; what these are about it keeps.
    names = (
        [parameters["TableName"]] if "TableName" in parameters else list(parameters.get("RequestItems", {}))
    )
    names = names or [call.resource]
    suffix = f"/index/{parameters['IndexName']}" if parameters.get("IndexName") else ""
    return [
        name if name.startswith("arn:") else _arn("dynamodb", call.region, account, f"table/{name}{suffix}")
        for name in names
    ]


def _context(call: Asked, function_of: FunctionOf) -> dict[str, Sequence[str]]:
    """The condition keys of a call; of those of DynamoDB the partition keys in tables where these are named `pk`."""
    parameters = call.parameters
    if call.service == "application-autoscaling":
        return {"application-autoscaling:service-namespace": [parameters["ServiceNamespace"]]}
    # docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    if call.operation == "CreateEventSourceMapping":
        return {"lambda:FunctionArn": [parameters["FunctionName"]]}
    if call.operation == "UpdateEventSourceMapping":
        function = function_of(parameters["UUID"])
        return {"lambda:FunctionArn": [function]} if function else {}
    if call.service == "s3":
        # docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
        return {"s3:prefix": [parameters["prefix"]]} if "prefix" in parameters else {}
    if call.service != "dynamodb":
        return {}
    keys = [parameters[holder] for holder in ("Key", "Item") if holder in parameters]
    for requests in parameters.get("RequestItems", {}).values():
        # The log keeps no more than the names of the tables of the largest calls.
        if isinstance(requests, list):
            keys += [each.get("Key") or each.get("Item") for one in requests for each in one.values()]
        elif isinstance(requests, dict):
            keys += requests.get("Keys", ())
    leading = [key["pk"]["S"] for key in keys if "S" in (key.get("pk") or {})]
    if call.operation == "Query":
        leading = [parameters["ExpressionAttributeValues"][":pk"]["S"]]
    # DynamoDB fills the key in for calls that read or write items, and only for those.
    return {"dynamodb:LeadingKeys": leading} if leading else {}
