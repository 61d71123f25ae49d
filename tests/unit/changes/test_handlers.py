"""The entry points of capture, replay and the operator function, as Lambda calls them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb_restore import aws as aws_module
from dynamodb_restore.actions.registry import ACTIONS
from dynamodb_restore.changes.bundle import LATE_SECONDS, open_bundle
from dynamodb_restore.changes.change import Change
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import Side
from dynamodb_restore.config import ConfigError
from dynamodb_restore.handlers import capture, operator, replay, wiring
from dynamodb_restore.pipeline.claim import ClaimState
from tests.aws.clock import VirtualClock
from tests.unit.builders import configure
from tests.unit.changes.house import CAPTURE, FAILURES, House
from tests.unit.changes.makers import NOON, RESTORE_TABLE, key, message, put, record
from tests.unit.strategies import json_values

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    function_name: str = "dynamodb-restore-orders"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:dynamodb-restore-orders"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 52_000


CONTEXT = cast("LambdaContext", Context())


@pytest.fixture
def functions(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The environment that Terraform gives the three functions."""
    environment = {
        "SOURCE_TABLE_NAME": "orders",
        "RESTORE_TABLE_NAME": RESTORE_TABLE,
        "BUFFER_URL": house.buffer_url,
        "BUFFER_DEAD_LETTER_URL": house.aside_url,
        "BUFFER_ID": "buffer-1",
        "GROUP_COUNT": "16",
        "BYTE_LIMIT": "262144",
        "KEEP_EXPIRIES": "true",
        "TTL_ATTRIBUTE": "",
        "FAILURE_BUCKET": FAILURES,
        "IMAGE_PREFIX": "images/demo-orders/",
        "WRITE_UNITS_PER_SECOND": "",
        "RESTORE_QUEUE_URL": "",
        "DEAD_LETTER_QUEUE_URL": "",
        "NOTIFICATION_TOPIC_ARN": "",
        "EVENT_BUS_NAME": "default",
        "RECORD_RETENTION_DAYS": "90",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configure(house.clients, monkeypatch, RESTORE_TABLE)
    monkeypatch.setattr(aws_module, "clients", lambda: house.clients)
    answer = house.aws.answer

    def with_made_up_messages(
        client: Any, operation: str, parameters: dict[str, Any], otherwise: Any
    ) -> dict[str, Any]:
        if operation == "ChangeMessageVisibilityBatch":
            otherwise = hidden
        return answer(client, operation, parameters, otherwise)

    def hidden(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """All messages are in flight, those that were never in the queue too."""
        return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]], "Failed": []}

    monkeypatch.setattr(house.aws, "answer", with_made_up_messages)
    return house


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The operator function's present, epoch seconds, to be moved."""
    present = [float(NOON)]
    instant = SimpleNamespace(now=lambda zone: datetime.fromtimestamp(present[0], zone))
    monkeypatch.setattr(wiring, "datetime", instant)
    return present


def delivered(house: House) -> list[dict[str, Any]]:
    """What the buffer holds, as Lambda delivers it to replay."""
    answer = house.clients.sqs.receive_message(
        QueueUrl=house.buffer_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    return [
        {
            "messageId": found["MessageId"],
            "receiptHandle": found["ReceiptHandle"],
            "body": found["Body"],
            "attributes": found["Attributes"],
        }
        for found in answer.get("Messages", [])
    ]


def failures(answer: Mapping[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def target(house: House) -> dict[str, Any]:
    return {
        item["id"]["S"]: item for item in house.clients.dynamodb.scan(TableName="orders-restored")["Items"]
    }


def replayed(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return failures(replay.handler({"Records": list(messages)}, CONTEXT))


def test_what_is_captured_is_replayed(functions: House) -> None:
    functions.claim()
    records = [
        record("order#1", 1, n={"N": "12345678901234567890123456789012345678"}),
        record("order#2", 2, blob={"B": "AP8="}),
        record("order#3", 3),
        record("order#3", 4, event="REMOVE", time=NOON + 7),
    ]

    assert capture.handler({"Records": records}, CONTEXT) == {"batchItemFailures": []}
    claim = functions.claims.current()
    assert claim is not None
    assert functions.pipeline.standing(claim).lagging == {3, 6}
    assert replayed(delivered(functions)) == []

    assert target(functions) == {
        "order#1": {"id": {"S": "order#1"}, "n": {"N": "12345678901234567890123456789012345678"}},
        "order#2": {"id": {"S": "order#2"}, "blob": {"B": b"\x00\xff"}},
    }
    captured, done = functions.pipeline.progress()
    assert captured.positions.keys() == done.positions.keys() == {6, 3}
    assert [(group, done.positions[group].sequence) for group in (3, 6)] == [
        (group, captured.positions[group].sequence) for group in (3, 6)
    ]
    assert (captured.changes, captured.since, done.changes) == (4, NOON, 4)
    assert done.positions[3].time == NOON + 7


def test_capture_tells_the_stream_where_to_resume(functions: House) -> None:
    functions.aws.fail("SendMessageBatch", "AccessDenied")

    assert failures(capture.handler({"Records": [record("order#1", 7), record("order#1", 8)]}, CONTEXT)) == [
        "7"
    ]
    assert functions.progress.read(Side.CAPTURED).positions == {}


def test_capture_sends_again_what_it_could_not_note(functions: House) -> None:
    functions.aws.fail("UpdateItem", "InternalServerError")

    with pytest.raises(ClientError):
        capture.handler({"Records": [record("order#1", 7)]}, CONTEXT)


def test_capture_discards_a_record_without_a_key_where_cutover_looks(functions: House) -> None:
    malformed = record("order#1", 8)
    del malformed["dynamodb"]["Keys"]

    assert failures(capture.handler({"Records": [record("order#1", 7), malformed]}, CONTEXT)) == []

    captured = functions.progress.read(Side.CAPTURED)
    assert (set(captured.positions), captured.changes) == ({6}, 1)
    ((bucket, name), content), *others = functions.aws.objects.contents.items()
    assert others == []
    assert (bucket, name.rpartition("/")[0]) == (FAILURES, f"aws/lambda/{CAPTURE}/not-understood")
    assert json.loads(content) == {"reason": "stream record without 'Keys'", "record": malformed}


@pytest.mark.parametrize(("operation", "code"), [("PutObject", "AccessDenied"), ("GetItem", "Throttling")])
def test_a_record_that_cannot_be_discarded_comes_again(functions: House, operation: str, code: str) -> None:
    functions.aws.fail(operation, code)

    assert failures(capture.handler({"Records": [record("order#1", 7), {}]}, CONTEXT)) == [""]
    assert functions.progress.read(Side.CAPTURED).changes == 1


def test_a_record_cannot_be_discarded_before_the_pipeline_is_registered(functions: House) -> None:
    functions.clients.dynamodb.delete_item(
        TableName=RESTORE_TABLE, Key={"pk": {"S": "pipeline#orders"}, "sk": {"S": "registration"}}
    )

    assert failures(capture.handler({"Records": [{}]}, CONTEXT)) == [""]


def test_capture_puts_an_image_too_large_for_a_message_under_the_pipelines_prefix(
    functions: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYTE_LIMIT", "1024")
    large = record("order#1", 7, blob={"B": base64.b64encode(random.Random(1).randbytes(1500)).decode()})

    assert failures(capture.handler({"Records": [large]}, CONTEXT)) == []

    (sent,) = delivered(functions)
    (change,) = open_bundle(sent["body"])
    assert change.image_object is not None
    bucket = FailureBucket(functions.clients, FAILURES, "images/demo-orders/")
    assert bucket.image(change.image_object) == large["dynamodb"]["NewImage"]
    assert list(functions.aws.objects.contents) == [(FAILURES, f"images/demo-orders/{change.image_object}")]


def test_capture_marks_where_it_is_stuck_until_the_record_is_through(functions: House) -> None:
    functions.aws.fail("SendMessageBatch", "AccessDenied", "x" * 300, times=2)
    records = [record("order#1", 7), record("order#1", 8)]

    assert failures(capture.handler({"Records": records}, CONTEXT)) == ["7"]
    (marked,) = functions.stuck.read().items()
    assert failures(capture.handler({"Records": records}, CONTEXT)) == ["7"]
    (again,) = functions.stuck.read().items()
    capture.handler({"Records": [record("order#2", 9)]}, CONTEXT)
    assert functions.stuck.read().keys() == {"7"}
    assert failures(capture.handler({"Records": records[:1]}, CONTEXT)) == []

    assert functions.stuck.read() == {}
    assert (marked[0], marked[1].since) == (again[0], again[1].since)
    assert marked[1].reason == "SendMessageBatch: AccessDenied: " + "x" * 168


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_marks_that_cannot_be_set_or_looked_for_bring_the_whole_batch_back(
    functions: House, code: str
) -> None:
    """The stream would resume behind a record that is through and whose mark stands."""
    functions.aws.fail("SendMessageBatch", "AccessDenied")
    functions.aws.fail("UpdateItem", code)
    with pytest.raises(ClientError):
        capture.handler({"Records": [record("order#1", 7)]}, CONTEXT)

    functions.aws.fail("GetItem", code)
    with pytest.raises(ClientError):
        capture.handler({"Records": [record("order#1", 7)]}, CONTEXT)


def test_capture_makes_one_call_for_the_marks_where_nothing_is_stuck(functions: House) -> None:
    functions.aws.calls.clear()

    capture.handler({"Records": [record("order#1", 7)]}, CONTEXT)

    assert [call.operation for call in functions.aws.calls] == ["SendMessageBatch", "UpdateItem", "GetItem"]


@pytest.mark.parametrize("noting_fails", [False, True])
def test_capture_does_not_answer_while_what_it_sent_can_still_land_in_time(
    functions: House, monkeypatch: pytest.MonkeyPatch, noting_fails: bool
) -> None:
    clock = VirtualClock(NOON)
    monkeypatch.setattr(capture, "time", SimpleNamespace(time=lambda: clock.now, sleep=clock.sleep))
    found = [record(f"order#{number}", number) for number in range(40)]
    # The first call, of ten groups, is in doubt; the second, of the other six, is not.
    functions.aws.fail("SendMessageBatch", "ServiceUnavailable", times=4, status=503)
    if noting_fails:
        functions.aws.fail("UpdateItem", "InternalServerError")

    with pytest.raises(ClientError) if noting_fails else nullcontext():
        capture.handler({"Records": found}, CONTEXT)

    assert clock.now == NOON + LATE_SECONDS + 5


def test_capture_without_its_environment_fails(functions: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUP_COUNT")

    with pytest.raises(ConfigError, match="GROUP_COUNT"):
        capture.handler({"Records": []}, CONTEXT)


@pytest.mark.parametrize(
    "state", [None, ClaimState.CAPTURING, ClaimState.CUTTING_OVER, ClaimState.ABANDONING]
)
def test_replay_writes_only_for_a_restore_that_replays(functions: House, state: ClaimState | None) -> None:
    if state is not None:
        functions.claim(state)

    assert replayed([message("m1", 6, 11, [put("a")]), message("m2", 6, 12, [put("b")])]) == ["m1", "m2"]
    assert target(functions) == {}
    assert functions.progress.read(Side.REPLAYED).positions == {}


def test_replay_writes_only_what_is_in_the_claims_window(functions: House) -> None:
    functions.claim()

    assert (
        replayed([message("m1", 6, 11, [put("old", time=NOON - 3601), put("new", time=NOON - 3600)])]) == []
    )
    assert list(target(functions)) == ["new"]


def test_replay_returns_what_it_could_not_write(functions: House) -> None:
    functions.claim()
    functions.aws.fail("BatchWriteItem", "AccessDeniedException")

    assert replayed([message("m1", 6, 11, [put("a")]), message("m2", 6, 12, [put("b")])]) == ["m1", "m2"]


def test_replay_keeps_nothing_that_it_could_not_note(functions: House) -> None:
    functions.claim()
    functions.aws.fail("UpdateItem", "InternalServerError")

    with pytest.raises(ClientError):
        replayed([message("m1", 6, 11, [put("a")])])


def test_a_refused_item_is_quarantined_under_its_restore(functions: House) -> None:
    functions.claim()
    functions.aws.fail("BatchWriteItem", "ValidationException")
    functions.aws.fail("PutItem", "ItemCollectionSizeLimitExceededException", "10 GB")

    assert replayed([message("m1", 6, 11, [put("a")])]) == []
    assert [item.reason for item in functions.quarantine.items()] == [
        "PutItem: ItemCollectionSizeLimitExceededException: 10 GB"
    ]
    assert replayed([message("m2", 6, 12, [put("a")])]) == []
    assert list(functions.quarantine.items()) == []


def test_an_undecodable_bundle_goes_to_the_fifo_dead_letter_queue_with_its_reason(functions: House) -> None:
    functions.claim()

    assert replayed([message("m1", 6, 11, "no bundle"), message("m2", 6, 12, [put("a")])]) == []

    (found,) = functions.clients.sqs.receive_message(
        QueueUrl=functions.aside_url,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )["Messages"]
    assert found["Body"] == "no bundle"
    assert found["Attributes"]["MessageGroupId"] == "6"
    assert found["MessageAttributes"]["reason"]["StringValue"].startswith("not a bundle: ")
    assert list(target(functions)) == ["a"]


def test_a_bundle_that_cannot_be_set_aside_stops_its_group(functions: House) -> None:
    functions.claim()
    functions.aws.fail("SendMessage", "AccessDenied")

    found = [
        message("m1", 6, 11, "no bundle"),
        message("m2", 6, 12, [put("a")]),
        message("m3", 3, 13, [put("b")]),
    ]

    assert replayed(found) == ["m1", "m2"]
    assert list(target(functions)) == ["b"]


def test_limits_are_read_from_the_environment(functions: House, monkeypatch: pytest.MonkeyPatch) -> None:
    functions.claim()
    monkeypatch.setenv("WRITE_UNITS_PER_SECOND", "0.5")
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(
        replay, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep, time=lambda: NOON)
    )
    many: list[Change] = [put(f"{n}") for n in range(26)]

    # An item each two seconds of the 28 that there are.
    assert replayed([message("m1", 6, 11, many)]) == ["m1"]
    assert len(target(functions)) == 14


NAMES = "status, cutover, abandon, repair, bring_in, window, release"


def asked(**event: Any) -> dict[str, Any]:
    return answered(event)


def answered(event: Any) -> dict[str, Any]:
    answer: dict[str, Any] = operator.handler(event, CONTEXT)
    json.dumps(answer)
    return answer


@pytest.mark.parametrize("table", ["orders", "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"])
def test_the_operator_function_knows_a_table_by_name_and_arn(functions: House, table: str) -> None:
    assert asked(action="status", table=table)["state"] == "idle"


def test_messages_that_come_back_do_so_soon(functions: House) -> None:
    functions.claim()
    capture.handler({"Records": [record("order#1", 1)]}, CONTEXT)
    (message,) = delivered(functions)
    functions.aws.fail("BatchWriteItem", "AccessDeniedException", "not yours")
    assert replayed([message]) == [message["messageId"]]
    leased, hidden = functions.aws.named("ChangeMessageVisibilityBatch")
    assert leased["QueueUrl"] == hidden["QueueUrl"] == functions.buffer_url
    # Half a minute more than what is left of the invocation.
    assert [entry["VisibilityTimeout"] for entry in leased["Entries"]] == [82]
    assert hidden["Entries"] == [
        {"Id": "0", "ReceiptHandle": message["receiptHandle"], "VisibilityTimeout": 2}
    ]


def test_messages_come_back_even_where_that_cannot_be_hurried(
    functions: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.claim()
    capture.handler({"Records": [record("order#1", 1)]}, CONTEXT)
    (message,) = delivered(functions)
    functions.aws.fail("BatchWriteItem", "AccessDeniedException", "not yours")
    answer = functions.aws.answer
    calls = iter([False, True])

    def refused(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "ChangeMessageVisibilityBatch" and next(calls):
            functions.aws.fail("ChangeMessageVisibilityBatch", "AccessDeniedException", "nor this")
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(functions.aws, "answer", refused)
    assert replayed([message]) == [message["messageId"]]


def test_the_operator_function_does_what_it_is_asked(functions: House) -> None:
    functions.now = NOON
    functions.begin()

    assert asked(action="window", table="orders", start="2026-11-22T11:00:00Z", end=None) == {
        "window": {"start": "2026-11-22T11:00:00Z", "end": None}
    }
    for action in ("repair", "bring_in"):
        assert asked(action=action, table="orders") == {
            "error": "the restore into orders-restored is capturing, not replaying: look at status"
        }
    assert asked(action="cutover", table="orders", settle_seconds=0) == {
        "refused": [
            {
                "code": "not_replaying",
                "reason": "the restore into orders-restored is capturing, not replaying",
            }
        ]
    }
    assert asked(action="abandon", table="orders") == {
        "released": "no changes will be replayed into orders-restored; its settings are still cloned"
    }
    assert asked(action="abandon", table="orders") == {
        "error": "no restore owns the pipeline of orders: there is nothing to do"
    }


QUARANTINED = {
    "code": "quarantine",
    "reason": "1 items are in quarantine: see status, mend the cause, run repair",
}


@pytest.mark.parametrize("override", [{"force": True}, {"accept": ["quarantine", "gap"]}])
def test_the_operator_function_cuts_over(
    functions: House, clock: list[float], override: dict[str, Any]
) -> None:
    functions.replaying()
    functions.quarantine.add(put("a"), "wrong type")

    # Invocations that have four seconds to wait need two for ten seconds of settling, which begins anew after a refusal,
    # and another for the fence.
    assert "settling_until" in asked(action="cutover", table="orders", settle_seconds=0, accept=["gap"])
    clock[0] += 10
    assert asked(action="cutover", table="orders", accept=["gap"]) == {"refused": [QUARANTINED]}
    assert "settling_until" in asked(action="cutover", table="orders", **override)
    clock[0] += 10
    assert "settling_until" in asked(action="cutover", table="orders", **override)
    clock[0] += 75
    report = asked(action="cutover", table="orders")
    assert (report["result"], report["notes"]) == (
        "synced",
        [f"cut over although {QUARANTINED['reason']} (accepted: quarantine)"],
    )


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({}, f'send "action": one of {NAMES}'),
        ({"table": "orders"}, f'send "action": one of {NAMES}'),
        ({"action": None, "table": "orders"}, f"unknown action None: send one of {NAMES}"),
        ({"action": ["status"], "table": "orders"}, f"unknown action ['status']: send one of {NAMES}"),
        ({"action": "stauts", "table": "orders"}, f"unknown action 'stauts': send one of {NAMES}"),
        ({"action": "status"}, 'send "table": the source table\'s name or ARN'),
        ({"action": "status", "table": None}, '"table": send a table\'s name or ARN'),
        ({"action": "status", "table": 7}, '"table": send a table\'s name or ARN'),
        (
            {"action": "status", "table": "orders", "tabel": "orders", "force": True},
            '`status` takes no field "force", "tabel": send action, table',
        ),
        (
            {"action": "cutover", "table": "orders", "forced": True},
            '`cutover` takes no field "forced": send action, table, settle_seconds, accept, force',
        ),
        ({"action": "status", "table": "or"}, "'or' is neither a table name nor the ARN of a table"),
        (
            {"action": "status", "table": "customers"},
            "customers has no pipeline: add it to `change_pipelines`",
        ),
        (
            {"action": "abandon", "table": "customers"},
            "customers has no pipeline: add it to `change_pipelines`",
        ),
        ({"action": "cutover", "table": "orders", "force": "yes"}, '"force": send true or false'),
        (
            {"action": "cutover", "table": "orders", "settle_seconds": True},
            '"settle_seconds": send a number from 0 to 3600',
        ),
        ({"action": "cutover", "table": "orders", "settle_seconds": -1}, "from 0 to 3600"),
        ({"action": "cutover", "table": "orders", "settle_seconds": 3601}, "from 0 to 3600"),
        ({"action": "cutover", "table": "orders", "settle_seconds": float("nan")}, "from 0 to 3600"),
        ({"action": "cutover", "table": "orders", "accept": "gap"}, '"accept": send a list of codes of'),
        ({"action": "cutover", "table": "orders", "accept": [7]}, '"accept": send a list of codes of'),
        (
            {"action": "cutover", "table": "orders", "accept": ["gap", "gaps", "not_replaying"]},
            "no such obstacle: gaps, not_replaying; `accept` takes capture_misdirected, capture_stuck, ",
        ),
        ({"action": "cutover", "table": "orders", "settle_seconds": 0}, "no restore owns the pipeline"),
        ({"action": "window", "table": "orders"}, 'send "start": the first instant to replay'),
        ({"action": "window", "table": "orders", "start": NOON}, "no restore owns the pipeline"),
        ({"action": "release", "settings": ["ttl"]}, 'send "target": the restored table\'s name or ARN'),
        ({"action": "release", "target": "or"}, "'or' is neither a table name nor the ARN of a table"),
        (
            {"action": "release", "target": "orders-restored", "settings": "ttl"},
            '"settings": send a list of names of settings',
        ),
        (
            {"action": "release", "target": "orders-restored", "settings": ["tll"]},
            '"settings": no such setting: tll; there are point_in_time_recovery, deletion_protection, ',
        ),
        ({"action": "release", "target": "orders-restored"}, "no restore into orders-restored is on record"),
        (
            {"action": "release", "target": "orders-gone"},
            "orders-gone does not exist: there is nothing to release",
        ),
    ],
)
def test_the_operator_function_answers_bad_input_with_what_to_send(
    functions: House, event: dict[str, Any], error: str
) -> None:
    assert error in asked(**event)["error"]


NO_TIMES = ["soon", -5, [], {}, "", True, "9" * 400]


@pytest.mark.parametrize(
    "window",
    [
        *({"start": start} for start in (None, *NO_TIMES)),
        *({"start": NOON, "end": end} for end in NO_TIMES),
    ],
)
def test_a_window_that_is_no_time_is_an_error_and_changes_nothing(
    functions: House, window: dict[str, Any]
) -> None:
    before = functions.begin()

    error = asked(action="window", table="orders", **window)["error"]

    name = list(window)[-1]
    assert error.startswith(f'"{name}": not a time: ')
    assert error.endswith("; send one such as 2026-01-31T03:00:00Z")
    assert functions.claims.current() == before


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ({"start": "2026-11-22T10:00:00Z"}, "2026-11-22T10:00:00Z", None),
        ({"start": NOON - 7200, "end": NOON - 60}, "2026-11-22T10:00:00Z", "2026-11-22T11:59:00Z"),
        (
            {"start": "2026-11-22T10:00:00.9Z", "end": "2026-11-22T10:00:01Z"},
            "2026-11-22T10:00:00Z",
            "2026-11-22T10:00:01Z",
        ),
    ],
)
def test_a_window_has_its_times_in_any_form(
    functions: House, window: dict[str, Any], start: str, end: str | None
) -> None:
    functions.begin()

    assert asked(action="window", table="orders", **window) == {"window": {"start": start, "end": end}}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    event=st.one_of(
        json_values,
        *(
            st.fixed_dictionaries(
                {"action": st.just(action.name) | json_values},
                optional={each.name: st.just(each.example) | json_values for each in action.fields},
            )
            for action in ACTIONS
        ),
    )
)
def test_no_input_makes_the_operator_function_raise(functions: House, event: Any) -> None:
    functions.begin()

    assert answered(event)


def test_replay_of_an_empty_image_is_a_key_alone(functions: House) -> None:
    functions.claim()

    replayed([message("m1", 6, 11, [put("a")])])

    assert target(functions) == {"a": key("a")}
