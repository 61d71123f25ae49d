"""Which AWS calls the worker makes: few, and none that changes anything when nothing is to be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.local.support import Deployment, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable

if TYPE_CHECKING:
    import pytest

MOST_CALLS = 40


def test_from_active_to_cloned_takes_at_most_40_calls(
    aws: LocalAws,
    deployed: Deployment,
    source: SourceTable,
    new_target: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With two triggers, three scalable dimensions and two scheduled actions on the source.

    Not counted is how often AWS says "not yet" of what it is carrying out, for that is not the worker's doing.
    """
    monkeypatch.setattr(aws.rules.table_updates, "default_polls", 0)
    monkeypatch.setattr(aws.rules.kinesis_destinations, "default_polls", 0)
    target = new_target()
    since = aws.calls.mark()
    aws.restore(source.name, target, polls=1)
    deployed.wait_for_end(target)

    (_, active) = deployed.calls(since, operation="DescribeTable", resource=target)[:2]
    calls = deployed.calls(active.number)
    listing = "\n".join(str(call) for call in calls)
    assert len(calls) <= MOST_CALLS, f"{len(calls)} calls:\n{listing}"
    # An AWS as strict as this one refuses nothing: what fails was not needed.
    assert [call for call in calls if call.error] == []


def test_a_second_delivery_of_the_event_changes_nothing(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    restore = aws.restore(source.name, target)
    deployed.wait_for_end(target)

    since = aws.calls.mark()
    aws.announce(restore.detail)
    aws.wait_until(lambda: deployed.calls(since), timeout=30, what="the second delivery")
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
    assert statuses(report) == dict.fromkeys(SETTINGS, "planned")
    assert all(outcome["done"] for outcome in report["settings"])


def test_a_direct_invocation_clones_once_and_then_has_nothing_to_do(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.restore(source.name, target, announced=False)
    first = deployed.invoke({"source": source.arn, "target": target, "dry_run": False})
    assert statuses(first) == dict.fromkeys(SETTINGS, "applied")
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
