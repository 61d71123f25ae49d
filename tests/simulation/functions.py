"""The functions of the pipeline, composed as their handlers compose them, and invoked as Lambda invokes them.

Each may die at any call. Others act while one waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from dynamodb_restore.aws import AwsError
from dynamodb_restore.changes.capture import CaptureOptions
from dynamodb_restore.handlers import replay
from dynamodb_restore.handlers import upkeep as upkeep_handler
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline.bring_in import bring_in, sender
from dynamodb_restore.pipeline.capture import CaptureInvocation, CapturePlace
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.repair import repair
from dynamodb_restore.pipeline.replay import ReplayOptions, replay_batch
from dynamodb_restore.pipeline.replaying import NotReplayingError
from dynamodb_restore.pipeline.upkeep import upkeep
from dynamodb_restore.restore.record import RestoreKey, note_late_changes
from tests.aws.clock import InlineExecutor
from tests.aws.errors import ProcessDeath
from tests.aws.lambda_runtime import Delivery
from tests.aws.streams import Shard
from tests.simulation.estate import ASIDE, BUFFER, FAILURES, IMAGES, REPLAY_SECONDS, RESTORES, Estate
from tests.simulation.promises import BrokenPromiseError

_CAPTURE_SECONDS = 240.0
_UPKEEP_SECONDS = 300.0

_Value = TypeVar("_Value")


@dataclass
class Held:
    """A batch that Lambda has received, and whose invocation has not begun: the function was throttled."""

    delivery: Delivery
    received_at: float


class Functions:
    """The functions of one world.

    Attributes:
        captured, handled: changes that capture sent, and that replay has dealt with.
        noted: by group, the last bundle that capture knows to be in the buffer.
        late: how many changes after a cutover upkeep has told of; None before it told any.
        capture_exact, replay_exact: whether nothing came about by which a change counts twice, or not at all.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self.captured = 0
        self.handled = 0
        self.noted: dict[int, int] = {}
        self.late: int | None = None
        self.capture_exact = self.replay_exact = True
        self._held: list[Held] = []
        self._invocations = 0

    def invoke(self, seconds: float, function: Callable[[], _Value]) -> _Value:
        """Run a function that has so much time.

        Raises:
            ClientError, BotoCoreError, ProcessDeath: it failed.
        """
        with self._estate.wire.invocation(seconds):
            return function()

    def _nonce(self) -> str:
        self._invocations += 1
        return f"invocation {self._invocations}"

    # Capture

    def capture_some(self) -> None:
        """A batch of one shard, where there is one."""
        if self._estate.is_polling(self._estate.capture_mapping) and (ready := self._ready()):
            self._capture_from(self._estate.rng.choice(ready))

    def capture_all(self) -> None:
        """A batch of each shard that has one."""
        if not self._estate.is_polling(self._estate.capture_mapping):
            return
        for shard in self._ready():
            # What acts meanwhile may have taken it already.
            if shard in self._ready():
                self._capture_from(shard)

    def _ready(self) -> list[Shard]:
        return self._estate.capture_poller.ready()

    def _capture_from(self, shard: Shard) -> None:
        try:
            self._estate.capture_poller.deliver(
                shard, lambda records: self.invoke(_CAPTURE_SECONDS, lambda: self._capture(records))
            )
        except (ProcessDeath, *AwsError):
            self.capture_exact = False

    def _capture(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        estate, plan = self._estate, self._estate.plan
        options = CaptureOptions(BUFFER, plan.group_count, plan.byte_limit, plan.keep_expiries)
        invocation = CaptureInvocation(
            CapturePlace("source", RESTORES, "buffer-1", FAILURES, IMAGES, options),
            estate.clients,
            nonce=self._nonce(),
            now=lambda: estate.clock.now,
            sleep=estate.clock.sleep,
            rng=estate.rng,
        )
        captured = invocation.run(records)
        if captured.discarded or invocation.discarded:
            raise BrokenPromiseError(f"capture gave up a sound record: {invocation.discarded}")
        self.captured += captured.sent
        for group, sequence in captured.positions.items():
            self.noted[group] = max(sequence, self.noted.get(group, 0))
        if captured.retry_from is None:
            return {"batchItemFailures": []}
        self.capture_exact = False
        estate.census["batches that capture cut short"] += 1
        return {"batchItemFailures": [{"itemIdentifier": captured.retry_from}]}

    # Replay

    def replay_some(self) -> None:
        """A batch of the buffer, where there is one."""
        if (delivery := self._received()) is not None:
            self._replay_now(delivery)

    def hold_some(self) -> None:
        """Receive a batch for a function that is throttled."""
        if (delivery := self._received()) is not None:
            self._held.append(Held(delivery, self._estate.clock.now))

    def start_held(self, *, again: bool = False) -> None:
        """Begin with a batch that was received a while ago; Lambda drops it once its messages are visible again.

        Args:
            again: whether Lambda keeps it, and begins once more later: it delivers at least once.
        """
        if not self._held:
            return
        held = self._held.pop(self._estate.rng.randrange(len(self._held)))
        if self._estate.clock.now - held.received_at > 6 * REPLAY_SECONDS:
            return
        if again:
            self._held.append(held)
            self._estate.census["batches that were begun twice"] += 1
            self.replay_exact = False
        self._estate.census["batches that began late"] += 1
        self._replay_now(held.delivery)

    def _received(self) -> Delivery | None:
        if not self._estate.is_polling(self._estate.replay_mapping):
            return None
        aside = len(self._estate.aside.messages)
        delivery = self._estate.replay_poller.receive()
        if buried := len(self._estate.aside.messages) - aside:
            self._estate.census["messages that the buffer set aside"] += buried
            self.replay_exact = False
        return delivery

    def _replay_now(self, delivery: Delivery) -> None:
        with suppress(ProcessDeath, *AwsError):
            left = self.invoke(REPLAY_SECONDS, lambda: self._replay(delivery.records))
            self._estate.replay_poller.finish(delivery, left)

    def _replay(self, records: Sequence[Mapping[str, Any]]) -> set[str]:
        clock = self._clock(REPLAY_SECONDS, replay._RESERVE_SECONDS)
        try:
            replayed = replay_batch(records, self._estate.clients, self._options, clock, InlineExecutor)
        except (ProcessDeath, *AwsError):
            # Whether its progress was noted decides whether these messages count again.
            self.replay_exact = False
            raise
        if replayed.unreadable:
            raise BrokenPromiseError(f"capture wrote what replay cannot read: {replayed.unreadable}")
        self.handled += replayed.changes
        if replayed.in_doubt:
            self._estate.census["writes in doubt"] += replayed.in_doubt
        return set(replayed.retry)

    @property
    def _options(self) -> ReplayOptions:
        return ReplayOptions(
            source="source",
            restore_table=RESTORES,
            buffer_id="buffer-1",
            buffer_url=BUFFER,
            dead_letter_queue_url=ASIDE,
            failure_bucket=FAILURES,
            image_prefix=IMAGES,
            write_units_per_second=self._estate.plan.write_units_per_second,
        )

    # Upkeep

    def upkeep(self) -> None:
        """The run that comes every few minutes."""
        with suppress(ProcessDeath, *AwsError):
            self.invoke(_UPKEEP_SECONDS, self._upkeep)

    def _upkeep(self) -> None:
        estate = self._estate

        def tell_late(claim: Claim, changes: int) -> None:
            note_late_changes(estate.clients, RESTORES, RestoreKey(claim.target, claim.restore_id), changes)
            self.late = changes

        with InlineExecutor() as calls:
            report = upkeep(estate.clients, estate.pipeline, self._upkeep_clock(), calls, tell_late)
        estate.census["writes in doubt that were settled"] += report.settled.rewritten

    def repair(self) -> None:
        """What the operator action of this name has upkeep do."""
        self._for_operator(
            "repair", lambda: repair(self._estate.clients, self._estate.pipeline, self._upkeep_clock())
        )

    def bring_in(self) -> None:
        """What the operator action of this name has upkeep do."""
        # What is sent by its key counts once more.
        self.capture_exact = self.replay_exact = False
        self._for_operator("bring_in", self._bring_in)

    def _for_operator(self, action: str, function: Callable[[], object]) -> None:
        self._estate.census[f"{action} asked for"] += 1
        try:
            self.invoke(_UPKEEP_SECONDS, function)
        except NotReplayingError:
            self._estate.census[f"{action} refused"] += 1
        except (ProcessDeath, *AwsError):
            self._estate.census[f"{action} interrupted"] += 1

    def _bring_in(self) -> None:
        estate, plan, clock = self._estate, self._estate.plan, self._upkeep_clock()
        send = sender(
            estate.clients,
            CaptureOptions(BUFFER, plan.group_count, plan.byte_limit, keep_expiries=True),
            nonce=self._nonce,
            now=lambda: estate.clock.now,
            sleep=estate.clock.sleep,
            rng=estate.rng,
        )
        brought = bring_in(estate.clients, estate.pipeline, send, enough_time=lambda: not clock.expired)
        if brought.unreadable and not self._estate.faults.rate:
            raise BrokenPromiseError(f"bring_in cannot read what the pipeline wrote: {brought.unreadable}")
        self._estate.census["changes brought in"] += brought.changes

    def _upkeep_clock(self) -> Clock:
        return self._clock(_UPKEEP_SECONDS, upkeep_handler._RESERVE_SECONDS)

    def _clock(self, seconds: float, reserve_seconds: float) -> Clock:
        clock = self._estate.clock
        return Clock(
            monotonic=lambda: clock.now,
            sleep=clock.sleep,
            deadline=clock.now + seconds - reserve_seconds,
            rng=self._estate.rng,
            now=lambda: clock.now,
            reserve_seconds=reserve_seconds,
        )
