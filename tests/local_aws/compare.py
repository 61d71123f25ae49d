"""The settings of a table as plain values, read through the AWS API and nothing of ours.

What is read here is written anew, apart from the functions under test, so that a fault in their reading
cannot hide a fault in their writing. Where a value names its own table it reads `{table}`, so the values of
two tables with equal settings are equal.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .alarms import alarms_of
from .calls import Call
from .local_aws import Clients
from .rules import by_name

STANDARD = "STANDARD"

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


@dataclass(frozen=True)
class _Setting:
    """How one setting is looked at from outside.

    Attributes:
        read: its value, of a table that DescribeTable describes so.
        nothing: the value of a table that does not have it.
        writes: whether a call writes it.
    """

    read: Callable[[Clients, Mapping[str, Any]], Any]
    nothing: Any
    writes: Callable[[Call], bool]


def read_settings(clients: Clients, table: str) -> Settings:
    """All settings of one table, in the order of `SETTINGS`."""
    description = clients.client("dynamodb").describe_table(TableName=table)["Table"]
    return {name: setting.read(clients, description) for name, setting in _SETTINGS.items()}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The settings in which two readings differ."""
    return [setting for setting in _SETTINGS if one[setting] != other[setting]]


def nothing_set() -> Settings:
    """What `read_settings` says of a table that has none of the settings."""
    return {name: copy.copy(setting.nothing) for name, setting in _SETTINGS.items()}


def writes(setting: str, call: Call) -> bool:
    """Whether a call writes this setting."""
    if setting in CHOSEN_BY_THE_CALL:
        return setting == "billing_mode" and _updates("BillingMode")(call)
    return _SETTINGS[setting].writes(call)


def _calls(*operations: str) -> Callable[[Call], bool]:
    return lambda call: call.operation in operations


def _updates(member: str) -> Callable[[Call], bool]:
    """UpdateTable calls that change this of a table or of one of its indexes."""

    def matches(call: Call) -> bool:
        updates = call.parameters.get("GlobalSecondaryIndexUpdates", [])
        return call.operation == "UpdateTable" and (
            member in call.parameters or any(member in update.get("Update", {}) for update in updates)
        )

    return matches


def _stream(_clients: Clients, description: Mapping[str, Any]) -> str | None:
    stream = description.get("StreamSpecification", {})
    return stream.get("StreamViewType") if stream.get("StreamEnabled") else None


def _encryption(_clients: Clients, description: Mapping[str, Any]) -> str | None:
    encrypted = description.get("SSEDescription", {})
    return encrypted.get("KMSMasterKeyArn") if encrypted.get("Status") == "ENABLED" else None


def _table_class(_clients: Clients, description: Mapping[str, Any]) -> str | None:
    found: str = description.get("TableClassSummary", {}).get("TableClass", STANDARD)
    return None if found == STANDARD else found


def _parts(description: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table itself and its indexes, each with what DescribeTable says of it."""
    yield "table", description
    for index in description.get("GlobalSecondaryIndexes", []):
        yield f"index {index['IndexName']}", index


def _on_demand_limits(_clients: Clients, description: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """What limits there are; -1 is none."""
    limits = {
        place: {name: units for name, units in part.get("OnDemandThroughput", {}).items() if units != -1}
        for place, part in _parts(description)
    }
    return {place: each for place, each in limits.items() if each}


def _warm_throughput(_clients: Clients, description: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
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


def _alarms(clients: Clients, description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All alarms that watch the table, in an order that does not depend on its name."""
    table = description["TableName"]
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


def _tags(clients: Clients, description: Mapping[str, Any]) -> dict[str, str]:
    listing = clients.dynamodb.get_paginator("list_tags_of_resource")
    pages = listing.paginate(ResourceArn=description["TableArn"])
    # AWS puts its own on what a stack has, and a clone is of no stack.
    tags = (tag for page in pages for tag in page["Tags"])
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def _time_to_live(clients: Clients, description: Mapping[str, Any]) -> str | None:
    answer = clients.dynamodb.describe_time_to_live(TableName=description["TableName"])[
        "TimeToLiveDescription"
    ]
    on = answer["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    return answer["AttributeName"] if on else None


def _recovery(clients: Clients, description: Mapping[str, Any]) -> int | None:
    """The recovery period in days, or None where there is no point-in-time recovery."""
    answer = clients.dynamodb.describe_continuous_backups(TableName=description["TableName"])
    recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return recovery["RecoveryPeriodInDays"] if recovery["PointInTimeRecoveryStatus"] == "ENABLED" else None


def _kinesis(clients: Clients, description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Live destinations with their timestamp precision."""
    answer = clients.dynamodb.describe_kinesis_streaming_destination(TableName=description["TableName"])
    return sorted(
        (each["StreamArn"], each["ApproximateCreationDateTimePrecision"])
        for each in answer["KinesisDataStreamDestinations"]
        if each["DestinationStatus"] in ("ACTIVE", "ENABLING")
    )


def _triggers(clients: Clients, description: Mapping[str, Any]) -> list[dict[str, Any]]:
    stream_arn = description.get("LatestStreamArn")
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


def _auto_scaling(clients: Clients, description: Mapping[str, Any]) -> dict[str, Any]:
    """Targets, policies and scheduled actions by what they are for, such as `table Read`."""
    table = description["TableName"]
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


_SETTINGS: Final[Mapping[str, _Setting]] = {
    "point_in_time_recovery": _Setting(_recovery, None, _calls("UpdateContinuousBackups")),
    "deletion_protection": _Setting(
        lambda _clients, description: description["DeletionProtectionEnabled"],
        False,
        _updates("DeletionProtectionEnabled"),
    ),
    "tags": _Setting(_tags, {}, lambda call: call.operation == "TagResource" and call.service == "dynamodb"),
    "encryption": _Setting(_encryption, None, _updates("SSESpecification")),
    "table_class": _Setting(_table_class, None, _updates("TableClass")),
    "on_demand_throughput": _Setting(_on_demand_limits, {}, _updates("OnDemandThroughput")),
    "auto_scaling": _Setting(
        _auto_scaling, {}, _calls("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction")
    ),
    "stream": _Setting(_stream, None, _updates("StreamSpecification")),
    "stream_triggers": _Setting(_triggers, [], _calls("CreateEventSourceMapping")),
    "contributor_insights": _Setting(_insights, {}, _calls("UpdateContributorInsights")),
    "kinesis_destination": _Setting(_kinesis, [], _calls("EnableKinesisStreamingDestination")),
    "cloudwatch_alarms": _Setting(_alarms, [], _calls("PutMetricAlarm", "PutCompositeAlarm")),
    "warm_throughput": _Setting(_warm_throughput, {}, _updates("WarmThroughput")),
    "ttl": _Setting(_time_to_live, None, _calls("UpdateTimeToLive")),
    "replicas": _Setting(
        lambda _clients, description: sorted(
            replica["RegionName"] for replica in description.get("Replicas", [])
        ),
        [],
        _updates("ReplicaUpdates"),
    ),
    "resource_policy": _Setting(_policies, {}, _calls("PutResourcePolicy")),
}

CHOSEN_BY_THE_CALL: Final = ("billing_mode", "indexes")
"""Settings that a restore brings back by itself, unless its call says otherwise."""

SETTINGS: Final = (*_SETTINGS, *CHOSEN_BY_THE_CALL)
