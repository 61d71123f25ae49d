"""`{"action": "repair", "table": …}`: read the quarantined items from the source again and write them."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.context import ActionContext
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
