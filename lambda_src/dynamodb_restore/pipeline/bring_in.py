"""Bring in: put changes back into the buffer that were moved to the FIFO DLQ or given up to the failure bucket.

They are brought in as keys only. Later changes of the same items may be in the target already, and an image, or a
delete, from a message that comes late would undo them; of a key, replay reads what the source has now. So their order
does not matter, nor does bringing in the same change twice, and each part here may be interrupted and done again: a
message or an object is removed only once its changes are in the buffer and that is noted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, error_code, explain
from dynamodb_restore.changes.bundle import BundleError, decode
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import Change, MalformedChangeError, change_of
from dynamodb_restore.changes.progress import Side
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.discarded import discarded_keys
from dynamodb_restore.pipeline.discarded_batch import DiscardedBatchError, read_discarded_batch
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.replaying import replaying_claim, require_present_images

_MESSAGES_PER_CALL = 10
"""ReceiveMessage (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)."""

_HIDDEN_SECONDS = 300
"""How long a message is hidden that is worked on: as long as the upkeep function may run. A FIFO queue refuses a receipt
handle after that (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html)."""

_MOST_UNREADABLE = 5
"""Shown in an answer."""

Send = Callable[[Sequence[Mapping[str, Any]]], Captured]
"""Captures stream records: puts their changes into the buffer."""


def sender(
    clients: Clients,
    options: CaptureOptions,
    *,
    nonce: Callable[[], str],
    now: Callable[[], float],
    sleep: Callable[[float], None],
    rng: random.Random,
) -> Send:
    """Sends by keys alone, as `capture` sends what comes from the stream.

    Args:
        nonce: a text that differs with each call.
        now: epoch seconds.
    """

    def send(records: Sequence[Mapping[str, Any]]) -> Captured:
        captured = capture(
            records,
            options,
            clients,
            images=None,
            # Bring in has read them; one that cannot be sent stays where it is.
            discard=lambda _record, _reason: False,
            nonce=nonce(),
            now=now,
            sleep=sleep,
            rng=rng,
        )
        if captured.answer_at is not None:
            sleep(max(0.0, captured.answer_at - now()))
        return captured

    return send


class NotSentError(Exception):
    """The buffer did not take all changes; the text says why."""


@dataclass
class BroughtIn:
    """What was brought in.

    Attributes:
        changes, objects, bundles: counts; the objects of the failure bucket, the bundles of the FIFO DLQ.
        unreadable: objects and messages that cannot be read and stay where they are, each with what is wrong with it.
        more: whether time ran out, or something failed, before all was looked at.
        problem: what failed.
    """

    changes: int = 0
    objects: int = 0
    bundles: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    more: bool = False
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"brought_in": changes, "objects", "bundles", "unreadable": [the first few], "more_unreadable": count, "more"}`,
        and `next` where there is more."""
        shown = [f"{name}: {why}" for name, why in self.unreadable.items()][:_MOST_UNREADABLE]
        answer: dict[str, Any] = {
            "brought_in": self.changes,
            "objects": self.objects,
            "bundles": self.bundles,
            "unreadable": shown,
            "more_unreadable": len(self.unreadable) - len(shown),
            "more": self.more,
        }
        if self.problem is not None:
            answer["next"] = f"mend what failed, then bring_in again: {self.problem}"
        elif self.more:
            answer["next"] = "bring_in again"
        return answer


def bring_in(
    clients: Clients,
    pipeline: Pipeline,
    send: Send,
    *,
    enough_time: Callable[[], bool],
) -> BroughtIn:
    """Bring back what was set aside or given up, as far as time allows.

    Args:
        enough_time: whether more may be begun.

    Raises:
        NotReplayingError: no restore replays, or its window has an end.
    """
    claim = replaying_claim(pipeline)
    require_present_images(claim)
    return _BringIn(clients, pipeline, claim, send, enough_time).run()


@dataclass
class _BringIn:
    """One run.

    Attributes:
        held: receipt handles of messages that cannot be read, by message id: hidden until the end of a pass, so that
            the queue hands out others meanwhile.
    """

    clients: Clients
    pipeline: Pipeline
    claim: Claim
    send: Send
    enough_time: Callable[[], bool]
    brought: BroughtIn = field(default_factory=BroughtIn)
    held: dict[str, str] = field(default_factory=dict)

    def run(self) -> BroughtIn:
        try:
            self._bundles()
            self._objects()
        except (*AwsError, NotSentError) as error:
            self.brought.more = True
            self.brought.problem = explain(error) if isinstance(error, AwsError) else str(error)
        return self.brought

    def _bundles(self) -> None:
        """Empty the FIFO DLQ of what can be read.

        A message that cannot be read hides those behind it in its group, but for those received together with it. So
        after each pass that brought in something there is another.
        """
        while True:
            before = self.brought.bundles
            try:
                finished = self._pass()
            finally:
                self._show_again()
            if not finished:
                self.brought.more = True
                return
            if self.brought.bundles == before:
                return

    def _pass(self) -> bool:
        """Work on messages until none is handed out; False where time ran out before."""
        while self.enough_time():
            messages = self.clients.sqs.receive_message(
                QueueUrl=self.pipeline.registration.buffer_dead_letter_url,
                MaxNumberOfMessages=_MESSAGES_PER_CALL,
                VisibilityTimeout=_HIDDEN_SECONDS,
                # Asks all of SQS's servers, and not a sample of them
                # (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
                WaitTimeSeconds=1,
            ).get("Messages", [])
            if not messages:
                return True
            # All are noted first: where one fails, those after it are shown again as well.
            self.held |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
            for message in messages:
                self._bundle(message["MessageId"], message["Body"])
        return False

    def _bundle(self, message_id: str, body: str) -> None:
        try:
            changes = decode(body)
        except BundleError as error:
            self.brought.unreadable[f"message {message_id}"] = str(error)
            return
        sent = self._send([change for change in changes if self.claim.window.covers(change)])
        self.clients.sqs.delete_message(
            QueueUrl=self.pipeline.registration.buffer_dead_letter_url, ReceiptHandle=self.held[message_id]
        )
        del self.held[message_id]
        self.brought.bundles += 1
        self.brought.changes += sent

    def _show_again(self) -> None:
        """Make messages that were not brought in visible again; without this they become visible later."""
        for handle in self.held.values():
            try:
                self.clients.sqs.change_message_visibility(
                    QueueUrl=self.pipeline.registration.buffer_dead_letter_url,
                    ReceiptHandle=handle,
                    VisibilityTimeout=0,
                )
            except AwsError:
                continue
        self.held.clear()

    def _objects(self) -> None:
        """Empty the failure bucket of the batches with changes in the window.

        A batch of which no change is in the window is another restore's, and stays.
        """
        bucket = self.pipeline.registration.failure_bucket
        # Once: capture makes no more marks of what Lambda has given up.
        marks = self.pipeline.stuck.read().keys()
        for key in discarded_keys(self.clients, bucket, self.pipeline.capture.uuid, self.claim.window.start):
            if not self.enough_time():
                self.brought.more = True
                return
            try:
                batch = read_discarded_batch(self.clients, bucket, key)
                now = int(self.pipeline.now().timestamp())
                changes = [change_of(record, now) for record in batch.records]
            except (DiscardedBatchError, MalformedChangeError) as error:
                self.brought.unreadable[f"s3://{bucket}/{key}"] = str(error)
                continue
            except AwsError as error:
                if error_code(error) == "NoSuchKey":
                    # Brought in by another run meanwhile.
                    continue
                if classify(error) is ErrorClass.RETRY:
                    raise
                self.brought.unreadable[f"s3://{bucket}/{key}"] = explain(error)
                continue
            # Capture will never get them through. That they are given up is told by the object, as long as it lies there.
            self.pipeline.stuck.clear(sorted(marks & {change.sequence for change in changes}))
            covered = [change for change in changes if self.claim.window.covers(change)]
            if not covered:
                continue
            sent = self._send(covered)
            self.clients.s3.delete_object(Bucket=bucket, Key=key)
            self.brought.objects += 1
            self.brought.changes += sent

    def _send(self, changes: Sequence[Change]) -> int:
        """Put changes into the buffer by their keys, and note that; return how many."""
        # Another restore may own the pipeline by now, with a window that these changes were not chosen for.
        replaying_claim(self.pipeline, self.claim.restore_id)
        if not changes:
            return 0
        captured = self.send([_by_key_alone(change) for change in changes])
        if captured.positions:
            # Not `since`: the changes between these and the first that capture saw were not all captured.
            self.pipeline.progress_notes.advance(Side.CAPTURED, captured.reached, changes=captured.sent)
        if captured.retry_from is not None:
            raise NotSentError(captured.problem or "the buffer did not take all changes")
        return captured.sent


def _by_key_alone(change: Change) -> dict[str, Any]:
    """A stream record that tells which item changed, and not how."""
    time = {"ApproximateCreationDateTime": change.time} if change.time_known else {}
    return {
        "eventName": "MODIFY",
        "dynamodb": {"Keys": change.key, "SequenceNumber": change.sequence, **time},
    }
