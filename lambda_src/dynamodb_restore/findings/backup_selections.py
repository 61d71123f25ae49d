"""Selections of AWS Backup plans that name the source table by its ARN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.patterns import lacking
from dynamodb_restore.patterns import matches_policy_pattern
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_backup import BackupClient
    from mypy_boto3_backup.type_defs import BackupSelectionOutputTypeDef


class BackupSelections:
    """Selections by ARN. Those by tag select the target too, by the tags that it got from the source.

    Plans are of one region: those of the source's are looked at.
    """

    kind = "backup_selections"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            Resource assignments of AWS Backup plans that name the source by ARN: the restored table is not backed up
            by them, or not kept out. On by default.
        """,
        found="""
            selections of all plans in the source's region whose `Resources` or `NotResources` match the source and
            not the target. One line per selection.
        """,
        read="`ListBackupPlans`, `ListBackupSelections`, `GetBackupSelection`; all pages.",
        left_out="selections by tag: the cloned tags select the target too (setting `tags`).",
        sources=(
            "docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html",
            "docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awsbackup.html",
        ),
        statements=(
            Statement("ListBackupPlans", ("backup:ListBackupPlans",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindBackupSelections",
                ("backup:ListBackupSelections", "backup:GetBackupSelection"),
                ("arn:{partition}:backup:{each_region}:{account}:backup-plan:*",),
                reason="AWS Backup names plans by a random id, and any of them can select the source.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        backup = clients.in_region(source.region).backup
        for plan, selection in in_time(_selections(backup), enough_time, "backup selections"):
            if advice := _advice(selection, source, target):
                name = f"plan {plan}, selection {selection['SelectionName']}"
                yield Finding(self.kind, name, advice)


def _selections(backup: BackupClient) -> Iterator[tuple[str, BackupSelectionOutputTypeDef]]:
    """All selections, each with its plan's name."""
    plans = backup.get_paginator("list_backup_plans")
    selections = backup.get_paginator("list_backup_selections")
    for page in plans.paginate():
        for plan in page["BackupPlansList"]:
            for listed in selections.paginate(BackupPlanId=plan["BackupPlanId"]):
                for entry in listed["BackupSelectionsList"]:
                    try:
                        answer = backup.get_backup_selection(
                            BackupPlanId=plan["BackupPlanId"], SelectionId=entry["SelectionId"]
                        )
                    except ClientError as error:
                        if error_code(error) == "ResourceNotFoundException":
                            continue  # deleted since it was listed
                        raise
                    yield plan["BackupPlanName"], answer["BackupSelection"]


def _advice(selection: BackupSelectionOutputTypeDef, source: TableId, target: TableId) -> str | None:
    """What to add to a selection, or None where it says the same of both tables."""
    kept_out = selection.get("NotResources", [])
    if any(matches_policy_pattern(pattern, source.arn) for pattern in kept_out):
        if not _lacks(kept_out, source, target):
            return None
        return f"keeps out {source.name} and not {target.name}: add {target.arn} to its NotResources"
    if not _lacks(selection.get("Resources", []), source, target):
        return None
    return f"backs up {source.name} and not {target.name}: add {target.arn} to its Resources"


def _lacks(patterns: Sequence[str], source: TableId, target: TableId) -> bool:
    """Whether the target itself is missing from `patterns`; AWS Backup knows nothing of indexes."""
    return target.arn in lacking(patterns, source, target)
