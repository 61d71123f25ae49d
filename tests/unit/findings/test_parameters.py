"""Parameters that hold the source's name or ARN: which are read, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.parameters import Parameters
from tests.aws.name_holders import NameHolders
from tests.unit.fakes import Aws, client_error
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET, Watch, time_left, up_after


def find(
    clients: Clients,
    enough: Callable[[], bool] = lambda: True,
    watch: Watch | None = None,
    source: TableId = SOURCE,
) -> list[Finding]:
    return list(Parameters().find(source, TARGET, clients, time_left(enough, watch)))


def names(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def test_a_parameter_is_told_by_its_name_and_never_by_its_value(
    holders: NameHolders, clients: Clients
) -> None:
    holders.parameters |= {
        "/shop/table": ("String", "orders"),
        "/shop/tables": ("StringList", "customers,orders"),
        "/shop/config": ("String", f'{{"arn": "{SOURCE.arn}/index/x", "key": "hunter2"}}'),
    }
    advice = (
        "names orders and not orders-restored: put orders-restored there if orders means this table there"
    )
    assert find(clients) == [
        Finding("parameters", "parameter /shop/config", advice),
        Finding("parameters", "parameter /shop/table", advice),
        Finding("parameters", "parameter /shop/tables", advice),
    ]


@pytest.mark.parametrize(
    "value",
    ["orders-archive", "prod-orders", ELSEWHERE.arn, "/orders", "orders-restored", "orders,orders-restored"],
)
def test_parameters_that_need_nothing(holders: NameHolders, clients: Clients, value: str) -> None:
    holders.parameters["/shop/table"] = ("String", value)
    assert find(clients) == []


def test_a_secret_is_neither_asked_for_nor_decrypted(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    holders.parameters |= {"/shop/table": ("String", "orders"), "/shop/secret": ("SecureString", "orders")}
    assert names(find(clients)) == ["parameter /shop/table"]
    assert aws.named("GetParameters") == [{"Names": ["/shop/table"], "WithDecryption": False}]


def test_one_that_becomes_a_secret_meanwhile_is_not_looked_at(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    holders.parameters["/shop/table"] = ("String", "orders")

    def turned() -> bool:
        if aws.named("DescribeParameters"):
            holders.parameters["/shop/table"] = ("SecureString", "orders")
            holders._value = lambda name, parameters: "orders"  # type: ignore[method-assign]
        return True

    assert find(clients, turned) == []
    assert len(aws.named("GetParameters")) == 1


def test_one_that_is_listed_in_spite_of_its_type_is_not_asked_for(
    aws: Aws, holders: NameHolders, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    otherwise = aws.answer

    def unfiltered(client: object, operation: str, parameters: dict[str, object], moto: object) -> object:
        if operation == "DescribeParameters":
            return {"Parameters": [{"Name": "/shop/secret", "Type": "SecureString"}]}
        return otherwise(client, operation, parameters, moto)  # type: ignore[arg-type]

    monkeypatch.setattr(aws, "answer", unfiltered)
    assert find(clients) == []
    assert aws.named("GetParameters") == []


def test_one_that_is_deleted_meanwhile_is_passed_over(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    holders.parameters |= {"/shop/gone": ("String", "orders"), "/shop/table": ("String", "orders")}

    def deleted() -> bool:
        if len(aws.named("DescribeParameters")) == 2:
            holders.parameters.pop("/shop/gone", None)
        return True

    assert names(find(clients, deleted)) == ["parameter /shop/table"]


def test_all_pages_are_read_ten_names_a_call_and_no_faster_than_the_rate(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    for number in range(101):
        holders.parameters[f"/shop/{number:03}"] = ("String", "orders")
    watch = Watch(aws, seconds_a_call=0.01)
    assert len(find(clients, watch=watch)) == 101
    assert {call["MaxResults"] for call in aws.named("DescribeParameters")} == {50}
    # The account in memory gives a page of one, whatever is asked for.
    assert len(aws.named("DescribeParameters")) == 101
    assert [len(call["Names"]) for call in aws.named("GetParameters")] == [10] * 10 + [1]
    assert watch.seconds() == pytest.approx(112 / 10, abs=0.3)


def test_parameters_are_those_of_the_sources_region(
    holders: NameHolders, regions: set[str], clients: Clients
) -> None:
    holders.parameters["/shop/table"] = ("String", "orders")
    assert names(find(clients, source=ELSEWHERE)) == ["parameter /shop/table"]
    assert regions == {"eu-west-1"}


@pytest.mark.parametrize("operation", ["DescribeParameters", "GetParameters"])
def test_errors_are_raised(aws: Aws, holders: NameHolders, clients: Clients, operation: str) -> None:
    holders.parameters["/shop/table"] = ("String", "orders")
    aws.fail(operation, "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


@pytest.mark.parametrize(
    ("looks", "told", "calls"),
    [
        (2, "after 2 pages of parameters", (2, 0)),
        # Twelve pages and the look for another one, then one batch.
        (14, "after 1 batches of 10 parameters", (12, 1)),
    ],
)
def test_no_call_is_made_without_time(
    aws: Aws, holders: NameHolders, clients: Clients, looks: int, told: str, calls: tuple[int, int]
) -> None:
    for number in range(12):
        holders.parameters[f"/shop/{number:02}"] = ("String", "orders")
    with pytest.raises(OutOfTimeError, match=told):
        find(clients, up_after(looks))
    assert (len(aws.named("DescribeParameters")), len(aws.named("GetParameters"))) == calls
