"""A table's name inside other names: taken out to make a state portable, put back for another table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from dynamodb_restore.patterns import matches

_PLACEHOLDER = "${table}"
NAME_CHARACTER = "[A-Za-z0-9_.-]"

# A `${` of the text itself, which could be read as a placeholder: IAM policies and metric labels have such.
_OPENING, _ESCAPED_OPENING = "${", "${$}{"
_PLACEHOLDERS = re.compile(
    r"\$\{(?P<name>table|partition|region|account|stream)\}|" + re.escape(_ESCAPED_OPENING)
)


def without_table(text: str, table_name: str) -> str:
    """Put a placeholder where `text` names the table.

    Only whole names count: `table/orders` names `orders`, `table/orders-archive` does not.
    """
    whole_name = f"(?<!{NAME_CHARACTER}){re.escape(table_name)}(?!{NAME_CHARACTER})"

    def replacement(match: re.Match[str]) -> str:
        return _ESCAPED_OPENING if match[0] == _OPENING else _PLACEHOLDER

    return re.sub(f"{re.escape(_OPENING)}|{whole_name}", replacement, text)


def with_table(text: str, table_name: str) -> str:
    """Put the table's name where `without_table` left the placeholder."""
    return _filled(text, {"table": table_name})


def escaped(text: str) -> str:
    """Text that names no table, as `with_table` gives it back unchanged."""
    return text.replace(_OPENING, _ESCAPED_OPENING)


def names_table(portable: str) -> bool:
    """Whether `without_table` found the table's name."""
    return _PLACEHOLDER in portable


def naming_table(portable: str) -> str:
    """A name for the same thing of another table: with the table's name in it, or else behind it."""
    return portable if names_table(portable) else f"{portable} ({_PLACEHOLDER})"


def fitted(portable: str, table_name: str, longest: int) -> str:
    """`with_table`, cut to `longest` characters where it must be.

    What is cut ends in the fingerprint of the portable name, so that it stays the same for the same table, differs
    from other names that begin alike, and can be recognised by who knows the portable name.
    """
    name = with_table(portable, table_name)
    if len(name) <= longest:
        return name
    ending = f"~{fingerprint(portable)}"
    return name[: longest - len(ending)] + ending


def is_fitted(found: str, portable: str) -> bool:
    """Whether the portable form of what was found is `portable`, or what `fitted` makes of it where it cuts."""
    return found == portable or found.endswith(f"~{fingerprint(portable)}")


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _filled(text: str, values: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return _OPENING if match["name"] is None else values.get(match["name"], match[0])

    return _PLACEHOLDERS.sub(value, text)


def dimensions_without_table(value: Any, table_name: str) -> Any:
    """Put the placeholder into every metric dimension `TableName` inside `value` that names the table."""
    return _rename_dimensions(value, table_name, _PLACEHOLDER)


def dimensions_with_table(value: Any, table_name: str) -> Any:
    """Put the table's name into every metric dimension that `dimensions_without_table` changed."""
    return _rename_dimensions(value, _PLACEHOLDER, table_name)


def _rename_dimensions(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        if value.get("Name") == "TableName" and value.get("Value") == old:
            return {**value, "Value": new}
        return {key: _rename_dimensions(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename_dimensions(item, old, new) for item in value]
    return value


_TABLE_ARN = re.compile(
    r"arn:(?P<partition>[^:]*):dynamodb:(?P<region>[^:]*):(?P<account>[^:]*):table/(?P<name>[^/]*)(?P<inside>/.*)?",
    re.DOTALL,
)
_STREAM = "/stream/"
_STREAM_LABEL = "${stream}"


def arns_without_table(value: Any, table_arn: str, stream_arn: str | None) -> Any:
    """Put placeholders into every text inside `value` that is the ARN of the table or of something in it.

    That is the table itself, its indexes and its streams, one by one or by pattern (`…/index/*`). A part of the ARN
    that is a pattern itself (`arn:aws:dynamodb:*:…`) stays one; the table's name has to be there in full, so
    neither `table/orders-archive` nor `table/orders*` names `orders`. The label of the live stream becomes a
    placeholder too: another table's stream has another.
    """

    def portable(text: str) -> str:
        return _arn_without_table(text, table_arn, stream_arn)

    return _texts(value, portable)


def arns_with_table(value: Any, table_arn: str, stream_arn: str | None) -> Any:
    """Put the table's own parts where `arns_without_table` left the placeholders.

    Raises:
        ValueError: `value` names a table's live stream, and there is none.
    """
    table = _TABLE_ARN.fullmatch(table_arn)
    if table is None:
        raise ValueError(f"{table_arn!r} is not the ARN of a table")
    values = {
        "partition": table["partition"],
        "region": table["region"],
        "account": table["account"],
        "table": table["name"],
    }
    if stream_arn is not None:
        values["stream"] = stream_arn.partition(_STREAM)[2]

    def filled(text: str) -> str:
        if stream_arn is None and _STREAM_LABEL in text:
            raise ValueError("it names the table's stream, and the table has none")
        return _filled(text, values)

    return _texts(value, filled)


def names_live_stream(value: Any) -> bool:
    """Whether a text inside `value` names the live stream of the table that `arns_without_table` took out of it."""
    match value:
        case str():
            return _STREAM_LABEL in value
        case dict():
            return any(map(names_live_stream, value.values()))
        case list():
            return any(map(names_live_stream, value))
    return False


def _arn_without_table(text: str, table_arn: str, stream_arn: str | None) -> str:
    arn, table = _TABLE_ARN.fullmatch(text), _TABLE_ARN.fullmatch(table_arn)
    if arn is None or table is None or arn["name"] != table["name"]:
        return escaped(text)
    parts: dict[str, str] = {}
    for part in ("partition", "region", "account"):
        if arn[part] == table[part]:
            parts[part] = f"${{{part}}}"
        elif set("*?") & set(arn[part]) and matches(arn[part], table[part]):
            parts[part] = arn[part]
        else:
            return escaped(text)
    inside = arn["inside"] or ""
    if stream_arn is not None and inside == _STREAM + stream_arn.partition(_STREAM)[2]:
        inside = f"{_STREAM}{_STREAM_LABEL}"
    else:
        inside = escaped(inside)
    return (
        f"arn:{parts['partition']}:dynamodb:{parts['region']}:{parts['account']}:table/{_PLACEHOLDER}{inside}"
    )


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _texts(item, change) for key, item in value.items()}
        case list():
            return [_texts(item, change) for item in value]
    return value
