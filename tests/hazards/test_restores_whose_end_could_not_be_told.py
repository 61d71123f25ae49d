"""A restore went well, and the event bus or the topic refuses its report.

An event bus given as an ARN, a topic whose key does not let the role use it: each restore was given up for it, its record said
`failed`, its message went to the secondary DLQ, and a restore whose changes were replayed lost its pipeline. Now the record
says how the restore ended and who has not heard of it; the other channel is told at once, and the message comes back for the
rest.
"""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import GivenUp, NothingToDo, NotSetAside, TryAgain, Untold
from dynamodb_restore.restore.worker import Worker
from tests.aws.hazards import Fault, Mode, failing
from tests.faults.actions import ask, deliver_all, redrive
from tests.faults.estate import RESTORE_QUEUE, TARGET
from tests.faults.functions import Functions, World
from tests.hazards.reporting import make_restore
from tests.hazards.restore_runs import claims, dead_letters, deliver_next, record, reports, restoring
from tests.unit.builders import delivery, make_worker, record_item, request
from tests.unit.fakes import Aws, Clock

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_A_DAY = 86400.0

OPERATIONS = {"PutEvents": "event_bus", "Publish": "topic"}


@pytest.fixture
def worker(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    make_restore(aws, clients, clock)
    topic = clients.sns.create_topic(Name="notifications")["TopicArn"]
    return make_worker(clients, clock, topic_arn=topic)


@pytest.fixture
def arrived(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that were not refused."""
    arrived: list[str] = []
    answer = aws.answer

    def counted(client: Any, name: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        result = answer(client, name, parameters, otherwise)
        arrived.append(name)
        return result

    monkeypatch.setattr(aws, "answer", counted)
    return arrived


def refuse(aws: Aws, *operations: str, code: str = "AccessDeniedException", times: int = 100) -> None:
    for operation in operations:
        aws.fail(operation, code, "no", times=times)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_ends_as_it_would_have_and_the_other_channel_is_told_at_once(
    worker: Worker, aws: Aws, clients: Clients, arrived: list[str], operation: str
) -> None:
    refuse(aws, operation)

    verdict = worker.follow(delivery(request(), 1))

    channel = OPERATIONS[operation]
    assert isinstance(verdict, Untold)
    assert verdict.reason == f"not told to the {channel}: {operation}: AccessDeniedException: no"
    assert verdict.report is not None
    assert verdict.report.result.value == "synced"
    item = record_item(clients)
    assert (item["state"], item["report"]["result"], item["report"]["reason"]) == ("synced", "synced", None)
    assert item["untold"] == {channel: f"{operation}: AccessDeniedException: no"}
    assert "give_up" not in item
    assert [name for name in arrived if name in OPERATIONS] == [
        name for name in OPERATIONS if name != operation
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_later_delivery_tells_the_rest_and_nothing_else(
    worker: Worker, aws: Aws, clients: Clients, arrived: list[str], operation: str
) -> None:
    refuse(aws, operation, times=2)
    assert [type(worker.follow(delivery(request(), n))) for n in (1, 2)] == [Untold, Untold]
    before = len(arrived)

    assert isinstance(worker.follow(delivery(request(), 3)), NothingToDo)

    assert [name for name in arrived[before:] if name in (*OPERATIONS, "TagResource")] == [operation]
    assert "untold" not in record_item(clients)
    told = aws.named(operation)
    assert told[-1] == told[0]
    before = len(arrived)
    assert isinstance(worker.follow(delivery(request(), 4)), NothingToDo)
    assert not {*arrived[before:]} & {*OPERATIONS, "UpdateItem"}


def test_what_passes_is_not_told_twice_to_those_behind_it(worker: Worker, aws: Aws) -> None:
    refuse(aws, "PutEvents", code="ThrottlingException", times=2)

    verdicts = [type(worker.follow(delivery(request(), n))) for n in (1, 2, 3)]

    assert verdicts == [Untold, Untold, NothingToDo]
    assert len(aws.named("Publish")) == 1


def test_other_messages_of_the_restore_leave_it_to_the_one_that_leads(worker: Worker, aws: Aws) -> None:
    refuse(aws, "PutEvents")
    worker.follow(delivery(request(), 1))
    aws.calls.clear()

    assert isinstance(worker.follow(delivery(request(), 1, "another message of the event")), NothingToDo)

    assert aws.named("PutEvents") == []


@pytest.mark.parametrize("first", [True, False])
def test_after_the_last_attempt_a_person_hears_by_the_dlq_and_the_restore_stays_what_it_is(
    worker: Worker, aws: Aws, clients: Clients, first: bool
) -> None:
    refuse(aws, "PutEvents", "Publish")
    if not first:
        assert isinstance(worker.follow(delivery(request(), 4)), Untold)

    verdict = worker.follow(delivery(request(), 5))

    assert isinstance(verdict, GivenUp if first else NotSetAside)
    assert isinstance(verdict, GivenUp | NotSetAside)
    assert (verdict.code, verdict.number) == ("not_told", 0)
    item = record_item(clients)
    assert (item["state"], set(item["untold"])) == ("synced", {"event_bus", "topic"})
    assert "give_up" not in item
    aws._faults.clear()
    assert isinstance(
        worker.follow(delivery(request(), 1, "redriven", redriven=True, give_up=0)), NothingToDo
    )
    assert "untold" not in record_item(clients)


def test_a_record_that_takes_no_notes_still_has_the_message_set_aside(
    worker: Worker, aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could tell then how the restore ended."""
    refuse(aws, "PutEvents")
    save = type(worker.records).save_report

    def denied(*arguments: Any, **more: Any) -> Any:
        refuse(aws, "UpdateItem", times=1)
        return save(*arguments, **more)

    monkeypatch.setattr(type(worker.records), "save_report", denied)

    verdict = worker.follow(delivery(request(), 1))

    assert isinstance(verdict, GivenUp)
    assert verdict.reason == (
        "PutEvents: AccessDeniedException: no; and UpdateItem: AccessDeniedException: no"
    )


def test_a_restore_that_is_given_up_says_so_where_it_can(
    worker: Worker, aws: Aws, clients: Clients, arrived: list[str]
) -> None:
    refuse(aws, "TagResource", "PutEvents")

    verdict = worker.follow(delivery(request(), 1))

    assert isinstance(verdict, GivenUp)
    assert "PutEvents: AccessDeniedException: no" in verdict.reason
    assert arrived.count("Publish") == 1
    item = record_item(clients)
    assert (item["state"], item["give_up"]["number"], set(item["untold"])) == ("incomplete", 1, {"event_bus"})


def test_a_give_up_that_nobody_could_be_told_of_for_a_moment_is_told_by_its_message(
    worker: Worker, aws: Aws
) -> None:
    refuse(aws, "TagResource")
    refuse(aws, "PutEvents", code="ThrottlingException", times=1)

    assert isinstance(worker.follow(delivery(request(), 1)), TryAgain)
    assert isinstance(worker.follow(delivery(request(), 2)), GivenUp)

    assert (len(aws.named("PutEvents")), len(aws.named("Publish"))) == (2, 1)


def refusing(world: World, *operations: str) -> None:
    world.wire.hazards.append(failing(dict.fromkeys(operations, Fault(Mode.DENIED))))


def mended(world: World) -> None:
    world.wire.hazards.clear()
    world.wire.denied.clear()


class TestAsDeployed:
    def test_a_bus_that_is_denied_costs_no_restore_its_pipeline(self, functions: Functions) -> None:
        world = restoring(pipeline=True)
        refusing(world, "PutEvents")

        deliver_next(functions, world)

        assert claims(world) == ["replaying"]
        assert record(world)["state"] == {"S": "replaying"}
        assert dead_letters(world) == []

    def test_one_that_is_denied_for_days_fills_the_dlq_and_fails_no_restore(
        self, functions: Functions
    ) -> None:
        world = restoring(events=2)
        refusing(world, "PutEvents")
        deliver_all(functions, world)
        assert [letter["reason"] for letter in dead_letters(world)] == ["not_told"]
        assert record(world)["state"] == {"S": "synced"}
        mended(world)
        redrive(world)
        deliver_all(functions, world)
        assert [report["result"] for report in reports(world)] == ["synced"]
        assert dead_letters(world) == []

    def test_the_reconciler_has_the_rest_told_where_the_message_is_gone(self, functions: Functions) -> None:
        world = restoring()
        refusing(world, "PutEvents")
        deliver_next(functions, world)
        world.account.queues.queues[RESTORE_QUEUE].messages.clear()
        mended(world)
        assert functions.reconcile(world)["again"] == []
        world.clock.sleep(_A_DAY)

        assert functions.reconcile(world)["again"] == [TARGET]
        deliver_all(functions, world)

        assert [report["result"] for report in reports(world)] == ["synced"]
        assert "untold" not in record(world)
        world.clock.sleep(_A_DAY)
        assert functions.reconcile(world)["again"] == []

    def test_so_it_has_those_who_did_not_hear_of_a_give_up(self, functions: Functions) -> None:
        """And the restore stays given up: only its own message takes it up again."""
        world = restoring()
        refusing(world, "PutEvents", "TagResource")
        deliver_all(functions, world)
        assert record(world)["state"] == {"S": "incomplete"}
        mended(world)
        world.clock.sleep(_A_DAY)

        assert functions.reconcile(world)["again"] == [TARGET]
        deliver_all(functions, world)

        assert [report["result"] for report in reports(world)] == ["incomplete"]
        assert record(world)["state"] == {"S": "incomplete"}
        assert "untold" not in record(world)
        assert len(dead_letters(world)) == 1

    def test_and_those_who_did_not_hear_of_a_cutover(self, functions: Functions) -> None:
        world = restoring(pipeline=True)
        deliver_all(functions, world)
        world.account.settle()
        refusing(world, "PutEvents")
        answer = ask(functions, world, action="cutover", settle_seconds=0)
        assert set(answer["not_told"]) == {"event_bus"}
        mended(world)
        world.clock.sleep(_A_DAY)

        assert functions.reconcile(world)["again"] == [TARGET]
        deliver_all(functions, world)

        assert [report["result"] for report in reports(world)] == ["replaying", "synced"]
