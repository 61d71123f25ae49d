"""Invokes a pipeline's upkeep function for work on items: its role may write items, the operator function's may not."""

from __future__ import annotations

import json
from typing import Any

from dynamodb_restore.actions.context import ActionContext, OperatorError
from dynamodb_restore.aws import AwsError, explain
from dynamodb_restore.pipeline.pipeline import Pipeline

_MARGIN_SECONDS = 15.0
"""Left for this function to answer after upkeep has."""


def ask_upkeep(context: ActionContext, pipeline: Pipeline, action: str) -> dict[str, Any]:
    """Invoke the upkeep function and wait for its answer.

    It gets the time that its caller waits, and stops before that. There are no automatic retries: an invocation that seems
    to have failed may still be running.

    Returns:
        What it answered.

    Raises:
        OperatorError: it could not be invoked, failed, did not answer, or refused; the text says what to do.
    """
    seconds = int(context.cloner.pace.remaining_seconds() - _MARGIN_SECONDS)
    payload = json.dumps({"action": action, "seconds": max(0, seconds)}).encode()
    function = pipeline.registration.upkeep_function
    try:
        answer = context.cloner.clients.lambda_invoking.invoke(FunctionName=function, Payload=payload)
        content: Any = json.loads(answer["Payload"].read())
    except AwsError as error:
        raise OperatorError(
            f"{function} did not answer: {explain(error)}; what it has done stays done, so mend that and {action} again"
        ) from error
    if answer.get("FunctionError"):
        reason = content.get("errorMessage", content) if isinstance(content, dict) else content
        raise OperatorError(
            f"{function} failed: {reason}; what it has done stays done, so look at its log and {action} again"
        )
    result: dict[str, Any] = content
    if "error" in result:
        raise OperatorError(result["error"])
    return result
