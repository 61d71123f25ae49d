"""Lambda triggers: every event source mapping of the table's stream, with all its properties."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import ClientError, error_code, explain
from dynamodb_restore.permissions import NO_RESOURCE, Condition, Statement
from dynamodb_restore.settings.catalogue import CatalogueEntry
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
    Phase,
    Reading,
    State,
    Step,
    StepOmitted,
    Table,
)
from dynamodb_restore.settings.stream import Stream

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef

_DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "ParallelizationFactor": 1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "MaximumRetryAttempts": -1,
    "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "FilterCriteria": {},
    "DestinationConfig": {},
    "KMSKeyArn": None,
    "MetricsConfig": {},
}
"""The properties of a stream mapping that can be set when it is made, with Lambda's defaults
(docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html)."""


_FILTER_OF_A_STREAM = Condition(
    "StringLike",
    "kms:EncryptionContext:aws:lambda:EventSourceArn",
    ("arn:{partition}:dynamodb:*:{account}:table/*/stream/*",),
)
"""What is encrypted is the filter of a mapping of a table's stream. Of which table's, is not said here once more: the policy would outgrow
what IAM takes."""


class StreamTriggers:
    """Portable state:

    `{"triggers": {function_arn: {"enabled": bool | None, "properties": {…}, "tags": {…}}}}`

    `function_arn` keeps its alias or version. `enabled` is None while Lambda is still making the mapping
    and does not tell. `properties` has only what Lambda returned, falsy values included: zero retries and
    no limit are different things. A trigger whose filter cannot be read has `"unreadable": reason`, and `"incomplete": True` stands
    beside `triggers` then: a throttle of KMS passes, and a key policy can be mended. One that Lambda itself has disabled has
    `"stopped": reason`. `"stream_is_new": True` stands beside `triggers` where they may begin with the stream's first record.
    """

    name = "stream_triggers"
    phase = Phase.ON_CUTOVER
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=True,
        what="every Lambda trigger of the stream with all its properties, filters, failure destination, disabled state and tags; it begins with the first record of a stream that the restore made, else at `LATEST`",
        left_alone="the target has a trigger of that function already; its function or failure destination is gone",
        about="""
            Lambda triggers: the event source mappings of the table's stream, with all their properties and tags. They
            belong to Lambda and name the source's stream, so no restore brings them.
        """,
        read="""
            `ListEventSourceMappings` of the stream, all pages; `ListTags` of each mapping; `GetEventSourceMapping`
            where a KMS key encrypts the filter, because only that operation decrypts it.
        """,
        written="""
            `CreateEventSourceMapping` on the target's stream, with the source's properties and tags; then looked at
            until Lambda has made it, which takes a minute or more. It begins with the first record (`TRIM_HORIZON`)
            of a stream that holds nothing but what was written to the new table: one that this restore made, or that
            was made since replay was fenced. Of any other it begins at `LATEST`, and the report says that it may miss
            changes of the next minutes. A disabled trigger is made disabled.
        """,
        when="every change that is replayed into the table would call the functions again.",
        kept="""
            A trigger of the same function on the target that differs is a conflict and stays, the report names what
            differs. Left out with the reason: triggers whose encrypted filter cannot be read (each delivery and
            cutover read it again while the source is there), those whose function, alias or failure destination AWS
            says does not exist, all of them where the target has no stream. Failed with the statement to add:
            functions whose execution role may not read the target's stream. Lambda also answers so for a minute or
            two after a stream or a role was made, so that is tried again for ten minutes, in a cutover for three.
            Failed with AWS's own words: a trigger that Lambda itself has disabled. The mappings by which this module
            itself captures changes are not triggers.
        """,
        sources=(
            "docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
            "docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html",
            "docs.aws.amazon.com/lambda/latest/dg/with-ddb.html",
            "docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html",
            "docs.aws.amazon.com/lambda/latest/dg/security-encryption-at-rest.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html",
        ),
        builds_on=("stream",),
        asked_for=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "lambda:TagResource"),
        statements=(
            Statement("ListTriggers", ("lambda:ListEventSourceMappings",), ("*",), reason=NO_RESOURCE),
            Statement(
                "CreateTriggers",
                ("lambda:CreateEventSourceMapping",),
                ("*",),
                # docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
                reason="The action knows no resource to name, but the function as a condition, with or without an alias or a version. It gives"
                " no access to a function or a stream, since Lambda reads the stream with the function's own role.",
                conditions=(
                    Condition("ArnLike", "lambda:FunctionArn", ("{each_attachable_function}",), narrows=True),
                ),
                writes=True,
            ),
            Statement(
                "ReadTriggers",
                ("lambda:GetEventSourceMapping", "lambda:ListTags"),
                ("arn:{partition}:lambda:{each_region}:{account}:event-source-mapping:*",),
                reason="Lambda names mappings by a random id.",
            ),
            Statement(
                "TagTriggers",
                ("lambda:TagResource",),
                ("arn:{partition}:lambda:{region}:{account}:event-source-mapping:*",),
                reason="Lambda names mappings by a random id, and asks for it where a trigger is created with tags.",
                writes=True,
            ),
            # Lambda decrypts a filter for who asks and may use the key
            # (docs.aws.amazon.com/lambda/latest/dg/security-encryption-at-rest.html, which shows the encryption context too;
            # docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
            Statement(
                "ReadFiltersOfTriggers",
                ("kms:Decrypt",),
                ("arn:{partition}:kms:{each_region}:{account}:key/*",),
                reason="Which customer key encrypts a filter is known only when a source is read.",
                conditions=(
                    Condition("StringEquals", "kms:ViaService", ("lambda.{each_region}.{dns_suffix}",)),
                    _FILTER_OF_A_STREAM,
                ),
            ),
            Statement(
                "EncryptFiltersOfTriggers",
                ("kms:GenerateDataKey",),
                ("arn:{partition}:kms:{region}:{account}:key/*",),
                reason="Which customer key encrypts a filter is known only when a source is read; a trigger with such a filter is created with it.",
                conditions=(
                    Condition("StringEquals", "kms:ViaService", ("lambda.{region}.{dns_suffix}",)),
                    _FILTER_OF_A_STREAM,
                ),
                writes=True,
            ),
            Statement(
                "DescribeKeysOfFilters",
                ("kms:DescribeKey",),
                ("arn:{partition}:kms:{each_region}:{account}:key/*",),
                reason="Which customer key encrypts a filter is known only when a source is read. The call has no encryption context.",
                conditions=(
                    Condition("StringEquals", "kms:ViaService", ("lambda.{each_region}.{dns_suffix}",)),
                ),
            ),
        ),
    )

    def read(self, table: Table) -> Reading:
        stream_arn = table.live_stream_arn
        new_stream = {"stream_is_new": True} if table.stream_is_new else {}
        if stream_arn is None:
            return Reading({"triggers": {}, **new_stream})
        lambda_ = table.clients.lambda_
        listing = lambda_.get_paginator("list_event_source_mappings")
        mappings = [
            mapping
            for page in listing.paginate(EventSourceArn=stream_arn)
            for mapping in page["EventSourceMappings"]
            if mapping.get("State") != "Deleting" and mapping["UUID"] not in table.own_mappings
        ]
        triggers = {mapping["FunctionArn"]: _trigger(mapping, lambda_) for mapping in mappings}
        unreadable = any("unreadable" in trigger for trigger in triggers.values())
        incomplete = {"incomplete": True} if unreadable else {}
        in_motion = tuple(
            f"the trigger of {mapping['FunctionArn']} is {mapping['State']}"
            for mapping in mappings
            if mapping.get("State") in _IN_MOTION
        )
        failures = tuple(
            f"Lambda has disabled the trigger of {function_arn}: {trigger['stopped']}"
            for function_arn, trigger in triggers.items()
            if "stopped" in trigger
        )
        return Reading({"triggers": triggers, **new_stream, **incomplete}, in_motion, failures)

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = []
        for function_arn, trigger in sorted(desired["triggers"].items()):
            present = current["triggers"].get(function_arn)
            # A mapping that Lambda could not enable counts as missing; AWS's reason is read with it.
            stopped = present is not None and "stopped" in present and trigger["enabled"] is not False
            if present is not None and not stopped:
                differing = _differing(trigger, present)
                if differing:
                    what = ", ".join(differing)
                    conflicts.append(f"the trigger of {function_arn} differs in {what}; the target's is kept")
            elif "unreadable" in trigger:
                omitted.append(f"the trigger of {function_arn}: {trigger['unreadable']}")
            else:
                position = "TRIM_HORIZON" if current.get("stream_is_new") else "LATEST"
                payload = {"function_arn": function_arn, "trigger": trigger, "position": position}
                steps.append(Step(f"trigger {function_arn}{_remark(trigger, position)}", payload))
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        stream_arn = table.live_stream_arn
        function_arn, trigger = step.payload["function_arn"], step.payload["trigger"]
        if stream_arn is None:
            raise StepOmitted("the target has no stream to attach it to", lacks=Stream.name)
        arguments: dict[str, Any] = {
            "FunctionName": function_arn,
            "EventSourceArn": stream_arn,
            # The function saw what was restored and replayed as changes of the source long ago: only what is written to the
            # target from now on is new to it. A stream that holds nothing else is read from its beginning, because Lambda takes
            # minutes to begin, and LATEST is where it begins then (docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
            "StartingPosition": step.payload["position"],
            **trigger["properties"],
        }
        if trigger["enabled"] is not None:
            arguments["Enabled"] = trigger["enabled"]
        if trigger["tags"]:
            arguments["Tags"] = trigger["tags"]
        try:
            table.clients.lambda_.create_event_source_mapping(**arguments)
        except ClientError as error:
            if _is_gone(error, trigger):
                raise StepOmitted(_gone_text(error)) from error
            if _may_not_read_stream(error):
                advice = _read_permission_text(function_arn, table.arn)
                raise CannotApplyError(advice, passes=True) from error
            if _may_pass(error):
                raise CannotApplyError(explain(error), passes=True) from error
            raise


_IN_MOTION = ("Creating", "Enabling", "Updating", "Disabling")
"""States that a mapping passes through, for a minute or more, before it is what was asked for
(docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html)."""

_MAY_MISS = ", from LATEST: it may miss changes of the next minutes, until Lambda reads the stream; write a test item and see it called"


def _remark(trigger: Mapping[str, Any], position: str) -> str:
    """Notes on a trigger that is created."""
    if trigger["enabled"] is False:
        return " (disabled, as on the source)"
    return _MAY_MISS if position == "LATEST" else ""


def _trigger(mapping: EventSourceMappingConfigurationTypeDef, lambda_: LambdaClient) -> dict[str, Any]:
    tags = lambda_.list_tags(Resource=mapping["EventSourceMappingArn"]).get("Tags", {})
    trigger: dict[str, Any] = {
        "enabled": _enabled(mapping.get("State", "Enabled")),
        "tags": {key: value for key, value in tags.items() if not key.lower().startswith("aws:")},
    }
    if stopped := _stopped(mapping):
        trigger["stopped"] = stopped
    if mapping.get("KMSKeyArn"):
        # Only GetEventSourceMapping decrypts a filter, and only for who may use the key
        # (docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
        mapping = lambda_.get_event_source_mapping(UUID=mapping["UUID"])  # type: ignore[assignment]
        failure = mapping.get("FilterCriteriaError")
        if failure:
            trigger["unreadable"] = f"its encrypted filter cannot be read: {failure.get('Message', '')}"
    properties = {key: mapping[key] for key in _DEFAULTS if mapping.get(key) is not None}  # type: ignore[literal-required]
    trigger["properties"] = json.loads(json.dumps(properties))
    if not trigger["properties"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        # Lambda returns an empty destination where none is set, and does not take one back.
        trigger["properties"].pop("DestinationConfig", None)
    if not trigger["properties"].get("FilterCriteria", {}).get("Filters"):
        trigger["properties"].pop("FilterCriteria", None)
    return trigger


def _stopped(mapping: EventSourceMappingConfigurationTypeDef) -> str | None:
    """Why Lambda itself has disabled a mapping, in its own words; None where it has not.

    `StateTransitionReason` tells whether a user or Lambda made the last change: `User action` or `USER_INITIATED` are a user's
    (docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html).
    """
    reason = mapping.get("StateTransitionReason", "")
    if mapping.get("State") != "Disabled" or not reason or reason.lower().startswith("user"):
        return None
    result = mapping.get("LastProcessingResult", "")
    return f"{reason}; {result}" if "PROBLEM" in result else reason


def _enabled(state: str) -> bool | None:
    if state == "Creating":
        return None
    return state not in ("Disabled", "Disabling")


def _differing(desired: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    names = [
        key
        for key, default in _DEFAULTS.items()
        if desired["properties"].get(key, default) != present["properties"].get(key, default)
    ]
    told = desired["enabled"] is not None and present["enabled"] is not None
    if told and desired["enabled"] != present["enabled"]:
        names.append("Enabled")
    if desired["tags"] != present["tags"]:
        names.append("Tags")
    return names


_GONE = ("function not found", "function does not exist", "cannot find alias", "cannot find version")
"""What Lambda answers about a function, alias or version that does not exist: an error of its own or of the parameter
(github.com/awslabs/lambda-streams-to-firehose/issues/25, github.com/hashicorp/terraform-provider-aws/issues/22373). An alias
that is gone is a function that is not found, too."""

_PASSING = (
    "cannot be assumed by lambda",
    "execution role does not have permissions",
    "stream not found",
    "the destination arn",
)
"""What Lambda also answers while a role or a stream that was just made, or changed, is not known everywhere
(github.com/hashicorp/terraform-provider-aws, internal/service/lambda/event_source_mapping.go, which tries for five minutes;
github.com/aws-amplify/amplify-cli/issues/11625 for a new stream)."""


def _is_gone(error: ClientError, trigger: Mapping[str, Any]) -> bool:
    """Whether AWS names for certain what does not exist any more: the function, or where failures are sent.

    "The destination ARN … is invalid" does not: it is also the answer where the function's role may not use the destination
    (github.com/hashicorp/terraform-provider-aws, docs of `aws_lambda_function_event_invoke_config`).
    """
    if error_code(error) not in ("InvalidParameterValueException", "ResourceNotFoundException"):
        return False
    message = _message(error).lower()
    destination = trigger["properties"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    names_destination = destination is not None and destination.lower() in message
    return message.startswith(_GONE) or (
        names_destination and ("does not exist" in message or "not found" in message)
    )


def _gone_text(error: ClientError) -> str:
    return (
        f"left over on the source, for AWS says: {_message(error).rstrip('.')}; delete the source's event source mapping,"
        " or mend it"
    )


def _may_not_read_stream(error: ClientError) -> bool:
    """Whether Lambda says that the function's role may not read the stream. So it does, too, for a minute or two after the
    stream or the role was made (github.com/hashicorp/terraform/pull/4093, github.com/serverless/serverless/issues/3997)."""
    return error_code(error) == "InvalidParameterValueException" and "GetRecords" in _message(error)


def _may_pass(error: ClientError) -> bool:
    message = _message(error).lower()
    return error_code(error) == "InvalidParameterValueException" and any(text in message for text in _PASSING)


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def _read_permission_text(function_arn: str, table_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": [
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        ],
        "Resource": f"{table_arn}/stream/*",
    }
    return (
        f"{function_arn} may not read the target's stream; add to its execution role: {json.dumps(statement)}"
        " and run the restore again"
    )
