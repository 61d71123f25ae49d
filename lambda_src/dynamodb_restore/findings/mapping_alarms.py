"""CloudWatch alarms on the Lambda triggers of the source table's stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dynamodb_restore.aws import Clients, describe_table
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.permissions import Statement

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_METRICS = (
    "PolledEventCount",
    "FilteredOutEventCount",
    "InvokedEventCount",
    "FailedInvokeEventCount",
    "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount",
)
"""What Lambda counts for the event source mapping of a stream, where that is switched on
(docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html)."""

_DIMENSION = "EventSourceMappingUUID"


class MappingAlarms:
    """Alarms on the metrics of an event source mapping. The setting `stream_triggers` makes another mapping, with another UUID.

    **Calls.** CloudWatch is asked for the alarms on each metric of each mapping, instead of for all alarms of the region: the
    setting `cloudwatch_alarms` has gone through those once already, and an account may have many thousands.
    """

    kind = "mapping_alarms"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            CloudWatch alarms on the Lambda triggers of the source's stream: a trigger of the restored table is another event source
            mapping with another UUID, and nothing watches it. On by default.
        """,
        found="""
            alarms on a metric of `AWS/Lambda` whose dimension `EventSourceMappingUUID` is that of a mapping of the source's stream,
            unless an alarm on the same metric watches the mapping of the same function on the target's stream. One line per alarm.
        """,
        read="""
            `DescribeTable` and `ListEventSourceMappings` of the source; `DescribeAlarmsForMetric` for six metrics of each mapping
            that has metrics (`MetricsConfig`). Where there is an alarm, the same of the target.
        """,
        left_out="""
            metric math, which DescribeAlarmsForMetric does not tell; mappings without metrics; sources that are gone, have no
            stream, or belong to another account; the mappings by which this module itself captures changes.
        """,
        sources=(
            "docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
            "docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingMetricsConfig.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
        ),
        statements=(
            Statement(
                "FindMappingAlarms",
                ("lambda:ListEventSourceMappings", "cloudwatch:DescribeAlarmsForMetric"),
                ("*",),
                reason="The actions know no resource to name.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        if source.account != target.account:
            return
        watched = _Stream(source, clients)
        other = _Stream(target, clients)
        for function, metric, alarms in in_time(watched.metrics(), enough_time, "metrics"):
            if not alarms:
                continue
            twin = other.mappings.get(function)
            if twin is None or not other.alarms_on(metric, twin):
                for alarm in alarms:
                    yield Finding(self.kind, f"alarm {alarm}", _advice(function, twin, source, target))


@dataclass
class _Stream:
    """The triggers of a table's stream, and the alarms on them."""

    table: TableId
    clients: Clients

    @cached_property
    def mappings(self) -> dict[str, str]:
        """The functions that read the stream, each with the UUID of its mapping, where Lambda counts for it."""
        here = self.clients.in_region(self.table.region)
        stream_arn = (describe_table(here, self.table.name) or {}).get("LatestStreamArn")
        if not stream_arn:
            return {}
        listing = here.lambda_.get_paginator("list_event_source_mappings")
        return {
            mapping["FunctionArn"]: mapping["UUID"]
            for page in listing.paginate(EventSourceArn=stream_arn)
            for mapping in page["EventSourceMappings"]
            if mapping.get("State") != "Deleting"
            and "EventCount" in mapping.get("MetricsConfig", {}).get("Metrics", [])
            and mapping["UUID"] not in self.table.own_mappings
        }

    def metrics(self) -> Iterator[tuple[str, str, list[str]]]:
        """Each metric of each function's mapping, with the names of the alarms on it."""
        for function, uuid in self.mappings.items():
            for metric in _METRICS:
                yield function, metric, self.alarms_on(metric, uuid)

    def alarms_on(self, metric: str, uuid: str) -> list[str]:
        cloudwatch: CloudWatchClient = self.clients.in_region(self.table.region).cloudwatch
        dimension = {"Name": _DIMENSION, "Value": uuid}
        answer = cloudwatch.describe_alarms_for_metric(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[dimension],  # type: ignore[list-item]
        )
        return [
            alarm["AlarmName"] for alarm in answer.get("MetricAlarms", []) if dimension in alarm["Dimensions"]
        ]


def _advice(function: str, twin: str | None, source: TableId, target: TableId) -> str:
    name = function.partition(":function:")[2] or function
    where = (
        f"make the same alarm for its mapping {twin}"
        if twin
        else f"make the same alarm for the mapping of {name} that {target.name} has or gets"
    )
    return f"watches the trigger of {name} on {source.name} and not that on {target.name}: {where}"
