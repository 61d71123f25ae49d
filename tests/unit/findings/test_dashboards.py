"""Dashboards that chart the source table, in all the ways in which a widget can name it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.dashboards import Dashboards
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from tests.unit.fakes import Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
ROW = ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", "orders"]
SQL = 'SELECT SUM(ThrottledRequests) FROM SCHEMA("AWS/DynamoDB", Operation, TableName) WHERE TableName = '


def widget(*rows: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"metrics": list(rows), **properties}}


def put(clients: Clients, name: str, *widgets: Any) -> None:
    clients.cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": list(widgets)}))


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(Dashboards().find(SOURCE, TARGET, clients, enough_time))


@pytest.mark.parametrize(
    ("widgets", "charted"),
    [
        ([widget(ROW)], True),
        ([widget([*ROW, {"stat": "Sum"}])], True),
        ([{"type": "text", "properties": {"markdown": "orders"}}, widget(ROW)], True),
        ([widget(["AWS/DynamoDB", "Errors", "Operation", "Query", "TableName", "orders"])], True),
        ([widget(["AWS/DynamoDB", "X", "TableName", "orders", "GlobalSecondaryIndexName", "a"])], True),
        ([widget(["AWS/DynamoDB", "X", "TableName", "orders-archive"])], False),
        ([widget(["AWS/DynamoDB", "X", "GlobalSecondaryIndexName", "orders"])], False),
        ([widget(["AWS/DynamoDB", "AccountMaxReads"])], False),
        # Tables of another service, and what somebody publishes about this one.
        ([widget(["AWS/Cassandra", "X", "TableName", "orders"])], False),
        ([widget(["Shop/Tables", "X", "TableName", "orders"])], True),
        # Values taken over from the metric before.
        ([widget(["AWS/DynamoDB", "X", "TableName", "a"], [".", ".", ".", "orders"])], True),
        ([widget(["AWS/DynamoDB", "X", "TableName", "a"], ["...", "orders"])], True),
        ([widget(["AWS/DynamoDB", "X", "TableName", "a"], ["...", "orders", {"label": "x"}])], True),
        (
            [
                widget(
                    ["AWS/DynamoDB", "X", "TableName", "a", "Operation", "Scan"], ["...", "orders", ".", "."]
                )
            ],
            True,
        ),
        ([widget(["AWS/Cassandra", "X", "TableName", "a"], [".", ".", ".", "orders"])], False),
        (
            [widget(["AWS/DynamoDB", "X", "TableName", "a"], [{"expression": "m1*2"}], ["...", "orders"])],
            True,
        ),
        # And not from the widget before.
        ([widget(["AWS/DynamoDB", "X", "TableName", "a"]), widget(["...", "orders"])], False),
        # Searches and queries.
        ([widget([{"expression": f"{SQL}'orders'"}])], True),
        ([widget([{"expression": f"{SQL}'orders-archive'"}])], False),
        ([widget([{"expression": "SEARCH('{AWS/DynamoDB,TableName} TableName=\"orders\"', 'Sum')"}])], True),
        ([widget([{"expression": "SEARCH('{AWS/SQS,QueueName} QueueName=\"orders\"', 'Sum')"}])], False),
        ([widget([{"expression": "orders * 2"}])], False),
        # Tables of other regions and accounts.
        ([widget(ROW, region="eu-central-1")], True),
        ([widget(ROW, region="eu-west-1")], False),
        ([widget([*ROW, {"region": "eu-central-1"}], region="eu-west-1")], True),
        ([widget([*ROW, {"region": "eu-west-1"}], region="eu-central-1")], False),
        ([widget([*ROW, {"accountId": "123456789012"}])], True),
        ([widget([*ROW, {"accountId": "210987654321"}])], False),
        # The target is charted already.
        ([widget(ROW), widget(["AWS/DynamoDB", "X", "TableName", "orders-restored"])], False),
        ([widget(ROW, [{"expression": f"{SQL}'orders-restored'"}])], False),
        ([], False),
    ],
)
def test_which_dashboards_chart_the_source(
    aws: Aws, clients: Clients, widgets: list[Any], charted: bool
) -> None:
    put(clients, "shop", *widgets)
    advice = "charts orders and not orders-restored: add orders-restored to its widgets"
    assert find(clients) == ([Finding("dashboards", "dashboard shop", advice)] if charted else [])


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        "[]",
        '"orders"',
        '{"widgets": {}}',
        '{"widgets": [1, null, "x", {"properties": []}]}',
        '{"widgets": [{"properties": {"metrics": "orders"}}]}',
        '{"widgets": [{"properties": {"metrics": [1, {}, [], [{}], [["TableName"], {}, [], {}]]}}]}',
        '{"widgets": [{"properties": {"metrics": [["...", "..."], [".", "."], ["AWS/DynamoDB", "X", "TableName"]]}}]}',
        '{"widgets": [{"properties": {"metrics": [[{"expression": 5}]]}}]}',
    ],
)
def test_a_malformed_body_is_passed_over(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    put(clients, "shop", widget(ROW))
    put(clients, "broken")
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        result = otherwise(client, operation, parameters, moto)
        if parameters.get("DashboardName") == "broken":
            result["DashboardBody"] = body
        return result

    monkeypatch.setattr(aws, "answer", answer)
    assert [finding.name for finding in find(clients)] == ["dashboard shop"]
    assert len(aws.named("GetDashboard")) == 2


def test_all_pages_are_read(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto does not page, so this answers as CloudWatch does."""
    for name in ("first", "second"):
        put(clients, name, widget(ROW))
    pages: dict[str | None, dict[str, Any]] = {
        None: {"DashboardEntries": [{"DashboardName": "first"}], "NextToken": "2"},
        "2": {"DashboardEntries": [{"DashboardName": "second"}]},
    }
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        if operation == "ListDashboards":
            return pages[parameters.get("NextToken")]
        return otherwise(client, operation, parameters, moto)

    monkeypatch.setattr(aws, "answer", answer)
    assert [finding.name for finding in find(clients)] == ["dashboard first", "dashboard second"]


def test_a_dashboard_that_is_deleted_meanwhile_is_passed_over(aws: Aws, clients: Clients) -> None:
    put(clients, "first", widget(ROW))
    put(clients, "second", widget(ROW))
    aws.fail("GetDashboard", "ResourceNotFound", "Dashboard first does not exist")
    assert [finding.name for finding in find(clients)] == ["dashboard second"]


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    put(clients, "shop", widget(ROW))
    aws.fail("GetDashboard", "AccessDenied", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    for name in ("first", "second", "third"):
        put(clients, name, widget(ROW))
    time = iter([True, False])
    with pytest.raises(OutOfTimeError, match="after 1 dashboards"):
        find(clients, lambda: next(time))
    assert len(aws.named("GetDashboard")) == 1


def test_restores_at_the_same_time_share_what_was_read(aws: Aws, clients: Clients) -> None:
    put(clients, "shop", widget(ROW))
    since = time.time()
    for table in ("orders", "orders", "carts"):
        source = replace(TableId.parse(table_arn(table)), listings_since=since)
        found = list(Dashboards().find(source, TARGET, clients, lambda: True))
        assert len(found) == (table == "orders")
    assert len(aws.named("GetDashboard")) == 1
    assert len(find(clients)) == 1
    assert len(aws.named("GetDashboard")) == 2
