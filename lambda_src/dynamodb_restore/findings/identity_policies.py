"""IAM policies of roles, users and groups that name the source table's ARN."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId, in_time, listed
from dynamodb_restore.findings.policies import lacks
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ManagedPolicyDetailTypeDef


class IdentityPolicies:
    """Inline policies, and customer managed policies that somebody holds, as a policy or as a permissions boundary.

    AWS managed policies name no tables. This module's own role is left out: it is given its tables by Terraform.
    """

    kind = "identity_policies"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            Policies of IAM roles, users and groups that name the source's ARN, its indexes or its stream: their
            holders have no access to the restored table, or a `Deny` does not protect it. Off by default, because it
            reads every policy of the account.
        """,
        found="""
            inline policies, and customer managed policies (default version) with who holds them, as policy or as
            permissions boundary; `NotResource` too. One line per policy, with the ARNs to add. A target that another
            statement of the same policy names for the same actions is covered.
        """,
        read="""
            `GetAccountAuthorizationDetails`, first of customer managed policies, then of users, groups and roles; all
            pages.
        """,
        left_out="""
            AWS managed policies (they name no table), managed policies that nobody holds, the module's own role,
            policies of other accounts, resource policies (a setting), conditions.
        """,
        sources=(
            "docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html",
            "docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html",
        ),
        statements=(
            Statement(
                "FindIdentityPolicies", ("iam:GetAccountAuthorizationDetails",), ("*",), reason=NO_RESOURCE
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        managed: dict[str, str] = {}
        holders: defaultdict[str, list[str]] = defaultdict(list)
        trouble: Exception | None = None
        try:
            for policy in _managed_policies(clients, enough_time):
                if advice := lacks(_default_version(policy), source, target):
                    managed[policy["Arn"]] = advice
            for principal, inline, attached in _principals(clients, enough_time):
                for name, document in inline:
                    if advice := lacks(document, source, target):
                        yield Finding(self.kind, f"{principal}, inline policy {name}", advice)
                for arn in attached:
                    holders[arn].append(principal)
        except (OutOfTimeError, *AwsError) as error:
            trouble = error
        for arn, advice in managed.items():
            name = f"policy {arn.rpartition('/')[2]}"
            if arn in holders:
                yield Finding(self.kind, f"{name} of {listed(holders[arn])}", advice)
            elif trouble is not None:
                yield Finding(self.kind, name, f"{advice} (who holds it was not looked at)")
        if trouble is not None:
            raise trouble


def _managed_policies(
    clients: Clients, enough_time: Callable[[], bool]
) -> Iterator[ManagedPolicyDetailTypeDef]:
    listing = clients.iam.get_paginator("get_account_authorization_details")
    pages = listing.paginate(Filter=["LocalManagedPolicy"])
    for page in in_time(pages, enough_time, "pages of customer managed policies"):
        yield from page.get("Policies", [])


_Principal = tuple[str, list[tuple[str, Any]], list[str]]


def _principals(clients: Clients, enough_time: Callable[[], bool]) -> Iterator[_Principal]:
    """All holders of policies: in words, with the inline policies and the ARNs of the managed ones."""
    own_role = _own_role(clients)
    listing = clients.iam.get_paginator("get_account_authorization_details")
    pages = listing.paginate(Filter=["User", "Group", "Role"])
    for page in in_time(pages, enough_time, "pages of users, groups and roles"):
        for user in page.get("UserDetailList", []):
            yield _principal("user", user["UserName"], user, user.get("UserPolicyList", []))
        for group in page.get("GroupDetailList", []):
            yield _principal("group", group["GroupName"], group, group.get("GroupPolicyList", []))
        for role in page.get("RoleDetailList", []):
            if role["RoleName"] != own_role:
                yield _principal("role", role["RoleName"], role, role.get("RolePolicyList", []))


def _own_role(clients: Clients) -> str | None:
    """The role that this function runs with: `arn:…:assumed-role/NAME/SESSION` tells its name
    (docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)."""
    kind, _, rest = clients.sts.get_caller_identity()["Arn"].split(":")[-1].partition("/")
    return rest.split("/")[0] if kind == "assumed-role" else None


def _principal(kind: str, name: str, detail: Mapping[str, Any], inline: Any) -> _Principal:
    attached = {policy["PolicyArn"] for policy in detail.get("AttachedManagedPolicies", [])}
    boundary = detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if boundary:
        attached.add(boundary)
    documents = [(policy["PolicyName"], policy["PolicyDocument"]) for policy in inline]
    return f"{kind} {name}", documents, sorted(attached)


def _default_version(policy: Mapping[str, Any]) -> Any:
    versions = [version for version in policy.get("PolicyVersionList", []) if version.get("IsDefaultVersion")]
    return versions[0].get("Document") if versions else None
