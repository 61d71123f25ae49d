"""A restore is followed for as long as it takes, and no longer than was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.local.deployment import Stack
from tests.local.support import PATIENCE_SECONDS, Deployment, Mailbox, attribute, cloned, json_body, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import nothing_set, read_settings
from tests.local_aws.source_table import Estate, SourceTable, delete_tables, make_source_table


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_a_target_that_becomes_active_on_the_kth_attempt_is_synced_on_it(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str], polls: int
) -> None:
    target = new_target()
    aws.restore(source.name, target, polls=polls)
    record = deployed.wait_for_end(target)

    assert (record["state"], record["attempts"]) == ("synced", polls + 1)
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)


def test_a_target_that_never_becomes_active_is_given_up_after_exactly_max_attempts(
    aws: LocalAws, stack: Stack, source: SourceTable, notifications: Mailbox, new_target: Callable[[], str]
) -> None:
    target = new_target()
    since = aws.calls.mark()
    aws.restore(source.name, target, polls=None)

    letter = stack.all.dead_letters.wait_for(
        lambda message: attribute(message, "target_table") == target, "the restore in the secondary DLQ"
    )
    stack.all.wait_until_idle()

    assert attribute(letter, "source_table") == source.name
    assert attribute(letter, "attempts") == str(stack.max_attempts)
    assert attribute(letter, "reason") == "still_waiting"
    assert f"{target} is CREATING" in attribute(letter, "detail")
    assert json_body(letter)["detail"]["requestParameters"]["targetTableName"] == target
    # One look for each attempt, and nothing was written to the table.
    assert len(stack.all.calls(since, operation="DescribeTable", resource=target)) == stack.max_attempts
    assert stack.all.calls(since, service="dynamodb", resource=target, mutating=True) == []
    assert read_settings(aws.observer(), target) == nothing_set()

    notification = notifications.wait_for(lambda message: target in message["Body"], "the notification")
    assert "failed" in json_body(notification)["Subject"]
    assert f"{target} is CREATING" in " ".join(json_body(notification)["Message"].split())


def test_a_source_that_is_deleted_meanwhile_is_cloned_from_what_was_read_before(
    aws: LocalAws, deployed: Deployment, estate: Estate, new_target: Callable[[], str]
) -> None:
    doomed = make_source_table(aws, "doomed", estate)
    wanted = read_settings(aws.clients(), doomed.name)
    target = new_target()
    aws.restore(doomed.name, target, polls=None)

    def waited() -> bool:
        record = deployed.record(target)
        # An attempt keeps the source's settings one by one, and gives its lease back at its end.
        return record is not None and record["state"] == "waiting" and "lease_owner" not in record

    aws.wait_until(waited, timeout=PATIENCE_SECONDS, what="the end of the first attempt")
    delete_tables(aws, [doomed.name])
    aws.rules.restores.release(target)
    record = deployed.wait_for_end(target)

    assert read_settings(aws.clients(), target) == wanted
    assert statuses(record["report"]) == cloned(doomed)
    # The restore point was read while DynamoDB still told it.
    assert record["restore_point"]
