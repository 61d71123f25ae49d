"""DynamoDB's typed values: when two are equal, how large they are, and what a key may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Any

Item = dict[str, Any]
"""Attribute name to a typed value as boto3 has it (`{"S": "text"}`): binary is bytes. Never changed in place."""

EXACT = Context(prec=38)
"""Numbers have 38 digits (docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html)."""

_LONGEST_KEYS = (2048, 1024)
"""Bytes of a partition key and of a sort key, of the same page."""


@lru_cache(maxsize=65_536)
def number(text: str) -> Decimal:
    """A number's value: however it is written, it is the same one."""
    return Decimal(text).normalize(EXACT) + 0


def number_text(value: Decimal) -> str:
    """A number as DynamoDB returns it."""
    return format(EXACT.plus(value).normalize(EXACT) + 0, "f")


def same(one: Any, other: Any) -> bool:
    """Whether two typed values are equal; a missing one is equal to nothing."""
    if one is None or other is None or one.keys() != other.keys():
        return False
    if one == other:
        return True
    ((kind, content),) = one.items()
    return _same_content(kind, content, other[kind])


def same_items(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two items, or maps, have the same attributes."""
    return one.keys() == other.keys() and all(
        value == other[name] or same(value, other[name]) for name, value in one.items()
    )


def _same_content(kind: str, one: Any, other: Any) -> bool:
    match kind:
        case "N":
            return number(one) == number(other)
        case "NS":
            return set(map(number, one)) == set(map(number, other))
        case "SS" | "BS":
            return set(one) == set(other)
        case "L":
            return len(one) == len(other) and all(map(same, one, other))
        case "M":
            return same_items(one, other)
    return False


def size_of(item: Mapping[str, Any]) -> int:
    """An item's size in bytes (docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)."""
    total = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        total += len(name.encode()) + (len(content.encode()) if kind == "S" else _size(kind, content))
    return total


def _size(kind: str, content: Any) -> int:
    if kind == "N":
        # A byte for two digits, and one more for a part of two; another for the exponent.
        return len(content) // 2 + 2
    if kind == "B":
        return len(content)
    if kind == "S":
        return len(content.encode())
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + len(content) + size_of(content)
    if kind == "L":
        return 3 + sum(1 + _size(*next(iter(one.items()))) for one in content)
    return sum(_size(kind[0], one) for one in content)


@dataclass(frozen=True)
class Schema:
    """What a table demands of its items.

    Attributes:
        key: attribute name to type (`S`, `N`, `B`): the partition key and, where there is one, the sort key.
        indexed: other attributes that are keys of indexes: an item may lack them, but not have them with another type.
    """

    key: Mapping[str, str]
    indexed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _parts(self) -> tuple[tuple[str, str], ...]:
        return tuple(self.key.items())

    def key_of(self, attributes: Mapping[str, Any]) -> str:
        """A text for the key in an item: the same for keys that are equal."""
        return _key_text(self._parts, tuple([attributes[name][kind] for name, kind in self._parts]))

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
        return self.key_if_it_fits(attributes, exactly=exactly) is not None

    def key_if_it_fits(self, attributes: Mapping[str, Any], *, exactly: bool = False) -> str | None:
        """The text of the key in an item, or of a key; None where it does not fit."""
        if exactly and len(attributes) != len(self.key):
            return None
        values = []
        for name, kind in self._parts:
            value = attributes.get(name)
            if value is None or len(value) != 1 or kind not in value:
                return None
            values.append(value[kind])
        return _key_text_if_it_fits(self._parts, tuple(values))

    def mistyped(self, item: Mapping[str, Any]) -> str | None:
        """An attribute that is a key of an index and has another type than that."""
        for name, kind in self.indexed.items():
            if name in item and kind not in item[name]:
                return name
        return None


@lru_cache(maxsize=65_536)
def _key_text(key: tuple[tuple[str, str], ...], values: tuple[Any, ...]) -> str:
    parts = []
    for (name, kind), value in zip(key, values, strict=True):
        if kind == "N":
            parts.append(f"{name}={number(value):f}")
        else:
            parts.append(f"{name}={value.hex()}" if kind == "B" else f"{name}={value!r}")
    return " ".join(parts)


@lru_cache(maxsize=65_536)
def _key_text_if_it_fits(key: tuple[tuple[str, str], ...], values: tuple[Any, ...]) -> str | None:
    for (_, kind), value, longest in zip(key, values, _LONGEST_KEYS, strict=False):
        if kind == "N":
            try:
                if not number(value).is_finite():
                    return None
            except InvalidOperation:
                return None
        elif not 0 < (len(value.encode()) if kind == "S" else len(value)) <= longest:
            return None
    return _key_text(key, values)
