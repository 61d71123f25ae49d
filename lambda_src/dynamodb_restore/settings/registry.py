"""All settings, in the order in which they are applied."""

from __future__ import annotations

from dynamodb_restore.settings.auto_scaling import AutoScaling
from dynamodb_restore.settings.kinesis_destination import KinesisDestination
from dynamodb_restore.settings.point_in_time_recovery import PointInTimeRecovery
from dynamodb_restore.settings.setting import Setting
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.settings.stream_triggers import StreamTriggers
from dynamodb_restore.settings.tags import Tags
from dynamodb_restore.settings.ttl import TimeToLive

# Point-in-time recovery comes first because an unprotected table is the worst state to be left in;
# the stream comes before its triggers because they attach to it; TTL comes last because it deletes.
SETTINGS: tuple[Setting, ...] = (
    PointInTimeRecovery(),
    Tags(),
    AutoScaling(),
    Stream(),
    StreamTriggers(),
    KinesisDestination(),
    TimeToLive(),
)
