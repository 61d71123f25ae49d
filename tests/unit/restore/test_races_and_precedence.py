"""What no other test of restores notices when it breaks: races for a record, and which of two sources of a fact wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.origin import find_origin
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest, Sighting
from dynamodb_restore.restore.request_events import parse_event
from tests.unit.builders import RESTORE_TABLE, TARGET_ID, event, make_restore_table, make_table, request
from tests.unit.fakes import Aws

KEY = RestoreKey("orders-restored", TARGET_ID)
NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)


@pytest.fixture
def records(aws: Aws, clients: Clients) -> RestoreRecords:
    make_restore_table(clients)
    return RestoreRecords(clients, RESTORE_TABLE, timedelta(days=90))


def report(result: Result) -> Report:
    return Report(result, "orders", "orders-restored", finished_at=NOW, restore_id=TARGET_ID)


@pytest.mark.parametrize("end", [Result.REPLAYING, Result.ABANDONED])
def test_a_delivery_does_not_end_what_is_a_persons_to_end(records: RestoreRecords, end: Result) -> None:
    records.save_report(KEY, report(end), NOW)
    records.save_report(KEY, report(Result.FAILED), NOW)

    record = records.get(KEY)
    assert record is not None
    assert record.state.value == end.value


def test_of_two_messages_that_saw_no_record_one_leads(records: RestoreRecords) -> None:
    """Both read before either wrote."""
    lease = Lease("first", NOW + timedelta(minutes=2))
    other = Lease("second", NOW + timedelta(minutes=2))
    assert records.take_lead(KEY, request(), None, "first", lease, NOW)
    records.give_lead_back(KEY, lease)
    assert not records.take_lead(KEY, request(), None, "second", other, NOW)


@pytest.mark.parametrize("end", [Result.SYNCED, Result.REPLAYING])
def test_a_message_that_comes_after_the_end_is_told_that_nobody_leads(
    records: RestoreRecords, end: Result
) -> None:
    """It looked before the other delivery wrote the end, and would apply the settings once more."""
    lease = Lease("first", NOW + timedelta(minutes=2))
    records.take_lead(KEY, request(), None, "first", lease, NOW)
    seen = records.get(KEY)
    records.save_report(KEY, report(end), NOW, lease=lease)

    assert not records.take_lead(KEY, request(), seen, "first", lease, NOW)
    assert not records.take_lead(KEY, request(), None, "second", lease, NOW)


def test_a_setting_of_which_the_source_has_nothing_is_known_all_the_same(records: RestoreRecords) -> None:
    """Once the source is deleted, nobody can ask again whether it had tags."""
    nothing: dict[str, Any] = {
        "tags": {"tags": {}},
        "ttl": {"attribute": None},
        "deletion_protection": {"enabled": False},
    }
    lease = Lease("first", NOW + timedelta(minutes=2))
    records.take_lead(KEY, request(), None, "first", lease, NOW)
    for name, state in nothing.items():
        records.keep_state(KEY, name, state, {})

    record = records.get(KEY)
    assert record is not None
    assert record.settings == nothing


def test_the_bus_hears_of_every_restore_and_the_topic_only_of_those_that_people_want(
    aws: Aws, clients: Clients
) -> None:
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    announcer = Announcer(clients, "default", topic)
    announcer.announce(report(Result.SYNCED), announcer.channels(notify=False))

    assert len(aws.named("PutEvents")) == 1
    assert aws.named("Publish") == []


def test_the_restore_point_that_aws_answered_wins_over_the_one_that_was_asked_for() -> None:
    """Who asks for an instant within a second, or for the latest, is restored to what the answer says."""
    answered = event("by_arn_cloudtrail_time_narrow_space")
    answered["detail"]["responseElements"] = {
        "tableDescription": {"restoreSummary": {"restoreDateTime": "Nov 22, 2026, 6:54:03 AM"}}
    }

    seen = parse_event(answered)

    assert isinstance(seen, RestoreRequest)
    assert seen.restore_point == datetime(2026, 11, 22, 6, 54, 3, tzinfo=UTC)


def test_the_instant_that_the_table_tells_wins_over_the_time_of_its_backup(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A continuous backup is restored to another instant than it was begun at."""
    restored_to = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    make_table(clients, "orders-restored")
    aws.describe_as("orders-restored", RestoreSummary={"RestoreDateTime": restored_to})
    answer = aws.answer

    def with_backup(
        client: Any, operation: str, parameters: dict[str, Any], otherwise: Any
    ) -> dict[str, Any]:
        if operation != "DescribeBackup":
            return answer(client, operation, parameters, otherwise)
        made_at = datetime(2026, 10, 1, tzinfo=UTC)
        return {"BackupDescription": {"BackupDetails": {"BackupCreationDateTime": made_at}}}

    monkeypatch.setattr(aws, "answer", with_backup)
    seen = parse_event(event("backup_without_answer"))
    assert isinstance(seen, Sighting)

    found = find_origin(clients, seen)

    assert (found.source.name, found.restore_point) == ("orders", restored_to)
