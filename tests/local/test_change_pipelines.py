"""Changes made while a table restores reach the restored table, through the pipelines as Terraform deploys them."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local.pipelines import IDLE, Flow, Writer, items_of, make_table, nothing_runs, restore_to_now
from tests.local.support import statuses
from tests.local_aws import LocalAws

RUNNING = {"capture": "Enabled", "replay": "Enabled"}


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

    restore_to_now(aws, "flow-images", "flow-images-restored", polls=4)
    for other in others:
        restore_to_now(aws, other.table, f"{other.table}-restored")
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
    with ThreadPoolExecutor(len(tables)) as people:
        cutovers = dict(zip(tables, people.map(flow.cut_over, tables), strict=True))

    assert {table: report["result"] for table, report in cutovers.items()} == dict.fromkeys(tables, "synced")
    assert cutovers["flow-images"]["attempts"] == 5
    assert _triggers(aws, "flow-images-restored") == [], (
        "the pipeline's own trigger is no setting of the table"
    )
    for table in tables:
        assert items_of(aws, f"{table}-restored") == items_of(aws, table)
        assert flow.mappings(table) == IDLE
        assert flow.ask("status", table)["state"] == "idle"


def test_a_restore_of_a_table_without_a_pipeline_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    make_table(aws, "flow-plain", "NEW_IMAGE")
    restore_to_now(aws, "flow-plain", "flow-plain-restored")
    report = flow.wait_for_state("flow-plain-restored", "synced")
    assert statuses(report)["stream"] == "applied"
    nothing_runs(flow)


def test_a_restore_call_that_was_refused_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    detail = _restore_detail(aws, "flow-refused")
    since = aws.calls.mark()
    aws.announce({**detail, "errorCode": "TableAlreadyExistsException"})
    # What the rule lets through afterwards shows that the refused call has not come through before it.
    make_table(aws, "flow-allowed")
    restore_to_now(aws, "flow-allowed", "flow-allowed-restored")
    flow.wait_for_state("flow-allowed-restored", "synced")
    assert flow.deployment.calls(since, operation="DescribeTable", resource="flow-refused") == []
    nothing_runs(flow)


def test_a_restore_onto_a_table_that_existed_before_replays_nothing(aws: LocalAws, flow: Flow) -> None:
    make_table(aws, "flow-existing")
    detail = _restore_detail(aws, "flow-existing")
    later = datetime.now(UTC) + timedelta(minutes=5)
    aws.announce({**detail, "eventTime": later.strftime("%Y-%m-%dT%H:%M:%SZ"), "responseElements": None})

    report = flow.wait_for_state("flow-existing", "skipped")
    assert "before the restore call" in report["reason"]
    assert items_of(aws, "flow-existing") == {}
    nothing_runs(flow)


def _triggers(aws: LocalAws, table: str) -> list[str]:
    clients = aws.clients()
    stream_arn = clients.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    mappings = clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)["EventSourceMappings"]
    return [mapping["FunctionArn"] for mapping in mappings]


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
