"""Replay: bundles from the FIFO buffer become writes into the target.

An invocation takes up to ten messages of several groups. It hides them for as long as it can run, cuts their changes into
rounds, writes the last change of each item of a round, and answers with the messages that are to come back: of
each group the first that was not fully dealt with, and all later ones, so that no change is overtaken.

What happens if a step takes effect late, twice, or not at all because the function ends:

- hide the messages: nothing was written yet; they come back.
- note what is about to be written (`doubt`): the note stands, and what is in it is settled 15 minutes later.
- read the claim again: whoever fenced it waits for the longest invocation before the end is reported.
- write: every change may be written again, in order, and every later change of its item after it.
- store what was refused: only then does the change count as dealt with.
- note progress: moves forward only; what is not noted is written again.
- clear the note: a note that stands too long costs a rewrite from the source.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from dynamodb_restore import pace
from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.delivery import Delivery, lease, let_come_back, pause_seconds
from dynamodb_restore.changes.doubt import DoubtStore
from dynamodb_restore.changes.images import ImageStore
from dynamodb_restore.changes.progress import Progress, ProgressStore, Side, progress_of
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.replayed import Replayed
from dynamodb_restore.changes.round_writer import RoundWriter
from dynamodb_restore.changes.rounds import Message, Rounds
from dynamodb_restore.changes.writer import TargetWriter
from dynamodb_restore.pace import Clock, UnitRate
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore, claim_of
from dynamodb_restore.pipeline.settle import DoubtSettler

_SETTLING_SHARE = 0.25
"""Of an invocation's time, what settling doubts may take."""

_READ_BACKOFF = Backoff(base_seconds=0.05, rate=2, cap_seconds=1, jitter=0.5)

_RECEIVED_AGAIN = "messages were received again by another invocation before this one began"
_NO_CLAIM = "no restore owns the pipeline for replay"


@dataclass(frozen=True)
class ReplayOptions:
    """How a pipeline replays.

    Attributes:
        write_units_per_second, read_units_per_second: of one invocation, on the target and on the source; None
            for as fast as the tables take it.
        failure_bucket: where images that were too large for a message are.
        image_prefix: what their keys begin with.
    """

    source: str
    restore_table: str
    buffer_id: str
    buffer_url: str
    dead_letter_queue_url: str
    failure_bucket: str
    image_prefix: str
    write_units_per_second: float | None = None
    read_units_per_second: float | None = None


def replay_batch(
    records: Sequence[Mapping[str, Any]],
    clients: Clients,
    options: ReplayOptions,
    clock: Clock,
    executor: Callable[[], Executor] | None = None,
) -> Replayed:
    """Write what an SQS event carries into the target of the restore that owns the pipeline.

    Raises:
        ClientError, BotoCoreError: from the restore table; all messages come back.
    """
    with (executor or pace.parallel_calls)() as calls:
        return _Invocation([Delivery.of(record) for record in records], clients, options, clock, calls).run()


class _Invocation:
    """One invocation: its messages, and the stores that it works with."""

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        clients: Clients,
        options: ReplayOptions,
        clock: Clock,
        calls: Executor,
    ) -> None:
        self._deliveries = deliveries
        self._clients = clients
        self._options = options
        self._clock = clock
        self._calls = calls
        place = (clients, options.restore_table, options.source, options.buffer_id)
        self._progress = ProgressStore(*place)
        self._doubts = DoubtStore(*place)
        self._claims = ClaimStore(clients, options.restore_table, options.source)
        self._replayed = Replayed()

    def run(self) -> Replayed:
        """Process the messages as far as time allows."""
        ours, error = lease(self._clients, self._options.buffer_url, self._deliveries, self._clock)
        if error is not None:
            self._replayed.fail(explain(error), for_good=classify(error) is ErrorClass.GIVE_UP)
        elif len(ours) < len(self._deliveries):
            self._replayed.fail(_RECEIVED_AGAIN)
        mine = self._led_by_ours(ours)
        try:
            if mine:
                self._replay(mine)
        except AwsError as error:
            self._replayed.fail(explain(error))
            # Lambda lets all messages of an invocation that fails come back.
            self._replayed.finished.clear()
            self._let_come_back(ours)
            raise
        self._let_come_back(ours)
        return self._replayed

    def _led_by_ours(self, ours: Collection[str]) -> list[Delivery]:
        """The messages that no message of their group which is somebody else's comes before."""
        lost: set[str] = set()
        mine = []
        for delivery in self._deliveries:
            if delivery.message_id not in ours:
                lost.add(delivery.group)
            elif delivery.group not in lost:
                mine.append(delivery)
        return mine

    def _replay(self, mine: Sequence[Delivery]) -> None:
        due = self._calls.submit(self._doubts.due, self._clock.now())
        claim, progress = self._read_state(mine)
        if claim is None or claim.state is not ClaimState.REPLAYING:
            # The mapping is being disabled, or someone enabled it by hand: nothing is lost by waiting.
            self._replayed.fail(_NO_CLAIM)
            return
        quarantine = Quarantine(self._clients, self._options.restore_table, claim.restore_id)
        if doubts := due.result():
            settler = DoubtSettler(
                self._clients,
                self._options.source,
                claim,
                self._doubts,
                quarantine,
                self._progress,
                lambda: self._claims.still_replays(claim),
                self._clock.within(_SETTLING_SHARE),
                self._calls,
            )
            self._replayed.settled = settler.settle(doubts)
        rounds = Rounds(self._not_repeated(mine, progress), claim.window)
        write_rate = UnitRate(self._options.write_units_per_second, self._clock)
        RoundWriter(
            writer=self._writer(claim, write_rate),
            write_rate=write_rate,
            rounds=rounds,
            note=self._doubts.note(
                claim.restore_id,
                sent_until=self._clock.ends_at,
                invocation=f"{self._clock.rng.getrandbits(64):016x}",
            ),
            holds=lambda: self._claims.still_replays(claim),
            set_aside=self._set_aside,
            progress=self._progress,
            quarantine=quarantine,
            restore_id=claim.restore_id,
            clock=self._clock,
            calls=self._calls,
            replayed=self._replayed,
            quarantine_in_use=progress.quarantined == claim.restore_id
            or self._replayed.settled.quarantined > 0,
        ).run()

    def _writer(self, claim: Claim, write_rate: UnitRate) -> TargetWriter:
        options = self._options
        return TargetWriter(
            self._clients,
            options.source,
            claim.target,
            self._clock,
            self._calls,
            write_rate=write_rate,
            read_rate=UnitRate(options.read_units_per_second, self._clock),
            images=ImageStore(self._clients, options.failure_bucket, options.image_prefix),
        )

    def _set_aside(self, delivery: Delivery, reason: str) -> str | None:
        """Copy a message that is no bundle to the FIFO DLQ with the reason; why not, where that failed."""
        try:
            self._clients.sqs.send_message(
                QueueUrl=self._options.dead_letter_queue_url,
                MessageBody=delivery.body,
                MessageGroupId=delivery.group,
                MessageDeduplicationId=delivery.message_id,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:2000]}},
            )
        except AwsError as error:
            return explain(error)
        return None

    def _read_state(self, mine: Sequence[Delivery]) -> tuple[Claim | None, Progress]:
        """The claim and the progress of these messages' groups, consistently."""
        groups = {int(delivery.group) for delivery in mine if delivery.group.isdecimal()}
        claim_key = self._claims.key
        table = self._options.restore_table
        asked: Any = {
            table: {
                "Keys": [claim_key, *self._progress.keys(Side.REPLAYED, groups)],
                "ConsistentRead": True,
            }
        }
        found: list[Mapping[str, Any]] = []
        attempt = 0
        while asked:
            answer = self._clients.dynamodb.batch_get_item(RequestItems=asked)
            found += answer.get("Responses", {}).get(table, [])
            asked = answer.get("UnprocessedKeys", {})
            attempt += 1
            if asked and not self._clock.pause(_READ_BACKOFF.delay(attempt, self._clock.rng)):
                self._replayed.fail("BatchGetItem: the claim was left unprocessed")
                return None, progress_of([])
        claims = [item for item in found if item["sk"] == claim_key["sk"]]
        progress = progress_of(item for item in found if item["sk"] != claim_key["sk"])
        return (claim_of(claims[0]) if claims else None), progress

    def _not_repeated(self, mine: Sequence[Delivery], progress: Progress) -> list[Message]:
        """The messages that are not dealt with yet, and where each is to be taken up.

        SQS deletes each message on its own: where it lost one deletion and kept those after it, the message
        comes back alone, and its images are older than what the target has.
        """
        messages = []
        for delivery in mine:
            group = int(delivery.group) if delivery.group.isdecimal() else -1
            position, partial = progress.positions.get(group), progress.partial.get(group)
            if position is not None and delivery.sequence <= position.sequence:
                self._replayed.repeated += 1
                self._replayed.finished.add(delivery.message_id)
                continue
            start = partial.done if partial is not None and partial.sequence == delivery.sequence else 0
            messages.append(Message(delivery, start=start, done=start))
        return messages

    def _let_come_back(self, ours: Collection[str]) -> None:
        """Name what is left, and hide it for a pause that is the same for all messages of a group."""
        pauses: dict[Delivery, int] = {}
        of_group: dict[str, int] = {}
        for delivery in self._deliveries:
            if delivery.message_id in self._replayed.finished:
                continue
            self._replayed.retry.append(delivery.message_id)
            pause = pause_seconds(delivery.receives, working=not self._replayed.failed)
            pause = of_group.setdefault(delivery.group, pause)
            if delivery.message_id in ours:
                pauses[delivery] = pause
        if pauses and (problem := let_come_back(self._clients, self._options.buffer_url, pauses)):
            self._replayed.problem = self._replayed.problem or problem
