"""An override lets some restores be looked at every few hours only. A restore has several messages (each event may come twice,
and it is seen in several ways), and one of them leads. By the deployment's own delays the leader seemed lost after twenty
minutes, so its messages took the lead from each other, each beginning to count its tries anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import Override, Polling
from dynamodb_restore.restore.delivery import NothingToDo, TryAgain, Verdict
from tests.unit.builders import (
    REQUESTED_AT,
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    record_item,
    request,
)
from tests.unit.fakes import Aws, Clock, table_arn

TARGET = "orders-restored"
ALICE = "arn:aws:iam::123456789012:user/alice"
SELDOM = Polling(5, Backoff(base_seconds=4 * 3600, rate=1, cap_seconds=4 * 3600, jitter=0))
MADE_AT = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
SEEN = REQUESTED_AT + timedelta(minutes=5)
COPY = request(event_id="copy")
"""Another event of the same restore, which does not tell who made it."""


@pytest.fixture(autouse=True)
def being_restored(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    summary = {"SourceTableArn": table_arn("orders"), "RestoreDateTime": MADE_AT, "RestoreInProgress": True}
    aws.describe_as(TARGET, TableStatus="CREATING", RestoreSummary=summary)


def override(requested_by: str = "*", target: str = "*") -> Override:
    return Override("orders", target, {}, True, True, True, SELDOM, requested_by)


def follow(
    clients: Clients, entry: Override, at: datetime, message: str = "first", wanted: object = None
) -> Verdict:
    worker = make_worker(clients, Clock(), now=at, overrides=[entry], invocation=f"{message} {at}")
    return worker.follow(delivery(wanted or request(requested_by=ALICE), 1, message))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "entry", [override(), override(ALICE), override(target=TARGET)], ids=["source", "caller", "target"]
)
@pytest.mark.parametrize("wanted", [None, COPY], ids=["the same event again", "another event"])
def test_the_leader_is_not_taken_for_lost_while_it_is_hidden(
    clients: Clients, entry: Override, wanted: object
) -> None:
    first = follow(clients, entry, SEEN)
    assert isinstance(first, TryAgain)
    assert first.delay_seconds == 4 * 3600
    for hours in (1, 2, 4):
        other = follow(clients, entry, SEEN + timedelta(hours=hours), "second", wanted)
        assert isinstance(other, TryAgain | NothingToDo)
        assert other.reason == "another message of this restore leads"
    assert record_item(clients)["leader"] == "first"


def test_the_leader_is_taken_for_lost_once_it_is_overdue(clients: Clients) -> None:
    follow(clients, override(), SEEN)
    follow(clients, override(), SEEN + timedelta(hours=4, minutes=16), "second", COPY)
    assert record_item(clients)["leader"] == "second"


def test_an_override_for_others_does_not_let_a_restore_lie(clients: Clients) -> None:
    entry = override("arn:aws:iam::123456789012:user/bob")
    follow(clients, entry, SEEN)
    follow(clients, entry, SEEN + timedelta(minutes=21), "second", COPY)
    assert record_item(clients)["leader"] == "second"
