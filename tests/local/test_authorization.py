"""IAM is enforced here: a function may do what its role allows, and what it may not it is told by name.

Two judge each call, by evaluations that know nothing of each other: the gateway, before it asks anybody, and ministack,
where the call reaches it.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore import xform_name

from tests.local.pipelines import Flow
from tests.local.support import PATIENCE_SECONDS, Deployment, attribute, cloned, outcome_of, statuses
from tests.local_aws import LocalAws
from tests.local_aws.source_table import SourceTable, make_function

PROBE = """
import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def handler(event, context):
    client = boto3.client(event["service"], config=Config(retries={"total_max_attempts": 1}))
    try:
        answer = getattr(client, event["method"])(**event["parameters"])
    except ClientError as error:
        return {"refused": error.response["Error"]}
    return {"answer": json.loads(json.dumps(answer, default=str))}
"""

MESSAGE = {"MessageBody": "probe", "MessageGroupId": "probe", "MessageDeduplicationId": "probe"}


@dataclass
class Probes:
    """Functions that make the calls that a test wants, each with the role of one of the module's."""

    aws: LocalAws
    flow: Flow
    _made: dict[str, str] = field(default_factory=dict)

    def role(self, kind: str) -> str:
        """The name of the role of one function of the deployment with pipelines."""
        outputs = self.flow.outputs
        if kind in ("capture", "replay"):
            name: str = outputs["change_pipelines"]["flow-images"]["roles"][kind]["name"]
        else:
            name = outputs["restore_worker" if kind == "worker" else "operator"]["role"]["name"]
        return name

    def call(self, kind: str, service: str, method: str, **parameters: Any) -> dict[str, Any]:
        """Make a call with a role; returns its `answer`, or the error by which it was `refused`."""
        lambda_ = self.aws.clients().lambda_
        if kind not in self._made:
            self._made[kind] = f"{kind}-probe"
            arn = f"arn:aws:iam::{self.aws.account_id}:role/{self.role(kind)}"
            make_function(self.aws.clients(), self._made[kind], arn, PROBE)
        payload = json.dumps({"service": service, "method": method, "parameters": parameters}).encode()
        answer = lambda_.invoke(FunctionName=self._made[kind], Payload=payload)
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") is None, result
        return result

    def call_on(self, kind: str, action: str, place: str) -> dict[str, Any]:
        """Make the call of an action on one of the places that `_parameters` names."""
        service, _, operation = action.partition(":")
        return self.call(kind, service, xform_name(operation), **self._parameters(operation, place))

    def _parameters(self, operation: str, place: str) -> dict[str, Any]:
        tables = self.flow.outputs["change_pipelines"]
        match place:
            case "buffer" | "other buffer":
                url = tables["flow-images" if place == "buffer" else "flow-keys"]["buffer"]["url"]
                return {"QueueUrl": url, **(MESSAGE if operation == "SendMessage" else {})}
            case "restore queue":
                return {"QueueUrl": self.flow.deployment.queue_url}
            case "mapping":
                return {"UUID": tables["flow-images"]["mappings"]["capture"]}
            case "trigger of the worker":
                function = self.flow.deployment.function
                mappings = self.aws.observer().lambda_.list_event_source_mappings(FunctionName=function)
                return {"UUID": mappings["EventSourceMappings"][0]["UUID"]}
            case "own record" | "other record":
                key = "pipeline#flow-images" if place == "own record" else "pipeline#flow-keys"
                return {"TableName": self._restore_table, "Key": {"pk": {"S": key}, "sk": {"S": "probe"}}}
            case "records":
                item = {"pk": {"S": "target#flow-probe"}, "sk": {"S": "probe"}}
                return {"RequestItems": {self._restore_table: [{"PutRequest": {"Item": item}}]}}
            case "target" if operation == "TagResource":
                return {"ResourceArn": self.aws.table_arn("flow-probe"), "Tags": [{"Key": "a", "Value": "b"}]}
            case "target":
                return {"RequestItems": {"flow-probe": [{"PutRequest": {"Item": {"pk": {"S": "1"}}}}]}}
        raise ValueError(place)

    @property
    def _restore_table(self) -> str:
        return self.flow.deployment.restore_table

    def delete(self) -> None:
        for name in self._made.values():
            self.aws.clients().lambda_.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def probes(aws: LocalAws, flow: Flow) -> Iterator[Probes]:
    made = Probes(aws, flow)
    yield made
    made.delete()


def _allows(statement: dict[str, Any], action: str) -> bool:
    return statement["Effect"] == "Allow" and action in statement["Action"]


@contextlib.contextmanager
def without_action(aws: LocalAws, role: str, action: str) -> Iterator[None]:
    """Take an action out of the one attached policy of a role that allows it, and put it back."""
    iam = aws.client("iam")

    def make_default(document: dict[str, Any]) -> None:
        """A new version for this one: there is no SetDefaultPolicyVersion here."""
        replaced = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
        iam.delete_policy_version(PolicyArn=arn, VersionId=replaced)

    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        before = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        # What denies it for the restore table is another policy.
        if any(_allows(statement, action) for statement in before["Statement"]):
            break
    else:
        raise AssertionError(f"no policy of {role} allows {action}")
    less = copy.deepcopy(before)
    for statement in less["Statement"]:
        if _allows(statement, action):
            statement["Action"] = [each for each in statement["Action"] if each != action]
    make_default(less)
    try:
        yield
    finally:
        make_default(before)


@pytest.fixture(params=["gateway", "ministack"])
def judge(aws: LocalAws, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who judges; the gateway does so first, and where it does not ministack is left alone."""
    name: str = request.param
    monkeypatch.setattr(aws.rules.authorization, "enabled", name == "gateway")
    return name


def test_a_function_has_a_session_of_its_role(probes: Probes) -> None:
    identity = probes.call("capture", "sts", "get_caller_identity")["answer"]
    assert identity["Arn"].endswith(f":assumed-role/{probes.role('capture')}/capture-probe")


# Whose role it is, the call, its parameters, and how the refusal ends.
NOT_ALLOWED = "because no identity-based policy allows the {action} action"
EXPLICITLY_DENIED = "with an explicit deny in an identity-based policy"
FOREIGN_CALLS = [
    pytest.param("capture", "sqs:SendMessage", "other buffer", NOT_ALLOWED, id="capture into another's buffer"),
    pytest.param("capture", "sqs:ReceiveMessage", "buffer", NOT_ALLOWED, id="capture reads its buffer as replay"),
    pytest.param("capture", "dynamodb:BatchWriteItem", "target", NOT_ALLOWED, id="capture writes as replay"),
    pytest.param("replay", "sqs:SendMessage", "buffer", NOT_ALLOWED, id="replay fills the buffer as capture"),
    pytest.param("replay", "lambda:UpdateEventSourceMapping", "mapping", NOT_ALLOWED, id="replay as the operator"),
    pytest.param("replay", "dynamodb:UpdateItem", "other record", NOT_ALLOWED, id="replay on another's record"),
    pytest.param("replay", "dynamodb:BatchWriteItem", "records", EXPLICITLY_DENIED, id="replay into the records"),
    pytest.param("replay", "dynamodb:TagResource", "target", NOT_ALLOWED, id="replay as the worker"),
    pytest.param("operator", "sqs:ReceiveMessage", "restore queue", NOT_ALLOWED, id="operator as the worker"),
    pytest.param("worker", "dynamodb:BatchWriteItem", "target", NOT_ALLOWED, id="worker as replay"),
    pytest.param("worker", "lambda:UpdateEventSourceMapping", "trigger of the worker", NOT_ALLOWED, id="worker on what is no pipeline's"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "action", "place", "ending"), FOREIGN_CALLS)
def test_no_function_can_call_what_only_another_may(
    probes: Probes, judge: str, kind: str, action: str, place: str, ending: str
) -> None:
    refused = probes.call_on(kind, action, place)["refused"]

    assert refused["Code"].startswith("AccessDenied")
    user = f"arn:aws:sts::{probes.aws.account_id}:assumed-role/{probes.role(kind)}/{kind}-probe"
    assert refused["Message"].startswith(f"User: {user} is not authorized to perform: {action} ")
    assert refused["Message"].endswith(ending.format(action=action))
    # Only the gateway names the resource, as AWS does; so it is known who has refused.
    assert (" on resource: arn:aws:" in refused["Message"]) is (judge == "gateway")


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(
    ("kind", "action", "place", "refusal"),
    [
        pytest.param("replay", "dynamodb:GetItem", "own record", None, id="replay its own record"),
        pytest.param("operator", "lambda:GetEventSourceMapping", "mapping", None, id="operator its mapping"),
        pytest.param("operator", "lambda:UpdateEventSourceMapping", "mapping", None, id="operator switches"),
        # There is no such table, which only who may tag it is told.
        pytest.param(
            "worker", "dynamodb:TagResource", "target", "ResourceNotFoundException", id="worker tags"
        ),
    ],
)
def test_what_its_role_allows_a_function_can(
    probes: Probes, kind: str, action: str, place: str, refusal: str | None
) -> None:
    assert probes.call_on(kind, action, place).get("refused", {}).get("Code") == refusal


def test_what_moto_serves_is_judged_too(probes: Probes) -> None:
    alarm = {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
    refused = probes.call("replay", "cloudwatch", "put_metric_alarm", **alarm)["refused"]
    assert refused["Code"] == "AccessDenied"
    assert "is not authorized to perform: cloudwatch:PutMetricAlarm on resource: " in refused["Message"]
    refused = probes.call(
        "replay", "application-autoscaling", "describe_scalable_targets", ServiceNamespace="dynamodb"
    )["refused"]
    assert refused["Code"] == "AccessDeniedException"


def test_a_call_whose_permission_is_not_known_does_not_pass(probes: Probes) -> None:
    assert probes.call("replay", "kinesis", "list_streams")["refused"]["Code"] == "NotImplemented"


@pytest.mark.usefixtures("judge")
def test_a_restore_without_a_permission_tells_which_and_goes_on_once_it_is_there(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    new_target: Callable[[], str],
) -> None:
    """An action is taken out of the worker's policy, as by a mistaken change, and put back."""
    target = new_target()
    with without_action(aws, deployed.outputs["restore_worker"]["role"]["name"], "dynamodb:TagResource"):
        aws.restore(source.name, target)
        letter = deployed.dead_letters.wait_for(
            lambda message: attribute(message, "target_table") == target, "the restore in the secondary DLQ"
        )
        record = deployed.wait_for_end(target)

    lacking = "is not authorized to perform: dynamodb:TagResource"
    assert statuses(record["report"]) == cloned(source, tags="failed")
    assert lacking in outcome_of(record["report"], "tags")["reason"]
    assert (attribute(letter, "reason"), attribute(letter, "attempts")) == ("settings_failed", "1")
    assert lacking in attribute(letter, "detail")

    since = aws.calls.mark()
    deployed.send_round(letter)
    aws.wait_until(lambda: deployed.calls(since), timeout=PATIENCE_SECONDS, what="the second run")
    assert deployed.wait_for_end(target)["state"] == "synced"


def test_a_queue_takes_nothing_from_whom_its_policy_denies(aws: LocalAws, deployed: Deployment) -> None:
    """The role's own policy allows it: within an account that would be enough."""
    iam, name = aws.client("iam"), "somebody-with-queues"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="queues", PolicyDocument=_policy(allowed))
    make_function(aws.clients(), name, role["Arn"], PROBE)
    call = {
        "service": "sqs",
        "method": "send_message",
        "parameters": {"QueueUrl": deployed.queue_url, "MessageBody": "forged"},
    }
    try:
        answer = aws.clients().lambda_.invoke(FunctionName=name, Payload=json.dumps(call).encode())
        refused = json.loads(answer["Payload"].read())["refused"]
    finally:
        aws.clients().lambda_.delete_function(FunctionName=name)
        iam.delete_role_policy(RoleName=name, PolicyName="queues")
        iam.delete_role(RoleName=name)
    assert refused["Code"].startswith("AccessDenied")
    assert refused["Message"].endswith("with an explicit deny in a resource-based policy")


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
