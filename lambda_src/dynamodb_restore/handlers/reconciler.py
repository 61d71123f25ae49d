"""The reconciler: runs on a schedule and puts restores that are not followed on the restore queue."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.config import ReconcilerConfig
from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.metrics import Metric
from dynamodb_restore.restore.queued import QueuedRestores
from dynamodb_restore.restore.reconcile import Reconciler
from dynamodb_restore.restore.record import RestoreRecords

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE_SECONDS = 6 * aws.CALL_SECONDS
"""Left when it stops: for one more table (what it is, its record, what was queued, a message, the note of that), and for where
it stopped."""

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; the event is ignored.

    Returns:
        `{"looked_at": count, "found": [table, …], "again": [table, …], "unseen": {table: reason},
        "continues_after": table | None}`, as `Reconciled` explains them.

    Raises:
        ClientError, BotoCoreError: from AWS; the next run takes up where this one began.
        ConfigError: what Terraform tells the function is incomplete.
        ConfigurationMissingError: as the next run may no longer find.
    """
    clients = aws.clients()
    config = ReconcilerConfig.load(os.environ, clients)
    reconciled = Reconciler(
        clients=clients,
        records=RestoreRecords(clients, config.restore_table_name, timedelta(0)),
        queued=QueuedRestores(clients, config.restore_table_name),
        restore_table_name=config.restore_table_name,
        restore_queue_url=config.restore_queue_url,
        patterns=config.table_patterns,
        wanted=config.follow,
        longest_silence=timedelta(seconds=config.longest_silence_seconds),
        enough_time=lambda: context.get_remaining_time_in_millis() / 1000 > _RESERVE_SECONDS,
        now=lambda: datetime.now(UTC),
    ).run()
    publish(metrics, Metric.TABLES_LOOKED_AT, reconciled.looked_at)
    publish(metrics, Metric.RESTORES_FOUND, len(reconciled.found))
    publish(metrics, Metric.RESTORES_SILENT, len(reconciled.again))
    publish(metrics, Metric.TABLES_UNSEEN, len(reconciled.unseen))
    answer = asdict(reconciled)
    logger.info("reconciled", **answer)
    return answer
