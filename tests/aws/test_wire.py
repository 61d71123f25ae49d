"""The wire: attempts take time, meet hazards, and may take effect late."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.errors import ProcessDeath, error_code
from tests.aws.hazards import (
    MIXED,
    PASSING,
    Attempt,
    Call,
    Fault,
    LateEffects,
    Mode,
    NowAndThen,
    Storm,
    at,
    failing,
    meanwhile,
)
from tests.aws.wire import Patience, Wire

TABLE = "orders"


@pytest.fixture
def wire(account: Account) -> Wire:
    account.items.make(TABLE, id="S")
    return Wire(account)


def put(wire: Wire, name: str = "a", attempts: int = 1, **attributes: Any) -> dict[str, Any]:
    parameters = {"TableName": TABLE, "Item": {"id": {"S": name}, **attributes}}
    return wire.call("dynamodb", "PutItem", parameters, attempts=attempts)


def names(wire: Wire) -> set[str]:
    return {item["id"]["S"] for item in wire.account.items.tables[TABLE].items.values()}


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.name.lower())
def test_a_fault_does_what_it_says(wire: Wire, mode: Mode) -> None:
    error = ValueError() if mode is Mode.REFUSED else None
    wire.hazards.append(lambda _: Fault(mode, error, lands_after=60))
    seen: dict[Mode, type[BaseException]] = {
        Mode.UNREACHABLE: ConnectTimeoutError,
        Mode.TIMED_OUT: ReadTimeoutError,
        Mode.LATE: ReadTimeoutError,
        Mode.DIED_BEFORE: ProcessDeath,
        Mode.DIED_AFTER: ProcessDeath,
        Mode.REFUSED: ValueError,
    }
    with wire.invocation(), pytest.raises(seen.get(mode, ClientError)):
        put(wire)
    effect = mode in (Mode.ANSWER_LOST, Mode.TIMED_OUT, Mode.DIED_AFTER)
    assert names(wire) == ({"a"} if effect else set())
    assert wire.faults == 1
    assert wire.deaths == (mode in (Mode.DIED_BEFORE, Mode.DIED_AFTER))
    wire.account.clock.sleep(60)
    assert names(wire) == ({"a"} if effect or mode is Mode.LATE else set())


def test_a_late_effect_lands_after_its_caller_has_gone_on(wire: Wire) -> None:
    """The caller sees a timeout, tries again, and goes on to a newer image: then the old one lands on top of it."""
    wire.timeout_seconds = 15.0
    wire.hazards.append(lambda attempt: Fault(Mode.LATE, lands_after=100) if attempt.number == 0 else None)
    clock, table = wire.clock, wire.account.items.tables[TABLE]
    began = clock.now
    with wire.invocation():
        with pytest.raises(ReadTimeoutError):
            put(wire, version={"N": "1"})
        assert clock.now == began + 15
        put(wire, version={"N": "1"})
        put(wire, version={"N": "2"})
    clock.sleep(84)
    assert table.items["id='a'"]["version"] == {"N": "2"}
    clock.sleep(1)
    assert table.items["id='a'"]["version"] == {"N": "1"}


def test_a_late_effect_is_refused_where_its_condition_no_longer_holds(wire: Wire) -> None:
    conditional = {
        "TableName": TABLE,
        "Item": {"id": {"S": "a"}, "late": {"BOOL": True}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    wire.account.answer_late(wire.clock.now + 10, "PutItem", conditional)
    put(wire)
    wire.clock.sleep(20)
    assert wire.account.items.find(TABLE, id="a") == {"id": {"S": "a"}}


def test_a_late_effect_is_copied_with_its_account(wire: Wire) -> None:
    wire.account.answer_late(
        wire.clock.now + 10, "PutItem", {"TableName": TABLE, "Item": {"id": {"S": "late"}}}
    )
    twin = wire.account.copy()
    twin.clock.sleep(10)
    assert twin.items.find(TABLE, id="late") is not None
    assert names(wire) == set()
    wire.clock.sleep(10)
    assert names(wire) == {"late"}


def test_effects_land_in_the_order_of_their_times_and_see_their_time() -> None:
    clock = VirtualClock(100.0)
    seen: list[tuple[str, float]] = []
    clock.call_at(130, lambda: seen.append(("late", clock.now)))
    clock.call_at(110, lambda: seen.append(("early", clock.now)))
    clock.call_at(500, lambda: seen.append(("never", clock.now)))
    clock.sleep(100)
    assert seen == [("early", 110.0), ("late", 130.0)]
    clock.wait_until(1.0)
    assert clock.now == 200.0


def test_late_effects_strike_the_operations_that_are_meant(wire: Wire) -> None:
    wire.hazards.append(LateEffects(random.Random(1), 1.0, (5.0, 5.0), {"PutItem"}))
    with wire.invocation():
        with pytest.raises(ReadTimeoutError):
            put(wire)
        wire.call("dynamodb", "DeleteItem", {"TableName": TABLE, "Key": {"id": {"S": "a"}}})
    wire.clock.sleep(5)
    assert names(wire) == {"a"}


def test_a_client_with_several_attempts_tries_again_what_can_succeed_later(wire: Wire) -> None:
    wire.hazards += [at(0, Mode.THROTTLED), at(1, Mode.TIMED_OUT), at(2, Mode.ANSWER_LOST)]
    with wire.invocation():
        put(wire, attempts=4)
    assert (len(wire.calls), wire.faults) == (4, 3)
    # The write has taken effect three times.
    assert wire.account.items.tables[TABLE].write_units == 3


def test_a_client_does_not_try_again_more_often_nor_what_is_refused(wire: Wire) -> None:
    wire.hazards.append(lambda _: Fault(Mode.THROTTLED))
    with wire.invocation(), pytest.raises(ClientError) as raised:
        put(wire, attempts=3)
    assert (error_code(raised.value), len(wire.calls)) == ("ThrottlingException", 3)
    wire.hazards.clear()
    with wire.invocation(), pytest.raises(ClientError) as raised:
        wire.call("dynamodb", "PutItem", {"TableName": "nowhere", "Item": {}}, attempts=3)
    assert len(wire.calls) == 4
    assert wire.refusals == {("PutItem", "ResourceNotFoundException"): 1}


def test_a_death_ends_all_attempts(wire: Wire) -> None:
    wire.hazards.append(at(0, Mode.DIED_AFTER))
    with wire.invocation(), pytest.raises(ProcessDeath):
        put(wire, attempts=5)
    assert len(wire.calls) == 1


def test_a_function_dies_at_the_first_call_after_its_time(wire: Wire) -> None:
    wire.latency = lambda: 4.0
    with wire.invocation(10):
        put(wire, "a")
        put(wire, "b")
        with pytest.raises(ProcessDeath):
            put(wire, "c")
    assert names(wire) == {"a", "b"}
    wire.latency = lambda: 0.0
    wire.timeout_seconds = 15.0
    wire.hazards.append(lambda _: Fault(Mode.TIMED_OUT))
    with wire.invocation(10), pytest.raises(ProcessDeath):
        put(wire, "c")


def test_a_missing_permission_is_missing_until_somebody_mends_that(wire: Wire) -> None:
    wire.hazards.append(at(0, Mode.DENIED))
    with wire.invocation():
        for _ in range(2):
            with pytest.raises(ClientError, match="not authorized"):
                put(wire)
        wire.denied.clear()
        put(wire)


def test_nothing_happens_to_calls_outside_functions(wire: Wire) -> None:
    wire.latency = lambda: 5.0
    wire.hazards.append(lambda _: Fault(Mode.DIED_BEFORE))
    began = wire.clock.now
    put(wire)
    assert wire.clock.now == began


def test_hazards_are_asked_in_turn_and_others_act_meanwhile(wire: Wire) -> None:
    acted: list[int] = []
    storm = Storm(wire.clock, random.Random(1), until=wire.clock.now + 5, share=1.0)
    wire.hazards += [meanwhile(lambda: acted.append(1)), storm, failing({"PutItem": Fault(Mode.UNREACHABLE)})]
    with wire.invocation():
        with pytest.raises(ClientError):
            put(wire)
        wire.clock.sleep(5)
        with pytest.raises(ConnectTimeoutError):
            put(wire)
    assert len(acted) == 2


def test_faults_by_chance_are_those_of_the_seed_and_of_every_kind() -> None:
    def strikes(seed: int) -> list[Fault | None]:
        hazard = NowAndThen(random.Random(seed), [*MIXED, *PASSING], rate=0.5)
        attempt = Attempt(0, Call("SendMessage", "queue"), "sqs", "eu-central-1")
        return [hazard(attempt) for _ in range(400)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert {fault.mode for fault in strikes(1) if fault} == {*MIXED, *PASSING}


def test_a_batch_is_about_its_tables(wire: Wire) -> None:
    wire.account.items.make("another", id="S")
    keys = {"Keys": [{"id": {"S": "a"}}], "ConsistentRead": True}
    wire.call("dynamodb", "BatchGetItem", {"RequestItems": {"another": keys}})
    assert wire.calls == [Call("BatchGetItem", "another")]


@pytest.mark.parametrize(
    ("mode", "attempts", "seconds"),
    [(Mode.UNREACHABLE, 1, 2.0), (Mode.TIMED_OUT, 1, 7.0), (Mode.LATE, 1, 7.0), (Mode.TIMED_OUT, 3, 24.0)],
)
def test_what_does_not_come_is_waited_for_as_long_as_the_client_waits(
    wire: Wire, mode: Mode, attempts: int, seconds: float
) -> None:
    """Of three attempts the pauses too: a second, and two."""
    wire.hazards.append(lambda _: Fault(mode))
    began = wire.clock.now
    item = {"TableName": TABLE, "Item": {"id": {"S": "a"}}}
    with wire.invocation(), pytest.raises(BotoCoreError):
        wire.call("dynamodb", "PutItem", item, patience=Patience(2.0, 7.0, attempts))
    assert wire.clock.now == began + seconds
