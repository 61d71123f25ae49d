"""`{"action": "abandon", "table": …}`: end a replay and leave the target as it is."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.context import ActionContext, claim_of, fenced
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline, gap_notes
from dynamodb_restore.restore.report import Result

_SETTINGS_LEFT = "settings that waited for cutover were not applied: invoke the restore worker on the two tables to apply them"


def abandon(context: ActionContext, pipeline: Pipeline) -> dict[str, Any]:
    """Release the pipeline and leave the target as it is.

    Before replay has begun, only the pipeline is given up: the restore's settings are still cloned.

    Raises:
        OperatorError: no restore owns the pipeline.
    """
    claim = claim_of(pipeline)
    if claim.state is ClaimState.CAPTURING:
        pipeline.end(claim, replayed=False)
        return {"released": f"no changes will be replayed into {claim.target}; its settings are still cloned"}
    # A restore that died before it wrote its record must not hold the pipeline for ever.
    record = context.record(claim)
    outcomes = record.outcomes if record else ()
    held = fenced(pipeline, claim, ClaimState.ABANDONING)
    notes = [*gap_notes(claim), _SETTINGS_LEFT]
    report = context.report(Result.ABANDONED, pipeline, held, record, outcomes, notes)
    context.end(pipeline, held, report)
    return report.as_json()
