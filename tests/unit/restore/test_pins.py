"""Which table an event is about, once a delivery has seen it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.pins import Pins
from tests.unit.builders import REQUESTED_AT, RESTORE_TABLE, make_restore_table
from tests.unit.fakes import Aws


@pytest.fixture
def pins(aws: Aws, clients: Clients) -> Pins:
    make_restore_table(clients)
    return Pins(clients, RESTORE_TABLE, timedelta(days=90))


def test_the_first_look_counts(pins: Pins) -> None:
    assert pins.get("event-1", "orders-restored") is None
    assert pins.pin("event-1", "orders-restored", "id-1", REQUESTED_AT) == "id-1"
    assert pins.pin("event-1", "orders-restored", "id-2", REQUESTED_AT) == "id-1"
    assert pins.get("event-1", "orders-restored") == "id-1"


def test_each_event_and_each_table_has_its_own(pins: Pins) -> None:
    pins.pin("event-1", "orders-restored", "id-1", REQUESTED_AT)
    assert pins.get("event-2", "orders-restored") is None
    assert pins.get("event-1", "orders") is None


def test_it_goes_when_the_record_goes(pins: Pins, clients: Clients) -> None:
    pins.pin("event-1", "orders-restored", "id-1", REQUESTED_AT)
    (item,) = clients.dynamodb.scan(TableName=RESTORE_TABLE)["Items"]
    assert item == {
        "pk": {"S": "event#event-1"},
        "sk": {"S": "target#orders-restored"},
        "target_id": {"S": "id-1"},
        "expires_at": {"N": str(int((REQUESTED_AT + timedelta(days=90)).timestamp()))},
    }


def test_any_other_error_is_raised(aws: Aws, pins: Pins) -> None:
    aws.fail("PutItem", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        pins.pin("event-1", "orders-restored", "id-1", REQUESTED_AT)
