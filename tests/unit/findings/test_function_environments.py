"""Lambda functions whose environment names the source table: which of them, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, NotCompleteError, OutOfTimeError, TableId
from dynamodb_restore.findings.function_environments import FunctionEnvironments
from tests.aws.name_holders import NameHolders
from tests.unit.fakes import Aws, client_error
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET, Watch, time_left, up_after

HIDDEN = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}}


def find(
    clients: Clients,
    enough: Callable[[], bool] = lambda: True,
    watch: Watch | None = None,
    source: TableId = SOURCE,
) -> list[Finding]:
    return list(FunctionEnvironments().find(source, TARGET, clients, time_left(enough, watch)))


def names(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def test_a_function_is_told_by_its_variables_and_never_by_their_values(
    holders: NameHolders, clients: Clients
) -> None:
    holders.add_function("billing", TABLE="orders", LOG_LEVEL="info")
    secret = f'{{"table": "{SOURCE.arn}", "password": "hunter2"}}'
    holders.add_function("search", CONFIG=secret, TABLES="customers,orders", PASSWORD="hunter2")
    assert find(clients) == [
        Finding(
            "function_environments",
            "function billing",
            "names orders and not orders-restored in variable TABLE: set it to orders-restored if orders means this table there",
        ),
        Finding(
            "function_environments",
            "function search",
            "names orders and not orders-restored in variables CONFIG, TABLES: set them to orders-restored if orders means this table "
            "there",
        ),
    ]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"TABLE": "orders-archive"},
        {"TABLE": "prod-orders"},
        {"TABLE": "customers", "MESSAGE": "all orders go here"},
        {"ORDERS": "https://api.example.com/orders"},
        # The target is there, in the same variable or in another.
        {"TABLES": "orders,orders-restored"},
        {"TABLE": "orders", "NEW_TABLE": "orders-restored"},
        {"OLD": "orders", "NEW": TARGET.arn},
    ],
)
def test_functions_that_need_nothing(
    holders: NameHolders, clients: Clients, variables: dict[str, str]
) -> None:
    holders.add_function("billing", **variables)
    assert find(clients) == []


def test_a_function_without_an_environment_is_passed_over(holders: NameHolders, clients: Clients) -> None:
    holders.functions["image"] = {"PackageType": "Image"}
    holders.add_function("billing", TABLE="orders")
    assert names(find(clients)) == ["function billing"]


def test_the_modules_own_functions_are_left_out(holders: NameHolders, clients: Clients) -> None:
    own = {"SOURCE_TABLE_NAME": "orders", "POWERTOOLS_METRICS_NAMESPACE": "DynamoDBRestore"}
    holders.add_function("capture", handler="dynamodb_restore.handlers.capture.handler", **own)
    holders.functions["upkeep"] = {
        "Handler": "dynamodb_restore.handlers.upkeep.handler",
        "Environment": HIDDEN,
    }
    # Somebody's own that only looks so.
    holders.add_function("copied", handler="index.handler", **own)
    holders.add_function(
        "renamed",
        handler="dynamodb_restore.handlers.capture.handler",
        SOURCE_TABLE_NAME="orders",
        POWERTOOLS_METRICS_NAMESPACE="Shop",
    )
    assert names(find(clients)) == ["function copied", "function renamed"]


def test_an_environment_that_a_key_hides_is_told_after_all_others(
    holders: NameHolders, clients: Clients
) -> None:
    for number in range(7):
        holders.functions[f"hidden-{number}"] = {"Handler": "index.handler", "Environment": HIDDEN}
    holders.add_function("search", TABLE="orders")
    findings = FunctionEnvironments().find(SOURCE, TARGET, clients, time_left())
    assert next(findings).name == "function search"
    with pytest.raises(NotCompleteError) as raised:
        next(findings)
    assert str(raised.value) == (
        "environments of functions that could not be read: hidden-0, hidden-1, hidden-2, hidden-3, hidden-4 and 2 more"
    )


def test_functions_are_those_of_the_sources_region(
    holders: NameHolders, regions: set[str], clients: Clients
) -> None:
    holders.add_function("billing", TABLE="orders")
    assert names(find(clients, source=ELSEWHERE)) == ["function billing"]
    assert regions == {"eu-west-1"}


def test_a_name_alone_is_not_that_of_a_table_of_another_account(
    holders: NameHolders, clients: Clients
) -> None:
    theirs = TableId("aws", SOURCE.region, "210987654321", "orders")
    holders.add_function("billing", TABLE="orders")
    holders.add_function("partner", TABLE=theirs.arn)
    assert names(find(clients, source=theirs)) == ["function partner"]


def test_all_pages_are_read_in_a_third_of_what_the_account_may_call(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    for number in range(30):
        holders.add_function(f"function-{number:02}", TABLE="orders")
    watch = Watch(aws, seconds_a_call=0.05)
    assert len(find(clients, watch=watch)) == 30
    assert len(aws.named("ListFunctions")) == 30
    assert watch.seconds() == pytest.approx(30 / 5, abs=0.3)


def test_errors_are_raised(aws: Aws, holders: NameHolders, clients: Clients) -> None:
    aws.fail("ListFunctions", "AccessDeniedException", "not authorized", status=403)
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, holders: NameHolders, clients: Clients) -> None:
    holders.functions["a-hidden"] = {"Handler": "index.handler", "Environment": HIDDEN}
    for number in range(3):
        holders.add_function(f"function-{number}", TABLE="orders")
    findings = FunctionEnvironments().find(SOURCE, TARGET, clients, time_left(up_after(2)))
    assert next(findings).name == "function function-0"
    with pytest.raises(OutOfTimeError) as raised:
        next(findings)
    assert str(raised.value) == (
        "the time was up after 2 pages of functions, and environments of functions that could not be read: a-hidden"
    )
    assert len(aws.named("ListFunctions")) == 2
