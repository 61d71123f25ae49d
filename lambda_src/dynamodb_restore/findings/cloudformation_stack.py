"""The CloudFormation stack that owns the source table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.table_tags import tags_of

_STACK_NAME = "aws:cloudformation:stack-name"
_STACK_ID = "aws:cloudformation:stack-id"
_LOGICAL_ID = "aws:cloudformation:logical-id"
"""What CloudFormation puts on each resource of a stack that can have tags
(docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html)."""


class CloudFormationStack:
    """The stack that the source's tags name. These tags are AWS's own, so no restore and no setting gives them to the target."""

    kind = "cloudformation_stack"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            The CloudFormation stack that owns the source: the restored table belongs to no stack, and the next update of the stack
            acts on the source. On by default.
        """,
        found="""
            the tags that CloudFormation puts on the tables of a stack (`aws:cloudformation:stack-name`, `stack-id`, `logical-id`),
            where the target has none of a stack. One line.
        """,
        read="`ListTagsOfResource` of the source, and of the target where the source belongs to a stack.",
        left_out="""
            sources that are gone, and those of another account. Tables that Terraform or another tool owns: nothing on the table
            says so.
        """,
        sources=(
            "docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html",
            "docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html",
        ),
        statements=(),
        table_reads=("dynamodb:ListTagsOfResource",),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        if source.account != target.account:
            return
        for stack, logical_id in in_time(_stacks(source, target, clients), enough_time, "stacks"):
            yield Finding(self.kind, f"stack {stack}", _advice(logical_id, source, target))


def _stacks(source: TableId, target: TableId, clients: Clients) -> Iterator[tuple[str, str | None]]:
    """The stack of the source with the name that the source has in it, unless the target belongs to a stack too."""
    tags = _tags(source, clients)
    stack = tags.get(_STACK_NAME) or tags.get(_STACK_ID)
    if stack is not None and not _tags(target, clients).keys() & {_STACK_NAME, _STACK_ID}:
        yield stack, tags.get(_LOGICAL_ID)


def _tags(table: TableId, clients: Clients) -> dict[str, str]:
    dynamodb = clients.in_region(table.region).dynamodb
    return tags_of(table, dynamodb.get_paginator("list_tags_of_resource")) or {}


def _advice(logical_id: str | None, source: TableId, target: TableId) -> str:
    owned = f"owns {source.name}" + (f" as {logical_id}" if logical_id else "")
    # A stack has resources of its own region.
    here = "the stack" if source.region == target.region else f"a stack in {target.region}"
    return (
        f"{owned}, and {target.name} belongs to no stack: import {target.name} into {here}, or pass its name to what"
        f" the stack configures; until then updates of the stack act on {source.name}"
    )
