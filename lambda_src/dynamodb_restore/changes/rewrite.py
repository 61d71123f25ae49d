"""Copy one item from the source to the target, while replay may be writing the same item."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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
from dynamodb_restore.pace import Clock

_REWRITES = 10
_BACKOFF = Backoff(base_seconds=0.1, rate=2, cap_seconds=2, jitter=0.5)
_ATTEMPTS = 6


class FencedError(Exception):
    """The restore no longer replays, so its target must not be written to."""


def rewrite(
    clients: Clients, source: str, target: str, key: Attributes, clock: Clock, holds: Callable[[], bool]
) -> str | None:
    """Write what the source has of an item into the target.

    Replay may write a later image between the read and the write, which the write would then undo. So it is done
    again until the source still has, after the write, what was written.

    The write is made without the SDK's retries, and what it raises can mean that it takes effect later
    (`outcome_unknown`). So the caller notes the key as in doubt first (`DoubtNote.begin`), and clears it only
    where this function returns.

    Args:
        holds: whether the restore still replays. Asked before each write, for an invocation can run on for minutes behind
            a fence whose end is told after the timeout of replay (`Pipeline.fenced_from`).

    Returns:
        None where the target has what the source has; otherwise why it has not: the target refuses the item, or
        it changes all the time.

    Raises:
        FencedError: it does not; nothing of this function's is on its way then.
        ClientError, BotoCoreError: the rewrite did not come to an end.
    """
    sdk_key = sdk_attributes(key)

    def present() -> dict[str, object] | None:
        return clients.dynamodb.get_item(TableName=source, Key=sdk_key, ConsistentRead=True).get("Item")  # type: ignore[return-value]

    def write(item: dict[str, object] | None) -> None:
        if not holds():
            raise FencedError
        if item is None:
            clients.dynamodb_once.delete_item(TableName=target, Key=sdk_key)
        else:
            clients.dynamodb_once.put_item(TableName=target, Item=item)  # type: ignore[arg-type]

    item = present()
    for _ in range(_REWRITES):
        try:
            _with_retries(partial(write, item), clock)
        except AwsError as error:
            if refuses_item(error):
                return explain(error)
            raise
        written = item
        item = present()
        if item == written:
            return None
    return f"it changed {_REWRITES} times while it was repaired: run repair again"


def _with_retries(write: Callable[[], None], clock: Clock) -> None:
    """Make a write again while it is certain that it was not carried out, and may be later."""
    attempt = 1
    while True:
        try:
            return write()
        except AwsError as error:
            again = classify(error) is ErrorClass.RETRY and not outcome_unknown(error)
            if not again or attempt == _ATTEMPTS or not clock.pause(_BACKOFF.delay(attempt, clock.rng)):
                raise
        attempt += 1
