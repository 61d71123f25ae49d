"""Seeded draws of attributes of every type, and the form in which two items can be compared."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

_WORDS = ("", "a", "größer", "日本語", "🙂", "line\nbreak", 'quote"\\', "\x00", "restore")
_MOST_LEVELS = 32
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


def number(rng: random.Random) -> str:
    """A number in one of the spellings that DynamoDB takes."""
    digits = str(rng.randrange(10**37, 10**38))
    return rng.choice(
        [
            digits,
            f"-{digits}",
            f"0.{digits}",
            f"{digits[:20]}.{digits[20:]}",
            f"{digits[0]}.{digits[1:]}E{rng.randint(-130, 125)}",
            str(rng.randint(-1000, 1000)),
            f"{rng.randint(0, 99)}.50",
            f"00{rng.randint(0, 9)}e+{rng.randint(0, 9)}",
            rng.choice(["0", "-0", "0.00", "1E-130", f"{'9' * 38}E88"]),
        ]
    )


def binary(rng: random.Random, least: int = 0) -> bytes:
    return rng.choice([bytes(range(256)), b"\x00" * 3, rng.randbytes(rng.randint(least, 60))])


def value(rng: random.Random, levels: int = 3) -> dict[str, Any]:
    """A value of one of the ten types, in boto3's form."""
    kinds = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + (["L", "M"] if levels else [])
    kind = rng.choice(kinds)
    match kind:
        case "S":
            return {kind: rng.choice(_WORDS)}
        case "N":
            return {kind: number(rng)}
        case "B":
            return {kind: binary(rng)}
        case "BOOL":
            return {kind: rng.random() < 0.5}
        case "NULL":
            return {kind: True}
        case "SS":
            return {kind: rng.sample(_WORDS[1:], rng.randint(1, 4))}
        case "NS":
            return {kind: list({Decimal(drawn): drawn for drawn in (number(rng) for _ in range(4))}.values())}
        case "BS":
            return {kind: sorted({binary(rng) for _ in range(4)})}
        case "L":
            return {kind: [value(rng, levels - 1) for _ in range(rng.randint(0, 4))]}
        case _:
            return {kind: {f"n{index}": value(rng, levels - 1) for index in range(rng.randint(0, 4))}}


def deep_value(rng: random.Random) -> dict[str, Any]:
    """A value nested as deep as DynamoDB allows: the last level is the empty list beside the innermost value."""
    found = value(rng, 0)
    for level in range(_MOST_LEVELS - 2):
        found = {"L": [found, {"S": ""}]} if level % 2 else {"M": {"inner": found, "empty": {"L": []}}}
    return found


LARGE_BYTES = 381 * 1024


def large_value(rng: random.Random) -> dict[str, Any]:
    """A nested value of 381 KB: either one that packs well or one that does not."""
    part = LARGE_BYTES // 10 - 20
    if rng.random() < 0.5:
        return {"L": [{"M": {"text": {"S": "x" * part}}} for _ in range(10)]}
    return {"M": {f"n{index}": {"L": [{"B": rng.randbytes(part)}]} for index in range(10)}}


_EXACT = Context(prec=200)


def plain_number(text: str) -> str:
    """One spelling for each number, with all its digits."""
    return str(_EXACT.plus(Decimal(text)).normalize(_EXACT))


def comparable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with every set in one order and every number in one spelling.

    Nothing else may differ between equal items. DynamoDB spells every number in one way; DynamoDB Local does not
    where UpdateItem wrote it.
    """
    return {name: _comparable(found) for name, found in attributes.items()}


def _comparable(found: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = found.items()
    match kind:
        case "N":
            return {kind: plain_number(inner)}
        case "NS":
            return {kind: sorted(map(plain_number, inner))}
        case "SS" | "BS":
            return {kind: sorted(inner)}
        case "L":
            return {kind: [_comparable(member) for member in inner]}
        case "M":
            return {kind: comparable(inner)}
        case _:
            return {kind: inner}
