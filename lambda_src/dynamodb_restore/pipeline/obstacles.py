"""What stands in the way of a cutover: each obstacle has a code, by which a person may accept it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class ObstacleCode(enum.Enum):
    """Why cutting over now could leave the target without something that its source has."""

    NOT_REPLAYING = "not_replaying"
    """The restore does not replay; nothing can be cut over, and this cannot be accepted."""
    CAPTURE_MISDIRECTED = "capture_misdirected"
    """Capture does not read the table's live stream, or is not as Terraform made it."""
    CAPTURE_STUCK = "capture_stuck"
    """Capture could not send some records, and has not got them through yet."""
    MAPPING_NOT_WORKING = "mapping_not_working"
    """An event source mapping is not enabled, or reports a problem."""
    STILL_WRITTEN = "still_written"
    """Changes came in while it was settling."""
    LAGGING = "lagging"
    """Captured changes are not replayed yet."""
    BUFFER_NOT_EMPTY = "buffer_not_empty"
    """Messages are in the buffer."""
    EXPIRED = "expired"
    """Captured changes are neither replayed nor in the buffer: they expired there, or it was purged. Or they may be, for
    nothing tells what the buffer dropped after two weeks."""
    IN_DOUBT = "in_doubt"
    """A write to the target got no certain answer, and may still land."""
    QUARANTINE = "quarantine"
    """The target refused some items."""
    SET_ASIDE = "set_aside"
    """Bundles lie on the FIFO dead-letter queue."""
    DISCARDED = "discarded"
    """Batches of changes that capture gave up lie in the failure bucket, or it could not be looked into."""
    GAP = "gap"
    """Changes after the restore point could not be captured."""


ACCEPTABLE = tuple(code.value for code in ObstacleCode if code is not ObstacleCode.NOT_REPLAYING)
"""The codes that `accept` of the action `cutover` takes."""


@dataclass(frozen=True)
class Obstacle:
    """One obstacle.

    Attributes:
        reason: in words, with what to do about it.
    """

    code: ObstacleCode
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The obstacle as the operator's answers show it."""
        return {"code": self.code.value, "reason": self.reason}
