"""One event source mapping of a pipeline: reading its state, enabling and disabling it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore.aws import Clients
from dynamodb_restore.instants import stream_label_time

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef


STREAM_RETENTION = timedelta(hours=24)
"""How far back a stream reaches (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html)."""

_START = timedelta(minutes=10)
"""How long a mapping that was just enabled may take until it reads, while the stream drops what is a day old: AWS speaks of
minutes (docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html)."""


@dataclass(frozen=True)
class EventSourceMapping:
    """Lambda's event source mapping with this UUID."""

    clients: Clients
    uuid: str

    def describe(self) -> EventSourceMappingConfigurationResponseTypeDef:
        """The mapping as Lambda has it now.

        Raises:
            ClientError, BotoCoreError: from GetEventSourceMapping.
        """
        return self.clients.lambda_.get_event_source_mapping(UUID=self.uuid)

    @property
    def is_off(self) -> bool:
        """Whether it is disabled, or on its way there; raises as `describe` does."""
        return self.describe().get("State") in ("Disabled", "Disabling")

    def switch(self, *, enabled: bool) -> None:
        """Enable or disable it, unless it is so already or on its way there."""
        settled = ("Enabled", "Enabling") if enabled else ("Disabled", "Disabling")
        if self.describe().get("State") not in settled:
            self.clients.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=enabled)


@dataclass(frozen=True)
class MappingState:
    """What an event source mapping says of itself.

    Attributes:
        role: `capture` or `replay`.
        modified_at: when it was last changed, epoch seconds; 0 where Lambda does not tell.
        batching_window_seconds: how long Lambda may wait for a batch to fill.
    """

    role: str
    state: str
    last_result: str
    modified_at: float
    batching_window_seconds: int = 0

    @property
    def not_working(self) -> str | None:
        """Why it may not deliver all records; None if there is no sign of that."""
        if self.state != "Enabled":
            return f"the {self.role} mapping is {self.state}"
        if "PROBLEM" in self.last_result:
            return f"the {self.role} mapping reports {self.last_result}"
        return None


def mapping_state(role: str, mapping: EventSourceMappingConfigurationResponseTypeDef) -> MappingState:
    """What Lambda's answer says."""
    modified: datetime | None = mapping.get("LastModified")
    return MappingState(
        role,
        mapping.get("State", "unknown"),
        mapping.get("LastProcessingResult", ""),
        0.0 if modified is None else modified.timestamp(),
        mapping.get("MaximumBatchingWindowInSeconds", 0),
    )


def certainly_read_from(modified_at: float) -> int:
    """From when on a mapping that was last changed at an instant has read everything, or will; both in epoch seconds.

    Before that change it may have been off for any time, and nothing tells. From then on it reads what the stream still has.
    """
    return int(modified_at - (STREAM_RETENTION - _START).total_seconds())


def stream_made_at(mapping: EventSourceMappingConfigurationResponseTypeDef) -> int:
    """When the stream that a mapping reads was made, in epoch seconds; 0 where its ARN does not tell."""
    return stream_label_time(mapping.get("EventSourceArn", ""))
