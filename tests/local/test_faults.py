"""AWS refuses, throttles and fails; events are not what they should be."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.local.support import PATIENCE_SECONDS, Deployment, attribute, cloned, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, differing, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable


@pytest.fixture(autouse=True)
def _no_fault_outlives_its_test(aws: LocalAws) -> Iterator[None]:
    yield
    aws.rules.faults.reset()


def test_recovery_that_is_refused_just_after_active_is_tried_again(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.rules.recovery_not_yet_available.refuse(target, 3)
    since = aws.calls.mark()
    aws.restore(source.name, target)
    record = deployed.wait_for_end(target)

    refused = deployed.calls(since, operation="UpdateContinuousBackups", resource=target)
    assert [call.error for call in refused] == ["ContinuousBackupsUnavailableException"] * 3 + [""]
    assert statuses(record["report"])["point_in_time_recovery"] == "applied"
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)


def test_a_kinesis_destination_that_fails_to_enable_is_reported_and_stops_nothing_else(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.rules.kinesis_destinations.fail(target, "the stream is in another account", times=None)
    aws.restore(source.name, target, announced=False)
    report = deployed.invoke({"source": source.name, "target": target})

    assert report["result"] == "incomplete"
    assert statuses(report) == cloned(source, kinesis_destination="failed")
    (failed,) = [outcome for outcome in report["settings"] if outcome["status"] == "failed"]
    assert "ENABLE_FAILED: the stream is in another account" in failed["reason"]
    wanted = read_settings(aws.clients(), source.name)
    assert differing(read_settings(aws.clients(), target), wanted) == ["kinesis_destination"]


def test_what_no_retry_can_mend_is_given_up_at_once_with_its_reason(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    aws.rules.faults.inject("TagResource", "AccessDeniedException", message="not authorized", times=None)
    aws.restore(source.name, target)
    letter = deployed.dead_letters.wait_for(
        lambda message: attribute(message, "target_table") == target, "the restore in the secondary DLQ"
    )
    record = deployed.wait_for_end(target)

    assert (attribute(letter, "reason"), attribute(letter, "attempts")) == ("settings_failed", "1")
    assert "AccessDeniedException" in attribute(letter, "detail")
    assert record["state"] == "incomplete"
    assert statuses(record["report"]) == cloned(source, tags="failed")

    # Once it is mended the message is sent round again, and finishes what is missing.
    aws.rules.faults.reset()
    since = aws.calls.mark()
    deployed.send_round(letter)
    aws.wait_until(lambda: deployed.calls(since), timeout=PATIENCE_SECONDS, what="the second run")
    assert deployed.wait_for_end(target)["state"] == "synced"
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)


def test_throttling_everywhere_delays_a_restore_and_loses_nothing(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    operations = sorted({call.operation for call in deployed.calls()} - {"ChangeMessageVisibility"})
    assert len(operations) > len(SETTINGS)
    faults = [
        aws.rules.faults.inject(operation, "ThrottlingException", times=None, probability=0.1, seed=number)
        for number, operation in enumerate(operations)
    ]
    target = new_target()
    aws.restore(source.name, target, polls=1)
    record = deployed.wait_for_end(target)

    assert sum(fault.given for fault in faults) > 0
    assert record["state"] == "synced"
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)


def test_a_call_whose_answer_is_lost_is_not_carried_out_twice(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    """CreateEventSourceMapping has no client token: only looking again tells that it took effect."""
    fault = aws.rules.faults.inject(
        "CreateEventSourceMapping", "ServiceException", status=500, after_effect=True
    )
    target = new_target()
    aws.restore(source.name, target)
    deployed.wait_for_end(target)

    assert fault.given == 1
    assert read_settings(aws.clients(), target) == read_settings(aws.clients(), source.name)


def test_a_target_that_existed_before_the_event_is_left_alone(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[[], str]
) -> None:
    target = new_target()
    restore = aws.restore(source.name, target, announced=False)
    aws.announce({**restore.detail, "eventTime": "2199-01-01T00:00:00Z", "eventID": str(uuid.uuid4())})
    record = deployed.wait_for_end(target)

    assert record["state"] == "skipped"
    assert "before the restore call" in record["report"]["reason"]
    assert read_settings(aws.clients(), target) == nothing_set()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{not json", id="not JSON"),
        pytest.param(json.dumps({"detail": {"eventName": "RestoreTableToPointInTime"}}), id="fields missing"),
        pytest.param(json.dumps(["a", "list"]), id="not an object"),
    ],
)
def test_a_message_that_makes_no_sense_goes_to_the_dead_letter_queue_at_once(
    deployed: Deployment, body: str
) -> None:
    deployed.send(body)
    letter = deployed.dead_letters.wait_for(lambda message: message["Body"] == body, "the message in the DLQ")
    assert attribute(letter, "attempts") == "1"
    assert attribute(letter, "reason")
    assert attribute(letter, "detail")
