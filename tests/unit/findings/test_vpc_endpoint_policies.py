"""Policies of DynamoDB's VPC endpoints that name the source table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.vpc_endpoint_policies import VpcEndpointPolicies
from tests.unit.fakes import Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))


def policy(*resources: str, effect: str = "Allow", element: str = "Resource") -> str:
    statement = {"Effect": effect, "Principal": "*", "Action": "dynamodb:*", element: list(resources)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True, **source: Any) -> list[Finding]:
    named = TableId(**{**SOURCE.__dict__, **source})
    return list(VpcEndpointPolicies().find(named, TARGET, clients, enough_time))


def test_all_pages_of_dynamodbs_endpoints_are_read(aws: Aws, clients: Clients) -> None:
    put = aws.consumers.put_endpoint
    put("vpce-1", policy(SOURCE.arn))
    put("vpce-2", policy("*"))
    put("vpce-3", policy(table_arn("orders-archive")))
    put("vpce-4", policy(f"{SOURCE.arn}/index/*"), service="dynamodb-fips")
    put("vpce-5", policy(f"{SOURCE.arn}/stream/*"), service="dynamodb-streams")
    put("vpce-6", policy(SOURCE.arn), service="s3")
    put("vpce-7", policy(SOURCE.arn), state="deleting")
    says = "allows actions on orders and not on orders-restored: add"
    assert find(clients) == [
        Finding(
            "vpc_endpoint_policies", "VPC endpoint vpce-1 in vpc-1", f"{says} {TARGET.arn} to its Resource"
        ),
        Finding(
            "vpc_endpoint_policies",
            "VPC endpoint vpce-4 in vpc-1",
            f"{says} {TARGET.arn}/index/* to its Resource",
        ),
        Finding(
            "vpc_endpoint_policies",
            "VPC endpoint vpce-5 in vpc-1",
            f"{says} {TARGET.arn}/stream/* to its Resource",
        ),
    ]
    # Those of other services are not asked for: 6 pages of one.
    assert len(aws.named("DescribeVpcEndpoints")) == len(aws.calls) == 6
    assert aws.calls[0].parameters["MaxResults"] == 1000


@pytest.mark.parametrize(
    ("document", "advice"),
    [
        (policy(SOURCE.arn, TARGET.arn), None),
        (policy(table_arn("orders*")), None),
        (
            policy(SOURCE.arn, effect="Deny"),
            f"denies actions on orders and not on orders-restored: add {TARGET.arn} to its Resource",
        ),
        (
            policy(SOURCE.arn, effect="Deny", element="NotResource"),
            f"denies actions on everything but orders, so on orders-restored: add {TARGET.arn} to its NotResource",
        ),
        ("not JSON", None),
        ("[]", None),
        ("", None),
    ],
)
def test_what_a_policy_lacks(aws: Aws, clients: Clients, document: str, advice: str | None) -> None:
    aws.consumers.put_endpoint("vpce-1", document)
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_an_account_with_none_costs_one_call(aws: Aws, clients: Clients) -> None:
    assert find(clients) == []
    (call,) = aws.calls
    services = [
        f"com.amazonaws.eu-central-1.{each}" for each in ("dynamodb", "dynamodb-fips", "dynamodb-streams")
    ]
    assert call.parameters["Filters"] == [{"Name": "service-name", "Values": services}]


def test_an_endpoint_reaches_no_table_of_another_region(aws: Aws, clients: Clients) -> None:
    assert find(clients, region="eu-west-1") == []
    assert aws.calls == []


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.fail("DescribeVpcEndpoints", "UnauthorizedOperation", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    for number in range(3):
        aws.consumers.put_endpoint(f"vpce-{number}", policy(SOURCE.arn))
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 VPC endpoints"):
        find(clients, lambda: next(time))
    assert len(aws.calls) == 2
