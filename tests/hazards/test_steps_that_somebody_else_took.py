"""What was planned and is not lacking any more need not have been done by this restore.

A step fails, a person mends the table by hand, in the same way or in another, and the restore is sent round again. Or the
delivery dies between AWS's answer and the note of it. A report that takes plan minus what is open for done tells of
writes that nobody made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished, GivenUp, TryAgain
from dynamodb_restore.restore.worker import Worker
from tests.aws.errors import ProcessDeath
from tests.hazards.reporting import TARGET, by_setting, make_restore, told
from tests.unit.builders import SEVEN, delivery, record_item, request
from tests.unit.fakes import Aws, Clock, client_error

TTL = "enable TTL by expires"


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    return make_restore(aws, clients, clock)


def set_ttl(clients: Clients, attribute: str) -> None:
    clients.dynamodb.update_time_to_live(
        TableName=TARGET, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
    )


def once_it_is_dead(worker: Worker) -> Worker:
    """The worker in the next invocation, once the one that died cannot run any more."""
    later = worker.now() + timedelta(minutes=12)
    return replace(worker, now=lambda: later, invocation="invocation-2")


def denied_then(worker: Worker, aws: Aws) -> None:
    aws.fail("UpdateTimeToLive", "AccessDeniedException", "no")
    assert isinstance(worker.follow(delivery(request(), 1)), GivenUp)


def redriven(worker: Worker, aws: Aws) -> dict[str, Any]:
    """The last report, once the message was sent round again."""
    aws.calls.clear()
    assert isinstance(worker.follow(delivery(request(), 1, "redriven", redriven=True)), Finished)
    assert aws.writes() == ["PutEvents"]
    return by_setting(told(aws)[-1])


def test_what_a_person_mended_otherwise_is_a_conflict_and_was_not_applied(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    denied_then(worker, aws)
    set_ttl(clients, "deleted_at")

    ttl = redriven(worker, aws)["ttl"]

    assert (ttl["status"], ttl["done"], ttl["in_doubt"]) == ("skipped", [], [])
    assert len(ttl["conflicts"]) == 1


def test_what_a_person_mended_in_the_same_way_was_not_applied(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    denied_then(worker, aws)
    set_ttl(clients, "expires")

    settings = redriven(worker, aws)

    assert (settings["ttl"]["status"], settings["ttl"]["done"]) == ("unchanged", [])
    others = {name: outcome["status"] for name, outcome in settings.items() if name != "ttl"}
    assert set(others.values()) == {"applied"}, "what the first delivery did is told by the second"


def test_what_somebody_does_between_the_look_and_the_write_was_not_applied(
    worker: Worker, aws: Aws, clients: Clients
) -> None:
    set_ttl(clients, "expires")
    shown = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    answer = aws.answer
    looks = iter([shown])

    def late(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "DescribeTimeToLive" and parameters["TableName"] == TARGET:
            return next(looks, None) or answer(client, operation, parameters, otherwise)
        if operation == "UpdateTimeToLive":
            raise client_error(operation, "ValidationException", "TimeToLive is already enabled")
        return answer(client, operation, parameters, otherwise)

    aws.answer = late  # type: ignore[method-assign]

    worker.follow(delivery(request(), 1))

    ttl = by_setting(told(aws)[-1])["ttl"]
    assert (ttl["status"], ttl["done"], ttl["in_doubt"]) == ("unchanged", [], [])


def dies_at(aws: Aws, monkeypatch: pytest.MonkeyPatch, wanted: str, *, before: bool) -> None:
    """Let the process end at one operation, once."""
    answer = aws.answer
    died: list[str] = []

    def dying(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation != wanted or died:
            return answer(client, operation, parameters, otherwise)
        died.append(operation)
        if not before:
            answer(client, operation, parameters, otherwise)
        raise ProcessDeath

    monkeypatch.setattr(aws, "answer", dying)


def test_what_may_have_been_done_is_told_as_in_doubt(
    worker: Worker, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends after AWS took the step, and before that could be noted."""
    dies_at(aws, monkeypatch, "UpdateTimeToLive", before=False)
    with pytest.raises(ProcessDeath):
        worker.follow(delivery(request(), 1))

    assert isinstance(once_it_is_dead(worker).follow(delivery(request(), 2)), Finished)

    ttl = by_setting(told(aws)[-1])["ttl"]
    assert (ttl["status"], ttl["done"], ttl["in_doubt"]) == ("unchanged", [], [TTL])


def test_what_was_planned_and_not_begun_is_done_by_the_next_delivery(
    worker: Worker, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies_at(aws, monkeypatch, "UpdateTimeToLive", before=True)
    with pytest.raises(ProcessDeath):
        worker.follow(delivery(request(), 1))

    assert isinstance(once_it_is_dead(worker).follow(delivery(request(), 2)), Finished)

    settings = by_setting(told(aws)[-1])
    assert {name: outcome["status"] for name, outcome in settings.items()} == dict.fromkeys(SEVEN, "applied")
    assert (settings["ttl"]["done"], settings["ttl"]["in_doubt"]) == ([TTL], [])


def test_an_answer_that_was_lost_leaves_a_step_in_doubt(
    worker: Worker, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is carried out and times out. Asked again, AWS refuses a second change; the next delivery finds that the
    table has it, and by whom is not told."""
    answer = aws.answer
    lost: list[str] = []

    def losing(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "UpdateTimeToLive" and not lost:
            lost.append(operation)
            answer(client, operation, parameters, otherwise)
            raise client_error(operation, "InternalServerError", "no", 500)
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", losing)

    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    assert isinstance(worker.follow(delivery(request(), 2)), Finished)

    ttl = by_setting(told(aws)[-1])["ttl"]
    assert (ttl["status"], ttl["done"], ttl["in_doubt"]) == ("unchanged", [], [TTL])


def test_the_sdks_own_second_try_leaves_a_step_in_doubt_too(
    worker: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = aws.answer

    def retried(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation != "UpdateTimeToLive":
            return answer(client, operation, parameters, otherwise)
        answer(client, operation, parameters, otherwise)
        error = client_error(operation, "ValidationException", "TimeToLive is already enabled")
        error.response["ResponseMetadata"]["RetryAttempts"] = 1
        raise error

    monkeypatch.setattr(aws, "answer", retried)

    worker.follow(delivery(request(), 1))

    assert by_setting(told(aws)[-1])["ttl"]["in_doubt"] == [TTL]


def test_each_step_is_on_record_before_the_next_one_is_taken(
    worker: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies_at(aws, monkeypatch, "UpdateTimeToLive", before=True)
    with pytest.raises(ProcessDeath):
        worker.follow(delivery(request(), 1))

    record = record_item(clients)

    taken = {"point_in_time_recovery", "tags", "kinesis_destination"}
    assert taken <= set(record["done"])
    assert record["plan"]["ttl"] == [TTL]


def test_a_note_that_fails_loses_no_step(worker: Worker, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = aws.answer
    notes = []

    def throttled(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        expression = parameters.get("UpdateExpression", "")
        if "#done" in expression and "#attempts" not in expression:
            notes.append(operation)
            # After the plan of what protects, its one step, and the plan of the rest.
            if 4 <= len(notes) <= 6:
                raise client_error(operation, "ThrottlingException", "slow down")
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(aws, "answer", throttled)

    assert isinstance(worker.follow(delivery(request(), 1)), Finished)

    assert {name: one["status"] for name, one in by_setting(told(aws)[-1]).items()} == dict.fromkeys(
        SEVEN, "applied"
    )
