"""AWS Backup selections that take the source table by its ARN or by its tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.backup_selections import BackupSelections
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from tests.unit.fakes import REGION, Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))


@dataclass
class Backups:
    """AWS Backup, of which moto has plans and no selections: plans and selections in pages of one; and the tables' tags."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    plans: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)

    def put(self, plan: str, selection: str, **content: Any) -> None:
        self.plans.setdefault(plan, {})[selection] = {"SelectionName": selection, **content}

    def answer(self, client: Any, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        if operation == "ListTagsOfResource":
            name = parameters["ResourceArn"].rpartition("/")[2]
            if name not in self.tags:
                raise client_error(operation, "ResourceNotFoundException", "Requested resource not found")
            return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags[name].items()]}
        if client.meta.service_model.service_name != "backup":
            return None
        self.regions.add(client.meta.region_name)
        if operation == "ListBackupPlans":
            rows = [{"BackupPlanId": f"id-{plan}", "BackupPlanName": plan} for plan in self.plans]
            return _page("BackupPlansList", rows, parameters)
        selections = self.plans[parameters["BackupPlanId"].removeprefix("id-")]
        if operation == "ListBackupSelections":
            listed = [{"SelectionId": f"id-{name}", "SelectionName": name} for name in selections]
            return _page("BackupSelectionsList", listed, parameters)
        name = parameters["SelectionId"].removeprefix("id-")
        if name in self.deleted:
            raise client_error(operation, "ResourceNotFoundException", "Cannot find selection")
        return {"BackupSelection": selections[name]}


def _page(key: str, rows: list[dict[str, str]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    start = int(parameters.get("NextToken", "0"))
    more = {"NextToken": str(start + 1)} if start + 1 < len(rows) else {}
    return {key: rows[start : start + 1], **more}


@pytest.fixture
def backups(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Backups:
    fake = Backups()
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def here(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            return fake.answer(client, operation, parameters) or moto(client, operation, parameters)

        return otherwise(client, operation, parameters, here)

    monkeypatch.setattr(aws, "answer", answer)
    return fake


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(BackupSelections().find(SOURCE, TARGET, clients, enough_time))


def test_all_plans_and_selections_are_read(backups: Backups, clients: Clients) -> None:
    backups.put("daily", "by-tag", ListOfTags=[{"ConditionKey": "backup", "ConditionValue": "yes"}])
    backups.put("daily", "by-arn", Resources=[SOURCE.arn])
    backups.put("monthly", "everything", Resources=["*"])
    backups.put("monthly", "tables", Resources=[table_arn("o*"), SOURCE.arn])
    backups.put("monthly", "some", Resources=[table_arn("customers"), "arn:aws:dynamodb:*:*:table/orders"])
    advice = f"backs up orders and not orders-restored: add {TARGET.arn} to its Resources"
    assert find(clients) == [
        Finding("backup_selections", "plan daily, selection by-arn", advice),
        Finding("backup_selections", "plan monthly, selection some", advice),
    ]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (
            {"Resources": ["*"], "NotResources": [SOURCE.arn]},
            f"keeps out orders and not orders-restored: add {TARGET.arn} to its NotResources",
        ),
        # Kept out, so it is not backed up.
        ({"Resources": [SOURCE.arn], "NotResources": [table_arn("orders*")]}, None),
        (
            {"Resources": [SOURCE.arn], "NotResources": [table_arn("customers")]},
            f"backs up orders and not orders-restored: add {TARGET.arn} to its Resources",
        ),
        ({"Resources": [SOURCE.arn, TARGET.arn]}, None),
        ({"Resources": [], "NotResources": []}, None),
        ({}, None),
        ({"Resources": [table_arn("orders-archive")]}, None),
        ({"Resources": [f"{SOURCE.arn}/index/x"]}, None),
    ],
)
def test_what_a_selection_lacks(
    backups: Backups, clients: Clients, content: Mapping[str, Any], advice: str | None
) -> None:
    backups.put("daily", "tables", **content)
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_a_target_that_a_prefix_does_not_take_in(backups: Backups, clients: Clients) -> None:
    backups.put("daily", "tables", Resources=[table_arn("ord*")])
    target = TableId.parse(table_arn("restored"))
    (finding,) = BackupSelections().find(SOURCE, target, clients, lambda: True)
    assert finding.advice == f"backs up orders and not restored: add {target.arn} to its Resources"


def test_plans_are_those_of_the_sources_region(backups: Backups, clients: Clients) -> None:
    backups.put("daily", "tables", Resources=[SOURCE.arn])
    elsewhere = TableId("aws", "eu-west-1", SOURCE.account, "orders")
    assert list(BackupSelections().find(elsewhere, TARGET, clients, lambda: True)) == []
    assert backups.regions == {"eu-west-1"}
    assert len(find(clients)) == 1
    assert backups.regions == {"eu-west-1", REGION}


def test_a_selection_that_is_deleted_meanwhile_is_passed_over(backups: Backups, clients: Clients) -> None:
    backups.put("daily", "gone", Resources=[SOURCE.arn])
    backups.put("daily", "there", Resources=[SOURCE.arn])
    backups.deleted.add("gone")
    assert [finding.name for finding in find(clients)] == ["plan daily, selection there"]


def test_other_errors_are_raised(aws: Aws, backups: Backups, clients: Clients) -> None:
    backups.put("daily", "tables", Resources=[SOURCE.arn])
    aws.fail("GetBackupSelection", "AccessDeniedException", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)


def test_no_call_is_made_without_time(aws: Aws, backups: Backups, clients: Clients) -> None:
    for number in range(3):
        backups.put("daily", f"tables-{number}", Resources=[SOURCE.arn])
    time = iter([True, True, False])
    with pytest.raises(OutOfTimeError, match="after 2 backup selections"):
        find(clients, lambda: next(time))
    assert len(aws.named("GetBackupSelection")) == 2


# By tag -------------------------------------------------------------------------------------------------------------

BY_LIST = {
    "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}]
}
EITHER = {
    "ListOfTags": [
        {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"},
        {
            "ConditionType": "STRINGEQUALS",
            "ConditionKey": "aws:ResourceTag/team",
            "ConditionValue": "checkout",
        },
    ]
}


def conditions(**tests: tuple[str, str]) -> dict[str, Any]:
    return {
        "Conditions": {
            test: [{"ConditionKey": f"aws:ResourceTag/{key}", "ConditionValue": value}]
            for test, (key, value) in tests.items()
        }
    }


DAILY = {"backup": "daily", "team": "checkout"}
GIVE = "backs up orders and not orders-restored: give orders-restored the tag backup=daily"


@pytest.mark.parametrize(
    ("content", "of_source", "of_target", "advice"),
    [
        (BY_LIST, DAILY, {}, GIVE),
        (BY_LIST, DAILY, DAILY, None),
        (BY_LIST, DAILY, {"backup": "weekly"}, GIVE),
        (BY_LIST, {"backup": "weekly"}, {}, None),
        (BY_LIST, {"team": "daily"}, {}, None),
        # One of them is enough.
        (EITHER, DAILY, {"team": "checkout"}, None),
        (EITHER, DAILY, {}, GIVE),
        # Beside what is named by ARN.
        ({**BY_LIST, "Resources": [TARGET.arn]}, DAILY, {}, None),
        (
            {**BY_LIST, "Resources": [SOURCE.arn]},
            {},
            {},
            f"backs up orders and not orders-restored: add {TARGET.arn} to its Resources",
        ),
        ({**BY_LIST, "Resources": [SOURCE.arn]}, {}, DAILY, None),
        ({**BY_LIST, "Resources": [table_arn("orders-archive")]}, DAILY, {}, GIVE),
        # All conditions have to be met.
        (conditions(StringEquals=("backup", "daily")), DAILY, {}, GIVE),
        (conditions(StringLike=("backup", "d*")), DAILY, {}, GIVE),
        (conditions(StringLike=("backup", "d*")), DAILY, {"backup": "diurnal"}, None),
        (conditions(StringEquals=("backup", "d*")), DAILY, {}, None),
        (conditions(StringNotEquals=("backup", "no")), DAILY, {"backup": "no"}, GIVE),
        (conditions(StringNotEquals=("backup", "no")), {"backup": "no"}, {}, None),
        (conditions(StringNotLike=("backup", "n*")), DAILY, {"backup": "never"}, GIVE),
        (
            conditions(StringEquals=("backup", "daily"), StringLike=("team", "*")),
            DAILY,
            {},
            "backs up orders and not orders-restored: give orders-restored the tags backup=daily, team=checkout",
        ),
        (
            conditions(StringEquals=("backup", "daily"), StringLike=("team", "*")),
            DAILY,
            {"team": "shop"},
            GIVE,
        ),
        (conditions(StringEquals=("backup", "daily"), StringLike=("owner", "*")), DAILY, {}, None),
        # Of what is named by ARN.
        (
            {**conditions(StringEquals=("backup", "daily")), "Resources": [SOURCE.arn]},
            DAILY,
            {},
            f"backs up orders and not orders-restored: add {TARGET.arn} to its Resources and give orders-restored the tag backup=daily",
        ),
        (
            {**conditions(StringEquals=("backup", "daily")), "Resources": ["arn:aws:dynamodb:*"]},
            DAILY,
            {},
            GIVE,
        ),
        ({**conditions(StringEquals=("backup", "no")), "Resources": [SOURCE.arn]}, DAILY, {}, None),
        ({**conditions(StringEquals=("backup", "daily")), "Resources": ["arn:aws:rds:*"]}, DAILY, {}, None),
        ({**BY_LIST, "NotResources": [table_arn("orders*")]}, DAILY, {}, None),
        ({"Conditions": {"StringEquals": [], "StringLike": None}}, DAILY, {}, None),
    ],
)
def test_what_the_target_lacks_of_the_tags(
    backups: Backups,
    clients: Clients,
    content: Mapping[str, Any],
    of_source: dict[str, str],
    of_target: dict[str, str],
    advice: str | None,
) -> None:
    backups.tags = {"orders": of_source, "orders-restored": of_target}
    backups.put("daily", "tables", **content)
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_tags_are_asked_for_once_and_only_where_a_selection_goes_by_them(
    aws: Aws, backups: Backups, clients: Clients
) -> None:
    backups.tags = {"orders": DAILY, "orders-restored": {}}
    backups.put("daily", "by-arn", Resources=[SOURCE.arn])
    find(clients)
    assert aws.named("ListTagsOfResource") == []
    backups.put("daily", "by-tag", **BY_LIST)
    backups.put("monthly", "by-tag", **BY_LIST)
    assert len(find(clients)) == 3
    assert [each["ResourceArn"] for each in aws.named("ListTagsOfResource")] == [SOURCE.arn, TARGET.arn]


def test_of_a_source_without_tags_to_read_the_arn_alone_counts(
    aws: Aws, backups: Backups, clients: Clients
) -> None:
    """It is gone, or another account's."""
    backups.put("daily", "by-tag", **BY_LIST)
    backups.put("daily", "both", Resources=[SOURCE.arn], **conditions(StringEquals=("backup", "daily")))
    assert [finding.name for finding in find(clients)] == ["plan daily, selection both"]
    aws.calls.clear()
    theirs = TableId("aws", REGION, "210987654321", "orders")
    assert list(BackupSelections().find(theirs, TARGET, clients, lambda: True)) == []
    assert aws.named("ListTagsOfResource") == []
