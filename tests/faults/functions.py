"""The deployed functions, run in this process on an account in memory, with a clock of their own."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.client import BaseClient

from dynamodb_restore.handlers import operator, reconciler, restore_worker, upkeep, wiring
from dynamodb_restore.restore import reconcile
from dynamodb_restore.settings.registry import SETTINGS
from tests.faults.account.account import Account
from tests.faults.account.messaging import Message
from tests.faults.estate import CONTROL_TAG, DEAD_LETTERS, RESTORE_QUEUE, RESTORE_TABLE, SOURCE, TOPIC
from tests.faults.wire import Plan, ProcessDeath, Wire, no_faults
from tests.unit.fakes import ACCOUNT, REGION, function_arn

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

START = datetime(2026, 11, 22, 7, 16, tzinfo=UTC)
VISIBILITY_SECONDS = 720
"""How long the restore queue hides a message that is being worked on, or that a function died with."""

MAX_ATTEMPTS = 40
"""Of a delivery; faults use up some of them."""

_TIMEOUTS = {"restore-worker": 120.0, "operator": 300.0, "reconciler": 300.0, "upkeep": 300.0}
"""Of the functions, as Terraform sets them."""

ENVIRONMENT = {
    "SOURCE_TABLE_NAME": SOURCE,
    "GROUP_COUNT": "16",
    "BYTE_LIMIT": "262144",
    "RESTORE_TABLE_NAME": RESTORE_TABLE,
    "RESTORE_QUEUE_URL": RESTORE_QUEUE,
    "DEAD_LETTER_QUEUE_URL": DEAD_LETTERS,
    "NOTIFICATION_TOPIC_ARN": TOPIC,
    "EVENT_BUS_NAME": "default",
    "SETTINGS": json.dumps({setting.name: True for setting in SETTINGS}),
    "POLLING": json.dumps(
        {
            "max_attempts": 5,
            "base_delay_seconds": 10,
            "backoff_rate": 2,
            "max_delay_seconds": 300,
            "jitter": 0.5,
        }
    ),
    "RECORD_RETENTION_DAYS": "90",
    "TABLE_PATTERNS": json.dumps({"source": ["*"], "target": ["*"]}),
    "FOLLOW": json.dumps({"point_in_time": True, "backups": True, "backup_jobs": True}),
    "OVERRIDES": json.dumps(
        [
            {"source": "customers", "follow": False},
            {"source": SOURCE, "settings": {"ttl": True}, "polling": {"max_attempts": MAX_ATTEMPTS}},
        ]
    ),
    "CONTROL_TAG": CONTROL_TAG,
    "FOLLOW_TERRAFORM": "true",
    "SOURCE_REGIONS": "[]",
    "FINDINGS": json.dumps({"backup_selections": True, "dashboards": True, "identity_policies": True}),
}
"""All settings and all searches on, a control tag, and an override that matches."""


@dataclass
class Clock:
    """Time passes where a function sleeps, and between two deliveries."""

    now: float = START.timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def instant(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@dataclass
class World:
    """An account with its functions.

    Attributes:
        made: how many ids were drawn.
        deaths: how many invocations ended with their process.
    """

    account: Account
    clock: Clock = field(default_factory=Clock)
    wire: Wire = field(init=False)
    made: int = 0
    deaths: int = 0

    def __post_init__(self) -> None:
        self.wire = Wire(self.account)

    def copy(self, plan: Plan = no_faults) -> World:
        """The same world, in which calls go wrong as planned from now on."""
        world = World(self.account.copy(), Clock(self.clock.now), made=self.made)
        world.wire.plan = plan
        return world


class _Context:
    """What Lambda tells a function of its invocation."""

    memory_limit_in_mb = 256
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def __init__(self, name: str, clock: Clock) -> None:
        self.function_name = f"dynamodb-restore-{name}"
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"
        self._clock = clock
        self._deadline = clock.now + _TIMEOUTS[name]

    def get_remaining_time_in_millis(self) -> int:
        return int((self._deadline - self._clock.now) * 1000)


class Functions:
    """Runs functions in a world, one invocation at a time."""

    def __init__(self) -> None:
        self._world: World | None = None

    @property
    def world(self) -> World:
        assert self._world is not None, "no function runs"
        return self._world

    @contextmanager
    def deployed(self) -> Iterator[Functions]:
        """Put the functions' surroundings in place: environment, clients, clock, chance."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ENVIRONMENT.items():
                patch.setenv(name, value)
            patch.setattr(BaseClient, "_make_api_call", self._calls())
            for module in (wiring, reconciler, upkeep):
                patch.setattr(module, "datetime", SimpleNamespace(now=self._now))
            patch.setattr(wiring, "time", SimpleNamespace(sleep=self._sleep))
            patch.setattr(upkeep, "time", SimpleNamespace(sleep=self._sleep, monotonic=self._monotonic))
            for module in (wiring, restore_worker, upkeep):
                patch.setattr(module, "random", SimpleNamespace(Random=lambda: random.Random(7)))
            patch.setattr(reconcile, "uuid", SimpleNamespace(uuid4=self._id))
            for module in (restore_worker, operator, reconciler, upkeep):
                patch.setattr(module.logger._logger, "disabled", True)
            yield self

    def deliver(self, world: World, message: Message, attempt: int) -> bool:
        """Give a message of the restore queue to the worker; whether it is done with.

        Raises:
            ProcessDeath: the worker died with it.
        """
        handle = f"receipt-{attempt}"
        message.hidden_seconds = None
        world.account.messaging.held = {handle: message}
        record = {
            "messageId": message.message_id,
            "receiptHandle": handle,
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(attempt)},
            "messageAttributes": {
                name: {"stringValue": value, "dataType": "String"}
                for name, value in message.attributes.items()
            },
        }
        answer = self._invoke(world, restore_worker, "restore-worker", {"Records": [record]})
        return answer == {"batchItemFailures": []}

    def operate(self, world: World, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke the operator function.

        Raises:
            ClientError, BotoCoreError, ProcessDeath: the invocation failed.
        """
        return self._invoke(world, operator, "operator", payload)

    def clone(self, world: World, source: str, target: str) -> dict[str, Any]:
        """Invoke the restore worker on two tables, as a person does."""
        return self._invoke(world, restore_worker, "restore-worker", {"source": source, "target": target})

    def reconcile(self, world: World) -> dict[str, Any]:
        """Invoke the reconciler, as its schedule does."""
        return self._invoke(world, reconciler, "reconciler", {"detail-type": "Scheduled Event"})

    def _invoke(self, world: World, module: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
        context = cast("LambdaContext", _Context(name, world.clock))
        # Metrics are printed, by the thousand.
        with self.on(world), redirect_stdout(io.StringIO()):
            try:
                answer: dict[str, Any] = module.handler(event, context)
            except ProcessDeath:
                world.deaths += 1
                raise
        return answer

    @contextmanager
    def on(self, world: World) -> Iterator[None]:
        """Let all clients talk to this world's account."""
        self._world = world
        world.account.invoke = self._invoked
        try:
            yield
        finally:
            world.account.invoke = None
            self._world = None

    def _invoked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What Lambda answers to an invocation of the upkeep function: a function that fails fails no call."""
        assert parameters["FunctionName"] == function_arn("upkeep")
        context = cast("LambdaContext", _Context("upkeep", self.world.clock))
        answer: dict[str, Any] = {"StatusCode": 200}
        try:
            content = upkeep.handler(json.loads(parameters["Payload"]), context)
        except ProcessDeath:
            self.world.deaths += 1
            content = {
                "errorType": "Runtime.ExitError",
                "errorMessage": "Runtime exited without providing a reason",
            }
            answer["FunctionError"] = "Unhandled"
        except Exception as error:  # noqa: BLE001 - so does Lambda, whatever it is
            content = {"errorType": type(error).__name__, "errorMessage": str(error)}
            answer["FunctionError"] = "Unhandled"
        return {**answer, "Payload": io.BytesIO(json.dumps(content).encode())}

    def _calls(self) -> Callable[[BaseClient, str, dict[str, Any]], dict[str, Any]]:
        # A plain function, so that it becomes a method of the client.
        def make_api_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            return self.world.wire.call(client, operation, parameters)

        return make_api_call

    def _now(self, zone: tzinfo) -> datetime:
        return self.world.clock.instant().astimezone(zone)

    def _monotonic(self) -> float:
        return self.world.clock.now

    def _sleep(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)

    def _id(self) -> str:
        self.world.made += 1
        return f"00000000-0000-4000-8000-{self.world.made:012d}"
