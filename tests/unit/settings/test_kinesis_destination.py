"""The Kinesis destination: which stream, how exact, and only live ones."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.kinesis_destination import KinesisDestination
from dynamodb_restore.settings.setting import Difference, Reading, State, Step, Table
from tests.unit.builders import carry_over, portable
from tests.unit.fakes import Aws, kinesis_arn

CHANGES, OTHER = kinesis_arn("changes"), kinesis_arn("other")


@pytest.mark.parametrize("precision", ["MILLISECOND", "MICROSECOND"])
def test_the_precision_is_carried_over(aws: Aws, clients: Clients, precision: str) -> None:
    aws.kinesis.put("orders", "changes", ApproximateCreationDateTimePrecision=precision)
    source, target = Table("orders", clients), Table("orders-restored", clients)
    carry_over(KinesisDestination(), source, target)
    assert portable(KinesisDestination(), target) == {"destinations": {CHANGES: precision}}
    assert carry_over(KinesisDestination(), source, target) == Difference()


def test_a_precision_that_aws_does_not_tell_is_not_sent(aws: Aws, clients: Clients) -> None:
    aws.kinesis.put("orders", "changes")
    carry_over(KinesisDestination(), Table("orders", clients), Table("orders-restored", clients))
    assert aws.named("EnableKinesisStreamingDestination") == [
        {"TableName": "orders-restored", "StreamArn": CHANGES}
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ACTIVE", Reading({"destinations": {CHANGES: None}})),
        ("ENABLING", Reading({"destinations": {CHANGES: None}}, (f"{CHANGES} is ENABLING",))),
        ("UPDATING", Reading({"destinations": {CHANGES: None}}, (f"{CHANGES} is UPDATING",))),
        ("DISABLING", Reading({"destinations": {}})),
        ("DISABLED", Reading({"destinations": {}})),
        (
            "ENABLE_FAILED",
            Reading({"destinations": {}}, failures=(f"{CHANGES} is ENABLE_FAILED: AWS gives no reason",)),
        ),
    ],
)
def test_only_a_live_destination_counts(aws: Aws, clients: Clients, status: str, expected: Reading) -> None:
    aws.kinesis.put("orders", "changes", status)
    aws.kinesis.looks_until_done = 1
    assert KinesisDestination().read(Table("orders", clients)) == expected


def step(stream_arn: str, precision: str | None, summary: str) -> Step:
    return Step(summary, {"stream_arn": stream_arn, "precision": precision})


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        ({}, {}, Difference()),
        ({}, {OTHER: None}, Difference()),
        ({CHANGES: "MICROSECOND"}, {CHANGES: "MICROSECOND"}, Difference()),
        ({CHANGES: None}, {CHANGES: "MICROSECOND"}, Difference()),
        (
            {CHANGES: "MICROSECOND"},
            {},
            Difference(
                (step(CHANGES, "MICROSECOND", f"send changes to {CHANGES} with times in MICROSECOND"),)
            ),
        ),
        ({CHANGES: None}, {}, Difference((step(CHANGES, None, f"send changes to {CHANGES}"),))),
        (
            {CHANGES: "MICROSECOND"},
            {CHANGES: "MILLISECOND"},
            Difference(
                conflicts=(f"{CHANGES} gets times in MILLISECOND on the target, MICROSECOND on the source",)
            ),
        ),
        (
            {CHANGES: None},
            {OTHER: None},
            Difference(
                conflicts=(f"a table has one Kinesis destination; the target keeps {OTHER}, not {CHANGES}",)
            ),
        ),
    ],
)
def test_difference(desired: State, current: State, expected: Difference) -> None:
    assert KinesisDestination().diff({"destinations": desired}, {"destinations": current}) == expected
