"""The result of one invocation of replay."""

from __future__ import annotations

from dataclasses import dataclass, field

from dynamodb_restore.changes.doubt import Settled
from dynamodb_restore.changes.progress import Partial, Position


@dataclass
class Replayed:
    """What one invocation came to.

    Attributes:
        positions: group to the last bundle that was fully dealt with.
        partial: group to the bundle after it, where some of its changes are dealt with.
        applied, superseded, outside, quarantined: processed changes, by their result.
        in_doubt: items whose write got no certain answer.
        set_aside: messages that could not be decoded and are now on the FIFO DLQ.
        unreadable: id of such a message to what is wrong with it.
        repeated: messages that an earlier invocation had dealt with.
        settled: what became of earlier doubts.
        finished: ids of the messages of which nothing is left to do.
        retry: ids of the messages that are to come back.
        problem: why they are.
        failed: whether anything but a lack of time, or of the write rate, is to blame.
        refused_for_good: whether no retry can repair that, such as a missing permission.
    """

    positions: dict[int, Position] = field(default_factory=dict)
    partial: dict[int, Partial] = field(default_factory=dict)
    applied: int = 0
    superseded: int = 0
    outside: int = 0
    quarantined: int = 0
    in_doubt: int = 0
    set_aside: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    settled: Settled = field(default_factory=Settled)
    finished: set[str] = field(default_factory=set)
    retry: list[str] = field(default_factory=list)
    problem: str | None = None
    failed: bool = False
    refused_for_good: bool = False

    @property
    def changes(self) -> int:
        """All changes that are dealt with."""
        return self.applied + self.superseded + self.outside + self.quarantined

    def fail(self, problem: str, *, for_good: bool = False) -> None:
        """Remember why something is left, where that is not for want of time.

        Args:
            for_good: whether no retry mends it.
        """
        self.failed = True
        self.refused_for_good |= for_good
        self.problem = problem
