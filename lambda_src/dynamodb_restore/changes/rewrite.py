"""Make one item of the target what it is in the source, while replay may be writing the same item."""

from __future__ import annotations

from dynamodb_restore.aws import (
    AwsError,
    Clients,
    ErrorClass,
    classify,
    explain,
    outcome_unknown,
    refuses_item,
)
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.change import Attributes, sdk_attributes
from dynamodb_restore.changes.clock import Clock

_REWRITES = 10
_BACKOFF = Backoff(base_seconds=0.1, rate=2, cap_seconds=2, jitter=0.5)
_ATTEMPTS = 6


def rewrite(clients: Clients, source: str, target: str, key: Attributes, clock: Clock) -> str | None:
    """Write what the source has of an item into the target.

    Replay may write a later image between the read and the write, which the write would then undo. So it is done
    again until the source still has, after the write, what was written.

    The write is made without the SDK's retries, and what it raises can mean that it takes effect later
    (`outcome_unknown`). So the caller notes the key as in doubt first (`DoubtNote.begin`), and clears it only
    where this function returns.

    Returns:
        None where the target has what the source has; otherwise why it has not: the target refuses the item, or
        it changes all the time.

    Raises:
        ClientError, BotoCoreError: the rewrite did not come to an end.
    """
    sdk_key = sdk_attributes(key)

    def present() -> dict[str, object] | None:
        return clients.dynamodb.get_item(TableName=source, Key=sdk_key, ConsistentRead=True).get("Item")  # type: ignore[return-value]

    def write(item: dict[str, object] | None) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                if item is None:
                    clients.dynamodb_once.delete_item(TableName=target, Key=sdk_key)
                else:
                    clients.dynamodb_once.put_item(TableName=target, Item=item)  # type: ignore[arg-type]
            except AwsError as error:
                again = classify(error) is ErrorClass.RETRY and not outcome_unknown(error)
                if again and attempt < _ATTEMPTS and clock.pause(_BACKOFF.delay(attempt, clock.rng)):
                    continue
                raise
            else:
                return

    item = present()
    for _ in range(_REWRITES):
        try:
            write(item)
        except AwsError as error:
            if refuses_item(error):
                return explain(error)
            raise
        written = item
        item = present()
        if item == written:
            return None
    return f"it changed {_REWRITES} times while it was repaired: run repair again"
