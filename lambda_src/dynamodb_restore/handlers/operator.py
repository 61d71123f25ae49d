"""The operator function: what a person does about a replay, or a setting that was held, by direct invocation.

Payloads, `table` being the source's name or ARN:

- `{"action": "status", "table": …}`
- `{"action": "cutover", "table": …, "settle_seconds": 10, "accept": [code, …], "force": false}`
- `{"action": "abandon", "table": …}`
- `{"action": "repair", "table": …}`
- `{"action": "bring_in", "table": …}`
- `{"action": "release", "target": the restored table's name or ARN, "settings": [setting, …]}`
- `{"action": "window", "table": …, "start": time, "end": time or null, "accept_present_images": false}`
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore.actions.abandon import abandon
from dynamodb_restore.actions.bring_in import bring_in
from dynamodb_restore.actions.context import OperatorError
from dynamodb_restore.actions.cutover import CutoverRequest, cutover
from dynamodb_restore.actions.release import release
from dynamodb_restore.actions.repair import repair
from dynamodb_restore.actions.status import status
from dynamodb_restore.actions.window import set_window
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.handlers.wiring import Wiring, table_here
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.registration import RegistrationError
from dynamodb_restore.restore.request import RequestError
from dynamodb_restore.settings.registry import setting_names

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

_SETTLE_SECONDS = 10.0
_LONGEST_SETTLE_SECONDS = 3600.0


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
    wiring = Wiring(WorkerConfig.from_environment(os.environ), context)
    try:
        answer = _act(wiring, event, context)
    except (OperatorError, RegistrationError, RequestError) as error:
        logger.warning("refused", reason=str(error))
        return {"error": str(error)}
    logger.info("done", action=event["action"], answer=answer)
    return answer


def _act(wiring: Wiring, event: Any, context: LambdaContext) -> dict[str, Any]:
    # Whatever was sent comes here; what is no object has no table either.
    if isinstance(event, Mapping) and event.get("action") == "release":
        target = _table(event, context, "target", "the restored table")
        return release(wiring.actions(), wiring.pipelines, target, _settings(event))
    table = _table(event, context, "table", "the source table")
    match event.get("action"):
        case "status":
            return status(wiring.actions(), _pipeline(wiring, table))
        case "cutover":
            request = CutoverRequest(_settle(event), _accepted(event), _flag(event, "force"))
            return cutover(wiring.actions(), _pipeline(wiring, table), request)
        case "abandon":
            return abandon(wiring.actions(), _pipeline(wiring, table))
        case "repair":
            return repair(wiring.actions(), _pipeline(wiring, table))
        case "bring_in":
            return bring_in(wiring.actions(), _pipeline(wiring, table))
        case "window":
            present_images = _flag(event, "accept_present_images")
            pipeline = _pipeline(wiring, table)
            start, end = event.get("start"), event.get("end")
            return set_window(pipeline, start, end, accept_present_images=present_images)
        case other:
            raise OperatorError(
                f"unknown action {other!r}: send status, cutover, abandon, repair, bring_in, window or release"
            )


def _pipeline(wiring: Wiring, table: str) -> Pipeline:
    pipeline = wiring.pipelines.open(table)
    if pipeline is None:
        raise OperatorError(
            f"{table} has no pipeline: add it to `change_pipelines`, or check the table's name"
        )
    return pipeline


def _table(event: Mapping[str, Any], context: LambdaContext, field: str, what: str) -> str:
    try:
        return table_here(event[field], context)
    except (KeyError, TypeError) as error:
        raise OperatorError(f'send "{field}": {what}\'s name or ARN') from error
    except ValueError as error:
        raise OperatorError(str(error)) from error


def _flag(event: Mapping[str, Any], name: str) -> bool:
    value = event.get(name, False)
    if not isinstance(value, bool):
        raise OperatorError(f'"{name}" must be true or false')
    return value


def _accepted(event: Mapping[str, Any]) -> list[str]:
    value = event.get("accept", [])
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise OperatorError('"accept" must be a list of the codes of obstacles, as `refused` shows them')
    return value


def _settings(event: Mapping[str, Any]) -> list[str]:
    try:
        return setting_names(event.get("settings", []))
    except ValueError as error:
        raise OperatorError(f'"settings": {error}') from error


def _settle(event: Mapping[str, Any]) -> float:
    value = event.get("settle_seconds", _SETTLE_SECONDS)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _LONGEST_SETTLE_SECONDS
    ):
        raise OperatorError(f'"settle_seconds" must be a number from 0 to {_LONGEST_SETTLE_SECONDS:g}')
    return float(value)
