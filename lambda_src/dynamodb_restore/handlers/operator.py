"""The operator function: actions on a replay, or on a held setting, by direct invocation.

The payload names an action of `actions.registry` and has that action's fields: `{"action": "status", "table": "orders"}`.
docs/operator-actions.md lists them all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from dynamodb_restore import aws
from dynamodb_restore.actions.action import ActionCall
from dynamodb_restore.actions.context import OperatorError
from dynamodb_restore.actions.registry import ACTIONS
from dynamodb_restore.aws import TableRef
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.configuration import ConfigurationMissingError
from dynamodb_restore.handlers.wiring import Wiring, table_here
from dynamodb_restore.payload import PayloadError, read_action, read_fields
from dynamodb_restore.pipeline.registration import RegistrationError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Powertools keeps these across invocations on purpose.
logger = Logger()
metrics = Metrics()

_BY_NAME = {action.name: action for action in ACTIONS}


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; never raises for what a caller sends.

    Returns:
        The action's answer, or `{"error": what to do instead}`.

    Raises:
        ClientError, BotoCoreError: from AWS; the same call can be made again.
        ConfigError: what Terraform tells the function is incomplete.
    """
    clients = aws.clients()
    try:
        wiring = Wiring(WorkerConfig.load(os.environ, clients), clients, context)
        action = _BY_NAME[read_action(event, _BY_NAME)]
        values = read_fields(event, action.fields, f"`{action.name}`", beside=("action",))
        here = {
            name: table_here(value, context) if isinstance(value, TableRef) else value
            for name, value in values.items()
        }
        answer = action.run(ActionCall(wiring.actions(), wiring.pipelines, here))
    except (ConfigurationMissingError, OperatorError, PayloadError, RegistrationError) as error:
        logger.warning("refused", reason=str(error))
        return {"error": str(error)}
    logger.info("done", action=action.name, answer=answer)
    return answer
