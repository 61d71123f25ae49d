"""The replay function: messages of the FIFO buffer into the table of the restore that owns the pipeline."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.changes.replayed import Replayed
from dynamodb_restore.config import ReplayConfig
from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.metrics import Metric
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline.replay import replay_batch

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

_RESERVE_SECONDS = 2 * aws.CALL_SECONDS
"""Kept for noting progress and answering, after the last write has begun: in the first half for that write, in the second
for the note of it. Where several calls hang, the function ends with them: its messages come back, and its note stands
(`doubt`)."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point.

    Returns:
        `{"batchItemFailures": [{"itemIdentifier": message id}, …]}`: for each group, the first message that
        was not fully dealt with and all later ones
        (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).

    Raises:
        ClientError, BotoCoreError: from the restore table; all messages come back.
        ConfigError: the function's environment is incomplete.
    """
    config = ReplayConfig.from_environment(os.environ)
    metrics.add_dimension("table", config.options.source)
    remaining = context.get_remaining_time_in_millis() / 1000
    clock = Clock(
        monotonic=time.monotonic,
        sleep=time.sleep,
        deadline=time.monotonic() + remaining - _RESERVE_SECONDS,
        rng=random.Random(),
        now=time.time,
        reserve_seconds=_RESERVE_SECONDS,
    )
    try:
        replayed = replay_batch(event["Records"], aws.clients(), config.options, clock)
    except aws.AwsError as error:
        if aws.classify(error) is aws.ErrorClass.GIVE_UP:
            publish(metrics, Metric.REPLAY_REFUSED, 1)
        raise
    _tell(replayed)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in replayed.retry]}


def _tell(replayed: Replayed) -> None:
    for metric, count in (
        (Metric.CHANGES_APPLIED, replayed.applied),
        (Metric.CHANGES_SUPERSEDED, replayed.superseded),
        (Metric.CHANGES_OUTSIDE_WINDOW, replayed.outside),
        (Metric.CHANGES_QUARANTINED, replayed.quarantined),
        (Metric.BUNDLES_SET_ASIDE, replayed.set_aside),
        (Metric.WRITES_IN_DOUBT, replayed.in_doubt),
    ):
        publish(metrics, metric, count)
    if replayed.refused_for_good:
        # No retry can repair this: an alarm notifies somebody who can.
        publish(metrics, Metric.REPLAY_REFUSED, 1)
    for message_id, reason in replayed.unreadable.items():
        logger.error("bundle is unreadable", message_id=message_id, reason=reason)
    settled = replayed.settled
    if settled.rewritten or settled.quarantined or settled.left:
        logger.warning(
            "writes in doubt settled",
            rewritten=settled.rewritten,
            quarantined=settled.quarantined,
            left=settled.left,
            reason=settled.problem,
        )
    if replayed.retry:
        logger.warning("messages come back", messages=len(replayed.retry), reason=replayed.problem)
