"""Capture failed for as long as the stream had some changes, and Lambda put them into the failure bucket. They had to be
brought in by hand, with a filter that one wrong character turned into a replay of old images."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from tests.hazards.pipeline_functions import PipelineFunctions, replaying
from tests.unit.changes.house import DAY
from tests.unit.changes.makers import NOON, record
from tests.unit.fakes import Aws


@pytest.fixture
def pipeline(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> PipelineFunctions:
    return replaying(aws, clients, monkeypatch)


def test_the_target_ends_at_what_the_source_has(pipeline: PipelineFunctions) -> None:
    """One item never came through the stream; of the others, what the object tells is no longer so."""
    missed, changed = {"id": {"S": "a"}, "n": {"N": "1"}}, {"id": {"S": "b"}, "n": {"N": "9"}}
    for item in (missed, changed):
        pipeline.write("orders", item)
    pipeline.write("orders-restored", changed)
    pipeline.house.give_up(
        "shard-1/a",
        NOON,
        records=[
            record("a", 1, n={"N": "1"}),
            record("b", 2, n={"N": "2"}),
            record("b", 3, event="REMOVE"),
            record("c", 4, n={"N": "3"}),
        ],
    )
    (refused,) = pipeline.cut_over()["refused"]
    assert (refused["code"], refused["reason"].endswith("run bring_in")) == ("discarded", True)

    answer = pipeline.bring_in()
    assert (answer["brought_in"], answer["objects"], answer["more"]) == (4, 1, False)
    pipeline.replay(pipeline.messages())

    assert pipeline.items("orders-restored") == [missed, changed]
    assert pipeline.cut_over()["result"] == "synced"


def test_what_was_given_up_of_the_time_before_the_window_holds_no_cutover_up(
    pipeline: PipelineFunctions,
) -> None:
    """A mapping that is enabled for this restore gives up at once what is about to leave the stream."""
    pipeline.house.give_up("shard-1/a", NOON, records=[record("a", 1, time=NOON - DAY + 5)])

    assert pipeline.cut_over()["result"] == "synced"


def test_a_record_from_before_the_window_that_was_stuck_and_given_up_holds_no_cutover_up_for_ever(
    pipeline: PipelineFunctions,
) -> None:
    """Its mark is as young as the last invocation that failed at it, and no invocation will clear it any more."""
    given_up = record("a", 1, time=NOON - DAY + 5)
    pipeline.house.give_up("shard-1/a", NOON, records=[given_up])
    pipeline.house.stuck.note("1", now=NOON, reason="no key for it", key={"id": {"S": "a"}})
    (refused,) = pipeline.cut_over()["refused"]
    assert (refused["code"], refused["reason"].endswith("bring_in clears that")) == ("capture_stuck", True)

    answer = pipeline.bring_in()

    assert (answer["brought_in"], answer["objects"]) == (0, 0)
    assert pipeline.cut_over()["result"] == "synced"
