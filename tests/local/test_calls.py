"""Which AWS calls the worker makes: few, and none that changes anything when nothing is to be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.local.support import PATIENCE_SECONDS, Deployment, cloned, outcome_of, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable

# What the deployment's overrides leave on for targets of this kind.
FIRST_SEVEN = {
    "auto_scaling", "kinesis_destination", "point_in_time_recovery", "stream", "stream_triggers", "tags", "ttl",
}  # fmt: skip


@pytest.fixture
def _aws_carries_everything_out_at_once(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """How often AWS says "not yet" of what it is carrying out is not the worker's doing."""
    rules = aws.rules
    for rule in (
        rules.table_updates,
        rules.kinesis_destinations,
        rules.contributor_insights,
        rules.warm_throughput,
        rules.resource_policies,
        rules.table_tags,
        rules.triggers,
    ):
        monkeypatch.setattr(rule, "default_polls", 0)


@pytest.mark.usefixtures("_aws_carries_everything_out_at_once")
@pytest.mark.parametrize(
    ("kind", "most_calls", "most_notes"),
    [
        pytest.param("first-seven", 42, 24, id="seven settings"),
        pytest.param("restored", 85, 40, id="all settings"),
    ],
)
def test_from_active_to_cloned_takes_few_calls(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    new_target: Callable[..., str],
    kind: str,
    most_calls: int,
    most_notes: int,
) -> None:
    """With two triggers, three scalable dimensions, two scheduled actions and seven alarms on the source.

    What is noted in the restore's record, about once a step, is counted by itself. Not counted is what is looked for because
    it cannot be cloned: that depends on what the account has.
    """
    target = new_target(kind)
    since = aws.calls.mark()
    aws.restore(source.name, target, polls=1)
    record = deployed.wait_for_end(target)

    (_, active) = deployed.calls(since, operation="DescribeTable", resource=target)[:2]
    (report,) = deployed.calls(active.number, operation="PutEvents")[:1]
    # What names the source is looked for after the report.
    calls = deployed.calls(
        active.number,
        where=lambda call: call.number <= report.number or call.operation in ("Publish", "UpdateItem"),
    )
    listing = "\n".join(str(call) for call in calls)
    notes = [
        call for call in calls if (call.operation, call.resource) == ("UpdateItem", deployed.restore_table)
    ]
    assert len(calls) - len(notes) <= most_calls, f"{len(calls) - len(notes)} calls:\n{listing}"
    assert len(notes) <= most_notes, f"{len(notes)} notes:\n{listing}"
    # An AWS as strict as this one refuses nothing: what fails was not needed.
    assert [call for call in calls if call.error not in ("", "PolicyNotFoundException")] == []
    applied = {setting for setting, status in statuses(record["report"]).items() if status == "applied"}
    assert applied == (FIRST_SEVEN if kind == "first-seven" else source.settings)


def test_a_second_delivery_of_the_event_changes_nothing(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    restore = aws.restore(source.name, target)
    deployed.wait_for_end(target)

    since = aws.calls.mark()
    aws.announce(restore.detail)
    aws.wait_until(lambda: deployed.calls(since), timeout=PATIENCE_SECONDS, what="the second delivery")
    deployed.wait_until_idle()

    assert deployed.calls(since, mutating=True) == []


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, announced=False)
    since = aws.calls.mark()
    report = deployed.invoke({"source": source.name, "target": target, "dry_run": True})

    assert deployed.calls(since, mutating=True) == []
    assert read_settings(aws.clients(), target) == nothing_set()
    assert report["result"] == "dry_run"
    planned = {setting for setting, status in statuses(report).items() if status == "planned"}
    assert planned == source.settings
    assert all(outcome_of(report, setting)["done"] for setting in planned)


def test_a_direct_invocation_clones_once_and_then_has_nothing_to_do(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, announced=False)
    first = deployed.invoke({"source": source.arn, "target": target, "dry_run": False})
    assert statuses(first) == cloned(source)
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)

    since = aws.calls.mark()
    second = deployed.invoke({"source": source.arn, "target": target, "dry_run": False})
    assert statuses(second) == dict.fromkeys(SETTINGS, "unchanged")
    assert deployed.calls(since, mutating=True) == []


def test_a_restore_that_no_pattern_matches_is_not_followed(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    since = aws.calls.mark()
    aws.restore(source.name, "orders-elsewhere")
    followed = new_target()
    aws.restore(source.name, followed)
    # Announced after the other one: had that been followed, it would have been by now.
    deployed.wait_for_end(followed)

    assert aws.calls.find(since=since, by_function=True, resource="orders-elsewhere") == []
    assert read_settings(aws.clients(), "orders-elsewhere") == nothing_set()
