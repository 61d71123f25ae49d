"""The DynamoDB stream: on or off, and what its records show."""

from __future__ import annotations

from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table


class Stream:
    """Portable state: `{"view_type": "NEW_IMAGE" | …}`, or `{"view_type": None}` where there is no stream."""

    name = "stream"
    # A stream that is made once replay has ended holds nothing that was replayed: its triggers can begin with its first record,
    # so that they miss nothing and see nothing twice.
    phase = Phase.ON_CUTOVER
    lane = Lane.TABLE
    catalogue = CatalogueEntry(
        default=True,
        what="on or off, with its view type",
        left_alone="the target streams another view type",
        about="The DynamoDB stream: on or off, and what its records show. A restored table has none.",
        read="`DescribeTable`.",
        written="""
            `UpdateTable` with the source's view type; then waited for until the table is `ACTIVE`, since nothing
            attaches to the stream before.
        """,
        when="""
            a stream that is made once replay has ended holds nothing that was replayed, so that its triggers can
            begin with its first record.
        """,
        kept="""
            A stream of another view type on the target is a conflict and stays: view types cannot be edited, and a
            new stream would cut off the readers of this one. A source without a stream leaves the target's alone. For
            a replica AWS enables a stream of both images itself, before cutover.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html",
        ),
        kept_by_drills=True,
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
    )

    def read(self, table: Table) -> Reading:
        description = table.describe()
        specification = description.get("StreamSpecification", {})
        view_type = specification.get("StreamViewType") if specification.get("StreamEnabled") else None
        status = description.get("TableStatus")
        # A new stream can be attached to only once UpdateTable has finished.
        unfinished = view_type is not None and status != "ACTIVE"
        in_motion = (f"the table is {status}",) if unfinished else ()
        return Reading({"view_type": view_type}, in_motion)

    def diff(self, desired: State, current: State) -> Difference:
        wanted, present = desired["view_type"], current["view_type"]
        if wanted is None or wanted == present:
            return Difference()
        if present is not None:
            # The view type of a stream cannot be edited; a new stream would cut off the readers of this one
            # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
            conflict = f"the target streams {present} and the source {wanted}; the target's stream is kept"
            return Difference(conflicts=(conflict,))
        return Difference((Step(f"enable a stream of {wanted}", {"view_type": wanted}),))

    def apply(self, table: Table, step: Step) -> None:
        table.clients.dynamodb.update_table(
            TableName=table.name,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": step.payload["view_type"]},
        )
        table.forget()
