"""What one invocation holds, reads and repeats has a bound, however full its messages are (8)."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

from dynamodb_restore.changes.change import Change
from dynamodb_restore.changes.progress import Partial
from tests.unit.changes.makers import OPTIONS, RESTORE_TABLE, Pipeline, message, put, read


def peak(messages: list[dict[str, Any]]) -> int:
    """Bytes that replaying these messages takes at its worst."""
    pipeline = Pipeline()
    tracemalloc.start()
    try:
        assert pipeline.replay(*messages).retry == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_messages_of_a_hot_item_take_less_memory_than_two_at_once() -> None:
    hot: list[Change] = [put("hot", n={"N": str(number)}) for number in range(3_000)]
    messages = [message(f"m{number}", 3, 11 + number, hot) for number in range(10)]

    assert peak(messages) < 2 * peak(messages[:1])


def test_a_bundle_that_needs_many_invocations_is_resumed_and_paid_once() -> None:
    pipeline = Pipeline()
    pipeline.options = type(OPTIONS)(**{**vars(OPTIONS), "write_units_per_second": 5.0})
    changes: list[Change] = [put(f"{number}") for number in range(1_000)]

    invocations = pipeline.replay_until_done(message("m1", 3, 11, changes))

    assert pipeline.writes() == 1_000
    assert len(pipeline.target) == 1_000
    assert 3 <= len(invocations) <= 5
    assert sum(each.applied for each in invocations) == pipeline.replayed().changes == 1_000


def test_no_item_that_was_written_comes_again_in_the_next_invocation() -> None:
    """What is left, where time runs out, is behind the last change of all that was written."""
    pipeline = Pipeline()
    pipeline.options = type(OPTIONS)(**{**vars(OPTIONS), "write_units_per_second": 2.0})
    pipeline.budget_seconds = 2
    names = [f"{number}" for number in range(10)]
    changes: list[Change] = [put(name, n={"N": "1"}) for name in names]
    changes += [put(name, n={"N": "2"}) for name in reversed(names)]

    invocations = pipeline.replay_until_done(message("m1", 3, 11, changes))

    assert len(invocations) > 1
    assert pipeline.writes() == 10
    assert all(item["n"] == {"N": "2"} for item in pipeline.target.values())


def test_an_invocation_that_is_killed_repeats_no_more_than_a_round() -> None:
    class Killed(BaseException):
        pass

    pipeline = Pipeline()
    pipeline.options = type(OPTIONS)(**{**vars(OPTIONS), "write_units_per_second": 5.0})
    bundle = message("m1", 3, 11, [put(f"{number}") for number in range(200)])

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", "orders-restored") and pipeline.writes() == 180:
            raise Killed

    pipeline.tables.before = before
    try:
        pipeline.replay(bundle)
    except Killed:
        pipeline.tables.before = lambda _operation, _table: None
    assert pipeline.replayed().partial == {3: Partial(11, 150)}
    pipeline.replay_until_done(bundle)

    assert pipeline.writes() == 230
    assert len(pipeline.target) == 200


def test_items_that_are_read_from_the_source_come_in_portions_of_their_size() -> None:
    """Nobody knows how large they are before the first is read."""
    pipeline = Pipeline()
    for number in range(600):
        pipeline.tables.source[f"{number}"] = {"id": {"S": f"{number}"}, "blob": {"B": b"x" * 400_000}}
    portions: list[int] = []
    asked = pipeline.tables.batch_get_item

    def counted(**parameters: Any) -> dict[str, Any]:
        portions.extend(
            len(request["Keys"]) for table, request in parameters["RequestItems"].items() if table == "orders"
        )
        return asked(**parameters)

    pipeline.tables.batch_get_item = counted  # type: ignore[method-assign]
    pipeline.replay_until_done(message("m1", 3, 11, [read(f"{number}") for number in range(600)]))

    assert sum(portions) == 600
    assert max(portions) <= 100
    # 8 MB a round, once it is known what an item takes.
    assert set(portions[2:-1]) == {21}


def test_ten_thousand_refusals_are_stored_within_an_invocation() -> None:
    pipeline = Pipeline(seconds_per_call=0.005 / 8)
    refused = {f"{number}" for number in range(10_000)}
    pipeline.tables.refused = refused

    replayed = pipeline.replay(
        *(
            message(f"m{part}", 3, 11 + part, [put(f"{part * 1000 + number}") for number in range(1000)])
            for part in range(10)
        )
    )

    assert (replayed.quarantined, replayed.retry) == (10_000, [])
    assert pipeline.quarantined().keys() == refused


def test_quarantine_is_read_by_the_keys_at_hand() -> None:
    pipeline = Pipeline()
    for number in range(300):
        pipeline.quarantine.add(put(f"{number}"), "refused", 1)
    pipeline.progress.note_quarantine("restore-1")
    asked: Counter[str] = Counter()

    def before(operation: str, table: str) -> None:
        asked[operation] += table == RESTORE_TABLE

    pipeline.tables.before = before
    pipeline.replay(message("m1", 3, 11, [put("7"), put("another")]))

    # The claim with the progress, and the entries of two items.
    assert asked["BatchGetItem"] == 2
    assert asked["Query"] == 1
    assert len(pipeline.quarantined()) == 299
