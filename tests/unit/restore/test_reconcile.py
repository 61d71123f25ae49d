"""Restores whose event never came: found by looking at the tables, and put on the queue once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from dynamodb_restore import aws as aws_module
from dynamodb_restore.aws import Clients
from dynamodb_restore.config import ConfigError, Follow, TablePatterns
from dynamodb_restore.handlers import reconciler as handler_module
from dynamodb_restore.restore.origin import find_origin
from dynamodb_restore.restore.queued import QueuedRestores
from dynamodb_restore.restore.reconcile import GRACE, Reconciled, Reconciler
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords
from dynamodb_restore.restore.request import Sighting
from dynamodb_restore.restore.request_events import parse_message
from tests.unit.builders import (
    RESTORE_TABLE,
    configure,
    delivery,
    make_restore_table,
    make_table,
    make_worker,
    request,
)
from tests.unit.fakes import Aws, Clock, table_arn

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# The tests reset warnings, and with them the filter that the function sets for itself.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

MADE_AT = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
NOW = MADE_AT + GRACE
SILENCE = timedelta(minutes=30)
RESTORED_TO = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def restoring(aws: Aws, clients: Clients, name: str, source: str = "orders", **more: Any) -> None:
    """A table that is being restored."""
    make_table(clients, name)
    summary = {"SourceTableArn": table_arn(source), "RestoreDateTime": RESTORED_TO, "RestoreInProgress": True}
    description = {
        "TableStatus": "CREATING",
        "RestoreSummary": summary,
        "CreationDateTime": MADE_AT,
        "TableId": f"id-of-{name}",
    }
    aws.describe_as(name, **{**description, **more})


@pytest.fixture
def queue_url(aws: Aws, clients: Clients) -> str:
    make_restore_table(clients)
    return clients.sqs.create_queue(QueueName="dynamodb-restore-restores")["QueueUrl"]


@pytest.fixture
def run(clients: Clients, queue_url: str) -> Callable[..., Reconciled]:
    def run(
        *,
        now: datetime = NOW,
        looks: int = 100,
        patterns: TablePatterns | None = None,
        wanted: Follow | None = None,
    ) -> Reconciled:
        left = iter(range(looks))
        return Reconciler(
            clients=clients,
            records=RestoreRecords(clients, RESTORE_TABLE, timedelta(0)),
            queued=QueuedRestores(clients, RESTORE_TABLE),
            restore_table_name=RESTORE_TABLE,
            restore_queue_url=queue_url,
            patterns=patterns or TablePatterns(),
            wanted=wanted or Follow(),
            longest_silence=SILENCE,
            enough_time=lambda: next(left, None) is not None,
            now=lambda: now,
        ).run()

    return run


def queued(clients: Clients, queue_url: str) -> list[str]:
    answer = clients.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


Run = Callable[..., Reconciled]


def test_a_restore_without_a_record_is_put_on_the_queue_as_a_request(
    aws: Aws, clients: Clients, queue_url: str, run: Run
) -> None:
    restoring(aws, clients, "orders-restored")
    make_table(clients, "orders")
    assert run() == Reconciled(3, ["orders-restored"])
    (body,) = queued(clients, queue_url)
    seen = parse_message(body)
    assert isinstance(seen, Sighting)
    found = find_origin(clients, seen)
    assert (found.source.name, found.target.name, found.target_id) == (
        "orders",
        "orders-restored",
        "id-of-orders-restored",
    )
    assert (found.requested_at, found.restore_point) == (MADE_AT, RESTORED_TO)


@pytest.mark.parametrize(
    "origin",
    [
        {"SourceTableArn": table_arn("orders")},
        {"SourceBackupArn": f"{table_arn('orders')}/backup/01795327200000-5e2a1c3d"},
    ],
    ids=["of a table", "of a backup"],
)
def test_what_it_finds_is_known_once_aws_has_ceased_to_tell(
    aws: Aws, clients: Clients, queue_url: str, run: Run, origin: dict[str, Any]
) -> None:
    """AWS tells where a table comes from only while it restores it, and the message may wait for longer."""
    summary = {**origin, "RestoreDateTime": RESTORED_TO, "RestoreInProgress": True}
    restoring(aws, clients, "orders-restored", RestoreSummary=summary)
    assert run(patterns=TablePatterns(source=["orders"])).found == ["orders-restored"]
    aws.describe_as("orders-restored", TableStatus="ACTIVE", RestoreSummary={})

    (body,) = queued(clients, queue_url)
    seen = parse_message(body)
    assert isinstance(seen, Sighting)
    found = find_origin(clients, seen)

    assert (found.source.name, found.restore_point) == ("orders", RESTORED_TO)


def test_what_it_finds_the_worker_follows_and_is_not_found_again(
    aws: Aws, clients: Clients, queue_url: str, run: Run, clock: Clock
) -> None:
    make_table(clients, "orders")
    restoring(aws, clients, "orders-restored")
    run()
    (body,) = queued(clients, queue_url)
    seen = parse_message(body)
    assert isinstance(seen, Sighting)
    make_worker(clients, clock, switches={"tags": True}).follow(delivery(find_origin(clients, seen)))
    assert run().found == []


def test_what_it_saw_stays_noted_once_aws_has_ceased_to_tell(
    aws: Aws, clients: Clients, run: Run, clock: Clock
) -> None:
    make_table(clients, "orders")
    restoring(aws, clients, "orders-restored")
    run()
    make_worker(clients, clock, switches={"tags": True}).follow(
        delivery(request(target_id="id-of-orders-restored"))
    )
    aws.describe_as("orders-restored", TableStatus="ACTIVE", RestoreSummary={})
    assert run(now=NOW + timedelta(days=1)).again == ["orders-restored"]
    noted = QueuedRestores(clients, RESTORE_TABLE).get(RestoreKey("orders-restored", "id-of-orders-restored"))
    assert noted is not None
    assert (noted.source_arn, noted.backup_arn) == (table_arn("orders"), None)


def test_a_restore_whose_event_came_is_not_found(aws: Aws, clients: Clients, run: Run, clock: Clock) -> None:
    make_table(clients, "orders")
    restoring(aws, clients, "orders-restored")
    make_worker(clients, clock, switches={"tags": True}).follow(delivery(request()))
    assert run().found == []


@pytest.mark.parametrize(
    "description",
    [
        {"TableStatus": "ACTIVE"},
        {"RestoreSummary": {}},
    ],
    ids=["it is restored already", "it is made, not restored"],
)
def test_any_other_table_is_not_found(
    aws: Aws, clients: Clients, run: Run, description: dict[str, Any]
) -> None:
    restoring(aws, clients, "orders-restored", **description)
    assert run().found == []


@pytest.mark.parametrize(
    ("age", "delay"),
    [
        (timedelta(0), 900),
        (timedelta(seconds=81), 819),
        (timedelta(seconds=720.5), 180),
        (GRACE, 0),
        (timedelta(hours=9), 0),
        # Two clocks.
        (timedelta(seconds=-3), 900),
    ],
    ids=str,
)
def test_at_the_first_sight_of_it_it_is_queued_for_when_its_event_is_overdue(
    aws: Aws, clients: Clients, run: Run, age: timedelta, delay: int
) -> None:
    restoring(aws, clients, "orders-restored")
    assert run(now=MADE_AT + age).found == ["orders-restored"]
    (sent,) = [call.parameters for call in aws.calls if call.operation == "SendMessage"]
    assert sent["DelaySeconds"] == delay
    later = MADE_AT + max(age, GRACE)
    assert [run(now=later + wait).found for wait in (timedelta(0), SILENCE - timedelta(seconds=4))] == [
        [],
        [],
    ]
    assert run(now=later + SILENCE).found == ["orders-restored"]


def test_tables_outside_the_patterns_are_not_found(aws: Aws, clients: Clients, run: Run) -> None:
    restoring(aws, clients, "orders-restored")
    restoring(aws, clients, "shop-restored", source="shop-orders")
    assert run(patterns=TablePatterns(source=["shop-*"])).found == ["shop-restored"]
    assert run(patterns=TablePatterns(target=["orders-*"])) == Reconciled(1, ["orders-restored"])


BACKUP = f"{table_arn('orders')}/backup/01768000000000-ab12cd34"
RECOVERY_POINT = (
    "arn:aws:backup:eu-central-1:123456789012:recovery-point:4f2f2f5b-8b3e-4c3f-9d8e-1a2b3c4d5e6f"
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Follow(point_in_time=False), ["by-backup", "by-job"]),
        (Follow(backups=False), ["by-call", "by-job"]),
        (Follow(backup_jobs=False), ["by-backup", "by-call", "by-job"]),
        (Follow(backups=False, backup_jobs=False), ["by-call"]),
    ],
)
def test_kinds_that_are_not_followed_are_not_found(
    aws: Aws, clients: Clients, run: Run, wanted: Follow, found: list[str]
) -> None:
    summary = {"SourceTableArn": table_arn("orders"), "RestoreDateTime": RESTORED_TO}
    restoring(aws, clients, "by-call")
    restoring(aws, clients, "by-backup", RestoreSummary={**summary, "SourceBackupArn": BACKUP})
    restoring(aws, clients, "by-job", RestoreSummary={**summary, "SourceBackupArn": RECOVERY_POINT})
    assert sorted(run(wanted=wanted).found) == found


def test_a_run_that_has_no_time_left_is_continued_by_the_next(aws: Aws, clients: Clients, run: Run) -> None:
    for letter in "abcd":
        restoring(aws, clients, f"{letter}-restored")
    # The restore table was made before them.
    assert run(looks=2) == Reconciled(2, ["a-restored"], "a-restored")
    assert run(looks=1) == Reconciled(1, ["b-restored"], "b-restored")
    assert run().found == ["c-restored", "d-restored"]
    assert run().looked_at == 5


def test_a_run_that_dies_begins_again_where_it_began(aws: Aws, clients: Clients, run: Run) -> None:
    restoring(aws, clients, "orders-restored")
    aws.fail("SendMessage", "InternalError", "no")
    with pytest.raises(clients.sqs.exceptions.ClientError):
        run()
    assert run().found == ["orders-restored"]


def test_many_tables_are_read_page_by_page(aws: Aws, clients: Clients, run: Run) -> None:
    for number in range(101):
        make_table(clients, f"table-{number:03d}", on_demand=True)
    restoring(aws, clients, "z-restored")
    assert run(looks=1000) == Reconciled(103, ["z-restored"])
    assert len(aws.named("ListTables")) == 2


class Context:
    function_name = "dynamodb-restore-reconciler"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:dynamodb-restore-reconciler"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def __init__(self, milliseconds: int = 300_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


NOTHING: dict[str, Any] = {"found": [], "again": [], "unseen": {}, "continues_after": None}


class TestHandler:
    @pytest.fixture(autouse=True)
    def environment(self, clients: Clients, queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RESTORE_TABLE_NAME", RESTORE_TABLE)
        monkeypatch.setenv("RESTORE_QUEUE_URL", queue_url)
        configure(clients, monkeypatch)
        monkeypatch.setenv(
            "FOLLOW", json.dumps({"point_in_time": True, "backups": True, "backup_jobs": True})
        )
        monkeypatch.setenv("LONGEST_SILENCE_SECONDS", "1800")
        monkeypatch.setattr(aws_module, "clients", lambda: clients)

    def test_the_schedule_runs_it(self, aws: Aws, clients: Clients) -> None:
        restoring(aws, clients, "orders-restored")
        answer = handler_module.handler({"detail-type": "Scheduled Event"}, cast("LambdaContext", Context()))
        assert answer == {**NOTHING, "looked_at": 2, "found": ["orders-restored"]}

    def test_it_stops_in_time(self, aws: Aws, clients: Clients) -> None:
        answer = handler_module.handler({}, cast("LambdaContext", Context(30_000)))
        assert answer == {**NOTHING, "looked_at": 0}

    def test_it_leaves_alone_what_is_not_followed(
        self, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        restoring(aws, clients, "orders-restored")
        monkeypatch.setenv("FOLLOW", json.dumps({"point_in_time": False}))
        answer = handler_module.handler({}, cast("LambdaContext", Context()))
        assert answer == {**NOTHING, "looked_at": 2}

    @pytest.mark.parametrize("name", ["CONFIGURATION", "FOLLOW", "LONGEST_SILENCE_SECONDS"])
    def test_an_incomplete_environment_is_told(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.delenv(name)
        with pytest.raises(ConfigError, match=name):
            handler_module.handler({}, cast("LambdaContext", Context()))
