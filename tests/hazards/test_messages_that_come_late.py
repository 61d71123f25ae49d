"""A send that lands late, or a message redriven from the DLQ, carries images older than what was replayed since (5c, 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import Change
from dynamodb_restore.changes.window import Window
from tests.unit.changes.makers import NOON, Pipeline, delete, key, message, put


def packed_at(seconds: float, changes: Sequence[Change]) -> str:
    """A bundle that tells when it was packed."""
    return encode(changes, sent_at=seconds)


def sent(seconds: float, record: dict[str, Any]) -> dict[str, Any]:
    record["attributes"]["SentTimestamp"] = str(int(seconds * 1000))
    return record


CHANGES = [put("changed", n={"N": "1"}), delete("made again"), put("deleted since", n={"N": "1"})]


def replayed_after(pipeline: Pipeline, seconds: float) -> None:
    """The source has moved on; a message with old changes arrives so long after it was packed."""
    for items in (pipeline.tables.source, pipeline.target):
        items.update({"changed": {**key("changed"), "n": {"N": "2"}}, "made again": key("made again")})
    record = message("m1", 3, 11, packed_at(NOON, CHANGES))
    assert pipeline.replay(sent(NOON + seconds, record)).retry == []


@pytest.mark.parametrize("seconds", [61, 6 * 3600])
def test_only_its_keys_count(seconds: float) -> None:
    pipeline = Pipeline()
    replayed_after(pipeline, seconds)

    assert pipeline.target == pipeline.tables.source


def test_a_message_that_came_in_time_counts_as_it_is() -> None:
    pipeline = Pipeline()
    replayed_after(pipeline, 59)

    assert pipeline.target["changed"]["n"] == {"N": "1"}
    assert "made again" not in pipeline.target


def test_in_a_window_with_an_end_its_items_are_quarantined() -> None:
    pipeline = Pipeline(Window(0, NOON + 600))
    replayed_after(pipeline, 61)

    assert pipeline.quarantined().keys() == {"changed", "made again", "deleted since"}
    assert "too late for its image to be trusted" in pipeline.quarantined()["changed"]
    assert pipeline.target == pipeline.tables.source
