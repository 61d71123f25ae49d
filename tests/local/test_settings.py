"""Every setting comes back after a restore, through the deployed rule, queue and function."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.deployment import Stack
from tests.local.support import Deployment, Mailbox, cloned, json_body, outcome_of, plain, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import (
    CHOSEN_BY_THE_CALL,
    SETTINGS,
    Settings,
    differing,
    nothing_set,
    read_settings,
    writes,
)
from tests.local_aws.source_table import REPLICA_REGION, SourceTable, make_references


@pytest.fixture(scope="module")
def wanted(aws: LocalAws, source: SourceTable) -> Settings:
    return read_settings(aws.clients(), source.name)


def test_the_two_source_tables_have_every_setting_between_them(
    aws: LocalAws, source: SourceTable, sessions: SourceTable
) -> None:
    for table in (source, sessions):
        settings = read_settings(aws.clients(), table.name)
        assert set(differing(settings, nothing_set())) == table.settings
    assert source.settings | sessions.settings == set(SETTINGS) - set(CHOSEN_BY_THE_CALL)


def test_a_restored_table_gets_every_setting_of_its_source(
    aws: LocalAws, deployed: Deployment, source: SourceTable, wanted: Settings, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, polls=2)
    assert read_settings(aws.observer(), target) == nothing_set()

    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert record["state"] == "synced"
    assert statuses(record["report"]) == cloned(source)
    # The source is left as it was.
    assert read_settings(aws.clients(), source.name) == wanted


def test_a_restored_table_on_demand_gets_its_limits_and_replicas(
    aws: LocalAws, deployed: Deployment, sessions: SourceTable, new_target: Callable[..., str]
) -> None:
    target = new_target(source=sessions.name)
    aws.restore(sessions.name, target)
    assert read_settings(aws.observer(), target) == nothing_set()

    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), sessions.name)
    assert statuses(record["report"]) == cloned(sessions)
    replica = aws.clients(region=REPLICA_REGION).dynamodb.describe_table(TableName=target)
    assert replica["Table"]["TableStatus"] == "ACTIVE"


def test_what_the_restore_call_decided_about_capacity_stays(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    """A provisioned table that scales, restored on demand with limits of its own."""
    target = new_target()
    limits = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": 4}
    aws.restore(
        source.name,
        target,
        BillingModeOverride="PAY_PER_REQUEST",
        OnDemandThroughputOverride=limits,
    )
    record = deployed.wait_for_end(target)

    found = read_settings(aws.clients(), target)
    assert found["on_demand_throughput"]["table"] == limits
    assert found["auto_scaling"] == {}
    assert statuses(record["report"])["auto_scaling"] == "skipped"
    assert "on demand" in outcome_of(record["report"], "auto_scaling")["reason"]
    assert record["state"] == "synced"


def test_the_source_may_be_named_by_its_arn(
    aws: LocalAws, deployed: Deployment, source: SourceTable, wanted: Settings, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, by_arn=True)
    deployed.wait_for_end(target)
    assert read_settings(aws.clients(), target) == wanted


@pytest.fixture(scope="module")
def restored_without(
    aws: LocalAws, stack: Stack, source: SourceTable, sessions: SourceTable
) -> dict[str, tuple[SourceTable, str]]:
    """By setting, a source that has it, and the table restored from that with it switched off; all at once."""
    restored = {}
    for setting in SETTINGS:
        table = source if setting in source.settings else sessions
        target = f"{table.name}-without-{setting.replace('_', '-')}"
        aws.restore(table.name, target)
        restored[setting] = (table, target)
    return restored


@pytest.mark.parametrize("switched_off", [name for name in SETTINGS if name not in CHOSEN_BY_THE_CALL])
def test_a_setting_that_an_override_switches_off_is_left_alone(
    aws: LocalAws,
    deployed: Deployment,
    restored_without: dict[str, tuple[SourceTable, str]],
    switched_off: str,
) -> None:
    table, target = restored_without[switched_off]
    record = deployed.wait_for_end(target)

    found, wanted = read_settings(aws.clients(), target), read_settings(aws.clients(), table.name)
    assert found[switched_off] == nothing_set()[switched_off]
    # Triggers and the stream's policy hang on the stream: without it there is nothing to attach them to.
    dependent = {"stream_triggers", "resource_policy"} if switched_off == "stream" else set()
    assert set(differing(found, wanted)) == {switched_off} | dependent
    assert statuses(record["report"])[switched_off] == "skipped"
    named = re.compile(rf"(?<![\w.-]){re.escape(target)}(?![\w.-])")
    made = deployed.calls(
        where=lambda call: writes(switched_off, call) and bool(named.search(str(call.parameters)))
    )
    assert made == []


def test_a_deployment_with_no_setting_writes_nothing(
    aws: LocalAws, stack: Stack, source: SourceTable
) -> None:
    aws.restore(source.name, "orders-bare")
    record = stack.none.wait_for_end("orders-bare")

    assert statuses(record["report"]) == dict.fromkeys(SETTINGS, "skipped")
    assert read_settings(aws.clients(), "orders-bare") == nothing_set()
    assert [call for call in stack.none.calls() if any(writes(setting, call) for setting in SETTINGS)] == []


def test_what_cannot_be_cloned_is_found_and_told_after_the_report(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    reports: Mailbox,
    notifications: Mailbox,
    new_target: Callable[[], str],
) -> None:
    references = make_references(aws, source)
    target = new_target()
    aws.restore(source.name, target)
    # The message is gone only once what was found has been told and noted.
    findings = deployed.wait_for_end(target)["findings"]

    found = {(each["kind"], name) for each in findings for name in references if name in each["name"]}
    assert found == {
        ("identity_policies", "orders-reader"),
        ("identity_policies", "orders-auditor"),
        ("identity_policies", "orders-writers"),
        ("backup_selections", "orders-by-arn"),
        ("dashboards", "orders-overview"),
        ("pipes", "orders-to-search"),
        ("data_sources", "orders-mobile"),
        ("function_environments", "orders-checkout"),
        ("state_machines", "orders-fulfilment"),
        ("parameters", "/orders-web/table"),
        ("cloudformation_stack", "orders-stack"),
        ("ingestion_pipelines", "orders-search"),
        ("mapping_alarms", "orders-gives-up"),
        ("trail_data_events", "orders-trail"),
        ("zero_etl_integrations", "orders-to-glue"),
        ("zero_etl_integrations", "orders-to-redshift"),
    }
    # An endpoint has nothing but a random id.
    assert [each["kind"] for each in findings].count("vpc_endpoint_policies") == 1
    assert all(each["advice"] for each in findings)
    event = reports.wait_for(
        lambda message: _is_event(message, "DynamoDB Table Restore Findings", target), "what was found"
    )
    assert json_body(event)["detail"]["findings"] == plain(findings)
    notification = notifications.wait_for(
        lambda message: _is_about(message, "DynamoDB restore to do", target), "the notification of it"
    )
    assert all(name in json_body(notification)["Message"] for _, name in found)


def _is_event(message: dict[str, Any], kind: str, target: str) -> bool:
    """Whether it is an event of this detail type about the restore to this table."""
    event = json_body(message)
    return bool(event["detail-type"] == kind and event["detail"]["target"] == target)


def _is_about(message: dict[str, Any], subject: str, target: str) -> bool:
    """Whether it is a notification with this beginning of its subject about the restore to this table."""
    told = str(json_body(message)["Subject"])
    return told.startswith(subject) and told.endswith(target)


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

    event = reports.wait_for(
        lambda message: _is_event(message, "DynamoDB Table Restore Report", target),
        "the report on the event bus",
    )
    detail = json_body(event)["detail"]
    assert (detail["source"], detail["target"], detail["result"]) == (source.name, target, "synced")
    assert statuses(detail) == cloned(source)
    # One report, wherever it is read.
    assert detail == plain(record["report"])

    notification = notifications.wait_for(
        lambda message: _is_about(message, "DynamoDB restore synced", target), "the notification"
    )
    text = json_body(notification)["Message"]
    for setting in SETTINGS:
        assert setting in text
