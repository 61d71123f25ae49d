"""How replays end otherwise than by a plain cutover.

A file of its own, after others: the restores here wait until a minute has passed since the cutovers of
test_change_pipelines.py, and that minute passes while other tests run. The tests that wait for nothing stand first, so
that the two minutes before a cutover pass meanwhile too.
"""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.change import change_of
from dynamodb_restore.pipeline.boundary import POINT_IN_TIME_MARGIN
from tests.local.pipelines import (
    IDLE,
    PATIENCE_SECONDS,
    SECONDS_BETWEEN_ANSWERS,
    Flow,
    Writer,
    items_of,
    restore_to_now,
)
from tests.local_aws import LocalAws

TARGETS = {
    "flow-images": "flow-images-upkeep",
    "flow-keys": "flow-keys-first",
    "flow-old": "flow-old-given-up",
}


@pytest.fixture(scope="module")
def restores(aws: LocalAws, flow: Flow) -> dict[str, str]:
    """A restore of each table, all begun at once: a cutover waits for two minutes after a mapping was switched on.

    Their windows begin after the cutovers that were before: what those consumed would be a gap.

    Returns:
        The targets by their sources.
    """
    if flow.last_cutover is not None:
        begins_at = flow.last_cutover + POINT_IN_TIME_MARGIN + timedelta(seconds=1)
        aws.wait_until(
            lambda: datetime.now(UTC) >= begins_at or None,
            timeout=PATIENCE_SECONDS,
            what="the next restore's first minute",
            every=SECONDS_BETWEEN_ANSWERS,
        )
    for table, target in TARGETS.items():
        Writer(aws, table, items=50).change(60)
        restore_to_now(aws, table, target)
    return TARGETS


@pytest.mark.usefixtures("restores")
def test_upkeep_runs_by_its_rule_and_finds_capture_as_it_was_made(aws: LocalAws, flow: Flow) -> None:
    """Asked as its rule asks, for a restore that owns the pipeline; while none does, capture need not run."""
    upkeep = flow.outputs["change_pipelines"]["flow-images"]["functions"]["upkeep"]["name"]
    rule = aws.client("events").describe_rule(
        Name=flow.outputs["change_pipelines"]["flow-images"]["upkeep_rule"]["name"]
    )
    (target,) = aws.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == flow.outputs["change_pipelines"]["flow-images"]["functions"]["upkeep"]["arn"]

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


def test_an_abandoned_restore_leaves_the_table_and_frees_the_pipeline(
    aws: LocalAws, flow: Flow, restores: dict[str, str]
) -> None:
    flow.wait_until_replaying("flow-images")
    assert flow.ask("abandon", "flow-images")["result"] == "abandoned"
    assert flow.ask("status", "flow-images")["state"] == "idle"
    assert flow.mappings("flow-images") == IDLE
    target = restores["flow-images"]
    left = items_of(aws, target)
    Writer(aws, "flow-images", items=50).change(50)
    assert items_of(aws, target) == left


@pytest.mark.usefixtures("restores")
def test_what_capture_gave_up_holds_cutover_up_until_it_is_brought_in(aws: LocalAws, flow: Flow) -> None:
    """The emulator gives nothing up: the test puts the object where Lambda would, and asks for it then."""
    writer = Writer(aws, "flow-old", items=50, rng=random.Random(2))
    flow.wait_until_replaying("flow-old")
    writer.change(60)
    uuid = flow.outputs["change_pipelines"]["flow-old"]["mappings"]["capture"]
    key = f"aws/lambda/{uuid}/shardId-1/2026/11/22/2026-11-22T12.00.00-{uuid}"
    event = {"Records": _given_up(aws, "flow-old", "flow-old-given-up")}
    s3 = aws.client("s3")
    s3.put_object(Bucket="flow-failures", Key=key, Body=json.dumps({"payload": json.dumps(event)}))

    status = flow.ask("status", "flow-old")
    assert status["given_up"] == {"objects": 1, "first": [f"s3://flow-failures/{key}"]}
    assert "discarded" in [obstacle["code"] for obstacle in flow.refused("flow-old")]

    # What SQS moved to the FIFO DLQ comes back with it: here a bundle of what the first item once was.
    pipeline = flow.outputs["change_pipelines"]["flow-old"]
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
    assert flow.ask("status", "flow-old")["state"] == "idle"
    assert flow.mappings("flow-old") == IDLE


@pytest.mark.usefixtures("restores")
def test_of_two_restores_of_one_table_one_owns_the_pipeline_and_both_are_reported(
    aws: LocalAws, flow: Flow
) -> None:
    writer = Writer(aws, "flow-keys", items=50, rng=random.Random(2))
    flow.wait_until_replaying("flow-keys")
    restore_to_now(aws, "flow-keys", "flow-keys-second")
    second = flow.wait_for_state("flow-keys-second", "synced")
    before = items_of(aws, "flow-keys-second")
    writer.change(60)
    assert flow.cut_over("flow-keys")["target"] == "flow-keys-first"

    (note,) = second["notes"]
    assert note.startswith("the pipeline of flow-keys belongs to the restore into flow-keys-first: ")
    assert items_of(aws, "flow-keys-first") == items_of(aws, "flow-keys")
    assert items_of(aws, "flow-keys-second") == before
    assert items_of(aws, "flow-keys-second") != items_of(aws, "flow-keys")
    assert flow.ask("status", "flow-keys")["state"] == "idle"
    assert flow.mappings("flow-keys") == IDLE


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
