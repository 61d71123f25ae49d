"""A source table with a pipeline, and all that stands around it: moto, with Lambda's mappings in front."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from typing_extensions import override

from dynamodb_restore import aws as aws_module
from dynamodb_restore.actions.context import ActionContext
from dynamodb_restore.aws import Clients
from dynamodb_restore.backoff import Backoff
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.changes.window import Window
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.handlers import upkeep
from dynamodb_restore.pace import Clock, Pace
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.pipeline.registration import Registration, read_registration
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.worker import Worker
from tests.aws.lambda_runtime import given_up
from tests.unit.builders import make_table, request
from tests.unit.changes.makers import NOON, REGISTERED_BESIDES, RESTORE_TABLE, make_queue, make_restore_table
from tests.unit.fakes import Aws, Shelf, function_arn

if TYPE_CHECKING:
    import pytest
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESTORE_ID = "restore-1"
STREAM: str = REGISTERED_BESIDES["stream_arn"]["S"]
BUFFER = "arn:aws:sqs:eu-central-1:123456789012:changes.fifo"
CAPTURE = "00000000-0000-4000-8000-000000000001"
REPLAY = "00000000-0000-4000-8000-000000000002"
FAILURES = "orders-failures"

DAY = 86_400


def point(epoch_seconds: int, *, of_backup: bool = False) -> RestorePoint:
    return RestorePoint(datetime.fromtimestamp(epoch_seconds, UTC), of_backup=of_backup)


@dataclass
class House:
    """One pipeline and the functions' cores on it.

    Attributes:
        now: epoch seconds.
        on_nap: called while `cutover` watches the buffer.
    """

    aws: Aws
    clients: Clients
    buffer_url: str
    aside_url: str
    shelf: Shelf
    now: float = NOON
    on_nap: Callable[[], object] = lambda: None
    naps: list[float] = field(default_factory=list)

    def instant(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    @property
    def pipelines(self) -> Pipelines:
        return Pipelines(self.clients, RESTORE_TABLE, self.instant)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline of `orders`, opened now."""
        pipeline = self.pipelines.open("orders")
        assert pipeline is not None
        return pipeline

    @property
    def claims(self) -> ClaimStore:
        return ClaimStore(self.clients, RESTORE_TABLE, "orders")

    @property
    def progress(self) -> ProgressStore:
        return ProgressStore(self.clients, RESTORE_TABLE, "orders", "buffer-1")

    @property
    def stuck(self) -> StuckMarks:
        return StuckMarks(self.clients, RESTORE_TABLE, "orders", "buffer-1")

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.clients, RESTORE_TABLE, RESTORE_ID)

    @property
    def records(self) -> RestoreRecords:
        return RestoreRecords(self.clients, RESTORE_TABLE, timedelta(days=90))

    @property
    def cloner(self) -> Cloner:
        ends_at = self.now + 300
        pace = Pace(sleep=self._sleep, remaining_seconds=lambda: ends_at - self.now, rng=random.Random(7))
        return Cloner(self.clients, self.records, (self.shelf,), pace)

    @property
    def config(self) -> WorkerConfig:
        return WorkerConfig(
            restore_table_name=RESTORE_TABLE,
            restore_queue_url="",
            dead_letter_queue_url="",
            notification_topic_arn=None,
            event_bus_name="default",
            switches={"shelf": True},
            polling=Polling(3, Backoff(1, 2, 10, 0)),
            record_retention_days=90,
        )

    @property
    def actions(self) -> ActionContext:
        announcer = Announcer(self.clients, "default", None)
        return ActionContext(self.config, self.records, announcer, self.cloner, self.instant)

    @property
    def worker(self) -> Worker:
        announcer = Announcer(self.clients, "default", None)
        pins = Pins(self.clients, RESTORE_TABLE, timedelta(days=90))
        return Worker(
            self.config,
            self.records,
            pins,
            announcer,
            self.pipelines,
            self.cloner,
            self.instant,
            "invocation-1",
        )

    def register(
        self,
        mode: str = "on_restore",
        patterns: tuple[str, ...] = ("*",),
        batching_window_seconds: int = 0,
        replay_timeout_seconds: int = 60,
        **more: Any,
    ) -> None:
        """Do what Terraform does.

        Args:
            more: attributes as DynamoDB has them, to replace what the item has; None takes one away.
        """
        item: dict[str, Any] = {
            "pk": {"S": "pipeline#orders"},
            "sk": {"S": "registration"},
            "capture": {"S": mode},
            "capture_mapping": {"S": CAPTURE},
            "replay_mapping": {"S": REPLAY},
            "buffer_url": {"S": self.buffer_url},
            "buffer_dead_letter_url": {"S": self.aside_url},
            "buffer_id": {"S": "buffer-1"},
            "target_patterns": {"L": [{"S": pattern} for pattern in patterns]},
            "failure_bucket": {"S": FAILURES},
            **REGISTERED_BESIDES,
            "batching_window_seconds": {"N": str(batching_window_seconds)},
            "replay_timeout_seconds": {"N": str(replay_timeout_seconds)},
            **more,
        }
        self.clients.dynamodb.put_item(
            TableName=RESTORE_TABLE,
            Item={name: value for name, value in item.items() if value is not None},
        )

    def stream_is(self, arn: str, *, enabled: bool = True) -> None:
        """Let DescribeTable tell of this stream of `orders`, as the latest; enabled or not."""
        specification = {"StreamEnabled": enabled, "StreamViewType": "NEW_IMAGE"} if enabled else {}
        self.aws.describe_as("orders", StreamSpecification=specification, LatestStreamArn=arn)

    def begin(
        self, target: str = "orders-restored", restore_id: str = RESTORE_ID, restore_point: int = NOON - 3600
    ) -> Claim | None:
        """Let a restore ask for the pipeline, restored to an hour ago unless told otherwise."""
        return self.pipeline.begin(restore_id, target, point(restore_point))

    def registration(self, source: str = "orders") -> Registration | None:
        return read_registration(self.clients, RESTORE_TABLE, source)

    def claim(self, state: ClaimState = ClaimState.REPLAYING, **changes: Any) -> Claim:
        """Put a claim where there is none."""
        claim = Claim(
            restore_id=RESTORE_ID,
            target="orders-restored",
            state=state,
            claimed_at=self.instant(),
            window=Window(NOON - 3600),
            **{"covered_from": NOON - DAY, **changes},
        )
        return self.claims.take(claim)

    def replaying(self) -> None:
        """A restore as the worker leaves it: claimed, recorded, reported, both mappings enabled."""
        self.claim()
        self.switch(CAPTURE, "Enabled")
        self.switch(REPLAY, "Enabled")
        self.recorded()

    def replaying_from(self, restore_point: int) -> None:
        """A restore that took the claim itself and replays, with what it found to be covered."""
        claim = self.begin(restore_point=restore_point)
        assert claim is not None
        self.pipeline.start_replay(claim, None)
        self.recorded()

    def recorded(self) -> None:
        """The restore's record as the worker leaves it once replay has started."""
        key = RestoreKey("orders-restored", RESTORE_ID)
        lease = Lease("invocation-1", self.instant() + timedelta(minutes=2))
        self.records.take_lead(key, request(), None, "message", lease, self.instant())
        self.records.keep_state(key, "shelf", {"jars": ["fig", "plum"]}, {})
        self.records.save_waiting(
            key,
            request(),
            summary={},
            attempts=1,
            pipeline_owner=RESTORE_ID,
            now=self.instant(),
            known=False,
            lease=lease,
        )
        report = Report(Result.REPLAYING, "orders", "orders-restored", self.instant())
        self.records.save_report(key, report, self.instant())

    def captured(
        self, sequence: int, *, group: int = 0, changes: int = 1, time: int = NOON, since: int = NOON - 30
    ) -> None:
        self.progress.advance(Side.CAPTURED, {group: Position(sequence, time)}, changes=changes, since=since)

    def replayed(self, sequence: int, *, group: int = 0, time: int = NOON) -> None:
        self.progress.advance(Side.REPLAYED, {group: Position(sequence, time)}, changes=1)

    def switch(self, mapping_id: str, state: str, **more: str) -> None:
        self._mapping(mapping_id).update({"State": state, **more})

    def modify(self, mapping_id: str, at: datetime) -> None:
        """Let Lambda tell that a mapping was last changed at this instant."""
        self.aws.triggers.modify(mapping_id, at)

    def set_batching_window(self, mapping_id: str, seconds: int) -> None:
        self._mapping(mapping_id)["MaximumBatchingWindowInSeconds"] = seconds

    def give_up(
        self,
        name: str,
        at: float,
        *,
        mapping_id: str = CAPTURE,
        content: bytes = b"",
        records: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Do what Lambda does with records that it gives up at an instant; returns where they lie."""
        object_key = f"aws/lambda/{mapping_id}/{name}"
        if records is not None:
            content = given_up(records, STREAM)
        self.aws.objects.put(FAILURES, object_key, at, content)
        return f"s3://{FAILURES}/{object_key}"

    def upkeep(self, action: str, *, enough_time: Callable[[], bool] = lambda: True) -> dict[str, Any]:
        """Invoke the upkeep function as the operator function does, with as much time as a test says."""

        class TestClock(Clock):
            @property
            @override
            def expired(self) -> bool:
                return not enough_time()

        with mock.patch.object(upkeep, "Clock", TestClock):
            return self.invoked_upkeep({"action": action})

    def invoked_upkeep(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the upkeep function."""
        with warnings.catch_warnings():
            # The tests reset warnings; an invocation that finds nothing to do has nothing to count.
            warnings.filterwarnings("ignore", "No application metrics to publish")
            answer: dict[str, Any] = upkeep.handler(event, UPKEEP_CONTEXT)
        return answer

    def states(self) -> tuple[str, str]:
        """Of the capture mapping and the replay mapping."""
        pipeline = self.pipeline
        capture, replay = (mapping.describe()["State"] for mapping in (pipeline.capture, pipeline.replay))
        return capture, replay

    def announced(self) -> list[str]:
        """The results that went to the event bus."""
        return [
            entry["Detail"].partition('"result": "')[2].partition('"')[0]
            for call in self.aws.named("PutEvents")
            for entry in call["Entries"]
        ]

    def record_state(self) -> str | None:
        record = self.records.get(RestoreKey("orders-restored", RESTORE_ID))
        return record.state.value if record else None

    def _mapping(self, mapping_id: str) -> dict[str, Any]:
        (mapping,) = (found for found in self.aws.triggers.mappings if found["UUID"] == mapping_id)
        return mapping

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        self.on_nap()


class _Context:
    """What Lambda tells the upkeep function of its invocation."""

    function_name = "upkeep"
    memory_limit_in_mb = 256
    invoked_function_arn = function_arn("upkeep")
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


UPKEEP_CONTEXT = cast("LambdaContext", _Context())

UPKEEP_ENVIRONMENT = {
    "SOURCE_TABLE_NAME": "orders",
    "RESTORE_TABLE_NAME": RESTORE_TABLE,
    "GROUP_COUNT": "16",
    "BYTE_LIMIT": "262144",
}


def build(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> House:
    make_restore_table(clients)
    for name in ("orders", "orders-restored"):
        make_table(clients, name, on_demand=True)
    aws.triggers.looks_to_switch = 0
    aws.triggers.put(STREAM, function_arn("capture"), State="Disabled", LastProcessingResult="OK")
    aws.triggers.put(BUFFER, function_arn("replay"), State="Disabled", LastProcessingResult="OK")
    house = House(
        aws,
        clients,
        make_queue(clients, "changes"),
        make_queue(clients, "aside"),
        Shelf("shelf", {"orders": ["fig", "plum"], "orders-restored": ["fig"]}),
    )
    house.register()
    house.stream_is(STREAM)
    aws.objects.buckets[FAILURES] = {}
    for name, value in UPKEEP_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_module, "clients", lambda: clients)
    aws.functions.handlers[function_arn("upkeep")] = house.invoked_upkeep
    return house
