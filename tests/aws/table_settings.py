"""What hangs on DynamoDB's tables: tags, time to live, point-in-time recovery, Contributor Insights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.aws.errors import client_error
from tests.aws.tables import Tables

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


@dataclass
class TableSettings:
    """The calls that read and change them; they are kept with their tables."""

    tables: Tables

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListTagsOfResource": self._list_tags,
            "TagResource": self._tag,
            "DescribeTimeToLive": self._describe_ttl,
            "UpdateTimeToLive": self._update_ttl,
            "DescribeContinuousBackups": self._describe_recovery,
            "UpdateContinuousBackups": self._update_recovery,
            "ListContributorInsights": self._list_insights,
            "UpdateContributorInsights": self._update_insights,
        }

    def _list_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active("ListTagsOfResource", _name(parameters["ResourceArn"]))
        shown = [{"Key": key, "Value": value} for key, value in table.tags.items()]
        # "Tagging is asynchronous": reads show it a little later
        # (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html).
        table.tags |= table.unseen_tags
        table.unseen_tags = {}
        start = int(parameters.get("NextToken", "0"))
        more = {"NextToken": str(start + 2)} if start + 2 < len(shown) else {}
        return {"Tags": shown[start : start + 2], **more}

    def _tag(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active("TagResource", _name(parameters["ResourceArn"]))
        table.unseen_tags |= {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}
        return {}

    def _describe_ttl(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active("DescribeTimeToLive", parameters["TableName"])
        shown = dict(table.ttl)
        if table.ttl["TimeToLiveStatus"] == "ENABLING":
            table.ttl["TimeToLiveStatus"] = "ENABLED"
        return {"TimeToLiveDescription": shown}

    def _update_ttl(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active("UpdateTimeToLive", parameters["TableName"])
        replicas = table.description.get("Replicas", [])
        if any(replica["ReplicaStatus"] == "CREATING" for replica in replicas):
            # ack-api-quirks, DDB-TABLE-442: what AWS answered to its probes.
            raise _invalid(
                "UpdateTimeToLive",
                "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: "
                f"'{parameters['TableName']}' in region: '{replicas[-1]['RegionName']}'.",
            )
        if table.ttl["TimeToLiveStatus"] != "DISABLED":
            raise _invalid("UpdateTimeToLive", "TimeToLive is already enabled")
        wanted = parameters["TimeToLiveSpecification"]
        table.ttl = {"TimeToLiveStatus": "ENABLING", "AttributeName": wanted["AttributeName"]}
        return {"TimeToLiveSpecification": wanted}

    def _describe_recovery(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active(
            "DescribeContinuousBackups", parameters["TableName"], "TableNotFoundException"
        )
        recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
        if table.recovery_days is not None:
            recovery = {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": table.recovery_days}
        return {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": recovery,
            }
        }

    def _update_recovery(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables.active(
            "UpdateContinuousBackups", parameters["TableName"], "TableNotFoundException"
        )
        if table.recovery_refusals:
            table.recovery_refusals -= 1
            raise client_error(
                "UpdateContinuousBackups",
                "ContinuousBackupsUnavailableException",
                f"Backups are being enabled for the table: {parameters['TableName']}. Please retry later",
            )
        table.recovery_days = parameters["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]
        return self._describe_recovery(parameters)

    def _list_insights(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A page can be empty with others to follow
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListContributorInsights.html)."""
        table = self.tables.active("ListContributorInsights", parameters["TableName"])
        page = int(parameters.get("NextToken", "0"))
        entries = [dict(table.insights[index]) for index in sorted(table.insights)]
        if page == 0:
            for entry in table.insights.values():
                entry["ContributorInsightsStatus"] = "ENABLED"
        pages = [entries[:1], [], entries[1:]]
        more = {"NextToken": str(page + 1)} if page + 1 < len(pages) else {}
        return {"ContributorInsightsSummaries": pages[page], **more}

    def _update_insights(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Enabling what is being enabled is accepted."""
        table = self.tables.active("UpdateContributorInsights", parameters["TableName"])
        index = parameters.get("IndexName")
        entry = {
            "TableName": parameters["TableName"],
            **({"IndexName": index} if index else {}),
            "ContributorInsightsStatus": "ENABLING",
            "ContributorInsightsMode": parameters.get(
                "ContributorInsightsMode", "ACCESSED_AND_THROTTLED_KEYS"
            ),
        }
        table.insights[index or ""] = entry
        return dict(entry)


def _name(arn: str) -> str:
    return arn.partition(":table/")[2]


def _invalid(operation: str, message: str) -> ClientError:
    return client_error(operation, "ValidationException", message)
