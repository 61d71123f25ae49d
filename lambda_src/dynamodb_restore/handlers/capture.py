"""The capture function: batches of a table's stream records into the FIFO buffer."""

from __future__ import annotations

import os
import random
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.changes.capture import Captured
from dynamodb_restore.config import CaptureConfig
from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.metrics import Metric
from dynamodb_restore.pipeline.capture import CaptureInvocation

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

# An invocation that cannot note what it came to has nothing to count.
warnings.filterwarnings("ignore", "No application metrics to publish")


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
    metrics.add_dimension("table", config.place.source_table)
    invocation = CaptureInvocation(
        config.place,
        aws.clients(),
        nonce=uuid.uuid4().hex,
        now=time.time,
        sleep=time.sleep,
        rng=random.Random(),
    )
    try:
        captured = invocation.run(event["Records"])
    finally:
        _tell_beside(invocation)
    _tell(captured)
    if captured.retry_from is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": captured.retry_from}]}


def _tell_beside(invocation: CaptureInvocation) -> None:
    for key, reason in invocation.discarded.items():
        logger.error("record not understood", object=key, reason=reason)
    for problem in invocation.problems:
        logger.error(problem)


def _tell(captured: Captured) -> None:
    publish(metrics, Metric.CHANGES_CAPTURED, captured.sent)
    if captured.discarded:
        publish(metrics, Metric.RECORDS_NOT_UNDERSTOOD, captured.discarded)
    if captured.images_not_stored:
        logger.warning("images not stored", changes=captured.images_not_stored, reason=captured.problem)
        publish(metrics, Metric.IMAGES_NOT_STORED, captured.images_not_stored)
    if captured.retry_from is not None:
        logger.warning("records not sent", retry_from=captured.retry_from, reason=captured.problem)
        publish(metrics, Metric.CAPTURE_BATCHES_CUT_SHORT, 1)
