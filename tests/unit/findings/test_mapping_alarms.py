"""Alarms on the event source mappings of the source's stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.mapping_alarms import MappingAlarms
from tests.unit.fakes import Aws, client_error, function_arn, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
COUNTED: dict[str, Any] = {"MetricsConfig": {"Metrics": ["EventCount"]}}


def stream_of(table: TableId) -> str:
    return f"{table.arn}/stream/2026-10-01T00:00:00.000"


@pytest.fixture(autouse=True)
def tables(aws: Aws, clients: Clients) -> None:
    for table in (SOURCE, TARGET):
        clients.dynamodb.create_table(
            TableName=table.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        aws.describe_as(table.name, LatestStreamArn=stream_of(table))
    aws.calls.clear()


def put_alarm(clients: Clients, name: str, uuid: str, metric: str = "DroppedEventCount", **more: Any) -> None:
    clients.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "EventSourceMappingUUID", "Value": uuid}],
        **{"EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", **more},
    )


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True, **source: Any) -> list[Finding]:
    return list(MappingAlarms().find(replace(SOURCE, **source), TARGET, clients, enough_time))


def test_each_alarm_on_a_mapping_of_the_source_is_found(aws: Aws, clients: Clients) -> None:
    search = aws.triggers.put(stream_of(SOURCE), function_arn("search"), **COUNTED)
    billing = aws.triggers.put(stream_of(SOURCE), function_arn("billing"), **COUNTED)
    archive = aws.triggers.put(f"{table_arn('orders-archive')}/stream/1", function_arn("search"), **COUNTED)
    put_alarm(clients, "search-dropped", search)
    put_alarm(clients, "search-failed", search, "FailedInvokeEventCount")
    put_alarm(clients, "billing-dropped", billing)
    put_alarm(clients, "archive-dropped", archive)
    put_alarm(clients, "nobodys", "00000000-0000-4000-8000-999999999999")
    found = find(clients)
    assert {finding.name for finding in found} == {
        "alarm search-dropped",
        "alarm search-failed",
        "alarm billing-dropped",
    }
    assert found[0] == Finding(
        "mapping_alarms",
        "alarm search-failed",
        "watches the trigger of search on orders and not that on orders-restored: make the same alarm for the mapping of search that"
        " orders-restored has or gets",
    )


def test_the_calls_do_not_grow_with_the_accounts_alarms(aws: Aws, clients: Clients) -> None:
    for number in range(12):
        put_alarm(clients, f"other-{number}", f"uuid-{number}")
    for function in ("search", "billing"):
        aws.triggers.put(stream_of(SOURCE), function_arn(function), **COUNTED)
    # Lambda counts nothing for this one.
    aws.triggers.put(stream_of(SOURCE), function_arn("audit"))
    aws.calls.clear()
    assert find(clients) == []
    operations = [call.operation for call in aws.calls]
    # Two pages of mappings, and six metrics of two.
    assert operations == [
        "DescribeTable",
        *["ListEventSourceMappings"] * 2,
        *["DescribeAlarmsForMetric"] * 12,
    ]


def test_an_alarm_on_the_targets_mapping_is_enough(aws: Aws, clients: Clients) -> None:
    uuid = aws.triggers.put(stream_of(SOURCE), function_arn("search"), **COUNTED)
    twin = aws.triggers.put(stream_of(TARGET), function_arn("search"), **COUNTED)
    put_alarm(clients, "search-dropped", uuid)
    (finding,) = find(clients)
    assert finding.advice.endswith(f": make the same alarm for its mapping {twin}")
    # On another metric.
    put_alarm(clients, "search-restored-failed", twin, "FailedInvokeEventCount")
    assert len(find(clients)) == 1
    put_alarm(clients, "search-restored-dropped", twin)
    assert find(clients) == []


def test_the_modules_own_mapping_does_not_count(aws: Aws, clients: Clients) -> None:
    uuid = aws.triggers.put(stream_of(SOURCE), function_arn("capture"), **COUNTED)
    put_alarm(clients, "given-up", uuid)
    assert find(clients, own_mappings=frozenset({uuid})) == []
    assert len(find(clients)) == 1


def test_a_mapping_that_is_being_deleted_does_not_count(aws: Aws, clients: Clients) -> None:
    uuid = aws.triggers.put(stream_of(SOURCE), function_arn("search"), State="Deleting", **COUNTED)
    put_alarm(clients, "search-dropped", uuid)
    assert find(clients) == []


def test_a_source_without_a_stream_or_without_a_table_costs_one_call(aws: Aws, clients: Clients) -> None:
    assert find(clients, name="gone") == []
    aws.describe_as("orders", LatestStreamArn="")
    assert find(clients) == []
    assert [call.operation for call in aws.calls] == ["DescribeTable"] * 2


def test_another_accounts_source_is_not_asked(aws: Aws, clients: Clients) -> None:
    assert find(clients, account="210987654321") == []
    assert aws.calls == []


def test_the_source_is_asked_in_its_region(clients: Clients, regions: set[str]) -> None:
    assert find(clients, region="eu-west-1") == []
    assert regions == {"eu-west-1"}


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.triggers.put(stream_of(SOURCE), function_arn("search"), **COUNTED)
    aws.fail("DescribeAlarmsForMetric", "AccessDenied", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    aws.triggers.put(stream_of(SOURCE), function_arn("search"), **COUNTED)
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 metrics"):
        find(clients, lambda: next(time))
    assert len(aws.named("DescribeAlarmsForMetric")) == 2
