"""State machines whose definition names the source table."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, NotCompleteError, OutOfTimeError, TableId
from dynamodb_restore.findings.state_machines import StateMachines
from tests.aws.name_holders import NameHolders, state_machine_arn
from tests.unit.fakes import Aws, client_error
from tests.unit.findings.holders import ELSEWHERE, SOURCE, TARGET, Watch, time_left, up_after


def reading(*tables: str) -> str:
    states = {
        f"Read{number}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": table},
        }
        for number, table in enumerate(tables)
    }
    return json.dumps({"StartAt": "Read0", "States": states})


def find(
    clients: Clients,
    enough: Callable[[], bool] = lambda: True,
    watch: Watch | None = None,
    source: TableId = SOURCE,
) -> list[Finding]:
    return list(StateMachines().find(source, TARGET, clients, time_left(enough, watch)))


def names(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings]


def test_state_machines_that_name_the_source_are_found_with_what_to_do(
    holders: NameHolders, clients: Clients
) -> None:
    holders.state_machines |= {"checkout": reading("orders"), "export": reading(SOURCE.arn, "customers")}
    advice = "its definition names orders and not orders-restored: put orders-restored there if orders means this table there"
    assert find(clients) == [
        Finding("state_machines", "state machine checkout", advice),
        Finding("state_machines", "state machine export", advice),
    ]


@pytest.mark.parametrize(
    "tables",
    [
        ("orders-archive",),
        ("prod-orders",),
        (ELSEWHERE.arn,),
        # The target is there already.
        ("orders", "orders-restored"),
        ("orders", TARGET.arn),
    ],
)
def test_state_machines_that_need_nothing(
    holders: NameHolders, clients: Clients, tables: tuple[str, ...]
) -> None:
    holders.state_machines["checkout"] = reading(*tables)
    assert find(clients) == []


def test_one_that_is_deleted_meanwhile_is_passed_over(holders: NameHolders, clients: Clients) -> None:
    holders.state_machines |= {"gone": reading("orders"), "there": reading("orders")}
    holders.gone.add(state_machine_arn("gone"))
    assert names(find(clients)) == ["state machine there"]


def test_a_definition_that_a_key_hides_is_told_after_all_others(
    holders: NameHolders, clients: Clients
) -> None:
    holders.state_machines |= {"a-hidden": None, "checkout": reading("orders")}
    findings = StateMachines().find(SOURCE, TARGET, clients, time_left())
    assert next(findings).name == "state machine checkout"
    with pytest.raises(
        NotCompleteError, match="definitions of state machines that could not be read: a-hidden"
    ):
        next(findings)


def test_state_machines_are_those_of_the_sources_region(
    holders: NameHolders, regions: set[str], clients: Clients
) -> None:
    holders.state_machines["checkout"] = reading("orders")
    assert names(find(clients, source=ELSEWHERE)) == ["state machine checkout"]
    assert regions == {"eu-west-1"}


def test_all_pages_are_read_and_no_faster_than_half_of_the_rate(
    aws: Aws, holders: NameHolders, clients: Clients
) -> None:
    for number in range(20):
        holders.state_machines[f"checkout-{number:02}"] = reading("orders")
    watch = Watch(aws, seconds_a_call=0.02)
    assert len(find(clients, watch=watch)) == 20
    assert {call["maxResults"] for call in aws.named("ListStateMachines")} == {1000}
    # The account in memory gives a page of one, whatever is asked for.
    assert (len(aws.named("ListStateMachines")), len(aws.named("DescribeStateMachine"))) == (20, 20)
    assert watch.seconds() == pytest.approx(40 / 10, abs=0.3)


@pytest.mark.parametrize("operation", ["ListStateMachines", "DescribeStateMachine"])
def test_errors_are_raised(aws: Aws, holders: NameHolders, clients: Clients, operation: str) -> None:
    holders.state_machines["checkout"] = reading("orders")
    aws.fail(operation, "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


@pytest.mark.parametrize(
    ("looks", "told", "calls"),
    [
        (2, "after 2 pages of state machines", (2, 0)),
        # Three pages and the look for another one, then one definition.
        (5, "after 1 state machines", (3, 1)),
    ],
)
def test_no_call_is_made_without_time(
    aws: Aws, holders: NameHolders, clients: Clients, looks: int, told: str, calls: tuple[int, int]
) -> None:
    for number in range(3):
        holders.state_machines[f"checkout-{number}"] = reading("orders")
    with pytest.raises(OutOfTimeError, match=told):
        find(clients, up_after(looks))
    assert (len(aws.named("ListStateMachines")), len(aws.named("DescribeStateMachine"))) == calls
