from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.changes.change import Change
from dynamodb_restore.changes.writer import Written
from dynamodb_restore.pace import Clock, UnitRate, parallel_calls
from tests.unit.changes.makers import FakeTime, MemoryTables, delete, key, put, read, writer_for
from tests.unit.fakes import client_error


def numbered(*changes: Change) -> dict[int, Change]:
    return dict(enumerate(changes))


def test_puts_and_deletes_go_out_in_batches_of_25() -> None:
    tables = MemoryTables()
    tables.target["7"] = key("7")

    written = writer_for(tables).write(numbered(*(put(f"{n}") if n != 7 else delete("7") for n in range(60))))

    assert written == Written(done=set(range(60)))
    assert tables.calls == [("BatchWriteItem", 25), ("BatchWriteItem", 25), ("BatchWriteItem", 10)]
    assert sorted(tables.target) == sorted(f"{n}" for n in range(60) if n != 7)


def test_nothing_to_write_makes_no_call() -> None:
    tables = MemoryTables()

    assert writer_for(tables).write({}) == Written()
    assert tables.calls == []


def test_values_keep_their_types() -> None:
    tables = MemoryTables()
    change = put(
        "a", blob={"B": "AAEC"}, exact={"N": "12345678901234567890123456789012345678"}, set={"BS": ["/w=="]}
    )

    writer_for(tables).write({0: change})

    assert tables.target["a"] == {
        "id": {"S": "a"},
        "blob": {"B": b"\x00\x01\x02"},
        "exact": {"N": "12345678901234567890123456789012345678"},
        "set": {"BS": [b"\xff"]},
    }


def test_unprocessed_items_are_written_again_after_a_pause() -> None:
    tables = MemoryTables()
    tables.unprocessed = [3, 2, 2, 0]

    written = writer_for(tables).write(numbered(*(put(f"{n}") for n in range(5))))

    assert written == Written(done={0, 1, 2, 3, 4})
    assert tables.calls == [("BatchWriteItem", size) for size in (5, 3, 2, 2)]
    assert len(tables.time.naps) == 3
    assert len(tables.target) == 5


def test_a_throttled_call_is_made_again() -> None:
    tables = MemoryTables()
    tables.throttles = 3

    assert writer_for(tables).write({0: put("a")}) == Written(done={0})
    assert len(tables.calls) == 4


def test_a_throttled_read_is_made_again() -> None:
    tables = MemoryTables()
    tables.source["a"] = key("a")
    tables.throttles = 3

    assert writer_for(tables).write({0: read("a")}) == Written(done={0})
    assert [operation for operation, _ in tables.calls] == [*["BatchGetItem"] * 4, "BatchWriteItem"]


def test_a_lost_connection_is_tried_again() -> None:
    tables = MemoryTables()
    tables.faults = [ConnectTimeoutError(endpoint_url="https://dynamodb")]

    assert writer_for(tables).write({0: put("a")}).done == {0}


def test_an_error_that_no_retry_mends_leaves_the_batch_undone() -> None:
    tables = MemoryTables()
    tables.faults = [client_error("BatchWriteItem", "AccessDeniedException", "no")]

    written = writer_for(tables).write(numbered(*(put(f"{n}") for n in range(30))))

    assert written == Written(
        done={25, 26, 27, 28, 29},
        problem="BatchWriteItem: AccessDeniedException: no",
        failed=True,
        refused_for_good=True,
    )


def test_one_refused_item_fails_no_other() -> None:
    tables = MemoryTables()
    tables.refused = {"3"}
    tables.target["4"] = key("4")

    written = writer_for(tables).write(numbered(*(put(f"{n}") if n != 4 else delete("4") for n in range(6))))

    assert written.done == {0, 1, 2, 4, 5}
    assert written.refused == {3: "PutItem: ValidationException: Type mismatch for Index Key size"}
    assert written.problem is None
    assert sorted(tables.target) == ["0", "1", "2", "5"]


def test_a_throttle_among_single_writes_is_waited_for() -> None:
    tables = MemoryTables()
    tables.refused = {"1"}
    tables.faults = [
        client_error("BatchWriteItem", "ValidationException"),
        client_error("PutItem", "ThrottlingException"),
    ]

    written = writer_for(tables).write(numbered(put("0"), put("1")))

    assert (written.done, set(written.refused)) == ({0}, {1})


def test_an_error_among_single_writes_leaves_the_rest_undone() -> None:
    tables = MemoryTables()
    tables.faults = [
        client_error("BatchWriteItem", "ValidationException"),
        client_error("PutItem", "AccessDeniedException", "no"),
    ]

    written = writer_for(tables).write(numbered(put("0"), put("1")))

    assert written == Written(
        problem="PutItem: AccessDeniedException: no", failed=True, refused_for_good=True
    )


def test_an_absent_image_is_read_from_the_source() -> None:
    tables = MemoryTables()
    tables.source["a"] = {**key("a"), "blob": {"B": b"\x00"}}
    tables.target["b"] = key("b")

    written = writer_for(tables).write(numbered(read("a"), read("b"), put("c")))

    assert written == Written(done={0, 1, 2})
    assert tables.target == {"a": {"id": {"S": "a"}, "blob": {"B": b"\x00"}}, "c": {"id": {"S": "c"}}}


def test_keys_left_unprocessed_are_read_again() -> None:
    tables = MemoryTables()
    tables.source.update({f"{n}": {**key(f"{n}"), "n": {"N": f"{n}"}} for n in range(120)})
    tables.unprocessed = [60, 5, 0, 0]

    written = writer_for(tables).write(numbered(*(read(f"{n}") for n in range(120))))

    assert [call for call in tables.calls if call[0] == "BatchGetItem"] == [
        ("BatchGetItem", size) for size in (100, 60, 5, 20)
    ]
    assert written.done == set(range(120))
    assert tables.target == tables.source


def test_a_read_that_fails_leaves_its_items_undone_and_deletes_none() -> None:
    tables = MemoryTables()
    tables.target["a"] = key("a")
    tables.faults = [client_error("BatchGetItem", "ResourceNotFoundException", "gone")]

    written = writer_for(tables).write(numbered(read("a"), put("b")))

    assert written == Written(
        done={1},
        problem="BatchGetItem: ResourceNotFoundException: gone",
        failed=True,
        refused_for_good=True,
    )
    assert sorted(tables.target) == ["a", "b"]


def test_one_key_that_is_none_of_the_sources_fails_no_other() -> None:
    tables = MemoryTables()
    tables.source.update({"a": key("a"), "c": key("c")})
    tables.refused = {"b"}

    written = writer_for(tables).write(numbered(read("a"), read("b"), read("c"), put("d")))

    assert written.done == {0, 2, 3}
    assert written.refused == {
        1: "BatchGetItem: ValidationException: The provided key element does not match"
    }
    assert written.problem is None
    assert sorted(tables.target) == ["a", "c", "d"]


@pytest.mark.parametrize("change", [put("a"), read("a")])
def test_no_call_begins_after_the_deadline(change: Change) -> None:
    tables = MemoryTables()

    written = writer_for(tables, budget_seconds=0).write({0: change})

    assert written == Written(problem="this invocation has no time left for more")
    assert tables.calls == []


def test_what_was_written_before_the_deadline_counts() -> None:
    tables = MemoryTables(FakeTime(seconds_per_call=4.0))

    written = writer_for(tables, budget_seconds=10).write(numbered(*(put(f"{n}") for n in range(100))))

    assert written.done == set(range(75))
    assert written.problem == "this invocation has no time left for more"


def test_single_writes_end_at_the_deadline_too() -> None:
    tables = MemoryTables(FakeTime(seconds_per_call=4.0))
    tables.refused = {"0"}

    written = writer_for(tables, budget_seconds=10).write(numbered(*(put(f"{n}") for n in range(5))))

    assert (written.done, set(written.refused)) == ({1}, {0})
    assert written.problem == "this invocation has no time left for more"


@pytest.mark.parametrize("change", [put("a"), read("a")])
def test_retries_end_before_the_deadline(change: Change) -> None:
    tables = MemoryTables()
    tables.throttles = 10_000

    written = writer_for(tables, budget_seconds=30).write({0: change})

    assert written.done == set()
    assert "ProvisionedThroughputExceededException" in (written.problem or "")
    assert tables.time.now < 1030


def test_items_that_stay_unprocessed_are_undone() -> None:
    tables = MemoryTables()
    tables.unprocessed = [1] * 1000

    written = writer_for(tables, budget_seconds=20).write(numbered(put("a"), put("b")))

    assert written == Written(done={0}, problem="BatchWriteItem: items left unprocessed", failed=True)


def test_the_write_rate_is_kept() -> None:
    tables = MemoryTables()

    writer_for(tables, budget_seconds=1000, units_per_second=5).write(
        numbered(*(put(f"{n}") for n in range(100)))
    )

    # No call takes more than a second's units, so that whoever comes next waits no longer than that.
    assert tables.calls == [("BatchWriteItem", 5)] * 20
    assert tables.time.naps == [1.0] * 19


def test_a_write_limit_below_one_item_a_second_writes_them_one_by_one() -> None:
    tables = MemoryTables()

    writer_for(tables, budget_seconds=1000, units_per_second=0.5).write(
        numbered(*(put(f"{n}") for n in range(4)))
    )

    assert tables.calls == [("BatchWriteItem", 1)] * 4
    assert tables.time.naps == [2.0] * 3


def test_large_items_take_more_of_the_write_rate() -> None:
    tables = MemoryTables()
    large = [put(f"{n}", note={"S": "x" * 2048}) for n in range(26)]

    writer_for(tables, budget_seconds=1000, units_per_second=75).write(numbered(*large))

    assert tables.time.naps == [1.0]


def test_a_write_rate_without_time_left_leaves_the_last_undone() -> None:
    tables = MemoryTables()

    written = writer_for(tables, budget_seconds=7, units_per_second=5).write(
        numbered(*(put(f"{n}") for n in range(100)))
    )

    assert written.done == set(range(35))
    assert written.problem == "the write-rate limit leaves no time for more in this invocation"
    assert not written.failed


def test_the_read_rate_is_kept_and_counts_what_the_items_take() -> None:
    tables = MemoryTables()
    tables.source.update({f"{n}": {**key(f"{n}"), "note": {"S": "x" * 8192}} for n in range(200)})

    writer_for(tables, budget_seconds=1000, read_units_per_second=50).write(
        numbered(*(read(f"{n}") for n in range(200)))
    )

    # The first hundred keys take 100 units for themselves and 200 more for what was read.
    assert tables.time.naps == [pytest.approx(6.0)]


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectionClosedError(endpoint_url="https://dynamodb"),
        client_error("BatchWriteItem", "InternalServerError", "try again", status=500),
        client_error("BatchWriteItem", "ServiceUnavailable", "try again", status=503),
    ],
)
def test_a_write_without_a_certain_answer_is_not_made_again(error: Exception) -> None:
    tables = MemoryTables()
    tables.faults = [error]

    written = writer_for(tables).write(numbered(*(put(f"{n}") for n in range(30))))

    assert written.uncertain == set(range(25))
    assert written.done == {25, 26, 27, 28, 29}
    assert written.failed
    assert tables.calls == [("BatchWriteItem", 25), ("BatchWriteItem", 5)]


def test_a_single_write_without_a_certain_answer_is_uncertain_alone() -> None:
    tables = MemoryTables()
    tables.faults = [
        client_error("BatchWriteItem", "ValidationException"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ]

    written = writer_for(tables).write(numbered(put("0"), put("1")))

    assert (written.uncertain, written.done) == ({0}, set())


def test_a_rate_shared_by_parallel_calls_adds_up() -> None:
    time = FakeTime()
    clock = Clock(monotonic=lambda: 1000.0, sleep=time.naps.append, deadline=2000.0, rng=time.clock().rng)
    rate = UnitRate(10.0, clock)

    assert [rate.take(20) for _ in range(3)] == [True, True, True]
    assert time.naps == [2.0, 4.0]


@given(st.integers(1, 60), st.lists(st.integers(0, 25), max_size=6), st.sets(st.integers(0, 59)))
def test_every_change_ends_in_exactly_one_place(
    count: int, unprocessed: list[int], refused: set[int]
) -> None:
    tables = MemoryTables()
    tables.unprocessed = list(unprocessed)
    tables.refused = {f"{n}" for n in refused}

    written = writer_for(tables, budget_seconds=1e6).write(numbered(*(put(f"{n}") for n in range(count))))

    assert written.done == set(range(count)) - refused
    assert set(written.refused) == refused & set(range(count))
    assert set(tables.target) == {f"{n}" for n in written.done}


def test_calls_run_in_parallel_outside_of_tests() -> None:
    with parallel_calls() as calls:
        assert isinstance(calls, ThreadPoolExecutor)
