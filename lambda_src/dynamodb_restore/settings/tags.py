"""Tags: all but the reserved `aws:` ones."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

_MOST_TAGS = 50
"""User tags on one resource (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html)."""


class Tags:
    """Portable state: `{"tags": {key: value}}`."""

    name = "tags"
    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="all but `aws:…`",
        left_alone="a key that the target has with another value; beyond 50 tags",
        about="""
            Tags of the table, which cost reports, access by tag and AWS Backup's selections go by. A restore leaves
            them out.
        """,
        read="`ListTagsOfResource`, all pages.",
        written="`TagResource`, one call with all that are missing.",
        when="they describe the table, and backup plans choose by them.",
        kept="""
            A tag that the target has with another value is a conflict and stays. Tags whose key begins with `aws` and
            a colon are AWS's own and cannot be assigned. A table takes 50 tags: those that do not fit are left out,
            each with that reason.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        kept_by_drills=True,
        table_reads=TableActions(tables=("dynamodb:ListTagsOfResource",)),
        table_writes=TableActions(tables=("dynamodb:TagResource",)),
    )

    def read(self, table: Table) -> Reading:
        listing = table.clients.dynamodb.get_paginator("list_tags_of_resource")
        tags = {
            tag["Key"]: tag["Value"]
            for page in listing.paginate(ResourceArn=table.arn)
            for tag in page.get("Tags", [])
            # AWS reserves this prefix for itself and refuses to assign it, in either case of letters
            # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html).
            if not tag["Key"].lower().startswith("aws:")
        }
        return Reading({"tags": tags})

    def diff(self, desired: State, current: State) -> Difference:
        have = current["tags"]
        missing = {key: value for key, value in sorted(desired["tags"].items()) if key not in have}
        room = max(0, _MOST_TAGS - len(have))
        fitting = dict(list(missing.items())[:room])
        conflicts = tuple(
            f"tag {key} is {have[key]!r} on the target and {value!r} on the source; the target's is kept"
            for key, value in sorted(desired["tags"].items())
            if key in have and have[key] != value
        )
        omitted = tuple(
            f"tag {key} does not fit: a table takes {_MOST_TAGS} tags"
            for key in missing
            if key not in fitting
        )
        steps = (Step("add tags " + ", ".join(f"{k}={v}" for k, v in fitting.items()), {"tags": fitting}),)
        return Difference(steps if fitting else (), conflicts, omitted)

    def apply(self, table: Table, step: Step) -> None:
        tags = [{"Key": key, "Value": value} for key, value in step.payload["tags"].items()]
        table.clients.dynamodb.tag_resource(ResourceArn=table.arn, Tags=tags)  # type: ignore[arg-type]
