"""The environment that `modules/restore-worker` gives the function."""

from __future__ import annotations

import pytest

from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import ConfigError, Drills, Override, Polling, TablePatterns, WorkerConfig
from dynamodb_restore.sync.attachable import Attachable

ENVIRONMENT = {
    "RESTORE_TABLE_NAME": "dynamodb-restore-restores",
    "RESTORE_QUEUE_URL": "https://sqs.example/restores",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example/dlq",
    "NOTIFICATION_TOPIC_ARN": "",
    "EVENT_BUS_NAME": "default",
    "SETTINGS": '{"tags": true, "ttl": false}',
    "POLLING": '{"max_attempts": 380, "base_delay_seconds": 10, "backoff_rate": 1.5,'
    ' "max_delay_seconds": 300, "jitter": 0.2}',
    "RECORD_RETENTION_DAYS": "90",
    "TABLE_PATTERNS": '{"source": ["shop-*"], "target": ["*"]}',
    "DRILLS": '{"targets": ["*-drill"], "keeps": ["tags", "stream"]}',
    "OVERRIDES": '[{"target": "*-drill", "settings": {"ttl": true}, "replay": false, "hold": ["tags"],'
    ' "polling": {"max_attempts": 9}},'
    ' {"source": "scratch-*", "follow": false, "requested_by": "arn:aws:sts::*:assumed-role/dev/*"}]',
    "CONTROL_TAG": "dynamodb-restore:settings",
    "CONTROL_TAG_EXCLUDES": '["deletion_protection"]',
    "ATTACHABLE": '{"functions": ["dev-*"], "kinesis_streams": ["*"]}',
    "FOLLOW_TERRAFORM": "false",
    "SOURCE_REGIONS": '["eu-west-1"]',
    "FINDINGS": '{"dashboards": true, "identity_policies": false}',
}

BACKOFF = Backoff(base_seconds=10.0, rate=1.5, cap_seconds=300.0, jitter=0.2)


def test_the_environment_is_read() -> None:
    assert WorkerConfig.from_environment(ENVIRONMENT) == WorkerConfig(
        restore_table_name="dynamodb-restore-restores",
        restore_queue_url="https://sqs.example/restores",
        dead_letter_queue_url="https://sqs.example/dlq",
        notification_topic_arn=None,
        event_bus_name="default",
        switches={"tags": True, "ttl": False},
        polling=Polling(380, BACKOFF),
        record_retention_days=90,
        table_patterns=TablePatterns(["shop-*"], ["*"]),
        overrides=[
            Override(
                "*",
                "*-drill",
                {"ttl": True},
                follow=True,
                replay=False,
                notify=True,
                polling=Polling(9, BACKOFF),
                hold=("tags",),
            ),
            Override(
                "scratch-*",
                "*",
                {},
                follow=False,
                replay=True,
                notify=True,
                polling=Polling(380, BACKOFF),
                requested_by="arn:aws:sts::*:assumed-role/dev/*",
            ),
        ],
        drills=Drills(["*-drill"], ["tags", "stream"]),
        attachable=Attachable(["dev-*"], ["*"]),
        control_tag="dynamodb-restore:settings",
        control_tag_excludes=["deletion_protection"],
        follow_terraform=False,
        source_regions=["eu-west-1"],
        findings={"dashboards": True, "identity_policies": False},
    )


def test_no_control_tag_is_none() -> None:
    assert WorkerConfig.from_environment({**ENVIRONMENT, "CONTROL_TAG": ""}).control_tag is None


def test_a_topic_is_notified_where_there_is_one() -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:notifications"
    assert (
        WorkerConfig.from_environment({**ENVIRONMENT, "NOTIFICATION_TOPIC_ARN": topic}).notification_topic_arn
        == topic
    )


@pytest.mark.parametrize("name", sorted(set(ENVIRONMENT) - {"NOTIFICATION_TOPIC_ARN", "CONTROL_TAG"}))
def test_a_missing_variable_is_named(name: str) -> None:
    without = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(ConfigError, match=name):
        WorkerConfig.from_environment(without)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLLING", "{"),
        ("POLLING", "[]"),
        ("POLLING", "{}"),
        ("SETTINGS", "yes"),
        ("RECORD_RETENTION_DAYS", ""),
        ("DRILLS", '{"patterns": []}'),
        ("OVERRIDES", "{"),
        ("OVERRIDES", '["drill"]'),
        ("TABLE_PATTERNS", '{"sources": ["*"]}'),
    ],
)
def test_an_unreadable_variable_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="missing or unreadable"):
        WorkerConfig.from_environment({**ENVIRONMENT, name: value})
