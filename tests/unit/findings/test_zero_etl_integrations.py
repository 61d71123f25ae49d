"""Zero-ETL integrations whose source is the source table, of AWS Glue and of Redshift."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.zero_etl_integrations import ZeroEtlIntegrations
from tests.unit.fakes import REGION, Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
LAKEHOUSE = f"arn:aws:glue:{REGION}:123456789012:database/lake"
WAREHOUSE = f"arn:aws:redshift:{REGION}:123456789012:namespace:1"


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(ZeroEtlIntegrations().find(SOURCE, TARGET, clients, enough_time))


def advice(destination: str) -> str:
    return (
        f"copies orders to {destination}, and nothing copies orders-restored there: create an integration of {TARGET.arn}, which needs"
        " point-in-time recovery and a resource policy that lets the integration in; delete this one once nothing writes to orders any more"
    )


def test_those_of_both_services_are_found(aws: Aws, clients: Clients) -> None:
    for number in range(3):
        aws.consumers.put_integration(f"lake-{number}", SOURCE.arn, f"{LAKEHOUSE}-{number}")
    aws.consumers.put_integration("archive", table_arn("orders-archive"), LAKEHOUSE)
    aws.consumers.put_redshift_integration("warehouse", SOURCE.arn, WAREHOUSE)
    found = find(clients)
    assert [finding.name.split(" ")[1] for finding in found] == ["lake-0", "lake-1", "lake-2", "warehouse"]
    assert found[3] == Finding(
        "zero_etl_integrations",
        f"integration warehouse (arn:aws:redshift:{REGION}:123456789012:integration:warehouse)",
        advice(WAREHOUSE),
    )
    # Three pages of one, and one.
    assert len(aws.named("DescribeIntegrations")) == len(aws.calls) == 4


def test_an_account_with_none_costs_two_calls(aws: Aws, clients: Clients) -> None:
    assert find(clients) == []
    assert [call.parameters["Filters"] for call in aws.calls] == [
        [{"Name": "SourceArn", "Values": [SOURCE.arn, TARGET.arn]}],
        [{"Name": "source-arn", "Values": [SOURCE.arn, TARGET.arn]}],
    ]


def test_a_target_that_is_copied_there_needs_nothing(aws: Aws, clients: Clients) -> None:
    aws.consumers.put_integration("old", SOURCE.arn, LAKEHOUSE)
    aws.consumers.put_integration("new", TARGET.arn, LAKEHOUSE)
    assert find(clients) == []
    aws.consumers.put_integration("new", TARGET.arn, f"{LAKEHOUSE}-2")
    assert [finding.advice for finding in find(clients)] == [advice(LAKEHOUSE)]


def test_one_that_both_services_list_is_told_once(aws: Aws, clients: Clients) -> None:
    aws.consumers.put_integration("shop", SOURCE.arn, WAREHOUSE)
    aws.consumers.redshift_integrations = dict(aws.consumers.integrations)
    assert len(find(clients)) == 1


@pytest.mark.parametrize("status", ["DELETING", "deleting"])
def test_one_that_is_being_deleted_does_not_count(aws: Aws, clients: Clients, status: str) -> None:
    aws.consumers.put_integration("shop", SOURCE.arn, LAKEHOUSE, Status=status)
    aws.consumers.put_redshift_integration("shop", SOURCE.arn, WAREHOUSE)
    aws.consumers.put_redshift_integration("shop-2", TARGET.arn, WAREHOUSE, Status=status)
    assert [finding.advice for finding in find(clients)] == [advice(WAREHOUSE)]


@pytest.mark.parametrize(
    "code", ["IntegrationNotFoundFault", "EntityNotFoundException", "UnsupportedOperationFault"]
)
def test_where_a_service_has_none_the_other_is_still_asked(aws: Aws, clients: Clients, code: str) -> None:
    aws.consumers.put_redshift_integration("warehouse", SOURCE.arn, WAREHOUSE)
    aws.fail("DescribeIntegrations", code)
    assert len(find(clients)) == 1


def test_they_are_looked_for_in_the_sources_region(clients: Clients, regions: set[str]) -> None:
    elsewhere = TableId("aws", "eu-west-1", SOURCE.account, "orders")
    assert list(ZeroEtlIntegrations().find(elsewhere, TARGET, clients, lambda: True)) == []
    assert regions == {"eu-west-1"}


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.fail("DescribeIntegrations", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    for number in range(3):
        aws.consumers.put_integration(f"lake-{number}", SOURCE.arn, f"{LAKEHOUSE}-{number}")
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 zero-ETL integrations"):
        find(clients, lambda: next(time))
    assert len(aws.calls) == 2
