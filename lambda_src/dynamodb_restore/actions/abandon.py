"""`{"action": "abandon", "table": …}`: end a replay and leave the target as it is."""

from __future__ import annotations

from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action
from dynamodb_restore.actions.context import (
    CHANGED_MEANWHILE,
    LONGEST_FENCE_SECONDS,
    ActionContext,
    OperatorError,
    claim_of,
    fenced,
    restore_key,
)
from dynamodb_restore.actions.permissions import REPORT, SWITCH_MAPPINGS, on_records
from dynamodb_restore.instants import iso
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline, gap_notes
from dynamodb_restore.restore.record import note_without_replay
from dynamodb_restore.restore.report import Result

_SETTINGS_LEFT = "settings that waited for cutover were not applied: invoke the restore worker on the two tables to apply them"


def abandon(context: ActionContext, pipeline: Pipeline) -> dict[str, Any]:
    """Release the pipeline and leave the target as it is.

    Before replay has begun, only the pipeline is released: the restore's settings are still cloned. Afterwards the end
    is reported once no invocation of replay can write any more.

    Returns:
        The report (`Report.as_json`); `{"released": what that means}`; or `{"settling_until": instant, "next": …}`
        where the function cannot wait for that long.

    Raises:
        OperatorError: no restore owns the pipeline, or it changed meanwhile.
    """
    claim = claim_of(pipeline)
    if claim.has_replayed_nothing:
        # First, because it must also apply if the restore is given up and its message redriven. If the claim has changed in
        # the meantime, it does no harm: a replay that has begun continues.
        note_without_replay(context.cloner.clients, context.config.restore_table_name, restore_key(claim))
        if not pipeline.give_up(claim):
            raise OperatorError(CHANGED_MEANWHILE)
        return {"released": f"no changes will be replayed into {claim.target}; its settings are still cloned"}
    if claim.state is ClaimState.WATCHING:
        late = pipeline.end_watch(claim)
        return {"released": f"{claim.target} was cut over; {late} changes were captured since"}
    # A restore that ended before it wrote its record must not keep the pipeline forever.
    record = context.record(claim)
    outcomes = record.outcomes if record else ()
    held = fenced(pipeline, claim, ClaimState.ABANDONING)
    fenced_from = pipeline.fenced_from(held)
    if not context.wait_until(fenced_from, LONGEST_FENCE_SECONDS):
        return {"settling_until": iso(fenced_from), "next": "call abandon again from then on"}
    notes = [*gap_notes(claim), _SETTINGS_LEFT]
    report = context.report(Result.ABANDONED, pipeline, held, record, outcomes, notes)
    told = context.tell(held, report)
    pipeline.end(held, replayed=True)
    return told


ACTION = Action(
    name="abandon",
    summary=(
        "Stops replay and releases the pipeline; the restored table stays as it is. A restore that was given up and is"
        " redriven claims the pipeline anew, with the window that was chosen for it. After a cutover it ends the watch."
    ),
    fields=(SOURCE_TABLE,),
    permissions=(on_records("GetItem", "Query", "PutItem", "DeleteItem"), *SWITCH_MAPPINGS, *REPORT),
    run=lambda call: abandon(call.context, call.open_pipeline()),
)
