"""The table class: carried over once, waited for, and not fought over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.setting import Difference, State, Step, Table
from dynamodb_restore.settings.table_class import TableClass
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, Clock

INFREQUENT = "STANDARD_INFREQUENT_ACCESS"


class Conversions:
    """DynamoDB's table classes, which moto does not know. Until a conversion is done the old one is shown."""

    def __init__(self) -> None:
        self.looks_until_done = 0
        self._classes: dict[str, str] = {}
        self._under_way: dict[str, str] = {}

    def answer(
        self, operation: str, parameters: dict[str, Any], moto: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        answer = moto()
        if operation == "UpdateTable" and "TableClass" in parameters:
            self._under_way[parameters["TableName"]] = parameters["TableClass"]
        if operation == "DescribeTable":
            name = parameters["TableName"]
            if name in self._under_way and self.looks_until_done == 0:
                self._classes[name] = self._under_way.pop(name)
            if name in self._under_way:
                self.looks_until_done -= 1
                answer["Table"]["TableStatus"] = "UPDATING"
            if name in self._classes:
                answer["Table"]["TableClassSummary"] = {"TableClass": self._classes[name]}
        return answer


@pytest.fixture
def conversions(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Conversions:
    fake = Conversions()
    answer = aws.answer

    def hooked(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def otherwise(*request: Any) -> dict[str, Any]:
            return fake.answer(operation, parameters, lambda: moto(*request))

        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", hooked)
    return fake


@pytest.fixture
def source(conversions: Conversions, clients: Clients) -> Table:
    make_table(clients, "orders")
    clients.dynamodb.update_table(TableName="orders", TableClass=INFREQUENT)  # type: ignore[arg-type]
    return Table("orders", clients)


@pytest.fixture
def target(conversions: Conversions, clients: Clients) -> Table:
    make_table(clients, "orders-restored")
    return Table("orders-restored", clients)


def sync(source: Table, target: Table, clock: Clock) -> Outcome:
    desired = {"table_class": portable(TableClass(), source)}
    (outcome,) = sync_settings([TableClass()], desired, target, clock.pace(), switches={"table_class": True})
    return outcome


def test_the_class_is_carried_over(aws: Aws, source: Table, target: Table) -> None:
    assert portable(TableClass(), target) == {"table_class": "STANDARD"}
    carry_over(TableClass(), source, target)
    assert portable(TableClass(), target) == {"table_class": INFREQUENT}
    assert aws.named("UpdateTable")[-1] == {"TableName": "orders-restored", "TableClass": INFREQUENT}
    assert carry_over(TableClass(), source, target) == Difference()


def test_a_conversion_is_waited_for_and_asked_for_once(
    aws: Aws, conversions: Conversions, source: Table, target: Table, clock: Clock
) -> None:
    portable(TableClass(), source)
    conversions.looks_until_done = 4
    outcome = sync(source, target, clock)
    assert outcome == Outcome(
        "table_class", Status.APPLIED, done=(f"change the table class to {INFREQUENT}",)
    )
    assert len(clock.naps) == 4
    assert len(aws.named("UpdateTable")) == 2


def test_a_conversion_that_outlasts_a_delivery_is_found_done_by_a_later_one(
    aws: Aws, conversions: Conversions, source: Table, target: Table, clients: Clients, clock: Clock
) -> None:
    portable(TableClass(), source)
    conversions.looks_until_done = 20
    outcome = sync(source, target, clock)
    assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
    assert sync(source, Table("orders-restored", clients), Clock()).status is Status.UNCHANGED
    assert len(aws.named("UpdateTable")) == 2


def test_a_third_change_in_thirty_days_is_not_tried_again(
    aws: Aws, source: Table, target: Table, clock: Clock
) -> None:
    text = "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 day(s)."
    aws.fail("UpdateTable", "LimitExceededException", text, times=9)
    outcome = sync(source, target, clock)
    assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
    assert outcome.reason is not None
    assert text in outcome.reason
    assert clock.naps == []


CONFLICT = f"the target's class is {INFREQUENT}, the source's STANDARD; the target's is kept"


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        ("STANDARD", "STANDARD", Difference()),
        (INFREQUENT, INFREQUENT, Difference()),
        (
            INFREQUENT,
            "STANDARD",
            Difference((Step(f"change the table class to {INFREQUENT}", {"table_class": INFREQUENT}),)),
        ),
        ("STANDARD", INFREQUENT, Difference(conflicts=(CONFLICT,))),
    ],
)
def test_difference(wanted: str, present: str, expected: Difference) -> None:
    desired: State = {"table_class": wanted}
    assert TableClass().diff(desired, {"table_class": present}) == expected
