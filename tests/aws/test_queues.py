"""SQS in memory."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.account import Account
from tests.aws.choices import RandomChoices
from tests.aws.clock import VirtualClock
from tests.aws.errors import error_code
from tests.aws.names import queue_arn, queue_url
from tests.aws.queues import LARGEST_MESSAGE, LONGEST_RETENTION_SECONDS, Queue

FIFO, LETTERS, STANDARD = queue_url("changes.fifo"), queue_url("changes-dlq.fifo"), queue_url("restores")


@pytest.fixture
def fifo(account: Account) -> Queue:
    account.queues.make("changes-dlq.fifo")
    return account.queues.make("changes.fifo", visibility_seconds=60, max_receives=2, dead_letters=LETTERS)


@pytest.fixture
def standard(account: Account) -> Queue:
    account.queues.make("restores-dlq")
    return account.queues.make(
        "restores", visibility_seconds=60, max_receives=1, dead_letters=queue_url("restores-dlq")
    )


def send(account: Account, group: str, body: str, nonce: str | None = None) -> dict[str, Any]:
    return account.answer(
        "SendMessage",
        {
            "QueueUrl": FIFO,
            "MessageBody": body,
            "MessageGroupId": group,
            "MessageDeduplicationId": nonce or body,
        },
    )


def receive(account: Account, url: str = FIFO, most: int = 10) -> list[dict[str, Any]]:
    answer = account.answer("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": most})
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(account: Account, message: dict[str, Any], url: str = FIFO) -> None:
    account.answer("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})


def hide(account: Account, message: dict[str, Any], seconds: int, url: str = FIFO) -> None:
    account.answer(
        "ChangeMessageVisibility",
        {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds},
    )


def counts(account: Account, url: str = FIFO) -> tuple[int, int, int]:
    """Waiting, in flight, delayed."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    told = account.answer("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names})["Attributes"]
    waiting, in_flight, delayed = (int(told[name]) for name in names)
    return waiting, in_flight, delayed


@pytest.mark.usefixtures("fifo")
class TestFifo:
    def test_a_group_is_locked_while_one_of_its_messages_is_in_flight(self, account: Account) -> None:
        for group, body in (("1", "a"), ("1", "b"), ("2", "c")):
            send(account, group, body)
        first = receive(account, most=1)
        assert bodies(first) == ["a"]
        assert bodies(receive(account)) == ["c"]
        delete(account, first[0])
        assert bodies(receive(account)) == ["b"]

    def test_what_comes_back_comes_before_what_is_behind_it(self, account: Account) -> None:
        for body in ("a", "b", "c"):
            send(account, "1", body)
        first = receive(account, most=2)
        hide(account, first[0], 0)
        assert receive(account) == []
        delete(account, first[1])
        assert bodies(receive(account)) == ["a", "c"]

    def test_a_handle_expires_with_the_visibility_timeout(self, account: Account) -> None:
        send(account, "1", "a")
        (message,) = receive(account)
        hide(account, message, 100)
        account.clock.sleep(99)
        hide(account, message, 1)
        account.clock.sleep(1)
        with pytest.raises(ClientError, match="receipt handle has expired"):
            delete(account, message)
        with pytest.raises(ClientError, match="receipt handle has expired"):
            hide(account, message, 5)
        entry = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
        answer = account.answer("DeleteMessageBatch", {"QueueUrl": FIFO, "Entries": [entry]})
        assert (answer["Successful"], [failed["Id"] for failed in answer["Failed"]]) == ([], ["1"])
        (again,) = receive(account)
        with pytest.raises(ClientError, match="receipt handle has expired"):
            delete(account, message)
        delete(account, again)

    def test_a_duplicate_is_one_for_five_minutes_in_its_group(self, account: Account, fifo: Queue) -> None:
        first = send(account, "1", "a")
        account.clock.sleep(299)
        assert send(account, "1", "a") == first
        assert send(account, "2", "a")["SequenceNumber"] > first["SequenceNumber"]
        account.clock.sleep(1)
        third = send(account, "1", "a")
        assert third["MessageId"] != first["MessageId"]
        assert len(third["SequenceNumber"]) == 20
        assert len(fifo.accepted) == 3

    def test_group_and_deduplication_id_are_demanded(self, account: Account) -> None:
        for parameters in (
            {},
            {"MessageGroupId": "1"},
            {"MessageGroupId": "a b", "MessageDeduplicationId": "x"},
        ):
            with pytest.raises(ClientError) as raised:
                account.answer("SendMessage", {"QueueUrl": FIFO, "MessageBody": "a", **parameters})
            assert error_code(raised.value) == "InvalidParameterValue"

    def test_a_message_that_keeps_failing_is_buried_and_redriven_as_a_new_one(self, account: Account) -> None:
        sent = send(account, "1", "a")
        send(account, "1", "b")
        for count in ("1", "2"):
            (message,) = receive(account, most=1)
            assert message["Attributes"]["ApproximateReceiveCount"] == count
            account.clock.sleep(60)
        (following,) = receive(account)
        assert following["Body"] == "b"
        (letter,) = receive(account, LETTERS)
        assert letter["MessageId"] == sent["MessageId"]
        buried_at = letter["Attributes"]["SentTimestamp"]
        account.clock.sleep(60)
        account.answer("StartMessageMoveTask", {"SourceArn": queue_arn("changes-dlq.fifo")})
        assert account.queues.queues[LETTERS].messages == {}
        (again,) = receive(account, most=1)
        assert again["Body"] == "b", "what is redriven comes after what was behind it"
        delete(account, again)
        (redriven,) = receive(account)
        assert redriven["Body"] == "a"
        assert redriven["MessageId"] != sent["MessageId"]
        assert redriven["Attributes"]["SequenceNumber"] > following["Attributes"]["SequenceNumber"]
        assert redriven["Attributes"]["SentTimestamp"] > buried_at
        assert redriven["Attributes"]["ApproximateReceiveCount"] == "1"

    def test_a_thousand_groups(self, account: Account) -> None:
        for number in range(2_000):
            send(account, str(number % 1000), f"{number}")
        seen: list[int] = []
        while messages := receive(account):
            seen += map(int, bodies(messages))
        assert seen == list(range(1000)), "one of each group, and then all are locked"


@pytest.mark.usefixtures("standard")
class TestStandard:
    def test_a_message_is_kept_for_at_most_14_days(self, account: Account, standard: Queue) -> None:
        account.queues.put(STANDARD, "a")
        account.clock.sleep(LONGEST_RETENTION_SECONDS - 1)
        account.queues.put(STANDARD, "b")
        assert counts(account, STANDARD) == (2, 0, 0)
        account.clock.sleep(1)
        assert bodies(receive(account, STANDARD)) == ["b"]
        assert [message.body for message in standard.messages.values()] == ["b"]

    def test_a_letter_is_as_old_as_its_message(self, account: Account) -> None:
        account.queues.put(STANDARD, "a")
        account.clock.sleep(LONGEST_RETENTION_SECONDS - 100)
        receive(account, STANDARD)
        account.clock.sleep(60)
        assert receive(account, STANDARD) == []
        letters = queue_url("restores-dlq")
        assert counts(account, letters) == (1, 0, 0)
        account.clock.sleep(40)
        assert counts(account, letters) == (0, 0, 0)

    def test_an_old_handle_deletes_nothing_and_hides_nothing(self, account: Account, standard: Queue) -> None:
        standard.max_receives = None
        account.queues.put(STANDARD, "a")
        (first,) = receive(account, STANDARD)
        account.clock.sleep(60)
        with pytest.raises(ClientError) as raised:
            hide(account, first, 5, STANDARD)
        assert error_code(raised.value) == "AWS.SimpleQueueService.MessageNotInflight"
        (second,) = receive(account, STANDARD)
        delete(account, first, STANDARD)
        assert len(standard.messages) == 1
        delete(account, second, STANDARD)
        delete(account, second, STANDARD)
        assert standard.messages == {}

    def test_a_visibility_timeout_is_at_most_twelve_hours(self, account: Account) -> None:
        account.queues.put(STANDARD, "a")
        (message,) = receive(account, STANDARD)
        hide(account, message, 43_200, STANDARD)
        account.clock.sleep(10)
        for seconds in (43_201, -1, 43_191):
            with pytest.raises(ClientError) as raised:
                hide(account, message, seconds, STANDARD)
            assert error_code(raised.value) == "InvalidParameterValue"

    def test_a_delayed_message_counts_as_such(self, account: Account, standard: Queue) -> None:
        standard.delay_seconds = 30
        account.queues.put(STANDARD, "a")
        asked = {"QueueUrl": STANDARD, "MessageBody": "b", "DelaySeconds": 0}
        account.answer("SendMessage", asked)
        assert counts(account, STANDARD) == (1, 0, 1)
        assert bodies(receive(account, STANDARD)) == ["b"]
        account.clock.sleep(30)
        assert bodies(receive(account, STANDARD)) == ["a"]
        assert counts(account, STANDARD) == (0, 2, 0)

    def test_a_purged_queue_is_empty(self, account: Account) -> None:
        account.queues.put(STANDARD, "a")
        account.answer("PurgeQueue", {"QueueUrl": STANDARD})
        assert counts(account, STANDARD) == (0, 0, 0)

    def test_times_are_those_of_its_own_clock(self, account: Account) -> None:
        account.clock.offsets["sqs"] = -2.5
        account.queues.put(STANDARD, "a")
        (message,) = receive(account, STANDARD)
        assert message["Attributes"]["SentTimestamp"] == str(int((account.clock.now - 2.5) * 1000))


def test_counts_lag() -> None:
    account = Account(choices=RandomChoices(random.Random(4)))
    account.queues.make("restores", counts_lag_seconds=8)
    account.queues.put(STANDARD, "a")
    assert counts(account, STANDARD) == (0, 0, 0)
    account.clock.sleep(8)
    assert counts(account, STANDARD) == (1, 0, 0)


@pytest.mark.usefixtures("fifo")
@pytest.mark.parametrize(
    ("bodies", "ids", "code"),
    [
        ([], [], "EmptyBatchRequest"),
        (["x"] * 11, list(range(11)), "TooManyEntriesInBatchRequest"),
        (["x"] * 2, [1, 1], "BatchEntryIdsNotDistinct"),
        (["x" * (LARGEST_MESSAGE // 2 + 1)] * 2, [1, 2], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_sqs_does_not_take(
    account: Account, bodies: list[str], ids: list[int], code: str
) -> None:
    entries = [
        {"Id": str(name), "MessageBody": body, "MessageGroupId": "1", "MessageDeduplicationId": f"{number}"}
        for number, (name, body) in enumerate(zip(ids, bodies, strict=True))
    ]
    with pytest.raises(ClientError) as raised:
        account.answer("SendMessageBatch", {"QueueUrl": FIFO, "Entries": entries})
    assert error_code(raised.value) == f"AWS.SimpleQueueService.{code}"


@pytest.mark.usefixtures("standard")
@pytest.mark.parametrize("body", ["", "\x00", "\ufffe", "\ud800", "x" * (LARGEST_MESSAGE + 1)])
def test_a_body_that_sqs_does_not_take(account: Account, body: str) -> None:
    with pytest.raises(ClientError):
        account.answer("SendMessage", {"QueueUrl": STANDARD, "MessageBody": body})


def test_entries_of_a_batch_fail_singly_and_answers_get_lost() -> None:
    choices = RandomChoices(random.Random(1), unkind=True)
    account = Account(VirtualClock(0), choices)
    queue = account.queues.make("changes.fifo")
    reported = 0
    for number in range(100):
        entries = [
            {
                "Id": f"{entry}",
                "MessageBody": "x",
                "MessageGroupId": "1",
                "MessageDeduplicationId": f"{number}/{entry}",
            }
            for entry in range(10)
        ]
        answer = account.answer("SendMessageBatch", {"QueueUrl": FIFO, "Entries": entries})
        reported += len(answer["Successful"])
        assert len(answer["Successful"]) + len(answer["Failed"]) == 10
    assert reported < len(queue.accepted) < 1000
