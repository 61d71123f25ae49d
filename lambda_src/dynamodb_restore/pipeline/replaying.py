"""What is allowed only while a restore replays: anything that writes its target, or adds to what will be written."""

from __future__ import annotations

from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline


class NotReplayingError(Exception):
    """The restore that owns the pipeline, if any, does not allow it now; the text says why, and what would help."""


def replaying_claim(pipeline: Pipeline, restore_id: str | None = None) -> Claim:
    """The claim of the restore that replays, read consistently.

    Args:
        restore_id: the restore that it has to be; None for any.

    Raises:
        NotReplayingError: no restore owns the pipeline, another one does, or it does not replay.
    """
    claim = pipeline.claims.current()
    if claim is None:
        raise NotReplayingError(f"no restore owns the pipeline of {pipeline.source}: there is nothing to do")
    if restore_id is not None and claim.restore_id != restore_id:
        raise NotReplayingError("another restore owns the pipeline now: look at status")
    if claim.state is not ClaimState.REPLAYING:
        raise NotReplayingError(
            f"the restore into {claim.target} is {claim.state.value}, not replaying: look at status"
        )
    return claim


def require_present_images(claim: Claim) -> None:
    """Make sure that the source's present items may go into the target.

    Raises:
        NotReplayingError: the window has an end, and what the source has now may be from after it.
    """
    if not claim.window.takes_present_images:
        raise NotReplayingError(
            "the window has an end, and what the source has now may be from after it: abandon and restore again"
        )
