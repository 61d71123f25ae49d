"""DynamoDB's data plane: the items of all tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.account.expressions import Item, UnknownExpressionError, holds, updated
from tests.unit.fakes import client_error

_PAGE_SIZE = 2


@dataclass
class Items:
    """Tables by name, each with the names of its key and its items."""

    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    items: dict[str, dict[str, Item]] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "GetItem": self._get,
            "PutItem": self._put,
            "DeleteItem": self._delete,
            "UpdateItem": self._update,
            "Query": self._query,
        }

    def make(self, table: str, *key: str) -> None:
        self.keys[table] = key
        self.items[table] = {}

    def put(self, table: str, item: Item) -> None:
        """Put an item without a call."""
        self.items[table][self._key(table, item)] = item

    def find(self, table: str, **key: str) -> Item | None:
        """An item by its key, without a call."""
        return self.items[table].get(self._key(table, {name: {"S": value} for name, value in key.items()}))

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if not parameters.get("ConsistentRead"):
            raise UnknownExpressionError("an eventually consistent read may miss what was just written")
        found = self._present(parameters, parameters["Key"])
        return {} if found is None else {"Item": found}

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._check("PutItem", parameters, parameters["Item"])
        self.put(parameters["TableName"], parameters["Item"])
        return {}

    def _delete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._check("DeleteItem", parameters, parameters["Key"])
        table = parameters["TableName"]
        self.items[table].pop(self._key(table, parameters["Key"]), None)
        return {}

    def _update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._check("UpdateItem", parameters, parameters["Key"])
        present = self._present(parameters, parameters["Key"]) or parameters["Key"]
        item = updated(parameters["UpdateExpression"], present, parameters)
        self.put(parameters["TableName"], item)
        return {"Attributes": item} if parameters.get("ReturnValues") == "ALL_NEW" else {}

    def _query(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        condition = parameters["KeyConditionExpression"]
        found = [
            (key, item)
            for key, item in sorted(self.items[parameters["TableName"]].items())
            if holds(condition, item, parameters)
        ]
        start = parameters.get("ExclusiveStartKey")
        after = "" if start is None else self._key(parameters["TableName"], start)
        rest = [(key, item) for key, item in found if key > after]
        page = [item for _, item in rest[:_PAGE_SIZE]]
        names = self.keys[parameters["TableName"]]
        more = {name: page[-1][name] for name in names} if len(rest) > _PAGE_SIZE else None
        # A filter is applied to a page that has been read.
        wanted = parameters.get("FilterExpression")
        shown = [item for item in page if wanted is None or holds(wanted, item, parameters)]
        answer: dict[str, Any] = {"Items": shown, "Count": len(shown), "ScannedCount": len(page)}
        return answer if more is None else {**answer, "LastEvaluatedKey": more}

    def _present(self, parameters: Mapping[str, Any], key: Item) -> Item | None:
        table = parameters["TableName"]
        if table not in self.items:
            raise client_error("GetItem", "ResourceNotFoundException", "Requested resource not found")
        return self.items[table].get(self._key(table, key))

    def _key(self, table: str, item: Item) -> str:
        return json.dumps([item[name] for name in self.keys[table]])

    def _check(self, operation: str, parameters: Mapping[str, Any], key: Item) -> None:
        present = self._present(parameters, key)
        condition = parameters.get("ConditionExpression")
        if condition is None or holds(condition, present or {}, parameters):
            return
        error = client_error(operation, "ConditionalCheckFailedException", "The conditional request failed")
        if parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and present is not None:
            error.response["Item"] = present  # type: ignore[typeddict-unknown-key]
        raise error
