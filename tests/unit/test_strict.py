"""The AWS of the unit tests refuses what AWS refuses: the rules of the local AWS stand over moto."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Step, Table
from dynamodb_restore.settings.tags import Tags
from tests.unit.builders import make_table, portable
from tests.unit.fakes import Aws, table_arn


def set_tags(clients: Clients, names: range) -> None:
    tags: Any = [{"Key": f"tag-{name}", "Value": "x"} for name in names]
    clients.dynamodb.tag_resource(ResourceArn=table_arn("orders"), Tags=tags)


def put(name: str) -> Any:
    return {"PutRequest": {"Item": {"id": {"S": name}}}}


@pytest.fixture
def orders(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders")
    return Table("orders", clients)


def test_a_table_takes_fifty_tags(clients: Clients, orders: Table) -> None:
    set_tags(clients, range(48))
    with pytest.raises(ClientError, match="LimitExceededException"):
        set_tags(clients, range(48, 51))
    set_tags(clients, range(48, 50))


def test_the_code_under_test_sees_its_tags_late_and_all_pages_of_those_before(
    clients: Clients, orders: Table
) -> None:
    set_tags(clients, range(25))
    before = portable(Tags(), orders)
    Tags().apply(orders, Step("add a tag", {"tags": {"team": "checkout"}}))
    assert portable(Tags(), orders) == before
    assert len(portable(Tags(), orders)["tags"]) == 26


def test_an_item_is_in_a_batch_once(clients: Clients, orders: Table) -> None:
    with pytest.raises(ClientError, match="duplicates"):
        clients.dynamodb.batch_write_item(RequestItems={"orders": [put("1"), put("1")]})
    clients.dynamodb.batch_write_item(RequestItems={"orders": [put("1"), put("2")]})


def test_time_to_live_is_enabled_once(clients: Clients, orders: Table) -> None:
    wanted: Any = {"Enabled": True, "AttributeName": "expires"}
    clients.dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=wanted)
    with pytest.raises(ClientError, match="already enabled"):
        clients.dynamodb.update_time_to_live(TableName="orders", TimeToLiveSpecification=wanted)


def test_rules_can_be_switched_off(aws: Aws, clients: Clients, orders: Table) -> None:
    aws.rules.table_tags.enabled = False
    set_tags(clients, range(51))
