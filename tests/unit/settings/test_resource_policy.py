"""Resource policies: rewritten for the target, never overwritten, never one that stops this module itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.resource_policy import NEEDED_ACTIONS, ResourcePolicy
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    State,
    Step,
    StepOmitted,
    Table,
)
from tests.principals import INVALID_PRINCIPAL, names_deleted_principal
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import ACCOUNT, REGION, Aws, client_error, table_arn

PARTNER = "arn:aws:iam::210987654321:role/reader"
WORKER = f"arn:aws:sts::{ACCOUNT}:assumed-role/restore-worker/restore-worker"
SOURCE_ROOT = Path(__file__).parents[3] / "lambda_src" / "dynamodb_restore"


class Policies:
    """DynamoDB's resource policies of tables and streams (moto has none of streams), and who asks."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.caller = WORKER
        self.looks_until_seen = 0
        self.rewrite: Callable[[str], str] = str

    def answer(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        match operation:
            case "GetCallerIdentity":
                return {"Arn": self.caller, "Account": ACCOUNT, "UserId": "AROAEXAMPLE:restore-worker"}
            case "GetResourcePolicy":
                document = self.documents.get(parameters["ResourceArn"])
                self.looks_until_seen -= 1
                if document is None or self.looks_until_seen >= 0:
                    raise client_error(
                        operation, "PolicyNotFoundException", "Resource-based policy not found"
                    )
                return {"Policy": document, "RevisionId": "1"}
            case "PutResourcePolicy":
                resource_arn = parameters["ResourceArn"]
                if names_deleted_principal(json.loads(parameters["Policy"])):
                    raise client_error(operation, "ValidationException", INVALID_PRINCIPAL)
                if parameters.get("ExpectedRevisionId") == "NO_POLICY" and resource_arn in self.documents:
                    raise client_error(
                        operation,
                        "PolicyNotFoundException",
                        "Requested policy update expecting none to be present, but a policy exists",
                    )
                self.documents[resource_arn] = self.rewrite(parameters["Policy"])
                return {"RevisionId": "1"}
        return None


@pytest.fixture
def policies(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Policies:
    fake = Policies()
    without = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        def fake_or_moto(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            faked = fake.answer(operation, parameters)
            moto: dict[str, Any] = otherwise(client, operation, parameters) if faked is None else faked
            return moto

        return without(client, operation, parameters, fake_or_moto)

    monkeypatch.setattr(aws, "answer", answer)
    return fake


@pytest.fixture
def source(policies: Policies, clients: Clients) -> Table:
    make_table(clients, "orders", view_type="NEW_IMAGE")
    return Table("orders", clients)


@pytest.fixture
def target(policies: Policies, clients: Clients) -> Table:
    make_table(clients, "orders-restored", view_type="NEW_IMAGE")
    return Table("orders-restored", clients)


def allow(*resources: str, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": PARTNER},
        "Action": ["dynamodb:GetItem", "dynamodb:Query"],
        "Resource": list(resources),
        **more,
    }


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put(policies: Policies, resource_arn: str | None, policy: Mapping[str, Any]) -> None:
    assert resource_arn is not None
    policies.documents[resource_arn] = json.dumps(policy, indent=2)


def put_directly(table: Table, policy: Mapping[str, Any], denied: list[str] | None = None) -> None:
    payload = {"resource": "table", "policy": policy, "denied": denied or []}
    ResourcePolicy().apply(table, Step("attach", payload))


def test_the_policies_of_table_and_stream_are_carried_over(
    aws: Aws, policies: Policies, source: Table, target: Table
) -> None:
    arn, stream = table_arn("orders"), source.live_stream_arn
    put(policies, arn, document(allow(arn, f"{arn}/index/*", f"{arn}-archive", Sid="orders")))
    put(policies, stream, document(allow(str(stream), Action="dynamodb:GetRecords")))

    difference = carry_over(ResourcePolicy(), source, target)

    assert [step.summary for step in difference.steps] == [
        "attach the resource policy of the table",
        "attach the resource policy of the stream",
    ]
    new = table_arn("orders-restored")
    of_table, of_stream = aws.named("PutResourcePolicy")
    assert of_table == {
        "ResourceArn": new,
        "Policy": json.dumps(
            document(allow(new, f"{new}/index/*", f"{arn}-archive", Sid="orders")), separators=(",", ":")
        ),
        "ExpectedRevisionId": "NO_POLICY",
    }
    assert of_stream["ResourceArn"] == target.live_stream_arn != stream
    assert json.loads(of_stream["Policy"])["Statement"][0]["Resource"] == [target.live_stream_arn]
    assert carry_over(ResourcePolicy(), source, target) == Difference()


def test_the_portable_state_does_not_name_its_table(policies: Policies, source: Table) -> None:
    arn, stream = table_arn("orders"), str(source.live_stream_arn)
    put(policies, arn, document(allow(arn, f"{arn}/index/by-customer", f"{arn}/stream/*", stream)))
    put(policies, stream, document(allow(stream)))
    state = portable(ResourcePolicy(), source)
    assert "orders" not in json.dumps(state)
    assert REGION not in json.dumps(state)
    assert state["table"]["Statement"][0]["Resource"][3] == state["stream"]["Statement"][0]["Resource"][0]


def test_policy_variables_are_left_as_they_are(
    aws: Aws, policies: Policies, source: Table, target: Table
) -> None:
    condition = {
        "ForAllValues:StringEquals": {
            "dynamodb:LeadingKeys": ["${aws:PrincipalTag/team}", "${table}", "${$}", "${$}{table}"]
        }
    }
    put(policies, table_arn("orders"), document(allow(table_arn("orders"), Condition=condition)))
    carry_over(ResourcePolicy(), source, target)
    (call,) = aws.named("PutResourcePolicy")
    assert json.loads(call["Policy"])["Statement"][0]["Condition"] == condition


def test_tables_without_a_policy_cost_one_read_each_and_one_more_with_a_stream(
    aws: Aws, policies: Policies, source: Table, clients: Clients
) -> None:
    make_table(clients, "plain")
    plain = Table("plain", clients)
    source.describe()
    plain.describe()
    aws.calls.clear()
    assert ResourcePolicy().read(plain).state == {"table": None, "stream": None, "account": ACCOUNT}
    assert [call.operation for call in aws.calls] == ["GetResourcePolicy"]
    assert carry_over(ResourcePolicy(), source, plain) == Difference()
    assert [call.operation for call in aws.calls] == ["GetResourcePolicy"] * 4


def test_a_target_that_has_another_policy_keeps_it(
    aws: Aws, policies: Policies, source: Table, target: Table
) -> None:
    put(policies, table_arn("orders"), document(allow(table_arn("orders"))))
    put(
        policies,
        table_arn("orders-restored"),
        document(allow(table_arn("orders-restored"), Action="dynamodb:*")),
    )
    assert carry_over(ResourcePolicy(), source, target) == Difference(
        conflicts=("the table has another resource policy; the target's is kept",)
    )
    assert aws.writes() == ["CreateTable", "CreateTable"]


def test_a_policy_of_the_target_alone_is_nothing_to_do(
    policies: Policies, source: Table, target: Table
) -> None:
    put(policies, table_arn("orders-restored"), document(allow(table_arn("orders-restored"))))
    assert carry_over(ResourcePolicy(), source, target) == Difference()


def test_a_target_without_a_stream_gets_no_policy_for_one(
    aws: Aws, policies: Policies, source: Table, clients: Clients
) -> None:
    make_table(clients, "orders-restored")
    put(policies, source.live_stream_arn, document(allow(str(source.live_stream_arn))))
    with pytest.raises(StepOmitted, match="no stream to attach it to; see the setting `stream`"):
        carry_over(ResourcePolicy(), source, Table("orders-restored", clients))
    put(policies, table_arn("orders"), document(allow(str(source.live_stream_arn))))
    with pytest.raises(StepOmitted, match="names the table's stream, and the table has none"):
        carry_over(ResourcePolicy(), source, Table("orders-restored", clients))
    assert aws.named("PutResourcePolicy") == []


# What AWS answers ------------------------------------------------------------------------------------------------

OURS = document(allow(table_arn("orders-restored")))


def test_a_policy_that_was_attached_meanwhile_is_kept(policies: Policies, target: Table) -> None:
    theirs = document(allow("*"))
    put(policies, target.arn, theirs)
    with pytest.raises(StepOmitted, match="another policy was attached to the target meanwhile"):
        put_directly(target, OURS)
    assert json.loads(policies.documents[target.arn]) == theirs


def test_a_policy_that_an_earlier_try_attached_is_enough(aws: Aws, policies: Policies, target: Table) -> None:
    put(policies, target.arn, OURS)
    put_directly(target, OURS)
    assert len(aws.named("PutResourcePolicy")) == 1


def test_a_policy_that_cannot_be_seen_yet_is_asked_for_again(policies: Policies, target: Table) -> None:
    put(policies, target.arn, OURS)
    policies.looks_until_seen = 1
    with pytest.raises(ClientError) as caught:
        put_directly(target, OURS)
    assert classify(caught.value) is ErrorClass.RETRY
    put_directly(target, OURS)


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (
            "This policy may prevent future updates. Set ConfirmRemoveSelfResourceAccess to true to confirm",
            "with it this module could not change the policy any more",
        ),
        (
            "One or more parameter values were invalid: Invalid principal in policy document",
            "names a principal that does not exist",
        ),
    ],
)
def test_what_a_person_can_mend_says_how(aws: Aws, target: Table, message: str, advice: str) -> None:
    aws.fail("PutResourcePolicy", "ValidationException", message)
    with pytest.raises(CannotApplyError, match=advice):
        put_directly(target, OURS)
    assert "ConfirmRemoveSelfResourceAccess" not in aws.named("PutResourcePolicy")[0]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("ValidationException", ErrorClass.GIVE_UP),
        ("ResourceNotFoundException", ErrorClass.RETRY),
        ("ResourceInUseException", ErrorClass.RETRY),
    ],
)
def test_other_errors_of_a_write_are_raised(
    aws: Aws, policies: Policies, target: Table, code: str, meaning: ErrorClass
) -> None:
    aws.fail("PutResourcePolicy", code)
    with pytest.raises(ClientError) as caught:
        put_directly(target, OURS)
    assert classify(caught.value) is meaning


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("ResourceNotFoundException", ErrorClass.RETRY), ("AccessDeniedException", ErrorClass.GIVE_UP)],
)
def test_other_errors_of_a_read_are_raised(
    aws: Aws, policies: Policies, target: Table, code: str, meaning: ErrorClass
) -> None:
    aws.fail("GetResourcePolicy", code)
    with pytest.raises(ClientError) as caught:
        ResourcePolicy().read(target)
    assert classify(caught.value) is meaning


# What would lock this module out ---------------------------------------------------------------------------------


def deny(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": "*", **parts}


def diff(*statements: Mapping[str, Any], resource: str = "table") -> Difference:
    nothing: dict[str, Any] = {"table": None, "stream": None, "account": ACCOUNT}
    desired = {**nothing, resource: document(allow("*"), *statements)}
    return ResourcePolicy().diff(desired, nothing)


def refused(difference: Difference) -> bool:
    """Whether the policy stays away; exactly one thing must happen to it."""
    assert len(difference.steps) + len(difference.omitted) == 1
    return bool(difference.omitted)


OTHER_ACCOUNT = "210987654321"
CONTRACTOR = f"arn:aws:iam::{ACCOUNT}:role/contractors/ana"
NEVER_OURS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(deny(), id="everything to everybody"),
        pytest.param(deny(Principal={"AWS": "*"}), id="everybody in the other form"),
        pytest.param(deny(Principal={"AWS": [PARTNER, "*"]}), id="everybody among others"),
        pytest.param(deny(Principal={"AWS": ACCOUNT}), id="the account by id"),
        pytest.param(deny(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), id="the account by ARN"),
        pytest.param(deny(Action="dynamodb:BatchWriteItem"), id="what replay needs"),
        pytest.param(deny(Action=["dynamodb:Scan", "DynamoDB:put*"]), id="a pattern in other letters"),
        pytest.param(deny(Action="dynamodb:?pdateTable"), id="a pattern of one character"),
        pytest.param(deny(Action="*"), id="all services"),
        pytest.param(deny(Resource="${table}/index/*"), id="on indexes, where settings are too"),
        pytest.param(
            {"Effect": "Deny", "Principal": "*", "NotAction": "dynamodb:Get*", "Resource": "*"},
            id="all actions but some",
        ),
        pytest.param(
            {
                "Effect": "Deny",
                "NotPrincipal": {"AWS": [CONTRACTOR, ACCOUNT]},
                "Action": "dynamodb:*",
                "Resource": "*",
            },
            id="all principals but some",
        ),
        pytest.param(
            {
                "Effect": "Deny",
                "NotPrincipal": {"AWS": CONTRACTOR},
                "Action": "dynamodb:*",
                "Resource": "*",
            },
            id="all principals but one",
        ),
        pytest.param(
            deny(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), id="unless through an endpoint"
        ),
        pytest.param(
            deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}}),
            id="unless of an organization",
        ),
        pytest.param(
            deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [CONTRACTOR]}}), id="unless one of some roles"
        ),
        pytest.param(
            deny(Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}),
            id="roles by pattern",
        ),
        pytest.param(
            deny(Condition={"ArnLike": {"aws:PrincipalArn": ["${aws:username}", CONTRACTOR]}}),
            id="roles by variable",
        ),
        pytest.param(deny(Condition={"Bool": {"aws:SecureTransport": "true"}}), id="with TLS"),
        pytest.param(
            deny(Condition={"Bool": {"aws:SecureTransport": ["false", "true"]}}), id="with TLS or without"
        ),
        pytest.param(
            deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}), id="our account"
        ),
        pytest.param(
            deny(Condition={"StringLike": {"aws:PrincipalAccount": "12*"}}), id="our account by pattern"
        ),
        pytest.param(
            deny(Condition={"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}),
            id="an account by variable",
        ),
        pytest.param(
            deny(Condition={"ForAnyValue:StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}),
            id="an operator that is not known here",
        ),
    ],
)
def test_a_deny_that_may_stop_this_module_keeps_the_policy_away(statement: dict[str, Any]) -> None:
    difference = diff({**statement, "Sid": "Fence"})
    assert refused(difference)
    (reason,) = difference.omitted
    assert reason.startswith("the resource policy of the table: its statement Fence denies dynamodb:")
    assert "attach the policy yourself once the restore is finished" in reason


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(deny(Action="dynamodb:DeleteTable"), id="what this module never does"),
        pytest.param(deny(Action=["dynamodb:DeleteTable", "dynamodb:PartiQL*"]), id="more of that"),
        pytest.param(deny(Principal={"AWS": PARTNER}), id="a named role of another account"),
        pytest.param(deny(Principal={"AWS": OTHER_ACCOUNT}), id="another account"),
        pytest.param(deny(Principal={"Service": "redshift.amazonaws.com"}), id="a service"),
        pytest.param(deny(Condition=NEVER_OURS), id="without TLS"),
        pytest.param(
            deny(Condition={"BoolIfExists": {"aws:securetransport": False}}), id="without TLS, as a bool"
        ),
        pytest.param(
            deny(Condition={**NEVER_OURS, "StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
            id="without TLS and more",
        ),
        pytest.param(
            deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT, OTHER_ACCOUNT]}}),
            id="unless of this account",
        ),
        pytest.param(
            deny(Condition={"StringNotLike": {"aws:PrincipalAccount": "1234*"}}),
            id="unless alike this account",
        ),
        pytest.param(
            deny(Condition={"StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}),
            id="if of another account",
        ),
        pytest.param({**deny(), "Effect": "Allow"}, id="an Allow"),
        pytest.param(
            {"Effect": "Deny", "Principal": "*", "NotAction": ["dynamodb:*"], "Resource": "*"},
            id="all actions but those of DynamoDB",
        ),
    ],
)
def test_a_deny_that_cannot_stop_this_module_is_carried_over(statement: dict[str, Any]) -> None:
    difference = diff(statement)
    assert not refused(difference)


def test_statement_without_a_name_is_named_by_its_number() -> None:
    (reason,) = diff(deny(Action="dynamodb:UpdateTimeToLive")).omitted
    assert "its statement 2 denies dynamodb:UpdateTimeToLive to principals" in reason


def test_a_single_statement_needs_no_list() -> None:
    nothing: State = {"table": None, "stream": None, "account": ACCOUNT}
    desired = {**nothing, "table": {"Version": "2012-10-17", "Statement": deny()}}
    assert refused(ResourcePolicy().diff(desired, nothing))


def test_the_stream_is_needed_for_other_things_than_the_table() -> None:
    for action in ("DescribeStream", "GetShardIterator", "GetRecords"):
        assert refused(diff(deny(Action=f"dynamodb:{action}"), resource="stream"))
        assert not refused(diff(deny(Action=f"dynamodb:{action}"), resource="table"))
    for action in ("GetResourcePolicy", "PutResourcePolicy"):
        assert refused(diff(deny(Action=f"dynamodb:{action}"), resource="stream"))
    assert not refused(diff(deny(Action="dynamodb:BatchWriteItem"), resource="stream"))


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{ACCOUNT}:role/restore-worker",
        f"arn:aws:iam::{ACCOUNT}:role/platform/tools/restore-worker",
        WORKER,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/restore-worker/another-session",
    ],
)
@pytest.mark.parametrize("by_condition", [False, True])
def test_a_deny_that_names_this_modules_role_keeps_the_policy_away(
    aws: Aws, policies: Policies, source: Table, target: Table, principal: str, by_condition: bool
) -> None:
    statement = (
        deny(Condition={"ArnEquals": {"aws:PrincipalArn": [CONTRACTOR, principal]}})
        if by_condition
        else deny(Principal={"AWS": [CONTRACTOR, principal]})
    )
    put(policies, source.arn, document(statement))
    with pytest.raises(StepOmitted, match=re.escape(f"it denies {principal}, as which this module runs")):
        carry_over(ResourcePolicy(), source, target)
    assert aws.named("PutResourcePolicy") == []


@pytest.mark.parametrize(
    "principal",
    [
        CONTRACTOR,
        f"arn:aws:iam::{OTHER_ACCOUNT}:role/restore-worker",
        f"arn:aws:iam::{ACCOUNT}:role/restore-worker-2",
        f"arn:aws:iam::{ACCOUNT}:user/restore-worker",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/restore-work/er",
    ],
)
def test_a_deny_that_names_others_is_carried_over(
    aws: Aws, policies: Policies, source: Table, target: Table, principal: str
) -> None:
    put(policies, source.arn, document(deny(Principal={"AWS": principal})))
    carry_over(ResourcePolicy(), source, target)
    assert len(aws.named("GetCallerIdentity")) == 1
    assert list(policies.documents) == [source.arn, target.arn]


def test_who_asks_is_looked_up_only_where_somebody_is_denied(
    aws: Aws, policies: Policies, source: Table, target: Table
) -> None:
    put(policies, source.arn, document(allow(source.arn), deny(Condition=NEVER_OURS)))
    carry_over(ResourcePolicy(), source, target)
    assert target.arn in policies.documents
    assert aws.named("GetCallerIdentity") == []


_NOT_OF_THE_TARGET = {
    "BatchGetItem",  # the source's items, for replay
    "GetItem",  # the source's items, and the restore table's
    "Query",  # the restore table
    "UpdateItem",  # the restore table
    "DescribeBackup",
    "ListTables",
}


def test_all_that_the_code_asks_of_dynamodb_is_known_to_be_needed(clients: Clients) -> None:
    """Otherwise a new call could be denied by a policy that this setting itself carried over."""
    operations = clients.dynamodb.meta.method_to_api_mapping
    found = {
        operations[method]
        for path in SOURCE_ROOT.rglob("*.py")
        for method in re.findall(
            r"dynamodb\.(?:get_paginator\(\s*\"(?=[a-z_]+\"))?([a-z_]+)", path.read_text()
        )
        if method in operations
    }
    assert {"PutResourcePolicy", "ListTagsOfResource", "EnableKinesisStreamingDestination"} <= found
    assert found - _NOT_OF_THE_TARGET <= NEEDED_ACTIONS["table"]


# Comparing -------------------------------------------------------------------------------------------------------

STATEMENT = {
    "Sid": "Share",
    "Effect": "Allow",
    "Principal": {"AWS": [OTHER_ACCOUNT, PARTNER]},
    "Action": ["dynamodb:GetItem", "dynamodb:Query"],
    "Resource": ["${table}", "${table}/index/*"],
    "Condition": {
        "StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]},
        "Bool": {"aws:SecureTransport": "true"},
    },
}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"Action": ["dynamodb:query", "DYNAMODB:GetItem", "dynamodb:Query"]}, True),
        ({"Action": "dynamodb:GetItem"}, False),
        ({"Resource": ["${table}/index/*", "${table}"]}, True),
        ({"Resource": ["${TABLE}", "${table}/index/*"]}, False),
        ({"Principal": {"AWS": [PARTNER, f"arn:aws:iam::{OTHER_ACCOUNT}:root"]}}, True),
        ({"Principal": {"AWS": PARTNER}}, False),
        ({"Principal": {"Service": [OTHER_ACCOUNT, PARTNER]}}, False),
        (
            {
                "Condition": {
                    "Bool": {"aws:securetransport": [True]},
                    "StringEquals": {"aws:PrincipalOrgId": ["o-2", "o-1"]},
                }
            },
            True,
        ),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}}, False),
        ({"Effect": "Deny"}, False),
        ({"Sid": "Other"}, False),
        ({}, True),
    ],
)
def test_what_says_the_same_is_the_same(change: dict[str, Any], same: bool) -> None:
    more = allow("*", Sid="More")
    desired = {"table": document(STATEMENT, more), "stream": None, "account": ACCOUNT}
    current = {"table": document(more, {**STATEMENT, **change}), "stream": None, "account": ACCOUNT}
    assert ResourcePolicy().diff(desired, current) == (
        Difference()
        if same
        else Difference(conflicts=("the table has another resource policy; the target's is kept",))
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"Principal": "*"}, {"Principal": {"AWS": "*"}}, True),
        ({"Principal": "*"}, {"Principal": {"AWS": PARTNER}}, False),
        ({"Action": "dynamodb:GetItem"}, {"Action": ["dynamodb:GetItem"]}, True),
    ],
)
def test_one_value_and_a_list_of_one_are_the_same(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    desired = {"table": document(allow("*", **one)), "stream": None, "account": ACCOUNT}
    current = {
        "table": {"Version": "2012-10-17", "Statement": allow("*", **other)},
        "stream": None,
        "account": ACCOUNT,
    }
    assert bool(ResourcePolicy().diff(desired, current).conflicts) is not same


def test_another_version_of_the_language_is_another_policy() -> None:
    desired = {"table": document(allow("*")), "stream": None, "account": ACCOUNT}
    current = {"table": {"Statement": [allow("*")]}, "stream": None, "account": ACCOUNT}
    assert ResourcePolicy().diff(desired, current).conflicts
    oldest = {
        "table": {"Version": "2008-10-17", "Statement": [allow("*")]},
        "stream": None,
        "account": ACCOUNT,
    }
    assert ResourcePolicy().diff(oldest, current) == Difference()


def test_what_aws_writes_in_another_way_is_not_written_again(
    aws: Aws, policies: Policies, source: Table, target: Table
) -> None:
    def as_aws_keeps_it(text: str) -> str:
        policy = json.loads(text)
        for statement in policy["Statement"]:
            statement["Principal"] = {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}
            statement["Resource"] = statement["Resource"][0]
        return json.dumps(policy, indent=1)

    policies.rewrite = as_aws_keeps_it
    put(policies, source.arn, document(allow(source.arn, Principal={"AWS": OTHER_ACCOUNT})))
    assert len(carry_over(ResourcePolicy(), source, target).steps) == 1
    assert carry_over(ResourcePolicy(), source, target) == Difference()
    assert len(aws.named("PutResourcePolicy")) == 1
