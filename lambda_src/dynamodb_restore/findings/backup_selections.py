"""Selections of AWS Backup plans that take the source table by its ARN or by its tags, and not the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.findings.patterns import lacking
from dynamodb_restore.findings.table_tags import tags_of
from dynamodb_restore.patterns import matches, matches_policy_pattern
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_backup import BackupClient
    from mypy_boto3_backup.type_defs import BackupSelectionOutputTypeDef


class BackupSelections:
    """Selections by ARN and by tag. Those by tag select the target too where it has the source's tags, which it gets by the setting
    `tags`: the tables are asked for their tags only where a selection goes by tags.

    Plans are of one region: those of the source's are looked at. Restores at the same time share what was read of them.
    """

    kind = "backup_selections"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            Resource assignments of AWS Backup plans that take the source by ARN or by tag: the restored table is not backed up
            by them, or not kept out. On by default.
        """,
        found="""
            selections of all plans in the source's region whose `Resources` or `NotResources` match the source and
            not the target, or whose `ListOfTags` or `Conditions` the source's tags meet and the target's do not: the setting
            `tags` is off, or a tag was left out. One line per selection, with what to add.
        """,
        read="""
            `ListBackupPlans`, `ListBackupSelections`, `GetBackupSelection`; all pages. `ListTagsOfResource` of both tables, where
            a selection goes by tags. Restores at the same time share the selections.
        """,
        left_out="""
            tags of a source that is gone, or belongs to another account; selections by tag that take the target and not the
            source.
        """,
        sources=(
            "docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html",
            "docs.aws.amazon.com/aws-backup/latest/devguide/API_Conditions.html",
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
        table_reads=("dynamodb:ListTagsOfResource",),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        here = clients.in_region(source.region)
        tables = _Tables(source, target, clients)
        all_there_are = here.listings.things(
            self.kind, lambda: _selections(here.backup), source.listings_since
        )
        for plan, selection in in_time(all_there_are, enough_time, "backup selections"):
            if advice := _advice(selection, tables):
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


@dataclass
class _Tables:
    """The two tables, with their tags as they are now; these are asked for once, and only where they are wanted."""

    source: TableId
    target: TableId
    clients: Clients

    @cached_property
    def source_tags(self) -> Mapping[str, str] | None:
        """None where the source is gone, or another account's, which alone may ask for its tags."""
        return self._tags(self.source) if self.source.account == self.target.account else None

    @cached_property
    def target_tags(self) -> Mapping[str, str]:
        return self._tags(self.target) or {}

    def _tags(self, table: TableId) -> Mapping[str, str] | None:
        dynamodb = self.clients.in_region(table.region).dynamodb
        return tags_of(table, dynamodb.get_paginator("list_tags_of_resource"))


@dataclass(frozen=True)
class _Condition:
    """What a selection asks of one tag. A table without the tag does not meet it, a negative one neither: these choose among
    the resources that have the tag (docs.aws.amazon.com/aws-backup/latest/devguide/API_Conditions.html)."""

    test: str
    key: str
    wanted: str

    @classmethod
    def of(cls, test: str, parameter: Mapping[str, Any]) -> _Condition:
        return cls(
            test, parameter["ConditionKey"].removeprefix("aws:ResourceTag/"), parameter["ConditionValue"]
        )

    def met_by(self, tags: Mapping[str, str]) -> bool:
        if self.key not in tags:
            return False
        value = tags[self.key]
        alike = matches(self.wanted, value) if self.test.endswith("Like") else self.wanted == value
        return alike is not self.test.startswith("StringNot")


def _advice(selection: BackupSelectionOutputTypeDef, tables: _Tables) -> str | None:
    """What to add to a selection or to the target, or None where it says the same of both tables."""
    source, target = tables.source, tables.target
    kept_out = selection.get("NotResources", [])
    if any(matches_policy_pattern(pattern, source.arn) for pattern in kept_out):
        if not _lacks(kept_out, source, target):
            return None
        return f"keeps out {source.name} and not {target.name}: add {target.arn} to its NotResources"
    missing = _missing(selection, tables)
    return f"backs up {source.name} and not {target.name}: {missing}" if missing else None


def _missing(selection: BackupSelectionOutputTypeDef, tables: _Tables) -> str | None:
    """What to do so that the target is taken as the source is, or None where there is nothing to do.

    A selection takes what is in `Resources`, everything where nothing is listed, and meets all of `Conditions`; beside that, what
    meets any of `ListOfTags` (docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html).
    """
    source, target = tables.source, tables.target
    resources = selection.get("Resources", [])
    listed = [_Condition.of("StringEquals", each) for each in selection.get("ListOfTags", [])]
    conditions = [
        _Condition.of(test, each)
        for test, parameters in selection.get("Conditions", {}).items()
        for each in _parameters(parameters)
    ]
    add_arn = [f"add {target.arn} to its Resources"] if _lacks(resources, source, target) else []
    goes_by_tags = bool(listed or conditions)
    if not goes_by_tags or tables.source_tags is None:
        return add_arn[0] if add_arn else None

    def by_arn(table: TableId, tags: Mapping[str, str]) -> bool:
        everything = not resources and not listed
        named = everything or any(matches_policy_pattern(pattern, table.arn) for pattern in resources)
        return named and all(condition.met_by(tags) for condition in conditions)

    of_source, of_target = tables.source_tags, tables.target_tags
    if by_arn(target, of_target) or any(condition.met_by(of_target) for condition in listed):
        return None
    if by_arn(source, of_source):
        unmet = [condition for condition in conditions if not condition.met_by(of_target)]
        return " and ".join([*add_arn, *_tags_to_give(unmet, tables)])
    unmet = [condition for condition in listed if condition.met_by(of_source)]
    return " and ".join(_tags_to_give(unmet[:1], tables)) or None


def _parameters(value: Any) -> Sequence[Mapping[str, Any]]:
    """The parameters of one operator of `Conditions`, which may be left out or null."""
    return value or ()


def _tags_to_give(unmet: Sequence[_Condition], tables: _Tables) -> list[str]:
    """The source's tags that would meet these conditions; nothing where there are none."""
    tags = tables.source_tags or {}
    wanted = sorted({f"{each.key}={tags[each.key]}" for each in unmet})
    if not wanted:
        return []
    noun = "tag" if len(wanted) == 1 else "tags"
    return [f"give {tables.target.name} the {noun} {', '.join(wanted)}"]


def _lacks(patterns: Sequence[str], source: TableId, target: TableId) -> bool:
    """Whether the target itself is missing from `patterns`; AWS Backup knows nothing of indexes."""
    return target.arn in lacking(patterns, source, target)
