"""Pipelines of Amazon OpenSearch Ingestion that read the source table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dynamodb_restore.aws import ClientError, Clients, IngestionClient, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.naming import Naming
from dynamodb_restore.findings.pages import pages
from dynamodb_restore.permissions import NO_RESOURCE, Statement

_PAGE = 100
"""The most that ListPipelines gives at once (docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_ListPipelines.html)."""

_COMMENT = re.compile(r"(^|\s)#.*", re.MULTILINE)
"""Of YAML: from `#` to the end of the line, at its beginning or after white space (yaml.org/spec/1.2.2, 6.6)."""


class IngestionPipelines:
    """Pipelines whose configuration names the source's ARN. It is YAML or JSON, and is searched as the text that it is."""

    kind = "ingestion_pipelines"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            Pipelines of Amazon OpenSearch Ingestion that read the source: what is written to the restored table does not reach the
            index. Off by default, because it reads the configuration of every pipeline of the region.
        """,
        found="""
            pipelines in the source's region whose configuration names the ARN of the source, or of its stream, and not the
            target's. One line per pipeline.
        """,
        read="`ListPipelines`, 100 a call; `GetPipeline` of each.",
        left_out="pipelines that are being deleted; comments in a configuration.",
        sources=(
            "docs.aws.amazon.com/opensearch-service/latest/developerguide/configure-client-ddb.html",
            "docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_GetPipeline.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_osis.html",
        ),
        statements=(
            Statement("ListIngestionPipelines", ("osis:ListPipelines",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindIngestionPipelines",
                ("osis:GetPipeline",),
                ("arn:{partition}:osis:{each_region}:{account}:pipeline/*",),
                reason="Any of them can read the source.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        osis = clients.in_region(source.region).osis
        for name, configuration in in_time(_configurations(osis), enough_time, "ingestion pipelines"):
            if _names(configuration, source) and not _names(configuration, target):
                advice = (
                    f"reads {source.name} and not {target.name}: change table_arn in its configuration to {target.arn}, which needs"
                    " a stream, and point-in-time recovery for an export"
                )
                yield Finding(self.kind, f"pipeline {name}", advice)


def _configurations(osis: IngestionClient) -> Iterator[tuple[str, str]]:
    """The names of all pipelines, each with its configuration."""
    for page in pages(osis.list_pipelines, "NextToken", MaxResults=_PAGE):
        for listed in page.get("Pipelines", []):
            if listed.get("Status") == "DELETING":
                continue
            name = listed["PipelineName"]
            try:
                pipeline = osis.get_pipeline(PipelineName=name)["Pipeline"]
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    continue  # deleted since it was listed
                raise
            yield name, _COMMENT.sub("", pipeline.get("PipelineConfigurationBody", ""))


def _names(configuration: str, table: TableId) -> bool:
    """Whether the table's ARN is in it."""
    return Naming(table, by_name=False).in_value(configuration)
