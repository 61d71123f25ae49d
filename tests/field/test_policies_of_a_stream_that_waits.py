"""The stream waits for cutover while changes are replayed, and its resource policy does not: the report on the replay said of the
policy that it was left out for good, with advice about a setting that was on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from typing_extensions import override

from dynamodb_restore.aws import TableRef
from dynamodb_restore.restore.clone import DirectClone
from dynamodb_restore.restore.delivery import Finished
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.resource_policy import ResourcePolicy
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.sync.outcome import Outcome
from tests.field.test_triggers_that_begin_late import Replayed
from tests.hazards.reporting import by_setting
from tests.unit.changes.house import STREAM, House
from tests.unit.fakes import Aws, table_arn
from tests.unit.settings.test_resource_policy import Policies, allow, document, policies

__all__ = ["policies"]

SETTINGS = (Stream(), ResourcePolicy())
OF_STREAM = "attach the resource policy of the stream"
OF_TABLE = "attach the resource policy of the table"


class WithPolicies(Replayed):
    """Such a restore, of a table whose stream has a policy."""

    switches: Mapping[str, bool] = {"stream": True, "resource_policy": True}

    @property
    @override
    def worker(self) -> Worker:
        worker = self.house.worker
        cloner = replace(worker.cloner, settings=SETTINGS)
        return replace(worker, cloner=cloner, config=replace(worker.config, switches=self.switches))

    def policy_of_replay(self) -> Outcome:
        """What the report on the replay says of the policies."""
        verdict = self.follow()
        assert isinstance(verdict, Finished)
        (outcome,) = (each for each in verdict.report.outcomes if each.setting == "resource_policy")
        return outcome


@pytest.fixture
def replayed(house: House, policies: Policies) -> WithPolicies:
    policies.documents[STREAM] = json.dumps(document(allow(STREAM, Action="dynamodb:GetRecords")))
    return WithPolicies(house)


def test_it_waits_with_the_stream_and_is_applied_at_cutover(replayed: WithPolicies, aws: Aws) -> None:
    outcome = replayed.policy_of_replay()
    assert (outcome.reason, outcome.omitted, outcome.left_out) == (
        f"waits for cutover: {OF_STREAM}",
        (),
        False,
    )
    assert aws.named("PutResourcePolicy") == []

    report = replayed.cut_over()
    assert (report["result"], report["left_out"]) == ("synced", [])
    assert by_setting(report)["resource_policy"]["done"] == [OF_STREAM]


def test_the_tables_policy_does_not_wait(replayed: WithPolicies, policies: Policies) -> None:
    policies.documents[table_arn("orders")] = json.dumps(document(allow(table_arn("orders"))))
    outcome = replayed.policy_of_replay()
    assert (outcome.done, outcome.omitted, outcome.left_out) == ((OF_TABLE,), (), False)
    assert by_setting(replayed.cut_over())["resource_policy"]["done"] == [OF_TABLE, OF_STREAM]


def test_a_policy_of_the_table_that_names_the_stream_waits_too(
    replayed: WithPolicies, policies: Policies
) -> None:
    policies.documents[table_arn("orders")] = json.dumps(document(allow(table_arn("orders"), STREAM)))
    outcome = replayed.policy_of_replay()
    assert (outcome.reason, outcome.omitted) == (f"waits for cutover: {OF_TABLE}; {OF_STREAM}", ())
    assert by_setting(replayed.cut_over())["resource_policy"]["done"] == [OF_TABLE, OF_STREAM]


def test_where_the_stream_is_off_it_is_left_out_as_before(replayed: WithPolicies) -> None:
    replayed.switches = {"stream": False, "resource_policy": True}
    outcome = replayed.policy_of_replay()
    assert "the target has no stream to attach it to; see the setting `stream`" in (outcome.reason or "")
    assert outcome.left_out
    assert replayed.cut_over()["left_out"] == ["resource_policy"]


def test_a_direct_invocation_during_the_replay_says_so_too(replayed: WithPolicies) -> None:
    replayed.policy_of_replay()
    worker = replayed.worker
    direct = DirectClone(worker.cloner, worker.config, worker.pipelines, worker.now)
    for dry_run in (True, False):
        report = direct.run(TableRef("orders"), "orders-restored", dry_run=dry_run)
        (outcome,) = (each for each in report.outcomes if each.setting == "resource_policy")
        assert (outcome.reason, outcome.left_out) == (f"waits for cutover: {OF_STREAM}", False)
