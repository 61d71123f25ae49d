"""A table's name inside other names: taken out to make a state portable, put back for another table."""

from __future__ import annotations

import re
from typing import Any

_PLACEHOLDER = "${table}"
_NAME_CHARACTER = "[A-Za-z0-9_.-]"


def without_table(text: str, table_name: str) -> str:
    """Put a placeholder where `text` names the table.

    Only whole names count: `table/orders` names `orders`, `table/orders-archive` does not.
    """
    whole_name = f"(?<!{_NAME_CHARACTER}){re.escape(table_name)}(?!{_NAME_CHARACTER})"
    return re.sub(whole_name, _PLACEHOLDER, text)


def with_table(text: str, table_name: str) -> str:
    """Put the table's name where `without_table` left the placeholder."""
    return text.replace(_PLACEHOLDER, table_name)


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
