"""The deployment with twelve change pipelines, three of which are used, and a writer for their tables.

A plugin of its own, for the reason that deployment.py gives.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.local.deployment import Stack
from tests.local.support import Deployment, plain
from tests.local_aws import LocalAws

TABLES = {"flow-images": "NEW_AND_OLD_IMAGES", "flow-keys": "KEYS_ONLY", "flow-old": "OLD_IMAGE"}
MORE_TABLES = [f"flow-more-{number}" for number in range(9)]
PATIENCE_SECONDS = 240
_ITEMS_PER_WRITE = 25


@dataclass
class Flow:
    """The deployment with pipelines, and what a person does with its operator function."""

    aws: LocalAws
    deployment: Deployment
    terraform: Any

    def __post_init__(self) -> None:
        self.outputs = self.deployment.outputs

    def ask(self, action: str, table: str, **more: Any) -> dict[str, Any]:
        """Invoke the operator function."""
        payload = json.dumps({"action": action, "table": table, **more}).encode()
        answer = self.aws.clients().lambda_.invoke(
            FunctionName=self.outputs["operator"]["function"]["name"], Payload=payload
        )
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") is None, result
        return result

    def mappings(self, table: str) -> dict[str, str]:
        """The states of the capture and the replay mapping."""
        ids = self.outputs["change_pipelines"][table]["mappings"]
        lambda_ = self.aws.clients().lambda_
        return {name: lambda_.get_event_source_mapping(UUID=uuid)["State"] for name, uuid in ids.items()}

    def wait_until_replaying(self, table: str) -> None:
        self.aws.wait_until(
            lambda: self.ask("status", table)["state"] == "replaying" or None,
            timeout=PATIENCE_SECONDS,
            what=f"the replay of {table}",
        )

    def wait_for_state(self, target: str, state: str) -> dict[str, Any]:
        """The restore record of `target`, once it is in `state`."""

        def reached() -> dict[str, Any] | None:
            record = self.deployment.record(target)
            return record if record is not None and record["state"] == state else None

        record = self.aws.wait_until(reached, timeout=PATIENCE_SECONDS, what=f"{target} {state}")
        result: dict[str, Any] = plain(record["report"])
        return result

    def cut_over(self, table: str) -> dict[str, Any]:
        """Ask for cutover until it is done, as a person would who waits for the buffer to drain, and end the watch."""

        def report() -> dict[str, Any] | None:
            answer = self.ask("cutover", table, settle_seconds=1)
            return answer if "result" in answer else None

        done = self.aws.wait_until(report, timeout=PATIENCE_SECONDS, what=f"the cutover of {table}")
        assert self.ask("status", table)["state"] == "watching"
        assert "released" in self.ask("abandon", table)
        return done

    def refused(self, table: str) -> list[dict[str, str]]:
        """Why a cutover is refused, once it has settled."""

        def obstacles() -> list[dict[str, str]] | None:
            found: list[dict[str, str]] | None = self.ask("cutover", table, settle_seconds=0).get("refused")
            return found

        return self.aws.wait_until(obstacles, timeout=PATIENCE_SECONDS, what=f"the refusal for {table}")


@pytest.fixture(scope="session")
def tables_with_streams(aws: LocalAws) -> None:
    """The source tables, which exist before their pipelines."""
    for name, view_type in {**TABLES, **dict.fromkeys(MORE_TABLES, "NEW_AND_OLD_IMAGES")}.items():
        make_table(aws, name, view_type)
    aws.client("s3").create_bucket(Bucket="flow-failures")


@pytest.fixture(scope="session")
def flow(aws: LocalAws, stack: Stack) -> Flow:
    return Flow(aws, stack.pipelines, stack.terraform)


def make_table(aws: LocalAws, name: str, view_type: str | None = None) -> None:
    """A table that can be restored, with a string and a number as its key."""
    stream: dict[str, Any] = (
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view_type}} if view_type else {}
    )
    aws.clients().dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        **stream,
    )
    aws.clients().dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@dataclass
class Writer:
    """Makes seeded changes to a table: puts, updates and deletes, with hot keys, of all ten attribute types.

    Numbers have at most 29 digits and no trailing zeros: ministack's stream cuts others, and tests/reference
    shows them on Amazon's own engine.
    """

    aws: LocalAws
    table: str
    items: int
    rng: random.Random = field(default_factory=lambda: random.Random(20261122))

    def change(self, count: int) -> None:
        """Make `count` changes: one in ten an update, the rest in batches without a key twice."""
        dynamodb = self.aws.clients(caller="writer").dynamodb
        made = 0
        while made < count:
            requests: dict[int, Any] = {}
            for _ in range(min(_ITEMS_PER_WRITE, count - made)):
                # A third of all changes go to twenty hot items.
                number = self.rng.randrange(20 if self.rng.random() < 0.33 else self.items)
                requests[number] = self._request(number)
            dynamodb.batch_write_item(RequestItems={self.table: list(requests.values())})
            made += len(requests)
            for _ in range(min(3, count - made)):
                self._update(self.rng.randrange(self.items))
                made += 1

    def put_large(self, number: int) -> None:
        """An item of 381 KB, nested, that does not compress: it travels as its key."""
        item = {
            **_key(number),
            "pages": {"L": [{"M": {"text": {"B": self.rng.randbytes(12_000)}}} for _ in range(32)]},
        }
        self.aws.clients(caller="writer").dynamodb.put_item(TableName=self.table, Item=item)

    def _update(self, number: int) -> None:
        self.aws.clients(caller="writer").dynamodb.update_item(
            TableName=self.table,
            Key=_key(number),
            UpdateExpression="SET #status = :status ADD visits :one",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": self._text(12)}, ":one": {"N": "1"}},
        )

    def _request(self, number: int) -> dict[str, Any]:
        if self.rng.random() < 0.12:
            return {"DeleteRequest": {"Key": _key(number)}}
        return {"PutRequest": {"Item": {**_key(number), **self._attributes()}}}

    def _attributes(self) -> dict[str, Any]:
        rng = self.rng
        return {
            "status": {"S": self._text(12)},
            "visits": {"N": str(rng.randrange(1, 10**9))},
            "amount": {"N": f"{rng.randrange(10**6)}.{rng.randrange(10, 100) * 10 + 1}"},
            "payload": {"B": rng.randbytes(rng.randrange(1, 60))},
            "paid": {"BOOL": rng.random() < 0.5},
            "nothing": {"NULL": True},
            "labels": {"SS": sorted({self._text(5) for _ in range(3)})},
            "scores": {"NS": sorted({str(rng.randrange(1, 999)) for _ in range(3)})},
            "hashes": {"BS": sorted({rng.randbytes(8) for _ in range(2)})},
            "address": {"M": {"lines": {"L": [{"S": self._text(20)}, {"N": "7"}, {"B": b"\x00\xff"}]}}},
            "empty": {"S": ""},
        }

    def _text(self, length: int) -> str:
        return "".join(self.rng.choices("abcdefghijklmnopqrstuvwxyzäöü ", k=length))


def items_of(aws: LocalAws, table: str) -> dict[str, Any]:
    """All items of a table by key, with sets in one order."""
    pages = aws.observer().dynamodb.get_paginator("scan").paginate(TableName=table)
    return {
        f"{item['pk']['S']}/{item['sk']['N']}": _ordered(item) for page in pages for item in page["Items"]
    }


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(inner) if name in ("SS", "NS", "BS") and isinstance(inner, list) else _ordered(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_ordered(inner) for inner in value]
    return value


def _key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"customer-{number % 97}"}, "sk": {"N": str(number)}}
