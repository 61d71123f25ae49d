"""The capture function: batches of a table's stream records into the FIFO buffer."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from dynamodb_restore import aws
from dynamodb_restore.changes.capture import Captured, capture
from dynamodb_restore.changes.change import sequence_of
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import ProgressStore, Side
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.config import CaptureConfig
from dynamodb_restore.pipeline.registration import read_registration

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
    records = event["Records"]
    bucket = FailureBucket(clients, config.failure_bucket, config.image_prefix)
    captured = capture(
        records,
        config.options,
        clients,
        images=bucket,
        discard=lambda record, reason: _discard(clients, config, bucket, record, reason),
        # Of this invocation alone: Lambda may repeat its request id when it delivers a batch again.
        nonce=uuid.uuid4().hex,
        now=time.time,
        sleep=time.sleep,
        rng=random.Random(),
    )
    try:
        _note_progress(clients, config, captured)
        _note_where_it_is_stuck(clients, config, records, captured)
    finally:
        # However the invocation ends, the stream delivers nothing again before that.
        if captured.answer_at is not None:
            time.sleep(max(0.0, captured.answer_at - time.time()))
    _tell(captured)
    if captured.retry_from is None:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": captured.retry_from}]}


def _note_progress(clients: aws.Clients, config: CaptureConfig, captured: Captured) -> None:
    if not captured.positions:
        return
    progress = ProgressStore(clients, config.restore_table_name, config.source_table, config.buffer_id)
    progress.advance(Side.CAPTURED, captured.reached, changes=captured.sent, since=captured.since)


def _note_where_it_is_stuck(
    clients: aws.Clients, config: CaptureConfig, records: Sequence[Mapping[str, Any]], captured: Captured
) -> None:
    """Mark the record that has to come again, and clear the marks of those that are through.

    Nothing tells whether a record was delivered before, so the marks are read in each invocation: one consistent read.

    Raises:
        ClientError, BotoCoreError: marks could not be read or cleared for a reason that passes. The batch is
            delivered again, and clears them then; otherwise they would stay until they expire.
    """
    stuck = StuckMarks(clients, config.restore_table_name, config.source_table, config.buffer_id)
    try:
        if captured.retry_from is not None:
            stuck.note(
                captured.retry_from,
                now=int(time.time()),
                reason=captured.problem or "",
                key=captured.retry_key,
            )
        through = {sequence_of(record) for record in records[: captured.done]}
        stuck.clear(sorted(stuck.read().keys() & through))
    except aws.AwsError as error:
        if captured.retry_from is None and aws.classify(error) is aws.ErrorClass.RETRY:
            raise
        logger.exception("where capture is stuck could not be noted", reason=aws.explain(error))


def _discard(
    clients: aws.Clients,
    config: CaptureConfig,
    bucket: FailureBucket,
    record: Mapping[str, Any],
    reason: str,
) -> bool:
    """Put a record that tells no key to those that Lambda gave up, which cutover looks for; False where that failed."""
    try:
        registration = read_registration(clients, config.restore_table_name, config.source_table)
        if registration is None:
            # Terraform writes it last.
            logger.error(
                "a record that was not understood waits for the pipeline to be registered", reason=reason
            )
            return False
        key = bucket.discard(record, reason, registration.capture_mapping)
    except aws.AwsError as error:
        logger.exception("a record that was not understood could not be discarded", reason=aws.explain(error))
        return False
    logger.error("record not understood", object=key, reason=reason)
    return True


def _tell(captured: Captured) -> None:
    metrics.add_metric("ChangesCaptured", MetricUnit.Count, captured.sent)
    if captured.discarded:
        metrics.add_metric("RecordsNotUnderstood", MetricUnit.Count, captured.discarded)
    if captured.images_not_stored:
        logger.warning("images not stored", changes=captured.images_not_stored, reason=captured.problem)
        metrics.add_metric("ImagesNotStored", MetricUnit.Count, captured.images_not_stored)
    if captured.retry_from is not None:
        logger.warning("records not sent", retry_from=captured.retry_from, reason=captured.problem)
        metrics.add_metric("CaptureBatchesCutShort", MetricUnit.Count, 1)
