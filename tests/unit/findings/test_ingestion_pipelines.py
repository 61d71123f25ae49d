"""Pipelines of OpenSearch Ingestion that read the source table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.ingestion_pipelines import IngestionPipelines
from tests.unit.fakes import Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
ADVICE = (
    f"reads orders and not orders-restored: change table_arn in its configuration to {TARGET.arn}, which needs a stream, and"
    " point-in-time recovery for an export"
)


def reading(*arns: str) -> str:
    tables = "".join(f'        - table_arn: "{arn}"\n          stream:\n' for arn in arns)
    return (
        f'version: "2"\ncdc:\n  source:\n    dynamodb:\n      tables:\n{tables}  sink:\n    - opensearch:\n'
    )


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(IngestionPipelines().find(SOURCE, TARGET, clients, enough_time))


def test_all_pages_are_read_and_each_pipeline_costs_a_call(aws: Aws, clients: Clients) -> None:
    aws.consumers.pipelines = {
        "archive": reading(table_arn("orders-archive")),
        "logs": "version: '2'\nlog:\n  source:\n    http:\n",
        "search": reading(SOURCE.arn),
        "shop": reading(table_arn("customers"), SOURCE.arn),
    }
    assert find(clients) == [
        Finding("ingestion_pipelines", "pipeline search", ADVICE),
        Finding("ingestion_pipelines", "pipeline shop", ADVICE),
    ]
    assert len(aws.named("ListPipelines")) == len(aws.named("GetPipeline")) == 4
    assert aws.named("ListPipelines")[0]["MaxResults"] == 100


@pytest.mark.parametrize(
    ("configuration", "found"),
    [
        (reading(SOURCE.arn, TARGET.arn), False),
        (reading(f"{SOURCE.arn}/stream/2026-10-01T00:00:00.000"), True),
        ('{"tables": [{"table_arn": "' + SOURCE.arn + '"}]}', True),
        (f"table_arn: {SOURCE.arn} # the old one", True),
        (f"# table_arn: {SOURCE.arn}", False),
        (f"table_arn: {TARGET.arn}\n  # was {SOURCE.arn}", False),
        (reading(table_arn("orders.v2")), False),
        (reading(table_arn("orders_v2")), False),
        (reading(SOURCE.arn.replace("eu-central-1", "eu-west-1")), False),
        (reading(SOURCE.arn.replace("123456789012", "210987654321")), False),
        ("", False),
    ],
)
def test_which_configurations_name_the_source(
    aws: Aws, clients: Clients, configuration: str, found: bool
) -> None:
    aws.consumers.pipelines["search"] = configuration
    assert [finding.advice for finding in find(clients)] == ([ADVICE] if found else [])


def test_pipelines_that_go_are_passed_over(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.consumers.pipelines = dict.fromkeys(("gone", "going", "there"), reading(SOURCE.arn))
    aws.consumers.deleted.add("gone")
    going = {"Pipelines": [{"PipelineName": "going", "Status": "DELETING"}], "NextToken": "1"}
    listing = aws.consumers._list_pipelines
    monkeypatch.setattr(
        aws.consumers, "_list_pipelines", lambda asked: listing(asked) if "NextToken" in asked else going
    )
    assert [finding.name for finding in find(clients)] == ["pipeline there"]
    assert {each["PipelineName"] for each in aws.named("GetPipeline")} == {"gone", "there"}


def test_they_are_looked_for_in_the_sources_region(clients: Clients, regions: set[str]) -> None:
    elsewhere = TableId("aws", "eu-west-1", SOURCE.account, "orders")
    assert list(IngestionPipelines().find(elsewhere, TARGET, clients, lambda: True)) == []
    assert regions == {"eu-west-1"}


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.consumers.pipelines["search"] = reading(SOURCE.arn)
    aws.fail("GetPipeline", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    aws.consumers.pipelines = {f"search-{number}": reading(SOURCE.arn) for number in range(3)}
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 ingestion pipelines"):
        find(clients, lambda: next(time))
    assert len(aws.named("GetPipeline")) == 2
