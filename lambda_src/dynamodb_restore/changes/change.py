"""One change of one item, as a stream record tells it and as a bundle carries it."""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]
"""Attribute name to a typed value in DynamoDB's JSON form: `{"pk": {"S": "a"}}`. Numbers are decimal text and
binary is base64 text, as in Lambda's events
(docs.aws.amazon.com/lambda/latest/dg/with-ddb-example.html)."""


_EXACT = Context(prec=38)
"""DynamoDB's numbers have up to 38 significant digits
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""


_LONGEST_KEY = 2
_KEY_TYPES = frozenset({"S", "N", "B"})
"""A key is one or two attributes of these types
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html)."""


class Kind(enum.Enum):
    """What replay does with a change."""

    PUT = "put"
    """Write the image."""
    DELETE = "delete"
    """Delete the item."""
    READ = "read"
    """The image is not at hand: write what the source has now, or delete where it has nothing."""


class MalformedChangeError(Exception):
    """A stream record or a bundle's entry lacks what a change needs; the text says what."""


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        key: the item's key attributes.
        image: the whole item after the change, for a PUT only.
        sequence: the stream's sequence number, decimal text.
        time: when the stream took the record: epoch seconds, whole.
    """

    kind: Kind
    key: Attributes
    image: Attributes | None
    sequence: str
    time: int

    def without_image(self) -> Change:
        """The same change, told by its key alone."""
        return Change(Kind.READ, self.key, None, self.sequence, self.time)


def change_of(record: Mapping[str, Any]) -> Change:
    """Strip a stream record to what replay needs.

    A stream of KEYS_ONLY or OLD_IMAGE has no new images, so its puts travel as keys
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html).

    Raises:
        MalformedChangeError: the record lacks a key, a sequence number or a time.
    """
    try:
        data = record["dynamodb"]
        key, sequence, time = data["Keys"], data["SequenceNumber"], int(data["ApproximateCreationDateTime"])
        event_name = record["eventName"]
        check_key(key)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedChangeError(f"stream record without {error}") from error
    if event_name == "REMOVE":
        return Change(Kind.DELETE, key, None, sequence, time)
    image = data.get("NewImage")
    return Change(Kind.READ if image is None else Kind.PUT, key, image, sequence, time)


def is_expiry(record: Mapping[str, Any]) -> bool:
    """Whether time to live, not a caller, deleted the item
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).

    Only the identity tells: a record that a person brings in again by its key alone is no longer called REMOVE.
    """
    identity = record.get("userIdentity") or {}
    is_service: bool = identity.get("type") == "Service"
    return is_service and identity.get("principalId") == "dynamodb.amazonaws.com"


def item_id(key: Attributes) -> str:
    """One text per item: equal for equal keys, however their numbers and binary values are written."""
    return json.dumps([(name, *_canonical(key[name])) for name in sorted(key)], separators=(",", ":"))


def _canonical(value: Mapping[str, Any]) -> tuple[str, str]:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            # plus() makes "-0", which is the key "0", lose its sign.
            return kind, str(_EXACT.plus(Decimal(inner)).normalize(_EXACT))
        case "B" if isinstance(inner, bytes):
            return kind, base64.b64encode(inner).decode()
        case _:
            return kind, inner


def check_key(key: Any) -> None:
    """Make sure that `item_id` knows what to do with a key.

    Raises:
        MalformedChangeError: it is no key of an item.
    """
    if not isinstance(key, Mapping) or not 1 <= len(key) <= _LONGEST_KEY:
        raise MalformedChangeError("an item's key has one or two attributes")
    for value in key.values():
        check_value(value)
        if not value.keys() <= _KEY_TYPES:
            raise MalformedChangeError("a key attribute is text, a number or binary")


def check_value(value: Any) -> None:
    """Make sure that a typed value has the shape of its type.

    Raises:
        MalformedChangeError: it has not.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MalformedChangeError("an attribute's value has exactly one type")
    ((kind, inner),) = value.items()
    members: Iterable[Any] = ()
    match kind, inner:
        case ("S", str()) | ("BOOL", bool()) | ("NULL", True):
            pass
        case "N", str() if _is_number(inner):
            pass
        case "B", str() if _is_base64(inner):
            pass
        case (("SS" | "NS" | "BS"), [_, *_]):
            members = [{kind[0]: member} for member in inner]
        case "L", list():
            members = inner
        case "M", Mapping():
            members = inner.values()
        case _:
            raise MalformedChangeError(f"not a value of type {kind!r:.20}")
    for member in members:
        check_value(member)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).normalize(_EXACT).is_finite()
    except ArithmeticError:
        return False


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def sdk_attributes(attributes: Attributes) -> dict[str, Any]:
    """The same attributes as boto3 takes them: binary as bytes, everything else as it stands."""
    return {name: _sdk_value(value) for name, value in attributes.items()}


def _sdk_value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64decode(inner)}
        case "BS":
            return {"BS": [base64.b64decode(member) for member in inner]}
        case "M":
            return {"M": sdk_attributes(inner)}
        case "L":
            return {"L": [_sdk_value(member) for member in inner]}
        case _:
            return {kind: inner}
