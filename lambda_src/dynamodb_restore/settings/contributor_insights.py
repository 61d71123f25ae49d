"""CloudWatch Contributor Insights of the table and its global secondary indexes, and what they record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import ContributorInsightsSummaryTypeDef, FailureExceptionTypeDef


class ContributorInsights:
    """Portable state, with resources named `table` and `index/NAME`:

    `{"insights": {resource: mode | None}, "indexes": [name, …]}`

    Mode is `ACCESSED_AND_THROTTLED_KEYS` or `THROTTLED_KEYS`; None where AWS does not tell it.
    """

    name = "contributor_insights"
    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE

    def read(self, table: Table) -> Reading:
        insights: dict[str, str | None] = {}
        in_motion: list[str] = []
        failures: list[str] = []
        for summary in _summaries(table):
            index = summary.get("IndexName")
            resource = f"index/{index}" if index else "table"
            status = summary.get("ContributorInsightsStatus")
            if status in ("ENABLED", "ENABLING"):
                insights[resource] = summary.get("ContributorInsightsMode")
            if status == "ENABLING":
                in_motion.append(f"Contributor Insights of {resource} are {status}")
            # UpdateContributorInsights answers ENABLING and can still fail later
            # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContributorInsights.html).
            if status == "FAILED":
                failure = _failure(table, index)
                # Its own fault AWS asks to try again, which the open step does.
                if failure.get("ExceptionName") != "InternalServerError":
                    failures.append(f"Contributor Insights of {resource} are {status}: {_why(failure)}")
        indexes = [index["IndexName"] for index in table.describe().get("GlobalSecondaryIndexes", [])]
        return Reading({"insights": insights, "indexes": indexes}, tuple(in_motion), tuple(failures))

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = []
        present = current["insights"]
        for resource, mode in sorted(desired["insights"].items()):
            if resource != "table" and resource.removeprefix("index/") not in current["indexes"]:
                omitted.append(f"Contributor Insights of {resource}: the restored table has no such index")
            elif resource not in present:
                recording = f", recording {mode}" if mode else ""
                payload = {"resource": resource, "mode": mode}
                steps.append(Step(f"enable Contributor Insights of {resource}{recording}", payload))
            elif mode and present[resource] and mode != present[resource]:
                conflicts.append(
                    f"Contributor Insights of {resource} record {present[resource]} on the target, "
                    f"{mode} on the source; the target's are kept"
                )
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        resource, mode = step.payload["resource"], step.payload["mode"]
        arguments: dict[str, Any] = {"TableName": table.name, "ContributorInsightsAction": "ENABLE"}
        if resource != "table":
            arguments["IndexName"] = resource.removeprefix("index/")
        if mode:
            arguments["ContributorInsightsMode"] = mode
        table.clients.dynamodb.update_contributor_insights(**arguments)


def _summaries(table: Table) -> Iterator[ContributorInsightsSummaryTypeDef]:
    """What is on, or failed to be, for the table and its indexes: one call, not one for each of them."""
    more: dict[str, Any] = {}
    while True:
        # boto3 has no paginator for this operation, and a page can be empty with others to follow.
        page = table.clients.dynamodb.list_contributor_insights(TableName=table.name, **more)
        yield from page.get("ContributorInsightsSummaries", [])
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _failure(table: Table, index: str | None) -> FailureExceptionTypeDef:
    where: dict[str, Any] = {"IndexName": index} if index else {}
    answer = table.clients.dynamodb.describe_contributor_insights(TableName=table.name, **where)
    return answer.get("FailureException", {})


def _why(failure: FailureExceptionTypeDef) -> str:
    told = (failure.get("ExceptionName"), failure.get("ExceptionDescription"))
    return ": ".join(text for text in told if text) or "AWS gives no reason"
