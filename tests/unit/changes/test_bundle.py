from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_restore.changes.bundle import BundleError, Entry, decode, encode, group_of, open_bundle, pack
from dynamodb_restore.changes.change import Change, Kind, MalformedChangeError, item_id, sdk_attributes
from tests.unit.changes.makers import NOON, changes, delete, key, put, read
from tests.unit.strategies import json_values


def body_of(*lines: Any) -> str:
    raw = "\n".join(json.dumps(line) for line in lines)
    return base64.b64encode(zlib.compress(raw.encode())).decode()


def header(**changes: Any) -> dict[str, Any]:
    return {"v": 2, "t": NOON * 1000, "k": ["id"], **changes}


def entries_of(found: Sequence[Change]) -> list[Entry]:
    return [Entry.of(position, change) for position, change in enumerate(found)]


@given(st.lists(changes(), min_size=1, max_size=3))
def test_a_bundle_gives_back_what_was_put_in(found: list[Change]) -> None:
    assert decode(encode(found, sent_at=NOON)) == found


def test_a_body_is_as_documented() -> None:
    body = encode(
        [
            put("a", sequence=5, total={"N": "1"}),
            delete("b", sequence=6),
            replace(read("c", sequence=7), time=NOON, time_known=False),
            put("d", sequence=8, time=NOON + 1).with_image_in("5e1f"),
        ],
        sent_at=NOON + 2.5,
    )

    assert [json.loads(line) for line in zlib.decompress(base64.b64decode(body)).split(b"\n")] == [
        {"v": 2, "t": 1795348802500, "k": ["id"]},
        ["put", "5", 1795348800, {"id": {"S": "a"}, "total": {"N": "1"}}],
        ["delete", "6", 1795348800, {"id": {"S": "b"}}],
        ["read", "7", None, {"id": {"S": "c"}}],
        ["object", "8", 1795348801, {"id": {"S": "d"}}, "5e1f"],
    ]


def test_a_bundle_is_opened_without_reading_its_changes() -> None:
    bundle = open_bundle(body_of(header(t=NOON * 1000 + 250), "no change", ["read", "7", NOON, key("b")]))

    assert (bundle.sent_at, len(bundle)) == (NOON + 0.25, 2)
    assert bundle.change(1) == read("b", sequence=7)
    with pytest.raises(BundleError):
        bundle.change(0)
    with pytest.raises(IndexError):
        bundle.change(2)


def test_a_change_of_unknown_time_is_no_younger_than_its_bundle() -> None:
    (found,) = decode(body_of(header(t=NOON * 1000 + 999), ["read", "7", None, key("b")]))

    assert (found.time, found.time_known) == (NOON, False)


@settings(max_examples=40)
@given(st.lists(changes(), max_size=15), st.integers(1, 5), st.integers(300, 1500))
def test_packing_keeps_order_and_size_and_loses_nothing(
    found: list[Change], group_count: int, byte_limit: int
) -> None:
    entries = entries_of(found)
    packed = pack(entries, group_count=group_count, byte_limit=byte_limit, sent_at=NOON)

    unpacked: dict[int, list[Change]] = {}
    for group, bundles in packed.items():
        unpacked[group] = []
        for bundle in bundles:
            inside = decode(bundle.body)
            assert len(bundle.body) <= byte_limit or bundle.count == 1
            assert (bundle.group, bundle.count, bundle.last_time) == (group, len(inside), inside[-1].time)
            assert found[bundle.first].sequence == inside[0].sequence
            unpacked[group] += inside
    for group, inside in unpacked.items():
        assert inside == [change for change in found if group_of(item_id(change.key), group_count) == group]
    assert sum(len(inside) for inside in unpacked.values()) == len(found)


@settings(max_examples=40)
@given(changes(), st.integers(300, 1500))
def test_a_change_that_fits_has_a_body_within_the_limit(found: Change, byte_limit: int) -> None:
    (entry,) = entries_of([found])
    ((bundle,),) = pack([entry], group_count=1, byte_limit=byte_limit, sent_at=NOON).values()

    assert len(bundle.body) <= byte_limit or not entry.fits(byte_limit)
    assert len(bundle.body) > byte_limit - 64 or entry.fits(byte_limit)


@pytest.mark.parametrize(
    ("size", "compresses", "fits"),
    [(700, False, True), (800, False, False), (10_000, True, True), (1_000_000, True, False)],
)
def test_a_change_is_measured_as_it_is_sent(size: int, compresses: bool, fits: bool) -> None:
    blob = bytes(size) if compresses else random.Random(1).randbytes(size)
    (entry,) = entries_of([put("a", blob={"B": base64.b64encode(blob).decode()})])

    assert entry.fits(1200) is fits


def test_a_change_that_unpacks_to_more_than_is_read_fits_nowhere() -> None:
    """Lambda hands over no such record; it would be a bundle that replay refuses."""
    (entry,) = entries_of([put("a", note={"S": "x" * 8 * 1024 * 1024})])

    assert not entry.fits(262_144)


def test_a_bundle_unpacks_to_no_more_than_is_read() -> None:
    """More than Lambda hands to capture at once."""
    found = [put("a", sequence=number, note={"S": "x" * 390_000}) for number in range(30)]

    (bundles,) = pack(entries_of(found), group_count=1, byte_limit=262_144, sent_at=NOON).values()

    assert [change for bundle in bundles for change in decode(bundle.body)] == found


def test_items_with_other_key_names_do_not_spoil_their_neighbours() -> None:
    other = Change(Kind.DELETE, {"sk": {"S": "a"}}, None, "2", NOON)
    found = [put("a"), other, put("b", sequence=3)]

    (bundles,) = pack(entries_of(found), group_count=1, byte_limit=4096, sent_at=NOON).values()

    assert [change for bundle in bundles for change in decode(bundle.body)] == found


def test_a_bundle_has_no_more_changes_than_are_read() -> None:
    found = [delete("a", sequence=number) for number in range(10_001)]

    (bundles,) = pack(entries_of(found), group_count=1, byte_limit=262_144, sent_at=NOON).values()

    assert [change for bundle in bundles for change in decode(bundle.body)] == found
    with pytest.raises(BundleError, match="more than 10000 changes"):
        open_bundle(encode(found, sent_at=NOON))


@pytest.mark.parametrize(
    "change",
    [
        put("a", text={"S": "half of \ud83d"}),
        replace(put("a"), image={**key("a"), "name \ud83d": {"S": "b"}}),
        put("a", map={"M": {"\udc00": {"S": "b"}}}),
        put("a", number={"N": "NaN"}),
        put("a", number={"N": float("nan")}),
        put("a", other={"X": "new in DynamoDB"}),
        replace(put("a"), image={"id": {"S": "b"}}),
        replace(put("a"), image={}),
        replace(put("a"), image=None),
        replace(delete("a"), image=key("a")),
        replace(delete("a"), image_object="5e1f"),
        put("a").with_image_in(""),
        put("a").with_image_in("not\na name"),
        put("a", sequence="\ud83d"),  # type: ignore[arg-type]
        replace(put("a"), sequence="1" * 65),
        put("a", time=-1),
        put("a", time=2**40),
        put("a", time=1.5),  # type: ignore[arg-type]
        put("\ud83d"),
        replace(delete("a"), key={"id": {"BOOL": True}}),
    ],
)
def test_what_could_not_be_read_is_not_written(change: Change) -> None:
    with pytest.raises(MalformedChangeError):
        encode([change], sent_at=NOON)


@pytest.mark.parametrize(
    ("name", "group_count", "group"),
    [
        ("order#1", 16, 6),
        ("order#2", 16, 3),
        ("order#3", 16, 3),
        ("order#1", 100, 74),
        ("order#2", 1, 0),
    ],
)
def test_groups_stay_as_they_are(name: str, group_count: int, group: int) -> None:
    """A release that groups otherwise would let an item's buffered and new changes overtake each other."""
    assert group_of(item_id(key(name)), group_count) == group


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_told_as_such(garbage: bytes) -> None:
    for body in (
        garbage.decode("latin-1"),
        base64.b64encode(garbage).decode(),
        base64.b64encode(zlib.compress(garbage)).decode(),
    ):
        with pytest.raises(BundleError):
            decode(body)


lines = st.tuples(
    st.sampled_from(["put", "delete", "read", "object"]) | json_values,
    st.just("1") | json_values,
    st.just(NOON) | json_values,
    st.dictionaries(st.sampled_from(["id", "x"]), st.fixed_dictionaries({"S": st.text()}) | json_values)
    | json_values,
) | st.tuples(
    st.just("object"), st.just("1"), st.just(NOON), st.just(key("a")), st.just("5e1f") | json_values
)


@given(
    st.fixed_dictionaries(
        {
            "v": st.just(2) | json_values,
            "t": st.just(NOON * 1000) | json_values,
            "k": st.just(["id"]) | json_values,
        }
    )
    | json_values,
    st.lists(lines | json_values, max_size=3),
)
def test_what_is_no_bundle_raises_or_is_fit_to_be_written(first: Any, rest: list[Any]) -> None:
    try:
        found = decode(body_of(first, *rest))
    except BundleError:
        return
    for change in found:
        item_id(change.key)
        sdk_attributes(change.image or change.key)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([header(v=3), ["put"]], "version 3; this code reads version 2"),
        # The text goes into a message attribute, which takes no control characters.
        ([header(v="\x00\x1b" * 90), []], r"bundle of version '\\x00\\x1b"),
        ([header()], "ValueError"),
        ([{"v": 2, "k": ["id"]}, []], "KeyError: 't'"),
        ([header(t=-1), []], "sent at -1"),
        ([header(t=2**40 * 1000), []], "sent at 1099"),
        ([header(t=True), []], "sent at True"),
        ([header(t=1.5), []], "sent at 1.5"),
        ([header(k="id"), ["put", "1", NOON, key("a")]], "list of key names"),
        ([header(), ["put", "1", NOON, {"x": {"S": "a"}}]], "KeyError: 'id'"),
        ([header(k=[]), ["delete", "1", NOON, {}]], "one or two attributes"),
        ([header(), ["burn", "1", NOON, key("a")]], "burn"),
        ([header(), ["put", 1, NOON, key("a")]], "not a sequence number: 1"),
        ([header(), ["put", "1", 10**40, key("a")]], "time is 1000"),
        ([header(), ["put", "1", True, key("a")]], "whole number of seconds"),
        ([header(), ["put", "1", NOON, {**key("a"), "x": {"B": "?"}}]], "type 'B'"),
        ([header(), ["object", "1", NOON, key("a")]], "too few or too many"),
        ([header(), ["put", "1", NOON, key("a"), "5e1f"]], "too few or too many"),
        ([header(), ["object", "1", NOON, key("a"), "../\n"]], "name of an image's object"),
        ([[], []], "TypeError"),
    ],
)
def test_the_error_says_what_is_wrong(content: list[Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        decode(body_of(*content))


def test_a_message_that_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.b64encode(zlib.compress(b" " * (8 * 1024 * 1024 + 1))).decode()
    assert len(bomb) < 262_144

    with pytest.raises(BundleError, match="more than 8388608 bytes"):
        decode(bomb)


def test_the_most_that_lambda_hands_to_capture_fits_one_message_and_comes_back() -> None:
    """Images that compress well, 6 MB of them, can all travel in one message."""
    found = [put("a", sequence=number, note={"S": "x" * 390_000}) for number in range(15)]

    ((bundle,),) = pack(entries_of(found), group_count=1, byte_limit=262_144, sent_at=NOON).values()

    assert decode(bundle.body) == found


def test_a_body_that_was_cut_short_is_refused() -> None:
    packed = base64.b64decode(encode([put("a")], sent_at=NOON))

    with pytest.raises(BundleError, match="cut short"):
        decode(base64.b64encode(packed[:-8]).decode())
