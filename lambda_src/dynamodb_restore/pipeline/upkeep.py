"""Upkeep: checks that run every few minutes, whether or not a restore owns the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from dynamodb_restore.aws import ClientError, Clients, describe_table, error_code
from dynamodb_restore.changes.doubt import Settled
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline import retention
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.registration import CaptureMode
from dynamodb_restore.pipeline.settle import DoubtSettler
from dynamodb_restore.pipeline.stream_check import misdirected


@dataclass(frozen=True)
class UpkeepReport:
    """What one run of upkeep found and did.

    Attributes:
        misdirected: why capture misses changes, and how to mend it; None where it does not, or need not run now.
        settled: what became of writes that were in doubt.
        late_changes: how many changes were captured since the cutover that is watched; 0 where none is.
        owner_not_noted: why Terraform's plan is not told who owns the pipeline; None where it is. The next run tries again.
    """

    misdirected: str | None = None
    settled: Settled = field(default_factory=Settled)
    late_changes: int = 0
    owner_not_noted: str | None = None

    def as_json(self) -> dict[str, Any]:
        """`{"misdirected", "settled": {"rewritten", "quarantined", "left", "problem"}, "late_changes"}`."""
        settled = self.settled
        return {
            "misdirected": self.misdirected,
            "settled": {
                "rewritten": settled.rewritten,
                "quarantined": settled.quarantined,
                "left": settled.left,
                "problem": settled.problem,
            },
            "late_changes": self.late_changes,
        }


def upkeep(
    clients: Clients,
    pipeline: Pipeline,
    clock: Clock,
    calls: Executor,
    tell_late: Callable[[Claim, int], None],
) -> UpkeepReport:
    """Check a pipeline once. Each step may be repeated, and none depends on an earlier run.

    Args:
        clock: nothing is begun after its deadline.
        calls: where rewrites of items run beside each other.
        tell_late: tells of changes after the cutover of a claim, and how many there were so far. The watch ends only
            after that, so that a run which dies in between is made up for by the next.

    Raises:
        ClientError, BotoCoreError: from the calls; the next run does it all again.
    """
    claim = pipeline.claims.current()
    owner_not_noted = pipeline.owned.repair(claim, pipeline.now())
    reason = _misdirected(clients, pipeline, claim)
    if reason is None:
        _switch_capture(pipeline, claim)
    settled = _settle(clients, pipeline, claim, clock, calls)
    if claim is not None and claim.state is ClaimState.REPLAYING:
        note_how_far(pipeline, claim)
    return UpkeepReport(reason, settled, _watch(pipeline, claim, tell_late), owner_not_noted)


def note_how_far(pipeline: Pipeline, claim: Claim) -> None:
    """Note up to when everything that was captured has been replayed, where that is due (`retention`).

    Raises:
        ClientError, BotoCoreError: from the calls.
    """
    at = int(pipeline.now().timestamp())
    if not retention.is_due(claim, at):
        return
    captured, replayed = pipeline.progress()
    until = retention.replayed_until(claim, captured, replayed, pipeline.buffer.set_aside(), at)
    if until is not None:
        pipeline.claims.note_replayed(claim, until)


def _watch(pipeline: Pipeline, claim: Claim | None, tell_late: Callable[[Claim, int], None]) -> int:
    """Look for changes after a cutover, and end the watch with its time; how many changes there were."""
    if claim is None or claim.state is not ClaimState.WATCHING or claim.watched is None:
        return 0

    def tell(late: int) -> None:
        if late:
            tell_late(claim, late)

    if pipeline.now().timestamp() >= claim.watched.at:
        return pipeline.end_watch(claim, tell)
    late = pipeline.captured_since_cutover(claim)
    tell(late)
    return late


def _settle(
    clients: Clients, pipeline: Pipeline, claim: Claim | None, clock: Clock, calls: Executor
) -> Settled:
    """Settle the writes in doubt that can no longer take effect; replay does so too, where it is invoked."""
    if claim is None or claim.state is not ClaimState.REPLAYING:
        return Settled()
    due = pipeline.doubts.due(clock.now())
    if not due:
        return Settled()

    return DoubtSettler(
        clients,
        pipeline.source,
        claim,
        pipeline.doubts,
        pipeline.quarantine(claim),
        pipeline.progress_notes,
        lambda: pipeline.claims.still_replays(claim),
        clock,
        calls,
    ).settle(due)


def _switch_capture(pipeline: Pipeline, claim: Claim | None) -> None:
    """Have capture run where it has to, as far as its mapping is there."""
    try:
        pipeline.capture_switch.keep_as_needed(claim)
    except ClientError as error:
        # While nobody needs capture, nobody misses its mapping either; once somebody does, `misdirected` tells.
        if error_code(error) != "ResourceNotFoundException":
            raise


def _misdirected(clients: Clients, pipeline: Pipeline, claim: Claim | None) -> str | None:
    """Why capture misses changes, where it is meant to run: always, or while a restore owns the pipeline."""
    if pipeline.registration.mode is not CaptureMode.ALWAYS and claim is None:
        return None
    try:
        mapping = pipeline.capture.describe()
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        mapping = None
    return misdirected(mapping, describe_table(clients, pipeline.source), pipeline.registration)
