"""Obstacles to a cutover. Each has a code, by which an operator may accept it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dynamodb_restore.codes import ExplainedCode


class ObstacleCode(ExplainedCode):
    """Why cutting over now could leave the target without something that its source has."""

    NOT_REPLAYING = (
        "not_replaying",
        "The restore does not replay, or was cut over already: nothing can be cut over.",
        "This one cannot be accepted. `status` shows what owns the pipeline.",
    )
    CAPTURE_MISDIRECTED = (
        "capture_misdirected",
        """Capture does not read the source's live stream, or is not as Terraform made it: the stream was switched off, or off and on again,
        or the table was made anew.""",
        "The reason says how to mend it, `terraform apply` in most cases.",
    )
    CAPTURE_STUCK = (
        "capture_stuck",
        "Capture could not send some records, and has not got them through yet: the reason says since when, and why.",
        "Mend that. Where Lambda has given them up meanwhile, `bring_in` clears it.",
    )
    MAPPING_NOT_WORKING = (
        "mapping_not_working",
        "An event source mapping is not enabled, or reports a problem.",
        "The reason has Lambda's words; mend what they name.",
    )
    STILL_WRITTEN = (
        "still_written",
        "Changes were captured while it was settling: something still writes to the source.",
        "Stop that writer, and call again.",
    )
    LAGGING = "lagging", "Captured changes are not replayed yet.", "Wait, and call again."
    BUFFER_NOT_EMPTY = "buffer_not_empty", "Messages are in the buffer.", "Wait, and call again."
    EXPIRED = (
        "expired",
        """Captured changes were not replayed and are in the buffer no more: they were there for longer than 14 days, or the queue was purged.
        The reason names the groups and their times. Or they may be: a replay has not kept up, or was not looked after, for so long that
        the buffer may have dropped something.""",
        "`abandon` and restore again, or accept it.",
    )
    IN_DOUBT = (
        "in_doubt",
        "A write to the target got no certain answer, and may still take effect.",
        "Wait: replay or upkeep settles it a quarter of an hour after it was sent.",
    )
    QUARANTINE = "quarantine", "The target refused some items.", "Mend the cause, run `repair`."
    SET_ASIDE = "set_aside", "Messages lie on the FIFO dead-letter queue.", "Mend the cause, run `bring_in`."
    DISCARDED = (
        "discarded",
        "Changes that capture gave up lie in the failure bucket, or it could not be looked into.",
        "Mend the cause, run `bring_in`.",
    )
    GAP = (
        "gap",
        """Changes of the window were not captured: they were too old, or the stream was replaced during the restore, or the capture mapping
        may have been off for a day.""",
        "`abandon` and restore again, to a later point, or accept it.",
    )


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
