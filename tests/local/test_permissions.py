"""Exact permissions: every call that a function made is allowed by its role, and everything granted is used.

Runs after all other tests here, for it judges the calls that they caused.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.settings.registry import SETTINGS
from tests.local.permissions import KINDS, Role, roles
from tests.local.pipelines import Flow
from tests.local.support import Deployment
from tests.local_aws import LocalAws
from tests.local_aws.permissions import Need, Statement, matches, needs, statements_of
from tests.local_aws.queue_policies import Caller, may, may_send

ROOT = Path(__file__).resolve().parents[2]

BY_LAMBDA = {
    "logs:CreateLogStream": "Lambda writes the log with the function's role",
    "logs:PutLogEvents": "Lambda writes the log with the function's role",
    "sqs:ReceiveMessage": "Lambda's poller receives with the function's role",
    "sqs:DeleteMessage": "Lambda's poller deletes what the function is done with",
    "sqs:GetQueueAttributes": "Lambda's poller asks how many messages there are",
    "dynamodb:DescribeStream": "Lambda reads the stream with the function's role",
    "dynamodb:GetRecords": "Lambda reads the stream with the function's role",
    "dynamodb:GetShardIterator": "Lambda reads the stream with the function's role",
    "dynamodb:ListStreams": "Lambda reads the stream with the function's role",
    "s3:PutObject": "Lambda keeps what capture could not send with the function's role",
    "s3:ListBucket": "Lambda checks the failure destination with the function's role",
}
"""Actions that Lambda itself takes in the function's name
(docs.aws.amazon.com/lambda/latest/dg/with-ddb-create-package.html, services-sqs-configure.html there)."""

SHOWN_ELSEWHERE = {
    ("replay", "dynamodb:PutItem"): "tests/reference/test_refusals.py",
    ("replay", "sqs:SendMessage"): "tests/fuzz",
    ("replay", "s3:GetObject"): "tests/unit/changes/test_replay.py",
    ("upkeep", "dynamodb:PutItem"): "tests/unit/actions/test_actions.py",
    ("upkeep", "dynamodb:DeleteItem"): "tests/unit/actions/test_actions.py",
    ("upkeep", "sqs:ChangeMessageVisibility"): "tests/unit/pipeline/test_bring_in.py",
    ("upkeep", "dynamodb:BatchGetItem"): "tests/unit/pipeline/test_settle.py",
    ("upkeep", "dynamodb:BatchWriteItem"): "tests/unit/pipeline/test_settle.py",
    ("upkeep", "lambda:UpdateEventSourceMapping"): "tests/unit/pipeline/test_upkeep.py",
    ("reconciler", "dynamodb:PutItem"): "tests/unit/restore/test_reconcile.py",
    ("restore-worker", "dynamodb:DescribeBackup"): "tests/unit/restore/test_origin.py",
    (
        "restore-worker",
        "dynamodb:DescribeContributorInsights",
    ): "tests/unit/settings/test_contributor_insights.py",
    ("operator", "dynamodb:DescribeContributorInsights"): "tests/unit/settings/test_contributor_insights.py",
    ("restore-worker", "kinesis:DescribeStreamSummary"): "tests/field/test_what_the_source_names_is_gone.py",
    ("operator", "kinesis:DescribeStreamSummary"): "tests/field/test_what_the_source_names_is_gone.py",
}
"""Calls that only other tests cause, and where: refused items, repair, bundles that cannot be read, a listing that outlasts an invocation, Contributor
Insights that failed, a Kinesis stream that AWS refuses."""

WILDCARDS = {
    "ListTriggers",
    "CreateTriggers",
    "ListKinesisStreams",
    "ListContributorInsights",
    "ReadAutoScaling",
    "ReadAutoScalingForReplicas",
    "ScaleByAlarms",
    "ListAlarmsAndPutCompositeAlarms",
    "FindIdentityPolicies",
    "FindMappingAlarms",
    "FindVpcEndpointPolicies",
    "FindZeroEtlIntegrations",
    "ListBackupPlans",
    "ListDashboards",
    "FindPipes",
    "FindDataSources",
    "FindFunctionEnvironments",
    "ListStateMachines",
    "ListParameters",
    "ListIngestionPipelines",
    "ListTrails",
    "ListTables",
    "AskForRestoreJobs",
    "LookUpRestoreCalls",
}
"""Statements on all resources; each has its reason, in the catalogue or beside it in Terraform, which a test here checks."""


@pytest.fixture(scope="module")
def deployed_roles(aws: LocalAws, deployed: Deployment, flow: Flow) -> list[Role]:
    found = roles(aws)
    assert {role.kind for role in found} == set(KINDS)
    return found


def asked_for_by_aws() -> set[str]:
    """Actions that AWS wants of the caller and a setting never calls."""
    return {action for setting in SETTINGS for action in setting.catalogue.asked_for}


def test_every_call_of_a_function_is_allowed_by_its_role(
    aws: LocalAws, deployed_roles: list[Role], capsys: pytest.CaptureFixture[str]
) -> None:
    by_function = {role.function: role for role in deployed_roles}
    denied: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for call in aws.calls.find(by_function=True):
        role = by_function.get(call.caller.removeprefix("function/"))
        if role is None:
            continue
        for need in needs(call, aws.account_id, aws.rules.authorization.function_of):
            made[role.kind] += 1
            if not role.allows(need):
                denied[f"{role.kind}: {need.action} on {need.resource}"] += 1
    with capsys.disabled():
        sys.stdout.write(
            f"\npermissions: {sum(made.values())} needs of {dict(made)} judged, {len(denied)} denied\n"
        )
    assert set(made) == set(KINDS)
    assert not denied


def test_everything_granted_is_used_or_has_its_reason(
    aws: LocalAws, deployed_roles: list[Role], capsys: pytest.CaptureFixture[str]
) -> None:
    used: dict[str, set[str]] = {kind: set() for kind in KINDS}
    kinds = {role.function: role.kind for role in deployed_roles}
    for call in aws.calls.find(by_function=True):
        kind = kinds.get(call.caller.removeprefix("function/"))
        if kind is not None:
            used[kind].update(need.action for need in needs(call, aws.account_id))
    # The operator applies settings as the worker does, with the same policies.
    used["operator"] |= used["restore-worker"]
    explained = asked_for_by_aws() | set(BY_LAMBDA)
    unused = {
        (role.kind, action)
        for role in deployed_roles
        for action in role.granted
        if action not in used[role.kind]
        and action not in explained
        and (role.kind, action) not in SHOWN_ELSEWHERE
    }
    with capsys.disabled():
        granted = {(role.kind, action) for role in deployed_roles for action in role.granted}
        called = sum(action in used[kind] for kind, action in granted)
        sys.stdout.write(
            f"\npermissions: {len(granted)} granted, {called} called, {len(unused)} unused without a reason\n"
        )
    assert not unused


def test_the_policies_of_each_role_are_within_what_iam_takes(
    aws: LocalAws, deployed_roles: list[Role], flow: Flow
) -> None:
    """With twelve pipelines, and by what was applied: no emulator counts
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
    assert len(flow.outputs["change_pipelines"]) == 12
    iam = aws.observer().client("iam")

    def size(document: Any) -> int:
        return len(
            json.dumps(json.loads(document) if isinstance(document, str) else document, separators=(",", ":"))
        )

    for name in {role.role for role in deployed_roles}:
        inline = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        arns = [
            each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        ]
        versions = {arn: iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] for arn in arns}
        attached = [
            iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
            for arn, version in versions.items()
        ]
        assert sum(map(size, inline)) <= 10_240, name
        assert len(attached) <= 10, name
        assert max(map(size, attached), default=0) <= 6_144, name


@pytest.mark.parametrize("path", sorted(set(SHOWN_ELSEWHERE.values())))
def test_the_tests_that_show_the_rest_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_wildcard_is_known_and_has_its_reason_beside_it(deployed_roles: list[Role]) -> None:
    everywhere = {
        statement.sid
        for role in deployed_roles
        for statement in role.statements
        if "*" in statement.resources and statement.effect == "Allow"
    }
    assert everywhere <= WILDCARDS
    sources = "\n".join(path.read_text() for path in sorted(ROOT.glob("modules/*/*.tf")))
    # Those of settings and searches have theirs in the catalogue, which tests/unit/test_catalogue.py checks.
    entries = [each.catalogue for each in SETTINGS], [each.catalogue for each in SEARCHES]
    catalogued = {each.sid for kind in entries for entry in kind for each in entry.statements if each.reason}
    for sid in everywhere - catalogued:
        place = re.search(rf'sid\s*=\s*"{sid}"', sources)
        assert place is not None, sid
        around = sources[max(0, place.start() - 700) : place.end() + 400]
        assert "#" in around, f"{sid} has no reason beside it"


EVERYTHING_ON_QUEUES = Statement("Queues", "Allow", ("sqs:*",), ("*",), {})


@dataclass(frozen=True)
class AppliedQueue:
    """One queue of the deployment, with its policy as SQS has it."""

    arn: str
    policy: dict[str, Any]

    @classmethod
    def read(cls, aws: LocalAws, url: str) -> AppliedQueue:
        answer = (
            aws.observer()
            .client("sqs")
            .get_queue_attributes(QueueUrl=url, AttributeNames=["Policy", "QueueArn"])["Attributes"]
        )
        return cls(answer["QueueArn"], json.loads(answer["Policy"]))

    def takes_from(self, caller: Caller) -> bool:
        return may_send(caller, self.arn, self.policy)


@dataclass(frozen=True)
class AppliedQueues:
    restores: AppliedQueue
    dead_letters: AppliedQueue


@pytest.fixture(scope="module")
def queues(aws: LocalAws, deployed: Deployment) -> AppliedQueues:
    return AppliedQueues(
        AppliedQueue.read(aws, deployed.queue_url),
        AppliedQueue.read(aws, deployed.dead_letters.url),
    )


class TestWhoMaySend:
    """To the restore queue and to its secondary DLQ, by the policies that are applied: those of the queues, which no
    emulator judges for EventBridge, and those of the roles."""

    def caller(self, aws: LocalAws, role: str, *more: Statement) -> Caller:
        """A role with its own policies as IAM has them, and more."""
        own = statements_of(aws.observer().client("iam"), role)
        return Caller(f"arn:aws:iam::{aws.account_id}:role/{role}", statements=[*own, *more])

    def somebody(self, aws: LocalAws, name: str) -> Caller:
        """A role or user who may do everything with every queue, as far as it goes by their own policy."""
        return Caller(f"arn:aws:iam::{aws.account_id}:{name}", statements=[EVERYTHING_ON_QUEUES])

    def test_the_rules_send_to_both_and_no_other_rule_does(
        self, deployed: Deployment, queues: AppliedQueues
    ) -> None:
        rules = [rule["arn"] for rule in deployed.outputs["restore_events"]["rules"].values()]
        assert len(rules) == 3
        for queue in (queues.restores, queues.dead_letters):
            sends = {
                source: queue.takes_from(Caller(service="events.amazonaws.com", source_arn=source))
                for source in (*rules, f"{rules[0]}-of-somebody")
            }
            assert sends == {**dict.fromkeys(rules, True), f"{rules[0]}-of-somebody": False}

    def test_the_reconciler_sends_to_the_restore_queue(
        self, aws: LocalAws, deployed: Deployment, queues: AppliedQueues
    ) -> None:
        reconciler = self.caller(aws, deployed.outputs["reconciler"]["role"]["name"])
        assert queues.restores.takes_from(reconciler)
        assert not queues.dead_letters.takes_from(reconciler)

    def test_who_is_named_redrives(self, aws: LocalAws, queues: AppliedQueues) -> None:
        """A redrive receives and deletes at the DLQ and sends to the restore queue, all as its caller
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html,
        StartMessageMoveTask)."""
        on_call = self.somebody(aws, "role/local-on-call")
        assert queues.restores.takes_from(on_call)
        for action in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            need = Need(f"sqs:{action}", queues.dead_letters.arn, on_call.context)
            assert may(on_call, need, queues.dead_letters.policy), action

    def test_the_worker_gives_up_to_the_dlq_and_cannot_feed_its_own_queue(
        self, aws: LocalAws, deployed: Deployment, queues: AppliedQueues
    ) -> None:
        role = deployed.outputs["restore_worker"]["role"]["name"]
        assert queues.dead_letters.takes_from(self.caller(aws, role))
        assert not queues.restores.takes_from(self.caller(aws, role))
        assert not queues.restores.takes_from(self.caller(aws, role, EVERYTHING_ON_QUEUES))

    @pytest.mark.parametrize("name", ["role/developer", "user/local-on-call", "role/x/local-on-call", "root"])
    def test_nobody_else_sends_whatever_they_may_do_with_queues(
        self, aws: LocalAws, queues: AppliedQueues, name: str
    ) -> None:
        somebody = self.somebody(aws, name)
        assert not queues.restores.takes_from(somebody)
        assert not queues.dead_letters.takes_from(somebody)


class TestTheEvaluation:
    """The evaluation itself: what it lets pass and what not."""

    READ = Statement("Read", "Allow", ("dynamodb:Get*",), ("arn:aws:dynamodb:r:1:table/a*",), {})
    DENY = Statement("Never", "Deny", ("dynamodb:*",), ("arn:aws:dynamodb:r:1:table/ab",), {})

    @pytest.mark.parametrize(
        ("action", "table", "expected"),
        [
            ("dynamodb:GetItem", "a", True),
            ("dynamodb:getitem", "ac", True),
            ("dynamodb:GetItem", "b", False),
            ("dynamodb:PutItem", "a", False),
            ("dynamodb:GetItem", "ab", False),
        ],
    )
    def test_a_deny_wins_and_nothing_is_allowed_that_no_statement_allows(
        self, action: str, table: str, expected: bool
    ) -> None:
        role = Role("x-operator", (self.READ, self.DENY))
        assert role.allows(Need(action, f"arn:aws:dynamodb:r:1:table/{table}")) is expected

    @pytest.mark.parametrize(
        ("operator", "values", "expected"),
        [
            ("ForAllValues:StringEquals", ["own"], True),
            ("ForAllValues:StringEquals", ["own", "other"], False),
            ("ForAllValues:StringEquals", None, True),
            ("StringEquals", None, False),
            ("StringEquals", ["own"], True),
            ("ForAnyValue:StringNotLike", ["own", "other"], True),
            ("ForAnyValue:StringNotLike", ["own"], False),
            ("Bool", ["OWN"], True),
            ("Bool", None, False),
        ],
    )
    def test_conditions_are_heeded(self, operator: str, values: list[str] | None, expected: bool) -> None:
        statement = Statement("Own", "Allow", ("s:A",), ("*",), {operator: {"key": "own"}})
        context = {} if values is None else {"key": values}
        assert statement.covers(Need("s:A", "arn", context)) is expected

    @pytest.mark.parametrize(
        ("pattern", "arn", "alike"),
        [
            ("arn:aws:iam::1:role/on-*", "arn:aws:iam::1:role/on-call", True),
            ("arn:aws:iam::1:role/on-*", "arn:aws:iam::1:role/on-call/jane", True),
            ("arn:aws:iam::1:role/*", "arn:aws:iam::2:role/on-call", False),
            ("arn:aws:*:role/on-call", "arn:aws:iam::1:role/on-call", False),
        ],
    )
    def test_arns_are_compared_part_by_part(self, pattern: str, arn: str, alike: bool) -> None:
        unlike = Statement("Own", "Deny", ("s:A",), ("*",), {"ArnNotLikeIfExists": {"key": pattern}})
        assert unlike.covers(Need("s:A", "x", {"key": [arn]})) is not alike
        like = Statement("Own", "Deny", ("s:A",), ("*",), {"ArnEquals": {"key": pattern}})
        assert like.covers(Need("s:A", "x", {"key": [arn]})) is alike

    def test_what_is_not_there_is_unlike_everything(self) -> None:
        unlike = Statement("Own", "Deny", ("s:A",), ("*",), {"ArnNotLikeIfExists": {"key": "arn:*"}})
        assert unlike.covers(Need("s:A", "x"))

    def test_a_condition_that_is_not_known_is_no_pass(self) -> None:
        statement = Statement("New", "Allow", ("s:A",), ("*",), {"IpAddress": {"key": "own"}})
        with pytest.raises(KeyError):
            statement.covers(Need("s:A", "arn"))

    def test_a_bracket_is_no_wildcard(self) -> None:
        assert not matches("a[bc]", "ab")
