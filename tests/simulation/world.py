"""A seeded world: a live table, its stream, capture, the buffer, replay, and a target that was restored from it.

Everything runs in one thread on virtual time, so a seed decides all. The functions are composed here as their
handlers compose them, and each may die at any call. Actors act between the calls of others: the table is written
while replay reads it, capture runs while replay does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dynamodb_restore.aws import AwsError
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.clock import Clock
from dynamodb_restore.changes.progress import ProgressStore, Side
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.registration import CaptureMode, Registration
from dynamodb_restore.pipeline.replay import ReplayOptions, replay_batch
from tests.aws.account import Account
from tests.aws.attributes import Item
from tests.aws.choices import RandomChoices
from tests.aws.clock import InlineExecutor, VirtualClock
from tests.aws.direct_door import DirectClients
from tests.aws.errors import ProcessDeath
from tests.aws.hazards import MIXED, Mode, NowAndThen, Storm, meanwhile
from tests.aws.lambda_runtime import QueuePoller, StreamPoller
from tests.aws.names import function_arn, queue_arn, queue_url
from tests.aws.streams import Shard
from tests.aws.wire import Wire
from tests.simulation.plan import COUNTS_LAG_SECONDS, REFUSED, RESTORE_ID, Plan
from tests.simulation.promises import BrokenPromiseError, Promises

START = 1_795_330_800.0
"""2026-11-22T07:00:00Z."""

_TIMEOUT_SECONDS = 30.0
_RESERVE_SECONDS = 5.0
_VISIBILITY_SECONDS = 6 * _TIMEOUT_SECONDS
_SETTLE_SECONDS = 10.0
_MOST_CALM_ROUNDS = 3_000

_BUFFER = queue_url("buffer.fifo")
_ASIDE = queue_url("aside.fifo")
_FAILURES = "failures"
_IMAGES = "images/"


class World:
    """One history, from before the restore to the drained buffer."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plan = Plan.draw(self.rng)
        self.clock = VirtualClock(START)
        self.choices = RandomChoices(
            self.rng, loses_answers=self.plan.loses_answers, loses_deletions=self.plan.loses_deletions
        )
        self.account = Account(self.clock, self.choices)
        modes = list(MIXED)
        if not self.plan.loses_answers:
            modes = [Mode.TOKEN_NOT_VALID if mode is Mode.ANSWER_LOST else mode for mode in MIXED]
        self.faults = NowAndThen(self.rng, modes)
        self.storm = Storm(self.clock, self.rng)
        self.wire = Wire(
            self.account,
            hazards=[meanwhile(self._meanwhile), self.storm, self.faults],
            latency=lambda: self.rng.uniform(0.001, 0.02),
        )
        self.clients = DirectClients(self.wire)
        self._build()
        self.progress = ProgressStore(self.clients, "restores", "source", "buffer-1")
        self.pipeline = Pipeline(self.clients, "restores", _registration(self), self._now)
        self.promises = Promises(self)
        self.snapshot: dict[str, Item] = {}
        self.window = Window(0)
        self.captured = 0
        self.handled = 0
        self.doubted = 0
        self.capture_exact = True
        self.replay_exact = True
        self.acting = 0
        self.calm = False
        self.noted: dict[int, int] = {}
        self._invocations = 0
        self._versions = 0

    def _build(self) -> None:
        """The source with its stream, the target, and the pipeline as Terraform makes it."""
        items = self.account.items
        items.page_size = 3
        self.source = items.make("source", pk="B", sk="N")
        self.target = items.make("target", indexed={REFUSED: "S"}, pk="B", sk="N")
        self.target.log = []
        items.make("restores", pk="S", sk="S")
        # Counts may be wrong for a while, or an answer may be lost: both at once is more than a look at the
        # buffer can see through.
        lag = 0.0 if self.plan.loses_answers else COUNTS_LAG_SECONDS
        self.buffer = self.account.queues.make(
            "buffer.fifo", visibility_seconds=_VISIBILITY_SECONDS, counts_lag_seconds=lag
        )
        self.account.queues.make("aside.fifo")
        self.account.objects.buckets[_FAILURES] = {}
        # Older than what a stream keeps: it reaches back as far as any can.
        self.account.streams.label = "2026-11-01T00:00:00.000"
        self.stream = self.account.streams.switch_on("source", self.plan.view)
        table = self.account.tables.make("source", self._now(), on_demand=True)
        table.description |= {
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": self.plan.view},
            "LatestStreamArn": self.stream.arn,
        }
        mappings = self.account.mappings
        mappings.looks_to_switch = 0
        self.capture_mapping, self.replay_mapping = (
            mappings.put(
                arn, function_arn(name), State="Disabled", LastProcessingResult="No records processed"
            )
            for arn, name in ((self.stream.arn, "capture"), (queue_arn("buffer.fifo"), "replay"))
        )
        self.capture_poller = StreamPoller(self.account, self.stream, self.capture_mapping)
        self.replay_poller = QueuePoller(self.account, _BUFFER)

    def run(self) -> None:
        """Live one history and check what was promised.

        Raises:
            BrokenPromiseError: a guarantee does not hold.
        """
        self._restore()
        self.faults.rate = self.plan.fault_rate
        self.choices.unkind = self.plan.fault_rate > 0
        starts_replay = self.rng.randint(0, self.plan.steps // 2)
        for step in range(self.plan.steps):
            if step == starts_replay:
                self._start_replay()
            self._act()
        self._claim_drained()
        self.faults.rate = self.storm.until = 0.0
        self.choices.unkind = False
        self.calm = True
        self._calm()
        self.promises.check()

    # The restore

    def _restore(self) -> None:
        for _ in range(self.rng.randint(0, 40)):
            self._write()
        restore_point = self.clock.now
        self.snapshot = dict(self.source.items)
        self.target.items = dict(self.source.items)
        for _ in range(self.rng.randint(0, 40)):
            self._write()
        point = RestorePoint(datetime.fromtimestamp(restore_point, UTC), of_backup=self.rng.random() < 0.5)
        claim = self.pipeline.begin(RESTORE_ID, "target", point)
        if claim is None or claim.gap_seconds:
            raise BrokenPromiseError(f"the pipeline was not claimed with full cover: {claim}")
        if self.plan.window_seconds is not None:
            start = int(restore_point)
            window = Window(start, start + self.plan.window_seconds)
            self.pipeline.claims.update(replace(claim, window=window, window_chosen=True))

    def _start_replay(self) -> None:
        replaying = self.pipeline.start_replay(self.claim(), None)
        if replaying is None:
            raise BrokenPromiseError("replay did not start")
        self.window = replaying.window

    def claim(self) -> Claim:
        """The claim of the restore."""
        claim = self.pipeline.claims.current()
        if claim is None:
            raise BrokenPromiseError("the claim is gone")
        return claim

    def _now(self) -> datetime:
        return self.clock.instant()

    # Actors

    def _act(self) -> None:
        actors: list[tuple[int, Callable[[], object]]] = [
            (40, self._write),
            (5, self._write_many),
            (2, self._storm),
            (20, self._capture_once),
            (20, self._replay_once),
            (6, lambda: self.clock.sleep(self.rng.choice([1, 20, 200, 400]))),
            (3, self._split),
            (1, self._claim_drained),
        ]
        (actor,) = self.rng.choices([actor for _, actor in actors], [weight for weight, _ in actors])
        actor()
        self.promises.check_progress()

    def _meanwhile(self) -> None:
        if self.acting or self.calm or self.rng.random() >= 0.05:
            return
        self.acting += 1
        try:
            self.rng.choice([self._write, self._write, self._capture_once, self._replay_once])()
        finally:
            self.acting -= 1

    def _write_many(self) -> None:
        for _ in range(30):
            self._write()

    def _storm(self) -> None:
        """For a while, AWS throttles nearly everything."""
        seconds = self.rng.choice([5, 40])
        if self.faults.rate:
            self.storm.until = self.clock.now + seconds

    def _write(self) -> None:
        rng = self.rng
        self.clock.sleep(rng.choice([0.01, 0.1, 1.0]))
        number = rng.randrange(self.plan.keys)
        key: Item = {"pk": {"B": f"item {number % 7}".encode()}, "sk": {"N": str(number)}}
        existed = self.source.schema.key_of(key) in self.source.items
        if existed and rng.random() < 0.25:
            self.account.items.remove("source", key, by_time_to_live=rng.random() < 0.3)
            return
        self._versions += 1
        image = {**key, "version": {"N": str(self._versions)}, "blob": {"B": rng.randbytes(12)}}
        if rng.random() < 0.05:
            image[REFUSED] = {"BOOL": True}
        if rng.random() < 0.1:
            # Does not compress: the smaller limits let it travel as its key only.
            image["large"] = {"BS": [rng.randbytes(2000)]}
        self.account.items.put("source", image)

    def _split(self) -> None:
        self.stream.split(self.rng.choice([shard for shard in self.stream.shards if not shard.closed]))

    def _capture_once(self) -> None:
        ready = self.capture_poller.ready()
        if ready and self.account.mappings.is_polling(self.capture_mapping):
            self._capture_from(self.rng.choice(ready))

    def _capture_from(self, shard: Shard) -> None:
        try:
            self.capture_poller.deliver(shard, self._invoke_capture)
        except (ProcessDeath, *AwsError):
            self.capture_exact = False

    def _invoke_capture(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        captured = self._in_function(lambda: self._capture(records))
        self.captured += captured.sent
        for group, sequence in captured.positions.items():
            self.noted[group] = max(sequence, self.noted.get(group, 0))
        if captured.retry_from is None:
            return {"batchItemFailures": []}
        self.capture_exact = False
        return {"batchItemFailures": [{"itemIdentifier": captured.retry_from}]}

    def _capture(self, records: Sequence[Mapping[str, Any]]) -> Captured:
        self._invocations += 1
        captured = capture(
            records,
            _capture_options(self.plan),
            self.clients,
            images=None,
            discard=_never_discard,
            nonce=f"invocation {self._invocations}",
            now=lambda: self.clock.now,
            sleep=self.clock.sleep,
            rng=self.rng,
        )
        if captured.positions:
            self.progress.advance(
                Side.CAPTURED, captured.reached, changes=captured.sent, since=captured.since
            )
        if captured.answer_at is not None:
            self.clock.sleep(max(0.0, captured.answer_at - self.clock.now))
        return captured

    def _replay_once(self) -> None:
        if not self.account.mappings.is_polling(self.replay_mapping):
            return
        with suppress(ProcessDeath, *AwsError):
            self.replay_poller.deliver(lambda records: self._in_function(lambda: self._replay(records)))

    def _replay(self, records: Sequence[Mapping[str, Any]]) -> set[str]:
        clock = Clock(
            monotonic=lambda: self.clock.now,
            sleep=self.clock.sleep,
            deadline=self.clock.now + _TIMEOUT_SECONDS - _RESERVE_SECONDS,
            rng=self.rng,
            now=lambda: self.clock.now,
            reserve_seconds=_RESERVE_SECONDS,
        )
        options = _replay_options(self.plan)
        try:
            replayed = replay_batch(records, self.clients, options, clock, InlineExecutor)
        except (ProcessDeath, *AwsError):
            # Whether its progress was noted decides whether these messages count again.
            self.replay_exact = False
            raise
        if replayed.unreadable:
            raise BrokenPromiseError(f"capture wrote what replay cannot read: {replayed.unreadable}")
        self.handled += replayed.changes
        self.doubted += replayed.in_doubt
        return set(replayed.retry)

    def _in_function(self, invoke: Callable[[], Any]) -> Any:
        with self.wire.invocation(_TIMEOUT_SECONDS):
            return invoke()

    # The end

    def _claim_drained(self) -> None:
        """Ask as `cutover` asks, with the writers stopped and the functions at work; if the answer is yes, it is true."""
        before = self.progress.read(Side.CAPTURED).changes
        until = self.clock.now + _SETTLE_SECONDS
        for shard in self.capture_poller.ready():
            # What acts meanwhile may have taken it already.
            if shard in self.capture_poller.ready():
                self._capture_from(shard)
        self._replay_once()
        self.clock.wait_until(until)
        if not self.pipeline.standing(self.claim()).drained:
            return
        captured, replayed = self.pipeline.progress()
        if captured.changes != before:
            return
        self.promises.check_drained(replayed)

    def _calm(self) -> None:
        """With no more faults and no more writes, everything arrives."""
        if self.claim().state is not ClaimState.REPLAYING:
            self._start_replay()
        for _ in range(_MOST_CALM_ROUNDS):
            if not self.buffer.messages and self.capture_poller.done:
                return
            self._capture_once()
            self._replay_once()
            if not self.capture_poller.ready():
                self.clock.sleep(20)
        raise BrokenPromiseError("the buffer never drains")


def _registration(world: World) -> Registration:
    return Registration(
        source="source",
        mode=CaptureMode.ON_RESTORE,
        capture_mapping=world.capture_mapping,
        replay_mapping=world.replay_mapping,
        buffer_url=_BUFFER,
        buffer_dead_letter_url=_ASIDE,
        buffer_id="buffer-1",
        target_patterns=("*",),
        failure_bucket=_FAILURES,
        image_prefix=_IMAGES,
        capture_function=function_arn("capture"),
        replay_function=function_arn("replay"),
        upkeep_function=function_arn("upkeep"),
        stream_arn=world.stream.arn,
        stream_has_new_images="NEW" in world.plan.view,
        filters=(),
        batching_window_seconds=0,
        replay_timeout_seconds=int(_TIMEOUT_SECONDS),
    )


def _capture_options(plan: Plan) -> CaptureOptions:
    return CaptureOptions(
        buffer_url=_BUFFER,
        group_count=plan.group_count,
        byte_limit=plan.byte_limit,
        keep_expiries=plan.keep_expiries,
    )


def _replay_options(plan: Plan) -> ReplayOptions:
    return ReplayOptions(
        source="source",
        restore_table="restores",
        buffer_id="buffer-1",
        buffer_url=_BUFFER,
        dead_letter_queue_url=_ASIDE,
        failure_bucket=_FAILURES,
        image_prefix=_IMAGES,
        write_units_per_second=plan.write_units_per_second,
    )


def _never_discard(record: Mapping[str, Any], reason: str) -> bool:
    raise BrokenPromiseError(f"capture gave up a sound record: {record}: {reason}")
