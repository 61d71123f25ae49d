"""A function, its alias or its failure destination is deleted, and the event source mapping stays on the source's stream. Each
restore ended incomplete for it, with an alarm."""

from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished, TryAgain, Verdict
from dynamodb_restore.restore.report import Result
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.unit.builders import (
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    request,
)
from tests.unit.fakes import Aws, Clock, function_arn

INDEX, AUDIT = function_arn("index"), function_arn("audit:live")
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:index-failures"


@pytest.fixture(autouse=True)
def restored(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    for mapping in aws.triggers.mappings:
        if mapping["FunctionArn"] == INDEX:
            mapping["DestinationConfig"] = {"OnFailure": {"Destination": QUEUE}}


def follow(clients: Clients) -> Verdict:
    return make_worker(clients, Clock()).follow(delivery(request(), 1))


def triggers(verdict: Verdict) -> Outcome:
    assert isinstance(verdict, Finished)
    (found,) = (each for each in verdict.report.outcomes if each.setting == "stream_triggers")
    return found


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceNotFoundException", f"Function not found: {INDEX}"),
        ("InvalidParameterValueException", "Function does not exist"),
        ("ResourceNotFoundException", f"Cannot find alias arn: {INDEX}:live"),
        ("InvalidParameterValueException", f"The destination {QUEUE} does not exist."),
    ],
)
def test_a_trigger_of_what_is_gone_is_left_out_with_the_reason(
    aws: Aws, clients: Clients, code: str, message: str
) -> None:
    aws.triggers.refusals[INDEX] = (code, message)
    verdict = follow(clients)
    outcome = triggers(verdict)
    assert isinstance(verdict, Finished)
    assert verdict.report.result is Result.SYNCED
    assert verdict.report.left_out == ("stream_triggers",)
    (omitted,) = outcome.omitted
    assert omitted.startswith(
        f"trigger {INDEX}: left over on the source, for AWS says: {message.rstrip('.')}; "
    )
    # The other one is there all the same.
    assert outcome.status is Status.APPLIED
    assert outcome.done == (f"trigger {AUDIT} (disabled, as on the source)",)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        # Also the answer where the role may not send to a queue that is there.
        ("InvalidParameterValueException", f"The destination ARN {QUEUE} is invalid."),
        ("InvalidParameterValueException", "Stream not found: arn:aws:dynamodb:eu-central-1:123456789012:…"),
    ],
)
def test_what_may_be_there_is_not_left_out(aws: Aws, clients: Clients, code: str, message: str) -> None:
    aws.triggers.refusals[INDEX] = (code, message)
    verdict = follow(clients)
    assert isinstance(verdict, TryAgain)
    assert message in verdict.reason
