"""What other services keep of tables by their ARN: zero-ETL integrations, ingestion pipelines, VPC endpoints, trails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION

_MADE_AT = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class Consumers:
    """Each listing comes in pages of one.

    Attributes:
        integrations: of AWS Glue, by name.
        redshift_integrations: of Amazon Redshift, by name.
        pipelines: of OpenSearch Ingestion, name to configuration.
        endpoints: of VPCs, by id.
        trails: by name, with what GetEventSelectors answers.
        trail_owners: accounts of the trails that are not this one's.
        deleted: names of what is gone since it was listed.
    """

    integrations: dict[str, dict[str, Any]] = field(default_factory=dict)
    redshift_integrations: dict[str, dict[str, Any]] = field(default_factory=dict)
    pipelines: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    trails: dict[str, dict[str, Any]] = field(default_factory=dict)
    trail_owners: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def put_integration(self, name: str, source: str, destination: str, **more: Any) -> None:
        """One of AWS Glue."""
        self.integrations[name] = _integration("glue", name, source, destination, "ACTIVE", more)

    def put_redshift_integration(self, name: str, source: str, destination: str, **more: Any) -> None:
        self.redshift_integrations[name] = _integration("redshift", name, source, destination, "active", more)

    def put_endpoint(
        self, name: str, policy: str, *, service: str = "dynamodb", state: str = "available"
    ) -> None:
        self.endpoints[name] = {
            "VpcEndpointId": name,
            "VpcId": "vpc-1",
            "ServiceName": f"com.amazonaws.{REGION}.{service}",
            "State": state,
            "PolicyDocument": policy,
        }

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "DescribeIntegrations": self._integrations,
            "ListPipelines": self._list_pipelines,
            "GetPipeline": self._get_pipeline,
            "DescribeVpcEndpoints": self._endpoints,
            "DescribeTrails": self._trails,
            "GetEventSelectors": self._selectors,
        }

    def _integrations(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        (asked,) = parameters["Filters"]
        # Each service has a word of its own for the filter, and both have one operation.
        services = {"SourceArn": self.integrations, "source-arn": self.redshift_integrations}
        found = [each for each in services[asked["Name"]].values() if each["SourceArn"] in asked["Values"]]
        return _page("Integrations", found, parameters, "Marker")

    def _list_pipelines(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        names = [{"PipelineName": name, "Status": "ACTIVE"} for name in sorted(self.pipelines)]
        return _page("Pipelines", names, parameters, "NextToken")

    def _get_pipeline(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["PipelineName"]
        if name in self.deleted:
            raise client_error("GetPipeline", "ResourceNotFoundException", f"{name} could not be found", 404)
        return {"Pipeline": {"PipelineName": name, "PipelineConfigurationBody": self.pipelines[name]}}

    def _endpoints(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        (asked,) = parameters["Filters"]
        if asked["Name"] != "service-name":
            raise client_error("DescribeVpcEndpoints", "InvalidParameterValue", "unknown filter")
        found = [each for each in self.endpoints.values() if each["ServiceName"] in asked["Values"]]
        return _page("VpcEndpoints", found, parameters, "NextToken")

    def _trails(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "trailList": [{"Name": name, "TrailARN": self._trail_arn(name)} for name in sorted(self.trails)]
        }

    def _selectors(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["TrailName"].rpartition("/")[2]
        if name in self.deleted:
            raise client_error("GetEventSelectors", "TrailNotFoundException", f"Unknown trail: {name}")
        return {"TrailARN": self._trail_arn(name), **self.trails[name]}

    def _trail_arn(self, name: str) -> str:
        return f"arn:aws:cloudtrail:eu-north-1:{self.trail_owners.get(name, ACCOUNT)}:trail/{name}"


def _integration(
    service: str, name: str, source: str, destination: str, status: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "IntegrationName": name,
        "IntegrationArn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:integration:{name}",
        "SourceArn": source,
        "TargetArn": destination,
        "Status": status,
        "CreateTime": _MADE_AT,
        **more,
    }


def _page(
    key: str, rows: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], token: str
) -> dict[str, Any]:
    start = int(parameters.get(token, "0"))
    more = {token: str(start + 1)} if start + 1 < len(rows) else {}
    return {key: list(rows[start : start + 1]), **more}
