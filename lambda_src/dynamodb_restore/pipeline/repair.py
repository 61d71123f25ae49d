"""Repair: write what the source has now of the items that the target refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from dynamodb_restore.aws import AwsError, Clients, explain, refuses_item
from dynamodb_restore.changes.change import Attributes, sdk_attributes
from dynamodb_restore.changes.quarantine import Quarantine, Quarantined
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.replaying import replaying_claim, require_present_images

_REWRITES = 10

_MOST_REFUSED = 100
"""Shown in an answer: Lambda takes 6 MB, and a key may have 3 KB
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


def repair(
    clients: Clients, pipeline: Pipeline, *, enough_time: Callable[[], bool], rng: random.Random
) -> dict[str, Any]:
    """Read the quarantined items from the source again and write what it has now, as far as time allows.

    Returns:
        `{"repaired": count, "refused": [{"key", "reason"}, …], "more_refused": count}`, and where time ran out also
        `{"more": True, "next": "repair again"}`.

    Raises:
        NotReplayingError: no restore replays, or its window has an end.
        ClientError, BotoCoreError: what was repaired stays so; the same call can be made again.
    """
    claim = replaying_claim(pipeline)
    require_present_images(claim)
    quarantine = pipeline.quarantine(claim)
    items = list(quarantine.items())
    # In another order each time: otherwise many that are still refused would use up the time of each call, and none
    # after them would ever be tried.
    rng.shuffle(items)
    repaired, refused = 0, list[dict[str, Any]]()
    for item in items:
        if not enough_time():
            return {**_answer(repaired, refused), "more": True, "next": "repair again"}
        # A person may have ended the restore meanwhile: then the target is no longer ours to write.
        replaying_claim(pipeline, claim.restore_id)
        reason = _repair_one(clients, pipeline, claim, quarantine, item)
        if reason is None:
            repaired += 1
        else:
            refused.append({"key": item.key, "reason": reason})
    return _answer(repaired, refused)


def _answer(repaired: int, refused: list[dict[str, Any]]) -> dict[str, Any]:
    shown = refused[:_MOST_REFUSED]
    return {"repaired": repaired, "refused": shown, "more_refused": len(refused) - len(shown)}


def _repair_one(
    clients: Clients, pipeline: Pipeline, claim: Claim, quarantine: Quarantine, item: Quarantined
) -> str | None:
    """Mend one item and forget that it was refused; why not, where that failed."""
    reason = _rewrite(clients, pipeline.source, claim.target, item.key)
    if reason is None and not quarantine.resolve(item):
        return "a later change of it was refused meanwhile"
    return reason


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
