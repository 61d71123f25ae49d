"""A restore has a record, and no message that would ever move it.

The message was deleted, purged, or dropped by the queue while the worker was switched off; or it was given up without a
word. The record says `waiting` for ever, and whoever looks only for restores without a record takes it for one that is
followed. A restore that is found once too often is no harm, as long as it is not found with every run: then each run adds a
message that is given up, reported and sent round by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.config import Follow, TablePatterns
from dynamodb_restore.restore.delivery import Finished, TryAgain
from dynamodb_restore.restore.origin import find_origin
from dynamodb_restore.restore.queued import QueuedRestores
from dynamodb_restore.restore.reconcile import GRACE, Reconciled, Reconciler
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords, RestoreState
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.request import RestoreRequest, Sighting
from dynamodb_restore.restore.request_events import parse_message
from dynamodb_restore.settings.setting import Overrides
from tests.unit.builders import (
    RESTORE_TABLE,
    delivery,
    make_restore_table,
    make_table,
    make_worker,
    request,
)
from tests.unit.fakes import Aws, Clock, table_arn

MADE_AT = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
RESTORED_TO = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
SEEN_AT = MADE_AT + timedelta(minutes=5)
SILENCE = timedelta(minutes=30)
"""For how long a restore that is followed may say nothing, here."""

TARGET = "orders-restored"
TARGET_ID = "id-of-orders-restored"
CALLS_CHOICE = Overrides(
    billing_mode="PROVISIONED", provisioned_throughput=True, index_throughput=("by-day",)
)


@dataclass
class Reconciliation:
    """The reconciler on an account, at any instant."""

    clients: Clients
    queue_url: str

    def run(self, now: datetime) -> Reconciled:
        return Reconciler(
            clients=self.clients,
            records=RestoreRecords(self.clients, RESTORE_TABLE, timedelta(0)),
            queued=QueuedRestores(self.clients, RESTORE_TABLE),
            restore_table_name=RESTORE_TABLE,
            restore_queue_url=self.queue_url,
            patterns=TablePatterns(target=["*-restored"]),
            wanted=Follow(),
            longest_silence=SILENCE,
            enough_time=lambda: True,
            now=lambda: now,
        ).run()

    def messages(self) -> list[str]:
        """The bodies of all that is on the queue, taken off it."""
        bodies = []
        while messages := self.clients.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            bodies += [message["Body"] for message in messages]
        return bodies

    def request(self) -> RestoreRequest:
        """What the one message on the queue asks for, as the worker understands it."""
        (body,) = self.messages()
        seen = parse_message(body)
        assert isinstance(seen, Sighting)
        return find_origin(self.clients, seen)


@pytest.fixture
def reconciliation(aws: Aws, clients: Clients) -> Reconciliation:
    make_restore_table(clients)
    make_table(clients, "orders")
    return Reconciliation(
        clients, clients.sqs.create_queue(QueueName="dynamodb-restore-restores")["QueueUrl"]
    )


@pytest.fixture
def target(aws: Aws, reconciliation: Reconciliation) -> Callable[..., None]:
    """The restored table, as DescribeTable tells of it; restoring unless told otherwise."""
    make_table(reconciliation.clients, TARGET)

    def target(**description: Any) -> None:
        aws.describe_as(TARGET, CreationDateTime=MADE_AT, TableId=TARGET_ID, **{**RESTORING, **description})

    target()
    return target


Target = Callable[..., None]

RESTORING: dict[str, Any] = {
    "TableStatus": "CREATING",
    "RestoreSummary": {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": RESTORED_TO,
        "RestoreInProgress": True,
    },
}
ACTIVE: dict[str, Any] = {"TableStatus": "ACTIVE", "RestoreSummary": {}}


def follow(
    clients: Clients, clock: Clock, what: RestoreRequest, now: datetime, message: str = "first"
) -> Any:
    """One delivery of a message, by the worker."""
    return make_worker(clients, clock, switches={"tags": True}, now=now).follow(
        delivery(what, message_id=message)
    )


@pytest.mark.parametrize("description", [{}, ACTIVE], ids=["still restoring", "long since active"])
def test_a_restore_that_fell_silent_is_queued_again(
    clients: Clients,
    clock: Clock,
    reconciliation: Reconciliation,
    target: Target,
    description: dict[str, Any],
) -> None:
    follow(clients, clock, request(target_id=TARGET_ID), SEEN_AT)
    target(**description)
    assert reconciliation.run(SEEN_AT + SILENCE).again == [TARGET]
    asked = reconciliation.request()
    assert (asked.source.name, asked.target.name, asked.target_id) == ("orders", TARGET, TARGET_ID)


def test_what_the_call_decided_is_not_forgotten(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target
) -> None:
    """No description of a table tells of it, and auto scaling would be put over the capacity that the call chose."""
    first = request(target_id=TARGET_ID, overrides=CALLS_CHOICE)
    follow(clients, clock, first, SEEN_AT)
    target(**ACTIVE)
    reconciliation.run(SEEN_AT + SILENCE)
    asked = reconciliation.request()
    assert (asked.overrides, asked.restore_point) == (CALLS_CHOICE, RESTORED_TO)
    assert (asked.event_id, asked.requested_by) == (first.event_id, first.requested_by)


def test_the_message_that_is_queued_again_ends_the_restore(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target
) -> None:
    follow(clients, clock, request(target_id=TARGET_ID), SEEN_AT)
    target(**ACTIVE)
    now = SEEN_AT + SILENCE
    reconciliation.run(now)
    verdict = follow(clients, clock, reconciliation.request(), now + timedelta(minutes=1), "second")
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.SYNCED
    assert reconciliation.run(now + timedelta(days=2)) == Reconciled(1)


def stands_at(clients: Clients, state: RestoreState) -> None:
    """Let the restore's record say this, and nothing else that is new."""
    clients.dynamodb.update_item(
        TableName=RESTORE_TABLE,
        Key=RestoreKey(TARGET, TARGET_ID).item_key(),
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state.value}},
    )


def test_one_that_was_being_synced_can_fall_silent_too(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target
) -> None:
    follow(clients, clock, request(target_id=TARGET_ID), SEEN_AT)
    stands_at(clients, RestoreState.SYNCING)
    target(**ACTIVE)
    assert reconciliation.run(SEEN_AT + SILENCE - timedelta(seconds=1)) == Reconciled(1)
    assert reconciliation.run(SEEN_AT + SILENCE).again == [TARGET]


def test_a_restore_that_moves_is_left_alone(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target
) -> None:
    now = SEEN_AT
    for _ in range(20):
        assert isinstance(follow(clients, clock, request(target_id=TARGET_ID), now), TryAgain)
        now += SILENCE - timedelta(minutes=1)
        assert reconciliation.run(now) == Reconciled(1)
    assert reconciliation.messages() == []


@pytest.mark.parametrize(
    "state", [state for state in RestoreState if state.value not in ("waiting", "syncing")]
)
def test_a_restore_that_has_ended_is_left_alone(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target, state: RestoreState
) -> None:
    """One that failed lies in the DLQ, and is a person's to send round again; one that replays is a person's to end."""
    follow(clients, clock, request(target_id=TARGET_ID), SEEN_AT)
    stands_at(clients, state)
    assert reconciliation.run(SEEN_AT + timedelta(days=7)) == Reconciled(1)


@pytest.mark.parametrize("seen", [True, False], ids=["fell silent", "never seen"])
def test_what_nothing_comes_of_is_queued_ever_more_rarely(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target, seen: bool
) -> None:
    """The worker is switched off for a week, and the reconciler runs every half hour."""
    if seen:
        follow(clients, clock, request(target_id=TARGET_ID), SEEN_AT)
    ran_at = [MADE_AT + GRACE + timedelta(minutes=30 * run) for run in range(7 * 24 * 2)]
    queued_at = [now for now in ran_at if (done := reconciliation.run(now)).again or done.found]
    waits = [later - earlier for earlier, later in itertools.pairwise(queued_at)]
    assert len(queued_at) == len(reconciliation.messages()) <= 12
    assert min(waits) >= SILENCE
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(days=1)


def test_once_its_record_has_moved_it_is_waited_for_anew(
    clients: Clients, clock: Clock, reconciliation: Reconciliation, target: Target
) -> None:
    what = request(target_id=TARGET_ID)
    follow(clients, clock, what, SEEN_AT)
    assert reconciliation.run(SEEN_AT + SILENCE).again == [TARGET]
    assert reconciliation.run(SEEN_AT + 2 * SILENCE).again == [TARGET]
    moved = SEEN_AT + 3 * SILENCE
    follow(clients, clock, what, moved)
    assert reconciliation.run(moved + SILENCE - timedelta(seconds=1)).again == []
    assert reconciliation.run(moved + SILENCE).again == [TARGET]
    assert reconciliation.run(moved + 2 * SILENCE).again == [TARGET]


def test_what_could_not_be_queued_is_not_noted_as_queued(
    aws: Aws, clients: Clients, reconciliation: Reconciliation, target: Target
) -> None:
    aws.fail("SendMessage", "InternalError", "no")
    with pytest.raises(clients.sqs.exceptions.ClientError):
        reconciliation.run(MADE_AT + GRACE)
    assert reconciliation.run(MADE_AT + GRACE).found == [TARGET]


def test_a_table_that_may_not_be_described_hides_no_other(
    aws: Aws, clients: Clients, reconciliation: Reconciliation, target: Target
) -> None:
    """Its owner's resource policy denies it, say. It used to end each run where it began."""
    make_table(clients, "z-restored")
    aws.describe_as("z-restored", **RESTORING, CreationDateTime=MADE_AT, TableId="id-of-z-restored")
    refusal = "User is not authorized to perform: dynamodb:DescribeTable"
    aws.fail("DescribeTable", "AccessDeniedException", refusal)
    done = reconciliation.run(MADE_AT + GRACE)
    assert (done.looked_at, done.found) == (2, ["z-restored"])
    assert list(done.unseen) == [TARGET]
    assert refusal in done.unseen[TARGET]


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalServerError", "ThrottlingException"])
def test_all_that_could_not_be_described_is_told(
    aws: Aws, clients: Clients, reconciliation: Reconciliation, code: str
) -> None:
    names = ["a-restored", "b-restored", "c-restored"]
    for name in names:
        make_table(clients, name)
    aws.fail("DescribeTable", code, "no", times=2)
    done = reconciliation.run(MADE_AT)
    assert (done.looked_at, list(done.unseen)) == (3, names[:2])
