"""The deployment with twelve change pipelines, three of which are used, and a writer for their tables.

A plugin of its own, for the reason that deployment.py gives.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.local.deployment import Stack
from tests.local.support import Deployment, plain
from tests.local_aws import LocalAws

TABLES = {"flow-images": "NEW_AND_OLD_IMAGES", "flow-keys": "KEYS_ONLY", "flow-old": "OLD_IMAGE"}
MORE_TABLES = [f"flow-more-{number}" for number in range(9)]
# Far more than anything here takes: a busy machine may take many times as long.
PATIENCE_SECONDS = 1200.0
# The operator function makes dozens of calls for an answer.
SECONDS_BETWEEN_ANSWERS = 1.0
_ITEMS_PER_WRITE = 25
IDLE = {"capture": "Disabled", "replay": "Disabled"}
"""The states of a pipeline's mappings while no restore owns it."""


@dataclass
class Flow:
    """The deployment with pipelines, and what a person does with its operator function."""

    aws: LocalAws
    deployment: Deployment
    terraform: Any
    last_cutover: datetime | None = None

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
            every=SECONDS_BETWEEN_ANSWERS,
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

        done = self._ask_for_cutover(table, "result", settle_seconds=1)
        self.last_cutover = datetime.now(UTC)
        assert self.ask("status", table)["state"] == "watching"
        assert "released" in self.ask("abandon", table)
        return done

    def refused(self, table: str) -> list[dict[str, str]]:
        """Why a cutover is refused, once it has settled."""

        found: list[dict[str, str]] = self._ask_for_cutover(table, "refused", settle_seconds=0)["refused"]
        return found

    def _ask_for_cutover(self, table: str, member: str, *, settle_seconds: int) -> dict[str, Any]:
        """The first answer to a cutover that has this member; asked again from when the one before said."""

        def answer() -> dict[str, Any] | None:
            found = self.ask("cutover", table, settle_seconds=settle_seconds)
            if "settling_until" in found:
                instant = datetime.fromisoformat(found["settling_until"])
                self.aws.wait_until(
                    lambda: datetime.now(UTC) >= instant or None,
                    timeout=PATIENCE_SECONDS,
                    what=f"{table} settled",
                    every=SECONDS_BETWEEN_ANSWERS,
                )
            return found if member in found else None

        return self.aws.wait_until(
            answer,
            timeout=PATIENCE_SECONDS,
            what=f"a cutover of {table} with its {member}",
            every=SECONDS_BETWEEN_ANSWERS,
        )


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


def restore_to_now(aws: LocalAws, source: str, target: str, *, polls: int = 1) -> None:
    """Restore to this instant: the tables here are younger than "the latest" restore point that AWS would take."""
    aws.restore(source, target, polls=polls, RestoreDateTime=datetime.now(UTC))


def nothing_runs(flow: Flow) -> None:
    """Check that no restore owns a pipeline, and that none reads or writes anything."""
    flow.deployment.wait_until_idle()
    for table in TABLES:
        assert flow.ask("status", table)["state"] == "idle"
        assert flow.mappings(table) == IDLE


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
