"""What updates of the restore table cost: an update is paid by the size of its item
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_BYTES_PER_UNIT = 1024
_ASSIGNED = re.compile(r"(#\w+) (?:= (?:if_not_exists\(#\w+, )?)?(:\w+)")


class UpdateCosts:
    """The items that updates have made, by size alone, and the write units they took.

    Attributes:
        units: of all updates so far.
    """

    def __init__(self) -> None:
        self.units = 0
        self._items: dict[str, dict[str, int]] = {}

    def update(self, request: Mapping[str, Any]) -> None:
        """Count one UpdateItem of attributes that are set whole."""
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        item = self._items.setdefault(
            json.dumps(request["Key"]),
            {name: _size(name, value) for name, value in request["Key"].items()},
        )
        for alias, value in _ASSIGNED.findall(request["UpdateExpression"]):
            item[names[alias]] = _size(names[alias], values[value])
        self.units += math.ceil(sum(item.values()) / _BYTES_PER_UNIT)


def _size(name: str, value: Mapping[str, str]) -> int:
    """Bytes of an attribute
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)."""
    ((kind, text),) = value.items()
    inner = math.ceil(len(text.lstrip("-")) / 2) + 1 if kind == "N" else len(text.encode())
    return len(name.encode()) + inner
