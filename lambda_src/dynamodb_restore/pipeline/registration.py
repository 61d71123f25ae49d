"""The registration: what Terraform made for one source table.

One item in the restore table, `pk` = `pipeline#SOURCE_TABLE`, `sk` = `registration`, written by Terraform's
`modules/change-pipeline` and only read here. Its attributes are those of `Registration`; `capture` is its `mode`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.patterns import matches_any
from dynamodb_restore.store import registration_key


class RegistrationError(Exception):
    """A registration is not as this release writes it; the text says what to do."""


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
        image_prefix: of objects in that bucket that hold images, ending in a slash.
        capture_function, replay_function, upkeep_function: ARNs.
        stream_arn: the stream that capture reads.
        stream_has_new_images: whether that stream's records carry the items as they are after a change.
        filters: patterns of Lambda's event filtering as JSON text; none where every change is captured.
        batching_window_seconds: how long Lambda may hold changes back before it invokes capture.
        replay_timeout_seconds: the longest that an invocation of replay runs.
        in_root_module: whether the deployment's root module makes it, whose plan then looks after it.
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
    image_prefix: str
    capture_function: str
    replay_function: str
    upkeep_function: str
    stream_arn: str
    stream_has_new_images: bool
    filters: tuple[str, ...]
    batching_window_seconds: int
    replay_timeout_seconds: int
    in_root_module: bool = False

    def admits(self, target: str) -> bool:
        """Whether a restore into `target` may claim the pipeline."""
        return matches_any(self.target_patterns, target)


def read_registration(clients: Clients, restore_table: str, source: str) -> Registration | None:
    """The registration of a source table's pipeline, read consistently; None where it has none.

    Raises:
        ClientError, BotoCoreError: from GetItem.
        RegistrationError: the item is not as this release writes it.
    """
    answer = clients.dynamodb.get_item(
        TableName=restore_table,
        Key=registration_key(source),
        ConsistentRead=True,
    )
    if "Item" not in answer:
        return None
    # In DynamoDB's own form: of which kind each value is belongs to what is checked.
    item: dict[str, Any] = dict(answer["Item"])

    def texts(name: str) -> tuple[str, ...]:
        return tuple(text["S"] for text in item[name]["L"])

    try:
        return Registration(
            source=source,
            mode=CaptureMode(item["capture"]["S"]),
            capture_mapping=item["capture_mapping"]["S"],
            replay_mapping=item["replay_mapping"]["S"],
            buffer_url=item["buffer_url"]["S"],
            buffer_dead_letter_url=item["buffer_dead_letter_url"]["S"],
            buffer_id=item["buffer_id"]["S"],
            target_patterns=texts("target_patterns"),
            failure_bucket=item["failure_bucket"]["S"],
            image_prefix=item["image_prefix"]["S"],
            capture_function=item["capture_function"]["S"],
            replay_function=item["replay_function"]["S"],
            upkeep_function=item["upkeep_function"]["S"],
            stream_arn=item["stream_arn"]["S"],
            stream_has_new_images=item["stream_has_new_images"]["BOOL"],
            filters=texts("filters"),
            batching_window_seconds=int(item["batching_window_seconds"]["N"]),
            replay_timeout_seconds=int(item["replay_timeout_seconds"]["N"]),
            in_root_module=item.get("in_root_module", {}).get("BOOL", False),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegistrationError(
            f"the registration of the pipeline of {source} is of another release ({error!r}): run `terraform apply` "
            "where the pipeline is configured"
        ) from error
