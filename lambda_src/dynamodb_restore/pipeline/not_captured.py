"""The last restore of a source whose target its pipeline does not admit, so that nothing is captured for it.

An item in the restore table, `pk` = `pipeline#SOURCE_TABLE`, `sk` = `not_captured`: `target`, `restore_id`, `at` (epoch seconds)
and `expires_at`. The restore's own report says it too; this is for whoever asks for the status of the source.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from dynamodb_restore.aws import AwsError, Clients
from dynamodb_restore.store import not_captured_key

_KEPT_SECONDS = 35 * 86_400
"""As far back as a table can be restored: whoever looks later can capture nothing any more."""


@dataclass(frozen=True)
class Outside:
    """A restore that was not captured.

    Attributes:
        at: when that was found, epoch seconds.
    """

    target: str
    restore_id: str
    at: int


class NotCaptured:
    """Keeps and finds the note for one source table's pipeline."""

    def __init__(self, clients: Clients, restore_table: str, source: str) -> None:
        self._dynamodb = clients.dynamodb
        self._restore_table = restore_table
        self._key = not_captured_key(source)

    def note(self, restore_id: str, target: str, now: datetime) -> None:
        """Note a restore, in place of an earlier one, as far as AWS takes it: a hint is worth no restore."""
        at = int(now.timestamp())
        with suppress(*AwsError):
            self._dynamodb.put_item(
                TableName=self._restore_table,
                Item={
                    **self._key,
                    "target": {"S": target},
                    "restore_id": {"S": restore_id},
                    "at": {"N": str(at)},
                    "expires_at": {"N": str(at + _KEPT_SECONDS)},
                },
            )

    def read(self) -> Outside | None:
        """The last such restore; None where there was none in the last weeks.

        Raises:
            ClientError, BotoCoreError: from GetItem.
        """
        answer = self._dynamodb.get_item(TableName=self._restore_table, Key=self._key, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        return Outside(item["target"]["S"], item["restore_id"]["S"], int(item["at"]["N"]))


def not_captured_reason(source: str, target: str, patterns: tuple[str, ...]) -> str:
    """Why a restore is not captured, in words.

    Args:
        patterns: which do not admit it; none where they do by now, and did not when the restore began.
    """
    which = ", ".join(patterns) or "as they were when the restore began"
    return (
        f"not captured: name outside target_patterns ({which}), so no changes of {source} are replayed into"
        f" {target}"
    )
