"""A restore was given up after its settings were applied, and no changes were replayed: the table may be in use.

A redrive began a replay all the same, where the source's pipeline had come free or been added meanwhile: changes of the source
went over what had been written to the new table, and its triggers, live since, were called for each of them. Also where an
operator had abandoned the restore and was told that nothing would be replayed.
"""

from __future__ import annotations

import pytest

from tests.aws.errors import client_error
from tests.aws.hazards import Attempt, Fault, Mode, failing
from tests.faults.actions import deliver_all, redrive
from tests.faults.estate import (
    RESTORE_QUEUE,
    SOURCE,
    TARGET,
    add_pipeline,
    build,
    restore_event,
)
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import claims, dead_letters, reports, target

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def refused(world: World, operation: str) -> None:
    error = client_error(operation, "AccessDeniedException", "no", 400)
    world.wire.hazards.append(failing({operation: Fault(Mode.REFUSED, error)}))


def given_up(functions: Functions, world: World) -> World:
    """All settings are applied but for the Kinesis destination, which is refused."""
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    world.account.tables.finish_restore(TARGET)
    refused(world, "EnableKinesisStreamingDestination")
    deliver_all(functions, world)
    assert [letter["reason"] for letter in dead_letters(world)] == ["settings_failed"]
    world.wire.hazards.clear()
    return world


def redriven(functions: Functions, world: World) -> str:
    """Its result, after a redrive."""
    redrive(world)
    deliver_all(functions, world)
    result: str = reports(world)[-1]["result"]
    return result


def test_a_pipeline_that_was_added_meanwhile(functions: Functions) -> None:
    world = given_up(functions, World(build()))
    add_pipeline(world.account)
    assert redriven(functions, world) == "synced"
    assert claims(world) == []


def test_one_that_was_abandoned_while_the_table_was_restored(functions: Functions) -> None:
    world = World(build(pipeline=True))
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    assert functions.deliver(world) is False
    assert (
        "no changes will be replayed"
        in functions.operate(world, {"action": "abandon", "table": SOURCE})["released"]
    )
    refused(world, "DescribeTable")
    deliver_all(functions, world)
    world.wire.hazards.clear()
    assert [letter["reason"] for letter in dead_letters(world)] == ["aws_error"]
    assert redriven(functions, world) == "synced"
    assert claims(world) == []


def test_one_that_was_given_up_before_its_table_was_there_is_replayed_still(functions: Functions) -> None:
    world = World(build(pipeline=True))
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    assert functions.deliver(world) is False
    refused(world, "DescribeTable")
    deliver_all(functions, world)
    world.wire.hazards.clear()
    assert redriven(functions, world) == "replaying"
    assert claims(world) == ["replaying"]


def test_a_redrive_waits_for_a_release(functions: Functions) -> None:
    """The operator's release acts for a restore whose message somebody redrives in the same minute."""
    functions.configure(overrides=[{"hold": ["ttl"], "settings": {"ttl": True}}])
    world = given_up(functions, World(build()))
    redrive(world)
    delivered: list[bool | None] = []

    def meanwhile(attempt: Attempt) -> None:
        if attempt.call.operation == "UpdateTimeToLive" and not delivered:
            delivered.append(functions.deliver(world))

    world.wire.hazards.append(meanwhile)
    answer = functions.operate(world, {"action": "release", "target": TARGET, "settings": ["ttl"]})
    assert delivered == [False]
    assert answer["held"] == []
    deliver_all(functions, world)
    assert [report["result"] for report in reports(world)] == ["incomplete", "incomplete", "synced"]
    assert target(world).ttl["TimeToLiveStatus"] == "ENABLED"
