"""The window that an operator chose for a restore, kept if the restore releases its claim before it replayed anything.

Items in the restore table (`store.window_key`): `window_start`, `window_end` and
`window_present_images` as in the claim (`claim`), and `expires_at`. The claim itself is deleted, for the next restore. Where
the same restore is taken up again, its new claim has to have this window: what it keeps out would be replayed else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from dynamodb_restore.aws import Clients, marshal, unmarshal
from dynamodb_restore.pipeline.claim import Claim, window_of, window_values
from dynamodb_restore.store import window_key

_KEPT_SECONDS = 35 * 86_400
"""A message lies for 14 days at most in the secondary DLQ, and for as long in the queue that it is sent back to
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html). Each give-up keeps the window
anew."""


class ChosenWindows:
    """Keeps and finds the windows of restores that gave up one source table's pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._source = source

    def keep(self, claim: Claim, now: datetime) -> None:
        """Keep the window of a claim that is about to be given up, if a person chose it.

        Raises:
            ClientError, BotoCoreError: from PutItem.
        """
        if not claim.window_chosen:
            return
        expires_at = int(now.timestamp()) + _KEPT_SECONDS
        self._dynamodb.put_item(
            TableName=self._restore_table,
            Item={
                **window_key(self._source, claim.restore_id),
                **marshal({**window_values(claim.window), "expires_at": expires_at}),
            },
        )

    def taken_over_by(self, claim: Claim) -> Claim:
        """A new claim with the window that was chosen for its restore before; as it is where none was.

        Raises:
            ClientError, BotoCoreError: from GetItem.
        """
        answer = self._dynamodb.get_item(
            TableName=self._restore_table, Key=window_key(self._source, claim.restore_id), ConsistentRead=True
        )
        item = answer.get("Item")
        return (
            claim if item is None else replace(claim, window=window_of(unmarshal(item)), window_chosen=True)
        )
