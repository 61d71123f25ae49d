"""Before a cutover: wait until nothing that was written to the source can be on its way unseen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from dynamodb_restore.instants import iso_of
from dynamodb_restore.pipeline.claim import Captured, Claim
from dynamodb_restore.pipeline.obstacles import Obstacle, ObstacleCode
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.pipeline.standing import Standing, settled_at

_LONGEST_WAIT_SECONDS = 60.0
"""How long the function itself waits for something; for anything longer it is to be called again."""

_STALE_SECONDS = 7200
"""After this a wait that nobody came back to is forgotten, and the next cutover begins to wait anew: the longest wait
that can be asked for, and an hour."""


class ClaimChangedError(Exception):
    """The claim has changed since it was read, so that nothing was done."""


class Waiting(Protocol):
    """Time, as a function that has only so much of it may spend it."""

    @property
    def now(self) -> Callable[[], datetime]:
        """Tells the present instant, aware."""
        ...

    def can_wait_until(self, instant: datetime, longest_seconds: float) -> bool:
        """Whether an instant comes within `longest_seconds`, and within what the function has left."""
        ...

    def wait_until(self, instant: datetime, longest_seconds: float) -> bool:
        """Wait until an instant; False, at once, where that cannot be waited for."""
        ...


@dataclass(frozen=True)
class SettlingUntil:
    """It has not settled, and waiting longer takes another call.

    Attributes:
        at: from when on to call again.
    """

    at: datetime


@dataclass(frozen=True)
class Settled:
    """Nothing can be on its way unseen, or it is known already what stands in the way of cutover.

    Attributes:
        claim: as it now holds.
        obstacles: what stands in the way.
    """

    claim: Claim
    obstacles: list[Obstacle]


class Settling:
    """The wait of one call of a cutover. What an earlier call waited counts, as far as the claim has it."""

    def __init__(self, pipeline: Pipeline, claim: Claim, waiting: Waiting, settle_seconds: float) -> None:
        self._pipeline = pipeline
        self._claim = claim
        self._waiting = waiting
        self._settle_seconds = settle_seconds
        self._called_at = 0

    def wait(self) -> Settled | SettlingUntil:
        """Wait until nothing can be on its way unseen, for as long as the function can.

        Raises:
            ClaimChangedError: somebody else acts for the restore.
            ClientError, BotoCoreError: from the calls.
        """
        captured, _ = self._pipeline.progress()
        self._called_at = self._now()
        begun, stopped_at = self._claim.settling, self._claim.stopped_at
        if begun is None or self._called_at - begun.at > _STALE_SECONDS:
            begun, stopped_at = Captured(self._called_at, captured.changes), None
        elif begun.changes != captured.changes:
            self._note(Captured(self._called_at, captured.changes))
            written = self._still_written(captured.changes - begun.changes, begun)
            return Settled(self._claim, [written, *self._standing().obstacles()])
        # Who is refused, or gets no answer, may let the writers go on, and the next call has to wait anew. Only an answer that
        # says when to call again gives this back.
        self._note(begun)
        since = self._called_at if stopped_at is None else stopped_at
        standing = self._standing()
        # Looked at again after each wait: a mapping may have been changed meanwhile.
        while (until := self._settled_at(standing, since)) > self._waiting.now():
            if not self._waiting.wait_until(until, _LONGEST_WAIT_SECONDS):
                self._note(begun, since)
                return SettlingUntil(until)
            standing = self._standing()
        # Last: what was brought in, and so removed from the bucket, after the buffer was looked at has arrived by now.
        captured, _ = self._pipeline.progress()
        obstacles = standing.obstacles()
        if captured.changes != begun.changes:
            obstacles.insert(0, self._still_written(captured.changes - begun.changes, begun))
            self._note(Captured(self._now(), captured.changes))
        return Settled(self._claim, obstacles)

    def _settled_at(self, standing: Standing, since: int) -> datetime:
        """From when on nothing can be on its way unseen of what was written before `since`, when the writers were to stop.

        Where the function itself can wait for as long, nothing of what was written before this call either: a person who was
        told to call again may have stopped the writers only just now.
        """
        until = settled_at(standing, since, self._settle_seconds)
        longer = max(until, datetime.fromtimestamp(self._called_at + standing.handed_out_after, UTC))
        waits = standing.handed_out_after <= _LONGEST_WAIT_SECONDS
        return longer if waits and self._waiting.can_wait_until(longer, _LONGEST_WAIT_SECONDS) else until

    def _note(self, settling: Captured, stopped_at: int | None = None) -> None:
        noted = self._pipeline.settle(self._claim, settling, stopped_at)
        if noted is None:
            raise ClaimChangedError
        self._claim = noted

    def _standing(self) -> Standing:
        return self._pipeline.standing(self._claim)

    def _now(self) -> int:
        return math.ceil(self._waiting.now().timestamp())

    def _still_written(self, count: int, since: Captured) -> Obstacle:
        reason = (
            f"{count} changes were captured while it was settling (from {iso_of(since.at)} on): stop writing to"
            f" {self._pipeline.source} first"
        )
        return Obstacle(ObstacleCode.STILL_WRITTEN, reason)
