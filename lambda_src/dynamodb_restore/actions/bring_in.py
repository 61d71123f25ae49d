"""`{"action": "bring_in", "table": …}`: put changes back into the buffer that were set aside or given up."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action
from dynamodb_restore.actions.context import ActionContext
from dynamodb_restore.actions.permissions import ASK_UPKEEP
from dynamodb_restore.actions.upkeep_function import ask_upkeep
from dynamodb_restore.pipeline.pipeline import Pipeline


def bring_in(context: ActionContext, pipeline: Pipeline) -> dict[str, Any]:
    """Have the pipeline's upkeep function bring in (`pipeline.bring_in`).

    Returns:
        `BroughtIn.as_json`.

    Raises:
        OperatorError: no restore replays, its window has an end, or upkeep failed.
    """
    return ask_upkeep(context, pipeline, "bring_in")


ACTION = Action(
    name="bring_in",
    summary="Puts changes back into the buffer that capture gave up or SQS moved aside, once the cause is mended.",
    fields=(SOURCE_TABLE,),
    permissions=ASK_UPKEEP,
    run=lambda call: bring_in(call.context, call.open_pipeline()),
)
