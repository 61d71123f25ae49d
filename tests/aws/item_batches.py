"""DynamoDB's calls on many items at once: batches and transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.attributes import Item
from tests.aws.errors import client_error, error_code
from tests.aws.items import Items, demand_consistency, invalid, read_units

_MOST_WRITES = 25
_MOST_READS = 100
_MOST_IN_TRANSACTION = 100
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


@dataclass
class ItemBatches:
    """No key twice, and what is wrong with one request is wrong with all; what is left unprocessed is AWS's choice."""

    items: Items

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact_write,
        }

    def _batch_get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked: list[tuple[str, str, Item]] = []
        for name, request in parameters["RequestItems"].items():
            demand_consistency(request)
            table = self.items.table("BatchGetItem", {"TableName": name})
            asked += [(name, self.items.key("BatchGetItem", table, key), key) for key in request["Keys"]]
        _check_batch("BatchGetItem", [(name, key) for name, key, _ in asked], _MOST_READS)
        now, later = self.items.choices.processed(asked)
        found: dict[str, list[Item]] = {name: [] for name in parameters["RequestItems"]}
        for name, key, _ in now:
            table = self.items.tables[name]
            table.read_units += read_units(table.size(key))
            if key in table.items:
                found[name].append(table.items[key])
        left: dict[str, Any] = {}
        for name, _, attributes in later:
            request = {**parameters["RequestItems"][name], "Keys": []}
            left.setdefault(name, request)["Keys"].append(attributes)
        return {
            "Responses": {name: self.items.choices.shuffled(items) for name, items in found.items()},
            "UnprocessedKeys": left,
        }

    def _batch_write(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One bad request fails its whole batch
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html)."""
        asked: list[tuple[str, str, Mapping[str, Any], int]] = []
        for name, requests in parameters["RequestItems"].items():
            table = self.items.table("BatchWriteItem", {"TableName": name})
            for request in requests:
                size = 0
                if "PutRequest" in request:
                    size = self.items.check_item("BatchWriteItem", table, request["PutRequest"]["Item"])
                    key = table.schema.key_of(request["PutRequest"]["Item"])
                else:
                    key = self.items.key("BatchWriteItem", table, request["DeleteRequest"]["Key"])
                asked.append((name, key, request, size))
        _check_batch("BatchWriteItem", [(name, key) for name, key, *_ in asked], _MOST_WRITES)
        now, later = self.items.choices.processed(asked)
        for name, key, request, size in now:
            item = request["PutRequest"]["Item"] if "PutRequest" in request else None
            self.items.write_for_units(name, key, item, size)
        left: dict[str, list[Any]] = {}
        for name, _, request, _ in later:
            left.setdefault(name, []).append(request)
        return {"UnprocessedItems": left}

    def _transact_write(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """All or nothing; each write costs twice
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""
        operation = "TransactWriteItems"
        writes: list[tuple[str, str, Item | None, int, bool]] = []
        reasons: list[dict[str, Any]] = []
        for entry in parameters["TransactItems"]:
            ((kind, request),) = entry.items()
            table = self.items.table(operation, request)
            key = self.items.key(
                operation, table, table.schema.key_attributes(request.get("Key") or request["Item"])
            )
            reasons.append({"Code": "None"})
            try:
                self.items.check(operation, table, key, request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                reasons[-1] = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
                continue
            item, size = None, 0
            if kind == "Put":
                item, size = request["Item"], self.items.check_item(operation, table, request["Item"])
            elif kind == "Update":
                item, size = self.items.updated(operation, table, key, request)
            writes.append((request["TableName"], key, item, size, kind != "ConditionCheck"))
        if any(reason["Code"] != "None" for reason in reasons):
            codes = ", ".join(reason["Code"] for reason in reasons)
            cancelled = client_error(
                operation,
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            )
            cancelled.response["CancellationReasons"] = reasons  # type: ignore[typeddict-item]
            raise cancelled
        _check_batch(operation, [(name, key) for name, key, *_ in writes], _MOST_IN_TRANSACTION)
        for name, key, item, size, changes in writes:
            if changes:
                units = self.items.write_for_units(name, key, item, size)
                self.items.tables[name].write_units += units
        return {}


def _check_batch(operation: str, keys: Sequence[tuple[str, str]], most: int) -> None:
    if not 1 <= len(keys) <= most:
        raise invalid(operation, f"Too many items requested for the {operation} call")
    if len(set(keys)) != len(keys):
        raise invalid(operation, "Provided list of item keys contains duplicates")
