"""Capture: a batch of stream records becomes bundles in the FIFO buffer.

The first difficulty is order. One call to SQS carries at most one bundle of a group, so that an entry that fails cannot be
overtaken by a later one of its group; a group that failed sends no more; and the stream is told to deliver again
from the first record that was not sent.

The second difficulty is sends that take effect late. A call that timed out, or was answered by a passing error, may be carried
out later, and would put old images behind newer ones. So there are no SDK retries here, and three rules:

- An invocation sends an entry again under the same deduplication id. Once one try is accepted, SQS drops the others
  for five minutes
  (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html).
- Each bundle says when it was packed. Replay uses only the keys of a message that SQS took more than `LATE_SECONDS`
  (60) after that, so such a message writes what the source has and undoes nothing. No try begins more than
  `_SEND_SECONDS` (30) after packing, and the client gives one up after `CALL_SECONDS` (12): a message that arrives in
  time is taken within 42 seconds, and clocks may differ by 18.
- Where no try of an entry was accepted and one may have been taken, the function does not answer before
  `_DOUBT_SECONDS` (65) after packing. Only then does the stream deliver these records again, and what follows them;
  whatever is taken of the old tries from then on is late.

An invocation that is killed meanwhile cannot wait. What SQS takes of it within 60 seconds after packing, but behind a
later change of the same item, is replayed as if it were new: docs/guarantees.md says so.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.bundle import LATE_SECONDS, Bundle, Entry, pack
from dynamodb_restore.changes.change import (
    Attributes,
    Change,
    Kind,
    MalformedChangeError,
    change_of,
    is_expiry,
    sequence_of,
)
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import Position

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef, SendMessageBatchResultTypeDef

_ENTRIES_PER_CALL = 10
_BYTES_PER_CALL = 1_048_576
"""SendMessageBatch: ten entries, 1 MiB together
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html)."""

_SENDS = 4
_BACKOFF = Backoff(base_seconds=0.1, rate=3, cap_seconds=2, jitter=0.5)
"""Tries of one entry within an invocation; after them the stream delivers the records again."""

_SEND_SECONDS = 30
_DOUBT_SECONDS = LATE_SECONDS + 5
"""After packing: see the head of this module. The 5 are for clocks that differ."""

_STORE_SECONDS = 20
"""How long an invocation begins to store images. The rest of its records comes again; a PutObject with all its SDK
retries, the sends and the wait for what is in doubt have to fit into the function's timeout as well."""


Discard = Callable[[Mapping[str, Any], str], bool]
"""Puts a stream record that tells no key where cutover counts what was given up, with the reason; False where that failed."""


@dataclass(frozen=True)
class CaptureOptions:
    """How a pipeline captures.

    Attributes:
        group_count: FIFO message groups; never changed while changes are buffered.
        byte_limit: longest message body, bytes.
        keep_expiries: whether deletes by time to live are captured.
        ttl_attribute: where items have their time to live; None where that is not known.
    """

    buffer_url: str
    group_count: int
    byte_limit: int
    keep_expiries: bool
    ttl_attribute: str | None = None


@dataclass
class Captured:
    """The result of one batch.

    Attributes:
        positions: group to the SQS sequence number of its last accepted bundle.
        sent: changes in accepted bundles.
        skipped: records left out by choice.
        discarded: records that tell no key, and are in the failure bucket now.
        images_not_stored: changes that travel as their keys, because their images could be put nowhere.
        through: epoch seconds of the latest change that was sent; None where none was.
        since: epoch seconds of the earliest change in the batch; None for an empty batch.
        done: how many records from the first on need not come again.
        retry_from: sequence number of the first record that was not sent; None where all were.
        retry_key: the key of its item; None where there is none, or it could not be read.
        problem: why it was not, or why an image was not stored.
        answer_at: epoch seconds before which the function must not answer; None where it need not wait.
    """

    positions: dict[int, int] = field(default_factory=dict)
    sent: int = 0
    skipped: int = 0
    discarded: int = 0
    images_not_stored: int = 0
    through: int | None = None
    since: int | None = None
    done: int = 0
    retry_from: str | None = None
    retry_key: Attributes | None = None
    problem: str | None = None
    answer_at: float | None = None

    @property
    def reached(self) -> dict[int, Position]:
        """How far each group was captured, as `ProgressStore.advance` takes it."""
        return {group: Position(sequence, self.through or 0) for group, sequence in self.positions.items()}


def capture(
    records: Sequence[Mapping[str, Any]],
    options: CaptureOptions,
    clients: Clients,
    *,
    images: FailureBucket | None,
    discard: Discard,
    nonce: str,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    rng: random.Random,
) -> Captured:
    """Send a batch of stream records to the buffer.

    Args:
        images: where images go that are too large for a message; None for nowhere: those travel as their keys.
        nonce: differs between invocations. It is part of every deduplication id, because a batch may be
            delivered again in other portions: SQS would then drop a bundle that it has seen minutes ago,
            although an older change of the same item has been sent once more in between.
        now: epoch seconds.
    """
    captured = Captured()
    began = now()
    storing = _Storing(images, options.byte_limit, now, until=began + _STORE_SECONDS)
    entries, unsent = _entries(records, options, storing, discard, int(began), captured)
    captured.images_not_stored = storing.not_stored
    captured.problem = captured.problem or storing.refusal
    sent_at = now()
    groups = pack(entries, group_count=options.group_count, byte_limit=options.byte_limit, sent_at=sent_at)
    queues = {group: deque(bundles) for group, bundles in groups.items()}
    sender = _Sender(clients, options.buffer_url, nonce, sent_at, now, sleep, rng)
    while queues:
        heads = [bundles[0] for bundles in queues.values()]
        for call in _calls(heads):
            sent = sender.send(call)
            captured.problem = sent.problem or captured.problem
            if sent.in_doubt:
                captured.answer_at = sent_at + _DOUBT_SECONDS
            for bundle in call:
                queue = queues[bundle.group]
                if bundle.group in sent.accepted:
                    queue.popleft()
                    captured.positions[bundle.group] = sent.accepted[bundle.group]
                    captured.sent += bundle.count
                    captured.through = max(captured.through or 0, bundle.last_time)
                else:
                    unsent = min(unsent, bundle.first)
                    queue.clear()
                if not queue:
                    del queues[bundle.group]
    captured.done = unsent
    if unsent < len(records):
        # Lambda resumes a stream at a sequence number; where a record has none, an empty one makes it deliver
        # the whole batch again (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
        captured.retry_from = sequence_of(records[unsent])
        captured.retry_key = _key_of(records[unsent])
    return captured


def _key_of(record: Mapping[str, Any]) -> Attributes | None:
    try:
        return change_of(record, 0).key
    except MalformedChangeError:
        return None


class _NotNowError(Exception):
    """A record cannot be processed in this invocation; the text says why."""


def _entries(
    records: Sequence[Mapping[str, Any]],
    options: CaptureOptions,
    storing: _Storing,
    discard: Discard,
    captured_at: int,
    captured: Captured,
) -> tuple[list[Entry], int]:
    """The entries of the records before the first that has to come again, and that record's position.

    A record without a key would block its shard until the stream drops it, and its change would then be lost. It is stored
    in the failure bucket, and cutover refuses, as for all records that capture gives up.
    """
    entries: list[Entry] = []
    for position, record in enumerate(records):
        try:
            change = change_of(record, captured_at)
            if not options.keep_expiries and is_expiry(record, options.ttl_attribute):
                captured.skipped += 1
                continue
            entry = storing.small(_entry_of(position, change))
        except MalformedChangeError as error:
            if not discard(record, str(error)):
                captured.problem = f"a record could not be understood nor discarded: {error}"
                return entries, position
            captured.discarded += 1
            continue
        except _NotNowError as error:
            captured.problem = str(error)
            return entries, position
        entries.append(entry)
        captured.since = min(captured.since or change.time, change.time)
    return entries, len(records)


def _entry_of(position: int, change: Change) -> Entry:
    """The entry of a change; of one whose image cannot travel, its key alone: replay reads the item from the source.

    Raises:
        MalformedChangeError: its key cannot travel either.
    """
    try:
        return Entry.of(position, change)
    except MalformedChangeError:
        return Entry.of(position, change.without_image())


@dataclass
class _Storing:
    """Brings images that are too large for a message into the failure bucket.

    Attributes:
        until: epoch seconds at which no more PutObject may begin, but for the first: the next invocation would come no
            further.
        not_stored: changes that travel as their keys instead.
        refusal: why the bucket takes no image, for good; None where it does.
    """

    images: FailureBucket | None
    byte_limit: int
    now: Callable[[], float]
    until: float
    stored: int = 0
    not_stored: int = 0
    refusal: str | None = None

    def small(self, entry: Entry) -> Entry:
        """The entry in a form that fits a message.

        Raises:
            _NotNowError: its image could not be stored, but can be later.
        """
        change = entry.change
        if change.kind is not Kind.PUT or entry.fits(self.byte_limit):
            return entry
        # Without its sequence number an image has no name of its own.
        if self.images is None or not change.sequence or self.refusal is not None:
            return self._as_its_key(entry)
        if self.stored and self.now() >= self.until:
            raise _NotNowError("this invocation has no time left to store more images")
        try:
            stored = self.images.put_image(change)
        except AwsError as error:
            if classify(error) is ErrorClass.RETRY:
                raise _NotNowError(explain(error)) from error
            self.refusal = explain(error)
            return self._as_its_key(entry)
        self.stored += 1
        return Entry.of(entry.position, stored)

    def _as_its_key(self, entry: Entry) -> Entry:
        self.not_stored += 1
        return Entry.of(entry.position, entry.change.without_image())


def _calls(bundles: Sequence[Bundle]) -> Iterator[list[Bundle]]:
    """Cut bundles of different groups into calls that SQS takes."""
    call: list[Bundle] = []
    size = 0
    for bundle in bundles:
        if call and (len(call) == _ENTRIES_PER_CALL or size + len(bundle.body) > _BYTES_PER_CALL):
            yield call
            call, size = [], 0
        call.append(bundle)
        size += len(bundle.body)
    if call:
        yield call


@dataclass
class _Sent:
    """The result of one call.

    Attributes:
        accepted: group to the SQS sequence number of its bundle.
        problem: why the other bundles were not accepted; None where all were.
        in_doubt: whether SQS may have taken one of those, or may take it yet.
    """

    accepted: dict[int, int] = field(default_factory=dict)
    problem: str | None = None
    in_doubt: bool = False


@dataclass(frozen=True)
class _Sender:
    """Sends the bundles of one invocation, which were all packed at `sent_at`."""

    clients: Clients
    buffer_url: str
    nonce: str
    sent_at: float
    now: Callable[[], float]
    sleep: Callable[[float], None]
    rng: random.Random

    def send(self, call: Sequence[Bundle]) -> _Sent:
        """Send one bundle of each of several groups."""
        waiting = {str(bundle.group): bundle for bundle in call}
        sent = _Sent()
        for attempt in range(1, _SENDS + 1):
            if self.now() > self.sent_at + _SEND_SECONDS:
                sent.problem = sent.problem or "SendMessageBatch: this invocation has no time left for more"
                return sent
            entries = [_request(bundle, self.nonce) for bundle in waiting.values()]
            try:
                answer = self.clients.sqs_once.send_message_batch(QueueUrl=self.buffer_url, Entries=entries)
            except AwsError as error:
                sent.problem = explain(error)
                if classify(error) is not ErrorClass.RETRY:
                    return sent
            else:
                for success in answer.get("Successful", []):
                    del waiting[success["Id"]]
                    sent.accepted[int(success["Id"])] = int(success["SequenceNumber"])
                if not waiting:
                    return _Sent(sent.accepted)
                sent.problem = _first_failure(answer)
            sent.in_doubt = True
            if attempt < _SENDS:
                self.sleep(_BACKOFF.delay(attempt, self.rng))
        return sent


def _request(bundle: Bundle, nonce: str) -> SendMessageBatchRequestEntryTypeDef:
    return {
        "Id": str(bundle.group),
        "MessageBody": bundle.body,
        "MessageGroupId": str(bundle.group),
        "MessageDeduplicationId": hashlib.sha256(
            f"{nonce}/{bundle.first}/{bundle.body}".encode()
        ).hexdigest(),
    }


def _first_failure(answer: SendMessageBatchResultTypeDef) -> str:
    failures = answer.get("Failed", [])
    if not failures:
        return "SendMessageBatch: entries neither successful nor failed"
    return f"SendMessageBatch: {failures[0].get('Code')}: {failures[0].get('Message')}"
