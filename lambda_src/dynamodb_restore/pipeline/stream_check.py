"""Whether capture reads what it is to read: the live stream of the source, through the mapping that Terraform made.

What was true when the pipeline was applied may not be true when a table is restored: a stream that was switched off and
on again has a new ARN, a table that was made anew has another stream, and the old one stays readable for a day, with nothing
new in it (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_restore.pipeline.registration import Registration

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef


def misdirected(
    mapping: EventSourceMappingConfigurationResponseTypeDef,
    source: TableDescriptionTypeDef | None,
    registration: Registration,
) -> str | None:
    """Why the capture mapping does not read every change of the source; None where it does.

    Args:
        source: DescribeTable's answer about the source table; None where there is none.
    """
    table = registration.source
    if source is None:
        return f"table {table} does not exist, so nothing more can be captured"
    if not source.get("StreamSpecification", {}).get("StreamEnabled"):
        return f"the stream of {table} is switched off, so nothing is captured: enable it, then run `terraform apply`"
    live, read = source.get("LatestStreamArn"), mapping.get("EventSourceArn")
    if live != read:
        return (
            f"the stream of {table} is {live}, and capture reads {read}, which nothing is written to any more: run"
            " `terraform apply`"
        )
    return None
