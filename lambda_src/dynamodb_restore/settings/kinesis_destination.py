"""Kinesis data stream destination: which stream gets the table's changes, and how exact its times are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_restore.aws import AwsError, ClientError, ErrorClass, classify, error_code, explain
from dynamodb_restore.permissions import NO_RESOURCE, Statement, service_linked_role
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
    Phase,
    Reading,
    State,
    Step,
    StepOmitted,
    Table,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KinesisDataStreamDestinationTypeDef

_LIVE = ("ACTIVE", "ENABLING", "UPDATING")

_MAY_BE_GONE = ("ResourceNotFoundException", "ValidationException", "AccessDeniedException")
"""How AWS may refuse a stream that is gone. Its API reference tells of none of these that it means the stream
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_EnableKinesisStreamingDestination.html)."""


class KinesisDestination:
    """Portable state: `{"destinations": {stream_arn: precision | None}}`.

    Precision is `MILLISECOND` or `MICROSECOND`; None where AWS does not tell it.
    """

    name = "kinesis_destination"
    phase = Phase.ON_CUTOVER
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="the live destination with its timestamp precision",
        left_alone="the target has another destination",
        about="""
            The Kinesis data stream that gets the table's changes, and how exact their times are. A restored table has
            none.
        """,
        read="""
            `DescribeKinesisStreamingDestination`; destinations that are active, enabling or updating count.
        """,
        written="""
            `EnableKinesisStreamingDestination` with the source's precision where AWS tells it; then looked at until
            it is `ACTIVE`, because AWS says yes at once and can still fail.
        """,
        when="every change that is replayed into the table would be sent on again.",
        kept="""
            A table has one live destination: another one on the target is a conflict and stays, and so does another
            precision. Skipped with the reason: a stream that is gone, or is being deleted. DynamoDB refuses such a
            one in the words for a table that it does not see yet, so Kinesis is asked then (`DescribeStreamSummary`);
            where Kinesis does not tell, nothing is called gone, and the step is tried again for minutes.
            `ENABLE_FAILED` fails with AWS's own words.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_EnableKinesisStreamingDestination.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_KinesisDataStreamDestination.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_iam.html",
            "docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html",
        ),
        table_reads=TableActions(tables=("dynamodb:DescribeKinesisStreamingDestination",)),
        table_writes=TableActions(tables=("dynamodb:EnableKinesisStreamingDestination",)),
        # Beside its own actions DynamoDB asks for the caller's permissions on the stream
        # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_iam.html).
        asked_for=(
            "kinesis:DescribeStream",
            "kinesis:PutRecords",
            "kinesis:ListStreams",
            "iam:CreateServiceLinkedRole",
        ),
        statements=(
            Statement(
                "UseKinesisStreams",
                ("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecords"),
                ("{each_attachable_stream}",),
                reason="Which stream a source table feeds is known only when it is restored; what may be attached at all, `attachable` says.",
                writes=True,
            ),
            Statement(
                "ListKinesisStreams", ("kinesis:ListStreams",), ("*",), reason=NO_RESOURCE, writes=True
            ),
            service_linked_role(
                "CreateKinesisReplicationRole",
                "kinesisreplication.dynamodb.amazonaws.com",
                "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication",
            ),
        ),
    )

    def read(self, table: Table) -> Reading:
        answer = table.clients.dynamodb.describe_kinesis_streaming_destination(TableName=table.name)
        all_destinations = answer.get("KinesisDataStreamDestinations", [])
        destinations = {
            destination["StreamArn"]: destination.get("ApproximateCreationDateTimePrecision")
            for destination in all_destinations
            if destination.get("DestinationStatus") in _LIVE
        }
        in_motion = tuple(
            f"{destination['StreamArn']} is {destination['DestinationStatus']}"
            for destination in all_destinations
            if destination.get("DestinationStatus") in ("ENABLING", "UPDATING")
        )
        # EnableKinesisStreamingDestination answers 200 and the destination can still fail later
        # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_KinesisDataStreamDestination.html).
        failures = tuple(
            _failure(destination)
            for destination in all_destinations
            if destination.get("DestinationStatus") == "ENABLE_FAILED"
        )
        return Reading({"destinations": destinations}, in_motion, failures)

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        present = current["destinations"]
        for stream_arn, precision in sorted(desired["destinations"].items()):
            if stream_arn in present:
                other = present[stream_arn]
                if precision and other and other != precision:
                    conflicts.append(
                        f"{stream_arn} gets times in {other} on the target, {precision} on the source"
                    )
            elif present:
                kept = ", ".join(sorted(present))
                conflicts.append(
                    f"a table has one Kinesis destination; the target keeps {kept}, not {stream_arn}"
                )
            else:
                times = f" with times in {precision}" if precision else ""
                payload = {"stream_arn": stream_arn, "precision": precision}
                steps.append(Step(f"send changes to {stream_arn}{times}", payload))
        return Difference(tuple(steps), tuple(conflicts))

    def apply(self, table: Table, step: Step) -> None:
        stream_arn = step.payload["stream_arn"]
        try:
            _enable(table, stream_arn, step.payload["precision"])
        except ClientError as error:
            if error_code(error) in _MAY_BE_GONE and classify(error) is not ErrorClass.IGNORE:
                _look_for_stream(table, stream_arn, error)
            raise


def _enable(table: Table, stream_arn: str, precision: str | None) -> None:
    enable = table.clients.dynamodb.enable_kinesis_streaming_destination
    if precision:
        configuration = {"ApproximateCreationDateTimePrecision": precision}
        enable(
            TableName=table.name,
            StreamArn=stream_arn,
            EnableKinesisStreamingConfiguration=configuration,  # type: ignore[arg-type]
        )
    else:
        enable(TableName=table.name, StreamArn=stream_arn)


def _look_for_stream(table: Table, stream_arn: str, refusal: ClientError) -> None:
    """Ask Kinesis whether a stream is there that DynamoDB has refused: a stream that is gone is refused in the same way as a
    table that is not seen yet. Nothing is asked where DynamoDB names the table.

    Raises:
        StepOmitted: it is gone.
        CannotApplyError: something is not found, and Kinesis does not say what.
    """
    if f"table: {table.name}".lower() in str(refusal).lower():
        return
    try:
        answer = table.clients.kinesis.describe_stream_summary(StreamARN=stream_arn)
    except AwsError as problem:
        # docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
        if error_code(problem) == "ResourceNotFoundException":
            raise StepOmitted("Kinesis says that there is no such stream (any more)") from refusal
        if error_code(refusal) == "ResourceNotFoundException":
            raise CannotApplyError(
                f"{explain(refusal)}; whether the stream exists could not be asked: {explain(problem)}",
                passes=True,
            ) from refusal
        return
    if answer["StreamDescriptionSummary"]["StreamStatus"] == "DELETING":
        raise StepOmitted("Kinesis says that the stream is being deleted") from refusal


def _failure(destination: KinesisDataStreamDestinationTypeDef) -> str:
    why = destination.get("DestinationStatusDescription") or "AWS gives no reason"
    return f"{destination['StreamArn']} is ENABLE_FAILED: {why}"
