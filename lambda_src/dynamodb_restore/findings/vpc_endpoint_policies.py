"""Policies of VPC endpoints for DynamoDB that name the source table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from dynamodb_restore.aws import Clients, Ec2Client
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.pages import pages
from dynamodb_restore.findings.policies import lacks
from dynamodb_restore.permissions import NO_RESOURCE, Statement

_SERVICES = ("dynamodb", "dynamodb-fips", "dynamodb-streams")
"""DynamoDB's endpoint services (docs.aws.amazon.com/amazondynamodb/latest/developerguide/privatelink-interface-endpoints.html)."""

_PAGE = 1000
"""The most that DescribeVpcEndpoints gives at once
(docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html)."""


class VpcEndpointPolicies:
    """Gateway and interface endpoints. A policy that names no table says the same of both."""

    kind = "vpc_endpoint_policies"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            Policies of VPC endpoints for DynamoDB that name the source's ARN: who calls through such an endpoint has no access to
            the restored table, whatever its own policies allow. On by default.
        """,
        found="""
            gateway and interface endpoints of DynamoDB in the region of the tables whose policy names the source, its indexes or
            its stream; `NotResource` too. One line per endpoint, with the ARNs to add. A target that another statement of the
            same policy names for the same actions is covered.
        """,
        read="`DescribeVpcEndpoints`, those of DynamoDB alone, 1,000 a call.",
        left_out="""
            endpoints that are being deleted; conditions; restores into another region, since an endpoint reaches the tables of its
            own.
        """,
        sources=(
            "docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html",
            "docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
            "docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-ddb.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
        ),
        statements=(
            Statement("FindVpcEndpointPolicies", ("ec2:DescribeVpcEndpoints",), ("*",), reason=NO_RESOURCE),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        if source.region != target.region:
            return
        ec2 = clients.in_region(source.region).ec2
        for name, document in in_time(_policies(ec2, source.region), enough_time, "VPC endpoints"):
            if advice := lacks(document, source, target):
                yield Finding(self.kind, name, advice)


def _policies(ec2: Ec2Client, region: str) -> Iterator[tuple[str, Any]]:
    """All endpoints of DynamoDB, each with its policy; None for one that is not JSON."""
    services = [f"com.amazonaws.{region}.{service}" for service in _SERVICES]
    filters = [{"Name": "service-name", "Values": services}]
    for page in pages(ec2.describe_vpc_endpoints, "NextToken", Filters=filters, MaxResults=_PAGE):
        for endpoint in page.get("VpcEndpoints", []):
            if endpoint.get("State", "").lower() not in ("deleting", "deleted"):
                name = f"VPC endpoint {endpoint['VpcEndpointId']} in {endpoint['VpcId']}"
                yield name, _parsed(endpoint.get("PolicyDocument", ""))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
