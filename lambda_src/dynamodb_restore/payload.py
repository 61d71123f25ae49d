"""What a function takes by direct invocation: fields that are declared once, read here, and refused with what to send instead."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.aws import TableRef, table_ref


class PayloadError(ValueError):
    """The payload is not one that the function takes; the text says what to send instead."""


@dataclass(frozen=True)
class Kind:
    """A type of values.

    Attributes:
        name: what the documentation calls it.
        read: turns a value of a payload into what the code works with, and raises ValueError with what to send.
    """

    name: str
    read: Callable[[Any], Any]


class _Default(enum.Enum):
    NONE = "there is none"


REQUIRED = _Default.NONE
"""In place of a default: the field has to be sent."""


@dataclass(frozen=True)
class Field:
    """One field of a payload.

    Attributes:
        what: what it says, in words; after "send" also an error text.
        default: the value as read where the field is not sent; `REQUIRED` where it has to be.
        example: a value that could be sent.
    """

    name: str
    kind: Kind
    what: str
    default: Any = REQUIRED
    example: Any = None

    def read_from(self, payload: Mapping[str, Any]) -> Any:
        """The field's value, or its default.

        Raises:
            PayloadError: it is required and was not sent, or its value is not of its kind.
        """
        if self.name not in payload:
            if self.default is REQUIRED:
                raise PayloadError(f'send "{self.name}": {self.what}')
            return self.default
        try:
            return self.kind.read(payload[self.name])
        except ValueError as error:
            raise PayloadError(f'"{self.name}": {error}') from error


def read_action(payload: Any, names: Collection[str]) -> str:
    """Which of the actions `names` a payload asks for, in its field `action`.

    Raises:
        PayloadError: none, or one that does not exist.
    """
    known = ", ".join(names)
    if not isinstance(payload, Mapping) or "action" not in payload:
        raise PayloadError(f'send "action": one of {known}')
    action = payload["action"]
    if not isinstance(action, str) or action not in names:
        raise PayloadError(f"unknown action {action!r:.100}: send one of {known}")
    return action


def read_fields(
    payload: Mapping[str, Any], fields: Sequence[Field], what: str, *, beside: Collection[str] = ()
) -> dict[str, Any]:
    """The values of all fields, by name.

    Args:
        what: what takes these fields, for the error text.
        beside: other fields that the payload may have.

    Raises:
        PayloadError: a field is unknown, is missing, or has a value of another kind.
    """
    names = [*beside, *(field.name for field in fields)]
    if unknown := sorted(f'"{name!s:.50}"' for name in payload if name not in names):
        raise PayloadError(f"{what} takes no field {', '.join(unknown)[:500]}: send {', '.join(names)}")
    return {field.name: field.read_from(payload) for field in fields}


def _table(value: Any) -> TableRef:
    if not isinstance(value, str):
        raise PayloadError("send a table's name or ARN")
    return table_ref(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise PayloadError("send true or false")
    return value


def number(least: float, most: float) -> Kind:
    """A number within limits, read as a float."""
    name = f"number from {least:g} to {most:g}"

    def read(value: Any) -> float:
        # Python counts true and false among the numbers.
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise PayloadError(f"send a {name}")
        return float(value)

    return Kind(name, read)


def texts(of: str) -> Kind:
    """A list of texts.

    Args:
        of: what they are, in the plural.
    """
    name = f"list of {of}"

    def read(value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise PayloadError(f"send a {name}")
        return value

    return Kind(name, read)


def text(longest: int) -> Kind:
    """A text of at most so many characters."""
    name = f"text of at most {longest} characters"

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise PayloadError(f"send a {name}")
        return value

    return Kind(name, read)


def or_null(kind: Kind) -> Kind:
    """The same kind, or null."""
    return Kind(f"{kind.name}, or null", lambda value: None if value is None else kind.read(value))


TABLE = Kind("table name or ARN", _table)
"""Read as a `TableRef`; whether a function works in its region and account is not looked at."""

FLAG = Kind("true or false", _flag)
