"""What the functions are told by their environment, read once an invocation and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.capture import CaptureOptions


class ConfigError(Exception):
    """The function's environment is not as Terraform sets it; the text names the variable."""


@dataclass(frozen=True)
class Polling:
    """How long a restore is followed.

    Attributes:
        max_attempts: deliveries of one message, the last of which gives up.
        backoff: delays between them, in seconds.
    """

    max_attempts: int
    backoff: Backoff


@dataclass(frozen=True)
class WorkerConfig:
    """The restore worker's environment.

    Attributes:
        switches: setting name to whether it is cloned; a setting that is not named is off.
        notification_topic_arn: None where nobody is to be notified.
        record_retention_days: how long a restore record is kept after its last change.
    """

    restore_table_name: str
    restore_queue_url: str
    dead_letter_queue_url: str
    notification_topic_arn: str | None
    event_bus_name: str
    switches: Mapping[str, bool]
    polling: Polling
    record_retention_days: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WorkerConfig:
        """Read the variables that `modules/restore-worker` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            polling = json.loads(environment["POLLING"])
            backoff = Backoff(
                base_seconds=float(polling["base_delay_seconds"]),
                rate=float(polling["backoff_rate"]),
                cap_seconds=float(polling["max_delay_seconds"]),
                jitter=float(polling["jitter"]),
            )
            return cls(
                restore_table_name=environment["RESTORE_TABLE_NAME"],
                restore_queue_url=environment["RESTORE_QUEUE_URL"],
                dead_letter_queue_url=environment["DEAD_LETTER_QUEUE_URL"],
                notification_topic_arn=environment.get("NOTIFICATION_TOPIC_ARN") or None,
                event_bus_name=environment["EVENT_BUS_NAME"],
                switches=json.loads(environment["SETTINGS"]),
                polling=Polling(int(polling["max_attempts"]), backoff),
                record_retention_days=int(environment["RECORD_RETENTION_DAYS"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"environment variable missing or unreadable: {error!r}") from error


@dataclass(frozen=True)
class CaptureConfig:
    """The capture function's environment."""

    source_table: str
    restore_table_name: str
    buffer_id: str
    options: CaptureOptions

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CaptureConfig:
        """Read the variables that `modules/change-pipeline` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            return cls(
                source_table=environment["SOURCE_TABLE_NAME"],
                restore_table_name=environment["RESTORE_TABLE_NAME"],
                buffer_id=environment["BUFFER_ID"],
                options=CaptureOptions(
                    buffer_url=environment["BUFFER_URL"],
                    group_count=int(environment["GROUP_COUNT"]),
                    byte_limit=int(environment["BYTE_LIMIT"]),
                    keep_expiries=environment["KEEP_EXPIRIES"] == "true",
                ),
            )
        except (KeyError, ValueError) as error:
            raise ConfigError(f"environment variable missing or unreadable: {error!r}") from error


@dataclass(frozen=True)
class ReplayConfig:
    """The replay function's environment.

    Attributes:
        write_units_per_second: of one invocation; None for as fast as the table takes it.
    """

    source_table: str
    restore_table_name: str
    buffer_id: str
    buffer_url: str
    dead_letter_queue_url: str
    write_units_per_second: float | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ReplayConfig:
        """Read the variables that `modules/change-pipeline` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            limit = environment.get("WRITE_UNITS_PER_SECOND")
            return cls(
                source_table=environment["SOURCE_TABLE_NAME"],
                restore_table_name=environment["RESTORE_TABLE_NAME"],
                buffer_id=environment["BUFFER_ID"],
                buffer_url=environment["BUFFER_URL"],
                dead_letter_queue_url=environment["BUFFER_DEAD_LETTER_URL"],
                write_units_per_second=float(limit) if limit else None,
            )
        except (KeyError, ValueError) as error:
            raise ConfigError(f"environment variable missing or unreadable: {error!r}") from error
