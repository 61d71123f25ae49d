"""Some settings act on their own once they are there: TTL deletes, triggers call, replicas cost.

All or nothing was the choice: cloned at once, or left out, and then whoever wanted them a day later had to do by hand what
the source had had, as far as it was still there to look at. What an override holds is read and kept like all else, shown as
held, and applied when an operator says so, from what is on record.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.actions.context import ActionContext, OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.release import release
from dynamodb_restore.actions.status import status
from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.config import Override
from dynamodb_restore.restore.clone import DirectClone
from dynamodb_restore.restore.delivery import Finished, GivenUp
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.setting import Table
from dynamodb_restore.settings.ttl import TimeToLive
from tests.hazards.reporting import TARGET, by_setting, make_restore, statuses, told
from tests.unit.builders import TARGET_ID, delivery, make_worker, record_item, request
from tests.unit.changes.house import RESTORE_ID, House
from tests.unit.fakes import Aws, Clock, table_arn

KEY = RestoreKey(TARGET, TARGET_ID)
HELD = "held for the operator: enable TTL by expires"
NO_ACCESS = (
    "Cannot access stream. Please ensure the role can perform the GetRecords Action on your stream in IAM."
)
HOW = f'invoke the operator function with {{"action":"release","target":"{TARGET}","settings":["ttl"]}}'


def holding(worker: Worker, *settings: str, **more: Any) -> Worker:
    """The same worker with one override, which holds these settings."""
    entry = Override("*", "*", {}, True, True, True, worker.config.polling, hold=settings)
    return replace(worker, config=replace(worker.config, overrides=[replace(entry, **more)]))


def operator(worker: Worker, invocation: str = "operator-1") -> ActionContext:
    return ActionContext(
        worker.config, worker.records, worker.announcer, worker.cloner, worker.now, invocation
    )


def let_go(worker: Worker, *settings: str, target: str = TARGET) -> dict[str, Any]:
    return release(operator(worker), worker.pipelines, target, settings)


def ttl_of(clients: Clients, table: str = TARGET) -> str | None:
    answer = clients.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return answer.get("AttributeName")


def positions(aws: Aws, clients: Clients) -> set[str]:
    """From where the triggers of the target's stream begin."""
    stream = Table(TARGET, clients).live_stream_arn
    return {each["StartingPosition"] for each in aws.triggers.mappings if each["EventSourceArn"] == stream}


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    """One that holds TTL, of a restore whose target is ACTIVE."""
    make_restore(aws, clients, clock)
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    return holding(make_worker(clients, clock, topic_arn=topic), "ttl")


@pytest.fixture
def held(worker: Worker) -> Worker:
    """The same once the restore has ended."""
    assert isinstance(worker.follow(delivery(request(), 1)), Finished)
    return worker


# the restore


def test_what_is_held_is_not_applied_and_told_as_left_out(worker: Worker, aws: Aws, clients: Clients) -> None:
    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert ttl_of(clients) is None
    assert statuses(report)["ttl"] == "skipped"
    assert (by_setting(report)["ttl"]["reason"], by_setting(report)["ttl"]["held"]) == (
        HELD,
        ["enable TTL by expires"],
    )
    assert (report["result"], report["summary"]) == (
        "synced",
        "synced; 1 setting held for the operator: ttl",
    )
    assert (report["left_out"], report["held"], report["release"]) == (["ttl"], ["ttl"], HOW)
    assert report["notes"] == []
    (notification,) = aws.named("Publish")
    assert notification["Subject"] == f"DynamoDB restore synced, 1 setting left out: orders -> {TARGET}"
    assert f"  - {HELD}\n" in notification["Message"]
    whole = " ".join(notification["Message"].split())
    assert f"Held: ttl; to apply it, {HOW}" in whole


def test_all_other_settings_are_applied(worker: Worker, aws: Aws) -> None:
    worker.follow(delivery(request(), 1))

    others = {name: ended for name, ended in statuses(told(aws)[0]).items() if name != "ttl"}
    assert set(others.values()) == {"applied"}


def test_the_state_of_the_source_is_kept(held: Worker, clients: Clients) -> None:
    assert record_item(clients)["settings"]["ttl"] == {"attribute": "expires"}


def test_where_the_target_lacks_nothing_nothing_is_held(worker: Worker, aws: Aws, clients: Clients) -> None:
    clients.dynamodb.update_time_to_live(
        TableName=TARGET, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )

    worker.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert (statuses(report)["ttl"], report["held"], report["release"]) == ("unchanged", [], None)


def test_what_is_off_is_not_held(worker: Worker, aws: Aws) -> None:
    off = holding(worker, "ttl", settings={"ttl": False})

    off.follow(delivery(request(), 1))

    (report,) = told(aws)
    assert by_setting(report)["ttl"]["reason"] == "switched off by an override"
    assert report["held"] == []


def test_a_source_that_cannot_be_read_is_no_hold(worker: Worker, aws: Aws) -> None:
    """There would be nothing to apply later."""
    aws.fail("DescribeTimeToLive", "AccessDeniedException", "no")

    assert isinstance(worker.follow(delivery(request(), 1)), GivenUp)

    (report,) = told(aws)
    assert (statuses(report)["ttl"], report["held"]) == ("failed", [])


# release


def test_release_applies_what_is_on_record_though_the_source_is_gone(
    held: Worker, aws: Aws, clients: Clients
) -> None:
    clients.dynamodb.delete_table(TableName="orders")

    answer = let_go(held, "ttl")

    assert ttl_of(clients) == "expires"
    assert by_setting(answer)["ttl"]["done"] == ["enable TTL by expires"]
    assert (answer["result"], answer["held"], answer["release"], answer["left_out"]) == (
        "synced",
        [],
        None,
        [],
    )
    assert "next" not in answer


def test_release_is_told_and_noted(held: Worker, aws: Aws, clients: Clients) -> None:
    answer = let_go(held, "ttl")

    first, second = told(aws)
    assert first["held"] == ["ttl"]
    assert second == answer
    assert len(aws.named("Publish")) == 2
    assert second["notes"][0] == "an operator released ttl"
    assert second["notes"][1].startswith("TTL by expires was switched on: ")
    record = record_item(clients)
    assert (record["state"], record["report"]["held"]) == ("synced", [])
    assert record["done"]["ttl"] == ["enable TTL by expires"]
    assert {"lease_owner", "lease_until", "outcomes"}.isdisjoint(record)


def test_the_report_of_a_release_keeps_what_the_first_one_told(held: Worker, aws: Aws) -> None:
    let_go(held, "ttl")

    first, second = told(aws)
    same = ("source", "target", "restore_id", "restore_point", "requested_at", "requested_by", "attempts")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    others = {name: each for name, each in by_setting(second).items() if name != "ttl"}
    assert others == {name: each for name, each in by_setting(first).items() if name != "ttl"}


def test_the_report_of_a_release_keeps_the_notes_of_the_first_one(worker: Worker, aws: Aws) -> None:
    worker.follow(delivery(request(notes=("found by the reconciler",)), 1))
    let_go(worker, "ttl")

    first, second = told(aws)
    assert first["notes"] == ["found by the reconciler"]
    assert second["notes"][:2] == ["found by the reconciler", "an operator released ttl"]


def test_what_is_released_is_gone_by_and_not_by_what_the_overrides_say_now(
    held: Worker, clients: Clients
) -> None:
    without = replace(held, config=replace(held.config, overrides=()))

    let_go(without, "ttl")

    assert ttl_of(clients) == "expires"


def test_settings_are_released_one_by_one(worker: Worker, aws: Aws, clients: Clients) -> None:
    both = holding(worker, "ttl", "tags")
    both.follow(delivery(request(), 1))

    answer = let_go(both, "tags")

    assert (answer["held"], statuses(answer)["tags"], ttl_of(clients)) == (["ttl"], "applied", None)
    assert let_go(both, "ttl")["held"] == []


def test_what_cannot_be_applied_stays_held(held: Worker, aws: Aws, clients: Clients) -> None:
    aws.fail("UpdateTimeToLive", "AccessDeniedException", "no")

    answer = let_go(held, "ttl")

    assert (answer["result"], statuses(answer)["ttl"], answer["held"]) == ("incomplete", "failed", ["ttl"])
    assert answer["release"] == HOW
    assert "next" not in answer
    assert record_item(clients)["state"] == "incomplete"

    assert let_go(held, "ttl")["result"] == "synced"
    assert record_item(clients)["state"] == "synced"


def test_what_may_succeed_later_is_no_end(held: Worker, aws: Aws, clients: Clients) -> None:
    aws.fail("UpdateTimeToLive", "LimitExceededException", "later", times=1000)

    answer = let_go(held, "ttl")

    assert (answer["next"], answer["held"]) == (
        "release again: some settings can still be applied",
        ["ttl"],
    )
    assert told(aws)[-1] == {name: value for name, value in answer.items() if name != "next"}
    report = record_item(clients)["report"]
    assert (report["result"], report["held"]) == ("incomplete", ["ttl"])
    assert "lease_owner" not in record_item(clients)

    aws._faults.clear()
    assert "next" not in let_go(held, "ttl")
    assert record_item(clients)["state"] == "synced"


def test_what_was_applied_beside_what_may_succeed_later_is_told_and_noted(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """The stream was on, and record and status said that it was held."""
    both = holding(worker, "stream", "stream_triggers")
    both.follow(delivery(request(), 1))
    aws.fail("CreateEventSourceMapping", "InvalidParameterValueException", NO_ACCESS, times=1000)

    answer = let_go(both, "stream", "stream_triggers")

    assert answer["next"] == "release again: some settings can still be applied"
    assert (answer["held"], statuses(answer)["stream"]) == (["stream_triggers"], "applied")
    assert record_item(clients)["report"]["held"] == ["stream_triggers"]
    assert told(aws)[-1]["held"] == ["stream_triggers"]
    aws._faults.clear()
    assert let_go(both, "stream_triggers")["held"] == []


def test_triggers_begin_with_the_first_record_of_the_stream_that_the_restore_made(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    """They began at LATEST, and missed what was written while they were held."""
    holds = holding(worker, "stream_triggers")
    holds.follow(delivery(request(), 1))

    let_go(holds, "stream_triggers")

    assert positions(aws, clients) == {"TRIM_HORIZON"}


def test_triggers_begin_so_too_where_an_earlier_release_made_the_stream(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    both = holding(worker, "stream", "stream_triggers")
    both.follow(delivery(request(), 1))
    let_go(both, "stream")

    let_go(both, "stream_triggers")

    assert positions(aws, clients) == {"TRIM_HORIZON"}


def test_triggers_of_a_stream_that_somebody_else_made_begin_with_what_is_new(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    both = holding(worker, "stream", "stream_triggers")
    both.follow(delivery(request(), 1))
    view_type = clients.dynamodb.describe_table(TableName="orders")["Table"]["StreamSpecification"]
    clients.dynamodb.update_table(TableName=TARGET, StreamSpecification=view_type)

    let_go(both, "stream_triggers")

    assert positions(aws, clients) == {"LATEST"}


def test_what_is_left_out_for_good_is_held_no_more(worker: Worker, aws: Aws) -> None:
    """It was held for ever, and each report asked for a release that could do nothing."""
    holds = holding(worker, "stream_triggers")
    holds.follow(delivery(request(), 1))
    aws.fail(
        "CreateEventSourceMapping", "InvalidParameterValueException", "Function does not exist", times=1000
    )

    answer = let_go(holds, "stream_triggers")

    assert (answer["held"], answer["release"], answer["left_out"]) == ([], None, ["stream_triggers"])
    assert "left over on the source" in by_setting(answer)["stream_triggers"]["reason"]


def test_what_lacks_a_setting_that_is_off_is_held_no_more(worker: Worker) -> None:
    holds = holding(worker, "stream_triggers", settings={"stream": False})
    holds.follow(delivery(request(), 1))

    answer = let_go(holds, "stream_triggers")

    assert (answer["held"], answer["left_out"]) == ([], ["stream_triggers"])


def test_a_step_that_builds_on_what_is_still_held_stays_held(worker: Worker) -> None:
    """Triggers attach to a stream, which is held as well."""
    both = holding(worker, "stream", "stream_triggers")
    both.follow(delivery(request(), 1))

    answer = let_go(both, "stream_triggers")

    assert answer["held"] == ["stream", "stream_triggers"]
    assert "the target has no stream" in by_setting(answer)["stream_triggers"]["reason"]
    let_go(both, "stream")
    assert let_go(both, "stream_triggers")["held"] == []


class DiedError(Exception):
    """The function's process ended here."""


def test_a_release_that_died_is_finished_by_the_same_call(
    held: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had done by then is told as done."""

    def die(*_: object, **__: object) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(type(held.announcer), "announce", die)
        with pytest.raises(DiedError):
            let_go(held, "ttl")

    answer = let_go(held, "ttl")

    assert by_setting(answer)["ttl"]["done"] == ["enable TTL by expires"]
    assert len(aws.named("UpdateTimeToLive")) == 2, "that of the source, and one"


def test_of_two_releases_at_once_one_acts(held: Worker, clients: Clients) -> None:
    record = held.records.get(KEY)
    assert record is not None
    lease = Lease("another", held.now() + timedelta(minutes=5))
    assert held.records.take_up(KEY, record, lease, held.now())

    with pytest.raises(OperatorError, match="another invocation acts for this restore just now"):
        let_go(held, "ttl")

    assert ttl_of(clients) is None
    assert record_item(clients)["lease_owner"] == "another"


def test_a_release_that_ended_just_before_is_not_undone_on_record(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = holding(worker, "ttl", "tags")
    both.follow(delivery(request(), 1))
    take_up = RestoreRecords.take_up

    def after_another(*args: Any) -> bool:
        monkeypatch.setattr(RestoreRecords, "take_up", take_up)
        let_go(both, "tags")
        return take_up(*args)

    monkeypatch.setattr(RestoreRecords, "take_up", after_another)

    answer = let_go(both, "ttl")

    assert (answer["held"], statuses(answer)["tags"]) == ([], "applied")


def test_a_restore_that_is_taken_up_again_meanwhile_is_not_overwritten(
    held: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce = held.announcer.announce

    def taken_up(*args: Any, **more: Any) -> Any:
        untold = announce(*args, **more)
        clients.dynamodb.update_item(
            TableName=held.config.restore_table_name,
            Key=KEY.item_key(),
            UpdateExpression="SET lease_owner = :other",
            ExpressionAttributeValues={":other": {"S": "the worker"}},
        )
        return untold

    monkeypatch.setattr(type(held.announcer), "announce", lambda _, *args, **more: taken_up(*args, **more))

    with pytest.raises(OperatorError, match="its record has no word of this: what was applied stays applied"):
        let_go(held, "ttl")

    assert record_item(clients)["report"]["held"] == ["ttl"]


def test_an_override_that_keeps_the_topic_quiet_does_so_here(held: Worker, aws: Aws) -> None:
    quiet = holding(held, "ttl", notify=False)

    let_go(quiet, "ttl")

    assert len(told(aws)) == 2
    assert len(aws.named("Publish")) == 1


# what cannot be released


def test_a_state_that_had_no_room_on_record_is_read_from_the_source(held: Worker, clients: Clients) -> None:
    clients.dynamodb.update_item(
        TableName=held.config.restore_table_name,
        Key=KEY.item_key(),
        UpdateExpression="REMOVE settings.#name",
        ExpressionAttributeNames={"#name": "ttl"},
    )

    let_go(held, "ttl")

    assert ttl_of(clients) == "expires"


def test_without_a_state_it_stays_held(held: Worker, clients: Clients) -> None:
    clients.dynamodb.update_item(
        TableName=held.config.restore_table_name,
        Key=KEY.item_key(),
        UpdateExpression="REMOVE settings.#name",
        ExpressionAttributeNames={"#name": "ttl"},
    )
    clients.dynamodb.delete_table(TableName="orders")

    answer = let_go(held, "ttl")

    assert (statuses(answer)["ttl"], answer["held"]) == ("failed", ["ttl"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param((), f'send "settings": the restore into {TARGET} holds ttl', id="none named"),
        pytest.param(
            ("tags", "ttl"),
            r"holds ttl, and not tags \(applied\); nothing was done",
            id="one of them not held",
        ),
    ],
)
def test_what_is_not_held_is_not_released(
    held: Worker, clients: Clients, settings: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(OperatorError, match=reason):
        let_go(held, *settings)

    assert ttl_of(clients) is None


def test_what_was_released_is_not_released_again(held: Worker) -> None:
    let_go(held, "ttl")

    with pytest.raises(OperatorError, match=r"holds nothing, and not ttl \(applied\)"):
        let_go(held, "ttl")


def test_a_table_that_is_gone_has_nothing_to_release(held: Worker, clients: Clients) -> None:
    clients.dynamodb.update_table(TableName=TARGET, DeletionProtectionEnabled=False)
    clients.dynamodb.delete_table(TableName=TARGET)

    with pytest.raises(OperatorError, match="there is nothing to release"):
        let_go(held, "ttl")


def test_another_table_of_the_targets_name_gets_nothing(held: Worker, aws: Aws, clients: Clients) -> None:
    aws.describe_as(TARGET, TableId="another")

    with pytest.raises(OperatorError, match=f"no restore into {TARGET} is on record"):
        let_go(held, "ttl")

    assert ttl_of(clients) is None


def test_a_restore_that_is_still_followed_is_not_released(worker: Worker, aws: Aws, clients: Clients) -> None:
    aws.fail("UpdateTimeToLive", "LimitExceededException", "later", times=1000)
    aws.fail("TagResource", "LimitExceededException", "later", times=1000)
    worker.follow(delivery(request(), 1))

    with pytest.raises(OperatorError, match="is syncing; it is still followed: release once its report has"):
        let_go(worker, "ttl")


# a replay


@pytest.fixture
def replaying(house: House) -> Worker:
    """A restore that replays, and holds TTL."""
    house.clients.dynamodb.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    house.aws.describe_as(
        TARGET,
        CreationDateTime=house.instant(),
        TableId=RESTORE_ID,
        RestoreSummary={
            "SourceTableArn": table_arn("orders"),
            "RestoreDateTime": datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
        },
    )
    worker = house.worker
    worker = replace(
        worker,
        cloner=replace(house.cloner, settings=(house.shelf, TimeToLive())),
        config=replace(worker.config, switches={"shelf": True, "ttl": True}),
    )
    worker = holding(worker, "ttl")
    worker.follow(delivery(request(requested_at=house.instant()), 1))
    return worker


def test_what_is_held_is_shown_while_changes_are_replayed(house: House, replaying: Worker) -> None:
    shown = status(operator(replaying), house.pipeline)

    assert (shown["state"], shown["held"]) == ("replaying", ["ttl"])
    assert by_setting(shown)["ttl"]["reason"] == HELD
    report = told(house.aws)[-1]
    assert report["release"] == HOW.replace("function with", "function once it is cut over with")


def test_nothing_is_released_while_changes_are_replayed(house: House, replaying: Worker) -> None:
    with pytest.raises(OperatorError, match="is replaying; changes are replayed into it: cut over first"):
        let_go(replaying, "ttl")

    assert ttl_of(house.clients) is None


def test_what_is_held_stays_held_at_cutover(house: House, replaying: Worker) -> None:
    report = cutover(operator(replaying), house.pipeline, CutoverRequest(0, force=True))

    assert (report["result"], report["held"], report["release"]) == ("synced", ["ttl"], HOW)
    assert ttl_of(house.clients) is None
    answer = let_go(replaying, "ttl")
    assert answer["held"] == []
    assert ttl_of(house.clients) == "expires"
    assert set(report["notes"]) < set(answer["notes"])


# a direct invocation


def clone(worker: Worker, **how: Any) -> dict[str, Any]:
    direct = DirectClone(worker.cloner, worker.config, worker.pipelines, worker.now)
    return direct.run(TableRef("orders"), TARGET, **{"dry_run": False, **how}).as_json()


def test_a_direct_invocation_holds_too(worker: Worker, clients: Clients) -> None:
    """It is what an abandoned restore is finished by, and must not enable TTL on the way."""
    report = clone(worker)

    assert ttl_of(clients) is None
    assert (report["held"], report["release"]) == (["ttl"], 'send the same invocation with "release":["ttl"]')


def test_a_dry_run_tells_what_would_be_held(worker: Worker) -> None:
    assert clone(worker, dry_run=True)["held"] == ["ttl"]


def test_a_direct_invocation_releases_what_it_names(worker: Worker, clients: Clients) -> None:
    report = clone(worker, release=["ttl"])

    assert ttl_of(clients) == "expires"
    assert report["held"] == []
