"""The state of a restore's replay: everything that cutover checks, read in the only safe order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dynamodb_restore.changes.progress import Progress, lagging_groups
from dynamodb_restore.changes.stuck import Stuck
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import from_epoch, iso_of
from dynamodb_restore.pipeline import retention
from dynamodb_restore.pipeline.buffer import Depth
from dynamodb_restore.pipeline.claim import Claim, ClaimState
from dynamodb_restore.pipeline.discarded import Discarded
from dynamodb_restore.pipeline.mapping import MappingState, certainly_read_from
from dynamodb_restore.pipeline.obstacles import Obstacle, ObstacleCode

_SHOWN_GROUPS = 3

MAPPING_SECONDS = 120
"""How long after a change of a mapping it may not hand out everything: an update can stop its polling for up to 90 s."""

_CALLS_SECONDS = 10

_START_OVER = (
    "abandon and restore again, for the window has an end: what is brought in is what the source has now, which may be "
    "from after it"
)

_SHARDS_APART_SECONDS = 86_400 + 600
"""How much older than a group's last captured change another of its captured changes may be, seconds: shards are not read in
step, a stream keeps a change for 24 hours, and trims it some minutes late."""

_COUNTS_LAG_SECONDS = 300
"""How long the queue's own counts may be behind: they are eventually consistent, for about a minute after the last send
(docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html)."""


@dataclass(frozen=True)
class Standing:
    """The state of one restore's replay at one time.

    Attributes:
        at: epoch seconds.
        batching_window_seconds: the longer of the batching windows that Terraform registered and that the mapping has now.
        stream_made_at: when the stream that capture reads was made, epoch seconds; 0 where that is not known.
        in_doubt_until: until when a write of the target may still take effect unseen, epoch seconds; None where none may.
        stuck: the records that capture could not get through yet, by sequence number.
        misdirected: why capture does not read every change of the source; None where it does.
        discarded: what capture gave up since the window's start.
        quarantined: items that the target refused.
        set_aside: bundles on the FIFO DLQ.
    """

    claim: Claim
    at: int
    captured: Progress
    replayed: Progress
    depth: Depth
    capture: MappingState
    replay: MappingState
    batching_window_seconds: int
    stream_made_at: int
    in_doubt_until: int | None
    stuck: Mapping[str, Stuck]
    misdirected: str | None
    discarded: Discarded
    quarantined: int
    set_aside: int

    @property
    def lagging(self) -> set[int]:
        """The groups of which something that belongs into the window may have been captured and not replayed.

        A group's position has the time of what was captured last, and a change that was captured before may be younger by
        what a stream keeps. Where even that lies before the window, so does everything that the group lacks.
        """
        return {
            group
            for group in lagging_groups(self.captured, self.replayed)
            if self.captured.positions[group].time + _SHARDS_APART_SECONDS >= self.claim.window.start
        }

    @property
    def drained(self) -> bool:
        """Whether everything captured has been replayed, as far as the pipeline's own notes and counts tell."""
        return not self._not_drained()

    @property
    def handed_out_after(self) -> int:
        """How long a change of the source may take until capture has dealt with it, seconds, where nothing fails.

        Capture is handed a batch when it is full or its window is over, and a batch that was begun just before is followed by
        another: twice the window, and some seconds for the calls.
        """
        return 2 * self.batching_window_seconds + _CALLS_SECONDS

    def obstacles(self) -> list[Obstacle]:
        """Why cutting over now could leave the target without something that its source has."""
        if self.claim.state is not ClaimState.REPLAYING:
            return [not_replaying(self.claim)]
        obstacles = self._not_drained()
        if self.in_doubt_until is not None:
            reason = (
                "writes to the target got no certain answer, and may still take effect: they are settled after"
                f" {iso_of(self.in_doubt_until)}, by replay or upkeep"
            )
            obstacles.append(Obstacle(ObstacleCode.IN_DOUBT, reason))
        if self.quarantined:
            reason = f"{self.quarantined} items are in quarantine: see status, mend the cause, run repair"
            obstacles.append(Obstacle(ObstacleCode.QUARANTINE, reason))
        if self.set_aside:
            reason = (
                f"{self.set_aside} bundles lie on the FIFO dead-letter queue, and may hold changes that the target lacks:"
                " run bring_in"
            )
            obstacles.append(Obstacle(ObstacleCode.SET_ASIDE, reason))
        if missing := _missing(self.discarded, self.claim.window):
            obstacles.append(Obstacle(ObstacleCode.DISCARDED, missing))
        if self.claim.gap_seconds:
            reason = f"{self.claim.gap_seconds} s of changes after the restore point could not be captured"
            obstacles.append(Obstacle(ObstacleCode.GAP, reason))
        if (covered_from := self.claim.covered_from) is not None and self.stream_made_at > covered_from:
            reason = (
                f"the stream was replaced during the restore, by one made at {iso_of(self.stream_made_at)}: changes from"
                " shortly before may not have been captured"
            )
            obstacles.append(Obstacle(ObstacleCode.GAP, reason))
        if certainly_read_from(self.capture.modified_at) > self.claim.claimed_at.timestamp():
            reason = (
                f"the capture mapping was changed at {iso_of(int(self.capture.modified_at))}, more than a day after the"
                " pipeline was claimed: where it was off before, for longer than the stream keeps a change, changes are lost"
            )
            obstacles.append(Obstacle(ObstacleCode.GAP, reason))
        return obstacles

    def _not_drained(self) -> list[Obstacle]:
        obstacles = []
        if self.stuck:
            first = min(self.stuck.values(), key=lambda stuck: stuck.since)
            reason = (
                f"capture could not send {len(self.stuck)} records, the first since {iso_of(first.since)}: {first.reason}; where"
                " Lambda has given them up meanwhile, bring_in clears that"
            )
            obstacles.append(Obstacle(ObstacleCode.CAPTURE_STUCK, reason))
        if self.misdirected is not None:
            obstacles.append(Obstacle(ObstacleCode.CAPTURE_MISDIRECTED, self.misdirected))
        lost = self._expired()
        if lagging := self.lagging - lost:
            reason = f"{len(lagging)} groups have captured changes that are not replayed yet"
            if self.depth.empty:
                minutes = _COUNTS_LAG_SECONDS // 60
                reason += f"; where the buffer stays empty, cutover tells after {minutes} minutes whether they are lost"
            obstacles.append(Obstacle(ObstacleCode.LAGGING, reason))
        if lost:
            obstacles.append(Obstacle(ObstacleCode.EXPIRED, self._told(lost)))
        elif retention.may_have_dropped(self.claim, self.at):
            reason = (
                f"since {iso_of(retention.certain_until(self.claim))} it is not known that everything captured was replayed, and"
                " the buffer keeps it for 14 days: changes may have expired there; restore again, or accept that the target"
                " may lack them"
            )
            obstacles.append(Obstacle(ObstacleCode.EXPIRED, reason))
        if not self.depth.empty:
            reason = (
                f"the buffer holds {self.depth.waiting} messages waiting and {self.depth.in_flight} in flight"
            )
            obstacles.append(Obstacle(ObstacleCode.BUFFER_NOT_EMPTY, reason))
        not_working = (mapping.not_working for mapping in (self.capture, self.replay))
        obstacles += [Obstacle(ObstacleCode.MAPPING_NOT_WORKING, why) for why in not_working if why]
        return obstacles

    def _expired(self) -> set[int]:
        """The groups whose captured changes are not in the buffer any more, although they were not replayed.

        The time of a change does not tell when it was sent to the buffer: capture may read a day of the stream. So this
        is known only while a cutover settles, which noted how much was captured, and when.
        """
        settling = self.claim.settling
        if settling is None or settling.changes != self.captured.changes or not self.depth.empty:
            return set()
        return self.lagging if self.at - settling.at >= _COUNTS_LAG_SECONDS else set()

    def _told(self, lost: set[int]) -> str:
        times = sorted((self.captured.positions[group].time, group) for group in lost)
        shown = ", ".join(f"group {group}, up to {iso_of(time)}" for time, group in times[:_SHOWN_GROUPS])
        more = f" and {len(times) - _SHOWN_GROUPS} more" if len(times) > _SHOWN_GROUPS else ""
        return (
            f"changes of {len(times)} groups ({shown}{more}) were captured and not replayed, and are in the buffer no"
            " more: they expired there, or it was purged; restore again, or accept that the target may lack them"
        )


def not_replaying(claim: Claim) -> Obstacle:
    """Why a restore that does not replay cannot be cut over."""
    if claim.state is ClaimState.WATCHING:
        reason = f"{claim.target} was cut over already"
    else:
        reason = f"the restore into {claim.target} is {claim.state.value}, not replaying"
    return Obstacle(ObstacleCode.NOT_REPLAYING, reason)


def settled_at(standing: Standing, since: int, settle_seconds: float) -> datetime:
    """From when on nothing that was written before `since` can still be on its way to capture unseen.

    - What `handed_out_after` says.
    - A mapping that was just changed may stop polling for up to 90 s, as Lambda's users report; see `MAPPING_SECONDS`.

    Args:
        since: epoch seconds.
        settle_seconds: what the caller asked for at least.
    """
    seconds = max(
        since + settle_seconds,
        since + standing.handed_out_after,
        standing.capture.modified_at + MAPPING_SECONDS,
        standing.replay.modified_at + MAPPING_SECONDS,
    )
    return from_epoch(seconds)


def _missing(discarded: Discarded, window: Window) -> str | None:
    if discarded.unknown is not None:
        return f"the failure bucket could not be looked into: {discarded.unknown}"
    if not discarded.objects:
        return None
    more = " and more" if discarded.objects > len(discarded.first) else ""
    which = f"{discarded.objects} ({', '.join(discarded.first)}{more})"
    advice = "run bring_in" if window.end is None else _START_OVER
    return f"batches of changes that capture gave up lie in the failure bucket: {which}; {advice}"
