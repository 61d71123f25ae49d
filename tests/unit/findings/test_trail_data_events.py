"""Trails whose event selectors treat the source and the target otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.trail_data_events import TrailDataEvents
from tests.unit.fakes import Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
ADD = f"logs data events of orders and not of orders-restored: add {TARGET.arn} to its event selectors"
LEAVE_OUT = f"leaves out data events of orders and logs those of orders-restored: leave out {TARGET.arn} too in its event selectors"
TABLE = "AWS::DynamoDB::Table"
STREAM = f"{SOURCE.arn}/stream/2026-10-01T00:00:00.000"


def classic(*values: str, kind: str = TABLE, events: str = "All") -> dict[str, Any]:
    return {"ReadWriteType": events, "DataResources": [{"Type": kind, "Values": list(values)}]}


def advanced(*, kind: str = TABLE, more: Any = (), **arn: list[str]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": [kind]},
        *more,
    ]
    return {"FieldSelectors": [*fields, {"Field": "resources.ARN", **arn}] if arn else fields}


READS = {"Field": "readOnly", "Equals": ["true"]}
PUTS = {"Field": "eventName", "Equals": ["PutItem"]}


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(TrailDataEvents().find(SOURCE, TARGET, clients, enough_time))


@pytest.mark.parametrize(
    ("selectors", "advice"),
    [
        ([classic(SOURCE.arn)], ADD),
        ([classic(SOURCE.arn, TARGET.arn)], None),
        ([classic("arn:aws:dynamodb")], None),
        ([classic("arn:aws:dynamodb"), classic(SOURCE.arn)], None),
        ([classic(table_arn("orders-archive"))], None),
        ([classic("arn:aws:s3:::orders", kind="AWS::S3::Object")], None),
        ([classic(SOURCE.arn, kind="AWS::Lambda::Function")], None),
        # Of fewer events than the source's.
        ([classic(SOURCE.arn), classic(TARGET.arn, events="ReadOnly")], ADD),
        ([classic(SOURCE.arn, events="ReadOnly"), classic(TARGET.arn, events="WriteOnly")], ADD),
        ([classic(SOURCE.arn, events="ReadOnly"), classic("arn:aws:dynamodb")], None),
    ],
)
def test_event_selectors(
    aws: Aws, clients: Clients, selectors: list[dict[str, Any]], advice: str | None
) -> None:
    aws.consumers.trails["audit"] = {"EventSelectors": selectors}
    assert find(clients) == ([Finding("trail_data_events", "trail audit", advice)] if advice else [])


@pytest.mark.parametrize(
    ("selectors", "advice"),
    [
        ([advanced(Equals=[SOURCE.arn])], ADD),
        ([advanced(Equals=[table_arn("customers"), SOURCE.arn])], ADD),
        ([advanced(Equals=[SOURCE.arn, TARGET.arn])], None),
        ([advanced(Equals=[SOURCE.arn]), advanced(Equals=[TARGET.arn])], None),
        ([advanced(StartsWith=[SOURCE.arn])], None),
        ([advanced(EndsWith=["/orders"])], ADD),
        ([advanced(Equals=[table_arn("orders-archive")])], None),
        ([advanced()], None),
        ([advanced(), advanced(Equals=[SOURCE.arn], more=[READS])], None),
        ([advanced(Equals=[SOURCE.arn]), advanced(more=[READS])], ADD),
        ([advanced(Equals=[SOURCE.arn], more=[READS, PUTS]), advanced(more=[READS])], None),
        ([advanced(Equals=[SOURCE.arn], kind="AWS::S3::Object")], None),
        # What all but the source is logged of.
        ([advanced(NotEquals=[SOURCE.arn])], LEAVE_OUT),
        ([advanced(NotEquals=[SOURCE.arn, TARGET.arn])], None),
        ([advanced(NotStartsWith=[SOURCE.arn])], None),
        ([advanced(NotEndsWith=["/orders"])], LEAVE_OUT),
        ([advanced(StartsWith=[table_arn("o")], NotEquals=[TARGET.arn])], ADD),
        ([advanced(NotEquals=[SOURCE.arn]), advanced(Equals=[SOURCE.arn])], None),
        # Streams, whose ARNs have the time at which they were made.
        ([advanced(Equals=[STREAM], kind="AWS::DynamoDB::Stream")], ADD),
        ([advanced(StartsWith=[f"{SOURCE.arn}/stream/"], kind="AWS::DynamoDB::Stream")], ADD),
        ([advanced(StartsWith=[f"{SOURCE.arn}/"], kind="AWS::DynamoDB::Stream")], ADD),
        ([advanced(Equals=[STREAM, f"{TARGET.arn}/stream/2"], kind="AWS::DynamoDB::Stream")], None),
        ([advanced(Equals=[STREAM], kind="AWS::DynamoDB::Stream"), advanced(Equals=[TARGET.arn])], ADD),
        ([advanced(Equals=[f"{table_arn('orders-archive')}/stream/2"], kind="AWS::DynamoDB::Stream")], None),
        # Management events have no resources.
        ([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}], None),
    ],
)
def test_advanced_event_selectors(
    aws: Aws, clients: Clients, selectors: list[dict[str, Any]], advice: str | None
) -> None:
    aws.consumers.trails["audit"] = {"AdvancedEventSelectors": selectors}
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_each_trail_costs_a_call(aws: Aws, clients: Clients) -> None:
    aws.consumers.trails = {
        name: {"EventSelectors": [classic(SOURCE.arn)]} for name in ("audit", "gone", "theirs", "web")
    }
    aws.consumers.trail_owners["theirs"] = "210987654321"
    aws.consumers.deleted.add("gone")
    assert [finding.name for finding in find(clients)] == ["trail audit", "trail web"]
    names = [each["TrailName"].rpartition("/")[2] for each in aws.named("GetEventSelectors")]
    assert names == ["audit", "gone", "web"]
    assert len(aws.calls) == 4


def test_trails_are_those_of_the_sources_region(clients: Clients, regions: set[str]) -> None:
    elsewhere = TableId("aws", "eu-west-1", SOURCE.account, "orders")
    assert list(TrailDataEvents().find(elsewhere, TARGET, clients, lambda: True)) == []
    assert regions == {"eu-west-1"}


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.consumers.trails["audit"] = {"EventSelectors": []}
    aws.fail("GetEventSelectors", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    aws.consumers.trails = {f"audit-{number}": {"EventSelectors": []} for number in range(3)}
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 trails"):
        find(clients, lambda: next(time))
    assert len(aws.named("GetEventSelectors")) == 2
