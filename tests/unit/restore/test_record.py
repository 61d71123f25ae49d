"""The restore record: what is kept, which state may follow which, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.record import (
    GiveUp,
    Lease,
    RestoreKey,
    RestoreRecord,
    RestoreRecords,
    RestoreState,
)
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.settings.setting import Overrides
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.unit.builders import RESTORE_TABLE, TARGET_ID, make_restore_table, record_item, request
from tests.unit.fakes import Aws, table_arn

KEY = RestoreKey("orders-restored", TARGET_ID)
NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SUMMARY = {
    "SourceTableArn": table_arn("orders"),
    "RestoreDateTime": datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
    "RestoreInProgress": True,
}
SETTINGS: dict[str, Any] = {
    "ttl": {"attribute": "expires"},
    "tags": {"tags": {"team": "checkout", "note": ""}},
    "point_in_time_recovery": {"recovery_period_days": 7},
    "auto_scaling": {"goal": 70.5, "whole": 70.0, "none": None, "list": [1, True, {}]},
}


@pytest.fixture
def records(aws: Aws, clients: Clients) -> RestoreRecords:
    make_restore_table(clients)
    return RestoreRecords(clients, RESTORE_TABLE, timedelta(days=90))


def report(result: Result) -> Report:
    return Report(
        result,
        "orders",
        "orders-restored",
        finished_at=LATER,
        restore_id=TARGET_ID,
        outcomes=(Outcome("tags", Status.APPLIED, done=("add tags team=checkout",)),),
    )


LEASE = Lease("invocation-1", LATER + timedelta(minutes=2))


def take_lead(records: RestoreRecords, key: RestoreKey = KEY, of: RestoreRequest | None = None) -> bool:
    return records.take_lead(key, of or request(), records.get(key), "message", LEASE, NOW)


def save_waiting(records: RestoreRecords, key: RestoreKey, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "request": request(),
        "summary": SUMMARY,
        "attempts": 1,
        "pipeline_owner": None,
        "now": NOW,
        "known": False,
        "lease": LEASE,
        **changes,
    }
    if take_lead(records, key, arguments["request"]):
        kept: dict[str, Any] = {}
        for name, state in SETTINGS.items():
            records.keep_state(key, name, state, kept)
    records.save_waiting(key, **arguments)


def wait(records: RestoreRecords, *, known: bool = False, attempts: int = 1) -> None:
    save_waiting(records, KEY, known=known, attempts=attempts)


def sync(records: RestoreRecords, sync_attempts: int = 1) -> None:
    take_lead(records)
    records.save_syncing(
        KEY,
        request(),
        attempts=5,
        sync_attempts=sync_attempts,
        pipeline_owner=None,
        steps=Steps(),
        now=LATER,
        known=sync_attempts > 1,
        without_replay=True,
        lease=LEASE,
    )


def states(clients: Clients) -> list[str]:
    return [entry["state"] for entry in record_item(clients)["history"]]


def test_no_record_is_none(records: RestoreRecords) -> None:
    assert records.get(KEY) is None


def test_the_first_wait_is_written_down_whole(records: RestoreRecords, clients: Clients) -> None:
    wait(records)
    assert record_item(clients) == {
        "pk": "target#orders-restored",
        "sk": "restore#5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10",
        "state": "waiting",
        "history": [{"state": "waiting", "at": "2026-11-22T07:05:00Z"}],
        "request": {
            "event_id": "7d0c1c6e-3f55-4b0a-9a52-000000000001",
            "event_name": "RestoreTableToPointInTime",
            "source": "orders",
            "source_region": "eu-central-1",
            "target": "orders-restored",
            "region": "eu-central-1",
            "account": "123456789012",
            "requested_at": "2026-11-22T07:00:01Z",
            "requested_by": "arn:aws:iam::123456789012:user/ana",
            "restore_point": None,
            "backup_arn": None,
            "overrides": {
                "billing_mode": None,
                "provisioned_throughput": False,
                "on_demand_throughput": False,
                "index_throughput": [],
                "index_warm_throughput": [],
                "indexes": [],
                "encryption": False,
            },
            "source_account": "123456789012",
            "by_terraform": False,
            "restore_test": False,
            "notes": [],
        },
        "source": "orders",
        "target": "orders-restored",
        "restore_point": "2026-11-22T06:30:00Z",
        "origin": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders",
        "settings": {
            "ttl": {"attribute": "expires"},
            "tags": {"tags": {"team": "checkout", "note": ""}},
            "point_in_time_recovery": {"recovery_period_days": 7},
            "auto_scaling": {
                "goal": Decimal("70.5"),
                "whole": Decimal(70),
                "none": None,
                "list": [Decimal(1), True, {}],
            },
        },
        "attempts": Decimal(1),
        "pipeline_owner": None,
        "leader": "message",
        "lease_owner": "invocation-1",
        "lease_until": Decimal(1795336320),
        "updated_at": "2026-11-22T07:05:00Z",
        "expires_at": Decimal(1803107100),
    }


def test_what_is_kept_comes_back(records: RestoreRecords) -> None:
    wait(records)
    record = records.get(KEY)
    assert record is not None
    assert record.state is RestoreState.WAITING
    assert record.settings == SETTINGS
    assert record.restore_point == datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    assert record.sync_attempts == 0
    assert not record.settled


def test_a_further_wait_adds_no_history(records: RestoreRecords, clients: Clients) -> None:
    wait(records)
    wait(records, known=True, attempts=2)
    assert states(clients) == ["waiting"]
    assert record_item(clients)["attempts"] == 2


def test_applying_keeps_what_was_read_while_waiting(records: RestoreRecords, clients: Clients) -> None:
    wait(records)
    sync(records)
    sync(records, 2)
    record = records.get(KEY)
    assert record is not None
    assert (record.state, record.sync_attempts) == (RestoreState.SYNCING, 2)
    assert record.settings == SETTINGS
    assert record.restore_point == datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    assert states(clients) == ["waiting", "syncing"]


@pytest.mark.parametrize(
    ("result", "state", "settled"),
    [
        (Result.SYNCED, "synced", True),
        (Result.SKIPPED, "skipped", True),
        (Result.INCOMPLETE, "incomplete", False),
        (Result.FAILED, "failed", False),
    ],
)
def test_an_end_is_written_down_with_its_report(
    records: RestoreRecords, clients: Clients, result: Result, state: str, settled: bool
) -> None:
    wait(records)
    records.save_report(KEY, report(result), LATER)
    item = record_item(clients)
    assert item["state"] == state
    assert item["history"][-1] == {"state": state, "at": "2026-11-22T08:30:00Z"}
    assert item["report"]["result"] == state
    assert item["report"]["settings"][0]["done"] == ["add tags team=checkout"]
    record = records.get(KEY)
    assert record is not None
    assert record.settled is settled


@pytest.mark.parametrize("end", [Result.SYNCED, Result.SKIPPED])
def test_a_settled_restore_stays_as_it_is(records: RestoreRecords, clients: Clients, end: Result) -> None:
    records.save_report(KEY, report(end), NOW)
    settled = record_item(clients)
    wait(records)
    sync(records)
    records.save_report(KEY, report(Result.FAILED), LATER)
    assert record_item(clients) == settled


@pytest.mark.parametrize("end", [Result.INCOMPLETE, Result.FAILED])
def test_a_restore_that_failed_can_be_run_again(
    records: RestoreRecords, clients: Clients, end: Result
) -> None:
    records.save_report(KEY, report(end), NOW)
    sync(records)
    records.save_report(KEY, report(Result.SYNCED), LATER)
    assert states(clients) == [end.value, "syncing", "synced"]


def test_overrides_are_kept(records: RestoreRecords, clients: Clients) -> None:
    overridden = request(
        overrides=Overrides("PAY_PER_REQUEST", provisioned_throughput=True, index_throughput=("by-customer",))
    )
    take_lead(records)
    records.save_syncing(
        KEY,
        overridden,
        attempts=1,
        sync_attempts=1,
        pipeline_owner=None,
        steps=Steps(),
        now=NOW,
        known=False,
        without_replay=True,
        lease=LEASE,
    )
    assert record_item(clients)["request"]["overrides"] == {
        "billing_mode": "PAY_PER_REQUEST",
        "provisioned_throughput": True,
        "on_demand_throughput": False,
        "index_throughput": ["by-customer"],
        "index_warm_throughput": [],
        "indexes": [],
        "encryption": False,
    }


def test_a_restore_from_a_backup_has_the_backup_as_its_origin(
    records: RestoreRecords, clients: Clients
) -> None:
    backup = f"{table_arn('orders')}/backup/01758000000000-12345678"
    summary = {**SUMMARY, "SourceBackupArn": backup}
    save_waiting(records, KEY, summary=summary)
    assert record_item(clients)["origin"] == backup


def test_without_a_summary_neither_origin_nor_restore_point_is_overwritten(
    records: RestoreRecords, clients: Clients
) -> None:
    wait(records)
    save_waiting(records, KEY, summary={}, attempts=2, known=True)
    item = record_item(clients)
    assert (item["origin"], item["restore_point"]) == (
        "arn:aws:dynamodb:eu-central-1:123456789012:table/orders",
        "2026-11-22T06:30:00Z",
    )


def test_restores_of_one_name_are_told_apart(records: RestoreRecords, clients: Clients) -> None:
    wait(records)
    records.save_report(RestoreKey("orders-restored", "another-id"), report(Result.SYNCED), LATER)
    assert record_item(clients)["state"] == "waiting"
    assert record_item(clients, "another-id")["state"] == "synced"


def test_any_other_error_is_raised(aws: Aws, records: RestoreRecords) -> None:
    aws.fail("UpdateItem", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        wait(records)


def test_states_that_do_not_fit_one_item_beside_those_before_are_left_out(
    records: RestoreRecords, clients: Clients
) -> None:
    states = {
        "alarms": {"text": "é" * 150_000},
        "policy": {"text": "x" * 200_000},
        "tags": {"text": "x" * 200_000},
        "ttl": {"attribute": "expires"},
    }
    take_lead(records)
    kept: dict[str, Any] = {}
    for name, state in states.items():
        if records.keep_state(KEY, name, state, kept):
            kept[name] = state
    assert record_item(clients)["settings"].keys() == kept.keys() == {"policy", "ttl"}


def test_who_leads_since_the_record_was_read_comes_first(records: RestoreRecords) -> None:
    """Also when that one's lease has ended: two messages of one restore would undo each other's count of attempts."""
    wait(records)
    read = records.get(KEY)
    at = LEASE.until + timedelta(seconds=1)
    assert records.take_lead(KEY, request(), read, "another", Lease("invocation-2", at), at)
    later = at + timedelta(minutes=5)
    assert not records.take_lead(KEY, request(), read, "message", Lease("invocation-3", later), later)
    assert records.take_lead(KEY, request(), records.get(KEY), "message", Lease("invocation-3", later), later)


def test_one_copy_of_a_message_that_was_set_aside_reopens_its_restore(records: RestoreRecords) -> None:
    take_lead(records)
    give_up = GiveUp(1, "settings_failed", "tags: no")
    records.save_report(KEY, report(Result.FAILED), LATER, give_up=give_up, lease=LEASE)
    read = records.get(KEY)
    at = LEASE.until + timedelta(seconds=1)
    assert records.take_lead(
        KEY, request(), read, "message", Lease("invocation-2", at), at, was_set_aside=True
    )
    again = records.get(KEY)
    assert again is not None
    second = GiveUp(2, "settings_failed", "tags: no")
    records.save_report(KEY, report(Result.FAILED), at, give_up=second, lease=Lease("invocation-2", at))
    later = at + timedelta(minutes=5)
    lease = Lease("invocation-3", later)
    assert not records.take_lead(KEY, request(), read, "message", lease, later, was_set_aside=True)


def test_a_record_that_only_begins_has_an_end(records: RestoreRecords, clients: Clients) -> None:
    """Where the delivery that made it is killed at once, nobody writes it again."""
    take_lead(records)
    assert int(record_item(clients)["expires_at"]) > NOW.timestamp()


def test_every_write_moves_the_end_of_the_record(records: RestoreRecords, clients: Clients) -> None:
    wait(records)
    waiting = int(record_item(clients)["expires_at"])
    records.save_report(KEY, report(Result.SYNCED), LATER, lease=LEASE)
    assert int(record_item(clients)["expires_at"]) - waiting == (LATER - NOW).total_seconds()


APPLIED = Outcome("tags", Status.APPLIED, done=("add tags team=checkout",))


def test_steps_and_outcomes_come_back(records: RestoreRecords) -> None:
    sync(records)
    steps = Steps({"ttl": ["enable TTL"]}, {"tags": ["add tags team=checkout"]})
    records.save_steps(KEY, steps, [Outcome("tags", Status.UNCHANGED, still_open=()), APPLIED])
    record = records.get(KEY)
    assert record is not None
    assert record.steps == steps
    assert record.outcomes[1] == APPLIED
    assert [outcome.setting for outcome in record.outcomes] == ["tags", "tags", "ttl"]


def test_a_report_takes_the_place_of_the_outcomes(records: RestoreRecords, clients: Clients) -> None:
    sync(records)
    records.save_steps(KEY, Steps(), [Outcome("tags", Status.FAILED, reason="no")])
    records.save_report(KEY, report(Result.INCOMPLETE), LATER)
    assert "outcomes" not in record_item(clients)
    record = records.get(KEY)
    assert record is not None
    assert record.outcomes == (APPLIED,)
    # A delivery after that knows better.
    failed = Outcome("tags", Status.FAILED, reason="no")
    records.save_steps(KEY, Steps(), [failed])
    again = records.get(KEY)
    assert again is not None
    assert again.outcomes == (failed,)


def test_steps_make_no_record_and_change_none_that_is_closed(
    records: RestoreRecords, clients: Clients
) -> None:
    records.save_steps(KEY, Steps(done={"tags": ["add tags"]}))
    assert records.get(KEY) is None
    records.save_report(KEY, report(Result.SYNCED), NOW)
    closed = record_item(clients)
    records.save_steps(KEY, Steps(done={"tags": ["add tags"]}), [])
    assert record_item(clients) == closed


def test_steps_that_may_not_be_noted_are_told(aws: Aws, records: RestoreRecords) -> None:
    aws.fail("UpdateItem", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        records.save_steps(KEY, Steps())


LATER_LEASE = Lease("invocation-2", LATER + timedelta(minutes=4))


def test_one_invocation_acts_for_a_restore(records: RestoreRecords, clients: Clients) -> None:
    assert take_lead(records)
    record = records.get(KEY)
    # Also not of the same message: SQS may deliver it twice at once.
    assert not records.take_lead(KEY, request(), record, "message", LATER_LEASE, LATER)
    records.give_lead_back(KEY, LATER_LEASE)
    assert not records.take_lead(KEY, request(), record, "message", LATER_LEASE, LATER)
    records.give_lead_back(KEY, LEASE)
    assert records.take_lead(KEY, request(), record, "message", LATER_LEASE, LATER)
    assert record_item(clients)["lease_owner"] == "invocation-2"


def test_a_lease_runs_out_with_its_invocation(records: RestoreRecords) -> None:
    assert take_lead(records)
    record = records.get(KEY)
    assert not records.take_lead(KEY, request(), record, "other", LATER_LEASE, LEASE.until)
    assert records.take_lead(KEY, request(), record, "other", LATER_LEASE, LEASE.until + timedelta(seconds=1))


def ended(records: RestoreRecords, result: Result = Result.SYNCED) -> RestoreRecord:
    records.save_report(KEY, report(result), NOW)
    record = records.get(KEY)
    assert record is not None
    return record


@pytest.mark.parametrize("result", [Result.SYNCED, Result.INCOMPLETE, Result.FAILED, Result.ABANDONED])
def test_a_restore_that_has_ended_is_taken_up_by_one_invocation(
    records: RestoreRecords, clients: Clients, result: Result
) -> None:
    record = ended(records, result)
    assert records.take_up(KEY, record, LATER_LEASE, LATER)
    assert not records.take_up(KEY, record, LEASE, LATER)

    records.save_steps(KEY, Steps(done={"ttl": ["enable TTL"]}), lease=LEASE)
    assert "done" not in record_item(clients), "it is another's"
    records.save_steps(KEY, Steps(done={"ttl": ["enable TTL"]}), lease=LATER_LEASE)
    assert record_item(clients)["done"] == {"ttl": ["enable TTL"]}

    assert not records.save_report(KEY, report(Result.INCOMPLETE), LATER, taken_up=True, lease=LEASE)
    assert records.save_report(KEY, report(Result.INCOMPLETE), LATER, taken_up=True, lease=LATER_LEASE)
    item = record_item(clients)
    assert (item["state"], item["report"]["result"]) == ("incomplete", "incomplete")
    assert {"lease_owner", "lease_until"}.isdisjoint(item)


def test_a_restore_that_goes_on_meanwhile_is_not_taken_up(records: RestoreRecords) -> None:
    record = ended(records, Result.INCOMPLETE)
    records.save_report(KEY, report(Result.SYNCED), NOW)
    assert not records.take_up(KEY, record, LATER_LEASE, LATER)


def test_no_record_is_made_by_taking_it_up(records: RestoreRecords, clients: Clients) -> None:
    record = ended(records)
    clients.dynamodb.delete_item(TableName=RESTORE_TABLE, Key=KEY.item_key())
    assert not records.take_up(KEY, record, LATER_LEASE, LATER)
    assert record_item(clients) == {}


def test_the_restore_point_that_was_told_stands_in_for_one_that_is_not_on_record(
    records: RestoreRecords,
) -> None:
    point = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    assert ended(records).told_restore_point is None
    told = replace(report(Result.INCOMPLETE), restore_point=point)
    records.save_report(KEY, told, NOW, taken_up=True)
    record = records.get(KEY)
    assert record is not None
    assert (record.restore_point, record.told_restore_point) == (None, point)


def test_who_saw_an_older_record_does_not_lead(records: RestoreRecords) -> None:
    assert take_lead(records)
    seen = records.get(KEY)
    records.save_report(KEY, report(Result.FAILED), LATER, give_up=GiveUp(1, "code", "why"), lease=LEASE)
    assert not records.take_lead(KEY, request(), None, "other", LATER_LEASE, LATER)
    assert not records.take_lead(KEY, request(), seen, "other", LATER_LEASE, LATER)
    failed = records.get(KEY)
    assert not records.take_lead(KEY, request(), failed, "other", LATER_LEASE, LATER)
    assert records.take_lead(KEY, request(), failed, "other", LATER_LEASE, LATER, was_set_aside=True)
    # Whoever read the same failure comes second.
    records.give_lead_back(KEY, LATER_LEASE)
    assert not records.take_lead(KEY, request(), failed, "third", LEASE, LATER)


def test_what_another_invocation_may_do_this_one_may_not(records: RestoreRecords, clients: Clients) -> None:
    take_lead(records)
    item = record_item(clients)
    save_waiting(records, KEY, lease=LATER_LEASE)
    assert not records.save_report(KEY, report(Result.SYNCED), LATER, lease=LATER_LEASE)
    assert {**record_item(clients), "settings": {}} == item


def test_an_end_is_the_end_of_the_lease(records: RestoreRecords, clients: Clients) -> None:
    take_lead(records)
    assert records.save_report(KEY, report(Result.SYNCED), LATER, lease=LEASE)
    assert not record_item(clients).keys() & {"lease_owner", "lease_until"}


def test_a_give_up_ends_its_lease_and_is_final_once_its_message_is_set_aside(
    records: RestoreRecords, clients: Clients
) -> None:
    wait(records)
    give_up = GiveUp(1, "settings_failed", "tags: no")
    assert records.save_report(KEY, report(Result.INCOMPLETE), LATER, give_up=give_up, lease=LEASE)
    assert record_item(clients)["lease_owner"] == LEASE.owner
    record = records.get(KEY)
    assert record is not None
    assert (record.give_up, record.given_up, record.give_ups) == (give_up, True, 1)
    assert (record.set_aside, record.claimed) == (False, False)
    before = record_item(clients)
    records.notes.note_set_aside(KEY, 2)
    assert record_item(clients) == before
    records.notes.note_set_aside(KEY, 1)
    assert not record_item(clients).keys() & {"lease_owner", "lease_until"}
    record = records.get(KEY)
    assert record is not None
    assert record.give_up == GiveUp(1, "settings_failed", "tags: no", set_aside=True)
    assert records.take_lead(KEY, request(), record, "other", LATER_LEASE, LATER)


def test_a_late_note_of_what_was_set_aside_does_not_end_the_lease_of_who_goes_on(
    records: RestoreRecords, clients: Clients
) -> None:
    take_lead(records)
    give_up = GiveUp(1, "settings_failed", "tags: no")
    records.save_report(KEY, report(Result.FAILED), LATER, give_up=give_up, lease=LEASE)
    failed = records.get(KEY)
    assert records.take_lead(KEY, request(), failed, "other", LATER_LEASE, LATER, was_set_aside=True)
    records.notes.note_set_aside(KEY, 1)
    assert record_item(clients)["lease_owner"] == LATER_LEASE.owner
