"""All settings, in the order in which they are applied."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.settings.auto_scaling import AutoScaling
from dynamodb_restore.settings.billing_mode import BillingMode
from dynamodb_restore.settings.cloudwatch_alarms import CloudWatchAlarms
from dynamodb_restore.settings.contributor_insights import ContributorInsights
from dynamodb_restore.settings.deletion_protection import DeletionProtection
from dynamodb_restore.settings.encryption import Encryption
from dynamodb_restore.settings.indexes import Indexes
from dynamodb_restore.settings.kinesis_destination import KinesisDestination
from dynamodb_restore.settings.on_demand_throughput import OnDemandThroughput
from dynamodb_restore.settings.point_in_time_recovery import PointInTimeRecovery
from dynamodb_restore.settings.replicas import Replicas
from dynamodb_restore.settings.resource_policy import ResourcePolicy
from dynamodb_restore.settings.setting import CataloguedSetting
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.settings.stream_triggers import StreamTriggers
from dynamodb_restore.settings.table_class import TableClass
from dynamodb_restore.settings.tags import Tags
from dynamodb_restore.settings.ttl import TimeToLive
from dynamodb_restore.settings.warm_throughput import WarmThroughput

# What protects the table comes first, because an unprotected table is the worst state to be left in; the stream comes
# before its triggers because they attach to it; warm throughput comes last of what UpdateTable writes, because it takes
# longest. The two at the end have lane LAST: replicas need the stream and auto scaling to be there, and a resource
# policy may take permissions away.
SETTINGS: tuple[CataloguedSetting, ...] = (
    PointInTimeRecovery(),
    DeletionProtection(),
    BillingMode(),
    Tags(),
    Indexes(),
    Encryption(),
    TableClass(),
    OnDemandThroughput(),
    AutoScaling(),
    Stream(),
    StreamTriggers(),
    ContributorInsights(),
    KinesisDestination(),
    CloudWatchAlarms(),
    WarmThroughput(),
    TimeToLive(),
    Replicas(),
    ResourcePolicy(),
)

COMPARED = frozenset(setting.name for setting in SETTINGS if setting.catalogue.compared)
"""The settings of which a difference is told also where they are off."""


def setting_names(value: Any) -> list[str]:
    """Names of settings, as somebody sent them.

    Raises:
        ValueError: not a list of texts, or one of them is no setting; the text says what to send.
    """
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("send a list of names of settings")
    known = [setting.name for setting in SETTINGS]
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; there are {', '.join(known)}")
    return list(dict.fromkeys(value))
