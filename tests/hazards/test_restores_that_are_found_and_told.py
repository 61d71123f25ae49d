"""A restore is found by the reconciler, and its event comes as well.

The reconciler knows that a table is being restored, and nothing of what the call decided, nor who made it. Where SQS hands out
its message before the event's, after an hour in which the worker was off say, the restore was treated as if nobody had decided
anything: TTL that an override held for that caller was switched on, and the capacity that the call set scaled away. Where the
event had been there first, its request on record was overwritten.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_restore.restore.request import FOUND_DETAIL_TYPE
from tests.faults.actions import deliver_all
from tests.faults.estate import RESTORE_QUEUE, TARGET, TARGET_MADE_AT, restore_event
from tests.faults.functions import Functions, World
from tests.field.restores import unseen
from tests.hazards.reporting import by_setting
from tests.hazards.restore_runs import record, reports, target

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def event(functions: Functions) -> dict[str, Any]:
    """Of a call that set capacity, by a caller for whom TTL is held."""
    event: dict[str, Any] = json.loads(restore_event())
    detail = event["detail"]
    functions.configure(overrides=[{"requested_by": detail["userIdentity"]["arn"], "hold": ["ttl"]}])
    detail["requestParameters"] |= {
        "billingModeOverride": "PROVISIONED",
        "provisionedThroughputOverride": {"readCapacityUnits": 1, "writeCapacityUnits": 1},
    }
    return event


def found(functions: Functions, event: dict[str, Any]) -> World:
    """The reconciler has seen it a minute after the call, which CloudTrail has on record."""
    world = unseen()
    world.account.trail.note(event["detail"])
    world.clock.now = TARGET_MADE_AT.timestamp() + 60
    assert functions.reconcile(world)["found"] == [TARGET]
    return world


def after_an_hour(world: World) -> None:
    """The table has long been restored, and what was found is handed out first."""
    world.account.tables.finish_restore(TARGET)
    world.clock.now += 3600
    for message in world.account.queues.queues[RESTORE_QUEUE].messages.values():
        if json.loads(message.body)["detail-type"] != FOUND_DETAIL_TYPE:
            message.visible_at = world.clock.now + 5


def is_as_called(functions: Functions, world: World, event: dict[str, Any]) -> None:
    deliver_all(functions, world)
    (report,) = reports(world)
    assert report["requested_by"] == event["detail"]["userIdentity"]["arn"]
    assert report["held"] == ["ttl"]
    assert target(world).ttl["TimeToLiveStatus"] == "DISABLED"
    assert not any("before an event of its call" in note for note in report["notes"])
    overrides = record(world)["request"]["M"]["overrides"]["M"]
    assert overrides["billing_mode"] == {"S": "PROVISIONED"}
    assert "the restore call set" in str(by_setting(report)["auto_scaling"])


def test_its_message_comes_first(functions: Functions, event: dict[str, Any]) -> None:
    world = found(functions, event)
    world.account.queues.put(RESTORE_QUEUE, json.dumps(event))
    after_an_hour(world)
    is_as_called(functions, world, event)


def test_its_message_takes_over_from_the_events(functions: Functions, event: dict[str, Any]) -> None:
    world = found(functions, event)
    world.account.queues.put(RESTORE_QUEUE, json.dumps(event))
    assert functions.deliver(world) is False
    after_an_hour(world)
    # CloudTrail forgets what nobody looks up within 90 days, and may be slow: what is on record suffices.
    world.account.trail.records.clear()
    is_as_called(functions, world, event)


def test_the_event_never_comes_and_cloudtrail_knows_the_call(
    functions: Functions, event: dict[str, Any]
) -> None:
    world = found(functions, event)
    after_an_hour(world)
    is_as_called(functions, world, event)


def test_a_table_of_terraforms_own_is_left_to_it(functions: Functions, event: dict[str, Any]) -> None:
    functions.configure(follow_terraform=False)
    event["detail"]["userAgent"] = "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io)"
    world = found(functions, event)
    world.account.queues.put(RESTORE_QUEUE, json.dumps(event))
    after_an_hour(world)
    deliver_all(functions, world)
    assert [report["result"] for report in reports(world)] == ["skipped"]
    assert target(world).recovery_days is None
