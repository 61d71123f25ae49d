"""Lambda retries a throttled batch until its visibility timeout has passed: it can begin when others have its messages (5b)."""

from __future__ import annotations

from typing import Any

from tests.unit.changes.makers import Pipeline, key, message, put
from tests.unit.fakes import client_error


def version(number: int) -> dict[str, Any]:
    return {"n": {"N": str(number)}}


def test_a_message_that_somebody_else_has_by_now_is_left_out_with_all_behind_it() -> None:
    pipeline = Pipeline()
    pipeline.target["a"] = {**key("a"), **version(9)}
    pipeline.queues.expired = {"handle-m2"}

    replayed = pipeline.replay(
        message("m1", 3, 11, [put("before")]),
        message("m2", 3, 12, [put("a", **version(1))]),
        message("m3", 3, 13, [put("behind")]),
        message("m4", 6, 14, [put("other")]),
    )

    assert sorted(pipeline.target) == ["a", "before", "other"]
    assert pipeline.target["a"]["n"] == {"N": "9"}
    assert replayed.retry == ["m2", "m3"]
    assert pipeline.replayed().positions[3].sequence == 11
    # What is not ours is not hidden again either.
    assert pipeline.queues.hidden[-1].keys() == {"handle-m3"}


def test_where_the_messages_cannot_be_hidden_nothing_is_written() -> None:
    pipeline = Pipeline()
    pipeline.queues.faults = [client_error("ChangeMessageVisibilityBatch", "ServiceUnavailable", status=503)]

    replayed = pipeline.replay(message("m1", 3, 11, [put("a")]), message("m2", 6, 12, [put("b")]))

    assert (replayed.retry, pipeline.target) == (["m1", "m2"], {})


def test_messages_are_hidden_before_anything_else_is_done() -> None:
    pipeline = Pipeline()
    seen: list[int] = []
    pipeline.tables.before = lambda _operation, _table: seen.append(len(pipeline.queues.hidden))

    pipeline.replay(message("m1", 3, 11, [put("a")]))

    assert seen[0] == 1
    (lease,) = pipeline.queues.hidden
    assert lease["handle-m1"] > pipeline.budget_seconds + 5
