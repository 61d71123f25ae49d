from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.change import item_id
from dynamodb_restore.changes.progress import Position
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.replay import Replayed, Window, replay
from tests.unit.changes.makers import (
    NOON,
    RESTORE_TABLE,
    MemoryTables,
    delete,
    key,
    make_restore_table,
    message,
    put,
    read,
    writer_for,
)
from tests.unit.fakes import Aws, client_error

ALWAYS = Window(0)


class Bench:
    """A target in memory, a quarantine in moto, and a queue for bundles that cannot be decoded."""

    def __init__(self, clients: Clients) -> None:
        make_restore_table(clients)
        self.tables = MemoryTables()
        self.quarantine = Quarantine(clients, RESTORE_TABLE, "restore-1")
        self.aside: list[tuple[str, str]] = []
        self.aside_works = True
        self.budget_seconds = 100.0

    def replay(
        self,
        records: Sequence[Mapping[str, Any]],
        window: Window = ALWAYS,
        dealt_with: Mapping[int, Position] | None = None,
    ) -> Replayed:
        return replay(
            records,
            window,
            writer_for(self.tables, budget_seconds=self.budget_seconds),
            self.quarantine,
            frozenset(item_id(item.key) for item in self.quarantine.items()),
            self._set_aside,
            dealt_with or {},
        )

    def quarantined(self) -> dict[str, str]:
        return {item.key["id"]["S"]: item.reason for item in self.quarantine.items()}

    def _set_aside(self, record: Mapping[str, Any], reason: str) -> bool:
        self.aside.append((record["messageId"], reason))
        return self.aside_works


@pytest.fixture
def bench(aws: Aws, clients: Clients) -> Bench:
    return Bench(clients)


def test_the_last_change_of_each_item_is_written(bench: Bench) -> None:
    replayed = bench.replay(
        [
            message("m1", 3, 11, [put("a", n={"N": "1"}), put("b"), put("a", n={"N": "2"})]),
            message("m2", 6, 12, [put("c"), delete("c", time=NOON + 2)]),
            message("m3", 3, 13, [put("a", n={"N": "3"}, time=NOON + 3), delete("b", time=NOON + 3)]),
        ]
    )

    assert bench.tables.target == {"a": {"id": {"S": "a"}, "n": {"N": "3"}}}
    assert bench.tables.calls == [("BatchWriteItem", 3)]
    assert replayed == Replayed(
        positions={3: Position(13, NOON + 3), 6: Position(12, NOON + 2)}, applied=3, superseded=4
    )
    assert replayed.changes == 7


@pytest.mark.parametrize(
    ("window", "written", "outside"),
    [
        (Window(NOON), ["at noon", "later"], 1),
        (Window(NOON + 1), ["later"], 2),
        (Window(NOON, NOON + 1), ["at noon"], 2),
        (Window(NOON - 1, NOON), ["before"], 2),
        (Window(NOON + 9), [], 3),
    ],
)
def test_only_changes_in_the_window_are_written(
    bench: Bench, window: Window, written: list[str], outside: int
) -> None:
    """The first second belongs to it, the end does not."""
    replayed = bench.replay(
        [message("m1", 3, 11, [put("before", time=NOON - 1), put("at noon"), put("later", time=NOON + 1)])],
        window,
    )

    assert sorted(bench.tables.target) == written
    assert (replayed.outside, replayed.applied, replayed.retry) == (outside, 3 - outside, [])
    assert replayed.positions == {3: Position(11, NOON + 1)}


def test_a_change_after_the_window_does_not_supersede_one_in_it(bench: Bench) -> None:
    bench.replay(
        [message("m1", 3, 11, [put("a", n={"N": "1"}), put("a", n={"N": "2"}, time=NOON + 5)])],
        Window(NOON, NOON + 5),
    )

    assert bench.tables.target["a"]["n"] == {"N": "1"}


@pytest.mark.parametrize(
    ("window", "written"),
    [
        (Window(NOON), {"n": {"N": "1"}}),
        (Window(NOON, NOON + 60), {"n": {"N": "present"}}),
        # Its bundle was sent at NOON, so it is from before that.
        (Window(NOON + 1), None),
        (Window(NOON + 1, NOON + 60), None),
    ],
)
def test_a_change_of_unknown_time_may_lie_before_an_end_but_its_image_need_not(
    bench: Bench, window: Window, written: dict[str, Any] | None
) -> None:
    bench.tables.source["a"] = {**key("a"), "n": {"N": "present"}}

    bench.replay([message("m1", 3, 11, [replace(put("a", n={"N": "1"}), time_known=False)])], window)

    assert bench.tables.target.get("a") == (written and {**key("a"), **written})


def test_an_image_in_an_object_is_no_delete(bench: Bench) -> None:
    """Until the object is read, the source is."""
    bench.tables.source["a"] = bench.tables.target["a"] = {**key("a"), "n": {"N": "2"}}

    bench.replay([message("m1", 3, 11, [put("a", n={"N": "1"}).with_image_in("5e1f")])])

    assert bench.tables.target["a"] == {**key("a"), "n": {"N": "2"}}


def test_a_failed_message_comes_back_with_all_later_ones_of_its_group(bench: Bench) -> None:
    # The first batch holds all b; the second c and d.
    bench.tables.faults = [client_error("BatchWriteItem", "AccessDeniedException", "no")]

    replayed = bench.replay(
        [
            message("m2", 3, 12, [put(f"b{n}") for n in range(25)]),
            message("m3", 6, 13, [put("c")]),
            message("m4", 3, 14, [put("d")]),
        ]
    )

    assert replayed.retry == ["m2", "m4"]
    assert replayed.positions == {6: Position(13, NOON)}
    assert replayed.problem == "BatchWriteItem: AccessDeniedException: no"
    assert "d" in bench.tables.target


def test_what_comes_back_does_not_count_and_what_is_behind_it_counts_as_what_it_is(bench: Bench) -> None:
    bench.tables.faults = [client_error("BatchWriteItem", "AccessDeniedException", "no")]

    replayed = bench.replay(
        [
            message("m1", 3, 11, [put(f"b{n}") for n in range(25)]),
            message("m2", 6, 12, [put("c"), put("c", time=NOON + 1)]),
        ]
    )

    assert replayed.retry == ["m1"]
    assert (replayed.superseded, replayed.applied) == (1, 1)


def test_messages_before_the_failed_one_are_done_with(bench: Bench) -> None:
    bench.tables.unprocessed = [0, *[1] * 1000]
    bench.budget_seconds = 10

    replayed = bench.replay(
        [
            message("m1", 3, 11, [put(f"a{n}") for n in range(25)]),
            message("m2", 3, 12, [put("b")]),
            message("m3", 3, 13, [put("c")]),
        ]
    )

    # m2's item is written, m3's is left; the next delivery finds m3 alone.
    assert replayed.retry == ["m3"]
    assert replayed.positions == {3: Position(12, NOON)}
    assert replayed.applied == 26


def test_an_item_whose_last_change_failed_holds_back_only_that_message(bench: Bench) -> None:
    bench.tables.faults = [client_error("BatchWriteItem", "AccessDeniedException", "no")]

    replayed = bench.replay(
        [message("m1", 3, 11, [put("a")]), message("m2", 3, 12, [put("a", time=NOON + 1)])]
    )

    assert replayed.retry == ["m2"]
    assert (replayed.superseded, replayed.applied) == (1, 0)


def test_a_refused_item_is_quarantined_and_its_message_done_with(bench: Bench) -> None:
    bench.tables.refused = {"b"}

    replayed = bench.replay([message("m1", 3, 11, [put("a"), put("b"), put("c")])])

    assert bench.quarantined() == {"b": "PutItem: ValidationException: Type mismatch for Index Key size"}
    assert (replayed.applied, replayed.quarantined, replayed.retry) == (2, 1, [])
    assert sorted(bench.tables.target) == ["a", "c"]


def test_a_later_change_that_the_target_takes_ends_the_quarantine(bench: Bench) -> None:
    bench.tables.refused = {"a", "b"}
    bench.replay([message("m1", 3, 11, [put("a"), put("b")])])
    bench.tables.refused = {"b"}

    bench.replay([message("m2", 3, 12, [put("a"), delete("b")])])

    assert bench.quarantined() == {}


def test_a_later_change_that_is_refused_too_takes_the_earlier_ones_place(bench: Bench) -> None:
    bench.tables.refused = {"a"}
    bench.replay([message("m1", 3, 11, [put("a", sequence=1)])])
    bench.replay([message("m2", 3, 12, [put("a", sequence=2)])])

    assert [item.sequence for item in bench.quarantine.items()] == ["2"]


def test_an_item_superseded_within_the_invocation_is_not_quarantined(bench: Bench) -> None:
    bench.tables.refused = {"a"}

    replayed = bench.replay([message("m1", 3, 11, [put("a"), delete("a")])])

    assert bench.quarantined() == {}
    assert (replayed.superseded, replayed.applied) == (1, 1)


def test_a_change_without_an_image_takes_the_sources_present_state(bench: Bench) -> None:
    bench.tables.source["a"] = {**key("a"), "n": {"N": "9"}}
    bench.tables.target["b"] = key("b")

    replayed = bench.replay([message("m1", 3, 11, [read("a"), read("b")])])

    assert bench.tables.target == {"a": {"id": {"S": "a"}, "n": {"N": "9"}}}
    assert replayed.applied == 2


def test_a_bundle_that_cannot_be_decoded_is_set_aside_and_its_group_goes_on(bench: Bench) -> None:
    replayed = bench.replay(
        [
            message("m1", 3, 11, [put("a")]),
            message("m2", 3, 12, "no bundle!"),
            message("m3", 3, 13, [put("c")]),
        ]
    )

    assert [name for name, _ in bench.aside] == ["m2"]
    assert (replayed.set_aside, replayed.retry, replayed.applied) == (1, [], 2)
    assert replayed.positions == {3: Position(13, NOON)}


def test_the_position_of_a_bundle_set_aside_has_the_time_it_was_sent(bench: Bench) -> None:
    assert bench.replay([message("m1", 3, 11, "no bundle!")]).positions == {3: Position(11, 1795348800)}


def test_a_bundle_that_cannot_even_be_set_aside_stops_its_group(bench: Bench) -> None:
    bench.aside_works = False

    replayed = bench.replay(
        [
            message("m1", 3, 11, [put("a")]),
            message("m2", 3, 12, "no bundle!"),
            message("m3", 6, 13, [put("b")]),
            message("m4", 3, 14, [put("c")]),
        ]
    )

    assert replayed.retry == ["m2", "m4"]
    assert replayed.set_aside == 0
    assert replayed.positions == {3: Position(11, NOON), 6: Position(13, NOON)}
    assert "a bundle could not be decoded nor set aside" in (replayed.problem or "")
    assert sorted(bench.tables.target) == ["a", "b"]


def test_a_message_that_somebody_else_put_into_the_buffer_is_set_aside(bench: Bench) -> None:
    replayed = bench.replay([message("m1", "by hand", 11, [put("a")]), message("m2", 3, 12, [put("b")])])

    assert bench.aside == [("m1", "'by hand' is none of capture's groups")]
    assert replayed.positions == {3: Position(12, NOON)}
    assert replayed.retry == []


def test_a_message_that_comes_back_after_it_was_dealt_with_is_not_written_again(bench: Bench) -> None:
    """Its deletion was lost while that of a later message was not: its images are older than the target's."""
    bench.tables.target["a"] = {**key("a"), "n": {"N": "2"}}

    replayed = bench.replay(
        [
            message("m1", 3, 11, [put("a", n={"N": "1"})]),
            message("m2", 6, 12, [put("b")]),
            message("m3", 3, 13, [put("c")]),
        ],
        dealt_with={3: Position(11, NOON)},
    )

    assert bench.tables.target["a"]["n"] == {"N": "2"}
    assert (replayed.repeated, replayed.applied, replayed.retry) == (1, 2, [])
    assert replayed.positions == {3: Position(13, NOON), 6: Position(12, NOON)}


def test_no_messages_are_nothing(bench: Bench) -> None:
    assert bench.replay([]) == Replayed()
