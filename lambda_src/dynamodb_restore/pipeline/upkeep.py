"""Upkeep: what is looked after every few minutes, whether or not a restore owns the pipeline."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, describe_table, error_code
from dynamodb_restore.changes.clock import Clock
from dynamodb_restore.changes.doubt import Settled
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
        watched: the restore whose cutover is watched; None where none is.
        late_changes: how many changes were captured since that cutover.
    """

    misdirected: str | None = None
    settled: Settled = field(default_factory=Settled)
    watched: Claim | None = None
    late_changes: int = 0

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


def upkeep(clients: Clients, pipeline: Pipeline, clock: Clock, calls: Executor) -> UpkeepReport:
    """Look after a pipeline once. Each step may be repeated, and none relies on an earlier run.

    Args:
        clock: nothing is begun after its deadline.
        calls: where rewrites of items run beside each other.

    Raises:
        ClientError, BotoCoreError: from the calls; the next run does it all again.
    """
    claim = pipeline.claims.current()
    reason = _misdirected(clients, pipeline, claim)
    settled = _settle(clients, pipeline, claim, clock, calls)
    if claim is None or claim.state is not ClaimState.WATCHING or claim.watched is None:
        return UpkeepReport(reason, settled)
    if pipeline.now().timestamp() >= claim.watched.at:
        return UpkeepReport(reason, settled, claim, pipeline.end_watch(claim))
    return UpkeepReport(reason, settled, claim, pipeline.captured_since_cutover(claim))


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
