"""Messages of the FIFO buffer: as capture writes them, and damaged in every way that can be thought of."""

from __future__ import annotations

import base64
import bz2
import copy
import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from dynamodb_restore.changes.bundle import encode, group_of
from dynamodb_restore.changes.change import Change, Kind, item_id
from tests.aws.queues import fits_sqs
from tests.fuzz.damage import damaged_json, odd_texts
from tests.unit.changes.makers import NOON, values

GROUPS = 3
KEYS: tuple[dict[str, dict[str, Any]], ...] = tuple(
    {"pk": {"B": base64.b64encode(name).decode()}, "sk": {"N": number}}
    for name, number in (
        (b"a", "1"),
        (b"a", "1.0"),
        (b"a", "12345678901234567890123456789012345678"),
        (b"b", "0"),
        (b"b", "-0"),
        (b"\xff\x00", "-1E-5"),
        (b"c", "7"),
        (b"d", "7"),
    )
)
"""Some are one item, written in two ways."""


@dataclass(frozen=True)
class Sent:
    """A message of the buffer.

    Attributes:
        sound: the changes in it; None where it was damaged.
        damage: what was done to it.
    """

    group: str
    body: str
    sound: tuple[Change, ...] | None
    damage: str = ""


def _group(key: dict[str, dict[str, Any]]) -> int:
    return group_of(item_id(key), GROUPS)


@st.composite
def _changes(draw: st.DrawFn, group: int) -> Change:
    key = draw(st.sampled_from([key for key in KEYS if _group(key) == group]))
    kind = draw(st.sampled_from([Kind.PUT, Kind.PUT, Kind.DELETE, Kind.READ]))
    time = NOON + draw(st.integers(-3, 3))
    image = None
    if kind is Kind.PUT:
        image = {**draw(st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=2)), **key}
        if draw(st.integers(0, 9)) == 0:
            image["refused"] = {"BOOL": True}
    return Change(kind, key, image, str(draw(st.integers(1, 10**21))), time)


@cache
def _expanding(kind: str) -> str:
    """A small body that unpacks to much."""
    header = b'{"v":2,"t":1795348800000,"k":["pk","sk"]}\n'
    parts = {
        "blanks": (b"", b" ", b""),
        "lists": (header + b"[", b"[],", b"[]]"),
        "lines": (header, b"[]\n", b"[]"),
    }
    start, middle, end = parts[kind]
    raw = start + middle * (9 * 1024 * 1024 // len(middle)) + end
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def _packed(content: Any) -> str:
    lines = content if isinstance(content, list) else [content]
    raw = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    return base64.b64encode(zlib.compress(raw.encode("utf-8", "surrogatepass"))).decode()


def _cut(draw: st.DrawFn, body: str) -> str:
    return body[: draw(st.integers(1, len(body) - 1))]


def _without_beginning(draw: st.DrawFn, body: str) -> str:
    return body[draw(st.integers(1, len(body) - 1)) :]


def _cut_inside(draw: st.DrawFn, body: str) -> str:
    packed = base64.b64decode(body)
    return base64.b64encode(packed[: draw(st.integers(1, len(packed) - 1))]).decode()


def _other_character(draw: st.DrawFn, body: str) -> str:
    place = draw(st.integers(0, len(body) - 1))
    return body[:place] + draw(st.sampled_from("Aa0+/=-_ \n{é")) + body[place + 1 :]


def _flipped_bit(draw: st.DrawFn, body: str) -> str:
    packed = bytearray(base64.b64decode(body))
    packed[draw(st.integers(0, len(packed) - 1))] ^= 1 << draw(st.integers(0, 7))
    return base64.b64encode(packed).decode()


def _compressed_otherwise(draw: st.DrawFn, body: str) -> str:
    raw = zlib.decompress(base64.b64decode(body))
    raw_deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    dictionary = zlib.compressobj(zdict=b'{"v":2')
    packed = draw(
        st.sampled_from(
            [
                raw,
                gzip.compress(raw),
                bz2.compress(raw),
                raw_deflate.compress(raw) + raw_deflate.flush(),
                dictionary.compress(raw) + dictionary.flush(),
                zlib.compress(zlib.compress(raw)),
            ]
        )
    )
    return base64.b64encode(packed).decode()


def _plain_json(draw: st.DrawFn, body: str) -> str:
    return zlib.decompress(base64.b64decode(body)).decode()


def _something_behind_it(draw: st.DrawFn, body: str) -> str:
    packed = base64.b64decode(body)
    return base64.b64encode(packed + draw(st.binary(min_size=1, max_size=9) | st.just(packed))).decode()


def _another_json(draw: st.DrawFn, body: str) -> str:
    lines = zlib.decompress(base64.b64decode(body)).split(b"\n")
    return _packed(draw(damaged_json([json.loads(line) for line in lines])))


def _any_text(draw: st.DrawFn, body: str) -> str:
    return draw(odd_texts.filter(fits_sqs))


def _expanding_body(draw: st.DrawFn, body: str) -> str:
    return _expanding(draw(st.sampled_from(["blanks", "lists", "lines"])))


_DAMAGES: tuple[Callable[[st.DrawFn, str], str], ...] = (
    _cut,
    _without_beginning,
    _cut_inside,
    _other_character,
    _flipped_bit,
    _compressed_otherwise,
    _plain_json,
    _something_behind_it,
    _another_json,
    _another_json,
    _another_json,
    _any_text,
    _expanding_body,
)


@st.composite
def _messages(draw: st.DrawFn) -> Sent:
    group = draw(st.sampled_from(sorted({_group(key) for key in KEYS})))
    changes = draw(st.lists(_changes(group), min_size=1, max_size=3))
    body = encode(changes, sent_at=NOON)
    if draw(st.integers(0, 2)):
        return Sent(str(group), body, tuple(changes))
    if draw(st.integers(0, 15)) == 0:
        return Sent("by-hand", body, None, "_group_of_nobody")
    damage = draw(st.sampled_from(_DAMAGES))
    damaged = damage(draw, body)
    # What SQS does not take was never in the queue.
    sent = damaged if fits_sqs(damaged) else "-"
    return Sent(str(group), sent, None, damage.__name__)


batches: st.SearchStrategy[Sequence[Sent]] = st.lists(_messages(), min_size=1, max_size=6)

stored = st.fixed_dictionaries(
    {}, optional={str(number): st.integers(0, 9) for number in range(len(KEYS))}
).map(copy.copy)
"""Which items a table has, each with a number in it."""
