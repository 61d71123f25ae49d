"""The restore worker: messages of the restore queue, or a direct invocation on any two tables.

Direct invocation: a payload with the fields of `FIELDS` returns the report (`Report.as_json`).
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.configuration import ConfigurationMissingError
from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.handlers.wiring import Wiring, check_place, table_here
from dynamodb_restore.metrics import Metric
from dynamodb_restore.pace import ENDING_SECONDS
from dynamodb_restore.payload import (
    FLAG,
    TABLE,
    Field,
    Kind,
    PayloadError,
    or_null,
    read_fields,
    text,
)
from dynamodb_restore.restore.delivery import (
    Delivery,
    Finished,
    GivenUp,
    NothingToDo,
    NotSetAside,
    TryAgain,
    Untold,
    Verdict,
)
from dynamodb_restore.restore.origin import NotKnownYet, RestoreJobFailed, find_origin
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import NothingToFollow, RequestError, RestoreRequest, Sighting
from dynamodb_restore.restore.request_events import parse_message
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.settings.registry import setting_names
from dynamodb_restore.settings.setting import TableGoneError
from dynamodb_restore.sync.outcome import Status

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()


_APPLY_SECONDS = 60
"""Within which an apply that has replaced the configuration updates the function too."""

FIELDS = (
    Field("source", TABLE, "the name or ARN of the table whose settings are to be had", example="orders"),
    Field("target", TABLE, "the name or ARN of the table that is to have them", example="orders-restored"),
    Field("dry_run", FLAG, "whether to compare only, and to change nothing", default=False, example=True),
    # Lambda does not tell a function who invokes it, so nothing verifies this.
    Field("requested_by", or_null(text(256)), "who asks, for the report", default=None, example="ana"),
    Field(
        "release",
        Kind("list of names of settings", setting_names),
        "settings that are not to wait for an operator, whatever an override holds",
        default=(),
        example=["ttl"],
    ),
)
"""The payload of a direct invocation."""


class InvocationError(Exception):
    """A direct invocation that cannot be carried out; the text says what to send instead."""


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point.

    Returns:
        For messages: `{"batchItemFailures": [{"itemIdentifier": id}, …]}` with those that are to come back
        (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). For a direct invocation: the report.

    Raises:
        InvocationError: a direct invocation with missing fields or unknown tables.
        ConfigError: what Terraform tells the function is incomplete.
        ConfigurationMissingError: an apply replaces it right now; the messages come back within a minute, when the function
            knows of the new one.
        ClientError, BotoCoreError: it could not be read; the messages come back within a minute.
    """
    clients = aws.clients()
    try:
        config = WorkerConfig.load(os.environ, clients)
    except (ConfigurationMissingError, *aws.AwsError):
        _bring_back_soon(event, clients)
        raise
    wiring = Wiring(config, clients, context)
    with wiring.limited_calls():
        return _answer(event, wiring, context)


def _bring_back_soon(event: Any, clients: aws.Clients) -> None:
    """Have messages, where the event has some, come back long before the queue's own visibility timeout ends."""
    if isinstance(event, Mapping):
        for message in event.get("Records", ()):
            _hide(clients, os.environ["RESTORE_QUEUE_URL"], message, _APPLY_SECONDS)


def _answer(event: Any, wiring: Wiring, context: LambdaContext) -> dict[str, Any]:
    if not isinstance(event, Mapping):
        names = ", ".join(field.name for field in FIELDS)
        raise InvocationError(f"send an object with the fields {names}; got {event!r:.100}")
    if "Records" not in event:
        return _invoked(event, wiring, context)
    queue = _Queue(wiring.config, wiring.clients)
    worker = wiring.worker()
    failures = [
        {"itemIdentifier": message["messageId"]}
        for message in event["Records"]
        if not _handle_message(message, worker, queue)
    ]
    return {"batchItemFailures": failures}


def _invoked(event: Mapping[str, Any], wiring: Wiring, context: LambdaContext) -> dict[str, Any]:
    try:
        values = read_fields(event, FIELDS, "a direct invocation")
        source, target = values.pop("source"), table_here(values.pop("target"), context)
        check_place(source, context, wiring.config.source_regions)
    except PayloadError as error:
        raise InvocationError(str(error)) from error
    if source.name == target and source.region in (None, wiring.clients.region):
        raise InvocationError(f"source and target are both {target}")
    try:
        report = wiring.direct_clone().run(source, target, **values)
    except TableGoneError as error:
        raise InvocationError(str(error)) from error
    _log_report(report)
    return report.within().as_json()


def _handle_message(message: Mapping[str, Any], worker: Worker, queue: _Queue) -> bool:
    """Handle one message of the restore queue; False asks Lambda to leave it on the queue."""
    attempt = int(message["attributes"]["ApproximateReceiveCount"])
    try:
        verdict = _verdict(message, attempt, worker)
    except NothingToFollow as nothing:
        logger.info("nothing to follow", reason=str(nothing))
        publish(metrics, Metric.EVENTS_IGNORED, 1)
        return True
    match verdict:
        case TryAgain(reason, delay_seconds):
            logger.info("coming back later", reason=reason, delay_seconds=round(delay_seconds, 1))
            queue.hide(message, delay_seconds)
            return False
        case Untold(reason, delay_seconds, report, not_told):
            logger.error("the restore has ended, and somebody was not told", reason=reason)
            publish(metrics, Metric.REPORTS_UNTOLD, 1)
            if report is not None:
                _log_report(report)
                _log_not_told(not_told)
            queue.hide(message, delay_seconds)
            return False
        case GivenUp(report=report, not_told=not_told):
            _log_report(report)
            _log_not_told(not_told)
            return _set_aside(message, verdict, worker, queue)
        case NotSetAside():
            return _set_aside(message, verdict, worker, queue)
        case NothingToDo(reason):
            logger.info("nothing left to do", reason=reason)
            return True
        case Finished(report, not_told):
            _log_report(report)
            _log_not_told(not_told)
            return True


def _set_aside(
    message: Mapping[str, Any], verdict: GivenUp | NotSetAside, worker: Worker, queue: _Queue
) -> bool:
    if not queue.set_aside(message, verdict.code, verdict.reason, verdict.report, verdict.number):
        return False
    worker.giving_up.note_set_aside(verdict)
    return True


def _verdict(message: Mapping[str, Any], attempt: int, worker: Worker) -> Verdict:
    """The verdict on a message; an error in this code is a verdict that names it.

    Raises:
        NothingToFollow: there is no restore behind it.
    """
    seen: RestoreRequest | Sighting | None = None
    try:
        seen = parse_message(message["body"])
        request = _completed(seen, worker) if isinstance(seen, Sighting) else seen
    except RestoreJobFailed as failed:
        return _job_failed(failed, seen, message, attempt, worker)
    except NothingToFollow:
        raise
    except RequestError as error:
        publish(metrics, Metric.EVENTS_MALFORMED, 1)
        return worker.giving_up.message(_sighting(seen), error.reason, str(error), attempt)
    except NotKnownYet as problem:
        return _origin_unknown(seen, ReasonCode.STILL_WAITING, str(problem), attempt, worker)
    except aws.AwsError as error:
        retryable = aws.classify(error) is aws.ErrorClass.RETRY
        hint = aws.retry_after(error) or 0.0
        reason = aws.explain(error)
        return _origin_unknown(
            seen, ReasonCode.AWS_ERROR, reason, attempt, worker, retryable=retryable, hint=hint
        )
    # An unexpected error must reach a person with its reason, and not be retried until SQS moves the message.
    except Exception as error:
        logger.exception("unexpected error")
        return _origin_unknown(seen, ReasonCode.UNEXPECTED_ERROR, _named(error), attempt, worker)
    logger.append_keys(source=request.source.name, target=request.target.name, attempt=attempt)
    # `set_aside` gave it that attribute, and a redrive keeps it.
    attributes = message.get("messageAttributes", {})
    redriven = "reason" in attributes
    give_up = int(attributes.get("give_up", {}).get("stringValue", "0"))
    delivery = Delivery(request, attempt, message["messageId"], redriven, give_up)
    try:
        return worker.follow(delivery)
    # The same.
    except Exception as error:
        logger.exception("unexpected error")
        return worker.failed(delivery, ReasonCode.UNEXPECTED_ERROR, _named(error), retryable=True)


def _job_failed(
    failed: RestoreJobFailed,
    seen: RestoreRequest | Sighting | None,
    message: Mapping[str, Any],
    attempt: int,
    worker: Worker,
) -> Verdict:
    """The verdict on a job without a table: if it was followed, it is given up, and releases the source's pipeline.

    Raises:
        NothingToFollow: nothing was.
    """
    followed = worker.giving_up.followed_by(failed.target, seen.event_id) if failed.target and seen else None
    if followed is None:
        raise failed
    delivery = Delivery(followed, attempt, message["messageId"])
    return worker.failed(delivery, ReasonCode.JOB_FAILED, str(failed), retryable=False)


def _completed(seen: Sighting, worker: Worker) -> RestoreRequest:
    """`find_origin`, with time kept to tell of its failure."""
    clients = worker.cloner.clients
    with clients.call_time.keeping(ENDING_SECONDS):
        return find_origin(clients, seen, worker.config.source_regions, worker.records.get)


def _sighting(seen: RestoreRequest | Sighting | None) -> Sighting | None:
    return seen if isinstance(seen, Sighting) else None


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _origin_unknown(
    seen: RestoreRequest | Sighting | None,
    code: ReasonCode,
    reason: str,
    attempt: int,
    worker: Worker,
    *,
    retryable: bool = True,
    hint: float = 0.0,
) -> Verdict:
    """AWS has not said yet, or does not say, what is being restored.

    Args:
        hint: how long the service asked its caller to wait, in seconds.
    """
    polling = worker.config.polling
    if retryable and attempt < polling.max_attempts:
        return TryAgain(reason, max(polling.backoff.delay(attempt, random.Random()), hint))
    publish(metrics, Metric.ORIGINS_UNKNOWN, 1)
    return worker.giving_up.message(_sighting(seen), code, reason, attempt)


def _hide(clients: aws.Clients, queue_url: str, message: Mapping[str, Any], delay_seconds: float) -> None:
    """Change the visibility timeout of a message.

    It survives the report of a failed item, so the same message comes back
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html). Where
    this call fails, the queue's own visibility timeout brings the message back all the same.
    """
    try:
        clients.sqs.change_message_visibility(
            QueueUrl=queue_url,
            ReceiptHandle=message["receiptHandle"],
            VisibilityTimeout=round(delay_seconds),
        )
    except aws.AwsError as error:
        logger.warning("the delay could not be set", reason=aws.explain(error))


@dataclass(frozen=True)
class _Queue:
    """What becomes of a message that is not done with."""

    config: WorkerConfig
    clients: aws.Clients

    def hide(self, message: Mapping[str, Any], delay_seconds: float) -> None:
        """Extend the visibility timeout of the message; see `_hide`."""
        with self.clients.call_time.keeping(0):
            _hide(self.clients, self.config.restore_queue_url, message, delay_seconds)

    def set_aside(
        self,
        message: Mapping[str, Any],
        code: str,
        reason: str,
        report: Report,
        give_up: int = 0,
    ) -> bool:
        """Copy the message to the secondary DLQ with the reason; False where even that failed."""
        logger.error("given up", code=code, reason=reason)
        attributes = {
            "reason": code,
            "detail": reason,
            "attempts": str(report.attempts),
            "source_table": report.source or "",
            "target_table": report.target or "",
            # By this number the restore is resumed, once.
            "give_up": str(give_up) if give_up else "",
        }
        try:
            with self.clients.call_time.keeping(0):
                self.clients.sqs.send_message(
                    QueueUrl=self.config.dead_letter_queue_url,
                    MessageBody=message["body"],
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value[:2000]}
                        for name, value in attributes.items()
                        # SQS refuses an attribute without a value.
                        if value
                    },
                )
        except aws.AwsError as error:
            # The message stays in the queue; the redrive policy of the queue is the safety net.
            logger.exception("the message could not be set aside", reason=aws.explain(error))
            return False
        return True


def _log_not_told(reason: str | None) -> None:
    if reason is not None:
        logger.warning("what names the source was not told", reason=reason)


def _log_report(report: Report) -> None:
    logger.info("report", report=report.within().as_json())
    publish(metrics, Metric(f"Restores{report.result.name.title().replace('_', '')}"), 1)
    for status in (Status.APPLIED, Status.FAILED):
        count = sum(outcome.status is status for outcome in report.outcomes)
        if count:
            publish(metrics, Metric(f"Settings{status.name.title()}"), count)
    if report.left_out:
        publish(metrics, Metric.SETTINGS_LEFT_OUT, len(report.left_out))
    if report.result is Result.SYNCED and report.requested_at:
        seconds = (report.finished_at - report.requested_at).total_seconds()
        publish(metrics, Metric.SECONDS_FROM_REQUEST_TO_SYNCED, seconds)
