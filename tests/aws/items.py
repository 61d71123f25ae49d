"""DynamoDB's data plane: the items of all tables, and what reading and writing them costs."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tests.aws.attributes import Item, Schema, size_of
from tests.aws.choices import Choices
from tests.aws.errors import UnknownCallError, client_error
from tests.aws.expressions import InvalidExpressionError, check_placeholders, condition, update

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_LARGEST_ITEM = 400 * 1024
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_WRITE_UNIT = 1024
_READ_UNIT = 4096
"""Bytes (docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)."""

_CONDITIONS = ("ConditionExpression", "KeyConditionExpression", "FilterExpression")


class InconsistentReadError(BaseException):
    """An eventually consistent read may miss what was just written: nothing here may build on one."""


class Write(NamedTuple):
    """One write into a table: what the item with this key was and is; None where there is none."""

    key: str
    old: Item | None
    new: Item | None


@dataclass
class Table:
    """One table's items by their key's text.

    Attributes:
        log: every write, in order, where somebody wants to know; None where nobody does.
        read_units, write_units: what all calls have consumed.
    """

    schema: Schema
    items: dict[str, Item] = field(default_factory=dict)
    log: list[Write] | None = None
    read_units: float = 0.0
    write_units: float = 0.0
    sizes: dict[str, int] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Items are never changed in place, so that a copy can have the same ones."""
        log = None if self.log is None else list(self.log)
        return type(self)(
            self.schema, dict(self.items), log, self.read_units, self.write_units, dict(self.sizes)
        )

    def size(self, key: str) -> int:
        """Bytes of an item; 0 where there is none."""
        if key not in self.items:
            return 0
        if key not in self.sizes:
            self.sizes[key] = size_of(self.items[key])
        return self.sizes[key]


@dataclass
class Items:
    """All tables by name.

    Attributes:
        page_size: how many items Query and Scan look at for one page.
        exists: whether the control plane knows a table as one that can be used.
        written: told of each write: the table's name, its schema, the write, whether time to live made it.
    """

    choices: Choices = field(default_factory=Choices)
    tables: dict[str, Table] = field(default_factory=dict)
    page_size: int = 2
    exists: Callable[[str], bool] = field(default=lambda _: True)
    written: Callable[[str, Schema, Write, bool], None] = field(default=lambda *_: None)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "GetItem": self._get,
            "PutItem": self._put,
            "DeleteItem": self._delete,
            "UpdateItem": self._update,
            "Query": self._query,
            "Scan": self._scan,
        }

    # Without a call ---------------------------------------------------------------------------------------------------

    def make(self, table: str, *, indexed: Mapping[str, str] | None = None, **key: str) -> Table:
        """Make an empty table.

        Args:
            indexed: attributes that are keys of indexes, with their types.
            key: the key's attributes, partition key first, with their types (`id="S"`).
        """
        made = self.tables[table] = Table(Schema(key, indexed or {}))
        return made

    def put(self, table: str, item: Item) -> None:
        self._write(table, self.tables[table].schema.key_of(item), item)

    def remove(self, table: str, key: Item, *, by_time_to_live: bool = False) -> None:
        self._write(table, self.tables[table].schema.key_of(key), None, by_time_to_live=by_time_to_live)

    def find(self, table: str, **key: str) -> Item | None:
        """An item by a key of texts."""
        found = self.tables[table]
        return found.items.get(found.schema.key_of({name: {"S": value} for name, value in key.items()}))

    # One item -----------------------------------------------------------------------------------------------------------

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        demand_consistency(parameters)
        table = self.table("GetItem", parameters)
        key = self.key("GetItem", table, parameters["Key"])
        units = read_units(table.size(key))
        table.read_units += units
        found = table.items.get(key)
        return _costing(parameters, units, {} if found is None else {"Item": found})

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table("PutItem", parameters)
        item = parameters["Item"]
        size = self.check_item("PutItem", table, item)
        return self._write_one("PutItem", parameters, table.schema.key_of(item), item, size)

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table("DeleteItem", parameters)
        key = self.key("DeleteItem", table, parameters["Key"])
        return self._write_one("DeleteItem", parameters, key, None, 0)

    def _update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table("UpdateItem", parameters)
        key = self.key("UpdateItem", table, parameters["Key"])
        self.check("UpdateItem", table, key, parameters)
        item, size = self.updated("UpdateItem", table, key, parameters)
        return self._write_one("UpdateItem", parameters, key, item, size, checked=True)

    def updated(
        self, operation: str, table: Table, key: str, parameters: Mapping[str, Any]
    ) -> tuple[Item, int]:
        """What an update makes of an item, and its size."""
        expression = update(parameters["UpdateExpression"])
        if part := expression.touches(parameters) & table.schema.key.keys():
            raise invalid(
                operation, f"Cannot update attribute {min(part)}. This attribute is part of the key"
            )
        try:
            item = expression.applied(table.items.get(key) or parameters["Key"], parameters)
        except InvalidExpressionError as error:
            raise invalid(operation, str(error)) from error
        return item, self.check_item(operation, table, item)

    def _write_one(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        key: str,
        item: Item | None,
        size: int,
        *,
        checked: bool = False,
    ) -> dict[str, Any]:
        name = parameters["TableName"]
        table = self.tables[name]
        if not checked:
            self.check(operation, table, key, parameters)
        old = table.items.get(key)
        units = self.write_for_units(name, key, item, size)
        returned = {"ALL_OLD": old, "ALL_NEW": item, "NONE": None}
        wanted = parameters.get("ReturnValues", "NONE")
        if wanted not in returned:
            raise UnknownCallError(f"{operation} with ReturnValues={wanted}")
        return _costing(
            parameters, units, {} if returned[wanted] is None else {"Attributes": returned[wanted]}
        )

    # Pages --------------------------------------------------------------------------------------------------------------

    def _query(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        demand_consistency(parameters)
        table = self.table("Query", parameters)
        self._placeholders("Query", parameters)
        wanted = condition(parameters["KeyConditionExpression"])
        found = [(key, item) for key, item in table.items.items() if wanted.holds(item, parameters)]
        schema = table.schema
        if len(schema.key) > 1:
            found.sort(
                key=lambda entry: schema.sort_value(entry[1]),
                reverse=not parameters.get("ScanIndexForward", True),
            )
        return self._page(table, found, parameters)

    def _scan(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """All items in an order of their keys that is the same for all tables, cut into segments."""
        demand_consistency(parameters)
        table = self.table("Scan", parameters)
        self._placeholders("Scan", parameters)
        segment, segments = parameters.get("Segment", 0), parameters.get("TotalSegments", 1)
        places = {key: zlib.crc32(key.encode()) for key in table.items}
        found = [
            (key, table.items[key])
            for key in sorted(places, key=lambda key: (places[key], key))
            if places[key] * segments >> 32 == segment
        ]
        return self._page(table, found, parameters)

    def _page(
        self, table: Table, found: Sequence[tuple[str, Item]], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The items after the start key. A filter is applied to a page that has been read."""
        begin = 0
        if start := parameters.get("ExclusiveStartKey"):
            begin = 1 + [key for key, _ in found].index(table.schema.key_of(start))
        page = found[begin : begin + min(self.page_size, parameters.get("Limit", self.page_size))]
        text = parameters.get("FilterExpression")
        shown = [item for _, item in page if text is None or condition(text).holds(item, parameters)]
        units = read_units(sum(table.size(key) for key, _ in page))
        table.read_units += units
        answer: dict[str, Any] = {"Items": shown, "Count": len(shown), "ScannedCount": len(page)}
        if begin + len(page) < len(found):
            answer["LastEvaluatedKey"] = table.schema.key_attributes(page[-1][1])
        return _costing(parameters, units, answer)

    # Rules --------------------------------------------------------------------------------------------------------------

    def _write(self, name: str, key: str, item: Item | None, *, by_time_to_live: bool = False) -> None:
        table = self.tables[name]
        write = Write(key, table.items.get(key), item)
        table.sizes.pop(key, None)
        if item is None:
            table.items.pop(key, None)
        else:
            table.items[key] = item
        if table.log is not None:
            table.log.append(write)
        self.written(name, table.schema, write, by_time_to_live)

    def write_for_units(self, name: str, key: str, item: Item | None, size: int) -> float:
        """Write an item of a size, and return the units: of the larger of what was there and what is."""
        table = self.tables[name]
        units = float(max(1, math.ceil(max(table.size(key), size) / _WRITE_UNIT)))
        table.write_units += units
        self._write(name, key, item)
        if item is not None:
            table.sizes[key] = size
        return units

    def table(self, operation: str, parameters: Mapping[str, Any]) -> Table:
        name = parameters["TableName"]
        if name not in self.tables or not self.exists(name):
            raise client_error(operation, "ResourceNotFoundException", "Requested resource not found")
        return self.tables[name]

    def key(self, operation: str, table: Table, attributes: Item) -> str:
        key = table.schema.key_if_it_fits(attributes, exactly=True)
        if key is None:
            raise invalid(operation, "The provided key element does not match the schema")
        return key

    def check_item(self, operation: str, table: Table, item: Item) -> int:
        """Refuse what is no item of this table; returns its size."""
        if not table.schema.fits(item):
            raise invalid(
                operation,
                "One or more parameter values were invalid: Type mismatch for key, or a key is missing",
            )
        if mistyped := table.schema.mistyped(item):
            raise invalid(
                operation,
                f"One or more parameter values were invalid: Type mismatch for Index Key {mistyped}"
                f" Expected: {table.schema.indexed[mistyped]} Actual: {next(iter(item[mistyped]))}",
            )
        size = size_of(item)
        if size > _LARGEST_ITEM:
            raise invalid(operation, "Item size has exceeded the maximum allowed size")
        return size

    def _placeholders(self, operation: str, parameters: Mapping[str, Any]) -> None:
        try:
            conditions = tuple([parameters[name] for name in _CONDITIONS if name in parameters])
            updates = (parameters["UpdateExpression"],) if "UpdateExpression" in parameters else ()
            check_placeholders(parameters, conditions, updates)
        except InvalidExpressionError as error:
            raise invalid(operation, str(error)) from error

    def check(self, operation: str, table: Table, key: str, parameters: Mapping[str, Any]) -> None:
        """Look at the condition; one that does not hold costs what a write of the item would."""
        self._placeholders(operation, parameters)
        present = table.items.get(key)
        text = parameters.get("ConditionExpression")
        if text is None or condition(text).holds(present or {}, parameters):
            return
        table.write_units += max(1, math.ceil(table.size(key) / _WRITE_UNIT))
        error = client_error(operation, "ConditionalCheckFailedException", "The conditional request failed")
        if parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and present is not None:
            error.response["Item"] = present  # type: ignore[typeddict-unknown-key]
        raise error


def demand_consistency(parameters: Mapping[str, Any]) -> None:
    if not parameters.get("ConsistentRead"):
        raise InconsistentReadError(json.dumps(parameters, default=str))


def read_units(size: int) -> float:
    """Of a strongly consistent read; one that finds nothing costs one too."""
    return float(max(1, -(-size // _READ_UNIT)))


def _costing(parameters: Mapping[str, Any], units: float, answer: dict[str, Any]) -> dict[str, Any]:
    if parameters.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return answer
    return {**answer, "ConsumedCapacity": {"TableName": parameters["TableName"], "CapacityUnits": units}}


def invalid(operation: str, message: str) -> ClientError:
    return client_error(operation, "ValidationException", message)
