"""Zero-ETL integrations that copy the source table to Amazon Redshift or to a lakehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dynamodb_restore.aws import ClientError, Clients, IntegrationsClient, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.pages import pages
from dynamodb_restore.permissions import Statement

_NONE_HERE = ("IntegrationNotFoundFault", "EntityNotFoundException", "UnsupportedOperationFault")
"""What is answered where nothing has this source, or where a region has no such integrations at all."""


class ZeroEtlIntegrations:
    """Integrations whose source is the source table.

    Those with Redshift are made by Redshift's CreateIntegration, those with a lakehouse of SageMaker by AWS Glue's; each service
    lists its own.
    """

    kind = "zero_etl_integrations"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            Zero-ETL integrations that copy the source to Amazon Redshift, to a lakehouse of Amazon SageMaker or to S3 Tables: the
            restored table is copied nowhere, and the source of an integration cannot be changed. On by default.
        """,
        found="""
            integrations of Redshift and of AWS Glue in the source's region with `SourceArn` = source, unless the target has one to
            the same `TargetArn`. One line per integration.
        """,
        read="`DescribeIntegrations` of AWS Glue and of Redshift, each for the source and the target alone; all pages.",
        left_out="integrations that are being deleted; integrations of the target in another region.",
        sources=(
            "docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html",
            "docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeIntegrations.html",
            "docs.aws.amazon.com/redshift/latest/mgmt/zero-etl-using.html",
            "docs.aws.amazon.com/glue/latest/dg/zero-etl-using.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshift.html",
        ),
        statements=(
            Statement(
                "FindZeroEtlIntegrations",
                ("glue:DescribeIntegrations", "redshift:DescribeIntegrations"),
                ("*",),
                reason="Integrations have a random id, and a listing by source names none.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        here = clients.in_region(source.region)
        told: set[str] = set()
        for client, by_source in ((here.glue, "SourceArn"), (here.redshift, "source-arn")):
            filters = [{"Name": by_source, "Values": [source.arn, target.arn]}]
            listed = list(in_time(_integrations(client, filters), enough_time, "zero-ETL integrations"))
            covered = {each["TargetArn"] for each in listed if each["SourceArn"] == target.arn}
            for integration in listed:
                arn, destination = integration["IntegrationArn"], integration["TargetArn"]
                if integration["SourceArn"] == source.arn and destination not in covered and arn not in told:
                    told.add(arn)
                    name = f"integration {integration['IntegrationName']} ({arn})"
                    yield Finding(self.kind, name, _advice(destination, source, target))


def _integrations(
    client: IntegrationsClient, filters: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The integrations of one service that the filters choose, but for those that are being deleted."""
    try:
        for page in pages(client.describe_integrations, "Marker", Filters=filters):
            for integration in page.get("Integrations", []):
                # Redshift writes its states small, AWS Glue in capitals.
                if integration.get("Status", "").lower() != "deleting":
                    yield integration
    except ClientError as error:
        if error_code(error) not in _NONE_HERE:
            raise


def _advice(destination: str, source: TableId, target: TableId) -> str:
    return (
        f"copies {source.name} to {destination}, and nothing copies {target.name} there: create an integration of {target.arn},"
        " which needs point-in-time recovery and a resource policy that lets the integration in; delete this one once nothing writes"
        f" to {source.name} any more"
    )
