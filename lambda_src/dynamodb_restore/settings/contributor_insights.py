"""CloudWatch Contributor Insights of the table and its global secondary indexes, and what they record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dynamodb_restore.permissions import NO_RESOURCE, Condition, Statement, service_linked_role
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
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
    catalogue = CatalogueEntry(
        default=True,
        what="of the table and each index, with the mode",
        left_alone="the target has another mode",
        about="""
            CloudWatch Contributor Insights: the keys that are read, written or throttled most, of the table and of
            each global secondary index, and which of these are recorded. The rules are made per table, so a restored
            table has none.
        """,
        read="""
            `ListContributorInsights` of the table, one call for it and all its indexes (all pages);
            `DescribeContributorInsights` only of what is `FAILED`, for the reason.
        """,
        written="""
            `UpdateContributorInsights`, one call for the table and for each index, with the source's mode where AWS
            tells it; then looked at until it is enabled, because AWS says yes at once and can still fail.
        """,
        when="it watches the table and has no effect on it.",
        kept="""
            Another mode on the target is a conflict and stays. Indexes that were not restored are skipped with that
            reason. What AWS could not enable fails with AWS's own words (most often: the account has no CloudWatch
            Contributor Insights rules left); a fault of AWS's own is tried again. Keys appear in CloudWatch in plain
            text, as they do for the source.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContributorInsights.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContributorInsights.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/Contributor_Insights_IAM.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html",
        ),
        table_reads=TableActions(
            tables=("dynamodb:DescribeContributorInsights",),
            indexes=("dynamodb:DescribeContributorInsights",),
        ),
        table_writes=TableActions(
            tables=("dynamodb:UpdateContributorInsights",), indexes=("dynamodb:UpdateContributorInsights",)
        ),
        asked_for=("iam:CreateServiceLinkedRole", "kms:Decrypt"),
        statements=(
            Statement(
                "ListContributorInsights", ("dynamodb:ListContributorInsights",), ("*",), reason=NO_RESOURCE
            ),
            service_linked_role(
                "CreateContributorInsightsRole",
                "contributorinsights.dynamodb.amazonaws.com",
                "AWSServiceRoleForDynamoDBCloudWatchContributorInsights",
            ),
            Statement(
                "ReadKeysForContributorInsights",
                ("kms:Decrypt",),
                ("arn:{partition}:kms:{region}:{account}:key/*",),
                # docs.aws.amazon.com/amazondynamodb/latest/developerguide/Contributor_Insights_IAM.html
                reason="DynamoDB asks for it where a customer key encrypts the table. Which key that is, is known only when the table is there.",
                conditions=(
                    Condition("StringEquals", "kms:ViaService", ("dynamodb.{region}.{dns_suffix}",)),
                ),
                writes=True,
            ),
        ),
    )

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
