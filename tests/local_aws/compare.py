"""The settings of a table as plain values, read through the AWS API and nothing of ours.

What is read here is written anew, apart from the functions under test, so that a fault in their reading
cannot hide a fault in their writing. Where a value names its own table it reads `{table}`, so the values of
two tables with equal settings are equal.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .alarms import alarms_of
from .local_aws import Clients
from .rules import by_name

STANDARD = "STANDARD"

SETTINGS = (
    "point_in_time_recovery",
    "deletion_protection",
    "tags",
    "table_class",
    "on_demand_throughput",
    "auto_scaling",
    "stream",
    "stream_triggers",
    "contributor_insights",
    "kinesis_destination",
    "cloudwatch_alarms",
    "warm_throughput",
    "ttl",
    "replicas",
    "resource_policy",
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
_ALARM_IDENTITY = (
    "AlarmArn",
    "AlarmConfigurationUpdatedTimestamp",
    "StateReason",
    "StateReasonData",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "StateValue",
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
    """All settings of one table, in the order of `SETTINGS`."""
    description = clients.client("dynamodb").describe_table(TableName=table)["Table"]
    stream = description.get("StreamSpecification", {})
    table_class = description.get("TableClassSummary", {}).get("TableClass", STANDARD)
    readings = {
        "point_in_time_recovery": _recovery(clients, table),
        "deletion_protection": description["DeletionProtectionEnabled"],
        "tags": _tags(clients, description["TableArn"]),
        "table_class": None if table_class == STANDARD else table_class,
        "on_demand_throughput": _on_demand_limits(description),
        "auto_scaling": _auto_scaling(clients, table),
        "stream": stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        "stream_triggers": _triggers(clients, description.get("LatestStreamArn")),
        "contributor_insights": _insights(clients, description),
        "kinesis_destination": _kinesis(clients, table),
        "cloudwatch_alarms": _alarms(clients, table),
        "warm_throughput": _warm_throughput(description),
        "ttl": _time_to_live(clients, table),
        "replicas": sorted(replica["RegionName"] for replica in description.get("Replicas", [])),
        "resource_policy": _policies(clients, description),
    }
    return {setting: readings[setting] for setting in SETTINGS}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The settings in which two readings differ."""
    return [setting for setting in SETTINGS if one[setting] != other[setting]]


def nothing_set() -> Settings:
    """What `read_settings` says of a table that has none of the settings."""
    empty: Settings = dict.fromkeys(SETTINGS)
    lists = ("stream_triggers", "kinesis_destination", "cloudwatch_alarms", "replicas")
    tables = (
        "tags",
        "auto_scaling",
        "on_demand_throughput",
        "contributor_insights",
        "warm_throughput",
        "resource_policy",
    )
    return {
        **empty,
        "deletion_protection": False,
        **{setting: [] for setting in lists},
        **{setting: {} for setting in tables},
    }


def _parts(description: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table itself and its indexes, each with what DescribeTable says of it."""
    yield "table", description
    for index in description.get("GlobalSecondaryIndexes", []):
        yield f"index {index['IndexName']}", index


def _on_demand_limits(description: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """What limits there are; -1 is none."""
    limits = {
        place: {name: units for name, units in part.get("OnDemandThroughput", {}).items() if units != -1}
        for place, part in _parts(description)
    }
    return {place: each for place, each in limits.items() if each}


def _warm_throughput(description: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Where it is more than a new table of this capacity has
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html)."""
    on_demand = description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
    raised = {}
    for place, part in _parts(description):
        capacity = part["ProvisionedThroughput"]
        new = (
            (12_000, 4_000) if on_demand else (capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"])
        )
        warm = part.get("WarmThroughput", {})
        found = (warm.get("ReadUnitsPerSecond", 0), warm.get("WriteUnitsPerSecond", 0))
        if found[0] > new[0] or found[1] > new[1]:
            raised[place] = found
    return raised


def _insights(clients: Clients, description: Mapping[str, Any]) -> dict[str, str | None]:
    """Modes, where Contributor Insights are on."""
    modes = {}
    for place, part in _parts(description):
        index = {"IndexName": part["IndexName"]} if "IndexName" in part else {}
        answer = clients.client("dynamodb").describe_contributor_insights(
            TableName=description["TableName"], **index
        )
        if answer["ContributorInsightsStatus"] in ("ENABLING", "ENABLED"):
            modes[place] = answer.get("ContributorInsightsMode")
    return modes


def _policies(clients: Clients, description: Mapping[str, Any]) -> dict[str, Any]:
    """The policies of the table and of its live stream, with both their ARNs taken out."""
    table_arn, stream_arn = description["TableArn"], description.get("LatestStreamArn")
    policies = {}
    for name, arn in (("table", table_arn), ("stream", stream_arn)):
        if not arn:
            continue
        try:
            policy = clients.dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]
        except clients.dynamodb.exceptions.PolicyNotFoundException:
            continue
        text = policy.replace(stream_arn, "{stream}") if stream_arn else policy
        region_and_account = table_arn.partition(":table/")[0]
        policies[name] = _portable(
            json.loads(text.replace(region_and_account, "{home}")), description["TableName"]
        )
    return policies


def _alarms(clients: Clients, table: str) -> list[dict[str, Any]]:
    """All alarms that watch the table, in an order that does not depend on its name."""
    found = []
    for alarm in itertools.chain(*alarms_of(clients, [table])):
        tags = clients.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        value = {key: value for key, value in alarm.items() if key not in _ALARM_IDENTITY}
        # An alarm may refer to another by its name or by its ARN, which means the same.
        if "AlarmRule" in value:
            value["AlarmRule"] = by_name(value["AlarmRule"])
        if "ActionsSuppressor" in value:
            value["ActionsSuppressor"] = value["ActionsSuppressor"].rpartition(":alarm:")[2]
        # A clone whose source does not name its table says in brackets which one it watches.
        text = json.dumps(_portable(value, table)).replace(" ({table})", "")
        portable = json.loads(text.replace(f":{clients.region}:", ":{region}:"))
        # A tag says what it says, even where it has the table's name.
        found.append({**portable, "Tags": {tag["Key"]: tag["Value"] for tag in tags}})
    return sorted(found, key=json.dumps)


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
