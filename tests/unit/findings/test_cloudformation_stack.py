"""The stack that owns the source, by the tags that CloudFormation puts on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.cloudformation_stack import CloudFormationStack
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from tests.unit.builders import make_table
from tests.unit.fakes import Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
STACK = {
    "aws:cloudformation:stack-name": "shop",
    "aws:cloudformation:stack-id": "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
    "aws:cloudformation:logical-id": "OrdersTable",
}


@pytest.fixture
def tags(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, str]]:
    """Tags by table: nobody but AWS may put its own."""
    found: dict[str, Mapping[str, str]] = {"orders": STACK, "orders-restored": {"team": "checkout"}}
    otherwise = aws.answer

    def answer(client: object, operation: str, parameters: dict[str, object], moto: object) -> object:
        def here(client: object, operation: str, parameters: Mapping[str, str]) -> object:
            name = parameters["ResourceArn"].rpartition("/")[2]
            if name not in found:
                raise client_error(operation, "ResourceNotFoundException", "Requested resource not found")
            return {"Tags": [{"Key": key, "Value": value} for key, value in found[name].items()]}

        return otherwise(client, operation, parameters, here)  # type: ignore[arg-type]

    monkeypatch.setattr(aws, "answer", answer)
    return found


def find(
    clients: Clients, enough_time: Callable[[], bool] = lambda: True, source: TableId = SOURCE
) -> list[Finding]:
    return list(CloudFormationStack().find(source, TARGET, clients, enough_time))


def test_the_stack_is_named_with_what_to_do(aws: Aws, tags: object, clients: Clients) -> None:
    assert find(clients) == [
        Finding(
            "cloudformation_stack",
            "stack shop",
            "owns orders as OrdersTable, and orders-restored belongs to no stack: import orders-restored into the stack, or pass its"
            " name to what the stack configures; until then updates of the stack act on orders",
        )
    ]
    assert [each["ResourceArn"] for each in aws.named("ListTagsOfResource")] == [SOURCE.arn, TARGET.arn]


@pytest.mark.parametrize("key", ["aws:cloudformation:stack-name", "aws:cloudformation:stack-id"])
def test_a_target_of_a_stack_needs_nothing(
    tags: dict[str, Mapping[str, str]], clients: Clients, key: str
) -> None:
    tags["orders-restored"] = {key: STACK[key]}
    assert find(clients) == []


def test_a_source_of_no_stack_costs_one_call(
    aws: Aws, tags: dict[str, Mapping[str, str]], clients: Clients
) -> None:
    # A tag whose key only ends alike is the user's own.
    tags["orders"] = {"team": "checkout", "my:cloudformation:stack-name": "shop"}
    tags["orders-archive"] = STACK
    assert find(clients) == []
    assert len(aws.calls) == 1


def test_of_a_source_that_is_gone_nothing_is_said(
    tags: dict[str, Mapping[str, str]], clients: Clients
) -> None:
    del tags["orders"]
    assert find(clients) == []


def test_a_stack_is_known_by_its_id_where_it_has_no_name(
    tags: dict[str, Mapping[str, str]], clients: Clients
) -> None:
    key = "aws:cloudformation:stack-id"
    tags["orders"] = {key: STACK[key]}
    (finding,) = find(clients)
    assert finding.name == f"stack {STACK[key]}"
    assert finding.advice.startswith("owns orders, and")


def test_the_source_is_asked_in_its_region_and_its_stack_takes_no_table_of_another(
    tags: object, clients: Clients, regions: set[str]
) -> None:
    source = TableId("aws", "eu-west-1", SOURCE.account, "orders")
    (finding,) = find(clients, source=source)
    assert "import orders-restored into a stack in eu-central-1" in finding.advice
    assert regions == {"eu-west-1", "eu-central-1"}


def test_another_accounts_source_is_not_asked(aws: Aws, clients: Clients) -> None:
    assert find(clients, source=TableId("aws", SOURCE.region, "210987654321", "orders")) == []
    assert aws.calls == []


def test_other_errors_are_raised(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    aws.fail("ListTagsOfResource", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, clients: Clients) -> None:
    with pytest.raises(OutOfTimeError, match="after 0 stacks"):
        find(clients, lambda: False)
    assert aws.calls == []
