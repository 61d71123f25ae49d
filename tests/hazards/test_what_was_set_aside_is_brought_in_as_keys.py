"""SQS moves messages to the FIFO DLQ that were received too often, and replay goes on behind them. A redrive brings back
their images, which are older than what the target has by then."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from tests.hazards.pipeline_functions import PipelineFunctions, replaying
from tests.unit.changes.makers import record
from tests.unit.fakes import Aws


@pytest.fixture
def pipeline(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> PipelineFunctions:
    return replaying(aws, clients, monkeypatch)


def test_an_old_image_does_not_undo_a_newer_one(pipeline: PipelineFunctions) -> None:
    newest = {"id": {"S": "order#1"}, "n": {"N": "2"}}
    pipeline.write("orders", newest)
    pipeline.capture(record("order#1", 1, n={"N": "1"}))
    pipeline.give_up(pipeline.messages())
    pipeline.capture(record("order#1", 2, n={"N": "2"}))
    pipeline.replay(pipeline.messages())
    assert [obstacle["code"] for obstacle in pipeline.cut_over()["refused"]] == ["set_aside"]

    assert pipeline.bring_in()["brought_in"] == 1
    pipeline.replay(pipeline.messages())

    assert pipeline.items("orders-restored") == [newest]
    assert pipeline.cut_over()["result"] == "synced"


def test_a_delete_does_not_undo_a_newer_item(pipeline: PipelineFunctions) -> None:
    newest = {"id": {"S": "order#1"}, "n": {"N": "2"}}
    pipeline.write("orders", newest)
    pipeline.capture(record("order#1", 1, event="REMOVE"))
    pipeline.give_up(pipeline.messages())
    pipeline.capture(record("order#1", 2, n={"N": "2"}))
    pipeline.replay(pipeline.messages())

    pipeline.bring_in()
    pipeline.replay(pipeline.messages())

    assert pipeline.items("orders-restored") == [newest]


def test_an_item_that_is_gone_by_now_is_deleted(pipeline: PipelineFunctions) -> None:
    pipeline.write("orders-restored", {"id": {"S": "order#1"}, "n": {"N": "1"}})
    pipeline.capture(record("order#1", 1, n={"N": "1"}))
    pipeline.give_up(pipeline.messages())

    pipeline.bring_in()
    pipeline.replay(pipeline.messages())

    assert pipeline.items("orders-restored") == []


def test_cutover_is_refused_between_bringing_in_and_replay(pipeline: PipelineFunctions) -> None:
    """The DLQ is empty by then, and the change is not in the target yet."""
    pipeline.write("orders", {"id": {"S": "order#1"}})
    pipeline.capture(record("order#1", 1))
    pipeline.give_up(pipeline.messages())
    pipeline.bring_in()
    in_flight = pipeline.messages()

    assert pipeline.cut_over()["refused"][0] == {
        "code": "lagging",
        "reason": "1 groups have captured changes that are not replayed yet",
    }

    pipeline.replay(in_flight)
    assert pipeline.cut_over()["result"] == "synced"
