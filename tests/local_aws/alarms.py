"""The alarms of a source table, and whose alarms a table has."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .local_aws import Clients
from .rules import children_of

Alarm = dict[str, Any]

BUSIEST_OPERATION = (
    'SELECT MAX(SuccessfulRequestLatency) FROM SCHEMA("AWS/DynamoDB", TableName, Operation) '
    "WHERE TableName = '{table}' GROUP BY Operation ORDER BY MAX() DESC LIMIT 1"
)


def make_maintenance_alarm(clients: Clients, name: str) -> str:
    """An alarm that watches no table; returns its name."""
    clients.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Shop/Operations",
        MetricName="MaintenanceWindow",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    return name


def make_alarms(clients: Clients, table: str, index: str, topic_arn: str, suppressor: str) -> None:
    """Alarms of every kind that watches a table; and one of another table, whose name begins alike.

    One has a name without the table's; a checksum in it keeps those of two tables apart.
    """
    put = clients.client("cloudwatch").put_metric_alarm
    latency = f"checkout latency {zlib.crc32(table.encode()):08x}"
    put(
        AlarmName=f"{table}-throttled",
        AlarmDescription=f"Reads of {table} / by customer are throttled",
        **_metric("ReadThrottleEvents", table, index),
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=5,
        DatapointsToAlarm=3,
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic_arn],
        OKActions=[topic_arn],
        InsufficientDataActions=[topic_arn],
        Tags=[{"Key": "team", "Value": "orders"}, {"Key": "reviewed", "Value": ""}],
    )
    put(
        AlarmName=latency,
        Namespace="AWS/DynamoDB",
        MetricName="SuccessfulRequestLatency",
        Dimensions=[{"Name": "TableName", "Value": table}, {"Name": "Operation", "Value": "GetItem"}],
        ExtendedStatistic="p99",
        EvaluateLowSampleCountPercentile="ignore",
        Unit="Milliseconds",
        Period=300,
        EvaluationPeriods=1,
        Threshold=25.5,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
        ActionsEnabled=False,
        AlarmActions=[topic_arn],
    )
    put(
        AlarmName=f"{table}/throttled share",
        EvaluationPeriods=2,
        Threshold=1.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
        AlarmActions=[topic_arn],
        Metrics=[
            {"Id": "share", "Expression": "100 * bad / all", "Label": f"% of {table}", "ReturnData": True},
            _query("bad", "WriteThrottleEvents", table, "Sum"),
            _query("all", "ConsumedWriteCapacityUnits", table, "Sum", index),
        ],
    )
    put(
        AlarmName=f"{table} unusual reads",
        EvaluationPeriods=3,
        ThresholdMetricId="band",
        ComparisonOperator="GreaterThanUpperThreshold",
        AlarmActions=[topic_arn],
        Metrics=[
            _query("reads", "ConsumedReadCapacityUnits", table, "Average", returned=True),
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(reads, 2)", "ReturnData": True},
        ],
    )
    put(
        AlarmName=f"{table} busiest operation",
        EvaluationPeriods=1,
        Threshold=500,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic_arn],
        Metrics=[
            {
                "Id": "busiest",
                "Expression": BUSIEST_OPERATION.format(table=table),
                "Period": 60,
                "ReturnData": True,
            }
        ],
    )
    put(
        AlarmName=f"{table}-archive throttled",
        **_metric("ReadThrottleEvents", f"{table}-archive"),
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic_arn],
    )
    throttled = clients.cloudwatch.describe_alarms(AlarmNames=[f"{table}-throttled"])["MetricAlarms"][0]
    clients.cloudwatch.put_composite_alarm(
        AlarmName=f"{table} unhealthy",
        AlarmDescription="Slow, or throttled and not because of a rush",
        AlarmRule=f'ALARM("{latency}") OR (ALARM({throttled["AlarmArn"]}) AND NOT ALARM("{table} unusual reads"))',
        AlarmActions=[topic_arn],
        ActionsSuppressor=suppressor,
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=30,
        Tags=[{"Key": "team", "Value": "orders"}],
    )


def alarms_of(clients: Clients, tables: Collection[str]) -> tuple[list[Alarm], list[Alarm]]:
    """The metric alarms that watch tables, without auto scaling's own, and the composite alarms built on them."""
    pages = clients.client("cloudwatch").get_paginator("describe_alarms")
    metric: list[Alarm] = []
    composite: list[Alarm] = []
    for page in pages.paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"]):
        metric += [alarm for alarm in page["MetricAlarms"] if _watches(alarm, tables)]
        composite += page["CompositeAlarms"]
    names = {alarm["AlarmName"] for alarm in metric}
    built_on = [alarm for alarm in composite if not names.isdisjoint(children_of(alarm["AlarmRule"]))]
    return metric, built_on


def _watches(alarm: Mapping[str, Any], tables: Collection[str]) -> bool:
    if alarm["AlarmName"].startswith("TargetTracking-"):
        return False
    named = {dimension["Value"] for dimension in _dimensions(alarm) if dimension["Name"] == "TableName"}
    for query in alarm.get("Metrics", []):
        named |= set(re.findall(r"TableName = '([^']+)'", query.get("Expression", "")))
    return not named.isdisjoint(tables)


def _dimensions(alarm: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield from alarm.get("Dimensions", [])
    for query in alarm.get("Metrics", []):
        yield from query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])


def _metric(name: str, table: str, index: str | None = None) -> dict[str, Any]:
    dimensions = [{"Name": "TableName", "Value": table}]
    if index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
    return {"Namespace": "AWS/DynamoDB", "MetricName": name, "Dimensions": dimensions}


def _query(
    query_id: str,
    metric: str,
    table: str,
    statistic: str,
    index: str | None = None,
    *,
    returned: bool = False,
) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {"Metric": _metric(metric, table, index), "Period": 60, "Stat": statistic},
        "ReturnData": returned,
    }
