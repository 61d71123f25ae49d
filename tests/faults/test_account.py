"""What the faults are measured by: the account in memory, what the actions come to without faults, and the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from dynamodb_restore.aws import Clients, clients
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.window import Window
from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.settings.registry import SETTINGS
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.aws.account import Account
from tests.aws.names import table_arn
from tests.faults.actions import ACTIONS, Action
from tests.faults.baseline import baseline_of
from tests.faults.estate import DEAD_LETTERS, INDEX, RESTORE_TABLE, SOURCE, STREAM_LABEL, TARGET, UNRELATED
from tests.faults.functions import Functions, World
from tests.faults.oracle import differences, end_of, ended_otherwise, told_otherwise
from tests.unit.builders import make_restore_table, request
from tests.unit.changes.makers import put

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)
_BY_NAME = {action.name: action for action in ACTIONS}


# Without faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_without_faults_nothing_but_the_target_and_the_records_change(
    functions: Functions, record_property: Callable[[str, object], None], action: Action
) -> None:
    baseline = baseline_of(functions, action)
    start = end_of(baseline.start.account).aws
    for table in (SOURCE, UNRELATED):
        assert baseline.end.aws["tables"][table] == start["tables"][table]
        assert baseline.end.aws["items"][table] == start["items"][table]
    assert baseline.end.aws["restore queue"] == []
    assert bool(baseline.end.aws["dead letters"]) == (action.name == "restore of a target that is deleted")
    assert baseline.world.wire.faults == 0
    record_property("actions", 1)
    record_property("calls", len(baseline.calls))


def test_without_faults_every_setting_is_applied_by_one_restore_or_another(functions: Functions) -> None:
    ends = [baseline_of(functions, _BY_NAME[name]).end for name in ("restore", "restore on demand")]
    applied = {
        outcome["setting"]
        for end in ends
        for outcome in end.reports[0]["settings"]
        if outcome["status"] == "applied"
    }
    # A restore brings these back by itself: billing mode, and what is only compared.
    assert applied == {setting.name for setting in SETTINGS} - {"billing_mode", "indexes"}
    assert [len(end.reports) for end in ends] == [1, 1]
    # Told on the bus, and noted.
    kinds = [{finding["kind"] for finding in found} for end in ends for found in end.found]
    assert kinds == [_ALL_KINDS] * 4


_ALL_KINDS = {search.kind for search in SEARCHES}


@pytest.mark.parametrize("name", ["restore", "restore on demand", "cutover"])
def test_without_faults_the_target_is_as_its_source(functions: Functions, name: str) -> None:
    """Read from the account itself, by none of the module's own code."""
    account = baseline_of(functions, _BY_NAME[name]).world.account.copy()
    account.settle()
    source, target = account.tables.tables[SOURCE], account.tables.tables[TARGET]
    for part in ("StreamSpecification", "TableClassSummary", "DeletionProtectionEnabled", "Replicas"):
        assert target.description[part] == source.description[part]
    for part in ("OnDemandThroughput", "WarmThroughput"):
        for resource in ("", INDEX):
            assert target.part(resource).get(part) == source.part(resource).get(part)
    assert target.tags == {key: value for key, value in source.tags.items() if not key.startswith("aws:")}
    assert (target.ttl, target.recovery_days) == (source.ttl, source.recovery_days)
    assert renamed(target.insights) == renamed(source.insights)
    assert account.kinesis.destinations[TARGET] == account.kinesis.destinations[SOURCE]
    assert scaling_of(account, TARGET) == scaling_of(account, SOURCE)
    assert triggers_of(account, TARGET) == triggers_of(account, SOURCE) - {"capture"}
    for of in (table_arn, stream_of):
        new, old = (json.loads(account.policies.documents[of(table)]) for table in (TARGET, SOURCE))
        assert renamed(new) == renamed(old)
    assert len(account.cloudwatch.composite_alarms) == 2
    assert {"orders-throttled (orders-restored)", f"checkout is slow ({TARGET})"} & set(
        account.cloudwatch.metric_alarms
    )


def stream_of(table: str) -> str:
    label = "2026-10-01T00:00:00.000" if table == SOURCE else STREAM_LABEL
    return f"{table_arn(table)}/stream/{label}"


def renamed(value: Any) -> str:
    """A value as text, with neither table's name in it."""
    text = json.dumps(value, sort_keys=True)
    for table in (TARGET, SOURCE):
        text = text.replace(stream_of(table), "STREAM").replace(table, "TABLE")
    return text


def scaling_of(account: Account, table: str) -> list[str]:
    scaling = account.scaling
    return sorted(
        renamed(value)
        for kind in (scaling.targets, scaling.policies, scaling.actions)
        for place, value in kind.items()
        if place[0].split("/")[1] == table
    )


def triggers_of(account: Account, table: str) -> set[str]:
    return {
        mapping["FunctionArn"].rpartition(":function:")[2]
        for mapping in account.mappings.mappings
        if mapping["EventSourceArn"] == stream_of(table)
    }


# The oracle --------------------------------------------------------------------------------------------------------


def lose_a_tag(account: Account) -> None:
    account.tables.tables[TARGET].tags.pop("team")


def touch_the_source(account: Account) -> None:
    account.tables.tables[SOURCE].recovery_days = 35


def touch_another_table(account: Account) -> None:
    account.tables.tables[UNRELATED].tags["team"] = "nobody"


def switch_a_trigger_off(account: Account) -> None:
    account.mappings.mappings[-1]["State"] = "Disabled"


def make_an_alarm_twice(account: Account) -> None:
    account.cloudwatch.put_alarm("orders-throttled (orders-restored) (orders-restored)")


def make_a_trigger_twice(account: Account) -> None:
    account.mappings.mappings.append({**account.mappings.mappings[0]})


def write_a_letter(account: Account) -> None:
    reason = {"reason": {"DataType": "String", "StringValue": "aws_error"}}
    account.queues.put(DEAD_LETTERS, "{}", attributes=reason)


def keep_a_claim(account: Account) -> None:
    account.items.put(RESTORE_TABLE, {"pk": {"S": "pipeline#orders"}, "sk": {"S": "claim"}})


@pytest.mark.parametrize(
    "harm",
    [
        lose_a_tag,
        touch_the_source,
        touch_another_table,
        switch_a_trigger_off,
        make_an_alarm_twice,
        make_a_trigger_twice,
        write_a_letter,
        keep_a_claim,
    ],
)
def test_the_oracle_sees_what_is_wrong(functions: Functions, harm: Callable[[Account], None]) -> None:
    baseline = baseline_of(functions, _BY_NAME["restore"])
    account = baseline.world.account.copy()
    assert list(ended_otherwise(baseline.end, end_of(account))) == []
    harm(account)
    assert list(ended_otherwise(baseline.end, end_of(account))) != []


def test_the_oracle_compares_every_report_with_the_last_one_of_the_undisturbed(functions: Functions) -> None:
    end = baseline_of(functions, _BY_NAME["restore"]).end
    (report,) = end.reports
    assert list(told_otherwise(end, replace(end, reports=[report, report]))) == []
    assert list(told_otherwise(end, replace(end, reports=[]))) == ["no report came"]
    incomplete = {**report, "result": "incomplete"}
    assert list(told_otherwise(end, replace(end, reports=[report, incomplete]))) == [
        'report 2/result is "incomplete", not "synced"'
    ]


# The account in memory ---------------------------------------------------------------------------------------------


def stores_at_work(aws: Clients) -> Iterator[Any]:
    """Every expression that the stores send to DynamoDB, those that fail included."""
    records = RestoreRecords(aws, RESTORE_TABLE, timedelta(days=90))
    key = RestoreKey(TARGET, "restore-1")
    yield records.get(key)
    lease = Lease("invocation-1", NOW + timedelta(minutes=2))
    for event_id in ("first", "second"):
        yield records.take_lead(key, request(event_id=event_id), None, event_id, lease, NOW)
    yield records.keep_state(key, "ttl", {"attribute": "x"}, {})
    records.give_lead_back(key, lease)
    yield records.take_lead(key, request(), records.get(key), "third", lease, NOW)
    common: dict[str, Any] = {"attempts": 1, "pipeline_owner": None, "now": NOW, "lease": lease}
    yield records.save_waiting(key, request(), summary={}, known=False, **common)
    other = {**common, "lease": Lease("invocation-2", NOW)}
    yield records.save_waiting(key, request(), summary={}, known=False, **other)
    steps = Steps({"ttl": ["enable TTL"]})
    yield records.save_syncing(
        key, request(), sync_attempts=1, steps=steps, known=True, without_replay=True, **common
    )
    records.save_steps(key, steps.with_plan({"tags": ["add tags"]}).with_done("ttl", "enable TTL"))
    records.save_steps(key, steps, [Outcome("ttl", Status.UNCHANGED)])
    records.save_steps(RestoreKey(TARGET, "gone"), steps)
    give_up = GiveUp(1, "settings_failed", "ttl: no")
    yield records.save_report(
        key, Report(Result.FAILED, SOURCE, TARGET, NOW), NOW, give_up=give_up, lease=lease
    )
    yield records.get(key)
    yield records.take_lead(key, request(), records.get(key), "fourth", lease, NOW)
    for result in (Result.REPLAYING, Result.SYNCED):
        yield records.save_report(key, Report(result, SOURCE, TARGET, NOW), NOW)
    records.notes.save_findings(key, [Finding("dashboards", "shop", "look")])
    yield records.get(key)
    pins = Pins(aws, RESTORE_TABLE, timedelta(days=90))
    yield pins.get("event-1", TARGET)
    yield pins.pin("event-1", TARGET, "id-1", NOW)
    yield pins.pin("event-1", TARGET, "id-2", NOW)

    claims = ClaimStore(aws, RESTORE_TABLE, SOURCE)
    claim = Claim("restore-1", TARGET, ClaimState.CAPTURING, NOW, Window(5))
    yield claims.take(claim)
    yield claims.take(replace(claim, restore_id="restore-2"))
    yield claims.update(claim)
    yield claims.update(claim)
    claims.release(replace(claim, restore_id="restore-2"))
    yield claims.current()
    claims.note_consumed(NOW)
    claims.release(claim)
    yield claims.current(), claims.consumed_until()

    progress = ProgressStore(aws, RESTORE_TABLE, SOURCE, "buffer-1")
    for sequence in (5, 9, 7):
        ahead = {0: Position(sequence, 100 + sequence), 1: Position(6, 100)}
        progress.advance(Side.CAPTURED, ahead, changes=2, since=sequence)
    yield progress.read(Side.CAPTURED)
    progress.forget_since()
    yield progress.read(Side.CAPTURED)

    quarantine = Quarantine(aws, RESTORE_TABLE, "restore-1")
    for number in range(5):
        quarantine.add(put(f"{number}", sequence=number), "wrong type")
    items = list(quarantine.items())
    quarantine.add(put(f"{items[0].key['id']['S']}", sequence=99), "still wrong")
    yield [quarantine.resolve(item) for item in items[:3]]
    quarantine.remove(items[3].key)
    yield list(quarantine.items())


def test_the_items_in_memory_are_those_of_an_emulator() -> None:
    """The same work of the stores on both: the same answers, and the same items in the end."""
    with mock_aws():
        make_restore_table(clients())
        answers = list(stores_at_work(clients()))
        items = clients().dynamodb.scan(TableName=RESTORE_TABLE)["Items"]
    world = World(Account())
    world.wire.checks_answers = True
    world.account.items.make(RESTORE_TABLE, pk="S", sk="S")
    functions = Functions()
    with functions.deployed(), functions.on(world):
        assert list(stores_at_work(clients())) == answers
    found = world.account.items.tables[RESTORE_TABLE].items.values()
    assert sorted(found, key=_key) == sorted(items, key=_key)


def _key(item: Any) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def test_a_difference_is_told_with_its_place() -> None:
    expected = {"a": {"b": [1, 2]}, "c": 3}
    assert list(differences(expected, {"a": {"b": [1, 5]}, "d": 4})) == [
        "/a/b/1 is 5, not 2",
        "/c is missing: 3",
        "/d should not be there: 4",
    ]
