"""Every setting comes back after a restore, through the deployed rule, queue and function."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.local.deployment import Stack
from tests.local.support import Deployment, Mailbox, json_body, plain, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, Settings, differing, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable

# The calls that write a setting; with its switch off none of them may be made.
WRITES = {
    "tags": ("TagResource",),
    "ttl": ("UpdateTimeToLive",),
    "stream": ("UpdateTable",),
    "stream_triggers": ("CreateEventSourceMapping",),
    "kinesis_destination": ("EnableKinesisStreamingDestination",),
    "point_in_time_recovery": ("UpdateContinuousBackups",),
    "auto_scaling": ("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"),
}


@pytest.fixture(scope="module")
def wanted(aws: LocalAws, source: SourceTable) -> Settings:
    settings = read_settings(aws.clients(), source.name)
    assert differing(settings, nothing_set()) == list(SETTINGS), "the source table must have every setting"
    return settings


def test_a_restored_table_gets_every_setting_of_its_source(
    aws: LocalAws, deployed: Deployment, source: SourceTable, wanted: Settings, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, polls=2)
    assert read_settings(aws.observer(), target) == nothing_set()

    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert record["state"] == "synced"
    assert statuses(record["report"]) == dict.fromkeys(SETTINGS, "applied")
    # The source is left as it was.
    assert read_settings(aws.clients(), source.name) == wanted


def test_the_source_may_be_named_by_its_arn(
    aws: LocalAws, deployed: Deployment, source: SourceTable, wanted: Settings, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, by_arn=True)
    deployed.wait_for_end(target)
    assert read_settings(aws.clients(), target) == wanted


@pytest.fixture(scope="module")
def restored_without(aws: LocalAws, stack: Stack, source: SourceTable) -> dict[str, str]:
    """By setting, the table restored where that setting is switched off; all restored at once."""
    targets = {setting: f"orders-without-{setting.replace('_', '-')}" for setting in SETTINGS}
    for target in targets.values():
        aws.restore(source.name, target)
    return targets


@pytest.mark.parametrize("switched_off", SETTINGS)
def test_a_setting_that_is_switched_off_is_left_alone(
    aws: LocalAws, stack: Stack, wanted: Settings, restored_without: dict[str, str], switched_off: str
) -> None:
    target, deployment = restored_without[switched_off], stack.without[switched_off]
    record = deployment.wait_for_end(target)

    found = read_settings(aws.clients(), target)
    assert found[switched_off] == nothing_set()[switched_off]
    # Triggers hang on the stream: without it there is nothing to attach them to.
    dependent = {"stream_triggers"} if switched_off == "stream" else set()
    assert set(differing(found, wanted)) == {switched_off} | dependent
    assert statuses(record["report"])[switched_off] == "skipped"
    made = [call for call in deployment.calls() if call.operation in WRITES[switched_off]]
    assert made == []


def test_the_report_arrives_on_the_event_bus_and_as_text(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    reports: Mailbox,
    notifications: Mailbox,
    new_target: Callable[[], str],
) -> None:
    target = new_target()
    aws.restore(source.name, target)
    record = deployed.wait_for_end(target)

    event = reports.wait_for(lambda message: f'"{target}"' in message["Body"], "the report on the event bus")
    detail = json_body(event)["detail"]
    assert json_body(event)["detail-type"] == "DynamoDB Table Restore Report"
    assert (detail["source"], detail["target"], detail["result"]) == (source.name, target, "synced")
    assert statuses(detail) == dict.fromkeys(SETTINGS, "applied")
    # One report, wherever it is read.
    assert detail == plain(record["report"])

    notification = notifications.wait_for(lambda message: target in message["Body"], "the notification")
    text = json_body(notification)["Message"]
    assert target in json_body(notification)["Subject"]
    for setting in SETTINGS:
        assert setting in text
