"""Cutover: make the target take over.

`{"action": "cutover", "table": …, "settle_seconds": 10, "accept": [code, …], "force": false}`
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dynamodb_restore.actions.context import (
    CHANGED_MEANWHILE,
    LONGEST_FENCE_SECONDS,
    ActionContext,
    OperatorError,
    claim_of,
    fenced,
    restore_key,
)
from dynamodb_restore.instants import iso, iso_of
from dynamodb_restore.pipeline.claim import Captured, Claim, ClaimState
from dynamodb_restore.pipeline.mapping import made_at
from dynamodb_restore.pipeline.obstacles import ACCEPTABLE, Obstacle, ObstacleCode
from dynamodb_restore.pipeline.pipeline import Pipeline, gap_notes
from dynamodb_restore.pipeline.standing import Standing, not_replaying, settled_at
from dynamodb_restore.restore import refusals
from dynamodb_restore.restore.control import treatment_on_record
from dynamodb_restore.restore.expiries import expiry_notes
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.record import RestoreRecord
from dynamodb_restore.restore.report import overall
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.sync import Desired
from dynamodb_restore.settings.setting import Identity, Table, TableGoneError

_LONGEST_WAIT_SECONDS = 60.0
"""How long the function itself waits for something; for anything longer it is to be called again."""

_STALE_SECONDS = 7200
"""After this a wait that nobody came back to is forgotten, and the next cutover begins to wait anew: the longest wait
that can be asked for, and an hour."""

_END_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class CutoverRequest:
    """What a person asked for.

    Attributes:
        settle_seconds: how long nothing new may be captured, at least.
        accept: codes of the obstacles that do not count.
        force: whether none counts.
    """

    settle_seconds: float
    accept: Collection[str] = ()
    force: bool = False

    def __post_init__(self) -> None:
        unknown = sorted(set(self.accept) - set(ACCEPTABLE))
        if unknown:
            raise OperatorError(
                f"no such obstacle: {', '.join(unknown)}; `accept` takes {', '.join(ACCEPTABLE)}"
            )

    def accepts(self, obstacle: Obstacle) -> bool:
        """Whether cutover goes on in spite of an obstacle."""
        acceptable = obstacle.code.value in ACCEPTABLE
        return acceptable and (self.force or obstacle.code.value in self.accept)


def cutover(context: ActionContext, pipeline: Pipeline, request: CutoverRequest) -> dict[str, Any]:
    """Make the target take over: refuse while it lacks anything, then finish its settings and let go.

    The caller has stopped writing to the source. From the first call on nothing new may be captured until it has
    settled, and the buffer must be empty then, so that the last writes are known to have arrived. Where that takes longer
    than the function can wait, the answer says when to call again, and the call goes on from there.

    Returns:
        The report (`Report.as_json`), with `afterwards` once it is cut over; `{"refused": [{"code", "reason"}, …]}`; or
        `{"settling_until": instant, "next": …}`.

    Raises:
        OperatorError: no restore owns the pipeline.
    """
    claim = claim_of(pipeline)
    accepted: list[Obstacle] = []
    if claim.state is ClaimState.REPLAYING:
        settled = _settle(context, pipeline, claim, request)
        if isinstance(settled, datetime):
            again = "stop writing to the source, and call cutover again from then on"
            return {"settling_until": iso(settled), "next": again}
        claim, obstacles = settled
        accepted = [obstacle for obstacle in obstacles if request.accepts(obstacle)]
        if refused := [obstacle for obstacle in obstacles if obstacle not in accepted]:
            return {"refused": [obstacle.as_json() for obstacle in refused]}
    elif claim.state is not ClaimState.CUTTING_OVER:
        return {"refused": [not_replaying(claim).as_json()]}
    record = context.record(claim)
    if record is None:
        raise OperatorError(f"the record of restore {claim.restore_id} is gone; abandon it")
    return _take_over(context, pipeline, claim, record, accepted)


def _settle(
    context: ActionContext, pipeline: Pipeline, claim: Claim, request: CutoverRequest
) -> datetime | tuple[Claim, list[Obstacle]]:
    """Wait until nothing can be on its way unseen.

    Returns:
        From when on to call again; or the claim, and what stands in the way of cutover.
    """
    captured, _ = pipeline.progress()
    now = math.ceil(context.now().timestamp())
    settling, stopped_at = claim.settling, claim.stopped_at
    if settling is None or now - settling.at > _STALE_SECONDS:
        settling, stopped_at = Captured(now, captured.changes), None
    elif settling.changes != captured.changes:
        claim = _noted(pipeline, claim, Captured(now, captured.changes), None)
        count = captured.changes - settling.changes
        return claim, [_still_written(pipeline, count, settling), *pipeline.standing(claim).obstacles()]
    # Who is refused, or gets no answer, may let the writers go on, and the next call has to wait anew. Only an answer that
    # says when to call again gives this back.
    claim = _noted(pipeline, claim, settling, None)
    since = now if stopped_at is None else stopped_at
    standing = pipeline.standing(claim)
    # Looked at again after each wait: a mapping may have been changed meanwhile.
    while (until := _settled_at(context, standing, since, now, request.settle_seconds)) > context.now():
        if not context.wait_until(until, _LONGEST_WAIT_SECONDS):
            _noted(pipeline, claim, settling, since)
            return until
        standing = pipeline.standing(claim)
    # Last: what was brought in, and so removed from the bucket, after the buffer was looked at has arrived by now.
    after, _ = pipeline.progress()
    obstacles = standing.obstacles()
    if after.changes != settling.changes:
        obstacles.insert(0, _still_written(pipeline, after.changes - settling.changes, settling))
        settling = Captured(math.ceil(context.now().timestamp()), after.changes)
        claim = _noted(pipeline, claim, settling, None)
    return claim, obstacles


def _settled_at(
    context: ActionContext, standing: Standing, since: int, called_at: int, settle_seconds: float
) -> datetime:
    """From when on nothing can be on its way unseen of what was written before `since`, when the writers were to stop.

    Where the function itself can wait for as long, nothing of what was written before this call either: a person who was
    told to call again may have stopped the writers only just now.
    """
    until = settled_at(standing, since, settle_seconds)
    longer = max(until, datetime.fromtimestamp(called_at + standing.handed_out_after, UTC))
    waits = standing.handed_out_after <= _LONGEST_WAIT_SECONDS
    return longer if waits and context.can_wait_until(longer, _LONGEST_WAIT_SECONDS) else until


def _noted(pipeline: Pipeline, claim: Claim, captured: Captured, stopped_at: int | None) -> Claim:
    noted = pipeline.settle(claim, captured, stopped_at)
    if noted is None:
        raise OperatorError(CHANGED_MEANWHILE)
    return noted


def _still_written(pipeline: Pipeline, count: int, since: Captured) -> Obstacle:
    reason = (
        f"{count} changes were captured while it was settling (from {iso_of(since.at)} on): stop writing to"
        f" {pipeline.source} first"
    )
    return Obstacle(ObstacleCode.STILL_WRITTEN, reason)


def _take_over(
    context: ActionContext,
    pipeline: Pipeline,
    claim: Claim,
    record: RestoreRecord,
    accepted: Sequence[Obstacle],
) -> dict[str, Any]:
    """Fence replay, finish the settings, tell, and go on watching capture for a while.

    Raises:
        OperatorError: the table that was restored is gone.
    """
    identity = Identity(record.identified.target_id)
    target = Table(claim.target, context.cloner.clients, overrides=record.overrides, identity=identity)
    _look_at(target)
    reasons = [f"{obstacle.reason} (accepted: {obstacle.code.value})" for obstacle in accepted]
    claim = fenced(pipeline, claim, ClaimState.CUTTING_OVER, reasons)
    if claim.accepted:
        # Something may be at work that would still have had to be waited for, and what it writes must not call a trigger.
        fenced_from = pipeline.fenced_from(claim)
        if not context.wait_until(fenced_from, LONGEST_FENCE_SECONDS):
            return {"settling_until": iso(fenced_from), "next": "call cutover again from then on"}
    # A stream that was made since the first look may have been replayed into.
    target.forget()
    target.stream_is_new = False
    _look_at(target)
    target.stream_is_new |= _made_since_the_fence(pipeline, claim, target)
    outcomes, states = _finish_settings(context, pipeline, claim, record, target)
    notes = [
        *gap_notes(claim),
        *(f"cut over although {reason}" for reason in claim.accepted),
        *_window_notes(claim),
        *expiry_notes(outcomes, states, record.told_restore_point),
    ]
    report = context.report(overall(outcomes), pipeline, claim, record, outcomes, notes)
    if any(outcome.retryable for outcome in outcomes if outcome.status is Status.FAILED):
        # The claim stays as it is, fenced: the same call again goes on from here.
        return {**report.as_json(), "next": "cutover again: some settings can still be applied"}
    context.tell(claim, report)
    pipeline.watch(claim)
    source = pipeline.source
    afterwards = (
        f"once status says idle, and before {source} is deleted: take {source} out of the change pipelines in Terraform,"
        " and apply"
    )
    return {**report.as_json(), "afterwards": afterwards}


def _look_at(target: Table) -> None:
    try:
        target.describe()
    except TableGoneError as error:
        raise OperatorError(f"{error}: there is nothing to cut over to; abandon the restore") from error


def _made_since_the_fence(pipeline: Pipeline, claim: Claim, target: Table) -> bool:
    """Whether the target's stream was made when replay could write no more: by an earlier call of this cutover, most likely."""
    return made_at(target.live_stream_arn or "") > _finished_from(pipeline, claim).timestamp()


def _finished_from(pipeline: Pipeline, claim: Claim) -> datetime:
    """From when on settings may be finished, because replay can write no more."""
    return (
        pipeline.fenced_from(claim) if claim.accepted else datetime.fromtimestamp(claim.fenced_at or 0, UTC)
    )


def _window_notes(claim: Claim) -> list[str]:
    if claim.window.end is None:
        return []
    end = iso_of(claim.window.end)
    margin = f"changes of the {_END_MARGIN_SECONDS} s around it may be on either side"
    return [f"the window ends at {end}, and the stream's times are approximate: {margin}"]


def _finish_settings(
    context: ActionContext, pipeline: Pipeline, claim: Claim, record: RestoreRecord, target: Table
) -> tuple[list[Outcome], Desired]:
    """Apply what waited for cutover, and what failed before.

    Returns:
        How each setting ended, and the source's portable states.
    """
    cloner = context.cloner
    treated = treatment_on_record(context.config, record.request, record.settings)
    request = RestoreRequest.from_json(record.request, claim.restore_id)
    identity = Identity(record.identified.source_id, request.source_existed_at)
    find_source = partial(cloner.source_table, request.source, pipeline, identity)
    states = cloner.source_states(find_source, record.settings, treated)
    since = _finished_from(pipeline, claim)

    def refusals_may_pass() -> bool:
        return refusals.may_pass(target, since, refusals.WHILE_WRITERS_WAIT, context.now())

    sync = cloner.sync(states, target, treated, refusals_may_pass=refusals_may_pass)
    return cloner.plan_and_carry_out(sync, restore_key(claim), record.steps), states
