"""What names tables and is not theirs: IAM, with who is asking, AWS Backup, and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.aws.names import ACCOUNT
from tests.aws.tables import AWS_MANAGED_KEY

WORKER_ROLE = "dynamodb-restore-worker"


@dataclass
class References:
    """IAM's inline policies of roles and its managed ones; Backup's plans with their selections.

    Attributes:
        roles: name to the inline policy.
        policies: name to document and holding role.
        plans: name to its selections by name.
    """

    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    holders: dict[str, list[str]] = field(default_factory=dict)
    plans: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "GetCallerIdentity": self._caller,
            "DescribeKey": self._describe_key,
            "GetAccountAuthorizationDetails": self._authorization,
            "ListBackupPlans": self._list_plans,
            "ListBackupSelections": self._list_selections,
            "GetBackupSelection": self._get_selection,
        }

    def _caller(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{WORKER_ROLE}/session"
        return {"Arn": arn, "Account": ACCOUNT, "UserId": "AROAEXAMPLEEXAMPLE:session"}

    def _describe_key(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = parameters["KeyId"]
        key_id = arn.rpartition("/")[2]
        manager = "AWS" if arn == AWS_MANAGED_KEY else "CUSTOMER"
        return {"KeyMetadata": {"KeyId": key_id, "Arn": arn, "KeyManager": manager}}

    def _authorization(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters["Filter"] == ["LocalManagedPolicy"]:
            rows: list[dict[str, Any]] = [
                {
                    "PolicyName": name,
                    "Arn": _policy_arn(name),
                    "PolicyVersionList": [{"Document": document, "IsDefaultVersion": True}],
                }
                for name, document in sorted(self.policies.items())
            ]
            return _page("Policies", rows, parameters, "Marker", "Marker")
        roles: list[dict[str, Any]] = [
            {
                "RoleName": name,
                "RolePolicyList": [{"PolicyName": "tables", "PolicyDocument": document}],
                "AttachedManagedPolicies": [
                    {"PolicyName": held, "PolicyArn": _policy_arn(held)}
                    for held in self.holders.get(name, [])
                ],
            }
            for name, document in sorted(self.roles.items())
        ]
        return _page("RoleDetailList", roles, parameters, "Marker", "Marker")

    def _list_plans(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        rows = [{"BackupPlanId": f"id-{plan}", "BackupPlanName": plan} for plan in sorted(self.plans)]
        return _page("BackupPlansList", rows, parameters)

    def _list_selections(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        selections = self.plans[parameters["BackupPlanId"].removeprefix("id-")]
        rows = [{"SelectionId": f"id-{name}", "SelectionName": name} for name in sorted(selections)]
        return _page("BackupSelectionsList", rows, parameters)

    def _get_selection(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        selections = self.plans[parameters["BackupPlanId"].removeprefix("id-")]
        return {"BackupSelection": selections[parameters["SelectionId"].removeprefix("id-")]}


def _policy_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def _page(
    key: str,
    rows: Sequence[dict[str, Any]],
    parameters: Mapping[str, Any],
    asked: str = "NextToken",
    answered: str = "NextToken",
) -> dict[str, Any]:
    """One row at a time; IAM says besides whether there are more."""
    start = int(parameters.get(asked, "0"))
    more: dict[str, Any] = {answered: str(start + 1)} if start + 1 < len(rows) else {}
    if answered == "Marker":
        more["IsTruncated"] = bool(more)
    return {key: list(rows[start : start + 1]), **more}
