"""One source table's change pipeline: claimed at a restore's request, replaying from ACTIVE on, given back at the end.

Every step may be repeated: each that changes who owns the pipeline looks at the claim first, which is the only truth
about that. What Terraform made (the registration) is read once, when the pipeline is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.doubt import DoubtStore
from dynamodb_restore.changes.progress import Progress, ProgressStore, Side, lagging_groups
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import iso_of
from dynamodb_restore.pipeline.buffer import Buffer
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from dynamodb_restore.pipeline.discarded import Discarded, find_discarded
from dynamodb_restore.pipeline.mapping import EventSourceMapping
from dynamodb_restore.pipeline.registration import CaptureMode, Registration, read_registration

STREAM_RETENTION = timedelta(hours=24)
"""How far back a stream reaches (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html)."""

BUFFER_RETENTION = timedelta(days=14)
"""How long the FIFO buffer keeps a bundle: SQS's longest."""

_BRING_IN = "run bring_in, or abandon and restore again"

_START_OVER = (
    "abandon and restore again, for the window has an end: what is brought in is what the source has now, which may be "
    "from after it"
)


class NoPipelineError(Exception):
    """The source table has no pipeline; the text says which and what that means."""


@dataclass(frozen=True)
class Standing:
    """How one restore's replay stands: everything that cutover looks at.

    Attributes:
        not_drained: why the buffer is not known to be empty; nothing where it is.
        discarded: what capture gave up since the window's start.
        quarantined: items that the target refused.
        set_aside: bundles on the FIFO DLQ: they could not be decoded, or were delivered too often.
    """

    claim: Claim
    not_drained: tuple[str, ...]
    discarded: Discarded
    quarantined: int
    set_aside: int

    @property
    def obstacles(self) -> list[str]:
        """Why cutting over now would leave the target without something that its source has."""
        if self.claim.state is not ClaimState.REPLAYING:
            return [f"the restore into {self.claim.target} is {self.claim.state.value}"]
        obstacles = list(self.not_drained)
        if self.quarantined:
            obstacles.append(
                f"{self.quarantined} items are in quarantine: see status, mend the cause, run repair"
            )
        if self.set_aside:
            obstacles.append(f"{self.set_aside} bundles lie on the FIFO dead-letter queue: run bring_in")
        obstacles += _missing(self.discarded, self.claim.window)
        if self.claim.gap_seconds:
            obstacles.append(
                f"{self.claim.gap_seconds} s of changes after the restore point could not be captured"
            )
        return obstacles


class Pipeline:
    """The pipeline of one source table.

    Attributes:
        doubts: which writes of the target are in doubt.
        claims: who owns it; read again wherever that decides.
        capture, replay: its event source mappings.
        now: the present instant, aware.
    """

    def __init__(
        self, clients: Clients, restore_table: str, registration: Registration, now: Callable[[], datetime]
    ) -> None:
        self._clients = clients
        self._restore_table = restore_table
        self.now = now
        self._progress = ProgressStore(clients, restore_table, registration.source, registration.buffer_id)
        self.registration = registration
        self.doubts = DoubtStore(clients, restore_table, registration.source, registration.buffer_id)
        self.claims = ClaimStore(clients, restore_table, registration.source)
        self.capture = EventSourceMapping(clients, "capture", registration.capture_mapping)
        self.replay = EventSourceMapping(clients, "replay", registration.replay_mapping)
        self.buffer = Buffer(clients, registration.buffer_url, registration.buffer_dead_letter_url)

    @property
    def source(self) -> str:
        """The source table's name."""
        return self.registration.source

    def begin(self, restore_id: str, target: str, restore_point: datetime) -> Claim | None:
        """Claim the pipeline for a restore and start capturing.

        Returns:
            The claim that holds, which is another restore's where that was first; None where the pipeline does not
            admit this target.
        """
        if not self.registration.admits(target):
            return None
        wanted = Claim(
            restore_id=restore_id,
            target=target,
            state=ClaimState.CAPTURING,
            claimed_at=self.now(),
            window=Window(int(restore_point.timestamp())),
        )
        claim: Claim | None = self.claims.take(wanted)
        if _is_capturing(claim, restore_id):
            self.capture.switch(enabled=True)
        while claim is not None and _is_capturing(claim, restore_id) and claim.covered_from is None:
            covered = replace(claim, covered_from=self._covered_from())
            claim = self.claims.update(covered) or self.claims.current()
        return claim

    def start_replay(self, claim: Claim, restored_to: datetime | None) -> Claim | None:
        """Let the buffered changes flow into the target, which is ACTIVE now.

        Args:
            claim: as it was before the settings were applied, which takes minutes: a person may have chosen
                a window or abandoned the restore meanwhile.
            restored_to: the restore point where AWS told it after the claim was taken.

        Returns:
            The claim as it is now; None where the restore is not replaying after all.
        """
        current = self.claims.current()
        while current is not None and _is_capturing(current, claim.restore_id):
            if restored_to is not None and not current.window_chosen:
                current = replace(current, window=Window(int(restored_to.timestamp())))
            replaying = replace(current, state=ClaimState.REPLAYING)
            current = self.claims.update(replaying) or self.claims.current()
        if current is None or current.restore_id != claim.restore_id:
            return None
        if current.state is not ClaimState.REPLAYING:
            return None
        self.replay.switch(enabled=True)
        return current

    def fence(self, claim: Claim, state: ClaimState) -> Claim | None:
        """Stop replay at once, before its mapping is seen to be disabled: replay writes under `replaying` only.

        Returns:
            The claim as it now holds; None where it has changed since it was read, so that nothing was done.
        """
        return self.claims.update(replace(claim, state=state))

    def end(self, claim: Claim, *, replayed: bool) -> None:
        """Switch replay off, and capture where it ran for this restore only, and release the pipeline.

        Args:
            replayed: whether changes went into the target, so that the buffer no longer has them.
        """
        current = self.claims.current()
        if current is None or current.restore_id != claim.restore_id:
            # Ended by an earlier try. The mappings may serve another restore by now.
            return
        self.replay.switch(enabled=False)
        if self.registration.mode is CaptureMode.ON_RESTORE:
            self.capture.switch(enabled=False)
            # What was captured so far says nothing about what comes after this pause.
            self._progress.forget_since()
        self.claims.release(claim, consumed_until=self.now() if replayed else None)

    def give_back(self, target: str) -> None:
        """Release the pipeline where a restore into `target` has claimed it and does not replay yet; a person ends
        one that does."""
        claim = self.claims.current()
        if claim and claim.target == target and claim.state is ClaimState.CAPTURING:
            self.end(claim, replayed=False)

    def progress(self) -> tuple[Progress, Progress]:
        """How far capture and replay have come."""
        # Replayed is read first: a bundle that arrives in between makes the answer too cautious, not too bold.
        replayed = self._progress.read(Side.REPLAYED)
        return self._progress.read(Side.CAPTURED), replayed

    def standing(self, claim: Claim) -> Standing:
        """Look at everything that may stand in the way of cutover.

        Raises:
            ClientError, BotoCoreError: from the calls.
        """
        not_drained = self.not_drained()
        # After the mappings were looked at: see `find_discarded`.
        discarded = self.discarded(claim.window.start)
        quarantined = sum(1 for _ in self.quarantine(claim).items())
        return Standing(claim, tuple(not_drained), discarded, quarantined, self.buffer.set_aside())

    def not_drained(self) -> list[str]:
        """Why the buffer is not known to be empty; nothing where it is."""
        reasons = []
        captured, replayed = self.progress()
        if lagging := lagging_groups(captured, replayed):
            reasons.append(f"{len(lagging)} groups have captured changes that are not replayed yet")
        depth = self.buffer.depth()
        if not depth.empty:
            reasons.append(
                f"the buffer holds {depth.waiting} messages waiting and {depth.in_flight} in flight"
            )
        reasons += [reason for mapping in (self.capture, self.replay) if (reason := mapping.not_working())]
        return reasons

    def discarded(self, since: int) -> Discarded:
        """What capture gave up since an instant (epoch seconds).

        Raises:
            ClientError, BotoCoreError: the same call can succeed later.
        """
        return find_discarded(self._clients, self.registration.failure_bucket, self.capture.uuid, since)

    def quarantine(self, claim: Claim) -> Quarantine:
        """The items that a restore's target refused."""
        return Quarantine(self._clients, self._restore_table, claim.restore_id)

    def _covered_from(self) -> int:
        """From when on every change of the source is, or will be, in the buffer."""
        starts = [self.claims.consumed_until() or 0, self.capture.stream_made_at()]
        if self.registration.mode is CaptureMode.ALWAYS:
            captured, _ = self.progress()
            since = captured.since
            starts.append(int((self.now() - BUFFER_RETENTION).timestamp()))
            if since is not None and since < int((self.now() - STREAM_RETENTION).timestamp()):
                return max(*starts, since)
        starts.append(int((self.now() - STREAM_RETENTION).timestamp()))
        return max(starts)


class Pipelines:
    """The pipelines of this account and region.

    Args:
        now: the present instant, aware.
    """

    def __init__(self, clients: Clients, restore_table: str, now: Callable[[], datetime]) -> None:
        self._clients = clients
        self._restore_table = restore_table
        self._now = now

    def open(self, source: str) -> Pipeline | None:
        """The pipeline of a source table; None where it has none.

        Raises:
            ClientError, BotoCoreError: from GetItem.
        """
        registration = read_registration(self._clients, self._restore_table, source)
        if registration is None:
            return None
        return Pipeline(self._clients, self._restore_table, registration, self._now)


def gap_notes(claim: Claim) -> list[str]:
    """What a person must know about a replay before trusting it."""
    if not claim.gap_seconds:
        return []
    gap = (
        f"changes from {iso_of(claim.window.start)} to {iso_of(claim.covered_from)} cannot be had: a stream keeps 24 hours, and what an"
        " earlier restore consumed is gone; the target lacks them"
    )
    return [gap]


def _is_capturing(claim: Claim | None, restore_id: str) -> bool:
    return claim is not None and claim.restore_id == restore_id and claim.state is ClaimState.CAPTURING


def _missing(discarded: Discarded, window: Window) -> Sequence[str]:
    if discarded.unknown is not None:
        return [f"the failure bucket could not be looked into: {discarded.unknown}"]
    if not discarded.objects:
        return []
    more = " and more" if discarded.objects > len(discarded.first) else ""
    which = f"{discarded.objects} ({', '.join(discarded.first)}{more})"
    advice = _BRING_IN if window.end is None else _START_OVER
    return [f"batches of changes that capture gave up lie in the failure bucket: {which}; {advice}"]
