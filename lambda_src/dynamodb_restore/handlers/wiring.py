"""What the handlers share."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore import aws
from dynamodb_restore.actions.context import ActionContext
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.pace import QUEUE_SECONDS, Pace
from dynamodb_restore.payload import PayloadError
from dynamodb_restore.pipeline.pipeline import Pipelines
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.clone import Cloner, DirectClone
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.record import RestoreRecords
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.registry import SETTINGS

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# An invocation that only waits or reads has no metrics.
warnings.filterwarnings("ignore", "No application metrics to publish")


def table_here(table: aws.TableRef, context: LambdaContext) -> str:
    """The name of a table of this function's own region and account.

    Raises:
        PayloadError: the table is elsewhere.
    """
    check_place(table, context, ())
    return table.name


def check_place(table: aws.TableRef, context: LambdaContext, regions: Collection[str]) -> None:
    """Look that a table is of this function's own account, and in its own region or one of `regions`.

    Raises:
        PayloadError: the table is elsewhere.
    """
    region, account = context.invoked_function_arn.split(":")[3:5]
    if table.region not in (None, region, *regions) or table.account not in (None, account):
        place = f"{table.region}, account {table.account}"
        reach = ", ".join([region, *regions])
        raise PayloadError(f"{table.name} is in {place}; this function works in {reach}, account {account}")


class Wiring:
    """What one invocation works with, on the execution environment's clients."""

    def __init__(self, config: WorkerConfig, clients: aws.Clients, context: LambdaContext) -> None:
        self.config = config
        self.clients = clients
        self._invocation = context.aws_request_id
        retention = timedelta(days=config.record_retention_days)
        self._records = RestoreRecords(self.clients, config.restore_table_name, retention)
        self._pins = Pins(self.clients, config.restore_table_name, retention)
        self._announcer = Announcer(self.clients, config.event_bus_name, config.notification_topic_arn)
        self._pace = Pace(
            sleep=time.sleep,
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
            rng=random.Random(),
        )
        self._cloner = Cloner(self.clients, self._records, SETTINGS, self._pace)
        self.pipelines = Pipelines(self.clients, config.restore_table_name, _now)

    def limited_calls(self) -> AbstractContextManager[None]:
        """Within this, no call is begun that could outlast the invocation, with time kept for what becomes of a message."""
        return self.clients.call_time.limited(self._pace.remaining_seconds, QUEUE_SECONDS)

    def worker(self) -> Worker:
        """What follows restores."""
        return Worker(
            self.config,
            self._records,
            self._pins,
            self._announcer,
            self.pipelines,
            self._cloner,
            _now,
            self._invocation,
        )

    def direct_clone(self) -> DirectClone:
        """What clones between any two tables."""
        return DirectClone(self._cloner, self.config, self.pipelines, _now)

    def actions(self) -> ActionContext:
        """What operator actions work with."""
        return ActionContext(
            self.config, self._records, self._announcer, self._cloner, _now, self._invocation
        )


def _now() -> datetime:
    return datetime.now(UTC)
