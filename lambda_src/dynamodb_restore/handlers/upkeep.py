"""The upkeep function: looks after one pipeline every few minutes, and touches items for the operator function.

Payloads:

- `{"action": "upkeep"}`, from its EventBridge rule
- `{"action": "repair", "seconds": 270}`, `{"action": "bring_in", "seconds": 270}`, from the operator function, where
  `seconds` is how long that waits for the answer
"""

from __future__ import annotations

import os
import random
import time
import uuid
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from dynamodb_restore import aws
from dynamodb_restore.changes.capture import CaptureOptions
from dynamodb_restore.changes.clock import Clock, parallel_calls
from dynamodb_restore.config import UpkeepConfig
from dynamodb_restore.pipeline.bring_in import bring_in, sender
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.pipeline.registration import RegistrationError
from dynamodb_restore.pipeline.repair import repair
from dynamodb_restore.pipeline.replaying import NotReplayingError
from dynamodb_restore.pipeline.upkeep import upkeep
from dynamodb_restore.restore.record import RestoreKey, note_late_changes

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

# A run that finds nothing to do has nothing to count.
warnings.filterwarnings("ignore", "No application metrics to publish")

_RESERVE_SECONDS = 3 * aws.CALL_SECONDS
"""Left when no more work is begun: for the call that was begun last, and in the second half for what has to be noted."""


class _RequestError(Exception):
    """The payload makes no sense; the text says what would."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; never raises for what a caller sends.

    Returns:
        The action's answer, or `{"error": what to do instead}`.

    Raises:
        ClientError, BotoCoreError: from AWS; the same call can be made again.
        ConfigError: the function's environment is incomplete.
    """
    config = UpkeepConfig.from_environment(os.environ)
    metrics.add_dimension("table", config.source_table)
    try:
        answer = _act(config, event, context)
    except (NotReplayingError, RegistrationError, _RequestError) as error:
        logger.warning("refused", reason=str(error))
        return {"error": str(error)}
    logger.info("done", action=event["action"], answer=answer)
    return answer


def _act(config: UpkeepConfig, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    clients = aws.clients()
    match event.get("action"):
        case "upkeep":
            return _upkeep(config, clients, _pipeline(config, clients), _clock(event, context))
        case "repair":
            return repair(clients, _pipeline(config, clients), _clock(event, context))
        case "bring_in":
            return _bring_in(config, clients, _pipeline(config, clients), _clock(event, context))
        case other:
            raise _RequestError(f"unknown action {other!r}: send upkeep, repair or bring_in")


def _upkeep(config: UpkeepConfig, clients: aws.Clients, pipeline: Pipeline, clock: Clock) -> dict[str, Any]:
    def tell_late(claim: Claim, changes: int) -> None:
        logger.error("changes after cutover", target=claim.target, changes=changes)
        metrics.add_metric("ChangesAfterCutover", MetricUnit.Count, changes)
        key = RestoreKey(claim.target, claim.restore_id)
        note_late_changes(clients, config.restore_table_name, key, changes)

    with parallel_calls() as calls:
        report = upkeep(clients, pipeline, clock, calls, tell_late)
    if report.misdirected is not None:
        logger.error("capture is misdirected", reason=report.misdirected)
        metrics.add_metric("CaptureMisdirected", MetricUnit.Count, 1)
    if report.owner_not_noted is not None:
        logger.warning("a plan is not told who owns the pipeline", reason=report.owner_not_noted)
    return report.as_json()


def _bring_in(config: UpkeepConfig, clients: aws.Clients, pipeline: Pipeline, clock: Clock) -> dict[str, Any]:
    registration = pipeline.registration
    options = CaptureOptions(
        buffer_url=registration.buffer_url,
        group_count=config.group_count,
        byte_limit=config.byte_limit,
        keep_expiries=True,
    )

    send = sender(
        clients,
        options,
        nonce=lambda: uuid.uuid4().hex,
        now=time.time,
        sleep=time.sleep,
        rng=random.Random(),
    )
    brought = bring_in(clients, pipeline, send, enough_time=lambda: not clock.expired)
    metrics.add_metric("ChangesBroughtIn", MetricUnit.Count, brought.changes)
    return brought.as_json()


def _pipeline(config: UpkeepConfig, clients: aws.Clients) -> Pipeline:
    pipeline = Pipelines(clients, config.restore_table_name, lambda: datetime.now(UTC)).open(
        config.source_table
    )
    if pipeline is None:
        # Terraform makes the registration before the rule, and takes it away after it.
        raise RegistrationError(f"{config.source_table} has no pipeline: run `terraform apply` again")
    return pipeline


def _clock(event: Mapping[str, Any], context: LambdaContext) -> Clock:
    """Time for more work: within this function's own time, and the time that the caller waits.

    Raises:
        _RequestError: `seconds` is no number.
    """
    left = context.get_remaining_time_in_millis() / 1000
    seconds = event.get("seconds", left)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _RequestError('"seconds" must be a number: how long the answer is waited for')
    return Clock(
        monotonic=time.monotonic,
        sleep=time.sleep,
        deadline=time.monotonic() + min(left, seconds) - _RESERVE_SECONDS,
        rng=random.Random(),
        now=time.time,
        reserve_seconds=_RESERVE_SECONDS,
    )
