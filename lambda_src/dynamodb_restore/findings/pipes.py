"""EventBridge Pipes that read the source table's stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.naming import spelled
from dynamodb_restore.permissions import NO_RESOURCE, Statement


class Pipes:
    """Pipes whose source is a stream of the source table.

    EventBridge chooses them by the beginning of their source's ARN, so the number of calls grows with the pipes of this one table
    alone (docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_ListPipes.html). A pipe keeps its source: UpdatePipe has no
    such parameter.
    """

    kind = "pipes"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            EventBridge Pipes that read the source's stream: the changes of the restored table do not reach them. A pipe
            cannot be given another source. On by default.
        """,
        found="""
            pipes in the source's region whose source is a stream of the source table, stopped ones too. One line per
            pipe.
        """,
        read="`ListPipes` with the beginning of the stream's ARN as `SourcePrefix`: one call for 100 such pipes.",
        left_out="""
            whether a pipe for the target's stream exists beside it; the Kinesis destination's readers (setting
            `kinesis_destination`); Lambda triggers (setting `stream_triggers`).
        """,
        sources=(
            "docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_ListPipes.html",
            "docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_UpdatePipe.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgepipes.html",
        ),
        statements=(Statement("FindPipes", ("pipes:ListPipes",), ("*",), reason=NO_RESOURCE),),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        streams = f"{source.arn}/stream/"
        listing = clients.in_region(source.region).pipes.get_paginator("list_pipes")
        pages = listing.paginate(SourcePrefix=streams, PaginationConfig={"PageSize": 100})
        advice = _advice(*spelled(source, target))
        for page in in_time(pages, enough_time, "pages of pipes"):
            for pipe in page.get("Pipes", []):
                if pipe.get("Source", "").startswith(streams):
                    yield Finding(self.kind, f"pipe {pipe['Name']}", advice)


def _advice(old: str, new: str) -> str:
    return (
        f"reads the stream of {old}, so the changes of {new} do not reach it: create a pipe that reads the stream of {new}, "
        f"because a pipe's source cannot be changed, and delete this one once nothing writes to {old} any more"
    )
