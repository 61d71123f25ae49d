"""A restore call can set the warm throughput of a global secondary index.

So says the API (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndex.html, `WarmThroughput`); of what
the call decided about an index only its capacity and maximums were read, and the source's warm throughput, which is billed and
never lowered again, went over it.
"""

from __future__ import annotations

import json

import pytest

from tests.faults.estate import INDEX, RESTORE_QUEUE, build
from tests.faults.functions import Functions, World
from tests.field.restores import told
from tests.hazards.reporting import by_setting
from tests.hazards.restore_runs import target
from tests.unit.builders import event

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_it_stays(functions: Functions) -> None:
    world = World(build())
    body = event("override_warm_throughput_of_an_index")
    body["detail"]["responseElements"] = None
    world.account.queues.put(RESTORE_QUEUE, json.dumps(body))
    report = told(functions, world)
    omitted = by_setting(report)["warm_throughput"]["omitted"]
    assert omitted == [f"warm throughput of index/{INDEX}: the restore call set its capacity"]
    assert target(world).part(INDEX).get("WarmThroughput", {}).get("ReadUnitsPerSecond") != 9_000
