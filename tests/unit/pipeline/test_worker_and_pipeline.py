"""A restore of a table that has a pipeline: who owns it, what waits for cutover, how it is given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.aws import TableRef
from dynamodb_restore.changes.window import Window
from dynamodb_restore.config import Override
from dynamodb_restore.findings.dashboards import Dashboards
from dynamodb_restore.findings.finding import Finding, TableId
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.restore.delivery import Finished, GivenUp, NothingToDo, TryAgain, Verdict
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Phase, Reading, Table
from tests.unit.builders import clone_now, delivery, request
from tests.unit.changes.house import CAPTURE, RESTORE_ID, House
from tests.unit.changes.makers import NOON
from tests.unit.fakes import Shelf, client_error, table_arn

RESTORED_TO = datetime.fromtimestamp(NOON - 1800, UTC)
RESTORING = {
    "TableStatus": "CREATING",
    "RestoreSummary": {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": RESTORED_TO,
        "RestoreInProgress": True,
    },
}


class DiedError(Exception):
    """The function's process ended here."""


@pytest.fixture
def kept(house: House) -> Shelf:
    """A second setting, of the phase that waits for cutover."""
    shelf = Shelf("kept", {"orders": ["ice"], "orders-restored": []})
    shelf.phase = Phase.ON_CUTOVER
    made = datetime.fromtimestamp(NOON, UTC)
    house.aws.describe_as(
        "orders-restored",
        CreationDateTime=made,
        TableId=RESTORE_ID,
        RestoreSummary={"SourceTableArn": table_arn("orders")},
    )
    return shelf


def worker_of(house: House, kept: Shelf) -> Worker:
    worker = house.worker
    switches = {"shelf": True, "kept": True}
    cloner = replace(worker.cloner, settings=(house.shelf, kept))
    return replace(worker, cloner=cloner, config=replace(worker.config, switches=switches))


def follow(house: House, kept: Shelf, attempt: int = 1, **changes: Any) -> Verdict:
    return worker_of(house, kept).follow(delivery(request(requested_at=house.instant(), **changes), attempt))


def statuses(verdict: Verdict) -> dict[str, str]:
    assert isinstance(verdict, Finished | GivenUp)
    return {outcome.setting: outcome.status.value for outcome in verdict.report.outcomes}


def test_capture_runs_from_the_first_sight_and_replay_from_active_on(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)

    assert isinstance(follow(house, kept), TryAgain)
    assert house.states() == ("Enabled", "Disabled")

    verdict = follow(house, kept, attempt=2)
    assert house.states() == ("Enabled", "Enabled")
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.REPLAYING
    assert statuses(verdict) == {"shelf": "applied", "kept": "skipped"}
    assert kept.applied == []
    claim = house.claims.current()
    assert claim is not None
    assert (claim.state, claim.window) == (ClaimState.REPLAYING, Window(NOON - 1860))
    assert house.record_state() == "replaying"


def test_searches_are_told_which_mapping_is_the_modules_own(
    house: House, kept: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[TableId] = []

    def find(_: object, source: TableId, *_rest: object) -> Iterator[Finding]:
        asked.append(source)
        return iter(())

    monkeypatch.setattr(Dashboards, "find", find)
    worker = worker_of(house, kept)
    worker = replace(worker, config=replace(worker.config, findings={"dashboards": True}))
    assert isinstance(worker.follow(delivery(request(requested_at=house.instant()), 1)), Finished)
    assert [(source.name, source.own_mappings) for source in asked] == [("orders", frozenset({CAPTURE}))]


def test_a_drill_leaves_the_pipeline_to_the_real_restore(house: House, kept: Shelf) -> None:
    worker = worker_of(house, kept)
    drills = Override(
        "*", "orders-*", {}, follow=True, replay=False, notify=True, polling=worker.config.polling
    )
    worker = replace(worker, config=replace(worker.config, overrides=[drills]))
    house.aws.describe_next("orders-restored", RESTORING)

    assert isinstance(worker.follow(delivery(request(requested_at=house.instant()), 1)), TryAgain)
    verdict = worker.follow(delivery(request(requested_at=house.instant()), 2))

    assert statuses(verdict) == {"shelf": "applied", "kept": "applied"}
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_the_report_of_a_restore_into_a_name_that_is_not_admitted_says_that_it_was_not_captured(
    house: House, kept: Shelf
) -> None:
    house.register(patterns=("orders-copy-*",))
    house.aws.describe_next("orders-restored", RESTORING)

    assert isinstance(follow(house, kept), TryAgain)
    verdict = follow(house, kept, attempt=2)

    assert statuses(verdict) == {"shelf": "applied", "kept": "applied"}
    assert isinstance(verdict, Finished)
    assert list(verdict.report.notes) == [
        "not captured: name outside target_patterns (orders-copy-*), so no changes of orders are replayed into orders-restored"
    ]
    assert house.claims.current() is None


def test_it_says_so_also_where_the_patterns_were_widened_meanwhile(house: House, kept: Shelf) -> None:
    house.register(patterns=("orders-copy-*",))
    house.aws.describe_next("orders-restored", RESTORING)
    assert isinstance(follow(house, kept), TryAgain)
    house.register(patterns=("*",))

    verdict = follow(house, kept, attempt=2)

    assert isinstance(verdict, Finished)
    assert house.claims.current() is None
    (note,) = verdict.report.notes
    assert note.startswith("not captured: name outside target_patterns (as they were when the restore began)")


def test_a_drills_report_says_nothing_of_a_pipeline_that_it_leaves_alone(house: House, kept: Shelf) -> None:
    house.register(patterns=("orders-copy-*",))
    worker = worker_of(house, kept)
    drills = Override(
        "*", "orders-*", {}, follow=True, replay=False, notify=True, polling=worker.config.polling
    )
    worker = replace(worker, config=replace(worker.config, overrides=[drills]))

    verdict = worker.follow(delivery(request(requested_at=house.instant()), 1))

    assert isinstance(verdict, Finished)
    assert list(verdict.report.notes) == []


def test_a_later_delivery_leaves_a_replaying_restore_alone(house: House, kept: Shelf) -> None:
    follow(house, kept)
    house.aws.calls.clear()
    assert follow(house, kept, attempt=2) == NothingToDo("already finished by an earlier delivery")
    assert house.aws.writes() == []


def test_a_restore_whose_function_died_after_claiming_still_replays(
    house: House, kept: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first delivery found the table ACTIVE, noted that it was applying settings, and died."""

    def die(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(house.shelf, "read", die)
        with pytest.raises(DiedError):
            follow(house, kept)
    verdict = follow(house, kept, attempt=2)
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.REPLAYING
    assert house.states() == ("Enabled", "Enabled")


def test_a_setting_that_fails_does_not_keep_changes_waiting(house: House, kept: Shelf) -> None:
    house.shelf.failures = ("the shelf fell down",)
    house.shelf.looks_until_seen = 1000
    verdict = follow(house, kept)
    assert statuses(verdict) == {"shelf": "failed", "kept": "skipped"}
    assert house.states() == ("Enabled", "Enabled")


def test_a_second_restore_of_the_table_gets_its_settings_and_is_told_of_the_owner(
    house: House, kept: Shelf
) -> None:
    house.claim(state=ClaimState.CAPTURING)
    kept.jars["orders-again"] = []
    house.clients.dynamodb.create_table(
        TableName="orders-again",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    made = datetime.fromtimestamp(NOON, UTC)
    house.aws.describe_as(
        "orders-again",
        CreationDateTime=made,
        TableId="restore-2",
        RestoreSummary={"SourceTableArn": table_arn("orders")},
    )

    verdict = follow(house, kept, target=TableRef("orders-again"))

    assert statuses(verdict) == {"shelf": "applied", "kept": "applied"}
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.SYNCED
    (note,) = verdict.report.notes
    assert note.startswith("the pipeline of orders belongs to the restore into orders-restored: ")
    owner = house.claims.current()
    assert owner is not None
    assert owner.restore_id == RESTORE_ID
    assert house.states() == ("Disabled", "Disabled")


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_restore_that_is_given_up_gives_its_pipeline_back(house: House, kept: Shelf, attempt: int) -> None:
    house.aws.describe_next("orders-restored", RESTORING, {**RESTORING, "TableStatus": "DELETING"})
    follow(house, kept)
    assert isinstance(follow(house, kept, attempt=attempt), GivenUp)
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_a_restore_that_an_error_ends_gives_its_pipeline_back(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)
    follow(house, kept)
    house.aws.fail("DescribeTable", "AccessDeniedException", "not yours")
    verdict = follow(house, kept, attempt=2)
    assert isinstance(verdict, GivenUp)
    assert verdict.reason == "DescribeTable: AccessDeniedException: not yours"
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_a_restore_that_is_sent_round_again_claims_its_pipeline_again(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)
    follow(house, kept)
    house.aws.fail("DescribeTable", "AccessDeniedException", "not yours")
    assert isinstance(follow(house, kept, attempt=2), GivenUp)
    assert house.claims.current() is None

    def redriven(attempt: int) -> Verdict:
        wanted = request(requested_at=house.instant())
        again = delivery(wanted, attempt, "from the DLQ", redriven=True)
        return worker_of(house, kept).follow(again)

    house.aws.describe_next("orders-restored", RESTORING)
    assert isinstance(redriven(1), TryAgain)
    assert house.states() == ("Enabled", "Disabled")

    verdict = redriven(2)
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.REPLAYING
    assert house.states() == ("Enabled", "Enabled")


def test_a_replay_that_runs_is_not_ended_by_a_message_that_is_given_up(house: House, kept: Shelf) -> None:
    """The delivery that began it died before it could note that."""
    house.claim(state=ClaimState.REPLAYING)
    house.aws.fail("DescribeTable", "AccessDeniedException", "not yours")

    assert isinstance(follow(house, kept), GivenUp)
    claim = house.claims.current()
    assert claim is not None
    assert claim.state is ClaimState.REPLAYING


def test_a_restore_that_fails_leaves_the_pipeline_to_the_restore_that_owns_it(
    house: House, kept: Shelf
) -> None:
    owner = house.claim(state=ClaimState.CAPTURING)
    house.aws.fail("DescribeTable", "AccessDeniedException", "not yours")

    assert isinstance(follow(house, kept, target=TableRef("orders-again")), GivenUp)
    assert house.claims.current() == owner


def test_a_service_that_asks_for_time_gets_it(
    house: House, kept: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = client_error("DescribeTable", "ThrottlingException", "slow down")
    busy.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] = "777"
    answer = house.aws.answer

    def throttled(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "DescribeTable":
            raise busy
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(house.aws, "answer", throttled)

    verdict = follow(house, kept)

    assert isinstance(verdict, TryAgain)
    assert verdict.delay_seconds == 777


def test_a_pipeline_that_cannot_be_given_back_is_told(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)
    follow(house, kept)
    house.aws.fail("DescribeTable", "AccessDeniedException", "not yours")
    house.aws.fail("UpdateEventSourceMapping", "AccessDeniedException", "nor this")
    verdict = follow(house, kept, attempt=2)
    assert isinstance(verdict, GivenUp)
    assert verdict.reason == (
        "DescribeTable: AccessDeniedException: not yours; and the pipeline of orders was not released:"
        " UpdateEventSourceMapping: AccessDeniedException: nor this"
    )


def test_a_restore_whose_replay_was_given_up_meanwhile_gets_all_its_settings(
    house: House, kept: Shelf
) -> None:
    house.aws.describe_next("orders-restored", RESTORING)
    follow(house, kept)
    assert "released" in abandon(house.actions, house.pipeline)
    verdict = follow(house, kept, attempt=2)
    assert statuses(verdict) == {"shelf": "applied", "kept": "applied"}
    assert house.record_state() == "synced"


def test_a_target_that_the_pipeline_does_not_admit_is_restored_without_it(house: House, kept: Shelf) -> None:
    house.register(patterns=("drill-*",))
    verdict = follow(house, kept)
    assert statuses(verdict) == {"shelf": "applied", "kept": "applied"}
    assert house.claims.current() is None


def test_settings_applied_by_hand_during_a_replay_are_those_of_the_first_phase(
    house: House, kept: Shelf
) -> None:
    follow(house, kept)
    report = clone_now(worker_of(house, kept), TableRef("orders"), "orders-restored", dry_run=False)
    assert [(outcome.setting, outcome.status.value) for outcome in report.outcomes] == [
        ("shelf", "unchanged"),
        ("kept", "skipped"),
    ]


def test_settings_applied_by_hand_after_a_cutover_are_all(house: House, kept: Shelf) -> None:
    follow(house, kept)
    claim = house.claims.current()
    assert claim is not None
    house.pipeline.watch(claim)

    report = clone_now(worker_of(house, kept), TableRef("orders"), "orders-restored", dry_run=False)

    assert [(outcome.setting, outcome.status.value) for outcome in report.outcomes] == [
        ("shelf", "unchanged"),
        ("kept", "applied"),
    ]


def test_the_capture_trigger_of_the_pipeline_is_kept_from_the_settings(house: House, kept: Shelf) -> None:
    seen: list[frozenset[str]] = []
    read = house.shelf.read

    def watching(table: Table) -> Reading:
        if table.name == "orders":
            seen.append(table.own_mappings)
        return read(table)

    house.shelf.read = watching  # type: ignore[method-assign]
    house.aws.describe_next("orders-restored", RESTORING)
    follow(house, kept)
    clone_now(worker_of(house, kept), TableRef("orders"), "orders-restored", dry_run=True)
    assert seen == [frozenset({CAPTURE}), frozenset({CAPTURE})]


def test_a_pipeline_that_was_destroyed_while_a_restore_used_it_is_told(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)
    assert isinstance(follow(house, kept), TryAgain)
    house.clients.dynamodb.delete_item(
        TableName="restores", Key={"pk": {"S": "pipeline#orders"}, "sk": {"S": "registration"}}
    )

    verdict = follow(house, kept, attempt=2)

    assert isinstance(verdict, GivenUp)
    assert verdict.reason == (
        "NoPipelineError: orders has no pipeline: its module was destroyed while a restore used it"
    )


def test_the_window_starts_at_the_restore_point_that_aws_tells(house: House, kept: Shelf) -> None:
    house.aws.describe_next("orders-restored", RESTORING)

    follow(house, kept, restore_point=datetime.fromtimestamp(NOON - 200, UTC))

    claim = house.claims.current()
    assert claim is not None
    assert claim.window == Window(NOON - 1860)


@pytest.mark.parametrize(
    ("asked_for", "start"),
    [(NOON - 200, NOON - 260), (None, NOON - 960)],
)
def test_until_aws_tells_the_window_starts_at_the_earliest_restore_point(
    house: House, kept: Shelf, asked_for: int | None, start: int
) -> None:
    house.aws.describe_next("orders-restored", {"TableStatus": "CREATING"})

    follow(house, kept, restore_point=datetime.fromtimestamp(asked_for, UTC) if asked_for else None)

    claim = house.claims.current()
    assert claim is not None
    assert claim.window == Window(start)
