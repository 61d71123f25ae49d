"""One invocation of capture: records go into the buffer, and the progress is stored.

What happens if a step takes effect late, twice, or not at all because the function ends:

- send: a change that is sent twice is replayed twice, in order (`changes.capture`).
- note how far each group was captured: the stream delivers the batch again, and that notes it.
- mark the record that could not be sent: the next invocation that fails at it does so.
- clear the marks of records that are through: a mark that stands too long refuses a cutover, until it expires.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.aws import AwsError, Clients, explain
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import sequence_of
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import ProgressStore, Side
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.pipeline.registration import read_registration


@dataclass(frozen=True)
class CapturePlace:
    """Which pipeline an invocation captures for.

    Attributes:
        image_prefix: of objects in the failure bucket that hold images, ending in a slash.
    """

    source_table: str
    restore_table_name: str
    buffer_id: str
    failure_bucket: str
    image_prefix: str
    options: CaptureOptions


@dataclass
class CaptureInvocation:
    """One invocation.

    Attributes:
        nonce: of this invocation alone: Lambda may repeat its request id when it delivers a batch again.
        now: epoch seconds.
        discarded: what was done with records that tell no key: the object that each went to, and why it was not understood.
        problems: what went wrong beside the sends, in words.
    """

    place: CapturePlace
    clients: Clients
    nonce: str
    now: Callable[[], float]
    sleep: Callable[[float], None]
    rng: random.Random
    discarded: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bucket = FailureBucket(self.clients, self.place.failure_bucket, self.place.image_prefix)

    def run(self, records: Sequence[Mapping[str, Any]]) -> Captured:
        """Send a batch of stream records to the buffer. It lasts until the stream may deliver them again.

        Raises:
            ClientError, BotoCoreError: what it came to could not be noted; the whole batch is delivered again.
        """
        captured = capture(
            records,
            self.place.options,
            self.clients,
            images=self._bucket,
            discard=self._discard,
            nonce=self.nonce,
            now=self.now,
            sleep=self.sleep,
            rng=self.rng,
        )
        try:
            self._note_progress(captured)
            self._note_where_it_is_stuck(records, captured)
        finally:
            # However the invocation ends, the stream delivers nothing again before that.
            if captured.answer_at is not None:
                self.sleep(max(0.0, captured.answer_at - self.now()))
        return captured

    def _note_progress(self, captured: Captured) -> None:
        if not captured.positions:
            return
        place = self.place
        progress = ProgressStore(self.clients, place.restore_table_name, place.source_table, place.buffer_id)
        progress.advance(Side.CAPTURED, captured.reached, changes=captured.sent, since=captured.since)

    def _note_where_it_is_stuck(self, records: Sequence[Mapping[str, Any]], captured: Captured) -> None:
        """Mark the record that has to come again, and clear the marks of those that are through.

        Nothing tells whether a record was delivered before, so the marks are read in each invocation: one consistent
        read. Where any of it fails, so does the invocation, and the whole batch is delivered again: the stream would
        resume behind a record that is through, and its mark would stand until it expires.

        Raises:
            ClientError, BotoCoreError: from the calls.
        """
        place = self.place
        stuck = StuckMarks(self.clients, place.restore_table_name, place.source_table, place.buffer_id)
        if captured.retry_from is not None:
            stuck.note(
                captured.retry_from,
                now=int(self.now()),
                reason=captured.problem or "",
                key=captured.retry_key,
            )
        through = {sequence_of(record) for record in records[: captured.done]}
        stuck.clear(sorted(stuck.read().keys() & through))

    def _discard(self, record: Mapping[str, Any], reason: str) -> bool:
        """Put a record that tells no key to those that Lambda gave up, which cutover looks for; False where that failed."""
        place = self.place
        try:
            registration = read_registration(self.clients, place.restore_table_name, place.source_table)
            if registration is None:
                # Terraform writes it last.
                self.problems.append(
                    f"a record that was not understood waits for the pipeline to be registered: {reason}"
                )
                return False
            key = self._bucket.discard(record, reason, registration.capture_mapping)
        except AwsError as error:
            self.problems.append(f"a record that was not understood could not be discarded: {explain(error)}")
            return False
        self.discarded[key] = reason
        return True
