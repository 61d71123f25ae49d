"""DynamoDB's typed values: when two are equal, how large they are, and what a key may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from typing import Any

Item = dict[str, Any]
"""Attribute name to a typed value as boto3 has it (`{"S": "text"}`): binary is bytes. Never changed in place."""

EXACT = Context(prec=38)
"""Numbers have 38 digits (docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html)."""

_SETS = ("SS", "NS", "BS")
_LONGEST_KEYS = (2048, 1024)
"""Bytes of a partition key and of a sort key, of the same page."""


def number(text: str) -> Decimal:
    """A number's value: however it is written, it is the same one."""
    return Decimal(text).normalize(EXACT) + 0


def number_text(value: Decimal) -> str:
    """A number as DynamoDB returns it."""
    return format(EXACT.plus(value).normalize(EXACT) + 0, "f")


def same(one: Any, other: Any) -> bool:
    """Whether two typed values are equal; a missing one is equal to nothing."""
    if one is None or other is None:
        return False
    return bool(one == other) or _canonical(one) == _canonical(other)


def _canonical(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, number(content)
        case "NS":
            return kind, frozenset(map(number, content))
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, [_canonical(one) for one in content]
        case "M":
            return kind, {name: _canonical(one) for name, one in content.items()}
    return kind, content


def size_of(item: Mapping[str, Any]) -> int:
    """An item's size in bytes (docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)."""
    return sum(_length(name) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _length(content)
    if kind == "N":
        return _digits(content) // 2 + 2
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + len(content) + size_of(content)
    if kind == "L":
        return 3 + len(content) + sum(map(_size, content))
    return sum(_size({kind[0]: one}) for one in content)


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


@dataclass(frozen=True)
class Schema:
    """What a table demands of its items.

    Attributes:
        key: attribute name to type (`S`, `N`, `B`): the partition key and, where there is one, the sort key.
        indexed: other attributes that are keys of indexes: an item may lack them, but not have them with another type.
    """

    key: Mapping[str, str]
    indexed: Mapping[str, str] = field(default_factory=dict)

    def key_of(self, attributes: Mapping[str, Any]) -> str:
        """A text for the key in an item: the same for keys that are equal."""
        return " ".join([_key_part(name, attributes[name][kind], kind) for name, kind in self.key.items()])

    def key_attributes(self, item: Mapping[str, Any]) -> Item:
        return {name: item[name] for name in self.key}

    def sort_value(self, item: Mapping[str, Any]) -> Any:
        """What the items of a partition are ordered by."""
        *_, (name, kind) = self.key.items()
        value = item[name][kind]
        if kind == "N":
            return number(value)
        return value.encode() if kind == "S" else value

    def fits(self, attributes: Mapping[str, Any], *, exactly: bool = False) -> bool:
        """Whether an item has a key of the right types, neither empty nor too long, or is exactly one."""
        if exactly and len(attributes) != len(self.key):
            return False
        return all(
            name in attributes
            and attributes[name].keys() == {kind}
            and _may_be_key(attributes[name][kind], kind, longest)
            for (name, kind), longest in zip(self.key.items(), _LONGEST_KEYS, strict=False)
        )

    def mistyped(self, item: Mapping[str, Any]) -> str | None:
        """An attribute that is a key of an index and has another type than that."""
        return next(
            (name for name, kind in self.indexed.items() if name in item and item[name].keys() != {kind}),
            None,
        )


def _key_part(name: str, value: Any, kind: str) -> str:
    if kind == "N":
        return f"{name}={number(value):f}"
    return f"{name}={value.hex()}" if kind == "B" else f"{name}={value!r}"


def _may_be_key(value: Any, kind: str, longest: int) -> bool:
    if kind == "N":
        try:
            return number(value).is_finite()
        except InvalidOperation:
            return False
    return 0 < (_length(value) if kind == "S" else len(value)) <= longest
