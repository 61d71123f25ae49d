"""One event source mapping of a pipeline: looked at, and switched on and off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dynamodb_restore.aws import Clients

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef


@dataclass(frozen=True)
class EventSourceMapping:
    """Lambda's event source mapping with this UUID.

    Attributes:
        role: `capture` or `replay`, for people.
    """

    clients: Clients
    role: str
    uuid: str

    def describe(self) -> EventSourceMappingConfigurationResponseTypeDef:
        """The mapping as Lambda has it now.

        Raises:
            ClientError, BotoCoreError: from GetEventSourceMapping.
        """
        return self.clients.lambda_.get_event_source_mapping(UUID=self.uuid)

    def switch(self, *, enabled: bool) -> None:
        """Enable or disable it, unless it is so already or on its way there."""
        settled = ("Enabled", "Enabling") if enabled else ("Disabled", "Disabling")
        if self.describe().get("State") not in settled:
            self.clients.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=enabled)

    def not_working(self) -> str | None:
        """Why it cannot be trusted to hand out everything; None where nothing says so."""
        mapping = self.describe()
        if mapping.get("State") != "Enabled":
            return f"the {self.role} mapping is {mapping.get('State')}"
        if "PROBLEM" in mapping.get("LastProcessingResult", ""):
            return f"the {self.role} mapping reports {mapping['LastProcessingResult']}"
        return None

    def stream_made_at(self) -> int:
        """When the stream that it reads was made, in epoch seconds: the stream's label is that instant
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html, LatestStreamLabel).

        Returns:
            0 where the ARN does not tell.
        """
        label = self.describe().get("EventSourceArn", "").rpartition("/")[2]
        try:
            return int(datetime.fromisoformat(f"{label}+00:00").timestamp())
        except ValueError:
            return 0
