"""What there is in a world: the source with its stream, the target, and the pipeline as Terraform makes it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dynamodb_restore.aws import CALL_SECONDS
from dynamodb_restore.pipeline.claim import Claim, claim_of
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.registration import CaptureMode, Registration
from dynamodb_restore.store import pipeline_partition
from tests.aws.account import Account
from tests.aws.attributes import Item
from tests.aws.choices import RandomChoices
from tests.aws.clock import VirtualClock
from tests.aws.direct_door import DirectClients
from tests.aws.hazards import MIXED, Attempt, Fault, Mode, NowAndThen, Storm
from tests.aws.lambda_runtime import QueuePoller, StreamPoller, given_up
from tests.aws.names import function_arn, queue_arn, queue_url
from tests.aws.streams import Record, Stream
from tests.aws.wire import Wire
from tests.simulation.plan import COUNTS_LAG_SECONDS, REFUSED, RESTORE_ID, Plan

START = 1_795_330_800.0
"""2026-11-22T07:00:00Z."""

REPLAY_SECONDS = 60.0
"""The timeout of replay."""

BUFFER = queue_url("buffer.fifo")
ASIDE = queue_url("aside.fifo")
FAILURES = "failures"
IMAGES = "images/"
RESTORES = "restores"

_WRITES = frozenset({"BatchWriteItem", "PutItem", "DeleteItem"})


class Estate:
    """The account of one world, on virtual time.

    Attributes:
        census: how often each hazard came about.
        streams: all that the source ever had.
        lost: codes of the obstacles that tell of something that nothing brings back.
    """

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self.plan = plan
        self.rng = rng
        self.census: Counter[str] = Counter()
        self.lost: set[str] = set()
        self.clock = VirtualClock(START)
        self.choices = RandomChoices(
            rng, loses_answers=plan.loses_answers, loses_deletions=plan.loses_deletions
        )
        self.account = Account(self.clock, self.choices)
        self.faults = NowAndThen(rng, _modes(plan))
        self.storm = Storm(self.clock, rng)
        self.late_share = 0.0
        self.wire = Wire(
            self.account,
            hazards=[self.storm, self._late, self.faults],
            latency=lambda: rng.uniform(0.001, 0.02),
            timeout_seconds=CALL_SECONDS,
        )
        self.clients = DirectClients(self.wire)
        self._make_tables()
        self._make_queues()
        self.streams: list[Stream] = []
        # Older than what a stream keeps: it reaches back as far as any can.
        self._make_stream("2026-11-01T00:00:00.000")
        self._make_mappings()

    # What Terraform and DynamoDB make

    def _make_tables(self) -> None:
        items = self.account.items
        items.page_size = 10
        self.source = items.make("source", pk="B", sk="N")
        self.target = items.make("target", indexed={REFUSED: "S"}, pk="B", sk="N")
        self.target.log = []
        self.restores = items.make(RESTORES, pk="S", sk="S")
        self._described = self.account.tables.make("source", self.now(), on_demand=True)
        self.account.tables.make("target", self.now(), on_demand=True).description["TableId"] = RESTORE_ID

    def _make_queues(self) -> None:
        queues = self.account.queues
        queues.make("aside.fifo")
        self.buffer = queues.make(
            "buffer.fifo",
            visibility_seconds=6 * REPLAY_SECONDS,
            counts_lag_seconds=COUNTS_LAG_SECONDS,
            max_receives=self.plan.most_receives,
            dead_letters=ASIDE,
        )
        self.aside = queues.queues[ASIDE]
        self.account.objects.buckets[FAILURES] = {}
        self.replay_poller = QueuePoller(self.account, BUFFER)

    def _make_stream(self, label: str | None) -> None:
        self.account.streams.label = label
        self.account.streams.times_off_by = self.plan.clock_error
        self.stream = self.account.streams.switch_on("source", self.plan.view)
        self.streams.append(self.stream)
        self._described.description |= {
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": self.plan.view},
            "LatestStreamArn": self.stream.arn,
        }

    def _make_mappings(self) -> None:
        mappings = self.account.mappings
        mappings.looks_to_switch = 0
        self.replay_mapping = mappings.put(
            queue_arn("buffer.fifo"), function_arn("replay"), State="Disabled", LastProcessingResult="OK"
        )
        self._make_capture_mapping()
        self.registration = Registration(
            source="source",
            mode=CaptureMode.ON_RESTORE,
            capture_mapping=self.capture_mapping,
            replay_mapping=self.replay_mapping,
            buffer_url=BUFFER,
            buffer_dead_letter_url=ASIDE,
            buffer_id="buffer-1",
            target_patterns=("*",),
            failure_bucket=FAILURES,
            image_prefix=IMAGES,
            capture_function=function_arn("capture"),
            replay_function=function_arn("replay"),
            upkeep_function=function_arn("upkeep"),
            stream_arn=self.stream.arn,
            stream_has_new_images=self.plan.has_images,
            filters=(),
            batching_window_seconds=self.plan.batching_window,
            replay_timeout_seconds=int(REPLAY_SECONDS),
        )
        # Mappings that were made long ago.
        mappings.seconds_to_switch = self.plan.switching
        mappings.pause_seconds = self.plan.pause

    def _make_capture_mapping(self) -> None:
        mapping = self.account.mappings.put(
            self.stream.arn,
            function_arn("capture"),
            State="Disabled",
            LastProcessingResult="No records processed",
            MaximumBatchingWindowInSeconds=self.plan.batching_window,
        )
        self.capture_mapping = mapping

        def keep(records: Sequence[dict[str, Any]]) -> None:
            self.census["batches that Lambda gave up"] += 1
            name = f"aws/lambda/{mapping}/{self.census['batches that Lambda gave up']}"
            content = given_up(records, self.stream.arn)
            self.account.objects.put(FAILURES, name, self.clock.now, content)

        self.capture_poller = StreamPoller(
            self.account,
            self.stream,
            mapping,
            window_seconds=self.plan.batching_window,
            give_up_seconds=self.plan.record_age,
            failures=keep,
        )

    # What happens to it

    def replace_stream(self) -> None:
        """Somebody switches the source's stream off and on."""
        self.account.streams.switch_off("source")
        self._make_stream(None)
        self.census["streams replaced"] += 1
        self.lost.add("gap")

    def apply(self) -> None:
        """`terraform apply`, once the stream was replaced: a new mapping, disabled, and the registration after it."""
        self._make_capture_mapping()
        self.registration = replace(
            self.registration, capture_mapping=self.capture_mapping, stream_arn=self.stream.arn
        )

    def calm(self) -> None:
        """Nothing goes wrong any more. What is on its way stays so."""
        self.faults.rate = self.storm.until = self.late_share = 0.0
        self.choices.unkind = False

    # What is asked of it

    def now(self) -> datetime:
        return self.clock.instant()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline, opened now."""
        return Pipeline(self.clients, RESTORES, self.registration, self.now)

    def claim(self) -> Claim | None:
        """The claim as it is, without a call that could go wrong."""
        key = {"pk": {"S": pipeline_partition("source")}, "sk": {"S": "claim"}}
        item = self.account.answer("GetItem", {"TableName": RESTORES, "Key": key, "ConsistentRead": True})
        return claim_of(item["Item"]) if "Item" in item else None

    def is_polling(self, mapping: str) -> bool:
        return self.account.mappings.is_polling(mapping)

    def history(self) -> list[Record]:
        """All changes of the source, in their order."""
        records = (record for stream in self.streams for record in stream.records())
        return sorted(records, key=lambda record: record.sequence)

    def at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)

    def key_of(self, item: Item) -> str:
        return self.source.schema.key_of(item)

    def _late(self, attempt: Attempt) -> Fault | None:
        """Requests that stall, and take effect within the fifteen minutes in which AWS takes them."""
        if not self.late_share or self.rng.random() >= self.late_share:
            return None
        if attempt.call.operation == "SendMessageBatch":
            self.census["sends that landed late"] += 1
            return Fault(Mode.LATE, lands_after=self._late_send())
        if attempt.call.operation in _WRITES and attempt.call.resource == "target":
            self.census["writes that landed late"] += 1
            return Fault(Mode.LATE, lands_after=self.rng.uniform(0, 900))
        return None

    def _late_send(self) -> float:
        """What docs/guarantees.md leaves out: a send of a capture that was killed, which lands within a minute."""
        if self.plan.dies and self.rng.random() < 0.5:
            return self.rng.uniform(0, CALL_SECONDS)
        return self.rng.uniform(66 if self.plan.dies else 0, 900)


def _modes(plan: Plan) -> list[Mode]:
    modes = list(MIXED)
    if not plan.loses_answers:
        modes = [Mode.TOKEN_NOT_VALID if mode is Mode.ANSWER_LOST else mode for mode in modes]
    if not plan.dies:
        modes = [Mode.THROTTLED if mode.is_death else mode for mode in modes]
    return modes
