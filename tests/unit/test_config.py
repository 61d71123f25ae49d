"""What `modules/restore-worker` tells the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import ConfigError, Drills, Override, Polling, TablePatterns, WorkerConfig
from dynamodb_restore.configuration import forget
from dynamodb_restore.sync.attachable import Attachable
from tests.configuration import digest_of, item_of
from tests.unit.builders import RESTORE_TABLE, make_restore_table
from tests.unit.fakes import Aws

ENVIRONMENT = {
    "RESTORE_TABLE_NAME": RESTORE_TABLE,
    "RESTORE_QUEUE_URL": "https://sqs.example/restores",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example/dlq",
    "NOTIFICATION_TOPIC_ARN": "",
    "EVENT_BUS_NAME": "default",
    "RECORD_RETENTION_DAYS": "90",
}

CONFIGURATION = {
    "table_patterns": {"source": ["shop-*"], "target": ["*"]},
    "settings": {"tags": True, "ttl": False},
    "drills": {"targets": ["*-drill"], "keeps": ["tags", "stream"]},
    "overrides": [
        {
            "target": "*-drill",
            "settings": {"ttl": True},
            "replay": False,
            "hold": ["tags"],
            "polling": {"max_attempts": 9},
        },
        {"source": "scratch-*", "follow": False, "requested_by": "arn:aws:sts::*:assumed-role/dev/*"},
    ],
    "control_tag": "dynamodb-restore:settings",
    "control_tag_excludes": ["deletion_protection"],
    "attachable": {"functions": ["dev-*"], "kinesis_streams": ["*"]},
    "follow_terraform": False,
    "source_regions": ["eu-west-1"],
    "findings": {"dashboards": True, "identity_policies": False},
    "polling": {
        "max_attempts": 380,
        "base_delay_seconds": 10,
        "backoff_rate": 1.5,
        "max_delay_seconds": 300,
        "jitter": 0.2,
    },
}

BACKOFF = Backoff(base_seconds=10.0, rate=1.5, cap_seconds=300.0, jitter=0.2)


def load(clients: Clients, document: Mapping[str, Any] = CONFIGURATION, **environment: str) -> WorkerConfig:
    """What the worker is told, by this item and this environment."""
    clients.dynamodb.put_item(TableName=RESTORE_TABLE, Item=item_of(document))
    return WorkerConfig.load({**ENVIRONMENT, "CONFIGURATION": digest_of(document), **environment}, clients)


@pytest.fixture(autouse=True)
def _deployed(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    forget()


def test_what_terraform_tells_is_read(clients: Clients) -> None:
    assert load(clients) == WorkerConfig(
        restore_table_name=RESTORE_TABLE,
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


def test_a_topic_is_notified_where_there_is_one(clients: Clients) -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:notifications"
    assert load(clients, NOTIFICATION_TOPIC_ARN=topic).notification_topic_arn == topic


@pytest.mark.parametrize("name", [*sorted(set(ENVIRONMENT) - {"NOTIFICATION_TOPIC_ARN"}), "CONFIGURATION"])
def test_a_missing_variable_is_named(clients: Clients, name: str) -> None:
    environment = {**ENVIRONMENT, "CONFIGURATION": digest_of(CONFIGURATION)}
    clients.dynamodb.put_item(TableName=RESTORE_TABLE, Item=item_of(CONFIGURATION))
    del environment[name]
    with pytest.raises(ConfigError, match=name):
        WorkerConfig.load(environment, clients)


def test_an_unreadable_variable_is_refused(clients: Clients) -> None:
    with pytest.raises(ConfigError, match="missing or unreadable"):
        load(clients, RECORD_RETENTION_DAYS="")


@pytest.mark.parametrize("name", sorted(CONFIGURATION))
def test_a_missing_part_of_the_configuration_is_named(clients: Clients, name: str) -> None:
    document = {key: value for key, value in CONFIGURATION.items() if key != name}
    with pytest.raises(ConfigError, match=name):
        load(clients, document)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("polling", []),
        ("polling", {}),
        ("drills", {"patterns": []}),
        ("overrides", ["drill"]),
        ("table_patterns", {"sources": ["*"]}),
    ],
)
def test_an_unreadable_part_of_the_configuration_is_refused(
    clients: Clients, name: str, value: object
) -> None:
    with pytest.raises(ConfigError, match="missing or unreadable"):
        load(clients, {**CONFIGURATION, name: value})
