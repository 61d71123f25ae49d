"""A table was restored to get back what time to live had deleted, and its TTL was cloned with all else.

DynamoDB then deletes the same items once more, within days, and the report said `synced` and no word of it. Nobody has
looked at the items, so no report may say that there are such.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished
from dynamodb_restore.restore.expiries import expiry_notes
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.ttl import TimeToLive
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import Desired, Unreadable
from tests.hazards.reporting import make_restore, told
from tests.unit.builders import ALL_ON, delivery, make_worker, request
from tests.unit.changes.house import RESTORE_ID, House
from tests.unit.changes.makers import NOON
from tests.unit.fakes import Aws, Clock, table_arn

RESTORED_TO = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    return make_restore(aws, clients, clock)


def test_the_report_tells_what_ttl_will_do(worker: Worker, aws: Aws) -> None:
    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert report["notes"] == [
        (
            "TTL by expires was switched on: it deletes what has expired by now, typically within days, and so also what it"
            f" had deleted from the source since {report['restore_point']} and this restore has brought back. Whether there are"
            " such items was not looked at. To keep them, switch TTL off, which AWS can refuse for an hour. For a restore"
            ' that is to bring such items back, hold = ["ttl"] in overrides has TTL wait for an operator.'
        )
    ]


def test_no_item_was_read_for_that(worker: Worker, aws: Aws) -> None:
    worker.follow(delivery(request(), 1))

    assert aws.named("Scan") == []
    assert "orders-restored" not in {call["TableName"] for call in aws.named("GetItem")}


def test_where_ttl_stays_off_nothing_is_told(aws: Aws, clients: Clients, clock: Clock) -> None:
    make_restore(aws, clients, clock)

    make_worker(clients, clock, switches={**ALL_ON, "ttl": False}).follow(delivery(request(), 1))

    assert told(aws)[0]["notes"] == []


def test_where_ttl_was_on_before_nothing_is_told(worker: Worker, aws: Aws, clients: Clients) -> None:
    """Whoever switched it on has decided so."""
    clients.dynamodb.update_time_to_live(
        TableName="orders-restored", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )

    worker.follow(delivery(request(), 1))

    assert told(aws)[0]["notes"] == []


def test_a_replay_tells_it_before_cutover_and_cutover_once_more(house: House) -> None:
    """Before, there is still time to have TTL wait for an operator."""
    house.clients.dynamodb.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    restored_to = datetime.fromtimestamp(NOON - 1800, UTC)
    house.aws.describe_as(
        "orders-restored",
        CreationDateTime=house.instant(),
        TableId=RESTORE_ID,
        RestoreSummary={"SourceTableArn": table_arn("orders"), "RestoreDateTime": restored_to},
    )
    cloner = replace(house.cloner, settings=(TimeToLive(),))
    config = replace(house.config, switches={"ttl": True})
    worker = replace(house.worker, cloner=cloner, config=config)

    verdict = worker.follow(delivery(request(requested_at=house.instant()), 1))

    assert isinstance(verdict, Finished)
    (note,) = verdict.report.notes
    assert note.startswith("cutover switches TTL by expires on: it deletes what has expired by now")
    assert note.endswith('To keep them, apply hold = ["ttl"] in overrides for this restore before cutover.')
    assert "whether there are" in note.lower()

    context = replace(house.actions, cloner=cloner, config=config)
    report: dict[str, Any] = cutover(context, house.pipeline, CutoverRequest(0, force=True))

    assert [note for note in report["notes"] if note.startswith("TTL by expires was switched on: ")]


def outcome(status: Status, **more: Any) -> Outcome:
    return Outcome("ttl", status, **more)


BY_EXPIRES: Desired = {"ttl": {"attribute": "expires"}}
OFF: Desired = {"ttl": {"attribute": None}}
UNREADABLE: Desired = {"ttl": Unreadable("no", retryable=False)}


@pytest.mark.parametrize(
    ("ended", "desired"),
    [
        pytest.param(outcome(Status.UNCHANGED), BY_EXPIRES, id="on before"),
        pytest.param(outcome(Status.SKIPPED, reason="switched off"), BY_EXPIRES, id="not cloned"),
        pytest.param(outcome(Status.SKIPPED, held=("enable TTL",), reason="held"), BY_EXPIRES, id="held"),
        pytest.param(outcome(Status.FAILED, reason="no"), BY_EXPIRES, id="failed"),
        pytest.param(outcome(Status.SKIPPED, reason="waits for cutover"), OFF, id="the source has none"),
        pytest.param(outcome(Status.SKIPPED, reason="waits for cutover"), UNREADABLE, id="unreadable"),
        pytest.param(outcome(Status.SKIPPED, reason="waits for cutover"), {}, id="not read"),
        pytest.param(Outcome("tags", Status.APPLIED, done=("add tags",)), BY_EXPIRES, id="another setting"),
    ],
)
def test_where_ttl_deletes_nothing_by_this_restore_nothing_is_told(ended: Outcome, desired: Desired) -> None:
    assert expiry_notes([ended], desired, RESTORED_TO) == []


def test_a_call_that_got_no_answer_may_have_switched_it_on() -> None:
    in_doubt = outcome(Status.FAILED, in_doubt=("enable TTL by expires",), reason="no answer")

    (note,) = expiry_notes([in_doubt], BY_EXPIRES, RESTORED_TO)

    assert note.startswith("TTL by expires may have been switched on: ")


def test_without_a_restore_point_none_is_told() -> None:
    done = outcome(Status.APPLIED, done=("enable TTL by expires",))

    (note,) = expiry_notes([done], BY_EXPIRES, None)

    assert "had deleted from the source and this restore has brought back" in note
