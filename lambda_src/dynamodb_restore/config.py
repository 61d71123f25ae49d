"""What Terraform tells the functions, by their environment and by an item of the restore table; checked once per invocation."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.capture import CaptureOptions
from dynamodb_restore.configuration import read_configuration
from dynamodb_restore.pipeline.capture import CapturePlace
from dynamodb_restore.pipeline.replay import ReplayOptions
from dynamodb_restore.sync.attachable import ANYTHING, Attachable


class ConfigError(Exception):
    """What Terraform tells the function is not there or not readable; the text names it."""


_UNREADABLE = "missing or unreadable in the environment or the configuration: {!r}; run `terraform apply`"


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
class Override:
    """Per-restore overrides: how restores between certain tables differ from the others.

    Attributes:
        source, target: patterns of table names, with `*` for any run of characters.
        requested_by: pattern of who made the restore call, as its event tells; `*` also matches where nothing tells.
        settings: switches that replace the deployment's.
        hold: settings that wait until an operator releases them.
        follow: whether these restores are followed at all.
        replay: whether they may claim the source's pipeline.
        notify: whether reports go to the notification topic; the event bus always gets them.
        polling: how long they are followed.
    """

    source: str
    target: str
    settings: Mapping[str, bool]
    follow: bool
    replay: bool
    notify: bool
    polling: Polling
    requested_by: str = "*"
    hold: Collection[str] = ()


@dataclass(frozen=True)
class Drills:
    """Restores that only test whether a restore works. Restore tests of AWS Backup are drills automatically.

    Attributes:
        targets: patterns of the names of their tables, with `*` for any run of characters.
        keeps: the settings that their tables get, where they are on: what describes a table, and nothing that costs, protects
            or acts outside.
    """

    targets: Sequence[str] = ()
    keeps: Collection[str] = ()


@dataclass(frozen=True)
class TablePatterns:
    """Which restores are followed, by name with `*` for any run of characters."""

    source: Sequence[str] = ("*",)
    target: Sequence[str] = ("*",)


@dataclass(frozen=True)
class WorkerConfig:
    """What the restore worker and the operator function are told.

    Attributes:
        switches: setting name to whether it is cloned; a setting that is not named is off.
        attachable: which functions and streams may be attached to a restored table.
        drills: which restores are drills, and what those get.
        overrides: in the order in which they are tried; the first match applies.
        control_tag: the key of the tag by which a source table chooses for itself; None where none can.
        control_tag_excludes: settings about which that tag does not decide.
        follow_terraform: whether restores that Terraform makes are followed.
        source_regions: other regions that tables may be restored from.
        findings: search name to whether it is made.
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
    table_patterns: TablePatterns = TablePatterns()
    attachable: Attachable = ANYTHING
    drills: Drills = Drills()
    overrides: Sequence[Override] = ()
    control_tag: str | None = None
    control_tag_excludes: Collection[str] = ()
    follow_terraform: bool = True
    source_regions: Sequence[str] = ()
    findings: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def load(cls, environment: Mapping[str, str], clients: Clients) -> WorkerConfig:
        """Read the variables that `modules/restore-worker` sets, and the configuration that they name.

        Raises:
            ConfigError: something is missing or cannot be read.
            ConfigurationMissingError: the restore table doesn't hold the configuration.
            ClientError, BotoCoreError: from GetItem.
        """
        try:
            restore_table = environment["RESTORE_TABLE_NAME"]
            document = read_configuration(clients, restore_table, environment["CONFIGURATION"])
            polling = document["polling"]
            return cls(
                restore_table_name=restore_table,
                restore_queue_url=environment["RESTORE_QUEUE_URL"],
                dead_letter_queue_url=environment["DEAD_LETTER_QUEUE_URL"],
                notification_topic_arn=environment.get("NOTIFICATION_TOPIC_ARN") or None,
                event_bus_name=environment["EVENT_BUS_NAME"],
                record_retention_days=int(environment["RECORD_RETENTION_DAYS"]),
                switches=document["settings"],
                polling=_polling(polling),
                table_patterns=TablePatterns(**document["table_patterns"]),
                attachable=Attachable(**document["attachable"]),
                drills=Drills(**document["drills"]),
                overrides=[_override(each, polling) for each in document["overrides"]],
                control_tag=document["control_tag"],
                control_tag_excludes=document["control_tag_excludes"],
                follow_terraform=document["follow_terraform"],
                source_regions=document["source_regions"],
                findings=document["findings"],
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(_UNREADABLE.format(error)) from error


def _polling(numbers: Mapping[str, Any]) -> Polling:
    backoff = Backoff(
        base_seconds=float(numbers["base_delay_seconds"]),
        rate=float(numbers["backoff_rate"]),
        cap_seconds=float(numbers["max_delay_seconds"]),
        jitter=float(numbers["jitter"]),
    )
    return Polling(int(numbers["max_attempts"]), backoff)


def _override(entry: Mapping[str, Any], polling: Mapping[str, Any]) -> Override:
    return Override(
        source=entry.get("source", "*"),
        target=entry.get("target", "*"),
        settings=entry.get("settings", {}),
        follow=entry.get("follow", True),
        replay=entry.get("replay", True),
        notify=entry.get("notify", True),
        polling=_polling({**polling, **entry.get("polling", {})}),
        requested_by=entry.get("requested_by", "*"),
        hold=tuple(entry.get("hold", ())),
    )


@dataclass(frozen=True)
class CaptureConfig:
    """The capture function's environment."""

    place: CapturePlace

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CaptureConfig:
        """Read the variables that `modules/change-pipeline` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            place = CapturePlace(
                source_table=environment["SOURCE_TABLE_NAME"],
                restore_table_name=environment["RESTORE_TABLE_NAME"],
                buffer_id=environment["BUFFER_ID"],
                failure_bucket=environment["FAILURE_BUCKET"],
                image_prefix=environment["IMAGE_PREFIX"],
                options=CaptureOptions(
                    buffer_url=environment["BUFFER_URL"],
                    group_count=int(environment["GROUP_COUNT"]),
                    byte_limit=int(environment["BYTE_LIMIT"]),
                    keep_expiries=environment["KEEP_EXPIRIES"] == "true",
                    ttl_attribute=environment.get("TTL_ATTRIBUTE") or None,
                ),
            )
        except (KeyError, ValueError) as error:
            raise ConfigError(_UNREADABLE.format(error)) from error
        return cls(place)


@dataclass(frozen=True)
class ReplayConfig:
    """The replay function's environment."""

    options: ReplayOptions

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ReplayConfig:
        """Read the variables that `modules/change-pipeline` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            return cls(
                ReplayOptions(
                    source=environment["SOURCE_TABLE_NAME"],
                    restore_table=environment["RESTORE_TABLE_NAME"],
                    buffer_id=environment["BUFFER_ID"],
                    buffer_url=environment["BUFFER_URL"],
                    dead_letter_queue_url=environment["BUFFER_DEAD_LETTER_URL"],
                    write_units_per_second=_limit(environment, "WRITE_UNITS_PER_SECOND"),
                    read_units_per_second=_limit(environment, "READ_UNITS_PER_SECOND"),
                    failure_bucket=environment["FAILURE_BUCKET"],
                    image_prefix=environment["IMAGE_PREFIX"],
                )
            )
        except (KeyError, ValueError) as error:
            raise ConfigError(_UNREADABLE.format(error)) from error


def _limit(environment: Mapping[str, str], name: str) -> float | None:
    """Units a second; None where the variable is empty or missing: no limit."""
    limit = environment.get(name)
    return float(limit) if limit else None


@dataclass(frozen=True)
class UpkeepConfig:
    """The upkeep function's environment; all else about its pipeline is in the registration.

    Attributes:
        group_count, byte_limit: as in `CaptureOptions`.
    """

    source_table: str
    restore_table_name: str
    group_count: int
    byte_limit: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> UpkeepConfig:
        """Read the variables that `modules/change-pipeline` sets.

        Raises:
            ConfigError: one is missing or cannot be read.
        """
        try:
            return cls(
                source_table=environment["SOURCE_TABLE_NAME"],
                restore_table_name=environment["RESTORE_TABLE_NAME"],
                group_count=int(environment["GROUP_COUNT"]),
                byte_limit=int(environment["BYTE_LIMIT"]),
            )
        except (KeyError, ValueError) as error:
            raise ConfigError(_UNREADABLE.format(error)) from error


@dataclass(frozen=True)
class Follow:
    """Which kinds of restores are followed.

    Attributes:
        point_in_time: restores to a point in time.
        backups: restores from backups, those that AWS Backup makes among them.
        backup_jobs: restores that AWS Backup makes.
    """

    point_in_time: bool = True
    backups: bool = True
    backup_jobs: bool = True


@dataclass(frozen=True)
class ReconcilerConfig:
    """What the reconciler function is told.

    Attributes:
        longest_silence_seconds: for how long a restore that is followed may have nothing new in its record.
    """

    restore_table_name: str
    restore_queue_url: str
    table_patterns: TablePatterns
    follow: Follow
    longest_silence_seconds: float

    @classmethod
    def load(cls, environment: Mapping[str, str], clients: Clients) -> ReconcilerConfig:
        """Read the variables that `modules/reconciler` sets, and the restore worker's configuration, which they name.

        Raises:
            ConfigError: something is missing or cannot be read.
            ConfigurationMissingError: the restore table doesn't hold the configuration.
            ClientError, BotoCoreError: from GetItem.
        """
        try:
            restore_table = environment["RESTORE_TABLE_NAME"]
            document = read_configuration(clients, restore_table, environment["CONFIGURATION"])
            return cls(
                restore_table_name=restore_table,
                restore_queue_url=environment["RESTORE_QUEUE_URL"],
                table_patterns=TablePatterns(**document["table_patterns"]),
                follow=Follow(**json.loads(environment["FOLLOW"])),
                longest_silence_seconds=float(environment["LONGEST_SILENCE_SECONDS"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(_UNREADABLE.format(error)) from error
