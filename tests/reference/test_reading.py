"""Changes that travelled as keys: replay reads the source's present state."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from dynamodb_restore.changes.progress import Position, Side
from tests.reference.pipeline import RESTORE_ID, Pipeline
from tests.reference.values import LARGE_BYTES

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_an_item_that_is_gone_from_the_source_is_deleted_from_the_target(
    make_pipeline: Callable[..., Pipeline],
) -> None:
    pipeline = make_pipeline("gone", {"pk": "S"}, view="KEYS_ONLY")
    pipeline.claim()
    for table in (pipeline.source, pipeline.target):
        pipeline.plain.put_item(TableName=table, Item={"pk": {"S": "gone"}, "old": {"BOOL": True}})
    pipeline.capture_once()
    pipeline.plain.delete_item(TableName=pipeline.source, Key={"pk": {"S": "gone"}})

    # The stream's record of the put is replayed; that of the delete has not been captured.
    assert [record["eventName"] for record in pipeline.records] == ["INSERT"]
    pipeline.receive()
    pipeline.replay_once()

    assert pipeline.contents(pipeline.target) == {}
    pipeline.drain()
    assert pipeline.differences() == []


def test_more_than_one_answer_of_large_items_is_read_in_full(make_pipeline: Callable[..., Pipeline]) -> None:
    """BatchGetItem answers with at most 16 MB and leaves the other keys to be asked for again."""
    pipeline = make_pipeline("large", {"pk": "N"}, view="KEYS_ONLY", group_count=1)
    pipeline.claim()
    blob = random.Random(1).randbytes(LARGE_BYTES)
    for number in range(45):
        pipeline.plain.put_item(
            TableName=pipeline.source, Item={"pk": {"N": str(number)}, "blob": {"B": blob}}
        )

    pipeline.capture_once(most=45)
    pipeline.drain()

    assert pipeline.faults.seen["keys left by the engine itself"]
    assert len(pipeline.contents(pipeline.target)) == 45
    assert pipeline.differences() == []


def test_progress_and_claims_hold_by_the_engines_own_conditions(
    make_pipeline: Callable[..., Pipeline],
) -> None:
    pipeline = make_pipeline("conditions", {"pk": "S"}, view="NEW_IMAGE")
    groups = range(120)
    ahead = {group: Position(18_849_496_460_467_696_128 + group % 2, 7) for group in groups}
    behind = {group: Position(18_849_496_460_467_696_128, 6) for group in groups}

    pipeline.progress.advance(Side.REPLAYED, ahead, changes=3)
    pipeline.progress.advance(Side.REPLAYED, behind, changes=4)

    stored = pipeline.progress.read(Side.REPLAYED)
    assert stored.positions == ahead
    assert stored.changes == 7

    claim = pipeline.claim()
    again = pipeline.claim()
    assert (again.restore_id, again.window, again.version) == (RESTORE_ID, claim.window, claim.version)
    assert pipeline.claims.update(claim) is not None
    assert pipeline.claims.update(claim) is None
    pipeline.claims.release(claim)
    assert pipeline.claims.current() is None
