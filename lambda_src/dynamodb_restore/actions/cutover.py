"""`{"action": "cutover", "table": …}`: make the target take over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dynamodb_restore.actions.action import SOURCE_TABLE, Action, ActionCall
from dynamodb_restore.actions.context import (
    CHANGED_MEANWHILE,
    LONGEST_FENCE_SECONDS,
    ActionContext,
    OperatorError,
    claim_of,
    fenced,
    restore_key,
)
from dynamodb_restore.actions.permissions import LOOK_AT_REPLAY, REPORT, SWITCH_MAPPINGS, on_records
from dynamodb_restore.instants import iso, iso_of, stream_label_time
from dynamodb_restore.payload import FLAG, Field, number, texts
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.obstacles import ACCEPTABLE, Obstacle
from dynamodb_restore.pipeline.pipeline import Pipeline, gap_notes
from dynamodb_restore.pipeline.settling import ClaimChangedError, Settling, SettlingUntil
from dynamodb_restore.pipeline.standing import not_replaying
from dynamodb_restore.restore.control import treatment_on_record
from dynamodb_restore.restore.expiries import expiry_notes
from dynamodb_restore.restore.record import RestoreRecord
from dynamodb_restore.restore.report import Report, overall
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.settings.setting import Identity, Table, TableGoneError
from dynamodb_restore.sync import refusals
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import Desired

_END_MARGIN_SECONDS = 60

_SETTLE_SECONDS = 10
_LONGEST_SETTLE_SECONDS = 3600


@dataclass(frozen=True)
class CutoverRequest:
    """The request for a cutover.

    Attributes:
        settle_seconds: how long nothing new may be captured, at least.
        accept: codes of the obstacles to ignore.
        force: whether to ignore all obstacles that can be accepted.
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
    """Cut over: refuse while the target lacks anything, then finish its settings and release the pipeline.

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
        try:
            settled = Settling(pipeline, claim, context, request.settle_seconds).wait()
        except ClaimChangedError as error:
            raise OperatorError(CHANGED_MEANWHILE) from error
        if isinstance(settled, SettlingUntil):
            again = "stop writing to the source, and call cutover again from then on"
            return {"settling_until": iso(settled.at), "next": again}
        claim = settled.claim
        accepted = [obstacle for obstacle in settled.obstacles if request.accepts(obstacle)]
        if refused := [obstacle for obstacle in settled.obstacles if obstacle not in accepted]:
            return {"refused": [obstacle.as_json() for obstacle in refused]}
    elif claim.state is not ClaimState.CUTTING_OVER:
        return {"refused": [not_replaying(claim).as_json()]}
    record = context.record(claim)
    if record is None:
        raise OperatorError(f"the record of restore {claim.restore_id} is gone; abandon it")
    return _TakeOver(context, pipeline, claim, record).carry_out(accepted)


class _TakeOver:
    """The end of a restore whose target lacks nothing: replay is fenced, the settings that waited are applied, and it is told."""

    def __init__(
        self, context: ActionContext, pipeline: Pipeline, claim: Claim, record: RestoreRecord
    ) -> None:
        self._context = context
        self._pipeline = pipeline
        self._claim = claim
        self._record = record
        self._target = Table(
            claim.target,
            context.cloner.clients,
            overrides=record.overrides,
            identity=Identity(record.identified.target_id),
        )

    def carry_out(self, accepted: Sequence[Obstacle]) -> dict[str, Any]:
        """Stop replay, finish the settings, send the report, and watch capture for some minutes.

        Args:
            accepted: what stands in the way and does not count.

        Raises:
            OperatorError: the table that was restored is gone, or somebody else acts for the restore.
        """
        self._look_at_target()
        reasons = [f"{obstacle.reason} (accepted: {obstacle.code.value})" for obstacle in accepted]
        self._claim = fenced(self._pipeline, self._claim, ClaimState.CUTTING_OVER, reasons)
        # Where something was accepted, it may be at work and would still have had to be waited for: what it writes must not
        # call a trigger.
        if self._claim.accepted:
            fenced_from = self._pipeline.fenced_from(self._claim)
            if not self._context.wait_until(fenced_from, LONGEST_FENCE_SECONDS):
                return {"settling_until": iso(fenced_from), "next": "call cutover again from then on"}
        # A stream that was made since the first look may have been replayed into.
        self._target.forget()
        self._target.stream_is_new = False
        self._look_at_target()
        self._target.stream_is_new |= self._stream_was_made_since_the_fence
        outcomes, states = self._finish_settings()
        report = self._report(outcomes, expiry_notes(outcomes, states, self._record.told_restore_point))
        if any(outcome.retryable for outcome in outcomes if outcome.status is Status.FAILED):
            # The claim stays as it is, with replay stopped: the same call continues from here.
            return {**report.as_json(), "next": "cutover again: some settings can still be applied"}
        told = self._context.tell(self._claim, report)
        self._pipeline.watch(self._claim)
        source = self._pipeline.source
        afterwards = (
            f"once status says idle, and before {source} is deleted: take {source} out of the change pipelines in Terraform,"
            " and apply"
        )
        return {**told, "afterwards": afterwards}

    def _look_at_target(self) -> None:
        try:
            self._target.describe()
        except TableGoneError as error:
            raise OperatorError(f"{error}: there is nothing to cut over to; abandon the restore") from error

    @property
    def _stream_was_made_since_the_fence(self) -> bool:
        """Whether the target's stream was made when replay could write no more: by an earlier call of this cutover, most likely."""
        return stream_label_time(self._target.live_stream_arn or "") > self._finished_from.timestamp()

    @property
    def _finished_from(self) -> datetime:
        """From when on settings may be finished, because replay can write no more."""
        if self._claim.accepted:
            return self._pipeline.fenced_from(self._claim)
        return datetime.fromtimestamp(self._claim.fenced_at or 0, UTC)

    def _finish_settings(self) -> tuple[list[Outcome], Desired]:
        """Apply what waited for cutover, and what failed before.

        Returns:
            How each setting ended, and the source's portable states.
        """
        context, record, cloner = self._context, self._record, self._context.cloner
        treated = treatment_on_record(context.config, record.request, record.settings)
        request = RestoreRequest.from_json(record.request, self._claim.restore_id)
        identity = Identity(record.identified.source_id, request.source_existed_at)
        find_source = partial(
            cloner.source_table,
            request.source,
            self._pipeline,
            identity,
            listings_since=context.now().timestamp(),
        )
        states = cloner.source_states(find_source, record.settings, treated)
        since = self._finished_from

        def refusals_may_pass() -> bool:
            return refusals.may_pass(self._target, since, refusals.WHILE_WRITERS_WAIT, context.now())

        sync = cloner.sync(states, self._target, treated, refusals_may_pass=refusals_may_pass)
        return cloner.plan_and_carry_out(sync, restore_key(self._claim), record.steps), states

    def _report(self, outcomes: Sequence[Outcome], expiries: Sequence[str]) -> Report:
        notes = [
            *gap_notes(self._claim),
            *(f"cut over although {reason}" for reason in self._claim.accepted),
            *self._window_notes(),
            *expiries,
        ]
        return self._context.report(
            overall(outcomes), self._pipeline, self._claim, self._record, outcomes, notes
        )

    def _window_notes(self) -> list[str]:
        if self._claim.window.end is None:
            return []
        end = iso_of(self._claim.window.end)
        margin = f"changes of the {_END_MARGIN_SECONDS} s around it may be on either side"
        return [f"the window ends at {end}, and the stream's times are approximate: {margin}"]


def _run(call: ActionCall) -> dict[str, Any]:
    values = call.values
    request = CutoverRequest(values["settle_seconds"], values["accept"], values["force"])
    return cutover(call.context, call.open_pipeline(), request)


ACTION = Action(
    name="cutover",
    summary=(
        "Makes the restored table take over, once you have stopped writing to the source. It refuses, with reasons, while"
        " anything is missing; else it applies the settings that waited, stops replay, and reports. Then point your writers at"
        " the new table."
    ),
    fields=(
        SOURCE_TABLE,
        Field(
            "settle_seconds",
            number(0, _LONGEST_SETTLE_SECONDS),
            "for how many seconds, at least, nothing new may be captured",
            default=_SETTLE_SECONDS,
            example=10,
        ),
        Field(
            "accept",
            texts("codes of obstacles, as `refused` shows them"),
            "the obstacles in spite of which it cuts over",
            default=(),
            example=[],
        ),
        Field(
            "force",
            FLAG,
            "whether it cuts over in spite of all obstacles that can be accepted",
            default=False,
            example=False,
        ),
    ),
    permissions=(*LOOK_AT_REPLAY, on_records("PutItem"), *SWITCH_MAPPINGS, *REPORT),
    applies_settings=True,
    run=_run,
)
