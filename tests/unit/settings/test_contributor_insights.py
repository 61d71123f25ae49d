"""Contributor Insights: of the table and of each index, with their mode, and what AWS could not enable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.contributor_insights import ContributorInsights
from dynamodb_restore.settings.setting import Difference, Reading, State, Step, Table
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import Aws, Clock, client_error

ALL_KEYS = "ACCESSED_AND_THROTTLED_KEYS"
THROTTLED = "THROTTLED_KEYS"


@dataclass
class Insights:
    """DynamoDB's Contributor Insights, which moto does not know: enabling takes some looks, and may fail.

    What is off is not listed; pages are small, and one of them is empty.
    """

    looks_until_done: int = 0
    failure: tuple[str, str] | None = None
    _entries: dict[str, dict[str | None, dict[str, Any]]] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListContributorInsights": self._list,
            "DescribeContributorInsights": self._describe,
            "UpdateContributorInsights": self._update,
        }

    def put(
        self,
        table: str,
        index: str | None = None,
        *,
        status: str = "ENABLED",
        mode: str | None = ALL_KEYS,
        failure: tuple[str, str] | None = None,
    ) -> None:
        """Give a table or an index this without a call."""
        entry: dict[str, Any] = {"TableName": table, "ContributorInsightsStatus": status}
        if index:
            entry["IndexName"] = index
        if mode:
            entry["ContributorInsightsMode"] = mode
        if failure:
            entry["FailureException"] = {"ExceptionName": failure[0], "ExceptionDescription": failure[1]}
        self._entries.setdefault(table, {})[index] = entry

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        entries = self._entries.get(parameters["TableName"], {})
        page = int(parameters.get("NextToken", "0"))
        if page == 0:
            self._go_on(entries)
        found = [
            {key: value for key, value in entry.items() if key != "FailureException"}
            for entry in entries.values()
            if entry["ContributorInsightsStatus"] != "DISABLED"
        ]
        pages: list[list[dict[str, Any]]] = [found[:1], [], found[1:]]
        answer: dict[str, Any] = {"ContributorInsightsSummaries": pages[page]}
        if page + 1 < len(pages):
            answer["NextToken"] = str(page + 1)
        return answer

    def _go_on(self, entries: Mapping[str | None, dict[str, Any]]) -> None:
        enabling = [entry for entry in entries.values() if entry["ContributorInsightsStatus"] == "ENABLING"]
        if enabling and self.looks_until_done > 0:
            self.looks_until_done -= 1
            return
        for entry in enabling:
            index = entry.get("IndexName")
            status = "FAILED" if self.failure else "ENABLED"
            mode = entry.get("ContributorInsightsMode")
            self.put(entry["TableName"], index, status=status, mode=mode, failure=self.failure)

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._entries[parameters["TableName"]][parameters.get("IndexName")]

    def _update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert parameters["ContributorInsightsAction"] == "ENABLE"
        mode = parameters.get("ContributorInsightsMode", ALL_KEYS)
        self.put(parameters["TableName"], parameters.get("IndexName"), status="ENABLING", mode=mode)
        return {"TableName": parameters["TableName"], "ContributorInsightsStatus": "ENABLING"}


@pytest.fixture
def insights(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Insights:
    fake = Insights()
    answer = aws.answer

    def hooked(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def otherwise(*request: Any) -> dict[str, Any]:
            known = fake.operations.get(operation)
            result: dict[str, Any] = known(parameters) if known else moto(*request)
            return result

        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", hooked)
    return fake


@pytest.fixture
def source(insights: Insights, clients: Clients) -> Table:
    make_table(clients, "orders", indexes=["by-customer", "by-date"])
    return Table("orders", clients)


@pytest.fixture
def target(insights: Insights, clients: Clients) -> Table:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-date"])
    return Table("orders-restored", clients)


def sync(source: Table, target: Table, clock: Clock) -> Outcome:
    desired = {"contributor_insights": portable(ContributorInsights(), source)}
    (outcome,) = sync_settings(
        [ContributorInsights()], desired, target, clock.pace(), switches={"contributor_insights": True}
    )
    return outcome


def test_table_and_indexes_are_carried_over(
    aws: Aws, insights: Insights, source: Table, target: Table
) -> None:
    insights.put("orders", mode=THROTTLED)
    insights.put("orders", "by-customer")
    insights.put("orders", "by-date", status="DISABLED")
    difference = carry_over(ContributorInsights(), source, target)
    assert [step.summary for step in difference.steps] == [
        f"enable Contributor Insights of index/by-customer, recording {ALL_KEYS}",
        f"enable Contributor Insights of table, recording {THROTTLED}",
    ]
    assert aws.named("UpdateContributorInsights") == [
        {
            "TableName": "orders-restored",
            "IndexName": "by-customer",
            "ContributorInsightsAction": "ENABLE",
            "ContributorInsightsMode": ALL_KEYS,
        },
        {
            "TableName": "orders-restored",
            "ContributorInsightsAction": "ENABLE",
            "ContributorInsightsMode": THROTTLED,
        },
    ]
    assert portable(ContributorInsights(), target) == {
        "insights": {"table": THROTTLED, "index/by-customer": ALL_KEYS},
        "indexes": ["by-customer", "by-date"],
    }
    assert carry_over(ContributorInsights(), source, target) == Difference()


def test_a_table_with_indexes_is_read_in_one_listing(aws: Aws, insights: Insights, source: Table) -> None:
    for index in (None, "by-customer", "by-date"):
        insights.put("orders", index)
    assert set(portable(ContributorInsights(), source)["insights"]) == {
        "table",
        "index/by-customer",
        "index/by-date",
    }
    assert aws.named("ListContributorInsights") == [
        {"TableName": "orders"},
        {"TableName": "orders", "NextToken": "1"},
        {"TableName": "orders", "NextToken": "2"},
    ]
    assert aws.named("DescribeContributorInsights") == []


def test_a_mode_that_is_not_told_is_not_sent(
    aws: Aws, insights: Insights, source: Table, target: Table
) -> None:
    insights.put("orders", mode=None)
    difference = carry_over(ContributorInsights(), source, target)
    assert [step.summary for step in difference.steps] == ["enable Contributor Insights of table"]
    assert aws.named("UpdateContributorInsights") == [
        {"TableName": "orders-restored", "ContributorInsightsAction": "ENABLE"}
    ]
    assert carry_over(ContributorInsights(), source, target) == Difference()


def test_an_index_that_was_not_restored_is_left_out(
    insights: Insights, source: Table, clients: Clients
) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer"])
    insights.put("orders", "by-date")
    assert carry_over(ContributorInsights(), source, Table("orders-restored", clients)) == Difference(
        omitted=("Contributor Insights of index/by-date: the restored table has no such index",)
    )


def reading(insights: dict[str, str | None], **more: Any) -> Reading:
    return Reading({"insights": insights, "indexes": ["by-customer", "by-date"]}, **more)


NO_RULES_LEFT = ("LimitExceededException", "Per-account rule limit reached")
"""The name and the text of a failure, as DynamoDB tells them."""


@pytest.mark.parametrize(
    ("status", "failure", "expected"),
    [
        ("ENABLED", None, reading({"table": ALL_KEYS})),
        (
            "ENABLING",
            None,
            reading({"table": ALL_KEYS}, in_motion=("Contributor Insights of table are ENABLING",)),
        ),
        ("DISABLING", None, reading({})),
        ("DISABLED", None, reading({})),
        (
            "FAILED",
            NO_RULES_LEFT,
            reading(
                {},
                failures=(f"Contributor Insights of table are FAILED: {': '.join(NO_RULES_LEFT)}",),
            ),
        ),
        (
            "FAILED",
            None,
            reading({}, failures=("Contributor Insights of table are FAILED: AWS gives no reason",)),
        ),
        # AWS asks to try this one again, so it is no more than off.
        ("FAILED", ("InternalServerError", "Please retry request"), reading({})),
    ],
)
def test_what_a_status_means(
    insights: Insights, source: Table, status: str, failure: tuple[str, str] | None, expected: Reading
) -> None:
    insights.looks_until_done = 1
    insights.put("orders", status=status, failure=failure)
    assert ContributorInsights().read(source) == expected


def test_the_reason_is_asked_of_the_index_that_failed(aws: Aws, insights: Insights, source: Table) -> None:
    insights.put("orders")
    insights.put("orders", "by-date", status="FAILED", failure=("AccessDeniedException", "not allowed"))
    assert ContributorInsights().read(source).failures == (
        "Contributor Insights of index/by-date are FAILED: AccessDeniedException: not allowed",
    )
    assert aws.named("DescribeContributorInsights") == [{"TableName": "orders", "IndexName": "by-date"}]


def test_enabling_is_waited_for(
    aws: Aws, insights: Insights, source: Table, target: Table, clock: Clock
) -> None:
    insights.put("orders")
    insights.looks_until_done = 3
    assert sync(source, target, clock).status is Status.APPLIED
    assert len(clock.naps) == 3
    assert len(aws.named("UpdateContributorInsights")) == 1


def test_what_aws_could_not_enable_fails_with_its_words(
    insights: Insights, source: Table, target: Table, clock: Clock
) -> None:
    insights.put("orders")
    insights.failure = NO_RULES_LEFT
    outcome = sync(source, target, clock)
    assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
    assert outcome.reason is not None
    assert "FAILED: LimitExceededException: Per-account rule limit reached" in outcome.reason


def test_a_fault_of_aws_is_tried_again_by_the_next_delivery(
    aws: Aws, insights: Insights, source: Table, target: Table, clock: Clock
) -> None:
    insights.put("orders")
    insights.failure = ("InternalServerError", "Failed to create rules. Please retry request.")
    outcome = sync(source, target, clock)
    assert (outcome.status, outcome.retryable) == (Status.FAILED, True)
    insights.failure = None
    assert sync(source, target, Clock()).status is Status.APPLIED
    assert len(aws.named("UpdateContributorInsights")) == 2


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ("ListContributorInsights", "ResourceNotFoundException", "Table: orders not found"),
        ("DescribeContributorInsights", "ResourceNotFoundException", "Table: orders not found"),
        ("UpdateContributorInsights", "ResourceNotFoundException", "Index: by-date not found for table"),
        ("UpdateContributorInsights", "ValidationException", "TableStatus must be ACTIVE"),
        ("UpdateContributorInsights", "ValidationException", "IndexStatus must be ACTIVE"),
    ],
)
def test_a_table_that_is_not_ready_is_tried_again(operation: str, code: str, message: str) -> None:
    assert classify(client_error(operation, code, message)) is ErrorClass.RETRY


CONFLICT = (
    f"Contributor Insights of table record {ALL_KEYS} on the target, {THROTTLED} on the source; "
    "the target's are kept"
)


@pytest.mark.parametrize(
    ("desired", "current", "expected"),
    [
        ({}, {}, Difference()),
        ({}, {"table": ALL_KEYS}, Difference()),
        ({"table": THROTTLED}, {"table": THROTTLED}, Difference()),
        ({"table": None}, {"table": THROTTLED}, Difference()),
        ({"table": THROTTLED}, {"table": None}, Difference()),
        ({"table": THROTTLED}, {"table": ALL_KEYS}, Difference(conflicts=(CONFLICT,))),
        (
            {"index/by-date": THROTTLED},
            {"table": THROTTLED},
            Difference(
                (
                    Step(
                        f"enable Contributor Insights of index/by-date, recording {THROTTLED}",
                        {"resource": "index/by-date", "mode": THROTTLED},
                    ),
                )
            ),
        ),
    ],
)
def test_difference(desired: State, current: State, expected: Difference) -> None:
    def state(insights: State) -> State:
        return {"insights": insights, "indexes": ["by-date"]}

    assert ContributorInsights().diff(state(desired), state(current)) == expected
