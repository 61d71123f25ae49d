"""IAM policies that name the source table: who holds them, and what they lack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.finding import Finding, OutOfTimeError, TableId
from dynamodb_restore.findings.identity_policies import IdentityPolicies
from tests.unit.fakes import ACCOUNT, Aws, client_error, table_arn

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
READS = "allows actions on orders and not on orders-restored"
DENIES = "denies actions on orders and not on orders-restored"


def allow(*resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": list(resources), **more}


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


NAMES_SOURCE = policy(allow(SOURCE.arn))


def make_role(clients: Clients, name: str, document: str | None = None, **more: Any) -> None:
    clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", **more)
    if document:
        clients.iam.put_role_policy(RoleName=name, PolicyName="tables", PolicyDocument=document)


def find(clients: Clients, enough_time: Callable[[], bool] = lambda: True) -> list[Finding]:
    return list(IdentityPolicies().find(SOURCE, TARGET, clients, enough_time))


def described(clients: Clients) -> list[tuple[str, str]]:
    return [(finding.name, finding.advice) for finding in find(clients)]


def test_inline_policies_of_roles_users_and_groups_are_found(aws: Aws, clients: Clients) -> None:
    make_role(clients, "app", NAMES_SOURCE)
    make_role(clients, "stranger", policy(allow(table_arn("orders-archive"))))
    clients.iam.create_user(UserName="ana")
    clients.iam.put_user_policy(UserName="ana", PolicyName="mine", PolicyDocument=NAMES_SOURCE)
    clients.iam.create_group(GroupName="ops")
    clients.iam.put_group_policy(GroupName="ops", PolicyName="ours", PolicyDocument=NAMES_SOURCE)
    advice = f"{READS}: add {TARGET.arn} to its Resource"
    assert sorted(described(clients)) == [
        ("group ops, inline policy ours", advice),
        ("role app, inline policy tables", advice),
        ("user ana, inline policy mine", advice),
    ]
    assert {finding.kind for finding in find(clients)} == {"identity_policies"}
    assert [call["Filter"] for call in aws.named("GetAccountAuthorizationDetails")][:2] == [
        ["LocalManagedPolicy"],
        ["User", "Group", "Role"],
    ]


def test_a_managed_policy_is_one_finding_with_all_its_holders(aws: Aws, clients: Clients) -> None:
    arn = clients.iam.create_policy(PolicyName="tables", PolicyDocument=NAMES_SOURCE)["Policy"]["Arn"]
    clients.iam.create_policy(PolicyName="unused", PolicyDocument=NAMES_SOURCE)
    for number in range(6):
        make_role(clients, f"app-{number}")
        clients.iam.attach_role_policy(RoleName=f"app-{number}", PolicyArn=arn)
    clients.iam.create_user(UserName="ana")
    clients.iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    names = "role app-0, role app-1, role app-2, role app-3, role app-4 and 2 more"
    assert described(clients) == [(f"policy tables of {names}", f"{READS}: add {TARGET.arn} to its Resource")]


def test_only_the_default_version_counts(aws: Aws, clients: Clients) -> None:
    arn = clients.iam.create_policy(PolicyName="tables", PolicyDocument=NAMES_SOURCE)["Policy"]["Arn"]
    make_role(clients, "app")
    clients.iam.attach_role_policy(RoleName="app", PolicyArn=arn)
    assert len(find(clients)) == 1
    clients.iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy(allow(SOURCE.arn, TARGET.arn)), SetAsDefault=True
    )
    assert find(clients) == []


def test_a_permissions_boundary_is_held_too(aws: Aws, clients: Clients) -> None:
    arn = clients.iam.create_policy(PolicyName="bounds", PolicyDocument=NAMES_SOURCE)["Policy"]["Arn"]
    make_role(clients, "app", PermissionsBoundary=arn)
    assert [finding.name for finding in find(clients)] == ["policy bounds of role app"]


@pytest.mark.parametrize(
    ("statements", "advice"),
    [
        (
            [allow(SOURCE.arn, f"{SOURCE.arn}/index/*")],
            f"{READS}: add {TARGET.arn}, {TARGET.arn}/index/* to its Resource",
        ),
        (
            [{"Effect": "Deny", "Action": "dynamodb:DeleteTable", "Resource": SOURCE.arn}],
            f"{DENIES}: add {TARGET.arn} to its Resource",
        ),
        (
            [{"Effect": "Deny", "Action": "dynamodb:*", "NotResource": SOURCE.arn}],
            f"denies actions on everything but orders, so on orders-restored: add {TARGET.arn} to its NotResource",
        ),
        (
            [{"Effect": "Allow", "Action": "dynamodb:*", "NotResource": [SOURCE.arn]}],
            f"allows actions on everything but orders, so on orders-restored: add {TARGET.arn} to its NotResource",
        ),
        (
            [allow(SOURCE.arn), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": [SOURCE.arn]}],
            f"{READS}: add {TARGET.arn} to its Resource; {DENIES}: add {TARGET.arn} to its Resource",
        ),
        # The target is there already: for the same actions, in a statement of its own, or not.
        ([allow(SOURCE.arn, Sid="A"), allow(TARGET.arn, Sid="B")], None),
        ([allow(SOURCE.arn), dict(reversed(allow(TARGET.arn).items()))], None),
        (
            [allow(SOURCE.arn), allow(TARGET.arn, Action="dynamodb:Query")],
            f"{READS}: add {TARGET.arn} to its Resource",
        ),
        (
            [allow(SOURCE.arn), allow(TARGET.arn, Condition={"Bool": {"aws:SecureTransport": "true"}})],
            f"{READS}: add {TARGET.arn} to its Resource",
        ),
        ([allow(table_arn("*"))], None),
        ([allow("*")], None),
        ([allow(table_arn("orders-archive"))], None),
    ],
)
def test_what_a_policy_lacks(
    aws: Aws, clients: Clients, statements: list[Mapping[str, Any]], advice: str | None
) -> None:
    make_role(clients, "app", policy(*statements))
    assert [finding.advice for finding in find(clients)] == ([advice] if advice else [])


def test_a_statement_may_stand_alone(aws: Aws, clients: Clients) -> None:
    make_role(clients, "app", json.dumps({"Version": "2012-10-17", "Statement": allow(SOURCE.arn)}))
    assert len(find(clients)) == 1


def answers(monkeypatch: pytest.MonkeyPatch, aws: Aws, **by_operation: Callable[[Any], Any]) -> None:
    """Let these operations answer so; moto answers the others."""
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> Any:
        if operation in by_operation:
            return by_operation[operation](parameters)
        return otherwise(client, operation, parameters, moto)

    monkeypatch.setattr(aws, "answer", answer)


def test_the_modules_own_role_is_left_out(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = clients.iam.create_policy(PolicyName="worker", PolicyDocument=NAMES_SOURCE)["Policy"]["Arn"]
    make_role(clients, "worker", NAMES_SOURCE)
    clients.iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    make_role(clients, "worker-2", NAMES_SOURCE)
    me = {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/dynamodb-restore"}
    answers(monkeypatch, aws, GetCallerIdentity=lambda _: me)
    assert [finding.name for finding in find(clients)] == ["role worker-2, inline policy tables"]


def role(name: str, document: Any = None, attached: str | None = None) -> dict[str, Any]:
    return {
        "RoleName": name,
        "RolePolicyList": [{"PolicyName": "tables", "PolicyDocument": document}] if document else [],
        "AttachedManagedPolicies": [{"PolicyArn": attached, "PolicyName": "x"}] if attached else [],
    }


MANAGED_ARN = f"arn:aws:iam::{ACCOUNT}:policy/tables/managed"
MANAGED = {
    "Arn": MANAGED_ARN,
    "PolicyVersionList": [{"Document": json.loads(NAMES_SOURCE), "IsDefaultVersion": True}],
}
PAGES: dict[tuple[str, str | None], dict[str, Any]] = {
    ("LocalManagedPolicy", None): {"Policies": [], "IsTruncated": True, "Marker": "2"},
    ("LocalManagedPolicy", "2"): {"Policies": [MANAGED], "IsTruncated": False},
    ("User", None): {
        "RoleDetailList": [role("first", json.loads(NAMES_SOURCE))],
        "IsTruncated": True,
        "Marker": "2",
    },
    ("User", "2"): {
        # Not JSON: botocore leaves it as text.
        "RoleDetailList": [role("second", attached=MANAGED_ARN), role("third", "%7B")],
        "IsTruncated": False,
    },
}


def paged(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return PAGES[parameters["Filter"][0], parameters.get("Marker")]


def test_all_pages_are_read(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto does not page, so this answers as IAM does."""
    answers(monkeypatch, aws, GetAccountAuthorizationDetails=paged)
    assert [finding.name for finding in find(clients)] == [
        "role first, inline policy tables",
        "policy managed of role second",
    ]


def test_what_was_found_before_the_time_was_up_stands(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, aws, GetAccountAuthorizationDetails=paged)
    # Two pages of policies and the look for a third, then one page of roles.
    time = iter([True, True, True, True, False])
    findings = IdentityPolicies().find(SOURCE, TARGET, clients, lambda: next(time))
    advice = f"{READS}: add {TARGET.arn} to its Resource"
    assert next(findings) == Finding("identity_policies", "role first, inline policy tables", advice)
    unknown = f"{advice} (who holds it was not looked at)"
    assert next(findings) == Finding("identity_policies", "policy managed", unknown)
    with pytest.raises(OutOfTimeError, match="after 1 pages of users, groups and roles"):
        next(findings)


def test_what_was_found_before_an_error_stands(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A managed policy is told once all its holders are known, and an error comes before that."""
    throttled = client_error("GetAccountAuthorizationDetails", "Throttling", "Rate exceeded")

    def throttled_on_the_last_page(parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters["Filter"][0] == "User" and parameters.get("Marker"):
            raise throttled
        return paged(parameters)

    answers(monkeypatch, aws, GetAccountAuthorizationDetails=throttled_on_the_last_page)
    findings = IdentityPolicies().find(SOURCE, TARGET, clients, lambda: True)
    assert [next(findings).name, next(findings).name] == [
        "role first, inline policy tables",
        "policy managed",
    ]
    with pytest.raises(type(throttled), match="Rate exceeded"):
        next(findings)


def test_errors_are_raised(aws: Aws, clients: Clients) -> None:
    aws.fail("GetAccountAuthorizationDetails", "AccessDenied", "not authorized")
    with pytest.raises(type(client_error("", "")), match="not authorized"):
        find(clients)
