"""The capture function: batches of a table's stream records into the FIFO buffer."""

from __future__ import annotations

import os
import random
import time
import uuid
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from dynamodb_restore import aws
from dynamodb_restore.changes.capture import capture
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.config import CaptureConfig

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point.

    Returns:
        `{"batchItemFailures": [{"itemIdentifier": sequence number}]}` with the first record that was not sent:
        the stream delivers it and all after it again
        (docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).

    Raises:
        ClientError, BotoCoreError: the progress could not be noted; the whole batch is delivered again.
        ConfigError: the function's environment is incomplete.
    """
    config = CaptureConfig.from_environment(os.environ)
    metrics.add_dimension("table", config.source_table)
    clients = aws.clients()
    captured = capture(
        event["Records"],
        config.options,
        clients,
        # Of this invocation alone: Lambda may repeat its request id when it delivers a batch again.
        nonce=uuid.uuid4().hex,
        sleep=time.sleep,
        rng=random.Random(),
    )
    if captured.positions:
        ProgressStore(clients, config.restore_table_name, config.source_table, config.buffer_id).advance(
            Side.CAPTURED,
            {
                group: Position(sequence, captured.through or 0)
                for group, sequence in captured.positions.items()
            },
            changes=captured.sent,
            since=captured.since,
        )
    metrics.add_metric("ChangesCaptured", MetricUnit.Count, captured.sent)
    if captured.retry_from is None:
        return {"batchItemFailures": []}
    logger.warning("records not sent", retry_from=captured.retry_from, reason=captured.problem)
    metrics.add_metric("CaptureBatchesCutShort", MetricUnit.Count, 1)
    return {"batchItemFailures": [{"itemIdentifier": captured.retry_from}]}
