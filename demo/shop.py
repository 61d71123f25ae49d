"""The second act's source table, somebody who keeps writing to it, and a comparison of two tables' items."""

from __future__ import annotations

import contextlib
import random
import string
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from demo.deploy import DemoError
from tests.local_aws import LocalAws
from tests.local_aws.source_table import Estate

CARTS = 300
LARGE_CARTS = 6
PAUSE_SECONDS = 0.045
TTL_ATTRIBUTE = "expires_at"

Attributes = dict[str, Any]
Items = dict[str, Attributes]


def make_carts_table(aws: LocalAws, name: str, estate: Estate) -> None:
    """A table with a stream, items, and three settings that a replay must not meet: they wait for cutover."""
    clients = aws.clients()
    description = clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "cart", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "cart", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "team", "Value": "carts"}],
    )["TableDescription"]
    clients.dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    )
    clients.dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=estate.kinesis_stream_arn)
    clients.lambda_.create_event_source_mapping(
        EventSourceArn=description["LatestStreamArn"],
        FunctionName=estate.billing_function_arn,
        StartingPosition="LATEST",
        BatchSize=100,
    )


# --- a writer ---


class Writer:
    """Puts, updates and deletes carts in a thread, one change after the other, until it is told to stop.

    Numbers stay below 29 digits, to which ministack's stream cuts them.
    """

    def __init__(self, aws: LocalAws, table: str) -> None:
        self.made: Counter[str] = Counter()
        self.last_write = 0.0
        self._dynamodb = aws.clients(caller="shop").dynamodb
        self._table = table
        self._rng = random.Random(20261122)
        self._alive: set[int] = set()
        self._ever: set[int] = set()
        self._ended = threading.Event()
        self._failed = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def fill(self) -> None:
        """Put every cart once."""
        for number in range(CARTS):
            self._put(number)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write until the end of the block, or until `stop`."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def stop(self) -> None:
        """Let the change that is under way be the last one.

        Raises:
            DemoError: the writer could not write.
        """
        self._ended.set()
        self._thread.join()
        self.look_away(0)

    def look_away(self, seconds: float) -> None:
        """Let the writer write for a while.

        Raises:
            DemoError: it could not.
        """
        if self._failed.wait(seconds):
            raise DemoError(f"the writer could not write to {self._table}: {self._problem}")

    @property
    def changes(self) -> int:
        return sum(self.made.values())

    @property
    def deleted(self) -> set[str]:
        """The items that were there and are deleted now."""
        return {_name(_key(number)) for number in self._ever - self._alive}

    def _run(self) -> None:
        try:
            while not self._ended.wait(PAUSE_SECONDS):
                self._change()
        except (ClientError, BotoCoreError) as error:
            self._problem = error
            self._failed.set()

    def _change(self) -> None:
        # Some carts are written much more often than others.
        number = self._rng.randrange(CARTS) if self._rng.random() < 0.8 else self._rng.randrange(20)
        if number < LARGE_CARTS and self._rng.random() < 0.7:
            number += LARGE_CARTS
        what = self._rng.random()
        if number not in self._alive or what < 0.4:
            self._put(number)
        elif what < 0.85:
            self._update(number)
        else:
            self._delete(number)
        self.last_write = time.monotonic()

    def _put(self, number: int) -> None:
        item = {**_key(number), **_cart(number, self._rng)}
        self._dynamodb.put_item(TableName=self._table, Item=item)
        self._alive.add(number)
        self._ever.add(number)
        self.made["puts"] += 1

    def _update(self, number: int) -> None:
        rng = self._rng
        places: Attributes = {"#revision": "revision", "#note": "note"}
        values: Attributes = {":one": {"N": "1"}}
        settings, additions = [], ["#revision :one"]
        if "binary" in _contents(number):
            places["#photo"], values[":photo"] = "photo", {"B": rng.randbytes(200)}
            settings.append("#photo = :photo")
        if "nested" in _contents(number):
            places |= {"#shipping": "shipping", "#lines": "lines"}
            values[":line"] = {"S": _text(rng, 30)}
            settings.append("#shipping.#lines[0] = :line")
        if "sets" in _contents(number):
            places["#coupons"], values[":coupons"] = "coupons", {"SS": [_text(rng, 8)]}
            additions.append("#coupons :coupons")
        setting = f"SET {', '.join(settings)} " if settings else ""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(number),
            UpdateExpression=f"{setting}REMOVE #note ADD {', '.join(additions)}",
            ExpressionAttributeNames=places,
            ExpressionAttributeValues=values,
        )
        self.made["updates"] += 1

    def _delete(self, number: int) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key=_key(number))
        self._alive.discard(number)
        self.made["deletes"] += 1


def _key(number: int) -> Attributes:
    return {"cart": {"S": f"cart-{number // 3}"}, "line": {"N": str(number)}}


def _contents(number: int) -> set[str]:
    """What is in a cart beside plain values: in every fourth one everything."""
    everything = ("binary", "sets", "nested")
    return {everything[number % 4 - 1]} if number % 4 else set(everything)


def _cart(number: int, rng: random.Random) -> Attributes:
    """An item; all carts together have all ten attribute types."""
    contents = _contents(number)
    item: Attributes = {
        "revision": {"N": "1"},
        "total": {"N": f"{rng.randrange(1000)}.{rng.randrange(10)}{rng.randrange(1, 10)}"},
        "note": {"S": _text(rng, 40)},
        "paid": {"BOOL": rng.random() < 0.5},
        "gift": {"NULL": True},
        TTL_ATTRIBUTE: {"N": "4102444800"},
    }
    if "binary" in contents:
        item["photo"] = {"B": rng.randbytes(200)}
    if "sets" in contents:
        item["coupons"] = {"SS": [_text(rng, 8), _text(rng, 9)]}
        item["sizes"] = {"NS": [str(size) for size in rng.sample(range(34, 50), 3)]}
        item["tokens"] = {"BS": [rng.randbytes(16), rng.randbytes(16)]}
    if "nested" in contents:
        item["shipping"] = {"M": {"lines": {"L": [{"S": _text(rng, 30)}, {"M": {"tried": {"NULL": True}}}]}}}
    if number < LARGE_CARTS and number % 2:
        # Does not compress, and so may be too large for a message: it travels as its key then.
        item["scan"] = {"B": rng.randbytes(rng.randrange(120_000, 290_000))}
    elif number < LARGE_CARTS:
        entry = {"M": {"text": {"S": _text(rng, 100) * 20}, "page": {"N": str(number)}}}
        item["history"] = {"L": [entry] * rng.randrange(60, 120)}
    return item


def _text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase + " éß€", k=length))


# --- comparing ---


def read_items(clients: Any, table: str) -> Items:
    """Every item of a table, by its key."""
    pages = clients.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {_name(item): item for page in pages for item in page["Items"]}


@dataclass(frozen=True)
class Comparison:
    """Items of two tables side by side: those of `source` that `target` has equal, changed or not at all."""

    equal: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, source: Items, target: Items) -> Comparison:
        common = source.keys() & target.keys()
        equal = {name for name in common if _canonical(source[name]) == _canonical(target[name])}
        return cls(equal, common - equal, source.keys() - target.keys(), target.keys() - source.keys())

    @property
    def same(self) -> bool:
        return not (self.changed or self.missing or self.extra)

    def cells(self, names: set[str]) -> list[str]:
        """What became of some of the items, for a column."""
        found = {
            "equal": self.equal & names,
            "different": self.changed & names,
            "missing": self.missing & names,
            "deleted in source": self.extra & names,
        }
        return [f"{len(items):>4} {what}" for what, items in found.items() if items or what == "equal"]


KINDS: Mapping[str, Callable[[Attributes], bool]] = {
    "binary": lambda item: _has(item, "B", "BS"),
    "sets": lambda item: _has(item, "SS", "NS", "BS"),
    "nested": lambda item: _has(item, "M", "L"),
    "over 100 KB": lambda item: size(item) > 100_000,
}
"""What is hard to carry, and which items have it."""


def size(value: Any) -> int:
    """About the bytes of a value or an item."""
    match value:
        case dict():
            return sum(len(name) + size(inner) for name, inner in value.items())
        case list():
            return sum(size(inner) for inner in value)
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case _:
            return 1


def _has(item: Attributes, *types: str) -> bool:
    return any(kind in types for value in item.values() for kind in value)


def _name(item: Mapping[str, Any]) -> str:
    return f"{item['cart']['S']}/{item['line']['N']}"


def _canonical(value: Any) -> Any:
    """A value in which what DynamoDB holds as equal is equal: sets have no order, numbers no form."""
    if not isinstance(value, dict):
        return [_canonical(inner) for inner in value] if isinstance(value, list) else value
    canonical: Attributes = {}
    for name, inner in value.items():
        match name, inner:
            case "N", str():
                canonical[name] = Decimal(inner)
            case "NS", [*numbers]:
                canonical[name] = sorted(Decimal(number) for number in numbers)
            case (("SS" | "BS"), [*members]):
                canonical[name] = sorted(members)
            case _:
                canonical[name] = _canonical(inner)
    return canonical
