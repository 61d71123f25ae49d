"""`{"action": "repair", "table": …}`: read the quarantined items from the source again and write them."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action
from dynamodb_restore.actions.context import ActionContext
from dynamodb_restore.actions.permissions import ASK_UPKEEP
from dynamodb_restore.actions.upkeep_function import ask_upkeep
from dynamodb_restore.pipeline.pipeline import Pipeline


def repair(context: ActionContext, pipeline: Pipeline) -> dict[str, Any]:
    """Have the pipeline's upkeep function repair (`pipeline.repair`).

    Returns:
        `{"repaired": count, "refused": [{"key", "reason"}, …], "more_refused": count}`, and where time ran out also
        `{"more": True, "next": "repair again"}`.

    Raises:
        OperatorError: no restore replays, its window has an end, or upkeep failed.
    """
    return ask_upkeep(context, pipeline, "repair")


ACTION = Action(
    name="repair",
    summary=(
        "Reads the items in quarantine from the source again and writes them, once what refused them is mended. Where it"
        ' answers `"more": true`, time ran out: call it again.'
    ),
    fields=(SOURCE_TABLE,),
    permissions=ASK_UPKEEP,
    run=lambda call: repair(call.context, call.open_pipeline()),
)
