from __future__ import annotations

import base64
import json
import random
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_restore.changes.bundle import BundleError, decode, encode, group_of, pack
from dynamodb_restore.changes.change import Change, Kind, item_id, sdk_attributes
from tests.unit.changes.makers import NOON, changes, delete, key, put, read
from tests.unit.strategies import json_values


def body_of(content: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()


@given(st.lists(changes(), min_size=1, max_size=3))
def test_a_bundle_gives_back_what_was_put_in(found: list[Change]) -> None:
    assert decode(encode(found)) == found


def test_a_body_is_as_documented() -> None:
    body = encode(
        [
            put("a", sequence=5, total={"N": "1"}),
            delete("b", sequence=6),
            read("c", sequence=7, time=NOON + 1),
        ]
    )

    assert json.loads(zlib.decompress(base64.b64decode(body))) == {
        "v": 1,
        "k": ["id"],
        "c": [
            ["put", "5", 1795348800, {"id": {"S": "a"}, "total": {"N": "1"}}],
            ["delete", "6", 1795348800, {"id": {"S": "b"}}],
            ["read", "7", 1795348801, {"id": {"S": "c"}}],
        ],
    }


@settings(max_examples=40)
@given(st.lists(changes(), max_size=15), st.integers(1, 5), st.integers(300, 1500))
def test_packing_keeps_order_and_size_and_loses_nothing(
    found: list[Change], group_count: int, byte_limit: int
) -> None:
    packed = pack(enumerate(found), group_count=group_count, byte_limit=byte_limit)

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
        expected = [change for change in found if group_of(item_id(change.key), group_count) == group]
        assert [(change.key, change.sequence, change.time) for change in inside] == [
            (change.key, change.sequence, change.time) for change in expected
        ]
        assert all(
            now == before or (now.kind is Kind.READ and before.kind is Kind.PUT)
            for now, before in zip(inside, expected, strict=True)
        )
    assert sum(len(inside) for inside in unpacked.values()) == len(found)


def test_a_change_too_large_for_a_message_travels_as_its_key() -> None:
    large = put("a", sequence=2, blob={"B": base64.b64encode(random.Random(1).randbytes(3000)).decode()})
    found = [put("a", sequence=1), large, put("a", sequence=3)]

    (bundles,) = pack(enumerate(found), group_count=1, byte_limit=1024).values()

    assert [change for bundle in bundles for change in decode(bundle.body)] == [
        put("a", sequence=1),
        read("a", sequence=2),
        put("a", sequence=3),
    ]
    assert all(len(bundle.body) <= 1024 for bundle in bundles)


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


entries = st.tuples(
    st.sampled_from(["put", "delete", "read"]) | json_values,
    st.just("1") | json_values,
    st.just(NOON) | json_values,
    st.dictionaries(st.sampled_from(["id", "x"]), st.fixed_dictionaries({"S": st.text()}) | json_values)
    | json_values,
)


@given(
    st.fixed_dictionaries(
        {
            "v": st.just(1) | json_values,
            "k": st.just(["id"]) | json_values,
            "c": st.lists(entries, max_size=3) | json_values,
        }
    )
    | json_values
)
def test_what_is_no_bundle_raises_or_is_fit_to_be_written(content: Any) -> None:
    try:
        found = decode(body_of(content))
    except BundleError:
        return
    for change in found:
        item_id(change.key)
        sdk_attributes(change.image or change.key)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"v": 2, "k": ["id"], "c": []}, "version 2; this code reads version 1"),
        # The text goes into a message attribute, which takes no control characters.
        ({"v": "\x00\x1b" * 90, "k": [], "c": []}, r"bundle of version '\\x00\\x1b"),
        ({"v": 1, "k": ["id"]}, "KeyError: 'c'"),
        ({"v": 1, "k": ["id"], "c": [["put", "1", NOON, {"x": {"S": "a"}}]]}, "KeyError: 'id'"),
        ({"v": 1, "k": [], "c": [["delete", "1", NOON, {}]]}, "one or two attributes"),
        ({"v": 1, "k": ["id"], "c": [["burn", "1", NOON, key("a")]]}, "burn"),
        ({"v": 1, "k": ["id"], "c": [["put", 1, NOON, key("a")]]}, "wrong type"),
        ({"v": 1, "k": ["id"], "c": [["put", "1", 10**40, key("a")]]}, "time is 1000"),
        ({"v": 1, "k": ["id"], "c": [["put", "1", NOON, {**key("a"), "x": {"B": "?"}}]]}, "type 'B'"),
        ([], "TypeError"),
    ],
)
def test_the_error_says_what_is_wrong(content: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        decode(body_of(content))


def test_a_message_that_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.b64encode(zlib.compress(b" " * (8 * 1024 * 1024 + 1))).decode()
    assert len(bomb) < 262_144

    with pytest.raises(BundleError, match="more than 8388608 bytes"):
        decode(bomb)


def test_the_most_that_lambda_hands_to_capture_fits_one_message_and_comes_back() -> None:
    """Images that compress well, 6 MB of them, can all travel in one message."""
    found = [put("a", sequence=number, note={"S": "x" * 390_000}) for number in range(15)]

    ((bundle,),) = pack(enumerate(found), group_count=1, byte_limit=262_144).values()

    assert decode(bundle.body) == found


def test_a_body_that_was_cut_short_is_refused() -> None:
    packed = base64.b64decode(encode([put("a")]))

    with pytest.raises(BundleError, match="cut short"):
        decode(base64.b64encode(packed[:-8]).decode())
