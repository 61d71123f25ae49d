"""The tags that a table has now, its own and those that AWS has put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_restore.aws import ClientError, error_code
from dynamodb_restore.findings.finding import TableId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.paginator import ListTagsOfResourcePaginator


def tags_of(table: TableId, listing: ListTagsOfResourcePaginator) -> dict[str, str] | None:
    """A table's tags; None where the table is gone.

    Args:
        listing: of the table's region. Up to ten such calls a second are answered in an account
            (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html).
    """
    try:
        return {
            tag["Key"]: tag["Value"]
            for page in listing.paginate(ResourceArn=table.arn)
            for tag in page.get("Tags", [])
        }
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
