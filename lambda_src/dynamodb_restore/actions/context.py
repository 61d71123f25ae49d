"""What the operator actions work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dynamodb_restore.aws import CALL_SECONDS
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.instants import parse_time
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.restore.announce import Announcer, by_name
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord, RestoreRecords
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.sync.outcome import Outcome

_RESERVE_SECONDS = 4 * CALL_SECONDS
"""Time left after a wait for the work that follows: a check, the report, the record, and releasing the pipeline."""

LONGEST_FENCE_SECONDS = 240.0
"""How long the function waits for a fence; an invocation of replay may run for 15 minutes, others are short."""

CHANGED_MEANWHILE = "the restore moved on meanwhile and nothing was done: look at status, then try again"


class OperatorError(Exception):
    """The action cannot be carried out in this state; the text says what can."""


@dataclass(frozen=True)
class ActionContext:
    """What an operator action needs besides the pipeline that it is about.

    Attributes:
        now: returns the current time, timezone-aware.
        invocation: the request id of this one.
    """

    config: WorkerConfig
    records: RestoreRecords
    announcer: Announcer
    cloner: Cloner
    now: Callable[[], datetime]
    invocation: str = ""

    def record(self, claim: Claim) -> RestoreRecord | None:
        """The record of the restore that owns a pipeline; None where it is gone, or was never written."""
        return self.records.get(restore_key(claim))

    def report(
        self,
        result: Result,
        pipeline: Pipeline,
        claim: Claim,
        record: RestoreRecord | None,
        outcomes: Sequence[Outcome],
        notes: Sequence[str],
    ) -> Report:
        """A report on the restore that owns a pipeline."""
        request = record.request if record else {}
        requested_at = request.get("requested_at")
        return Report(
            result,
            pipeline.source,
            claim.target,
            finished_at=self.now(),
            attempts=record.attempts if record else 1,
            restore_id=claim.restore_id,
            requested_at=parse_time(requested_at) if requested_at else None,
            requested_by=request.get("requested_by"),
            restore_point=record.restore_point if record else None,
            outcomes=outcomes,
            notes=notes,
        )

    def announce(self, report: Report, *, notify: bool = True) -> dict[str, str]:
        """Tell how a restore ended.

        Returns:
            Who could not be told: channel to the reason, for the record and the answer. It keeps no operator from ending a
            restore; where there is a reconciler, it has them told later.
        """
        untold = self.announcer.announce(report, self.announcer.channels(notify=notify))
        return by_name(untold)

    def tell(self, claim: Claim, report: Report) -> dict[str, Any]:
        """Tell how a replay ended, and note it.

        Returns:
            The answer: `Report.as_json`, with `not_told` (channel to the reason) where somebody could not be told.
        """
        untold = self.announce(report)
        self.records.save_report(restore_key(claim), report, self.now(), by_operator=True, untold=untold)
        return answer(report, untold)

    def wait_until(self, instant: datetime, longest_seconds: float) -> bool:
        """Wait until a time, one second at a time; return False at once if that takes too long."""
        if not self.can_wait_until(instant, longest_seconds):
            return False
        while (wait := (instant - self.now()).total_seconds()) > 0:
            self.cloner.pace.sleep(min(1.0, wait))
        return True

    def can_wait_until(self, instant: datetime, longest_seconds: float) -> bool:
        """Whether a time is within the allowed wait, and within the remaining time of the function."""
        longest = min(longest_seconds, self.cloner.pace.remaining_seconds() - _RESERVE_SECONDS)
        return (instant - self.now()).total_seconds() <= longest


def answer(report: Report, untold: Mapping[str, str]) -> dict[str, Any]:
    """The answer to the operator: the report, and who could not be told of it."""
    return {**report.as_json(), **({"not_told": dict(untold)} if untold else {})}


def restore_key(claim: Claim) -> RestoreKey:
    """Which restore has a claim."""
    return RestoreKey(claim.target, claim.restore_id)


def claim_of(pipeline: Pipeline) -> Claim:
    """The claim that holds a pipeline.

    Raises:
        OperatorError: no restore owns it.
    """
    claim = pipeline.claims.current()
    if claim is None:
        raise OperatorError(f"no restore owns the pipeline of {pipeline.source}: there is nothing to do")
    return claim


def fenced(pipeline: Pipeline, claim: Claim, state: ClaimState, accepted: Sequence[str] = ()) -> Claim:
    """The claim in a state in which replay starts no more writes.

    Args:
        accepted: what stood in the way of a cutover and was accepted.

    Raises:
        OperatorError: the claim has changed since it was read, so that nothing was done.
    """
    held = pipeline.fence(claim, state, accepted)
    if held is None:
        raise OperatorError(CHANGED_MEANWHILE)
    return held
