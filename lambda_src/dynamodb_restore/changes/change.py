"""One change of one item, as a stream record tells it and as a bundle carries it."""

from __future__ import annotations

import base64
import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
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

_DEEPEST = 100
"""Levels of lists and maps that a value may have: DynamoDB's own limit is 32
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""

_LATEST_TIME = 2**40
"""Epoch seconds that no change has. A larger number in a stream record is milliseconds: read so, it lies after 2004."""

_SEQUENCE = re.compile(r"[!-~]{0,64}")
"""Sequence numbers have 21 to 40 characters
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html); empty where a record has none."""

_IMAGE_OBJECT = re.compile(r"[A-Za-z0-9/_.-]{1,512}")

_TTL_SECONDS = 5 * 366 * 86_400
"""Items whose time to live passed more than five years ago are not deleted for it
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html)."""


class Kind(enum.Enum):
    """What replay does with a change."""

    PUT = "put"
    """Write the image."""
    DELETE = "delete"
    """Delete the item."""
    READ = "read"
    """The image is not in the message: write what the source has now, or delete the item if the source has none."""
    OBJECT = "object"
    """Write the image, which is an object in the failure bucket: it was too large for a message."""


class MalformedChangeError(Exception):
    """A stream record or a bundle's entry lacks what a change needs; the text says what."""


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        key: the item's key attributes.
        image: the whole item after the change, for a PUT only.
        sequence: the stream's sequence number; empty where the record has none.
        time: when the stream took the record: epoch seconds, whole.
        image_object: name of the object that holds the image, below the pipeline's image prefix, for an OBJECT only.
        time_known: whether the record told its time. Where it did not, `time` is when the change was captured: the
            change is no younger. It may be older, so it can lie before the end of any window.
    """

    kind: Kind
    key: Attributes
    image: Attributes | None
    sequence: str
    time: int
    image_object: str | None = None
    time_known: bool = True

    def without_image(self) -> Change:
        """The same change, told by its key alone."""
        return replace(self, kind=Kind.READ, image=None, image_object=None)

    def with_image_in(self, image_object: str) -> Change:
        """The same change, its image in an object of the failure bucket."""
        return replace(self, kind=Kind.OBJECT, image=None, image_object=image_object)


def change_of(record: Mapping[str, Any], captured_at: int) -> Change:
    """Reduce a stream record to what replay needs.

    A stream of KEYS_ONLY or OLD_IMAGE has no new images, so its puts travel as keys
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html). So does a record that is
    called neither INSERT, MODIFY nor REMOVE.

    Args:
        captured_at: epoch seconds, whole; the time of a record that tells none that can be read.

    Raises:
        MalformedChangeError: the record has no key, so its item is unknown.
    """
    try:
        data = record["dynamodb"]
        key = data["Keys"]
    except (KeyError, TypeError) as error:
        raise MalformedChangeError(f"stream record without {error}") from error
    check_key(key)
    # The API calls the time optional.
    time = _epoch_seconds(data.get("ApproximateCreationDateTime"))
    kind, image = Kind.READ, None
    match record.get("eventName"), data.get("NewImage"):
        case "REMOVE", _:
            kind = Kind.DELETE
        case "INSERT" | "MODIFY", Mapping() as found:
            kind, image = Kind.PUT, found
    return Change(
        kind,
        key,
        image,
        sequence_of(record),
        captured_at if time is None else time,
        time_known=time is not None,
    )


def sequence_of(record: Mapping[str, Any]) -> str:
    """A stream record's sequence number; empty where it has none that can be read."""
    data = record.get("dynamodb")
    sequence = data.get("SequenceNumber") if isinstance(data, Mapping) else None
    return sequence if isinstance(sequence, str) and _SEQUENCE.fullmatch(sequence) else ""


def _epoch_seconds(value: object) -> int | None:
    """A record's time as whole epoch seconds, from seconds, milliseconds or text; None where it tells none."""
    number = _number_in(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        return None
    # Nor is "not a number" in this range.
    if not 0 <= number < _LATEST_TIME * 1000:
        return None
    return int(number if number < _LATEST_TIME else number // 1000)


def _number_in(text: str) -> Decimal | float | None:
    """The number that a text is, or the epoch seconds of a time in ISO 8601 with its offset; None where it is neither."""
    try:
        if (number := Decimal(text)).is_finite():
            return number
    except ArithmeticError:
        pass
    try:
        instant = datetime.fromisoformat(text)
        return instant.timestamp() if instant.tzinfo is not None else None
    except (OverflowError, ValueError):
        return None


def is_expiry(record: Mapping[str, Any], ttl_attribute: str | None) -> bool:
    """Whether time to live, not a caller, deleted the item.

    DynamoDB's own identity tells, but only in the region where the item expired: a delete that a global table
    replicates carries none (docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html). So a
    delete of an item that had expired counts as well, where the stream has old images. A caller's delete of such an
    item looks the same; time to live would have deleted it anyway.

    Only the identity is asked whatever the record is called: a record that a person brings in again by its key alone
    is no longer called REMOVE.

    Args:
        ttl_attribute: the attribute with the item's time to live, epoch seconds; None where the table has none.
    """
    match record.get("userIdentity"):
        case {"type": "Service", "principalId": "dynamodb.amazonaws.com"}:
            return True
    return (
        ttl_attribute is not None
        and record.get("eventName") == "REMOVE"
        and _had_expired(record, ttl_attribute)
    )


def _had_expired(record: Mapping[str, Any], ttl_attribute: str) -> bool:
    """Whether the time to live of the item that a record deletes had passed by then."""
    match record.get("dynamodb"):
        case {"OldImage": Mapping() as old, "ApproximateCreationDateTime": told}:
            time, value = _epoch_seconds(told), old.get(ttl_attribute)
        case _:
            return False
    match value:
        case {"N": str(number)} if time is not None and _is_number(number):
            return time - _TTL_SECONDS <= Decimal(number) <= time
        case _:
            return False


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


def check_change(change: Change) -> None:
    """Check that a change can be sent: a change that passes is read back exactly, and can be written.

    Capture asks this of each change that it sends, replay of each that it is given.

    Raises:
        MalformedChangeError: it cannot.
    """
    check_key(change.key)
    if (change.kind is Kind.PUT) is (change.image is None):
        raise MalformedChangeError("a put has an image, and nothing else has one")
    if (change.kind is Kind.OBJECT) is (change.image_object is None):
        raise MalformedChangeError("an image in an object has the object's name, and nothing else has one")
    if change.image is not None:
        _check_image(change.image, change.key)
    if change.image_object is not None and not _matches(_IMAGE_OBJECT, change.image_object):
        raise MalformedChangeError(f"not the name of an image's object: {change.image_object!r:.50}")
    if not _matches(_SEQUENCE, change.sequence):
        raise MalformedChangeError(f"not a sequence number: {change.sequence!r:.50}")
    _check_time(change.time)


def _check_image(image: Attributes, key: Attributes) -> None:
    _check_names(image)
    if any(image.get(name) != value for name, value in key.items()):
        raise MalformedChangeError("an item's image has another key than the item")
    for name, value in image.items():
        if name not in key:
            check_value(value)


def _check_time(time: object) -> None:
    if not isinstance(time, int) or isinstance(time, bool):
        raise MalformedChangeError("a change's time is a whole number of seconds")
    if not 0 <= time < _LATEST_TIME:
        raise MalformedChangeError(f"a change's time is {time!r:.50}")


def _matches(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def check_key(key: Any) -> None:
    """Make sure that `item_id` knows what to do with a key.

    Raises:
        MalformedChangeError: it is no key of an item.
    """
    if not isinstance(key, Mapping) or not 1 <= len(key) <= _LONGEST_KEY:
        raise MalformedChangeError("an item's key has one or two attributes")
    _check_names(key)
    for value in key.values():
        check_value(value)
        if not value.keys() <= _KEY_TYPES:
            raise MalformedChangeError("a key attribute is text, a number or binary")


def _check_names(attributes: Mapping[Any, Any]) -> None:
    if not all(map(_is_text, attributes)):
        raise MalformedChangeError("an attribute's name is text")


def check_value(value: Any, levels: int = _DEEPEST) -> None:
    """Make sure that a typed value has the shape of its type.

    Raises:
        MalformedChangeError: it has not.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise MalformedChangeError("an attribute's value has exactly one type")
    if levels == 0:
        raise MalformedChangeError(f"an attribute's value has more than {_DEEPEST} levels")
    ((kind, inner),) = value.items()
    if kind in _SCALARS:
        fits = _SCALARS[kind](inner)
    elif kind in _SETS:
        fits = isinstance(inner, list) and inner != [] and all(map(_SETS[kind], inner))
    elif kind == "L" and isinstance(inner, list):
        fits = True
        for member in inner:
            check_value(member, levels - 1)
    elif kind == "M" and isinstance(inner, dict):
        fits = True
        _check_names(inner)
        for member in inner.values():
            check_value(member, levels - 1)
    else:
        fits = False
    if not fits:
        raise MalformedChangeError(f"not a value of type {kind!r:.20}")


def _is_text(value: object) -> bool:
    """Whether UTF-8 can write it, as every AWS API asks: half of a surrogate pair is no character."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).normalize(_EXACT).is_finite()
    except ArithmeticError:
        return False


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except ValueError:
        return False


_SCALARS: Mapping[str, Callable[[object], bool]] = {
    "S": _is_text,
    "N": _is_number,
    "B": _is_base64,
    "BOOL": lambda value: isinstance(value, bool),
    "NULL": lambda value: value is True,
}
_SETS: Mapping[str, Callable[[object], bool]] = {"SS": _is_text, "NS": _is_number, "BS": _is_base64}


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
