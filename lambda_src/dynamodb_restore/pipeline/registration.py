"""The registration: what Terraform made for one source table.

One item in the restore table, `pk` = `pipeline#SOURCE_TABLE`, `sk` = `registration`, written by Terraform's
`modules/change-pipeline` and only read here: `capture` (`on_restore` or `always`), `buffer_id`, `capture_mapping`,
`replay_mapping` (UUIDs), `buffer_url`, `buffer_dead_letter_url`, `target_patterns` (a list), `failure_bucket` (a name),
`batching_window_seconds`, `replay_timeout_seconds` (numbers).
"""

from __future__ import annotations

import enum
import fnmatch
from dataclasses import dataclass

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.progress import pipeline_partition


class CaptureMode(enum.Enum):
    """When a pipeline captures."""

    ON_RESTORE = "on_restore"
    """From the restore request on, reaching back as far as the stream does."""
    ALWAYS = "always"


@dataclass(frozen=True)
class Registration:
    """A pipeline as Terraform made it.

    Attributes:
        capture_mapping, replay_mapping: UUIDs of the two event source mappings.
        buffer_id: differs between queues of one name, made one after another.
        target_patterns: names of the tables that may claim it, `*` for any run of characters.
        failure_bucket: name of the bucket for what capture gives up.
        batching_window_seconds: how long Lambda may wait for a batch to fill before it hands it to capture.
        replay_timeout_seconds: how long one invocation of replay may run.
    """

    source: str
    mode: CaptureMode
    capture_mapping: str
    replay_mapping: str
    buffer_url: str
    buffer_dead_letter_url: str
    buffer_id: str
    target_patterns: tuple[str, ...]
    failure_bucket: str
    batching_window_seconds: int
    replay_timeout_seconds: int

    def admits(self, target: str) -> bool:
        """Whether a restore into `target` may claim the pipeline."""
        return any(fnmatch.fnmatchcase(target, pattern) for pattern in self.target_patterns)


def read_registration(clients: Clients, restore_table: str, source: str) -> Registration | None:
    """The registration of a source table's pipeline, read consistently; None where it has none.

    Raises:
        ClientError, BotoCoreError: from GetItem.
    """
    answer = clients.dynamodb.get_item(
        TableName=restore_table,
        Key={"pk": {"S": pipeline_partition(source)}, "sk": {"S": "registration"}},
        ConsistentRead=True,
    )
    item = answer.get("Item")
    if item is None:
        return None
    return Registration(
        source=source,
        mode=CaptureMode(item["capture"]["S"]),
        capture_mapping=item["capture_mapping"]["S"],
        replay_mapping=item["replay_mapping"]["S"],
        buffer_url=item["buffer_url"]["S"],
        buffer_dead_letter_url=item["buffer_dead_letter_url"]["S"],
        buffer_id=item["buffer_id"]["S"],
        target_patterns=tuple(pattern["S"] for pattern in item["target_patterns"]["L"]),
        failure_bucket=item["failure_bucket"]["S"],
        batching_window_seconds=int(item["batching_window_seconds"]["N"]),
        replay_timeout_seconds=int(item["replay_timeout_seconds"]["N"]),
    )
