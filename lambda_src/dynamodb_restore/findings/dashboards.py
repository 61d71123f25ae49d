"""CloudWatch dashboards that chart the source table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.permissions import NO_RESOURCE, Statement
from dynamodb_restore.settings.names import without_table

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


class Dashboards:
    """Dashboards whose metric widgets show the source, by a metric or an expression, and do not show the target.

    Dashboards are of the account, not of a region (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html);
    their widgets are of regions.
    """

    kind = "dashboards"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            CloudWatch dashboards that chart the source: they show nothing of the restored table. On by default.
        """,
        found="""
            metric widgets with a metric of the dimension `TableName` = source (`.` and `...` stand for the values of
            the metric before), and search or Metrics Insights expressions that name the source whole; dashboards that
            chart the target as well need nobody. Widgets and metrics of other regions or accounts do not count. One
            line per dashboard.
        """,
        read="`ListDashboards`, `GetDashboard` of each; all pages. Restores at the same time share what was read.",
        left_out="""
            dashboards whose body is not JSON; alarm, log, text and Contributor Insights widgets; explorer widgets
            (they select by tag).
        """,
        sources=(
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
        ),
        statements=(
            Statement("ListDashboards", ("cloudwatch:ListDashboards",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindDashboards",
                ("cloudwatch:GetDashboard",),
                ("arn:{partition}:cloudwatch::{account}:dashboard/*",),
                reason="Any of them can chart the source. A dashboard belongs to no region.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        all_there_are = clients.listings.things(
            self.kind, lambda: _bodies(clients.cloudwatch), source.listings_since
        )
        for name, body in in_time(all_there_are, enough_time, "dashboards"):
            metrics = list(_metrics(body))
            if any(metric.of(source) for metric in metrics) and not any(m.of(target) for m in metrics):
                advice = f"charts {source.name} and not {target.name}: add {target.name} to its widgets"
                yield Finding(self.kind, f"dashboard {name}", advice)


class _Metric:
    """One row of a widget: a metric of a table, or an expression over some."""

    def __init__(self, values: list[Any], options: Mapping[str, Any], widget: Mapping[str, Any]) -> None:
        self._namespace = values[0] if values else None
        self._dimensions = list(zip(values[2::2], values[3::2], strict=False))
        self._expression = options.get("expression")
        self._region = options.get("region") or widget.get("region")
        self._account = options.get("accountId") or widget.get("accountId")

    def of(self, table: TableId) -> bool:
        """Whether it charts `table`; a row that does not tell its region or account is of the reader's own."""
        if self._region not in (None, table.region) or self._account not in (None, table.account):
            return False
        if isinstance(self._expression, str):
            return _names(self._expression, table.name)
        # Other services of AWS have tables too; what people publish themselves is about these.
        other_service = str(self._namespace).startswith("AWS/") and self._namespace != "AWS/DynamoDB"
        return not other_service and ("TableName", table.name) in self._dimensions


def _bodies(cloudwatch: CloudWatchClient) -> Iterator[tuple[str, Any]]:
    """The names of all dashboards with what they show; None for a body that is not JSON."""
    for page in cloudwatch.get_paginator("list_dashboards").paginate():
        for entry in page.get("DashboardEntries", []):
            name = entry["DashboardName"]
            try:
                text = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
            except ClientError as error:
                if error_code(error) in ("ResourceNotFound", "DashboardNotFoundError"):
                    continue  # deleted since it was listed
                raise
            yield name, _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _metrics(body: Any) -> Iterator[_Metric]:
    """The rows of all metric widgets
    (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html)."""
    for widget in _list(_mapping(body).get("widgets")):
        properties = _mapping(_mapping(widget).get("properties"))
        before: list[Any] = []
        for row in map(_list, _list(properties.get("metrics"))):
            options = row[-1] if row and isinstance(row[-1], dict) else {}
            values = _written_out(row[:-1] if options else row, before)
            # An expression has no values, and the next metric still repeats those of the metric before it.
            before = values or before
            yield _Metric(values, options, properties)


def _written_out(row: list[Any], before: list[Any]) -> list[Any]:
    """A row with what it takes over from the metric before it: `.` is the value in the same place, and `...`, which
    the console writes, are as many values as the rest of the row leaves room for."""
    values: list[Any] = []
    for place, value in enumerate(row):
        if value == "...":
            to_come = len(row) - place - 1
            values.extend(before[len(values) : len(before) - to_come])
        elif value == "." and len(values) < len(before):
            values.append(before[len(values)])
        else:
            values.append(value)
    return values


def _names(expression: str, table: str) -> bool:
    """Whether a search or a query is about this table: it has the whole name, and is about tables at all."""
    about_tables = "AWS/DynamoDB" in expression or "TableName" in expression
    return about_tables and without_table(expression, table) != expression


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
