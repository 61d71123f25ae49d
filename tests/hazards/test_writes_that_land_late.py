"""A request that got no answer can take effect minutes later, after the write of a later change (5a)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.window import Window
from tests.unit.changes.makers import NOON, MemoryTables, Pipeline, delete, key, message, put

NO_ANSWER = ReadTimeoutError(endpoint_url="https://dynamodb")
QUARTER_OF_AN_HOUR = 15 * 60


def version(number: int) -> dict[str, Any]:
    return {"n": {"N": str(number)}}


def after_a_late_landing(pipeline: Pipeline) -> None:
    """The write of version 1 stalls, version 2 is replayed, then version 1 lands. The source has version 2."""
    pipeline.tables.source["a"] = {**key("a"), **version(2)}
    pipeline.tables.late = [NO_ANSWER]
    first = message("m1", 3, 11, [put("a", **version(1))])
    assert pipeline.replay(first).retry == ["m1"]
    pipeline.time.now += 5
    pipeline.replay_until_done(first, message("m2", 3, 12, [put("a", **version(2))]))
    pipeline.tables.land()
    assert pipeline.target["a"]["n"] == {"N": "1"}


def test_the_item_is_in_doubt_until_no_request_can_land_and_is_then_made_equal() -> None:
    pipeline = Pipeline()
    after_a_late_landing(pipeline)
    assert pipeline.in_doubt() == {"a"}

    pipeline.time.now += 120
    pipeline.replay(message("m3", 6, 13, [put("b")]))
    assert pipeline.in_doubt() == {"a"}
    pipeline.time.now += QUARTER_OF_AN_HOUR
    pipeline.replay(message("m4", 6, 14, [put("b")]))

    assert pipeline.target["a"]["n"] == {"N": "2"}
    assert pipeline.in_doubt() == set()


def test_where_the_source_may_be_past_the_windows_end_the_item_is_quarantined() -> None:
    pipeline = Pipeline(Window(0, NOON + 60))
    after_a_late_landing(pipeline)

    pipeline.time.now += QUARTER_OF_AN_HOUR + 120
    pipeline.replay(message("m3", 6, 13, [put("b")]))

    assert "stayed without an answer" in pipeline.quarantined()["a"]


def test_an_invocation_that_is_killed_while_it_writes_leaves_its_items_in_doubt() -> None:
    class Killed(BaseException):
        pass

    pipeline = Pipeline()

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", "orders-restored"):
            raise Killed

    pipeline.tables.before = before
    with pytest.raises(Killed):
        pipeline.replay(message("m1", 3, 11, [put("a"), put("b")]))

    assert pipeline.in_doubt() == {"a", "b"}


def test_the_sdk_makes_no_second_attempt_at_a_target_write() -> None:
    clients = Clients("eu-central-1")
    once: Any = clients.dynamodb_once.meta.config
    usual: Any = clients.dynamodb.meta.config

    assert once.retries["total_max_attempts"] == 1
    assert usual.retries["total_max_attempts"] > 1


@pytest.mark.parametrize("refused", [set[str](), {"b"}])
def test_every_write_of_the_target_is_made_by_that_client(refused: set[str]) -> None:
    pipeline = Pipeline()
    pipeline.tables.refused = refused
    usual = MemoryTables(pipeline.time)
    usual.restores = pipeline.tables.restores
    clients: Any = SimpleNamespace(
        dynamodb=usual, dynamodb_once=pipeline.tables, sqs=pipeline.queues, s3=None
    )
    pipeline.clients = clients

    pipeline.replay(message("m1", 3, 11, [put("a"), put("b"), delete("c")]))

    assert usual.calls == []
    assert sorted(pipeline.target) == sorted({"a", "b"} - refused)
