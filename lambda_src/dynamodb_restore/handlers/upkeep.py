"""The upkeep function: checks one pipeline every few minutes, and writes items for the operator function.

Its EventBridge rule sends `{"action": "upkeep"}`; the operator function sends `{"action": "repair", "seconds": 270}` or
`{"action": "bring_in", "seconds": 270}`.
"""

from __future__ import annotations

import math
import os
import random
import time
import uuid
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.changes.capture import CaptureOptions
from dynamodb_restore.config import UpkeepConfig
from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.metrics import Metric
from dynamodb_restore.pace import Clock, parallel_calls
from dynamodb_restore.payload import Field, PayloadError, number, read_action, read_fields
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
"""Time left when no more work is started: first for the call that is under way, then for storing results."""


_ACTIONS = ("upkeep", "repair", "bring_in")

_FIELDS = (
    Field(
        "seconds",
        number(0, 900),
        "how long the caller waits for the answer; as long as the function may run where it is not sent",
        default=math.inf,
        example=270,
    ),
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
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
    except (NotReplayingError, PayloadError, RegistrationError) as error:
        logger.warning("refused", reason=str(error))
        return {"error": str(error)}
    logger.info("done", action=event["action"], answer=answer)
    return answer


def _act(config: UpkeepConfig, event: Any, context: LambdaContext) -> dict[str, Any]:
    action = read_action(event, _ACTIONS)
    seconds = read_fields(event, _FIELDS, f"`{action}`", beside=("action",))["seconds"]
    clients = aws.clients()
    pipeline, clock = _pipeline(config, clients), _clock(seconds, context)
    match action:
        case "repair":
            return repair(clients, pipeline, clock)
        case "bring_in":
            return _bring_in(config, clients, pipeline, clock)
        case _:
            return _upkeep(config, clients, pipeline, clock)


def _upkeep(config: UpkeepConfig, clients: aws.Clients, pipeline: Pipeline, clock: Clock) -> dict[str, Any]:
    def tell_late(claim: Claim, changes: int) -> None:
        logger.error("changes after cutover", target=claim.target, changes=changes)
        publish(metrics, Metric.CHANGES_AFTER_CUTOVER, changes)
        key = RestoreKey(claim.target, claim.restore_id)
        note_late_changes(clients, config.restore_table_name, key, changes)

    with parallel_calls() as calls:
        report = upkeep(clients, pipeline, clock, calls, tell_late)
    if report.misdirected is not None:
        logger.error("capture is misdirected", reason=report.misdirected)
        publish(metrics, Metric.CAPTURE_MISDIRECTED, 1)
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
    publish(metrics, Metric.CHANGES_BROUGHT_IN, brought.changes)
    return brought.as_json()


def _pipeline(config: UpkeepConfig, clients: aws.Clients) -> Pipeline:
    pipeline = Pipelines(clients, config.restore_table_name, lambda: datetime.now(UTC)).open(
        config.source_table
    )
    if pipeline is None:
        # Terraform makes the registration before the rule, and takes it away after it.
        raise RegistrationError(f"{config.source_table} has no pipeline: run `terraform apply` again")
    return pipeline


def _clock(seconds: float, context: LambdaContext) -> Clock:
    """Time for more work: within this function's own time, and the seconds that the caller waits."""
    left = context.get_remaining_time_in_millis() / 1000
    return Clock(
        monotonic=time.monotonic,
        sleep=time.sleep,
        deadline=time.monotonic() + min(left, seconds) - _RESERVE_SECONDS,
        rng=random.Random(),
        now=time.time,
        reserve_seconds=_RESERVE_SECONDS,
    )
