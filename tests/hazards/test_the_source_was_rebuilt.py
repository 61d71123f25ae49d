"""The source is deleted, and another table has its name when its settings are read.

A backup of `orders` with personal data; `orders` deleted and built anew for a sandbox; the backup restored. Who goes by the
name gives the restored table the tags, the policy and the triggers of the sandbox, and reports that all is well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import GivenUp, TryAgain
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Table
from tests.hazards.restoring import RESTORING, TARGET, given_up, statuses
from tests.unit.builders import (
    ALL_ON,
    REQUESTED_AT,
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    record_item,
    request,
)
from tests.unit.fakes import LONG_AGO, Aws, Clock, client_error, table_arn

BACKUP = f"{table_arn('orders')}/backup/01489602797149-73d8d5bc"


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    return make_worker(clients, clock)


class Backups:
    """What DynamoDB tells of backups, which moto does not tell whole."""

    def __init__(self, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table_id: str | None = None
        answer = aws.answer

        def with_backups(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
            known = operation == "DescribeBackup"
            return answer(client, operation, parameters, self._answer if known else otherwise)

        monkeypatch.setattr(aws, "answer", with_backups)

    def _answer(self, _: Any, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if self.table_id is None:
            raise client_error(operation, "BackupNotFoundException", "Backup not found")
        details = {"BackupCreationDateTime": REQUESTED_AT - timedelta(hours=8)}
        return {
            "BackupDescription": {"BackupDetails": details, "SourceTableDetails": {"TableId": self.table_id}}
        }


def test_a_table_built_after_the_restore_call(worker: Worker, aws: Aws) -> None:
    aws.describe_as("orders", CreationDateTime=REQUESTED_AT + timedelta(minutes=1), TableId="sandbox")
    aws.calls.clear()
    verdict = worker.follow(delivery(request(), 1))
    assert given_up(verdict) == ("source_gone", "failed")
    assert isinstance(verdict, GivenUp)
    assert "another one now, and nothing of it was cloned" in verdict.reason
    assert aws.writes() == ["PutEvents"]


def test_a_table_built_after_the_backup_and_before_its_restore(worker: Worker, aws: Aws) -> None:
    """The backup is gone by now, so that nothing but the instants tell."""
    made_at = REQUESTED_AT - timedelta(days=3)
    aws.describe_as("orders", CreationDateTime=made_at + timedelta(hours=1), TableId="sandbox")
    aws.calls.clear()
    restored = request(
        event_name="RestoreTableFromBackup",
        backup_arn="arn:aws:backup:eu-central-1:123456789012:recovery-point:1EB3B5E7",
        restore_point=made_at,
    )
    assert given_up(worker.follow(delivery(restored, 1))) == ("source_gone", "failed")
    assert aws.writes() == ["PutEvents"]


@pytest.mark.parametrize(("table_id", "expected"), [("another", "source_gone"), (None, None)])
def test_the_backup_tells_the_id_of_its_table(
    worker: Worker,
    aws: Aws,
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
    table_id: str | None,
    expected: str | None,
) -> None:
    """A clock that was wrong, or a table that was imported with an old name: the id decides."""
    backups = Backups(aws, monkeypatch)
    backups.table_id = table_id or Table("orders", clients).describe()["TableId"]
    aws.calls.clear()
    verdict = worker.follow(delivery(request(event_name="RestoreTableFromBackup", backup_arn=BACKUP), 1))
    if expected is None:
        assert statuses(verdict) == dict.fromkeys(ALL_ON, "applied")
    else:
        assert given_up(verdict) == (expected, "failed")
        assert aws.writes() == ["PutEvents"]


def test_one_setting_is_throttled_and_the_source_is_replaced_before_it_is_read(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    aws.describe_next(TARGET, RESTORING)
    aws.fail("DescribeTimeToLive", "ThrottlingException", "slow down", times=3)
    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    assert set(record_item(clients)["settings"]) == set(ALL_ON) - {"ttl"}
    aws.describe_as("orders", TableId="sandbox")
    verdict = worker.follow(delivery(request(), 2))
    assert given_up(verdict) == ("source_gone", "incomplete")
    # What was read before is of the right table, and is there.
    assert statuses(verdict) == {**dict.fromkeys(ALL_ON, "applied"), "ttl": "failed"}
    assert aws.named("UpdateTimeToLive")[1:] == []


def test_the_source_is_replaced_while_it_is_read(worker: Worker, aws: Aws, clients: Clients) -> None:
    """Six settings of one table and one of the next are nobody's settings."""
    aws.describe_next("orders", {"TableId": "id-of-orders-before"})
    aws.describe_as("orders", TableId="sandbox")
    aws.calls.clear()
    assert given_up(worker.follow(delivery(request(), 1))) == ("source_gone", "failed")
    assert aws.writes() == ["PutEvents"]
    assert record_item(clients).get("settings", {}) == {}, "nothing of it is on record for a later delivery"


def test_the_control_tag_of_a_successor_decides_nothing(aws: Aws, clients: Clients, clock: Clock) -> None:
    """Whoever builds the sandbox would otherwise choose what the restored table gets."""
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    arn = table_arn("orders")
    clients.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "choice", "Value": "off"}])
    aws.describe_as("orders", CreationDateTime=REQUESTED_AT + timedelta(minutes=1))
    verdict = make_worker(clients, clock, control_tag="choice").follow(delivery(request(), 1))
    assert given_up(verdict) == ("source_gone", "failed")


def test_a_source_that_was_there_all_along_is_read(worker: Worker, aws: Aws) -> None:
    aws.describe_as("orders", CreationDateTime=LONG_AGO)
    assert statuses(worker.follow(delivery(request(), 1))) == dict.fromkeys(ALL_ON, "applied")
