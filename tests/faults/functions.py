"""The deployed functions, run in this process on an account in memory, with a clock of their own."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from dynamodb_restore import aws, configuration
from dynamodb_restore.aws import AwsError
from dynamodb_restore.findings.registry import SEARCHES
from dynamodb_restore.handlers import operator, reconciler, restore_worker, upkeep, wiring
from dynamodb_restore.restore import reconcile
from dynamodb_restore.settings.registry import SETTINGS
from tests.aws.account import Account
from tests.aws.botocore_door import BotocoreDoor
from tests.aws.clock import VirtualClock
from tests.aws.errors import ProcessDeath
from tests.aws.hazards import Hazard
from tests.aws.lambda_runtime import QueuePoller, context
from tests.aws.names import function_arn
from tests.aws.wire import Wire
from tests.configuration import DOCUMENT, digest_of, item_of
from tests.faults.estate import (
    CONTROL_TAG,
    DEAD_LETTERS,
    MAX_ATTEMPTS,
    RESTORE_QUEUE,
    RESTORE_TABLE,
    SOURCE,
    TOPIC,
)

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
    "CONFIGURATION": "",
    "RECORD_RETENTION_DAYS": "90",
    "FOLLOW": json.dumps({"point_in_time": True, "backups": True, "backup_jobs": True}),
    "LONGEST_SILENCE_SECONDS": "1800",
}

CONFIGURATION: Mapping[str, Any] = {
    **DOCUMENT,
    "settings": {setting.name: True for setting in SETTINGS},
    "polling": {**DOCUMENT["polling"], "max_attempts": 5, "jitter": 0.5},
    "drills": {"targets": ["*-drill"], "keeps": ["on_demand_throughput", "stream", "table_class", "tags"]},
    "overrides": [
        {"source": "customers", "follow": False},
        {"source": SOURCE, "settings": {"ttl": True}, "polling": {"max_attempts": MAX_ATTEMPTS}},
    ],
    "control_tag": CONTROL_TAG,
    "findings": {search.kind: True for search in SEARCHES},
}
"""All settings and all searches on, a control tag, and an override that matches."""


@dataclass
class World:
    """An account with its functions.

    Attributes:
        made: how many ids were drawn.
        invocations: how many there were.
        deaths: how many invocations ended with their process.
    """

    account: Account
    wire: Wire = field(init=False)
    made: int = 0
    invocations: int = 0
    deaths: int = 0

    def __post_init__(self) -> None:
        self.wire = Wire(self.account)

    @property
    def clock(self) -> VirtualClock:
        return self.account.clock

    def copy(self, *hazards: Hazard) -> World:
        """The same world, in which these things go wrong from now on."""
        world = World(self.account.copy(), made=self.made, invocations=self.invocations)
        world.wire.hazards.extend(hazards)
        return world


class Functions:
    """Runs functions in a world, one invocation at a time.

    Attributes:
        running: the function at work with its event, after those that wait for it.
    """

    def __init__(self) -> None:
        self.running: list[tuple[str, dict[str, Any]]] = []
        self._configuration = CONFIGURATION
        self._world: World | None = None
        self._door = BotocoreDoor()

    @property
    def world(self) -> World:
        assert self._world is not None, "no function runs"
        return self._world

    @contextmanager
    def deployed(self) -> Iterator[Functions]:
        """Put the functions' surroundings in place: environment, clients, clock, chance."""
        with self._door.opened(), pytest.MonkeyPatch.context() as patch:
            for name, value in ENVIRONMENT.items():
                patch.setenv(name, value)
            for module in (wiring, reconciler, upkeep):
                patch.setattr(module, "datetime", SimpleNamespace(now=self._now))
            patch.setattr(wiring, "time", SimpleNamespace(sleep=self._sleep))
            patch.setattr(
                upkeep,
                "time",
                SimpleNamespace(sleep=self._sleep, monotonic=self._true_time, time=self._true_time),
            )
            for module in (wiring, restore_worker, upkeep):
                patch.setattr(module, "random", SimpleNamespace(Random=lambda: random.Random(7)))
            patch.setattr(reconcile, "uuid", SimpleNamespace(uuid4=self._id))
            for module in (restore_worker, operator, reconciler, upkeep):
                patch.setattr(module.logger._logger, "disabled", True)
            yield self

    @contextmanager
    def configured(self, **otherwise: Any) -> Iterator[None]:
        """Within this, the configuration is otherwise, in every world."""
        before = self._configuration
        self.configure(**otherwise)
        try:
            yield
        finally:
            self._configuration = before

    def configure(self, **otherwise: Any) -> None:
        """From now on the configuration is otherwise, in every world."""
        self._configuration = {**self._configuration, **otherwise}

    def deliver(self, world: World) -> bool | None:
        """Give the next message of the restore queue to the worker.

        Returns:
            Whether it is done with; None where there was none to receive.

        Raises:
            ProcessDeath: the worker died with it.
        """
        poller = QueuePoller(world.account, RESTORE_QUEUE, batch_size=1)
        delivery = poller.receive()
        if delivery is None:
            return None
        try:
            answer = self.work(world, list(delivery.records))
        except AwsError:
            # Lambda leaves all messages of an invocation that failed on the queue.
            failed = {record["messageId"] for record in delivery.records}
        else:
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        poller.finish(delivery, failed)
        return not failed

    def work(self, world: World, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Invoke the worker with messages; also while another invocation of it is at work.

        Raises:
            ProcessDeath: the worker died.
        """
        event = {"Records": records}
        if self._world is None:
            return self._invoke(world, restore_worker, "restore-worker", event)
        return self._run(restore_worker, "restore-worker", event)

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
        # Metrics are printed, by the thousand.
        with self.on(world), redirect_stdout(io.StringIO()):
            return self._run(module, name, event)

    def _run(self, module: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
        seconds = _TIMEOUTS[name]
        self.world.invocations += 1
        told = context(f"dynamodb-restore-{name}", self.world.clock, seconds, self.world.invocations)
        self.running.append((name, event))
        self._apply_configuration()
        with self.world.wire.invocation(seconds):
            try:
                answer: dict[str, Any] = module.handler(event, told)
            except ProcessDeath:
                self.world.deaths += 1
                raise
            finally:
                self.running.pop()
        return answer

    def _apply_configuration(self) -> None:
        """Put the configuration where Terraform puts it, for a new execution environment."""
        self.world.account.items.put(RESTORE_TABLE, item_of(self._configuration))
        os.environ["CONFIGURATION"] = digest_of(self._configuration)
        configuration.forget()
        aws.clients().listings.forget()

    @contextmanager
    def on(self, world: World) -> Iterator[None]:
        """Let all clients talk to this world's account."""
        self._world = world
        handlers = world.account.functions.handlers
        handlers[function_arn("upkeep")] = partial(self._run, upkeep, "upkeep")
        try:
            with self._door.to(world.wire):
                yield
        finally:
            handlers.clear()
            self._world = None

    def _now(self, zone: tzinfo) -> datetime:
        return self.world.clock.instant().astimezone(zone)

    def _true_time(self) -> float:
        return self.world.clock.now

    def _sleep(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)

    def _id(self) -> str:
        self.world.made += 1
        return f"00000000-0000-4000-8000-{self.world.made:012d}"
