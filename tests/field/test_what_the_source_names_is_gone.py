"""A source outlives what it names: a Kinesis stream, a role in its resource policy, the KMS key of a replica. AWS keeps the name and
does not take it again. A deleted stream was waited for like a table that is not seen yet, for a day; the others failed, in each
restore of the table anew. What is certainly gone is left out now, and the report tells what it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished
from dynamodb_restore.settings.kinesis_destination import KinesisDestination
from dynamodb_restore.settings.resource_policy import ResourcePolicy
from dynamodb_restore.settings.setting import Setting, Table
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.principals import INVALID_PRINCIPAL
from tests.unit.builders import (
    delivery,
    make_full_source,
    make_restore_table,
    make_table,
    make_target,
    make_worker,
    portable,
    request,
)
from tests.unit.fakes import ACCOUNT, Aws, Clock, kinesis_arn, table_arn
from tests.unit.settings import test_replicas as replicas
from tests.unit.settings import test_resource_policy as resource_policy
from tests.unit.settings.test_replicas import IRELAND, KEY, GlobalTables, global_tables
from tests.unit.settings.test_resource_policy import Policies, document, policies

__all__ = ["global_tables", "policies"]

CHANGES = kinesis_arn("changes")
ROLE = "AROA1EXAMPLEDELETED01"
USER = "AIDA1EXAMPLEDELETED02"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"


def sync(setting: Setting, source: Table, target: Table, clock: Clock) -> Outcome:
    desired = {setting.name: portable(setting, source)}
    (outcome,) = sync_settings([setting], desired, target, clock.pace(), switches={setting.name: True})
    return outcome


REFUSALS = {
    "not found": ("ResourceNotFoundException", "Requested resource not found"),
    "invalid": ("ValidationException", "The stream is in no state to be used"),
    "not allowed": ("AccessDeniedException", "User does not have a permission to use the stream"),
}
"""How DynamoDB may refuse a stream that is gone."""


class TestKinesis:
    @pytest.fixture
    def source(self, aws: Aws, clients: Clients) -> Table:
        make_table(clients, "orders")
        aws.kinesis.put("orders", "changes")
        return Table("orders", clients)

    @pytest.fixture
    def target(self, clients: Clients) -> Table:
        make_table(clients, "orders-restored")
        return Table("orders-restored", clients)

    def test_a_restore_ends_though_the_stream_is_gone(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        make_restore_table(clients)
        make_full_source(aws, clients)
        make_target(aws, clients)
        (arn,) = (one["StreamArn"] for one in aws.kinesis.destinations["orders"])
        aws.kinesis.delete(arn.rpartition("/")[2])
        verdict = make_worker(clients, clock).follow(delivery(request(), 1))
        assert isinstance(verdict, Finished)
        assert verdict.report.result.value == "synced"
        assert verdict.report.left_out == ("kinesis_destination",)
        (outcome,) = (one for one in verdict.report.outcomes if one.setting == "kinesis_destination")
        assert [arn in line and "no such stream" in line for line in outcome.omitted] == [True]

    @pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
    @pytest.mark.parametrize(
        ("status", "why"),
        [
            (None, "Kinesis says that there is no such stream (any more)"),
            ("DELETING", "Kinesis says that the stream is being deleted"),
        ],
    )
    def test_however_it_is_refused_kinesis_is_asked(
        self,
        aws: Aws,
        source: Table,
        target: Table,
        clock: Clock,
        refusal: tuple[str, str],
        status: str | None,
        why: str,
    ) -> None:
        aws.kinesis.delete("changes", status)
        aws.kinesis.refusal = refusal
        outcome = sync(KinesisDestination(), source, target, clock)
        assert outcome.status is Status.SKIPPED
        assert outcome.omitted == (f"send changes to {CHANGES}: {why}",)
        assert clock.naps == []

    def test_a_stream_that_is_there_is_waited_for(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        aws.fail("EnableKinesisStreamingDestination", *REFUSALS["not found"], times=2)
        assert sync(KinesisDestination(), source, target, clock).status is Status.APPLIED

    def test_a_table_that_is_not_seen_yet_is_no_question_for_kinesis(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        text = "Requested resource not found: Table: orders-restored not found"
        aws.fail("EnableKinesisStreamingDestination", "ResourceNotFoundException", text)
        assert sync(KinesisDestination(), source, target, clock).status is Status.APPLIED
        assert aws.named("DescribeStreamSummary") == []

    def test_where_kinesis_does_not_tell_nothing_is_called_gone(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        aws.kinesis.delete("changes")
        aws.fail("DescribeStreamSummary", "AccessDeniedException", "not authorized", times=10_000)
        outcome = sync(KinesisDestination(), source, target, clock)
        assert outcome.status is Status.FAILED
        assert outcome.retryable
        assert outcome.omitted == ()
        assert outcome.reason is not None
        assert (
            "whether the stream exists could not be asked: DescribeStreamSummary: AccessDenied"
            in outcome.reason
        )

    def test_a_missing_permission_is_told_as_such(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        aws.fail("EnableKinesisStreamingDestination", *REFUSALS["not allowed"])
        outcome = sync(KinesisDestination(), source, target, clock)
        assert (outcome.status, outcome.retryable) == (Status.FAILED, False)
        assert "User does not have a permission" in str(outcome.reason)


class TestPrincipals:
    @pytest.fixture
    def source(self, policies: Policies, clients: Clients) -> Table:
        make_table(clients, "orders")
        return Table("orders", clients)

    @pytest.fixture
    def target(self, policies: Policies, clients: Clients) -> Table:
        make_table(clients, "orders-restored")
        return Table("orders-restored", clients)

    def statement(self, effect: str, principal: Any, **more: Any) -> dict[str, Any]:
        actions = "dynamodb:GetItem" if effect == "Allow" else "dynamodb:PutItem"
        of = {} if principal is None else {"Principal": principal}
        return {
            "Sid": effect,
            "Effect": effect,
            **of,
            "Action": actions,
            "Resource": table_arn("orders"),
            **more,
        }

    def cloned(
        self, policies: Policies, source: Table, target: Table, clock: Clock, *statements: Mapping[str, Any]
    ) -> tuple[Outcome, list[Any]]:
        """How it ended, and for whom each statement on the target is."""
        policies.documents[table_arn("orders")] = json.dumps(document(*statements))
        outcome = sync(ResourcePolicy(), source, target, clock)
        written = json.loads(policies.documents.get(table_arn("orders-restored"), '{"Statement": []}'))
        return outcome, [(one["Effect"], one.get("Principal")) for one in written["Statement"]]

    def left_out(self, effect: str, *ids: str) -> str:
        return (
            f"the resource policy of the table: its statement {effect}, {effect}, is for {', '.join(ids)} too, the id of a user or "
            "role that was deleted, which no policy can name; name whom it is to be for"
        )

    def test_the_others_of_a_statement_keep_what_they_had(
        self, policies: Policies, source: Table, target: Table, clock: Clock
    ) -> None:
        mixed = self.statement("Allow", {"AWS": [ROLE, READER, USER], "Service": "redshift.amazonaws.com"})
        outcome, principals = self.cloned(policies, source, target, clock, mixed)
        assert principals == [("Allow", {"AWS": [READER], "Service": "redshift.amazonaws.com"})]
        assert outcome.status is Status.APPLIED
        assert outcome.omitted == (self.left_out("Allow", ROLE, USER),)

    @pytest.mark.parametrize("effect", ["Allow", "Deny"])
    def test_a_statement_for_nobody_else_is_left_out_whole_and_told(
        self, policies: Policies, source: Table, target: Table, clock: Clock, effect: str
    ) -> None:
        """Never as one for everybody."""
        dead, living = (
            self.statement(effect, {"AWS": ROLE}),
            self.statement("Allow", {"AWS": READER}, Sid="b"),
        )
        outcome, principals = self.cloned(policies, source, target, clock, dead, living)
        assert principals == [("Allow", {"AWS": READER})]
        assert outcome.omitted == (self.left_out(effect, ROLE),)

    def test_a_policy_for_nobody_else_is_not_written(
        self, aws: Aws, policies: Policies, source: Table, target: Table, clock: Clock
    ) -> None:
        outcome, _ = self.cloned(policies, source, target, clock, self.statement("Allow", {"AWS": ROLE}))
        assert outcome.status is Status.SKIPPED
        assert outcome.omitted == (self.left_out("Allow", ROLE),)
        assert aws.named("PutResourcePolicy") == []

    @pytest.mark.parametrize("effect", ["Allow", "Deny"])
    def test_whom_a_statement_is_not_for_is_not_touched(
        self, aws: Aws, policies: Policies, source: Table, target: Table, clock: Clock, effect: str
    ) -> None:
        """Without the name it would be for somebody whom it was not written for."""
        excepting = self.statement(effect, None, NotPrincipal={"AWS": [ROLE, READER]}, Action="dynamodb:Scan")
        outcome, _ = self.cloned(policies, source, target, clock, excepting)
        assert outcome.status is Status.SKIPPED
        assert [line for line in outcome.omitted if f"statement {effect} excepts {ROLE}" in line]
        assert aws.named("PutResourcePolicy") == []

    def test_a_second_run_finds_its_policy(
        self, policies: Policies, source: Table, target: Table, clock: Clock
    ) -> None:
        mixed = self.statement("Allow", {"AWS": [ROLE, READER]})
        self.cloned(policies, source, target, clock, mixed)
        outcome, _ = self.cloned(policies, source, target, clock, mixed)
        assert outcome.conflicts == ()
        assert outcome.omitted == (self.left_out("Allow", ROLE),)

    def test_an_id_in_a_condition_stays(
        self, policies: Policies, source: Table, target: Table, clock: Clock
    ) -> None:
        """AWS takes it, and it holds for nobody."""
        condition = {"StringLike": {"aws:userid": f"{ROLE}:*"}}
        outcome, principals = self.cloned(
            policies, source, target, clock, self.statement("Allow", {"AWS": READER}, Condition=condition)
        )
        assert principals == [("Allow", {"AWS": READER})]
        assert outcome.omitted == ()


class TestKeys:
    SAYS = (
        "KMS validation error for region eu-west-1: com.amazonaws.services.kms.model.NotFoundException: Key "
        f"'{KEY}' does not exist (Service: AWSKMS; Status Code: 400; Error Code: NotFoundException)"
    )

    @pytest.fixture
    def source(self, aws: Aws, global_tables: GlobalTables, clients: Clients) -> Table:
        make_table(clients, "orders", on_demand=True, view_type="NEW_AND_OLD_IMAGES")
        encryption = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": KEY.replace(IRELAND, "eu-central-1"),
        }
        aws.describe_as("orders", SSEDescription=encryption)
        aws.describe_as("orders-restored", SSEDescription=encryption)
        global_tables.put("orders", IRELAND, KMSMasterKeyId=KEY)
        return Table("orders", clients)

    @pytest.fixture
    def target(self, global_tables: GlobalTables, clients: Clients) -> Table:
        make_table(clients, "orders-restored", on_demand=True)
        return Table("orders-restored", clients)

    def test_a_replica_whose_key_is_gone_is_left_out(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        aws.fail("UpdateTable", "ValidationException", self.SAYS, times=10_000)
        outcome = replicas.sync(source, target, clock)
        assert outcome.status is Status.SKIPPED
        (line,) = outcome.omitted
        assert line.startswith(
            f"replicate to eu-west-1 with key {KEY}: KMS does not know the key of the source's replica (any more): "
        )
        assert "--replica-updates 'Create={RegionName=eu-west-1,KMSMasterKeyId=KEY}'" in line

    def test_a_key_that_is_to_be_deleted_is_not_gone(
        self, aws: Aws, source: Table, target: Table, clock: Clock
    ) -> None:
        """Somebody can still cancel that."""
        text = f"KMS validation error: com.amazonaws.services.kms.model.KMSInvalidStateException: {KEY} is pending deletion."
        aws.fail("UpdateTable", "ValidationException", text, times=10_000)
        outcome = replicas.sync(source, target, clock)
        assert (outcome.status, outcome.omitted) == (Status.FAILED, ())


def test_the_aws_of_the_tests_takes_no_principal_that_was_deleted(
    aws: Aws, policies: Policies, clients: Clients
) -> None:
    make_table(clients, "orders")
    dead = document(resource_policy.allow(table_arn("orders"), Principal={"AWS": ROLE}))
    with pytest.raises(clients.dynamodb.exceptions.ClientError, match=INVALID_PRINCIPAL):
        clients.dynamodb.put_resource_policy(ResourceArn=table_arn("orders"), Policy=json.dumps(dead))
