"""Pins: the table that an event is about, stored by the event's id.

Many events of a restore do not tell the TableId of the table that is made: those of AWS Backup's jobs, those of calls whose
answer CloudTrail left out, and those that people write. The first delivery that sees the table pins it; whatever has the
name at a later delivery is the target only where it has the same id.

Item shape: `target_id`, and `expires_at` (epoch seconds, the table's TTL attribute); its key is in `store.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dynamodb_restore.aws import (
    ClientError,
    Clients,
    is_condition_failed,
    marshal,
    unmarshal,
)
from dynamodb_restore.store import pin_key


class Pins:
    """The pins in the restore table."""

    def __init__(self, clients: Clients, table_name: str, retention: timedelta) -> None:
        self._dynamodb = clients.dynamodb
        self._table_name = table_name
        self._retention = retention

    def get(self, event_id: str, target: str) -> str | None:
        """The TableId that an event is about, read consistently; None where no delivery has seen the table yet.

        Raises:
            ClientError, BotoCoreError: from GetItem.
        """
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=pin_key(event_id, target), ConsistentRead=True
        )
        return unmarshal(answer.get("Item", {})).get("target_id")

    def pin(self, event_id: str, target: str, target_id: str, now: datetime) -> str:
        """Pin an event to a table, unless another delivery has done so.

        Returns:
            The TableId that it is pinned to.

        Raises:
            ClientError, BotoCoreError: from PutItem or GetItem.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item={
                    **pin_key(event_id, target),
                    **marshal(
                        {"target_id": target_id, "expires_at": int((now + self._retention).timestamp())}
                    ),
                },
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if not is_condition_failed(error):
                raise
            return self.get(event_id, target) or target_id
        return target_id
