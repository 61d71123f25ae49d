"""One pipeline on the engine: the real handlers, with stream and buffer delivering as Lambda and SQS do.

The stream delivers a shard in order, in batches cut anew each time, and again from where capture says. The buffer
is a FIFO queue with groups, locks and deduplication. Several replay batches of different groups are in flight at
once and end in any order. While there are faults, calls are throttled, answers are lost, functions die, and AWS
leaves parts of batches undone. No time is slept away.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3

from dynamodb_restore import aws
from dynamodb_restore.changes.progress import ProgressStore, Side, lagging_groups
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.window import Window
from dynamodb_restore.handlers import capture, replay
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from tests.aws.account import Account
from tests.aws.choices import RandomChoices
from tests.aws.clock import VirtualClock
from tests.aws.direct_door import DirectClient
from tests.aws.errors import ProcessDeath, client_error
from tests.aws.hazards import MIXED, NowAndThen
from tests.aws.lambda_runtime import Context, Delivery, QueuePoller
from tests.aws.wire import Wire
from tests.reference.tables import (
    Schema,
    StreamReader,
    View,
    Writer,
    contents,
    copy,
    create_table,
    differences,
)

if TYPE_CHECKING:
    import pytest
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

RESTORE_ID = "restore-1"
_FAILURES = "failures"

_VISIBILITY_SECONDS = 180.0
_LARGEST_BATCH = 1000
_LARGEST_EVENT = 6 * 1024 * 1024
"""Of a synchronous invocation (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

_MOST_IN_FLIGHT = 3


@dataclass
class EngineFaults:
    """Calls to the engine that go wrong before or after their effect, or are half done.

    Attributes:
        rate: share of the calls.
        seen: how many there were, by kind.
    """

    rng: random.Random
    rate: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    def attach(self, dynamodb: DynamoDBClient) -> None:
        events = dynamodb.meta.events
        events.register("before-call.dynamodb", self._before)
        events.register("after-call.dynamodb", self._after)
        events.register("provide-client-params.dynamodb.BatchWriteItem", self._hold_back_writes)
        events.register("provide-client-params.dynamodb.BatchGetItem", self._hold_back_reads)

    def _happens(self, kind: str, share: float) -> bool:
        happens = self.rng.random() < self.rate * share
        self.seen[kind] += happens
        return happens

    def _before(self, model: Any, **_: Any) -> None:
        if self._happens("throttle", 1):
            raise client_error(model.name, "ProvisionedThroughputExceededException", "slow down")
        if self._happens("death before", 0.2):
            raise ProcessDeath

    def _after(self, http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        if http_response.status_code != 200:
            return
        self.seen["keys left by the engine itself"] += bool(parsed.get("UnprocessedKeys"))
        if self._happens("lost answer", 0.3):
            raise client_error(model.name, "InternalServerError", "the answer was lost", status=500)
        if self._happens("death after", 0.2):
            raise ProcessDeath
        for name in ("UnprocessedItems", "UnprocessedKeys"):
            if name in context:
                assert not parsed[name]
                parsed[name] = context[name]

    def _hold_back_writes(self, params: Any, context: Any, **_: Any) -> Any:
        ((table, requests),) = params["RequestItems"].items()
        kept, left = self._split("unprocessed items", requests)
        if left:
            context["UnprocessedItems"] = {table: left}
        return {"RequestItems": {table: kept}}

    def _hold_back_reads(self, params: Any, context: Any, **_: Any) -> Any:
        ((table, request),) = params["RequestItems"].items()
        kept, left = self._split("unprocessed keys", request["Keys"])
        if left:
            context["UnprocessedKeys"] = {table: {**request, "Keys": left}}
        return {"RequestItems": {table: {**request, "Keys": kept}}}

    def _split(self, kind: str, requests: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """What is sent, which cannot be nothing, and what is left undone."""
        shuffled = list(requests)
        if len(shuffled) == 1 or not self._happens(kind, 2):
            return shuffled, []
        self.rng.shuffle(shuffled)
        kept = self.rng.randint(1, len(shuffled) - 1)
        return shuffled[:kept], shuffled[kept:]


@dataclass
class EngineClients:
    """What stands for `aws.Clients`."""

    dynamodb: DynamoDBClient
    sqs: DirectClient
    s3: DirectClient

    @property
    def sqs_once(self) -> DirectClient:
        return self.sqs

    @property
    def dynamodb_once(self) -> DynamoDBClient:
        return self.dynamodb


class Pipeline:
    """A source, a target and what is between them.

    Attributes:
        plain: a client without faults, for all that is not the functions.
        happened: what the functions' invocations came to, counted.
    """

    def __init__(
        self,
        name: str,
        schema: Schema,
        monkeypatch: pytest.MonkeyPatch,
        *,
        view: View,
        seed: int = 0,
        items: int = 300,
        group_count: int = 16,
        index: bool = False,
    ) -> None:
        self.rng = random.Random(seed)
        self.schema = schema
        self.source, self.target, self.restores = f"{name}-source", f"{name}-target", f"{name}-restores"
        self.plain = aws.Clients().dynamodb
        create_table(self.plain, self.source, schema, view=view)
        create_table(self.plain, self.target, schema, index=index)
        create_table(self.plain, self.restores, {"pk": "S", "sk": "S"})
        self.writer = Writer(self.plain, self.source, schema, self.rng, items)
        stream_arn = self.plain.describe_table(TableName=self.source)["Table"]["LatestStreamArn"]
        self.stream = StreamReader(boto3.client("dynamodbstreams"), stream_arn)
        self.faults = EngineFaults(self.rng)
        self._build_queues()
        sqs, s3 = (DirectClient(self.wire, service) for service in ("sqs", "s3"))
        functions = EngineClients(aws.Clients().dynamodb, sqs, s3)
        self.faults.attach(functions.dynamodb)
        self.records: list[dict[str, Any]] = []
        self.in_flight: list[Delivery] = []
        self.happened: Counter[str] = Counter()
        self._position = 0
        self._sizes: list[int] = []
        self._invocations = 0
        self._clients = cast("aws.Clients", EngineClients(self.plain, sqs, s3))
        _set_up_functions(self, functions, group_count, monkeypatch)

    def _build_queues(self) -> None:
        """The buffer, its DLQ and the failure bucket in memory, with faults of their own."""
        self.clock = VirtualClock(1_795_330_800.0)
        self.choices = RandomChoices(self.rng)
        account = Account(self.clock, self.choices)
        self.buffer = account.queues.make("buffer.fifo", visibility_seconds=_VISIBILITY_SECONDS)
        self.aside = account.queues.make("aside.fifo")
        account.objects.buckets[_FAILURES] = {}
        self.queue_faults = NowAndThen(self.rng, MIXED)
        self.wire = Wire(account, [self.queue_faults], latency=lambda: self.rng.uniform(0.001, 0.02))
        self._poller = QueuePoller(account, self.buffer.url)

    def _fault_rate(self, rate: float) -> None:
        self.faults.rate = self.queue_faults.rate = rate
        self.choices.unkind = rate > 0

    @property
    def progress(self) -> ProgressStore:
        return ProgressStore(self._clients, self.restores, self.source, "buffer-1")

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(self._clients, self.restores, RESTORE_ID)

    @property
    def claims(self) -> ClaimStore:
        return ClaimStore(self._clients, self.restores, self.source)

    def claim(self, *, since: float | None = None) -> Claim:
        """Own the pipeline and replay what changed from `since` on, or from now."""
        moment = time.time() if since is None else since
        # The engine tells a change's time in whole minutes.
        window = Window(int(moment) // 60 * 60)
        claim = Claim(RESTORE_ID, self.target, ClaimState.REPLAYING, datetime.now(UTC), window)
        return self.claims.take(claim)

    def restore(self) -> None:
        """Bring the target to the source's present state, and own the pipeline from here on."""
        self.claim()
        copy(self.plain, self.source, self.target)

    def live(self, changes: int, *, fault_rate: float) -> None:
        """Write the source while all else runs, in any order."""
        self._fault_rate(fault_rate)
        while self.writer.changes < changes:
            actor = self.rng.choice(
                [self._write, self.capture_once, self.receive, self.receive, self.replay_once]
            )
            actor()
            # Messages that replay wants back come back meanwhile.
            self.clock.sleep(1.0)

    def drain(self) -> None:
        """Let everything arrive, without further faults."""
        self._fault_rate(0.0)
        self._read_stream()
        while self._position < len(self.records):
            self.capture_once()
        while self.buffer.messages:
            self.receive()
            if not self.in_flight:
                self.clock.sleep(_VISIBILITY_SECONDS)
            self.replay_once()
        progress = self.progress
        assert lagging_groups(progress.read(Side.CAPTURED), progress.read(Side.REPLAYED)) == set()

    def differences(self, *, but: Sequence[str] = ()) -> list[str]:
        """The keys of items that are not the same in source and target."""
        return differences(self.contents(self.source), self.contents(self.target), but=but)

    def contents(self, table: str) -> dict[str, dict[str, Any]]:
        return contents(self.plain, table, self.schema)

    def _write(self) -> None:
        self.writer.write(self.rng.randint(10, 80))

    def capture_once(self, most: int | None = None) -> None:
        """Deliver one batch of the stream, of any size or of `most` records; go on from where capture says."""
        self._read_stream()
        batch = self._next_batch(most or self.rng.choice([1, 10, 100, _LARGEST_BATCH]))
        if not batch:
            return
        try:
            with self.wire.invocation():
                answer = capture.handler({"Records": batch}, self._context())
        except (ProcessDeath, *aws.AwsError):
            self.happened["capture failed"] += 1
            return
        failures = answer["batchItemFailures"]
        if not failures:
            self._position += len(batch)
            return
        self.happened["capture cut short"] += 1
        sequences = [record["dynamodb"]["SequenceNumber"] for record in batch]
        self._position += sequences.index(failures[0]["itemIdentifier"])

    def _read_stream(self) -> None:
        new = self.stream.read()
        self.records += new
        self._sizes += [len(json.dumps(record)) for record in new]

    def _next_batch(self, most: int) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        size = 0
        for position in range(self._position, min(self._position + most, len(self.records))):
            size += self._sizes[position]
            if batch and size > _LARGEST_EVENT:
                break
            batch.append(self.records[position])
        return batch

    def receive(self) -> None:
        """Put one more batch of messages in flight; their groups are locked until it ends."""
        if len(self.in_flight) < _MOST_IN_FLIGHT and (delivery := self._poller.receive()):
            self.in_flight.append(delivery)

    def replay_once(self) -> None:
        """Let one of the batches in flight be replayed; delete what replay does not want back."""
        if not self.in_flight:
            return
        delivery = self.in_flight.pop(self.rng.randrange(len(self.in_flight)))
        answer: dict[str, Any] | None = None
        try:
            with self.wire.invocation():
                answer = replay.handler({"Records": list(delivery.records)}, self._context())
        except (ProcessDeath, *aws.AwsError):
            self.happened["replay failed"] += 1
            again = set(delivery.ids)
        else:
            again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            self.happened["replay cut short"] += bool(again)
        self._poller.finish(delivery, again)
        if answer is None:
            # The visibility timeout of a function that failed, cut short: its other turns go by faster here.
            for message_id in again & self.buffer.messages.keys():
                self.buffer.messages[message_id].visible_at = self.clock.now

    def _context(self) -> LambdaContext:
        self._invocations += 1
        # A few milliseconds more than replay keeps for its answer: not all of its writes begin in time.
        seconds = 5.02 if self.rng.random() < 4 * self.faults.rate else 60.0
        request_id = f"request-{self._invocations}"
        told = Context("dynamodb-restore-orders", self.clock, seconds, aws_request_id=request_id)
        return cast("LambdaContext", told)


def _set_up_functions(
    pipeline: Pipeline, clients: EngineClients, group_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions' environment and clients, and their time, in which sleeping takes none."""
    environment = {
        "SOURCE_TABLE_NAME": pipeline.source,
        "RESTORE_TABLE_NAME": pipeline.restores,
        "BUFFER_URL": pipeline.buffer.url,
        "BUFFER_DEAD_LETTER_URL": pipeline.aside.url,
        "BUFFER_ID": "buffer-1",
        "GROUP_COUNT": str(group_count),
        "BYTE_LIMIT": "262144",
        "KEEP_EXPIRIES": "true",
        "TTL_ATTRIBUTE": "",
        "FAILURE_BUCKET": _FAILURES,
        "IMAGE_PREFIX": "images/orders/",
        "WRITE_UNITS_PER_SECOND": "",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "clients", lambda: clients)
    sleepless = SimpleNamespace(
        monotonic=time.monotonic, sleep=lambda _: None, time=lambda: pipeline.clock.now
    )
    for handlers in (capture, replay):
        monkeypatch.setattr(handlers, "time", sleepless)
