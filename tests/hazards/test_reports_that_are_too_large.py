"""A report, a record or a notification is larger than AWS takes.

A table with hundreds of alarms, a reason that stands in the report twice, a name in another alphabet whose letters JSON
escapes to six bytes each: EventBridge refuses an event of 256 KB, DynamoDB an item of 400 KB and SNS a message of 256 KB,
and the restore was given up for its own report. Or the text was cut within a character, which nobody can read.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.settings.setting import State
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.aws.attributes import size_of
from tests.unit.builders import (
    REQUESTED_AT,
    RESTORE_TABLE,
    TARGET_ID,
    make_restore_table,
    record_item,
    request,
)
from tests.unit.fakes import Aws

KEY = RestoreKey("orders-restored", TARGET_ID)
LINES = tuple(f"create alarm Bestellungen überfällig {number} ✓" for number in range(2_000))
OUTCOMES = tuple(
    Outcome(
        setting.name,
        Status.FAILED,
        done=LINES,
        in_doubt=LINES[:100],
        conflicts=LINES[:100],
        omitted=LINES,
        reason="; ".join(LINES),
        retryable=True,
    )
    for setting in SETTINGS
)
REPORT = Report(
    Result.INCOMPLETE,
    "orders",
    "orders-restored",
    finished_at=REQUESTED_AT,
    restore_id=TARGET_ID,
    requested_at=REQUESTED_AT,
    requested_by="ä" * 2_000,
    reason="; ".join(f"{outcome.setting}: {outcome.reason}" for outcome in OUTCOMES),
    outcomes=OUTCOMES,
    notes=LINES,
)
STATES = {f"state-{number}": {"text": "x" * 24_900} for number in range(10)}


@pytest.fixture
def records(aws: Aws, clients: Clients) -> RestoreRecords:
    make_restore_table(clients)
    return RestoreRecords(clients, RESTORE_TABLE, timedelta(days=90))


def test_everybody_can_be_told(aws: Aws, clients: Clients) -> None:
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]

    announcer = Announcer(clients, "default", topic)
    announcer.announce(REPORT, announcer.channels(notify=True))

    ((entry,),) = (call["Entries"] for call in aws.named("PutEvents"))
    detail = entry["Detail"]
    assert len((entry["Source"] + entry["DetailType"] + detail).encode()) < 256 * 1024
    told = json.loads(detail)
    assert told["summary"] == REPORT.summary()
    for setting in told["settings"]:
        shown = len(setting["done"]) - 1
        assert setting["done"][-1] == f"... and {len(LINES) - shown} more"
    (notification,) = aws.named("Publish")
    assert 20_000 < len(notification["Message"].encode()) <= 256 * 1024
    assert notification["Message"].endswith("\n")


def begin(records: RestoreRecords, steps: Steps) -> None:
    """The record of a restore whose settings are being applied, with as many states of the source as it keeps."""
    asked = request(requested_by="ä" * 50_000)
    lease = Lease("invocation", REQUESTED_AT + timedelta(minutes=2))
    records.take_lead(KEY, asked, records.get(KEY), "message", lease, REQUESTED_AT)
    kept: dict[str, State] = {}
    for name, state in STATES.items():
        assert records.keep_state(KEY, name, state, kept)
        kept[name] = state
    records.save_syncing(
        KEY,
        asked,
        attempts=1,
        sync_attempts=1,
        pipeline_owner=None,
        steps=steps,
        now=REQUESTED_AT,
        known=False,
        without_replay=True,
        lease=lease,
    )


def test_everything_fits_the_record(records: RestoreRecords, clients: Clients) -> None:
    planned = {setting.name: LINES for setting in SETTINGS}
    begin(records, Steps(planned, planned))
    give_up = GiveUp(1, "settings_failed", str(REPORT.reason))
    records.save_report(KEY, replace(REPORT, result=Result.FAILED), REQUESTED_AT, give_up=give_up)
    records.save_steps(KEY, Steps(planned, planned), OUTCOMES)
    records.notes.save_findings(KEY, [Finding("dashboards", line, line) for line in LINES])

    item = clients.dynamodb.get_item(TableName=RESTORE_TABLE, Key=KEY.item_key())["Item"]
    assert size_of(item) <= 400 * 1024
    assert {"settings", "report", "outcomes", "plan", "done", "give_up", "findings"} <= set(item)
    assert len(record_item(clients)["settings"]) == 10
    record = records.get(KEY)
    assert record is not None
    assert [outcome.setting for outcome in record.outcomes] == [setting.name for setting in SETTINGS]


def test_a_record_that_was_cut_goes_on_counting(records: RestoreRecords) -> None:
    begin(records, Steps(done={"cloudwatch_alarms": LINES}))
    record = records.get(KEY)
    assert record is not None

    records.save_steps(KEY, record.steps.with_done("cloudwatch_alarms", "create one more"))

    again = records.get(KEY)
    assert again is not None
    *shown, more = again.steps.done["cloudwatch_alarms"]
    assert more == f"... and {len(LINES) + 1 - len(shown)} more"
