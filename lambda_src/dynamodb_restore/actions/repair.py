"""`{"action": "repair", "table": …}`: read the quarantined items from the source again and write them."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.context import claim_of
from dynamodb_restore.aws import AwsError, Clients, explain, refuses_item
from dynamodb_restore.changes.change import Attributes, sdk_attributes
from dynamodb_restore.pipeline.pipeline import Pipeline

_REWRITES = 10


def repair(clients: Clients, pipeline: Pipeline) -> dict[str, Any]:
    """Read the quarantined items from the source again and write what it has now.

    Returns:
        `{"repaired": count, "refused": [{"key", "reason"}, …]}`.

    Raises:
        OperatorError: no restore owns the pipeline.
    """
    claim = claim_of(pipeline)
    quarantine = pipeline.quarantine(claim)
    repaired, refused = 0, []
    for item in quarantine.items():
        reason = _rewrite(clients, pipeline.source, claim.target, item.key)
        if reason is None and not quarantine.resolve(item):
            reason = "a later change of it was refused meanwhile"
        if reason is None:
            repaired += 1
        else:
            refused.append({"key": item.key, "reason": reason})
    return {"repaired": repaired, "refused": refused}


def _rewrite(clients: Clients, source: str, target: str, key: Attributes) -> str | None:
    """Make one item of the target what it is in the source; why not, where the target refuses.

    Replay may write a later image between the read and the write, which the write would then undo. So it
    is done again until the source still has, after the write, what was written.
    """
    dynamodb = clients.dynamodb
    sdk_key = sdk_attributes(key)
    item = dynamodb.get_item(TableName=source, Key=sdk_key, ConsistentRead=True).get("Item")
    for _ in range(_REWRITES):
        try:
            if item is None:
                dynamodb.delete_item(TableName=target, Key=sdk_key)
            else:
                dynamodb.put_item(TableName=target, Item=item)
        except AwsError as error:
            if not refuses_item(error):
                raise
            return explain(error)
        written = item
        item = dynamodb.get_item(TableName=source, Key=sdk_key, ConsistentRead=True).get("Item")
        if item == written:
            return None
    return f"it changed {_REWRITES} times while it was repaired: run repair again"
