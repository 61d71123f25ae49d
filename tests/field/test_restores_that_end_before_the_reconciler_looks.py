"""Small tables are restored in 81 to 721 seconds, measured on AWS; the event of a call may take fifteen minutes.

The reconciler left a restore alone for those fifteen minutes, and a table that is ACTIVE does not say that it was restored:
even looking every minute, it found none of these.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from dynamodb_restore.restore.reconcile import GRACE
from tests.aws.names import table_arn
from tests.faults.actions import deliver_all
from tests.faults.estate import RESTORE_QUEUE, TARGET, TARGET_MADE_AT, restore_event
from tests.faults.functions import Functions, World
from tests.field.restores import told, unseen
from tests.hazards.restore_runs import dead_letters, record, reports, target

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def seen_by_reconciler(functions: Functions, seconds: float) -> World:
    """It looks once, so long after the table was made; no event comes."""
    world = unseen()
    world.clock.now = TARGET_MADE_AT.timestamp() + seconds
    assert functions.reconcile(world)["found"] == [TARGET]
    return world


@pytest.mark.parametrize("seconds", [1, 81, 721])
def test_one_that_is_seen_once_is_followed(functions: Functions, seconds: float) -> None:
    world = seen_by_reconciler(functions, seconds)
    world.account.tables.finish_restore(TARGET)
    assert functions.deliver(world) is None, "its event may still come"
    report = told(functions, world)
    assert report["result"] == "synced"
    assert world.clock.now >= (TARGET_MADE_AT + GRACE).timestamp()
    assert record(world)["evidence"]["S"] == "the table's RestoreSummary, as the reconciler saw it"
    assert target(world).recovery_days == 7


def test_one_that_the_worker_was_off_for_is_followed_by_what_was_seen_at_first(functions: Functions) -> None:
    world = seen_by_reconciler(functions, 81)
    world.account.tables.finish_restore(TARGET)
    world.account.queues.queues[RESTORE_QUEUE].messages.clear()
    world.clock.now += 3 * 3600
    assert functions.reconcile(world)["found"] == [], (
        "it is ACTIVE and on no record: nobody can tell it from others"
    )
    world = seen_by_reconciler(functions, 81)
    world.clock.now += 3 * 3600
    assert functions.reconcile(world)["found"] == [TARGET], "it is being restored still"
    world.account.tables.finish_restore(TARGET)
    assert told(functions, world)["result"] == "synced"


def test_one_whose_event_comes_first_is_reported_once(functions: Functions) -> None:
    world = seen_by_reconciler(functions, 60)
    world.account.queues.put(RESTORE_QUEUE, restore_event())
    assert told(functions, world)["result"] == "synced"
    assert dead_letters(world) == []


def test_one_whose_table_was_made_anew_meanwhile_is_not_followed(functions: Functions) -> None:
    """What was seen was seen of the table of that id."""
    world = seen_by_reconciler(functions, 60)
    tables = world.account.tables
    del tables.tables[TARGET]
    tables.make(TARGET, TARGET_MADE_AT + timedelta(minutes=5), on_demand=True)
    tables.tables[TARGET].description["TableId"] = "another"
    deliver_all(functions, world)
    assert [report["result"] for report in reports(world)] == ["failed"]
    assert target(world).recovery_days is None


def test_what_was_noted_of_one_source_is_no_evidence_for_another(functions: Functions) -> None:
    world = seen_by_reconciler(functions, 60)
    world.account.tables.finish_restore(TARGET)
    (message,) = world.account.queues.queues[RESTORE_QUEUE].messages.values()
    forged = json.loads(message.body)
    forged["detail"]["sourceTableArn"] = table_arn("orders-archive")
    message.body = json.dumps(forged)
    deliver_all(functions, world)
    (letter,) = dead_letters(world)
    assert "CloudTrail does not show the call" in letter["detail"]
    assert target(world).tags == {}
