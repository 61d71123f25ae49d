"""A restore job of AWS Backup fails after it was followed: AWS removes the table that it had begun to make.

The job's message then said that nothing is restored, and was dropped: the record stayed `waiting`, nobody was told, and the
source's pipeline stayed claimed, so that the next restore of that table got none of the changes made meanwhile.
"""

from __future__ import annotations

import json

import pytest

from tests.faults.actions import deliver_all
from tests.faults.estate import RESTORE_QUEUE, TARGET, build
from tests.faults.functions import Functions, World
from tests.field.restores import JOB, job
from tests.hazards.restore_runs import claims, dead_letters, record, reports
from tests.unit.builders import event

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def running(functions: Functions, *, followed: bool) -> World:
    """A job that runs, whose event has been dealt with once where it is followed."""
    world = World(build(pipeline=True))
    world.account.trail.records.clear()
    body = event("job_fully_managed")
    body["detail"] |= {"restoreJobId": JOB, "status": "RUNNING"}
    world.account.backups.jobs[JOB] = job(Status="RUNNING", CompletionDate=None)
    world.account.queues.put(RESTORE_QUEUE, json.dumps(body))
    if followed:
        assert functions.deliver(world) is False
        assert claims(world) == ["capturing"]
    return world


@pytest.mark.parametrize("status", ["FAILED", "ABORTED"])
def test_it_is_told_and_the_pipeline_is_free(functions: Functions, status: str) -> None:
    world = running(functions, followed=True)
    world.account.backups.jobs[JOB] |= {"Status": status, "StatusMessage": "the key is disabled"}
    del world.account.tables.tables[TARGET]
    deliver_all(functions, world)
    (report,) = reports(world)
    assert (report["result"], record(world)["state"]["S"]) == ("failed", "failed")
    assert f"restore job {JOB} is {status}: the key is disabled" in report["reason"]
    assert [letter["reason"] for letter in dead_letters(world)] == ["job_failed"]
    assert claims(world) == []


def test_one_that_was_not_followed_is_nobodys_business(functions: Functions) -> None:
    world = running(functions, followed=False)
    world.account.backups.jobs[JOB] |= {"Status": "FAILED", "StatusMessage": "no"}
    del world.account.tables.tables[TARGET]
    deliver_all(functions, world)
    assert (reports(world), dead_letters(world)) == ([], [])
