from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from dynamodb_restore.changes.change import Attributes
from dynamodb_restore.changes.doubt import Settled
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.settle import DoubtSettler
from tests.aws.clock import InlineExecutor
from tests.unit.changes.makers import NOON, RESTORE_ID, Pipeline, key, message, put
from tests.unit.fakes import client_error

NO_ANSWER = ReadTimeoutError(endpoint_url="https://dynamodb")


def doubted(pipeline: Pipeline, *keys: Attributes, restore_id: str = RESTORE_ID) -> None:
    """A note that an invocation left which is long dead."""
    pipeline.doubts.note(restore_id, sent_until=NOON, invocation=f"{keys}").begin(keys)


def settled(pipeline: Pipeline, budget_seconds: float = 55.0) -> Settled:
    clock = pipeline.time.clock(budget_seconds)
    claim = pipeline.claims.current()
    assert claim is not None
    settler = DoubtSettler(
        pipeline.clients,
        "orders",
        claim,
        pipeline.doubts,
        pipeline.quarantine,
        pipeline.progress,
        lambda: True,
        clock,
        InlineExecutor(),
    )
    return settler.settle(pipeline.doubts.due(clock.now()))


@pytest.fixture
def pipeline() -> Pipeline:
    found = Pipeline()
    found.time.now = 2000.0
    found.tables.source.update({"a": {**key("a"), "n": {"N": "5"}}, "b": key("b")})
    found.target.update({"a": {**key("a"), "n": {"N": "4"}}, "c": key("c")})
    return found


def test_items_in_doubt_become_what_the_source_has(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"), key("b"), key("c"))

    assert settled(pipeline) == Settled(rewritten=3)
    assert pipeline.target == pipeline.tables.source
    assert pipeline.doubts.read() == []


def test_where_the_window_has_an_end_they_are_quarantined() -> None:
    pipeline = Pipeline(Window(0, NOON + 60))
    pipeline.time.now = 2000.0
    pipeline.tables.source["a"] = {**key("a"), "n": {"N": "from after the end"}}
    doubted(pipeline, key("a"))

    assert settled(pipeline) == Settled(quarantined=1)
    assert pipeline.target == {}
    assert "may have undone a later one" in pipeline.quarantined()["a"]
    assert pipeline.replayed().quarantined == RESTORE_ID
    assert pipeline.doubts.read() == []


def test_present_images_that_are_accepted_settle_a_window_with_an_end() -> None:
    pipeline = Pipeline(Window(0, NOON + 60, present_images=True))
    pipeline.time.now = 2000.0
    pipeline.tables.source["a"] = key("a")
    doubted(pipeline, key("a"))

    assert settled(pipeline) == Settled(rewritten=1)
    assert pipeline.target == {"a": key("a")}


def test_a_quarantined_item_is_right_again_once_the_target_takes_a_later_change() -> None:
    pipeline = Pipeline(Window(0, NOON + 60))
    pipeline.time.now = 2000.0
    doubted(pipeline, key("a"))

    replayed = pipeline.replay(message("m1", 3, 11, [put("a")]))

    assert replayed.settled == Settled(quarantined=1)
    assert pipeline.quarantined() == {}


def test_a_later_refusal_is_not_replaced_by_the_doubt() -> None:
    pipeline = Pipeline(Window(0, NOON + 60))
    pipeline.time.now = 2000.0
    pipeline.quarantine.add(put("a"), "refused", 77)
    doubted(pipeline, key("a"))

    settled(pipeline)

    assert pipeline.quarantined() == {"a": "refused"}


def test_what_the_target_refuses_is_quarantined(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"a"}
    doubted(pipeline, key("a"), key("b"))

    assert settled(pipeline).quarantined == 1
    assert pipeline.quarantined() == {"a": "PutItem: ValidationException: Type mismatch for Index Key size"}


def test_a_rewrite_without_an_answer_is_in_doubt_again(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"), key("b"))
    pipeline.tables.late = [NO_ANSWER]

    found = settled(pipeline)

    assert (found.rewritten, found.left) == (1, 1)
    (doubt,) = pipeline.doubts.read()
    assert doubt.keys == (key("a"),)
    assert doubt.sent_until > pipeline.now
    assert pipeline.doubts.due(pipeline.now) == []


def test_what_fails_for_certain_stays_due(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"), key("b"))
    denied = client_error("GetItem", "AccessDeniedException", "no")
    pipeline.tables.faults = [denied]

    found = settled(pipeline)

    assert (found.rewritten, found.left) == (1, 1)
    assert found.problem == "GetItem: AccessDeniedException: no"
    (doubt,) = pipeline.doubts.due(pipeline.now)
    assert doubt.keys == (key("a"),)


def test_a_throttled_rewrite_is_made_again(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"))

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("PutItem", "orders-restored"):
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.tables.throttles = 1

    pipeline.tables.before = before
    assert settled(pipeline) == Settled(rewritten=1)


def test_what_there_is_no_time_for_stays_due(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"))
    doubted(pipeline, key("b"), key("c"))

    assert settled(pipeline, budget_seconds=0).left == 3
    assert len(pipeline.doubts.due(pipeline.now)) == 2
    pipeline.time.seconds_per_call = 1.0
    assert settled(pipeline, budget_seconds=8).rewritten in (1, 2)
    pipeline.time.seconds_per_call = 0.0
    settled(pipeline)
    assert pipeline.target == pipeline.tables.source


def test_the_doubts_of_another_restore_end_without_a_write(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"), restore_id="restore-0")

    assert settled(pipeline) == Settled()
    assert pipeline.target["a"]["n"] == {"N": "4"}
    assert pipeline.doubts.read() == []


def test_nothing_is_rewritten_once_the_restore_is_fenced(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"))

    def before(operation: str, table: str) -> None:
        if operation == "UpdateItem":
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.fence()

    pipeline.tables.before = before
    replayed = pipeline.replay(message("m1", 3, 11, [put("x")]))

    assert replayed.retry == ["m1"]
    assert pipeline.target["a"]["n"] == {"N": "4"}
    assert pipeline.in_doubt() == {"a"}


def test_replay_settles_what_is_due_before_its_own_work(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"))

    replayed = pipeline.replay(message("m1", 3, 11, [put("a", n={"N": "6"})]))

    assert replayed.settled == Settled(rewritten=1)
    assert pipeline.target["a"]["n"] == {"N": "6"}


def test_a_change_while_an_item_is_rewritten_is_not_undone(pipeline: Pipeline) -> None:
    doubted(pipeline, key("a"))
    newer: Any = {**key("a"), "n": {"N": "6"}}

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("PutItem", "orders-restored"):
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.tables.source["a"] = pipeline.target["a"] = newer

    pipeline.tables.before = before
    assert settled(pipeline) == Settled(rewritten=1)
    assert pipeline.target["a"] == newer
