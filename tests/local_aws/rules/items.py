"""Items, written and read in batches."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from .rule import Ask, Request, Response, Rule, Table


class Batches(Rule):
    """A batch has no item twice and not too many, and now and then a part of it is left undone.

    API reference, API_BatchWriteItem: up to 25 requests; "You try to perform multiple operations on the same
    item in the same BatchWriteItem request" rejects the whole; requests that fail "because the table's
    provisioned throughput is exceeded or an internal processing failure occurs" come back as
    `UnprocessedItems`. API_BatchGetItem: up to 100 keys, none twice; `UnprocessedKeys`. How AWS words the
    refusals was seen with Amazon's own engine.

    Only functions get something back undone, with a seeded probability: tests fill their tables in one go.
    """

    MOST: Mapping[str, int] = {"BatchWriteItem": 25, "BatchGetItem": 100}
    LEFT: Mapping[str, str] = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}

    def __init__(self, left_undone: float = 0.05, seed: int = 0) -> None:
        super().__init__()
        self.left_undone = left_undone
        self._seed = seed
        self._random = random.Random(seed)
        self._keys: dict[Table, tuple[str, ...]] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._keys.clear()
            self._random = random.Random(self._seed)

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.is_call("dynamodb", "DeleteTable"):
            with self._lock:
                self._keys.pop(request.table, None)
        if not request.is_call("dynamodb", *self.MOST):
            return None
        items: Mapping[str, Any] = request.parameters["RequestItems"]
        wanted = {table: _entries(asked) for table, asked in items.items()}
        count = sum(len(entries) for entries in wanted.values())
        if not 1 <= count <= self.MOST[request.operation]:
            return request.refuse(
                "ValidationException", f"Too many items requested for the {request.operation} call"
            )
        for table, entries in wanted.items():
            names = self._names(request, table, ask)
            found = [json.dumps([_attributes(entry).get(name) for name in names]) for entry in entries]
            if names and len(set(found)) != len(found):
                return request.refuse("ValidationException", "Provided list of item keys contains duplicates")
        if request.by_function and count > 1 and self._unlucky():
            return self._leave_the_last_undone(request, ask)
        return None

    def _unlucky(self) -> bool:
        with self._lock:
            return self._random.random() < self.left_undone

    def _names(self, request: Request, table: str, ask: Ask) -> tuple[str, ...]:
        """The key attributes of a table; none where there is no such table, which the emulator says itself."""
        place = (request.region, table)
        with self._lock:
            if place in self._keys:
                return self._keys[place]
        answer = ask("DescribeTable", {"TableName": table})
        if not answer.ok:
            return ()
        names = tuple(each["AttributeName"] for each in answer.json()["Table"]["KeySchema"])
        with self._lock:
            self._keys[place] = names
        return names

    def _leave_the_last_undone(self, request: Request, ask: Ask) -> Response | None:
        items: Mapping[str, Any] = request.parameters["RequestItems"]
        *others, last = items
        entries = _entries(items[last])
        left = _with_entries(items[last], entries[-1:])
        done = {table: items[table] for table in others}
        if len(entries) > 1:
            done[last] = _with_entries(items[last], entries[:-1])
        answer = ask(request.operation, {**request.parameters, "RequestItems": done})
        if not answer.ok:
            return None
        if answer.json().get(self.LEFT[request.operation]):
            return None  # the emulator leaves something undone by itself
        return answer.with_json({**answer.json(), self.LEFT[request.operation]: {last: left}})


def _entries(asked: Any) -> Sequence[Mapping[str, Any]]:
    """What is asked of one table: requests to write, or keys to read."""
    entries: Sequence[Mapping[str, Any]] = asked["Keys"] if isinstance(asked, Mapping) else asked
    return entries


def _with_entries(asked: Any, entries: Sequence[Mapping[str, Any]]) -> Any:
    return {**asked, "Keys": entries} if isinstance(asked, Mapping) else entries


def _attributes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What names the item: it is in the item that is put, or the key itself."""
    if "PutRequest" in entry:
        item: Mapping[str, Any] = entry["PutRequest"]["Item"]
        return item
    key: Mapping[str, Any] = entry["DeleteRequest"]["Key"] if "DeleteRequest" in entry else entry
    return key
