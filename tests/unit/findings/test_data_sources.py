"""AppSync data sources whose table is the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.data_sources import DataSources
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from tests.aws.name_holders import NameHolders
from tests.unit.fakes import Aws, client_error
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET, Watch, time_left, up_after


def find(
    clients: Clients,
    enough: Callable[[], bool] = lambda: True,
    watch: Watch | None = None,
    source: TableId = SOURCE,
) -> list[Finding]:
    return list(DataSources().find(source, TARGET, clients, time_left(enough, watch)))


def names(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def test_data_sources_on_the_source_are_found_with_what_to_do(holders: NameHolders, clients: Clients) -> None:
    holders.add_data_source("shop", "orders", "orders")
    assert find(clients) == [
        Finding(
            "data_sources",
            "API shop (id-shop), data source orders",
            "reads and writes orders: set its table to orders-restored, which its role has to allow",
        )
    ]


@pytest.mark.parametrize(
    ("table", "more", "advice"),
    [
        (
            "customers",
            {"deltaSyncConfig": {"deltaSyncTableName": "orders", "baseTableTTL": 60}},
            "keeps the changes of its table in orders: set its delta sync table to orders-restored, which its role has to allow",
        ),
        (
            "orders",
            {"deltaSyncConfig": {"deltaSyncTableName": "orders"}},
            (
                "reads and writes orders: set its table to orders-restored; keeps the changes of its table in orders: "
                "set its delta sync table to orders-restored, which its role has to allow"
            ),
        ),
        ("orders-archive", {}, None),
        ("prod-orders", {}, None),
        ("orders", {"region": "eu-west-1"}, None),
        # It is as it has to be.
        ("orders-restored", {}, None),
    ],
)
def test_what_a_data_source_lacks(
    holders: NameHolders, clients: Clients, table: str, more: dict[str, Any], advice: str | None
) -> None:
    holders.add_data_source("shop", "table", table, **more)
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_one_on_the_source_is_told_beside_one_on_the_target(holders: NameHolders, clients: Clients) -> None:
    """Resolvers of the first still read the old table."""
    holders.add_data_source("shop", "orders", "orders")
    holders.add_data_source("shop", "restored", "orders-restored")
    assert names(find(clients)) == ["API shop (id-shop), data source orders"]


def test_data_sources_of_other_types_are_passed_over(holders: NameHolders, clients: Clients) -> None:
    holders.apis["shop"] = {
        "orders": {"type": "NONE"},
        "web": {"type": "HTTP", "httpConfig": {"endpoint": "orders"}},
    }
    assert find(clients) == []


def test_a_source_of_another_region_is_looked_for_there(
    holders: NameHolders, regions: set[str], clients: Clients
) -> None:
    holders.add_data_source("shop", "orders", "orders", region="eu-west-1")
    holders.add_data_source("shop", "ours", "orders")
    (finding,) = find(clients, source=ELSEWHERE)
    assert finding.name == "API shop (id-shop), data source orders"
    assert finding.advice.startswith(
        "reads and writes orders: set its table to orders-restored in eu-central-1"
    )
    assert regions == {"eu-west-1"}


def test_a_source_of_another_account_is_in_no_data_source(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    holders.add_data_source("shop", "orders", "orders")
    assert find(clients, source=replace(SOURCE, account="210987654321")) == []
    assert aws.named("ListGraphqlApis") == []


def test_an_api_that_is_deleted_meanwhile_is_passed_over(holders: NameHolders, clients: Clients) -> None:
    for api in ("gone", "there"):
        holders.add_data_source(api, "orders", "orders")
    holders.gone.add("id-gone")
    assert names(find(clients)) == ["API there (id-there), data source orders"]


def test_an_api_that_another_account_shares_is_not_asked(
    aws: Aws, holders: NameHolders, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders.add_data_source("shop", "orders", "orders")
    otherwise = aws.answer

    def shared(client: object, operation: str, parameters: dict[str, object], moto: object) -> object:
        if operation == "ListGraphqlApis":
            theirs = {"apiId": "theirs", "name": "theirs", "owner": "210987654321"}
            return {"graphqlApis": [theirs, {"apiId": "id-shop", "name": "shop"}]}
        return otherwise(client, operation, parameters, moto)  # type: ignore[arg-type]

    monkeypatch.setattr(aws, "answer", shared)
    assert names(find(clients)) == ["API shop (id-shop), data source orders"]
    assert [call["apiId"] for call in aws.named("ListDataSources")] == ["id-shop"]


def test_all_pages_are_read_and_no_faster_than_the_rate(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    for api in range(5):
        for number in range(3):
            holders.add_data_source(f"shop-{api}", f"orders-{number}", "orders")
    watch = Watch(aws, seconds_a_call=0.05)
    assert len(find(clients, watch=watch)) == 15
    assert (len(aws.named("ListGraphqlApis")), len(aws.named("ListDataSources"))) == (5, 15)
    assert {call["maxResults"] for call in aws.named("ListDataSources")} == {25}
    assert watch.seconds() == pytest.approx(20 / 5, abs=0.5)


@pytest.mark.parametrize("operation", ["ListGraphqlApis", "ListDataSources"])
def test_errors_are_raised(aws: Aws, holders: NameHolders, clients: Clients, operation: str) -> None:
    holders.add_data_source("shop", "orders", "orders")
    aws.fail(operation, "AccessDeniedException", "not authorized", status=403)
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


@pytest.mark.parametrize(
    ("looks", "told", "calls"),
    [
        (1, "after 1 pages of APIs", (1, 0)),
        # Two pages and the look for another one, then one page of data sources.
        (4, "after 1 pages of data sources", (2, 1)),
    ],
)
def test_no_call_is_made_without_time(
    aws: Aws, holders: NameHolders, clients: Clients, looks: int, told: str, calls: tuple[int, int]
) -> None:
    for api in ("shop", "warehouse"):
        holders.add_data_source(api, "orders", "orders")
    with pytest.raises(OutOfTimeError, match=told):
        find(clients, up_after(looks))
    assert (len(aws.named("ListGraphqlApis")), len(aws.named("ListDataSources"))) == calls
