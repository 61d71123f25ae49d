"""Three doors to one account: whatever a function does through one of them, it could do through the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from dynamodb_restore.aws import Clients, error_code
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from tests.aws.account import Account
from tests.aws.botocore_door import BotocoreDoor
from tests.aws.direct_door import DirectClients
from tests.aws.errors import UnknownCallError
from tests.aws.hazards import Fault, Mode, at
from tests.aws.http_door import HttpDoor
from tests.aws.names import REGION, queue_url
from tests.aws.wire import Wire


@contextmanager
def botocore_clients(wire: Wire) -> Iterator[Clients]:
    door = BotocoreDoor()
    wire.checks_answers = True
    with door.opened(), door.to(wire):
        yield Clients(REGION)


@contextmanager
def direct_clients(wire: Wire) -> Iterator[Clients]:
    yield DirectClients(wire)


@contextmanager
def http_clients(wire: Wire) -> Iterator[Clients]:
    yield HttpDoor(wire).clients()


DOORS = pytest.mark.parametrize("door", [botocore_clients, direct_clients, http_clients])


@pytest.fixture
def wire(account: Account) -> Wire:
    account.items.make("restores", pk="S", sk="S")
    account.items.make("blobs", id="B")
    account.queues.make("changes.fifo")
    return Wire(account)


@DOORS
def test_the_stores_work_through_each_door(wire: Wire, door: Any) -> None:
    with door(wire) as clients:
        assert clients.region == REGION
        progress = ProgressStore(clients, "restores", "orders", "buffer-1")
        for sequence in (5, 9, 7):
            ahead = {0: Position(sequence, 100 + sequence), 1: Position(6, 100)}
            progress.advance(Side.CAPTURED, ahead, changes=2, since=sequence)
        assert progress.read(Side.CAPTURED).positions == {0: Position(9, 109), 1: Position(6, 100)}
        quarantine = Quarantine(clients, "restores", "restore-1")
        for number in range(5):
            key = {"id": {"S": str(number)}}
            quarantine.add(Change(Kind.DELETE, key, None, str(number), 100), "wrong type")
        assert {item.key["id"]["S"] for item in quarantine.items()} == set("01234")


@DOORS
def test_binary_messages_and_refusals_pass_each_door(wire: Wire, door: Any) -> None:
    item: dict[str, Any] = {"id": {"B": b"\xff\x00"}, "inner": {"L": [{"M": {"blob": {"BS": [b"\x01"]}}}]}}
    with door(wire) as clients:
        clients.dynamodb.put_item(TableName="blobs", Item=item)
        key = {"id": item["id"]}
        found = clients.dynamodb.get_item(TableName="blobs", Key=key, ConsistentRead=True)
        assert found["Item"] == item
        with pytest.raises(ClientError) as raised:
            clients.dynamodb.put_item(
                TableName="blobs",
                Item=key,
                ConditionExpression="attribute_not_exists(id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        assert error_code(raised.value) == "ConditionalCheckFailedException"
        assert raised.value.response["Item"] == item  # type: ignore[typeddict-item]
        url = queue_url("changes.fifo")
        sent = clients.sqs.send_message(
            QueueUrl=url, MessageBody="hello", MessageGroupId="1", MessageDeduplicationId="1"
        )
        attributes = clients.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
    assert attributes["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    (message,) = wire.account.queues.queues[url].messages.values()
    assert (sent["MessageId"], sent["SequenceNumber"]) == (message.message_id, str(message.sequence))
    assert wire.account.items.tables["blobs"].items == {"id=ff00": item}


@DOORS
def test_faults_reach_the_caller_through_each_door(wire: Wire, door: Any) -> None:
    wire.hazards.append(at(0, Mode.ANSWER_LOST))
    with door(wire) as clients, wire.invocation(), pytest.raises(ClientError) as raised:
        clients.dynamodb.put_item(TableName="blobs", Item={"id": {"B": b"a"}})
    assert error_code(raised.value) == "InternalServerError"
    assert len(wire.account.items.tables["blobs"].items) == 1


def test_botocores_door_refuses_what_botocore_refuses(wire: Wire) -> None:
    with botocore_clients(wire) as clients, pytest.raises(ParamValidationError):
        clients.dynamodb.put_item(TableName="blobs", Item={"id": {"B": 5}})
    assert wire.calls == []


def test_botocores_door_tells_an_answer_that_aws_would_not_give(wire: Wire) -> None:
    wire.account.messaging.events.clear()
    wire.account.tables.tables.clear()
    wire.account.tables.make("orders", wire.account.clock.instant(), on_demand=True)
    wire.account.tables.tables["orders"].description["ItemCount"] = "many"
    with botocore_clients(wire) as clients, pytest.raises(UnknownCallError, match="ItemCount"):
        clients.dynamodb.describe_table(TableName="orders")


def test_what_passes_botocores_door_belongs_to_one_side_only(wire: Wire) -> None:
    item: dict[str, Any] = {"id": {"B": b"a"}, "map": {"M": {"n": {"N": "1"}}}}
    with botocore_clients(wire) as clients:
        clients.dynamodb.put_item(TableName="blobs", Item=item)
        item["map"]["M"].clear()
        asked: dict[str, Any] = {"TableName": "blobs", "Key": {"id": {"B": b"a"}}, "ConsistentRead": True}
        found: Any = clients.dynamodb.get_item(**asked)["Item"]
        found["map"]["M"]["n"]["N"] = "2"
        assert clients.dynamodb.get_item(**asked)["Item"]["map"] == {"M": {"n": {"N": "1"}}}


@pytest.mark.parametrize(("retries", "calls"), [(False, 1), (True, 2)])
def test_a_clients_own_attempts_are_modelled_where_they_are_wanted(
    wire: Wire, retries: bool, calls: int
) -> None:
    wire.hazards.append(at(0, Mode.THROTTLED))
    door = BotocoreDoor(retries=retries)
    with door.opened(), door.to(wire), wire.invocation():
        clients = Clients(REGION)
        try:
            clients.dynamodb.put_item(TableName="blobs", Item={"id": {"B": b"a"}})
        except ClientError:
            assert not retries
    assert len(wire.calls) == calls


def test_the_http_door_counts_and_takes_its_time(wire: Wire) -> None:
    door = HttpDoor(wire, seconds_per_call=0.02)
    clients = door.clients()
    began = time.perf_counter()
    for _ in range(3):
        clients.dynamodb.put_item(TableName="blobs", Item={"id": {"B": b"a"}})
    assert time.perf_counter() - began >= 0.06
    assert door.calls == {"PutItem": 3}
    assert door.bytes_sent == 3 * len('{"TableName": "blobs", "Item": {"id": {"B": "YQ=="}}}')
    assert 0 < door.cpu_seconds < time.process_time()


def test_the_direct_door_knows_no_other_calls(wire: Wire) -> None:
    clients = DirectClients(wire)
    with pytest.raises(UnknownCallError):
        clients.dynamodb.create_global_table(GlobalTableName="orders", ReplicationGroup=[])


@pytest.mark.parametrize("name", ["dynamodb_once", "sqs_once", "lambda_invoking"])
def test_clients_of_one_attempt_make_one_whatever_the_others_do(wire: Wire, name: str) -> None:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "dynamodb_once": ("get_item", {"TableName": "restores", "Key": {}, "ConsistentRead": True}),
        "sqs_once": ("purge_queue", {"QueueUrl": queue_url("changes.fifo")}),
        "lambda_invoking": ("invoke", {"FunctionName": "f", "Payload": b"{}"}),
    }
    method, parameters = calls[name]
    wire.hazards.append(lambda _: Fault(Mode.THROTTLED))
    clients = DirectClients(wire, attempts=3)
    with wire.invocation(), pytest.raises(ClientError):
        getattr(getattr(clients, name), method)(**parameters)
    assert len(wire.calls) == 1
