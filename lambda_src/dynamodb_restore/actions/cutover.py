"""`{"action": "cutover", "table": …, "force": false, "settle_seconds": 10}`: make the target take over."""

from __future__ import annotations

from functools import partial
from typing import Any

from dynamodb_restore.actions.context import ActionContext, OperatorError, claim_of, fenced, restore_key
from dynamodb_restore.aws import TableRef
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline, gap_notes
from dynamodb_restore.restore.control import treatment_on_record
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.record import RestoreRecord
from dynamodb_restore.restore.report import overall
from dynamodb_restore.settings.setting import Table

_LOOK_SECONDS = 1.0
"""Between two looks at whether the buffer stays empty."""


def cutover(
    context: ActionContext, pipeline: Pipeline, *, force: bool, settle_seconds: float
) -> dict[str, Any]:
    """Make the target take over: refuse while it lacks anything, then finish its settings and let go.

    The caller has stopped writing to the source. Nothing new may be captured for `settle_seconds`, and
    the buffer must be empty then, so that the last writes are known to have arrived.

    Args:
        force: cut over although there are obstacles; they are in the report.

    Returns:
        The report (`Report.as_json`), or `{"refused": [why, …]}`.

    Raises:
        OperatorError: no restore owns the pipeline.
    """
    claim = claim_of(pipeline)
    obstacles: list[str] = []
    if claim.state is ClaimState.REPLAYING:
        obstacles = _settle(context, pipeline, claim, settle_seconds)
        if obstacles and not force:
            return {"refused": obstacles}
    elif claim.state is not ClaimState.CUTTING_OVER:
        return {"refused": [f"the restore into {claim.target} is {claim.state.value}, not replaying"]}
    record = context.record(claim)
    if record is None:
        raise OperatorError(f"the record of restore {claim.restore_id} is gone; abandon it")
    claim = fenced(pipeline, claim, ClaimState.CUTTING_OVER)
    outcomes = _finish_settings(context, pipeline, claim, record)
    notes = [*gap_notes(claim), *(f"cut over although {obstacle}" for obstacle in obstacles)]
    report = context.report(overall(outcomes), pipeline, claim, record, outcomes, notes)
    if any(outcome.retryable for outcome in outcomes if outcome.status is Status.FAILED):
        # The claim stays as it is, fenced: the same call again goes on from here.
        return {**report.as_json(), "next": "cutover again: some settings can still be applied"}
    context.end(pipeline, claim, report)
    return report.as_json()


def _settle(context: ActionContext, pipeline: Pipeline, claim: Claim, settle_seconds: float) -> list[str]:
    """Watch the buffer until nothing has come in for a while; say what stands in the way of cutover."""
    before, _ = pipeline.progress()
    watched = 0.0
    while watched < settle_seconds:
        look = min(_LOOK_SECONDS, settle_seconds - watched)
        context.cloner.pace.sleep(look)
        watched += look
    standing = pipeline.standing(claim)
    # Last: what was brought in, and so removed from the bucket, after the buffer was looked at has arrived by now.
    after, _ = pipeline.progress()
    obstacles = standing.obstacles
    if after.changes != before.changes:
        count = after.changes - before.changes
        obstacles.insert(
            0, f"{count} changes arrived within {settle_seconds:g} s: stop writing to {pipeline.source} first"
        )
    return obstacles


def _finish_settings(
    context: ActionContext, pipeline: Pipeline, claim: Claim, record: RestoreRecord
) -> list[Outcome]:
    """Apply what waited for cutover, and what failed before."""
    cloner = context.cloner
    target = Table(claim.target, cloner.clients, overrides=record.overrides)
    treated = treatment_on_record(context.config, record.request, record.settings)
    find_source = partial(cloner.source_table, TableRef(pipeline.source), pipeline)
    states = cloner.source_states(find_source, record.settings, treated)
    sync = cloner.sync(states, target, treated)
    return cloner.plan_and_carry_out(sync, restore_key(claim), record.plan)
