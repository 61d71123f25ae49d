"""What a person does about a replay: every action, each refusal, and each again after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.actions.context import OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.repair import repair
from dynamodb_restore.actions.status import status
from dynamodb_restore.actions.window import set_window
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.obstacles import ACCEPTABLE
from tests.unit.changes.house import CAPTURE, DAY, REPLAY, House, point
from tests.unit.changes.makers import NOON, key, put
from tests.unit.fakes import client_error

GIVEN_UP = f"s3://orders-failures/aws/lambda/{CAPTURE}/shard-1/2026/11/22/a"
NO_BUCKET = "ListObjectsV2: NoSuchBucket: The specified bucket does not exist"
LAGGING = (
    "1 groups have captured changes that are not replayed yet; where the buffer stays empty, cutover tells after 5 minutes"
    " whether they are lost"
)
SET_ASIDE = (
    "1 bundles lie on the FIFO dead-letter queue, and may hold changes that the target lacks: run bring_in"
)
QUARANTINED = "1 items are in quarantine: see status, mend the cause, run repair"


def cut_over(
    house: House, *, accept: Sequence[str] = (), force: bool = False, settle_seconds: float = 3
) -> dict[str, Any]:
    request = CutoverRequest(settle_seconds, accept, force)
    return cutover(house.actions, house.pipeline, request)


def refused(house: House, **how: Any) -> list[str]:
    """The reasons for which cutover refuses."""
    return [obstacle["reason"] for obstacle in cut_over(house, **how)["refused"]]


def state(house: House) -> ClaimState | None:
    """What the restore that owns the pipeline is doing."""
    claim = house.claims.current()
    return claim.state if claim else None


def items(house: House, table: str) -> dict[str, Any]:
    return {item["id"]["S"]: item for item in house.clients.dynamodb.scan(TableName=table)["Items"]}


# status


def test_the_status_of_an_idle_pipeline(house: House) -> None:
    assert status(house.actions, house.pipeline) == {
        "table": "orders",
        "state": "idle",
        "capture": {"mode": "on_restore", "mapping": "Disabled", "changes": 0, "through": None},
        "buffer": {"waiting": 0, "in_flight": 0},
        "not_captured": None,
        "undecodable_bundles": 0,
        "next": "nothing: capture begins when a restore is requested",
    }


def test_the_status_tells_of_the_last_restore_that_the_pipeline_is_not_for(house: House) -> None:
    house.register(patterns=("orders-*", "spare"))
    house.begin("old-orders", "restore-1")
    house.begin("restored-orders", "restore-2")
    house.begin("orders-restored", "restore-3")

    told = {
        "target": "restored-orders",
        "restore_id": "restore-2",
        "at": "2026-11-22T12:00:00Z",
        "reason": (
            "not captured: name outside target_patterns (orders-*, spare), so no changes of orders are replayed into"
            " restored-orders"
        ),
    }
    shown = status(house.actions, house.pipeline)
    assert (shown["target"], shown["not_captured"]) == ("orders-restored", told)

    # The patterns were widened since: the next restore of that name is captured, and that one still is not.
    house.register(patterns=("*",))
    still = status(house.actions, house.pipeline)["not_captured"]
    assert still["restore_id"] == "restore-2"
    assert "(as they were when the restore began)" in still["reason"]


def test_the_status_of_a_replay(house: House) -> None:
    house.replaying()
    house.captured(5, changes=40)
    house.captured(9, group=1, changes=2)
    house.replayed(9, group=1)
    house.replayed(4, time=NOON - 20)
    house.quarantine.add(put("a"), "wrong type")
    house.clients.sqs.send_message(
        QueueUrl=house.aside_url, MessageBody="x", MessageGroupId="1", MessageDeduplicationId="1"
    )

    assert status(house.actions, house.pipeline) == {
        "table": "orders",
        "state": "replaying",
        "capture": {
            "mode": "on_restore",
            "mapping": "Enabled",
            "changes": 42,
            "through": "2026-11-22T12:00:00Z",
        },
        "buffer": {"waiting": 0, "in_flight": 0},
        "not_captured": None,
        "undecodable_bundles": 1,
        "target": "orders-restored",
        "restore_id": "restore-1",
        "claimed_at": "2026-11-22T12:00:00Z",
        "window": {"start": "2026-11-22T11:00:00Z", "end": None},
        "gap_seconds": 0,
        "replay": {
            "mapping": "Enabled",
            "changes": 2,
            "through": "2026-11-22T11:59:40Z",
            "lagging_groups": 1,
        },
        "given_up": {"objects": 0, "first": []},
        "quarantined": [{"key": {"id": {"S": "a"}}, "reason": "wrong type"}],
        "more_quarantined": False,
        "in_doubt_until": None,
        "drained": False,
        "settings": [],
        "held": [],
        "obstacles": [
            {"code": "lagging", "reason": LAGGING},
            {"code": "quarantine", "reason": QUARANTINED},
            {"code": "set_aside", "reason": SET_ASIDE},
        ],
        "next": f"{LAGGING}; {QUARANTINED}; {SET_ASIDE}",
    }


def test_the_status_of_a_drained_replay(house: House) -> None:
    house.replaying()
    house.captured(5)
    house.replayed(5)

    shown = status(house.actions, house.pipeline)

    assert (shown["drained"], shown["obstacles"]) == (True, [])
    assert shown["next"] == "stop writing to the source, then cutover"
    assert shown["replay"]["through"] == "2026-11-22T12:00:00Z"


def test_replay_is_as_far_as_the_group_that_lags_most(house: House) -> None:
    house.replaying()
    for group, behind in ((0, 20), (1, 90), (2, 5)):
        house.captured(9, group=group)
        house.replayed(4, group=group, time=NOON - behind)

    assert status(house.actions, house.pipeline)["replay"]["through"] == "2026-11-22T11:58:30Z"


def test_a_group_of_which_nothing_is_replayed_yet_stands_at_the_windows_start(house: House) -> None:
    house.replaying()
    house.captured(5)

    assert status(house.actions, house.pipeline)["replay"]["through"] == "2026-11-22T11:00:00Z"


def test_a_restore_without_a_record_has_a_status_too(house: House) -> None:
    """It died between its claim and its record."""
    house.begin()

    shown = status(house.actions, house.pipeline)

    assert (shown["state"], shown["settings"]) == ("capturing", [])
    assert shown["next"] == "the restore into orders-restored is capturing, not replaying"


def test_what_capture_gave_up_is_shown_in_part(house: House) -> None:
    house.replaying()
    first = [house.give_up(f"shard-{number}/batch", NOON) for number in range(5)][:3]

    shown = status(house.actions, house.pipeline)

    assert shown["given_up"] == {"objects": 5, "first": first}
    assert shown["next"] == (
        f"batches of changes that capture gave up lie in the failure bucket: 5 ({', '.join(first)} and more); run bring_in"
    )
    assert shown["drained"], "what will never be in the buffer does not keep it from being empty"


def test_a_long_quarantine_is_shown_in_part(house: House) -> None:
    house.replaying()
    for number in range(25):
        house.quarantine.add(put(f"{number}"), "wrong type")

    shown = status(house.actions, house.pipeline)

    assert (len(shown["quarantined"]), shown["more_quarantined"]) == (20, True)


# cutover


def test_cutover_finishes_the_settings_ends_replay_and_watches_capture(house: House) -> None:
    house.replaying()
    house.captured(5)
    house.replayed(5)

    report = cut_over(house)

    assert (report["result"], report["notes"]) == ("synced", [])
    # What breaks Terraform's plan where it is forgotten.
    assert report["afterwards"] == (
        "once status says idle, and before orders is deleted: take orders out of the change pipelines in Terraform, and apply"
    )
    assert house.shelf.jars["orders-restored"] == ["fig", "plum"]
    assert house.states() == ("Enabled", "Disabled")
    assert state(house) is ClaimState.WATCHING
    assert house.claims.consumed_until() == NOON + 10
    assert house.announced() == ["synced"]
    assert house.record_state() == "synced"
    assert house.naps == [1.0] * 10


def test_cutover_is_told_before_it_is_noted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in between is repaired by the same call, which tells it twice; the other way round nobody would hear of it."""
    house.replaying()
    seen: list[ClaimState | None] = []
    answer = house.aws.answer

    def noting(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation == "PutEvents":
            seen.append(state(house))
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(house.aws, "answer", noting)
    cut_over(house)
    assert len(seen) == 1
    assert ClaimState.WATCHING not in seen
    assert state(house) is ClaimState.WATCHING


def test_cutover_waits_for_no_longer_than_it_was_told(house: House) -> None:
    house.replaying()

    cut_over(house, settle_seconds=12.5)

    assert house.naps == [*[1.0] * 12, 0.5]


def lagging(house: House) -> None:
    house.captured(5)


def written_meanwhile(house: House) -> None:
    def write() -> None:
        house.captured(5 + len(house.naps), changes=2)
        house.replayed(5 + len(house.naps))

    house.on_nap = write


def quarantined(house: House) -> None:
    house.quarantine.add(put("a"), "wrong type")


def set_aside(house: House) -> None:
    house.clients.sqs.send_message(
        QueueUrl=house.aside_url, MessageBody="x", MessageGroupId="1", MessageDeduplicationId="1"
    )


def buffered(house: House) -> None:
    house.clients.sqs.send_message(
        QueueUrl=house.buffer_url, MessageBody="x", MessageGroupId="1", MessageDeduplicationId="1"
    )


def switched_off(house: House) -> None:
    house.switch(CAPTURE, "Disabled")


def failing(house: House) -> None:
    house.switch(REPLAY, "Enabled", LastProcessingResult="PROBLEM: Function call failed")


def gap(house: House) -> None:
    claim = house.claims.current()
    assert claim is not None
    house.claims.update(replace(claim, covered_from=NOON))


def given_up(house: House) -> None:
    house.give_up("shard-1/2026/11/22/a", NOON - 3600)


def bucket_gone(house: House) -> None:
    house.aws.objects.buckets.clear()


OBSTACLES = [
    (lagging, "lagging", LAGGING),
    (
        written_meanwhile,
        "still_written",
        "20 changes were captured while it was settling (from 2026-11-22T12:00:00Z on): stop writing to orders first",
    ),
    (quarantined, "quarantine", QUARANTINED),
    (set_aside, "set_aside", SET_ASIDE),
    (buffered, "buffer_not_empty", "the buffer holds 1 messages waiting and 0 in flight"),
    (switched_off, "mapping_not_working", "the capture mapping is Disabled"),
    (failing, "mapping_not_working", "the replay mapping reports PROBLEM: Function call failed"),
    (gap, "gap", "3600 s of changes after the restore point could not be captured"),
    (
        given_up,
        "discarded",
        f"batches of changes that capture gave up lie in the failure bucket: 1 ({GIVEN_UP}); run bring_in",
    ),
    (
        bucket_gone,
        "discarded",
        f"the failure bucket could not be looked into: {NO_BUCKET}",
    ),
]


@pytest.mark.parametrize(("obstruct", "code", "reason"), OBSTACLES)
def test_cutover_refuses_and_says_why(house: House, obstruct: Any, code: str, reason: str) -> None:
    house.replaying()
    obstruct(house)

    assert cut_over(house) == {"refused": [{"code": code, "reason": reason}]}
    assert state(house) is ClaimState.REPLAYING
    assert house.announced() == []
    assert house.shelf.applied == []


@pytest.mark.parametrize(("obstruct", "code", "reason"), OBSTACLES)
@pytest.mark.parametrize("force", [True, False])
def test_what_a_cutover_goes_on_without_is_told(
    house: House, obstruct: Any, code: str, reason: str, force: bool
) -> None:
    house.replaying()
    obstruct(house)

    report = cut_over(house, force=force, accept=[] if force else [code])

    assert report["result"] == "synced"
    assert f"cut over although {reason} (accepted: {code})" in report["notes"]
    assert state(house) is ClaimState.WATCHING


def test_what_is_not_accepted_is_refused(house: House) -> None:
    house.replaying()
    for obstruct in (quarantined, gap, set_aside):
        obstruct(house)

    answer = cut_over(house, accept=["quarantine", "gap", "lagging"])

    assert answer == {"refused": [{"code": "set_aside", "reason": SET_ASIDE}]}
    assert state(house) is ClaimState.REPLAYING


def test_what_was_given_up_before_the_restore_point_is_another_restores(house: House) -> None:
    house.replaying()
    house.give_up("shard-1/a", NOON - 3601)
    house.give_up("shard-2/a", NOON, mapping_id=REPLAY)

    assert cut_over(house)["result"] == "synced"
    assert {asked["Prefix"] for asked in house.aws.named("ListObjectsV2")} == {f"aws/lambda/{CAPTURE}/"}


def test_what_was_given_up_is_not_to_be_brought_in_where_the_window_has_an_end(house: House) -> None:
    house.begin()
    set_window(house.pipeline, NOON - 3600, NOON - 60)
    claim = house.claims.current()
    assert claim is not None
    house.pipeline.start_replay(claim, None)
    house.give_up("shard-1/a", NOON)

    reasons = refused(house)

    assert any("abandon and restore again, for the window has an end" in reason for reason in reasons)
    assert not any("bring_in" in reason for reason in reasons)


def test_each_page_of_the_failure_bucket_counts(house: House) -> None:
    """The keys are in the order of their shards, so what was given up last can come last."""
    house.replaying()
    for number in range(4):
        house.give_up(f"shard-{number}/old", NOON - DAY)
    late = house.give_up("shard-9/new", NOON)

    (reason,) = refused(house)

    assert reason.startswith("batches of changes that capture gave up")
    assert late in reason


def test_capture_is_looked_at_before_what_it_gave_up(house: House) -> None:
    """The other way round, records given up in between are seen neither as failing nor as given up."""
    house.replaying()
    house.aws.calls.clear()

    cut_over(house)

    operations = [call.operation for call in house.aws.calls]
    looks = [number for number, name in enumerate(operations) if name == "GetEventSourceMapping"]
    assert looks[1] < operations.index("ListObjectsV2")


def test_what_is_brought_in_between_two_looks_has_arrived(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buffer was empty when it was looked at, and the bucket is by the time that it is."""
    house.replaying()
    house.give_up("shard-1/a", NOON)
    answer = house.aws.answer

    def bring_in(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "ListObjectsV2" and house.naps:
            house.captured(5)
            house.aws.objects.buckets["orders-failures"].clear()
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(house.aws, "answer", bring_in)

    assert refused(house) == [
        "1 changes were captured while it was settling (from 2026-11-22T12:00:00Z on): stop writing to orders first"
    ]


def test_a_look_into_the_failure_bucket_that_may_succeed_later_is_no_answer(house: House) -> None:
    house.replaying()
    house.aws.fail("ListObjectsV2", "ThrottlingException")

    with pytest.raises(ClientError):
        cut_over(house, force=True)
    assert cut_over(house)["result"] == "synced"


def test_nothing_is_cut_over_before_replay(house: House) -> None:
    house.begin()

    assert cut_over(house, force=True, accept=ACCEPTABLE) == {
        "refused": [
            {
                "code": "not_replaying",
                "reason": "the restore into orders-restored is capturing, not replaying",
            }
        ]
    }


def test_nothing_is_cut_over_where_nothing_is_restored(house: House) -> None:
    with pytest.raises(OperatorError, match="no restore owns the pipeline of orders"):
        cut_over(house)


def test_cutover_does_not_fence_a_restore_whose_record_is_gone(house: House) -> None:
    house.claim()
    house.switch(CAPTURE, "Enabled")
    house.switch(REPLAY, "Enabled")

    with pytest.raises(OperatorError, match="the record of restore restore-1 is gone; abandon it"):
        cut_over(house)
    claim = house.claims.current()
    assert claim is not None
    assert claim.state is ClaimState.REPLAYING


def test_a_setting_that_may_succeed_later_keeps_the_claim_fenced(house: House) -> None:
    house.replaying()
    house.shelf.refuse("plum", *[client_error("TagResource", "ThrottlingException") for _ in range(5000)])

    report = cut_over(house)

    assert report["result"] == "incomplete"
    assert report["next"] == "cutover again: some settings can still be applied"
    claim = house.claims.current()
    assert claim is not None
    assert claim.state is ClaimState.CUTTING_OVER
    assert house.announced() == []

    house.shelf.refuse("plum")
    assert cut_over(house)["result"] == "synced"
    assert house.announced() == ["synced"]


def test_a_setting_that_fails_for_good_does_not_hold_cutover_up(house: House) -> None:
    house.replaying()
    house.shelf.refuse("plum", client_error("TagResource", "AccessDeniedException"))

    assert cut_over(house)["result"] == "incomplete"
    assert state(house) is ClaimState.WATCHING
    assert house.record_state() == "incomplete"


@pytest.mark.parametrize("operation", ["UpdateItem", "UpdateEventSourceMapping"])
def test_a_cutover_that_died_is_finished_by_the_same_call(house: House, operation: str) -> None:
    house.replaying()
    house.aws.fail(operation, "InternalServerError")
    with pytest.raises(ClientError):
        cut_over(house)
    claim = house.claims.current()
    assert claim is not None
    assert claim.state is ClaimState.CUTTING_OVER

    assert cut_over(house)["result"] == "synced"
    assert state(house) is ClaimState.WATCHING
    assert house.states() == ("Enabled", "Disabled")
    assert house.record_state() == "synced"
    assert house.shelf.jars["orders-restored"] == ["fig", "plum"]


def test_a_restore_abandoned_while_cutover_watches_is_not_cut_over(house: House) -> None:
    house.replaying()

    def abandon() -> None:
        house.on_nap = lambda: None
        claim = house.claims.current()
        assert claim is not None
        house.pipeline.fence(claim, ClaimState.ABANDONING)

    house.on_nap = abandon

    with pytest.raises(OperatorError, match="moved on meanwhile"):
        cut_over(house)
    assert house.shelf.applied == []


@pytest.mark.parametrize(("act", "result"), [("cutover", "synced"), ("abandon", "abandoned")])
def test_a_bus_that_refuses_keeps_no_operator_from_an_end(house: House, act: str, result: str) -> None:
    house.replaying()
    house.aws.fail("PutEvents", "AccessDeniedException", "no")

    answer = cut_over(house) if act == "cutover" else abandon(house.actions, house.pipeline)

    assert answer["result"] == result
    assert answer["not_told"] == {"event_bus": "PutEvents: AccessDeniedException: no"}
    assert house.record_state() == result
    assert house.states()[1] == "Disabled"


# abandon


def test_abandoning_releases_the_pipeline_and_leaves_the_table(house: House) -> None:
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders-restored", Item=key("a"))

    report = abandon(house.actions, house.pipeline)

    assert report["result"] == "abandoned"
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")
    assert house.claims.consumed_until() == NOON + 75
    assert (house.announced(), house.record_state()) == (["abandoned"], "abandoned")
    assert (house.shelf.applied, sorted(items(house, "orders-restored"))) == ([], ["a"])


def test_abandoning_before_replay_leaves_the_buffer_to_the_next_restore(house: House) -> None:
    house.begin()

    abandon(house.actions, house.pipeline)

    assert house.claims.consumed_until() is None
    assert house.states() == ("Disabled", "Disabled")


def test_replay_that_begins_while_a_restore_is_given_up_is_not_cut_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would write under a claim that is gone, from a buffer that the next restore counts on."""
    house.begin()
    update = type(house.claims).update
    once = iter([True])

    def raced(store: object, claim: Any) -> Any:
        if next(once, False):
            house.pipeline.start_replay(claim, None)
        return update(house.claims, claim)

    monkeypatch.setattr(type(house.claims), "update", raced)

    with pytest.raises(OperatorError, match="moved on meanwhile"):
        abandon(house.actions, house.pipeline)

    assert state(house) is ClaimState.REPLAYING
    assert house.states() == ("Enabled", "Enabled")


def test_a_restore_that_is_being_given_up_does_not_begin_to_replay(house: House) -> None:
    claim = house.begin()
    assert claim is not None
    house.aws.fail("UpdateEventSourceMapping", "InternalServerError")
    with pytest.raises(ClientError):
        abandon(house.actions, house.pipeline)

    assert house.pipeline.start_replay(claim, None) is None

    assert "released" in abandon(house.actions, house.pipeline)
    assert (house.claims.current(), house.claims.consumed_until()) == (None, None)


def test_a_restore_without_a_record_can_be_abandoned(house: House) -> None:
    house.claim()

    report = abandon(house.actions, house.pipeline)

    assert (report["result"], report["requested_at"]) == ("abandoned", None)
    assert house.claims.current() is None


@pytest.mark.parametrize("operation", ["UpdateItem", "UpdateEventSourceMapping", "DeleteItem"])
def test_an_abandonment_that_died_is_finished_by_the_same_call(house: House, operation: str) -> None:
    house.replaying()
    house.aws.fail(operation, "InternalServerError")
    with pytest.raises(ClientError):
        abandon(house.actions, house.pipeline)

    assert abandon(house.actions, house.pipeline)["result"] == "abandoned"
    assert house.claims.current() is None
    assert house.states() == ("Disabled", "Disabled")


def test_a_cutover_that_cannot_be_finished_can_be_abandoned(house: House) -> None:
    house.replaying()
    house.shelf.refuse("plum", *[client_error("TagResource", "ThrottlingException") for _ in range(5000)])
    cut_over(house)

    assert abandon(house.actions, house.pipeline)["result"] == "abandoned"


def test_there_is_nothing_to_abandon_twice(house: House) -> None:
    house.replaying()
    abandon(house.actions, house.pipeline)

    with pytest.raises(OperatorError, match="there is nothing to do"):
        abandon(house.actions, house.pipeline)


def test_the_next_restore_can_claim_what_was_abandoned(house: House) -> None:
    house.replaying()
    abandon(house.actions, house.pipeline)
    house.now += 60

    claim = house.begin("orders-again", "restore-2", NOON)

    assert claim is not None
    assert (claim.restore_id, claim.covered_from) == ("restore-2", NOON + 75)
    assert house.states() == ("Enabled", "Disabled")


# repair


def test_repair_writes_what_the_source_has_now(house: House) -> None:
    house.replaying()
    database = house.clients.dynamodb
    database.put_item(TableName="orders", Item={**key("a"), "blob": {"B": b"\x00\xff"}})
    database.put_item(TableName="orders-restored", Item=key("b"))
    house.quarantine.add(put("a"), "wrong type")
    house.quarantine.add(put("b"), "wrong type")

    assert repair(house.actions, house.pipeline) == {"repaired": 2, "refused": [], "more_refused": 0}
    assert items(house, "orders-restored") == {"a": {"id": {"S": "a"}, "blob": {"B": b"\x00\xff"}}}
    assert all(read["ConsistentRead"] for read in house.aws.named("GetItem"))
    assert list(house.quarantine.items()) == []
    assert repair(house.actions, house.pipeline) == {"repaired": 0, "refused": [], "more_refused": 0}


def test_what_the_target_still_refuses_stays_in_quarantine(house: House) -> None:
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders", Item=key("a"))
    house.quarantine.add(put("a"), "wrong type")
    house.aws.fail("PutItem", "ValidationException", "still wrong")

    assert repair(house.actions, house.pipeline) == {
        "repaired": 0,
        "refused": [{"key": {"id": {"S": "a"}}, "reason": "PutItem: ValidationException: still wrong"}],
        "more_refused": 0,
    }
    assert len(list(house.quarantine.items())) == 1


def test_a_repair_that_died_is_finished_by_the_same_call(house: House) -> None:
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders", Item=key("a"))
    house.quarantine.add(put("a"), "wrong type")
    house.aws.fail("PutItem", "InternalServerError")
    with pytest.raises(OperatorError, match=r"InternalServerError.* look at its log and repair again"):
        repair(house.actions, house.pipeline)

    assert repair(house.actions, house.pipeline)["repaired"] == 1


def racing(house: House, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Just before each of the next puts of the repair, the source changes and replay carries that over."""
    answer = house.aws.answer
    left = iter(range(1, times + 1))

    def raced(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        to_target = operation == "PutItem" and parameters["TableName"] == "orders-restored"
        if to_target and (number := next(left, None)) is not None:
            for table in ("orders", "orders-restored"):
                newer = {"TableName": table, "Item": {**key("a"), "n": {"N": str(number)}}}
                otherwise(client, operation, newer)
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(house.aws, "answer", raced)


def test_repair_does_not_undo_what_replay_writes_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders", Item={**key("a"), "n": {"N": "0"}})
    house.quarantine.add(put("a"), "wrong type")
    racing(house, monkeypatch, 3)

    assert repair(house.actions, house.pipeline) == {"repaired": 1, "refused": [], "more_refused": 0}
    assert items(house, "orders-restored")["a"]["n"] == {"N": "3"}


def test_an_item_that_never_stands_still_stays_in_quarantine(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.replaying()
    house.clients.dynamodb.put_item(TableName="orders", Item={**key("a"), "n": {"N": "0"}})
    house.quarantine.add(put("a"), "wrong type")
    racing(house, monkeypatch, 1000)

    (refused,) = repair(house.actions, house.pipeline)["refused"]
    assert refused["reason"] == "it changed 10 times while it was repaired: run repair again"
    assert len(list(house.quarantine.items())) == 1


# window


@pytest.mark.parametrize(
    "window",
    [Window(NOON - 7200), Window(NOON - 7200, NOON - 60), Window(NOON - 7200, NOON - 7199)],
)
def test_a_person_chooses_the_window(house: House, window: Window) -> None:
    house.begin()

    set_window(house.pipeline, window.start, window.end)

    claim = house.claims.current()
    assert claim is not None
    assert (claim.window, claim.window_chosen) == (window, True)
    replaying = house.pipeline.start_replay(claim, point(NOON))
    assert replaying is not None
    assert replaying.window == window


def test_the_answer_tells_the_window(house: House) -> None:
    house.begin()

    assert set_window(house.pipeline, NOON, NOON + 5) == {
        "window": {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T12:00:05Z"}
    }


def test_an_end_without_new_images_must_be_accepted(house: House) -> None:
    """A change tells only which item it was about: what the source has now may be what the end is to leave out."""
    house.register(stream_has_new_images={"BOOL": False})
    house.begin()

    with pytest.raises(OperatorError, match="the stream of orders has no new images"):
        set_window(house.pipeline, NOON, NOON + 5)
    claim = house.claims.current()
    assert claim is not None
    assert not claim.window_chosen

    set_window(house.pipeline, NOON, NOON + 5, accept_present_images=True)

    claim = house.claims.current()
    assert claim is not None
    assert claim.window == Window(NOON, NOON + 5, present_images=True)


def test_without_an_end_nothing_is_to_be_accepted(house: House) -> None:
    house.register(stream_has_new_images={"BOOL": False})
    house.begin()

    assert set_window(house.pipeline, NOON, None) == {
        "window": {"start": "2026-11-22T12:00:00Z", "end": None}
    }


def test_an_earlier_window_shows_its_gap(house: House) -> None:
    house.begin()

    set_window(house.pipeline, NOON - 2 * DAY, None)

    assert status(house.actions, house.pipeline)["gap_seconds"] == DAY + 600


@pytest.mark.parametrize("end", [NOON, NOON - 1, 0])
def test_a_window_that_is_none_is_refused(house: House, end: int) -> None:
    before = house.begin()

    with pytest.raises(OperatorError, match="ends before it begins"):
        set_window(house.pipeline, NOON, end)
    assert house.claims.current() == before


def test_the_window_stands_once_replay_has_begun(house: House) -> None:
    house.replaying()

    with pytest.raises(OperatorError, match="is replaying: its window stands"):
        set_window(house.pipeline, NOON, None)


def test_a_window_is_not_accepted_where_it_would_be_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replay starts between the look at the claim and the write."""
    house.begin()
    update = type(house.claims).update
    once = iter([True])

    def raced(store: object, claim: Any) -> Any:
        if next(once, False):
            house.pipeline.start_replay(claim, None)
        return update(house.claims, claim)

    monkeypatch.setattr(type(house.claims), "update", raced)

    with pytest.raises(OperatorError, match="moved on meanwhile"):
        set_window(house.pipeline, NOON, None)
