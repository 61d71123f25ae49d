"""Somebody who may send to queues, and to no table, puts a message on the restore queue.

Whatever lies there is acted upon with all that the worker may do: `sqs:SendMessage` on `*`, which many roles of an account
have, was enough to have any table's resource policy, triggers or Kinesis destination put on any other. In one account the
caller's own policy is enough, unless the queue's policy denies it. So it does, for all but the rules and who is named; and
so does that of the secondary DLQ, for what lies there comes to the restore queue by an honest person's redrive.

The policies are evaluated here as they are written in the module, with the values that Terraform would fill in; as they are
applied, in tests/local/test_permissions.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.local_aws.permissions import Statement
from tests.local_aws.queue_policies import Caller, may_send

MODULE = Path(__file__).resolve().parents[2] / "modules" / "restore-events"

ACCOUNT = "123456789012"
QUEUES = {
    "restores": f"arn:aws:sqs:eu-central-1:{ACCOUNT}:demo-restores",
    "dead_letters": f"arn:aws:sqs:eu-central-1:{ACCOUNT}:demo-restores-dlq",
}
RULES = [f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/demo-restore-{kind}" for kind in ("requested", "job")]
EVERYTHING_ON_QUEUES = Statement("Queues", "Allow", ("sqs:*",), ("*",), {})


def role(name: str, *statements: Statement, account: str = ACCOUNT) -> Caller:
    return Caller(arn=f"arn:aws:iam::{account}:role/{name}", statements=statements or (EVERYTHING_ON_QUEUES,))


WORKER, RECONCILER = role("demo-restore-worker"), role("demo-reconciler")
ON_CALL = role("on-call")
SSO = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_OnCall_0123456789abcdef"


def policy(queue: str, *, named: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The policy of a queue as modules/restore-events writes it.

    Args:
        named: who may send besides the rules, by queue: `local.senders` there.
    """
    values = {
        "each.value": QUEUES[queue],
        "values(aws_cloudwatch_event_rule.restores)[*].arn": RULES,
        "condition.value": list(named[queue]),
    }
    return {"Statement": [_statement(block, values) for block in _statements()]}


@cache
def _statements() -> Sequence[Mapping[str, Any]]:
    with (MODULE / "queues.tf").open(encoding="utf-8") as file:
        documents = hcl2.load(file)["data"]
    (document,) = (
        block['"aws_iam_policy_document"']['"queue"']
        for block in documents
        if '"queue"' in block.get('"aws_iam_policy_document"', {})
    )
    statements: Sequence[Mapping[str, Any]] = document["statement"]
    return statements


def _statement(block: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    conditions: dict[str, dict[str, Any]] = {}
    for condition in _conditions(block, values):
        operator = conditions.setdefault(_filled(condition["test"], values), {})
        operator[_filled(condition["variable"], values)] = _filled(condition["values"], values)
    (principals,) = block["principals"]
    kind, who = _filled(principals["type"], values), _filled(principals["identifiers"], values)
    return {
        "Sid": _filled(block["sid"], values),
        "Effect": _filled(block.get("effect", '"Allow"'), values),
        "Action": _filled(block["actions"], values),
        "Resource": _filled(block["resources"], values),
        "Principal": "*" if kind == "*" else {kind: who},
        "Condition": conditions,
    }


def _conditions(block: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from block.get("condition", ())
    if values["condition.value"]:
        for dynamic in block.get("dynamic", ()):
            yield from dynamic['"condition"']["content"]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A value of python-hcl2, which keeps quotes and marks expressions, with what Terraform would put there."""
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    expression = re.fullmatch(r"\$\{(.*)\}", value)
    return values[expression[1]] if expression else value.strip('"')


@pytest.fixture
def policies() -> dict[str, dict[str, Any]]:
    assert WORKER.arn
    assert RECONCILER.arn
    assert ON_CALL.arn
    named = {
        "restores": [
            RECONCILER.arn,
            ON_CALL.arn,
            f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_OnCall_*",
        ],
        "dead_letters": [WORKER.arn],
    }
    return {queue: policy(queue, named=named) for queue in QUEUES}


Policies = dict[str, dict[str, Any]]


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("rule", RULES)
def test_the_rules_send(policies: Policies, queue: str, rule: str) -> None:
    caller = Caller(service="events.amazonaws.com", source_arn=rule)
    assert may_send(caller, QUEUES[queue], policies[queue])


@pytest.mark.parametrize(
    "caller",
    [
        Caller(
            service="events.amazonaws.com", source_arn=f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/other"
        ),
        Caller(service="events.amazonaws.com"),
        Caller(service="sns.amazonaws.com", source_arn=RULES[0]),
    ],
    ids=["for another rule", "for nobody", "another service"],
)
@pytest.mark.parametrize("queue", QUEUES)
def test_no_other_service_sends(policies: Policies, queue: str, caller: Caller) -> None:
    assert not may_send(caller, QUEUES[queue], policies[queue])


@pytest.mark.parametrize(
    "caller", [RECONCILER, ON_CALL, role(SSO)], ids=["reconciler", "redriver", "by pattern"]
)
def test_who_is_named_sends_to_the_restore_queue(policies: Policies, caller: Caller) -> None:
    assert may_send(caller, QUEUES["restores"], policies["restores"])


def test_being_named_is_no_permission(policies: Policies) -> None:
    """The caller's own policy still has to allow it: the queue's only does not deny it."""
    nothing = Statement("Nothing", "Allow", ("s3:*",), ("*",), {})
    assert not may_send(role("on-call", nothing), QUEUES["restores"], policies["restores"])


def test_the_worker_gives_up_to_the_dlq(policies: Policies) -> None:
    assert may_send(WORKER, QUEUES["dead_letters"], policies["dead_letters"])


@pytest.mark.parametrize(
    "caller",
    [
        WORKER,
        role("developer"),
        role("on-call-too"),
        role("team/on-call"),
        Caller(arn=f"arn:aws:iam::{ACCOUNT}:user/on-call", statements=[EVERYTHING_ON_QUEUES]),
        Caller(arn=f"arn:aws:iam::{ACCOUNT}:root", statements=[EVERYTHING_ON_QUEUES]),
        role("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef"),
    ],
    ids=lambda caller: str(caller.arn).partition("::")[2],
)
def test_nobody_else_sends_to_the_restore_queue_whatever_their_own_policies_say(
    policies: Policies, caller: Caller
) -> None:
    """The worker's own role is among them: who steals it has what it may do, and no queue to hide behind."""
    assert not may_send(caller, QUEUES["restores"], policies["restores"])


@pytest.mark.parametrize(
    "caller", [RECONCILER, ON_CALL, role("developer")], ids=lambda caller: str(caller.arn)
)
def test_nobody_else_sends_to_the_dlq_for_a_redrive_to_take_along(policies: Policies, caller: Caller) -> None:
    assert not may_send(caller, QUEUES["dead_letters"], policies["dead_letters"])


def test_where_nobody_is_named_only_the_rules_send() -> None:
    alone = policy("restores", named={"restores": [], "dead_letters": []})
    assert not may_send(RECONCILER, QUEUES["restores"], alone)
    assert may_send(Caller(service="events.amazonaws.com", source_arn=RULES[0]), QUEUES["restores"], alone)


def test_a_condition_on_the_caller_alone_would_shut_the_rules_out(policies: Policies) -> None:
    """A service has no `aws:PrincipalArn`, and what is not there is not like anything: that is why there are two."""
    (deny,) = (one for one in policies["restores"]["Statement"] if one["Sid"] == "NobodyElseSends")
    del deny["Condition"]["Bool"]
    caller = Caller(service="events.amazonaws.com", source_arn=RULES[0])
    assert not may_send(caller, QUEUES["restores"], policies["restores"])
