"""Changes made while a table restores reach the restored table, through the pipelines as Terraform deploys them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import change_of
from dynamodb_restore.pipeline.boundary import POINT_IN_TIME_MARGIN
from tests.local.pipelines import Flow, Writer, items_of, make_table
from tests.local.support import PATIENCE_SECONDS, statuses
from tests.local_aws import LocalAws

IDLE = {"capture": "Disabled", "replay": "Disabled"}
RUNNING = {"capture": "Enabled", "replay": "Enabled"}

SECOND_ROUND = {
    "flow-images": "flow-images-upkeep",
    "flow-keys": "flow-keys-first",
    "flow-old": "flow-old-given-up",
}


@pytest.fixture(scope="module")
def second_round(aws: LocalAws, flow: Flow) -> None:
    """A restore of each table, all begun at once: a cutover waits for two minutes after a mapping was switched on.

    Their windows begin after the cutovers of the first round: what those consumed would be a gap.
    """
    begins_at = datetime.now(UTC) + POINT_IN_TIME_MARGIN + timedelta(seconds=1)
    aws.wait_until(
        lambda: datetime.now(UTC) >= begins_at or None,
        timeout=PATIENCE_SECONDS,
        what="the next restore's first minute",
    )
    for table, target in SECOND_ROUND.items():
        Writer(aws, table, items=50).change(60)
        _restore_to_now(aws, table, target)


def test_changes_before_during_and_after_a_restore_all_arrive_whatever_the_stream_has(
    aws: LocalAws, flow: Flow
) -> None:
    """20,000 changes of the table whose stream has images, and some of two whose streams have none of the new ones."""
    writer = Writer(aws, "flow-images", items=2_000)
    others = [Writer(aws, table, items=200) for table in ("flow-keys", "flow-old")]
    writer.change(7_000)
    writer.put_large(1)
    for other in others:
        other.change(400)
    tables = [writer.table, *(other.table for other in others)]
    assert [flow.mappings(table) for table in tables] == [IDLE] * 3

    _restore_to_now(aws, "flow-images", "flow-images-restored", polls=4)
    for other in others:
        _restore_to_now(aws, other.table, f"{other.table}-restored")
        other.change(400)
    writer.change(7_000)
    for table in tables:
        flow.wait_until_replaying(table)
    assert [flow.mappings(table) for table in tables] == [RUNNING] * 3
    plan = _plan(flow)
    assert plan.returncode == 0, f"Terraform wants to undo what a restore has switched on: {plan.stdout}"

    # A plan that would take a pipeline from a restore says so, and no plan that would not.
    warning = "Restores own change pipelines that are no longer in the configuration:"
    assert warning not in plan.stdout
    without = " ".join(_plan(flow, "-var", 'left_out=["flow-keys"]').stdout.replace("\u2502", " ").split())
    assert f"{warning} flow-keys (into flow-keys-restored). " in without

    report = flow.wait_for_state("flow-images-restored", "replaying")
    # What is replayed must not be in the stream that triggers read.
    assert statuses(report)["stream"] == statuses(report)["stream_triggers"] == "skipped"
    writer.put_large(2)
    writer.change(6_000)
    for other in others:
        other.change(400)
    cutovers = {table: flow.cut_over(table) for table in tables}

    assert {table: report["result"] for table, report in cutovers.items()} == dict.fromkeys(tables, "synced")
    assert cutovers["flow-images"]["attempts"] == 5
    assert _triggers(aws, "flow-images-restored") == [], (
        "the pipeline's own trigger is no setting of the table"
    )
    for table in tables:
        assert items_of(aws, f"{table}-restored") == items_of(aws, table)
        assert flow.mappings(table) == IDLE
        assert flow.ask("status", table)["state"] == "idle"


@pytest.mark.usefixtures("second_round")
def test_of_two_restores_of_one_table_one_owns_the_pipeline_and_both_are_reported(
    aws: LocalAws, flow: Flow
) -> None:
    writer = Writer(aws, "flow-keys", items=50, rng=random.Random(2))
    flow.wait_until_replaying("flow-keys")
    _restore_to_now(aws, "flow-keys", "flow-keys-second")
    second = flow.wait_for_state("flow-keys-second", "synced")
    before = items_of(aws, "flow-keys-second")
    writer.change(60)
    assert flow.cut_over("flow-keys")["target"] == "flow-keys-first"

    (note,) = second["notes"]
    assert note.startswith("the pipeline of flow-keys belongs to the restore into flow-keys-first: ")
    assert items_of(aws, "flow-keys-first") == items_of(aws, "flow-keys")
    assert items_of(aws, "flow-keys-second") == before
    assert items_of(aws, "flow-keys-second") != items_of(aws, "flow-keys")


@pytest.mark.usefixtures("second_round")
def test_what_capture_gave_up_holds_cutover_up_until_it_is_brought_in(aws: LocalAws, flow: Flow) -> None:
    """The emulator gives nothing up: the test puts the object where Lambda would, and asks for it then."""
    writer = Writer(aws, "flow-old", items=50, rng=random.Random(2))
    flow.wait_until_replaying("flow-old")
    writer.change(60)
    uuid = flow.outputs["tables"]["flow-old"]["mappings"]["capture"]
    key = f"aws/lambda/{uuid}/shardId-1/2026/11/22/2026-11-22T12.00.00-{uuid}"
    event = {"Records": _given_up(aws, "flow-old", "flow-old-given-up")}
    s3 = aws.client("s3")
    s3.put_object(Bucket="flow-failures", Key=key, Body=json.dumps({"payload": json.dumps(event)}))

    status = flow.ask("status", "flow-old")
    assert status["given_up"] == {"objects": 1, "first": [f"s3://flow-failures/{key}"]}
    assert "discarded" in [obstacle["code"] for obstacle in flow.refused("flow-old")]

    # What SQS moved to the FIFO DLQ comes back with it: here a bundle of what the first item once was.
    pipeline = flow.outputs["tables"]["flow-old"]
    aws.client("sqs").send_message(
        QueueUrl=pipeline["buffer_dead_letter_queue"]["url"],
        MessageBody=encode([change_of(record, 0) for record in event["Records"]], sent_at=time.time()),
        MessageGroupId="0",
        MessageDeduplicationId="set-aside",
    )
    brought = flow.ask("bring_in", "flow-old")
    assert (brought["brought_in"], brought["objects"], brought["bundles"]) == (6, 1, 1), json.dumps(brought)
    assert (brought["unreadable"], brought["more"]) == ([], False)
    assert "Contents" not in s3.list_objects_v2(Bucket="flow-failures", Prefix=f"aws/lambda/{uuid}/")

    assert flow.cut_over("flow-old")["result"] == "synced"
    assert items_of(aws, "flow-old-given-up") == items_of(aws, "flow-old")


@pytest.mark.usefixtures("second_round")
def test_upkeep_runs_by_its_rule_and_finds_capture_as_it_was_made(aws: LocalAws, flow: Flow) -> None:
    """Asked as its rule asks, for a restore that owns the pipeline; while none does, capture need not run."""
    upkeep = flow.outputs["tables"]["flow-images"]["functions"]["upkeep"]["name"]
    rule = aws.client("events").describe_rule(
        Name=flow.outputs["tables"]["flow-images"]["upkeep_rule"]["name"]
    )
    (target,) = aws.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == flow.outputs["tables"]["flow-images"]["functions"]["upkeep"]["arn"]

    flow.wait_until_replaying("flow-images")
    # As if it had been going on for three days: upkeep notes then how far it has come.
    claim = {"pk": {"S": "pipeline#flow-images"}, "sk": {"S": "claim"}}
    observer = aws.observer().dynamodb
    observer.update_item(
        TableName=flow.deployment.restore_table,
        Key=claim,
        UpdateExpression="SET window_start = window_start - :days",
        ExpressionAttributeValues={":days": {"N": str(3 * 86_400)}},
    )
    answer = aws.clients().lambda_.invoke(FunctionName=upkeep, Payload=target["Input"].encode())
    settled = {"rewritten": 0, "quarantined": 0, "left": 0, "problem": None}
    assert json.loads(answer["Payload"].read()) == {
        "misdirected": None,
        "settled": settled,
        "late_changes": 0,
    }
    noted = observer.get_item(TableName=flow.deployment.restore_table, Key=claim)["Item"]["replayed_until"][
        "N"
    ]
    assert time.time() - 86_400 < int(noted) < time.time()
    flow.ask("repair", "flow-images")
    assert flow.ask("abandon", "flow-images")["result"] == "abandoned"
    _nothing_runs(flow)


def test_a_restore_of_a_table_without_a_pipeline_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    make_table(aws, "flow-plain", "NEW_IMAGE")
    _restore_to_now(aws, "flow-plain", "flow-plain-restored")
    report = flow.wait_for_state("flow-plain-restored", "synced")
    assert statuses(report)["stream"] == "applied"
    _nothing_runs(flow)


def test_a_restore_call_that_was_refused_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    detail = _restore_detail(aws, "flow-refused")
    since = aws.calls.mark()
    aws.announce({**detail, "errorCode": "TableAlreadyExistsException"})
    # What the rule lets through afterwards shows that the refused call has not come through before it.
    _restore_to_now(aws, "flow-old", "flow-old-after-refused")
    flow.wait_until_replaying("flow-old")
    assert "released" not in flow.ask("abandon", "flow-old")
    assert flow.deployment.calls(since, operation="DescribeTable", resource="flow-refused") == []
    _nothing_runs(flow)


def test_a_restore_onto_a_table_that_existed_before_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    make_table(aws, "flow-existing")
    detail = _restore_detail(aws, "flow-existing")
    later = datetime.now(UTC) + timedelta(minutes=5)
    aws.announce({**detail, "eventTime": later.strftime("%Y-%m-%dT%H:%M:%SZ"), "responseElements": None})

    report = flow.wait_for_state("flow-existing", "skipped")
    assert "before the restore call" in report["reason"]
    assert items_of(aws, "flow-existing") == {}
    _nothing_runs(flow)


def test_an_abandoned_restore_leaves_the_table_and_frees_the_pipeline(aws: LocalAws, flow: Flow) -> None:
    writer = Writer(aws, "flow-old", items=50)
    writer.change(50)
    _restore_to_now(aws, "flow-old", "flow-old-abandoned")
    flow.wait_until_replaying("flow-old")
    assert flow.ask("abandon", "flow-old")["result"] == "abandoned"
    assert flow.ask("status", "flow-old")["state"] == "idle"
    left = items_of(aws, "flow-old-abandoned")
    writer.change(50)
    assert items_of(aws, "flow-old-abandoned") == left
    _nothing_runs(flow)


def _given_up(aws: LocalAws, source: str, target: str) -> list[dict[str, Any]]:
    """Records of an item that never came through the stream, and old ones of two that did: what they tell is no longer so."""
    missed, *others = sorted(items_of(aws, source))[:3]
    rows = {name: _row(name) for name in (missed, *others)}
    aws.clients().dynamodb.delete_item(TableName=target, Key=rows[missed])
    now = int(datetime.now(UTC).timestamp())
    return [
        {
            "eventName": event,
            "dynamodb": {
                "Keys": rows[name],
                "SequenceNumber": str(number),
                "ApproximateCreationDateTime": now,
                **({} if event == "REMOVE" else {"NewImage": {**rows[name], "status": {"S": "long ago"}}}),
            },
        }
        for number, (name, event) in enumerate(zip(rows, ("INSERT", "MODIFY", "REMOVE"), strict=True))
    ]


def _row(name: str) -> dict[str, Any]:
    pk, _, sk = name.rpartition("/")
    return {"pk": {"S": pk}, "sk": {"N": sk}}


def _triggers(aws: LocalAws, table: str) -> list[str]:
    clients = aws.clients()
    stream_arn = clients.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    mappings = clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)["EventSourceMappings"]
    return [mapping["FunctionArn"] for mapping in mappings]


def _restore_to_now(aws: LocalAws, source: str, target: str, *, polls: int = 1) -> None:
    """Restore to this instant: the tables here are younger than "the latest" restore point that AWS would take."""
    aws.restore(source, target, polls=polls, RestoreDateTime=datetime.now(UTC))


def _restore_detail(aws: LocalAws, target: str) -> dict[str, Any]:
    """The event's detail of a restore of flow-images, made from one that was never announced."""
    restore = aws.restore("flow-images", f"{target}-template", announced=False)
    parameters = {**restore.detail["requestParameters"], "targetTableName": target}
    return {**restore.detail, "eventID": f"event-{target}", "requestParameters": parameters}


def _nothing_runs(flow: Flow) -> None:
    flow.deployment.wait_until_idle()
    for table in ("flow-images", "flow-keys", "flow-old"):
        assert flow.ask("status", table)["state"] == "idle"
        assert flow.mappings(table) == IDLE


def _plan(flow: Flow, *more: str) -> subprocess.CompletedProcess[str]:
    """A plan, with exit code 2 where Terraform would change something."""
    runner = flow.terraform
    arguments = [
        "plan",
        "-input=false",
        "-no-color",
        "-detailed-exitcode",
        f"-state={runner.state_path}",
        *more,
    ]
    return subprocess.run(
        [runner.tf_bin, *arguments],
        cwd=runner.module_dir,
        env={**os.environ, "TF_DATA_DIR": runner.work_dir},
        capture_output=True,
        text=True,
        check=False,
    )
