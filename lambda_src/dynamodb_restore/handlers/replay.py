"""The replay function: messages of the FIFO buffer into the table of the restore that owns the pipeline."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from dynamodb_restore import aws
from dynamodb_restore.changes.change import item_id
from dynamodb_restore.changes.progress import ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.replay import Replayed, replay
from dynamodb_restore.changes.writer import Clock, TargetWriter, WriteRate
from dynamodb_restore.config import ReplayConfig
from dynamodb_restore.pipeline.claim import ClaimState, ClaimStore

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

_RESERVE_SECONDS = 5.0
"""Kept for noting progress and answering, after the last write has begun."""

_REST_SECONDS = 2
"""How long messages that come back stay hidden. Left alone they would stay so for the visibility timeout, minutes
in which their groups stand still: too long where only the time or the write rate of one invocation ran out."""


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
    metrics.add_dimension("table", config.source_table)
    try:
        return _replay(config, event["Records"], context)
    except aws.AwsError as error:
        if aws.classify(error) is aws.ErrorClass.GIVE_UP:
            metrics.add_metric("ReplayRefused", MetricUnit.Count, 1)
        raise


def _replay(
    config: ReplayConfig, records: Sequence[Mapping[str, Any]], context: LambdaContext
) -> dict[str, Any]:
    clients = aws.clients()
    claim = ClaimStore(clients, config.restore_table_name, config.source_table).current()
    if claim is None or claim.state is not ClaimState.REPLAYING:
        # The mapping is being disabled, or someone enabled it by hand: nothing is lost by waiting.
        logger.warning("no restore owns the pipeline for replay", messages=len(records))
        return _answer([record["messageId"] for record in records])
    remaining = context.get_remaining_time_in_millis() / 1000
    clock = Clock(
        monotonic=time.monotonic,
        sleep=time.sleep,
        deadline=time.monotonic() + remaining - _RESERVE_SECONDS,
        rng=random.Random(),
    )
    quarantine = Quarantine(clients, config.restore_table_name, claim.restore_id)
    progress = ProgressStore(clients, config.restore_table_name, config.source_table, config.buffer_id)
    rate = WriteRate(config.write_units_per_second, clock)
    replayed = replay(
        records,
        claim.window,
        TargetWriter(clients, config.source_table, claim.target, clock, rate),
        quarantine,
        frozenset(item_id(item.key) for item in quarantine.items()),
        lambda record, reason: _set_aside(clients, config, record, reason),
        progress.read(Side.REPLAYED).positions,
    )
    if replayed.positions:
        progress.advance(Side.REPLAYED, replayed.positions, changes=replayed.changes)
    _tell(replayed)
    _let_come_back_soon(clients, config, records, replayed.retry)
    return _answer(replayed.retry)


def _answer(message_ids: list[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def _let_come_back_soon(
    clients: aws.Clients,
    config: ReplayConfig,
    records: Sequence[Mapping[str, Any]],
    message_ids: Collection[str],
) -> None:
    """Shorten how long messages stay hidden; without it they come back all the same, only later."""
    entries = [
        {"Id": str(number), "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": _REST_SECONDS}
        for number, record in enumerate(records)
        if record["messageId"] in message_ids
    ]
    if not entries:
        return
    try:
        clients.sqs.change_message_visibility_batch(QueueUrl=config.buffer_url, Entries=entries)  # type: ignore[arg-type]
    except aws.AwsError as error:
        logger.warning("messages come back later", reason=aws.explain(error))


def _set_aside(clients: aws.Clients, config: ReplayConfig, record: Mapping[str, Any], reason: str) -> bool:
    """Copy a message that is no bundle to the FIFO DLQ with the reason; False where that failed."""
    logger.error("bundle set aside", message_id=record["messageId"], reason=reason)
    try:
        clients.sqs.send_message(
            QueueUrl=config.dead_letter_queue_url,
            MessageBody=record["body"],
            MessageGroupId=record["attributes"]["MessageGroupId"],
            MessageDeduplicationId=record["messageId"],
            MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:2000]}},
        )
    except aws.AwsError as error:
        logger.exception("the bundle could not be set aside", reason=aws.explain(error))
        return False
    return True


def _tell(replayed: Replayed) -> None:
    for name, count in (
        ("ChangesApplied", replayed.applied),
        ("ChangesSuperseded", replayed.superseded),
        ("ChangesOutsideWindow", replayed.outside),
        ("ChangesQuarantined", replayed.quarantined),
        ("BundlesSetAside", replayed.set_aside),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    if replayed.refused_for_good:
        # No retry mends what is wrong: an alarm tells somebody who can.
        metrics.add_metric("ReplayRefused", MetricUnit.Count, 1)
    if replayed.retry:
        logger.warning("messages come back", messages=len(replayed.retry), reason=replayed.problem)
