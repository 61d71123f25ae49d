from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.progress import (
    Partial,
    Position,
    Progress,
    ProgressStore,
    Side,
    lagging_groups,
    progress_of,
)
from tests.unit.changes.makers import NOON, RESTORE_TABLE, make_restore_table
from tests.unit.fakes import Aws

SEQUENCE = 18_849_496_460_467_696_128


@pytest.fixture
def store(aws: Aws, clients: Clients) -> ProgressStore:
    make_restore_table(clients)
    return ProgressStore(clients, RESTORE_TABLE, "orders", "buffer-1")


def test_nothing_was_captured_at_first(store: ProgressStore) -> None:
    assert store.read(Side.CAPTURED) == Progress({}, 0, None)


def test_progress_is_read_as_it_was_written(store: ProgressStore) -> None:
    store.advance(
        Side.CAPTURED,
        {0: Position(SEQUENCE, NOON), 7: Position(SEQUENCE + 256, NOON + 1)},
        changes=5,
        since=NOON - 9,
    )

    assert store.read(Side.CAPTURED) == Progress(
        {0: Position(18849496460467696128, NOON), 7: Position(18849496460467696384, NOON + 1)}, 5, NOON - 9
    )
    assert store.read(Side.REPLAYED) == Progress({})


def test_a_slower_invocation_moves_nothing_back(store: ProgressStore) -> None:
    store.advance(
        Side.REPLAYED, {0: Position(SEQUENCE + 2, NOON + 2), 1: Position(SEQUENCE, NOON)}, changes=3
    )
    store.advance(
        Side.REPLAYED, {0: Position(SEQUENCE + 1, NOON + 1), 1: Position(SEQUENCE + 1, NOON + 1)}, changes=4
    )

    assert store.read(Side.REPLAYED) == Progress(
        {0: Position(SEQUENCE + 2, NOON + 2), 1: Position(SEQUENCE + 1, NOON + 1)}, 7
    )


def test_an_invocation_that_is_behind_everywhere_still_counts_its_changes(store: ProgressStore) -> None:
    store.advance(Side.REPLAYED, {0: Position(5, NOON)}, changes=1)
    store.advance(Side.REPLAYED, {0: Position(4, NOON)}, changes=2)

    assert store.read(Side.REPLAYED) == Progress({0: Position(5, NOON)}, 3)


def test_the_first_change_ever_captured_is_kept(store: ProgressStore) -> None:
    store.advance(Side.CAPTURED, {0: Position(1, NOON)}, changes=1, since=NOON)
    store.advance(Side.CAPTURED, {0: Position(2, NOON)}, changes=1, since=NOON - 5)

    assert store.read(Side.CAPTURED).since == 1795348800


def test_a_race_ends_at_the_furthest_position(
    store: ProgressStore, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another invocation is faster, again and again, between this one's look and its write."""
    answer = aws.answer
    rivals = [{0: Position(5, NOON)}, {1: Position(9, NOON)}]

    def overtaken(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation == "UpdateItem" and rivals:
            store.advance(Side.REPLAYED, rivals.pop(0), changes=1)
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", overtaken)
    store.advance(
        Side.REPLAYED, {0: Position(4, NOON), 1: Position(8, NOON), 2: Position(7, NOON)}, changes=10
    )

    assert store.read(Side.REPLAYED) == Progress(
        {0: Position(5, NOON), 1: Position(9, NOON), 2: Position(7, NOON)}, 12
    )


def test_many_groups_fit_dynamodbs_expressions(store: ProgressStore, aws: Aws) -> None:
    """An expression has at most 4,096 bytes and a condition 300 operators."""
    store.advance(
        Side.CAPTURED, {group: Position(SEQUENCE, NOON) for group in range(160)}, changes=12, since=NOON
    )

    found = store.read(Side.CAPTURED)
    assert len(aws.named("UpdateItem")) == 10
    assert (len(found.positions), found.changes, found.since) == (160, 12, NOON)
    for update in aws.named("UpdateItem"):
        condition = update["ConditionExpression"]
        operators = sum(condition.count(word) for word in ("attribute_not_exists", " OR ", "<", " AND "))
        assert len(condition) <= 4096
        assert len(update["UpdateExpression"]) <= 4096
        assert operators <= 300


def test_a_bundle_that_was_begun_is_resumed_where_it_stands(store: ProgressStore) -> None:
    store.advance(Side.REPLAYED, {3: Position(SEQUENCE, NOON)}, changes=1)
    store.advance(Side.REPLAYED, {}, changes=7, partial={3: Partial(SEQUENCE + 256, 7), 40: Partial(9, 1)})

    found = store.read(Side.REPLAYED)
    assert found.positions == {3: Position(SEQUENCE, NOON)}
    assert found.partial == {3: Partial(18849496460467696384, 7), 40: Partial(9, 1)}
    assert found.changes == 8


@pytest.mark.parametrize("slower", [Partial(11, 6), Partial(11, 7), Partial(10, 900)])
def test_a_slower_invocation_moves_no_begun_bundle_back(store: ProgressStore, slower: Partial) -> None:
    store.advance(Side.REPLAYED, {}, changes=7, partial={3: Partial(11, 7), 4: Partial(12, 1)})
    store.advance(Side.REPLAYED, {}, changes=5, partial={3: slower, 4: Partial(12, 2), 5: Partial(9, 1)})

    found = store.read(Side.REPLAYED)
    assert found.partial == {3: Partial(11, 7), 4: Partial(12, 2), 5: Partial(9, 1)}
    assert found.changes == 12


def test_the_most_of_every_group_of_an_item_fits_one_update(store: ProgressStore, aws: Aws) -> None:
    groups = range(976, 992)
    store.advance(
        Side.REPLAYED,
        {group: Position(SEQUENCE, NOON) for group in groups},
        changes=0,
        partial={group: Partial(SEQUENCE + 256, 4711) for group in groups},
    )

    (update,) = aws.named("UpdateItem")
    condition = update["ConditionExpression"]
    assert sum(condition.count(word) for word in ("attribute_not_exists", " OR ", "<", " AND ")) <= 300
    assert max(len(condition), len(update["UpdateExpression"])) <= 4096
    assert len(store.read(Side.REPLAYED).partial) == 16


def test_the_items_of_some_groups_tell_all_about_them(store: ProgressStore, clients: Clients) -> None:
    store.advance(Side.REPLAYED, {g: Position(g + 1, NOON) for g in (0, 17, 40)}, changes=3)
    store.note_quarantine("restore-1")

    keys = store.keys(Side.REPLAYED, [17, 18, 2])
    assert [key["sk"]["S"] for key in keys] == ["replayed#buffer-1#0", "replayed#buffer-1#1"]
    answer = clients.dynamodb.batch_get_item(RequestItems={RESTORE_TABLE: {"Keys": keys}})
    found = progress_of(answer["Responses"][RESTORE_TABLE])
    assert found.positions == {0: Position(1, NOON), 17: Position(18, NOON)}
    assert (found.changes, found.quarantined) == (3, "restore-1")


def test_a_longer_buffer_id_is_another_buffer(store: ProgressStore, clients: Clients) -> None:
    other = ProgressStore(clients, RESTORE_TABLE, "orders", "buffer-11")
    other.advance(Side.REPLAYED, {3: Position(900, 60)}, changes=1)

    assert store.read(Side.REPLAYED) == Progress({})


positions = st.dictionaries(st.integers(0, 4), st.builds(Position, st.integers(1, 5), st.just(NOON)))


@pytest.mark.parametrize(
    ("captured", "replayed", "lagging"),
    [
        ({}, {}, set()),
        ({0: Position(1, NOON)}, {}, {0}),
        ({0: Position(2, NOON)}, {0: Position(1, NOON)}, {0}),
        ({0: Position(2, NOON)}, {0: Position(2, NOON)}, set()),
        ({0: Position(2, NOON)}, {0: Position(3, NOON)}, set()),
        ({}, {0: Position(3, NOON)}, set()),
    ],
)
def test_a_group_lags_while_something_captured_is_not_replayed(
    captured: Mapping[int, Position], replayed: Mapping[int, Position], lagging: set[int]
) -> None:
    assert lagging_groups(Progress(captured), Progress(replayed)) == lagging


@given(positions, positions)
def test_what_has_caught_up_does_not_lag(
    captured: dict[int, Position], replayed: dict[int, Position]
) -> None:
    caught_up = {
        **replayed,
        **{group: captured[group] for group in lagging_groups(Progress(captured), Progress(replayed))},
    }

    assert lagging_groups(Progress(captured), Progress(caught_up)) == set()


def test_a_buffer_that_was_made_anew_begins_at_the_beginning(store: ProgressStore, clients: Clients) -> None:
    """SQS counts the messages of a new queue from the start: the old queue's positions would hide them."""
    store.advance(Side.REPLAYED, {3: Position(900, 60)}, changes=1)
    anew = ProgressStore(clients, RESTORE_TABLE, "orders", "buffer-2")
    assert anew.read(Side.REPLAYED) == Progress({})
    anew.advance(Side.REPLAYED, {3: Position(7, 61)}, changes=1)
    assert store.read(Side.REPLAYED).positions == {3: Position(900, 60)}
