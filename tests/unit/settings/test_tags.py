"""Tags: all but the reserved ones, none overwritten."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Difference, Step, Table
from dynamodb_restore.settings.tags import Tags
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, table_arn


@pytest.fixture
def source(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders")
    return Table("orders", clients)


@pytest.fixture
def target(aws: Aws, clients: Clients) -> Table:
    make_table(clients, "orders-restored")
    return Table("orders-restored", clients)


def tag(table: Table, **tags: str) -> None:
    table.clients.dynamodb.tag_resource(
        ResourceArn=table_arn(table.name), Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )


def test_all_pages_of_tags_are_carried_over(source: Table, target: Table, aws: Aws) -> None:
    expected = {f"tag-{number:02d}": f"value {number}" for number in range(25)}
    tag(source, **expected)
    carry_over(Tags(), source, target)
    assert portable(Tags(), target) == {"tags": expected}
    assert len(aws.named("TagResource")) == 2


def test_reserved_tags_stay_behind_in_either_case(source: Table, target: Table, aws: Aws) -> None:
    # Only AWS itself can have put them there.
    aws.rules.table_tags.enabled = False
    tag(source, **{"aws:cloudformation:stack-name": "orders", "AWS:odd": "x", "awsome": "kept", "team": ""})
    aws.rules.table_tags.enabled = True
    carry_over(Tags(), source, target)
    assert portable(Tags(), target) == {"tags": {"awsome": "kept", "team": ""}}


def test_a_table_without_tags_needs_nothing(source: Table, target: Table) -> None:
    assert carry_over(Tags(), source, target) == Difference()


def test_the_target_keeps_its_own(source: Table, target: Table) -> None:
    tag(source, team="checkout", stage="prod")
    tag(target, team="platform", restored="yes")
    difference = carry_over(Tags(), source, target)
    assert difference.conflicts == (
        "tag team is 'platform' on the target and 'checkout' on the source; the target's is kept",
    )
    assert portable(Tags(), target) == {"tags": {"restored": "yes", "stage": "prod", "team": "platform"}}


def test_what_does_not_fit_is_reported() -> None:
    desired = {"tags": {f"tag-{number:02d}": "x" for number in range(50)}}
    current = {"tags": {f"own-{number:02d}": "x" for number in range(48)}}
    difference = Tags().diff(desired, current)
    assert difference.steps == (
        Step("add tags tag-00=x, tag-01=x", {"tags": {"tag-00": "x", "tag-01": "x"}}),
    )
    assert len(difference.omitted) == 48
    assert difference.omitted[0] == "tag tag-02 does not fit: a table takes 50 tags"


def test_a_full_target_gets_no_empty_call() -> None:
    difference = Tags().diff(
        {"tags": {"team": "x"}}, {"tags": {f"own-{number}": "x" for number in range(50)}}
    )
    assert difference.steps == ()
    assert difference.omitted == ("tag team does not fit: a table takes 50 tags",)
