"""What the buffer may have dropped: SQS deletes a message that is two weeks old, and gives no sign of it.

The next message of its group is replayed all the same, and the group's position passes over what was dropped. So a replay
that has been going on for long is told from one that lost changes by this: upkeep notes, about once a day, up to which
instant everything that was captured has certainly been replayed. Where that instant is nearly two weeks old, something may
have been dropped since, and the note is never moved on again.
"""

from __future__ import annotations

from datetime import timedelta

from dynamodb_restore.changes.progress import Progress, lagging_groups
from dynamodb_restore.pipeline.claim import Claim

BUFFER_RETENTION = timedelta(days=14)
"""How long the FIFO buffer and its DLQ keep a bundle: SQS's longest
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html)."""

_MARGIN = timedelta(hours=1)
"""For clocks, for captures that are under way, and for the messages that SQS drops a little early."""

_NOTED_EVERY = timedelta(days=1)


def certain_until(claim: Claim) -> int:
    """Epoch seconds: what was captured before and belongs into the window has certainly been replayed."""
    return max(claim.window.start, claim.replayed_until or 0)


def may_have_dropped(claim: Claim, at: int) -> bool:
    """Whether the buffer may have dropped changes of the window that were not replayed.

    Args:
        at: the present instant, epoch seconds.
    """
    return at - certain_until(claim) >= (BUFFER_RETENTION - _MARGIN).total_seconds()


def is_due(claim: Claim, at: int) -> bool:
    """Whether it is time to note how far the replay has come, and that can still be known."""
    return at - certain_until(claim) >= _NOTED_EVERY.total_seconds() and not may_have_dropped(claim, at)


def replayed_until(
    claim: Claim, captured: Progress, replayed: Progress, set_aside: int, at: int
) -> int | None:
    """Before which instant everything captured has certainly been replayed, epoch seconds; None where that is no later than is
    noted already.

    Args:
        captured, replayed: the replayed side read first, so that the answer is too cautious rather than too bold.
        set_aside: bundles on the FIFO DLQ, which forgets as the buffer does.
        at: from before the progress was read, epoch seconds.
    """
    if set_aside:
        return None
    through = at - int(_MARGIN.total_seconds())
    for group in lagging_groups(captured, replayed):
        position = replayed.positions.get(group)
        # A group's messages come in order: what is left was sent after the change that was replayed last.
        through = min(through, claim.window.start if position is None else position.time)
    return through if through > certain_until(claim) else None
