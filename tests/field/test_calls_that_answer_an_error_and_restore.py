"""A restore call can answer an error and restore all the same.

Reported of `OnDemandThroughputOverride={}`: 400, TableInUseException, and the table is made. CloudTrail records the call with its
error code, and such events are left alone, because a call that AWS refused restores nothing. So only who looks at the tables can
find this one.
"""

from __future__ import annotations

import json

import pytest

from dynamodb_restore.restore.request import NothingToFollow
from dynamodb_restore.restore.request_events import parse_event
from tests.faults.estate import RESTORE_QUEUE, TARGET, TARGET_MADE_AT
from tests.faults.functions import Functions
from tests.field.restores import told, unseen
from tests.hazards.restore_runs import target
from tests.unit.builders import event

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.mark.parametrize("seconds", [30, 2_000])
def test_the_reconciler_finds_it(functions: Functions, seconds: float) -> None:
    world = unseen()
    refused = event("refused_call")
    refused["detail"]["errorCode"] = "TableInUseException"
    with pytest.raises(NothingToFollow, match="AWS refused the restore call: TableInUseException"):
        parse_event(refused)
    world.account.trail.note(refused["detail"])
    world.account.queues.put(RESTORE_QUEUE, json.dumps(refused))
    world.clock.now = TARGET_MADE_AT.timestamp() + seconds
    assert functions.reconcile(world)["found"] == [TARGET]
    world.account.tables.finish_restore(TARGET)
    report = told(functions, world)
    assert report["result"] == "synced"
    assert any("before an event of its call" in note for note in report["notes"])
    assert target(world).recovery_days == 7
