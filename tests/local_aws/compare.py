"""The seven settings of a table as plain values, read through the AWS API and nothing of ours.

What is read here is written anew, apart from the functions under test, so that a fault in their reading
cannot hide a fault in their writing. Where a value names its own table it reads `{table}`, so the values of
two tables with equal settings are equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .local_aws import Clients

SETTINGS = (
    "tags",
    "ttl",
    "stream",
    "stream_triggers",
    "kinesis_destination",
    "point_in_time_recovery",
    "auto_scaling",
)

Settings = dict[str, Any]

# What identifies one mapping, or changes by itself: not a property that a clone can share.
_MAPPING_IDENTITY = (
    "UUID",
    "EventSourceArn",
    "EventSourceMappingArn",
    "LastModified",
    "LastProcessingResult",
    "StartingPosition",
    "State",
    "StateTransitionReason",
)
_SCALING_IDENTITY = (
    "PolicyARN",
    "ScheduledActionARN",
    "ScalableTargetARN",
    "CreationTime",
    "Alarms",
    "RoleARN",
)


def read_settings(clients: Clients, table: str) -> Settings:
    """All seven settings of one table, in the order of `SETTINGS`."""
    description = clients.dynamodb.describe_table(TableName=table)["Table"]
    stream = description.get("StreamSpecification", {})
    readings = {
        "tags": _tags(clients, description["TableArn"]),
        "ttl": _time_to_live(clients, table),
        "stream": stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        "stream_triggers": _triggers(clients, description.get("LatestStreamArn")),
        "kinesis_destination": _kinesis(clients, table),
        "point_in_time_recovery": _recovery(clients, table),
        "auto_scaling": _auto_scaling(clients, table),
    }
    return {setting: readings[setting] for setting in SETTINGS}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The settings in which two readings differ."""
    return [setting for setting in SETTINGS if one[setting] != other[setting]]


def nothing_set() -> Settings:
    """What `read_settings` says of a table that has none of the settings."""
    empty: Settings = dict.fromkeys(SETTINGS)
    return {**empty, "tags": {}, "stream_triggers": [], "kinesis_destination": [], "auto_scaling": {}}


def _tags(clients: Clients, arn: str) -> dict[str, str]:
    pages = clients.dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def _time_to_live(clients: Clients, table: str) -> str | None:
    description = clients.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    on = description["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    return description["AttributeName"] if on else None


def _recovery(clients: Clients, table: str) -> int | None:
    """The recovery period in days, or None where there is no point-in-time recovery."""
    answer = clients.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = answer["PointInTimeRecoveryDescription"]
    return recovery["RecoveryPeriodInDays"] if recovery["PointInTimeRecoveryStatus"] == "ENABLED" else None


def _kinesis(clients: Clients, table: str) -> list[tuple[str, str]]:
    """Live destinations with their timestamp precision."""
    answer = clients.dynamodb.describe_kinesis_streaming_destination(TableName=table)
    return sorted(
        (each["StreamArn"], each["ApproximateCreationDateTimePrecision"])
        for each in answer["KinesisDataStreamDestinations"]
        if each["DestinationStatus"] in ("ACTIVE", "ENABLING")
    )


def _triggers(clients: Clients, stream_arn: str | None) -> list[dict[str, Any]]:
    if not stream_arn:
        return []
    pages = clients.lambda_.get_paginator("list_event_source_mappings").paginate(EventSourceArn=stream_arn)
    triggers = []
    for mapping in (mapping for page in pages for mapping in page["EventSourceMappings"]):
        properties = {key: value for key, value in mapping.items() if key not in _MAPPING_IDENTITY}
        properties["Enabled"] = mapping["State"] in ("Enabled", "Enabling", "Creating")
        properties["Tags"] = clients.lambda_.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]
        triggers.append(properties)
    return sorted(triggers, key=lambda trigger: str(trigger["FunctionArn"]))


def _auto_scaling(clients: Clients, table: str) -> dict[str, Any]:
    """Targets, policies and scheduled actions by what they are for, such as `table Read`."""
    prefix = f"table/{table}"
    found: dict[str, Any] = {}
    listings = (
        ("describe_scalable_targets", "ScalableTargets", "target"),
        ("describe_scaling_policies", "ScalingPolicies", "policies"),
        ("describe_scheduled_actions", "ScheduledActions", "schedules"),
    )
    for operation, member, kind in listings:
        pages = (
            clients.client("application-autoscaling")
            .get_paginator(operation)
            .paginate(ServiceNamespace="dynamodb")
        )
        for each in (each for page in pages for each in page[member]):
            resource = each["ResourceId"]
            if resource != prefix and not resource.startswith(f"{prefix}/"):
                continue
            value = {
                key: each[key]
                for key in each
                if key not in (*_SCALING_IDENTITY, "ResourceId", "ScalableDimension")
            }
            dimension = each["ScalableDimension"].rpartition(":")[2]
            place = found.setdefault(f"{resource.replace(prefix, 'table', 1)} {dimension}", {})
            place.setdefault(kind, []).append(_portable(value, table))
    return {place: _sorted_lists(kinds) for place, kinds in sorted(found.items())}


def _portable(value: Any, table: str) -> Any:
    whole_name = rf"(?<![\w.-]){re.escape(table)}(?![\w.-])"
    return json.loads(re.sub(whole_name, "{table}", json.dumps(value, default=str)))


def _sorted_lists(kinds: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {kind: sorted(values, key=json.dumps) for kind, values in kinds.items()}
