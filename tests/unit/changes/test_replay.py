from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.changes.bundle import decode, encode
from dynamodb_restore.changes.change import Change
from dynamodb_restore.changes.progress import Partial, Position, Side
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.claim import ClaimState
from tests.unit.changes.makers import NOON, OPTIONS, RESTORE_TABLE, Pipeline, delete, key, message, put, read
from tests.unit.fakes import client_error

NOT_YOURS = client_error("BatchWriteItem", "AccessDeniedException", "no")
NO_ANSWER = ReadTimeoutError(endpoint_url="https://dynamodb")


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def test_the_last_change_of_each_item_is_written(pipeline: Pipeline) -> None:
    replayed = pipeline.replay(
        message("m1", 3, 11, [put("a", n={"N": "1"}), put("b"), put("a", n={"N": "2"})]),
        message("m2", 6, 12, [put("c"), delete("c", time=NOON + 2)]),
        message("m3", 3, 13, [put("a", n={"N": "3"}, time=NOON + 3), delete("b", time=NOON + 3)]),
    )

    assert pipeline.target == {"a": {"id": {"S": "a"}, "n": {"N": "3"}}}
    assert pipeline.tables.calls == [("BatchWriteItem", 3)]
    assert (replayed.applied, replayed.superseded, replayed.changes) == (3, 4, 7)
    assert (replayed.retry, replayed.problem) == ([], None)
    done = {3: Position(13, NOON + 3), 6: Position(12, NOON + 2)}
    assert replayed.positions == done
    assert (pipeline.replayed().positions, pipeline.replayed().changes) == (done, 7)


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
def test_only_changes_in_the_window_are_written(window: Window, written: list[str], outside: int) -> None:
    """The first second belongs to it, the end does not."""
    pipeline = Pipeline(window)

    replayed = pipeline.replay(
        message("m1", 3, 11, [put("before", time=NOON - 1), put("at noon"), put("later", time=NOON + 1)])
    )

    assert sorted(pipeline.target) == written
    assert (replayed.outside, replayed.applied, replayed.retry) == (outside, 3 - outside, [])
    assert replayed.positions == {3: Position(11, NOON + 1)}


def test_a_change_after_the_window_does_not_supersede_one_in_it() -> None:
    pipeline = Pipeline(Window(NOON, NOON + 5))

    pipeline.replay(message("m1", 3, 11, [put("a", n={"N": "1"}), put("a", n={"N": "2"}, time=NOON + 5)]))

    assert pipeline.target["a"]["n"] == {"N": "1"}


@pytest.mark.parametrize(
    ("window", "written"),
    [
        (Window(NOON), {"n": {"N": "1"}}),
        (Window(NOON, NOON + 60, present_images=True), {"n": {"N": "present"}}),
        # Its bundle was sent at NOON, so it is from before that.
        (Window(NOON + 1), None),
        (Window(NOON + 1, NOON + 60), None),
    ],
)
def test_a_change_of_unknown_time_may_lie_before_an_end_but_its_image_need_not(
    window: Window, written: dict[str, Any] | None
) -> None:
    pipeline = Pipeline(window)
    pipeline.tables.source["a"] = {**key("a"), "n": {"N": "present"}}

    pipeline.replay(message("m1", 3, 11, [replace(put("a", n={"N": "1"}), time_known=False)]))

    assert pipeline.target.get("a") == (written and {**key("a"), **written})


def test_a_change_of_unknown_time_is_quarantined_where_nothing_else_may_stand_for_its_image() -> None:
    pipeline = Pipeline(Window(NOON, NOON + 60))

    pipeline.replay(message("m1", 3, 11, [replace(put("a", n={"N": "1"}), time_known=False)]))

    assert "a" not in pipeline.target
    assert pipeline.quarantined().keys() == {"a"}


def test_a_failed_message_comes_back_with_all_later_ones_of_its_group(pipeline: Pipeline) -> None:
    # The first batch holds all b; the second c and d.
    pipeline.tables.faults = [NOT_YOURS]

    replayed = pipeline.replay(
        message("m2", 3, 12, [put(f"b{n}") for n in range(25)]),
        message("m3", 6, 13, [put("c")]),
        message("m4", 3, 14, [put("d")]),
    )

    assert replayed.retry == ["m2", "m4"]
    assert replayed.positions == {6: Position(13, NOON)}
    assert replayed.problem == "BatchWriteItem: AccessDeniedException: no"
    assert "d" in pipeline.target


def test_what_comes_back_does_not_count_and_what_is_behind_it_counts_as_what_it_is(
    pipeline: Pipeline,
) -> None:
    pipeline.tables.faults = [NOT_YOURS]

    replayed = pipeline.replay(
        message("m1", 3, 11, [put(f"b{n}") for n in range(25)]),
        message("m2", 6, 12, [put("c"), put("c", time=NOON + 1)]),
    )

    assert replayed.retry == ["m1"]
    assert (replayed.superseded, replayed.applied) == (1, 1)
    assert pipeline.replayed().changes == 2


def test_messages_before_the_failed_one_are_done_with(pipeline: Pipeline) -> None:
    pipeline.tables.unprocessed = [0, *[1] * 1000]
    pipeline.budget_seconds = 10

    replayed = pipeline.replay(
        message("m1", 3, 11, [put(f"a{n}") for n in range(25)]),
        message("m2", 3, 12, [put("b")]),
        message("m3", 3, 13, [put("c")]),
    )

    # m2's item is written, m3's is left; the next delivery finds m3 alone.
    assert replayed.retry == ["m3"]
    assert replayed.positions == {3: Position(12, NOON)}
    assert replayed.applied == 26


def test_an_item_whose_last_change_failed_holds_back_only_that_message(pipeline: Pipeline) -> None:
    pipeline.tables.faults = [NOT_YOURS]

    replayed = pipeline.replay(
        message("m1", 3, 11, [put("a")]), message("m2", 3, 12, [put("a", time=NOON + 1)])
    )

    assert replayed.retry == ["m2"]
    assert (replayed.superseded, replayed.applied) == (1, 0)


def test_what_an_earlier_invocation_did_of_a_bundle_is_not_done_again(pipeline: Pipeline) -> None:
    changes = [put(f"{n:02}") for n in range(30)]
    pipeline.tables.before = fail_after(pipeline, 25, NOT_YOURS)
    bundle = message("m1", 3, 11, changes)

    first = pipeline.replay(bundle)
    assert first.retry == ["m1"]
    assert first.partial == {3: Partial(11, 25)}
    assert (first.applied, first.positions) == (25, {})
    pipeline.tables.calls.clear()
    second = pipeline.replay(bundle)

    assert pipeline.tables.calls == [("BatchWriteItem", 5)]
    assert (second.applied, second.retry, second.positions) == (5, [], {3: Position(11, NOON)})
    assert pipeline.replayed().changes == 30


def fail_after(pipeline: Pipeline, items: int, error: Exception) -> Any:
    """Let the first call after so many items were written fail."""

    def before(operation: str, table: str) -> None:
        if operation == "BatchWriteItem" and table == "orders-restored" and pipeline.writes() >= items:
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.tables.faults = [error]

    return before


def test_a_refused_item_is_quarantined_and_its_message_done_with(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"b"}

    replayed = pipeline.replay(message("m1", 3, 11, [put("a"), put("b"), put("c")]))

    assert pipeline.quarantined() == {"b": "PutItem: ValidationException: Type mismatch for Index Key size"}
    assert (replayed.applied, replayed.quarantined, replayed.retry) == (2, 1, [])
    assert sorted(pipeline.target) == ["a", "c"]
    assert pipeline.replayed().quarantined == "restore-1"


def test_a_refused_item_that_cannot_be_noted_is_not_done_with(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"b"}

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", RESTORE_TABLE):
            raise client_error("BatchWriteItem", "AccessDeniedException", "no")

    pipeline.tables.before = before
    bundle = message("m1", 3, 11, [put("a"), put("b"), put("c")])

    replayed = pipeline.replay(bundle)
    assert replayed.retry == ["m1"]
    assert (replayed.applied, replayed.quarantined, replayed.partial) == (1, 0, {3: Partial(11, 1)})
    pipeline.tables.before = lambda _operation, _table: None
    assert pipeline.replay(bundle).retry == []
    assert sorted(pipeline.quarantined()) == ["b"]


def test_a_later_change_that_the_target_takes_ends_the_quarantine(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"a", "b"}
    pipeline.replay(message("m1", 3, 11, [put("a"), put("b")]))
    pipeline.tables.refused = {"b"}

    pipeline.replay(message("m2", 3, 12, [put("a"), delete("b")]))

    assert pipeline.quarantined() == {}


def test_a_later_change_that_is_refused_too_takes_the_earlier_ones_place(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"a"}
    pipeline.replay(message("m1", 3, 11, [put("a", sequence=1)]))
    pipeline.replay(message("m2", 3, 12, [put("a", sequence=2)]))

    assert [item.sequence for item in pipeline.quarantine.items()] == ["2"]


def test_an_item_superseded_within_the_invocation_is_not_quarantined(pipeline: Pipeline) -> None:
    pipeline.tables.refused = {"a"}

    replayed = pipeline.replay(message("m1", 3, 11, [put("a"), delete("a")]))

    assert pipeline.quarantined() == {}
    assert (replayed.superseded, replayed.applied) == (1, 1)


def test_without_quarantine_nobody_looks_for_entries(pipeline: Pipeline) -> None:
    asked: list[tuple[str, str]] = []
    pipeline.tables.before = lambda operation, table: asked.append((operation, table))

    pipeline.replay(message("m1", 3, 11, [put("a")]))

    assert sorted(operation for operation, table in asked if table == RESTORE_TABLE) == [
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "Query",
        "UpdateItem",
        "UpdateItem",
    ]


def test_a_change_without_an_image_takes_the_sources_present_state(pipeline: Pipeline) -> None:
    pipeline.tables.source["a"] = {**key("a"), "n": {"N": "9"}}
    pipeline.target["b"] = key("b")

    replayed = pipeline.replay(message("m1", 3, 11, [read("a"), read("b")]))

    assert pipeline.target == {"a": {"id": {"S": "a"}, "n": {"N": "9"}}}
    assert replayed.applied == 2


def test_a_bundle_that_cannot_be_decoded_is_set_aside_and_its_group_goes_on(pipeline: Pipeline) -> None:
    replayed = pipeline.replay(
        message("m1", 3, 11, [put("a")]),
        message("m2", 3, 12, "no bundle!"),
        message("m3", 3, 13, [put("c")]),
    )

    assert [body for body, _ in pipeline.queues.aside] == ["no bundle!"]
    assert replayed.unreadable.keys() == {"m2"}
    assert (replayed.set_aside, replayed.retry, replayed.applied) == (1, [], 2)
    assert replayed.positions == {3: Position(13, NOON)}


def test_the_position_of_a_bundle_set_aside_has_the_time_it_was_sent(pipeline: Pipeline) -> None:
    assert pipeline.replay(message("m1", 3, 11, "no bundle!")).positions == {3: Position(11, 1795348800)}


def test_a_bundle_that_cannot_even_be_set_aside_stops_its_group(pipeline: Pipeline) -> None:
    records = [
        message("m1", 3, 11, [put("a")]),
        message("m2", 3, 12, "no bundle!"),
        message("m3", 6, 13, [put("b")]),
        message("m4", 3, 14, [put("c")]),
    ]
    send = pipeline.queues.send_message

    def refused(**sent: Any) -> dict[str, Any]:
        raise client_error("SendMessage", "AccessDenied", "no")

    pipeline.queues.send_message = refused  # type: ignore[method-assign]
    replayed = pipeline.replay(*records)

    assert replayed.retry == ["m2", "m4"]
    assert replayed.set_aside == 0
    assert replayed.positions == {3: Position(11, NOON), 6: Position(13, NOON)}
    assert "a bundle could not be decoded nor set aside" in (replayed.problem or "")
    assert sorted(pipeline.target) == ["a", "b"]
    pipeline.queues.send_message = send  # type: ignore[method-assign]
    assert pipeline.replay(records[1], records[3]).retry == []


def test_a_bundle_behind_one_that_comes_back_is_not_set_aside_yet(pipeline: Pipeline) -> None:
    pipeline.tables.faults = [NOT_YOURS]

    replayed = pipeline.replay(message("m1", 3, 11, [put("a")]), message("m2", 3, 12, "no bundle!"))

    assert (replayed.retry, replayed.set_aside, pipeline.queues.aside) == (["m1", "m2"], 0, [])


def test_a_bundle_with_one_change_that_is_none_is_set_aside_whole(pipeline: Pipeline) -> None:
    body = encode([put("a"), put("b", bad={"N": "7"})], sent_at=NOON)
    raw = zlib.decompress(base64.b64decode(body)).replace(b'{"N":"7"}', b'{"N":"many"}')
    replayed = pipeline.replay(message("m1", 3, 11, base64.b64encode(zlib.compress(raw)).decode()))

    assert (replayed.set_aside, replayed.applied, pipeline.target) == (1, 0, {})


def test_a_message_that_somebody_else_put_into_the_buffer_is_set_aside(pipeline: Pipeline) -> None:
    replayed = pipeline.replay(message("m1", "by hand", 11, [put("a")]), message("m2", 3, 12, [put("b")]))

    assert [reason for _, reason in pipeline.queues.aside] == ["'by hand' is none of capture's groups"]
    assert replayed.positions == {3: Position(12, NOON)}
    assert replayed.retry == []


def test_a_message_that_comes_back_after_it_was_dealt_with_is_not_written_again(pipeline: Pipeline) -> None:
    """Its deletion was lost while that of a later message was not: its images are older than the target's."""
    pipeline.progress.advance(Side.REPLAYED, {3: Position(11, NOON)}, changes=1)
    pipeline.target["a"] = {**key("a"), "n": {"N": "2"}}

    replayed = pipeline.replay(
        message("m1", 3, 11, [put("a", n={"N": "1"})]),
        message("m2", 6, 12, [put("b")]),
        message("m3", 3, 13, [put("c")]),
    )

    assert pipeline.target["a"]["n"] == {"N": "2"}
    assert (replayed.repeated, replayed.applied, replayed.retry) == (1, 2, [])
    assert replayed.positions == {3: Position(13, NOON), 6: Position(12, NOON)}


def test_no_messages_are_nothing(pipeline: Pipeline) -> None:
    replayed = pipeline.replay()

    assert (replayed.changes, replayed.retry, pipeline.queues.hidden) == (0, [], [])


# The claim


@pytest.mark.parametrize("state", [ClaimState.CAPTURING, ClaimState.CUTTING_OVER, ClaimState.ABANDONING])
def test_nothing_is_written_for_a_restore_that_does_not_replay(pipeline: Pipeline, state: ClaimState) -> None:
    pipeline.fence(state)

    replayed = pipeline.replay(message("m1", 3, 11, [put("a")]), message("m2", 3, 12, [put("b")]))

    assert replayed.retry == ["m1", "m2"]
    assert replayed.problem == "no restore owns the pipeline for replay"
    assert (pipeline.target, pipeline.in_doubt()) == ({}, set())


def test_a_fence_that_is_set_meanwhile_stops_the_next_round(pipeline: Pipeline) -> None:
    many: list[Change] = [put(f"{n}") for n in range(2100)]

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", "orders-restored"):
            pipeline.tables.before = lambda _operation, _table: None
            pipeline.fence()

    pipeline.tables.before = before
    replayed = pipeline.replay(message("m1", 3, 11, many))

    assert len(pipeline.target) == 2000
    assert (replayed.retry, replayed.partial) == (["m1"], {3: Partial(11, 2000)})
    assert replayed.problem == "the restore is no longer replaying"
    assert pipeline.in_doubt() == set()
    assert pipeline.replayed().partial == {3: Partial(11, 2000)}


# What fails


def test_a_write_without_an_answer_leaves_its_keys_in_doubt_and_comes_back(pipeline: Pipeline) -> None:
    pipeline.tables.late = [NO_ANSWER]

    replayed = pipeline.replay(
        message("m1", 3, 11, [put(f"b{n}") for n in range(25)]), message("m2", 6, 12, [put("c")])
    )

    assert replayed.retry == ["m1"]
    assert (replayed.applied, replayed.in_doubt) == (1, 25)
    assert pipeline.in_doubt() == {f"b{n}" for n in range(25)}
    (doubt,) = pipeline.doubts.read()
    assert doubt.certain_at == doubt.sent_until + 900
    assert doubt.sent_until >= pipeline.now + pipeline.budget_seconds


def test_a_killed_invocation_leaves_its_note(pipeline: Pipeline) -> None:
    class Killed(BaseException):
        pass

    def before(operation: str, table: str) -> None:
        if (operation, table) == ("BatchWriteItem", "orders-restored"):
            raise Killed

    pipeline.tables.before = before
    with pytest.raises(Killed):
        pipeline.replay(message("m1", 3, 11, [put("a"), put("b")]))

    assert pipeline.in_doubt() == {"a", "b"}


def test_what_is_certain_leaves_no_note(pipeline: Pipeline) -> None:
    pipeline.tables.throttles = 2
    pipeline.replay(message("m1", 3, 11, [put("a"), put("b")]))

    assert pipeline.doubts.read() == []


@pytest.mark.parametrize("operation", ["UpdateItem", "GetItem", "BatchGetItem", "Query"])
def test_what_the_restore_table_refuses_fails_the_invocation_and_all_comes_back(
    pipeline: Pipeline, operation: str
) -> None:
    def before(called: str, table: str) -> None:
        if (called, table) == (operation, RESTORE_TABLE):
            raise client_error(operation, "AccessDeniedException", "no")

    pipeline.tables.before = before
    with pytest.raises(ClientError):
        pipeline.replay(message("m1", 3, 11, [put("a")], receives=7))

    # Hidden for a pause of the seventh delivery, not for the whole lease.
    assert pipeline.queues.hidden[-1] == {"handle-m1": 8}
    pipeline.tables.before = lambda _operation, _table: None
    assert pipeline.in_doubt() == set()
    assert pipeline.replayed().positions == {}


def test_a_note_that_cannot_be_cleared_stands_and_the_messages_are_done(pipeline: Pipeline) -> None:
    def before(called: str, table: str) -> None:
        if (called, table) == ("DeleteItem", RESTORE_TABLE):
            raise client_error("DeleteItem", "AccessDeniedException", "no")

    pipeline.tables.before = before
    replayed = pipeline.replay(message("m1", 3, 11, [put("a")]))

    assert (replayed.retry, replayed.problem) == ([], "DeleteItem: AccessDeniedException: no")
    assert pipeline.in_doubt() == {"a"}


# Images that are not in the message


class Objects:
    """S3, with the bodies of some objects."""

    def __init__(self, **bodies: bytes) -> None:
        self.bodies = {f"images/{name}": body for name, body in bodies.items()}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == OPTIONS.failure_bucket
        if Key not in self.bodies:
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.", status=404)
        return {"Body": io.BytesIO(self.bodies[Key])}


def in_object(name: str, object_name: str) -> Change:
    """A change whose image is an object."""
    return put(name).with_image_in(object_name)


def test_an_image_that_is_an_object_is_fetched(pipeline: Pipeline) -> None:
    image = {**key("a"), "blob": {"B": "AAEC"}}
    pipeline.memory.s3 = Objects(one=gzip.compress(json.dumps(image).encode(), mtime=0))

    replayed = pipeline.replay(message("m1", 3, 11, [in_object("a", "one"), put("b")]))

    assert pipeline.target["a"] == {"id": {"S": "a"}, "blob": {"B": b"\x00\x01\x02"}}
    assert (replayed.applied, replayed.retry) == (2, [])


@pytest.mark.parametrize(
    ("object_name", "body", "reason"),
    [
        ("gone", b"", "the object images/gone that held it is gone"),
        ("one", b"no gzip", "holds no image"),
        ("one", gzip.compress(b"[1]", mtime=0), "holds no image"),
        ("one", gzip.compress(b'{"n": {"N": "many"}}', mtime=0), "holds no image"),
        ("one", gzip.compress(b" " * 9_000_000, mtime=0), "unpacks to more than 8388608 bytes"),
        ("../secrets/one", b"", "the object images/../secrets/one that held it is gone"),
    ],
)
def test_an_image_that_cannot_be_had_is_quarantined(
    pipeline: Pipeline, object_name: str, body: bytes, reason: str
) -> None:
    pipeline.memory.s3 = Objects(one=body)

    replayed = pipeline.replay(message("m1", 3, 11, [in_object("a", object_name), put("b")]))

    assert reason in pipeline.quarantined()["a"]
    assert (replayed.quarantined, replayed.applied, replayed.retry) == (1, 1, [])


def test_an_object_that_may_not_be_read_lets_the_message_come_back(pipeline: Pipeline) -> None:
    class Denied:
        def get_object(self, **_: Any) -> Any:
            raise client_error("GetObject", "AccessDenied", "no", status=403)

    pipeline.memory.s3 = Denied()

    replayed = pipeline.replay(message("m1", 3, 11, [in_object("a", "one")]))

    assert (replayed.retry, replayed.problem) == (["m1"], "GetObject: AccessDenied: no")
    assert pipeline.quarantined() == {}


# Any split of the work


@st.composite
def works(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Messages of a few groups with changes of a few items, each of one group."""
    messages = []
    for sequence in range(draw(st.integers(1, 10))):
        group = draw(st.integers(0, 2))
        names = st.sampled_from([f"{group}-{number}" for number in range(draw(st.integers(1, 40)))])
        changes: list[Change] = [
            delete(name) if gone else put(name, n={"N": f"{sequence}{place}"})
            for place, (name, gone) in enumerate(
                draw(st.lists(st.tuples(names, st.booleans()), min_size=1, max_size=60))
            )
        ]
        messages.append(message(f"m{sequence}", group, 100 + sequence, changes))
    return messages


@given(
    works(),
    st.lists(st.floats(0, 1.5), min_size=1, max_size=200),
    st.sampled_from([None, 0.7, 20.0, 200.0]),
)
def test_however_the_work_is_cut_each_item_ends_at_its_last_image_and_nothing_is_paid_twice(
    messages: list[dict[str, Any]], budgets: list[float], limit: float | None
) -> None:
    """A call takes 50 ms here, so an invocation ends before, between or after any of its calls."""
    whole, cut = Pipeline(), Pipeline(seconds_per_call=0.05)
    whole.replay(*messages)
    cut.options = type(OPTIONS)(**{**vars(OPTIONS), "write_units_per_second": limit})
    changes = sum(len(decode(record["body"])) for record in messages)
    left, counted = messages, 0
    for budget in [*budgets, *[30.0] * 200]:
        cut.budget_seconds = budget
        replayed = cut.replay(*left)
        counted += replayed.changes
        left = [record for record in left if record["messageId"] in replayed.retry]
        if not left:
            break

    assert left == []
    assert cut.target == whole.target
    assert counted == changes == cut.replayed().changes
    assert cut.writes() <= changes
    assert cut.replayed().positions == whole.replayed().positions
    assert cut.doubts.read() == []
