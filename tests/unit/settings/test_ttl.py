"""TTL: by which attribute, and never twice."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Difference, State, Step, Table
from dynamodb_restore.settings.ttl import TimeToLive
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws


def enable(clients: Clients, table: str, attribute: str, *, enabled: bool = True) -> None:
    clients.dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute}
    )


def test_ttl_is_carried_over(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    make_table(clients, "orders-restored")
    enable(clients, "orders", "expires")
    source, target = Table("orders", clients), Table("orders-restored", clients)
    carry_over(TimeToLive(), source, target)
    assert portable(TimeToLive(), target) == {"attribute": "expires"}
    assert carry_over(TimeToLive(), source, target) == Difference()


def test_ttl_that_was_switched_off_is_off(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    enable(clients, "orders", "expires")
    enable(clients, "orders", "expires", enabled=False)
    assert portable(TimeToLive(), Table("orders", clients)) == {"attribute": None}


def test_a_table_that_is_gone_raises(aws: Aws, clients: Clients) -> None:
    aws.fail("DescribeTimeToLive", "ResourceNotFoundException", "not found")
    with pytest.raises(clients.dynamodb.exceptions.ClientError, match="ResourceNotFoundException"):
        TimeToLive().read(Table("orders", clients))


@pytest.mark.parametrize(
    ("status", "expected"),
    [("ENABLED", "expires"), ("ENABLING", "expires"), ("DISABLING", None), ("DISABLED", None)],
)
def test_only_a_live_ttl_counts(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch, status: str, expected: str | None
) -> None:
    answer = {"TimeToLiveDescription": {"TimeToLiveStatus": status, "AttributeName": "expires"}}
    monkeypatch.setattr(aws, "answer", lambda *_: answer)
    assert portable(TimeToLive(), Table("orders", clients)) == {"attribute": expected}


CONFLICT = "TTL uses ttl on the target and expires on the source; the target's is kept"


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        ({"attribute": None}, {"attribute": None}, Difference()),
        ({"attribute": None}, {"attribute": "ttl"}, Difference()),
        ({"attribute": "ttl"}, {"attribute": "ttl"}, Difference()),
        (
            {"attribute": "expires"},
            {"attribute": None},
            Difference((Step("enable TTL by expires", {"attribute": "expires"}),)),
        ),
        ({"attribute": "expires"}, {"attribute": "ttl"}, Difference(conflicts=(CONFLICT,))),
    ],
)
def test_difference(desired: State, current: State, expected: Difference) -> None:
    assert TimeToLive().diff(desired, current) == expected
