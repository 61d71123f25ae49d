"""A SendMessageBatch that SQS carries out after its caller has given it up.

Sent once more by the next invocation, its changes are followed by later ones of the same items. Then the first send
lands behind them, and its images would be replayed last. Its deduplication id is its own, so SQS takes it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import LATE_SECONDS, open_bundle
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import Change
from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.direct_door import DirectClient
from tests.aws.names import queue_url
from tests.aws.queues import Message
from tests.aws.wire import Wire
from tests.unit.changes.makers import NOON, record

_OPTIONS = CaptureOptions(
    buffer_url=queue_url("buffer.fifo"), group_count=16, byte_limit=262_144, keep_expiries=True
)
_TIMEOUT_SECONDS = 18.0
"""Of one call. An invocation has time for two that stall."""


class Stalling:
    """SQS's client, with a queue that does not answer the next calls, and carries them out when it is told to.

    Attributes:
        stalls: how many calls.
    """

    def __init__(self, clock: VirtualClock, stalls: int) -> None:
        account = Account(clock)
        self.stalls = stalls
        self._queue = account.queues.make("buffer.fifo")
        self._sqs = DirectClient(Wire(account), "sqs")
        self._clock = clock
        self._held: list[Mapping[str, Any]] = []

    @property
    def messages(self) -> list[Message]:
        return list(self._queue.messages.values())

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        if self.stalls == 0:
            return self._sqs.send_message_batch(**request)
        self.stalls -= 1
        self._held.append(request)
        self._clock.sleep(_TIMEOUT_SECONDS)
        raise ReadTimeoutError(endpoint_url="https://sqs")

    def land(self) -> None:
        """Carry out what was held back."""
        held, self._held = self._held, []
        for request in held:
            self._sqs.send_message_batch(**request)


class Shard:
    """Capture's invocations for one shard, one after another."""

    def __init__(self, stalls: int) -> None:
        self.clock = VirtualClock(NOON)
        self.buffer = Stalling(self.clock, stalls)
        self._invocations = 0

    def invoke(self, *records: Mapping[str, Any]) -> Captured:
        """One invocation, from its delivery to its answer."""
        buffer = self.buffer

        class Standing:
            sqs_once = buffer

        self._invocations += 1
        captured = capture(
            records,
            _OPTIONS,
            cast("Clients", Standing()),
            images=None,
            discard=lambda _record, _reason: False,
            nonce=f"invocation {self._invocations}",
            now=lambda: self.clock.now,
            sleep=self.clock.sleep,
            rng=random.Random(1),
        )
        if captured.answer_at is not None:
            self.clock.sleep(max(0.0, captured.answer_at - self.clock.now))
        return captured

    def images_that_count(self) -> list[Change]:
        """The changes in the buffer whose images replay uses."""
        return [
            change
            for message in self.buffer.messages
            if not _is_late(message)
            for change in open_bundle(message.body)
        ]


# As replay counts it.
def _is_late(message: Message) -> bool:
    return message.sent_at - open_bundle(message.body).sent_at > LATE_SECONDS


@pytest.mark.parametrize("seconds", [0.0, 5.0, 100.0])
def test_its_images_do_not_count_once_a_later_change_was_sent(seconds: float) -> None:
    shard = Shard(stalls=2)

    assert shard.invoke(record("order#1", 1)).retry_from == "1"
    assert shard.invoke(record("order#1", 1), record("order#1", 2)).retry_from is None
    shard.clock.sleep(seconds)
    shard.buffer.land()

    # The bundle of both changes, and behind it the one that landed late.
    assert [len(open_bundle(message.body)) for message in shard.buffer.messages] == [2, 1]
    assert [change.sequence for change in shard.images_that_count()] == ["1", "2"]


def test_it_is_dropped_where_the_same_invocation_sent_it_again() -> None:
    shard = Shard(stalls=1)

    assert shard.invoke(record("order#1", 1)).retry_from is None
    shard.invoke(record("order#1", 2))
    shard.buffer.land()

    assert [change.sequence for change in shard.images_that_count()] == ["1", "2"]
    assert len(shard.buffer.messages) == 2


def test_what_was_sent_in_time_counts_however_slow_the_calls_were() -> None:
    shard = Shard(stalls=1)

    shard.invoke(record("order#1", 1))

    assert [change.sequence for change in shard.images_that_count()] == ["1"]


def test_a_send_that_lands_before_the_answer_is_an_earlier_copy_of_the_same_changes() -> None:
    """It counts, and so does what is sent after it: order holds."""
    shard = Shard(stalls=2)

    shard.invoke(record("order#1", 1))
    shard.clock.now -= 30
    shard.buffer.land()
    shard.clock.sleep(30)
    shard.invoke(record("order#1", 1), record("order#1", 2))

    assert [change.sequence for change in shard.images_that_count()] == ["1", "1", "2"]
