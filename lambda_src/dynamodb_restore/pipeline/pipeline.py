"""One source table's change pipeline: claimed when a restore is requested, replaying once the target is ACTIVE, released at the end.

Every step may be repeated: each that changes who owns the pipeline looks at the claim first, which is the only truth
about that. What Terraform made (the registration) is read once, when the pipeline is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore.aws import Clients, describe_table
from dynamodb_restore.changes.doubt import DoubtStore
from dynamodb_restore.changes.progress import Progress, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.stuck import Stuck, StuckMarks
from dynamodb_restore.changes.window import Window
from dynamodb_restore.instants import from_epoch, iso_of
from dynamodb_restore.pipeline import coverage
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.pipeline.buffer import Buffer
from dynamodb_restore.pipeline.capture_switch import CaptureSwitch
from dynamodb_restore.pipeline.chosen_window import ChosenWindows
from dynamodb_restore.pipeline.claim import Captured, Claim, ClaimState, ClaimStore
from dynamodb_restore.pipeline.discarded import Discarded, find_discarded
from dynamodb_restore.pipeline.mapping import EventSourceMapping, mapping_state, stream_made_at
from dynamodb_restore.pipeline.not_captured import NotCaptured
from dynamodb_restore.pipeline.owned import OwnedPipelines
from dynamodb_restore.pipeline.registration import CaptureMode, Registration, read_registration
from dynamodb_restore.pipeline.standing import Standing
from dynamodb_restore.pipeline.stream_check import misdirected

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

WATCH = timedelta(minutes=5)
"""How long capture stays on after a cutover, to see a writer that was forgotten; a batching window comes on top."""

_IN_FLIGHT_SECONDS = 15
"""How long a request of an invocation that has just timed out may take to be carried out."""


class NoPipelineError(Exception):
    """The source table has no pipeline; the text says which and what that means."""


class Pipeline:
    """The pipeline of one source table.

    Attributes:
        doubts: which writes of the target are in doubt.
        stuck: the records that capture could not get through.
        progress_notes: how far capture and replay have come, as they note it.
        claims: who owns it; read again wherever that decides.
        chosen_windows: which windows were chosen for restores that gave it up.
        owned: tells Terraform that a restore owns it.
        not_captured: the last restore whose target it does not admit.
        capture, replay: its event source mappings.
        capture_switch: switches capture on and off.
        now: returns the current time, timezone-aware.
    """

    def __init__(
        self, clients: Clients, restore_table: str, registration: Registration, now: Callable[[], datetime]
    ) -> None:
        self._clients = clients
        self._restore_table = restore_table
        self.now = now
        self.progress_notes = ProgressStore(
            clients, restore_table, registration.source, registration.buffer_id
        )
        self.stuck = StuckMarks(clients, restore_table, registration.source, registration.buffer_id)
        self.registration = registration
        self.doubts = DoubtStore(clients, restore_table, registration.source, registration.buffer_id)
        self.claims = ClaimStore(clients, restore_table, registration.source)
        self.chosen_windows = ChosenWindows(clients, restore_table, registration.source)
        self.owned = OwnedPipelines(clients, restore_table, registration)
        self.not_captured = NotCaptured(clients, restore_table, registration.source)
        self.capture = EventSourceMapping(clients, registration.capture_mapping)
        self.replay = EventSourceMapping(clients, registration.replay_mapping)
        self.capture_switch = CaptureSwitch(registration.mode, self.capture, self.progress_notes, self.claims)
        self.buffer = Buffer(clients, registration.buffer_url, registration.buffer_dead_letter_url)

    @property
    def source(self) -> str:
        return self.registration.source

    def begin(self, restore_id: str, target: str, restore_point: RestorePoint) -> Claim | None:
        """Claim the pipeline for a restore, with the window that a person chose for it before, if one did; start capturing.

        Returns:
            The claim that holds, which is another restore's where that was first; None where the pipeline does not
            admit this target.
        """
        if not self.registration.admits(target):
            self.not_captured.note(restore_id, target, self.now())
            return None
        self._end_watch_of_another(restore_id)
        wanted = Claim(
            restore_id=restore_id,
            target=target,
            state=ClaimState.CAPTURING,
            claimed_at=self.now(),
            window=Window(restore_point.window_start()),
        )
        wanted = self.chosen_windows.taken_over_by(wanted)
        taken = self.claims.take(wanted)
        if _is_half_given_up(taken, restore_id):
            # Giving up failed half-way. The restore asks again, so that is finished first: else nobody would capture for it.
            self.end(taken, replayed=False)
            taken = self.claims.take(wanted)
        claim: Claim | None = taken
        if _is_capturing(claim, restore_id):
            self.capture_switch.start()
        while claim is not None and _is_capturing(claim, restore_id) and claim.covered_from is None:
            covered = replace(claim, covered_from=self._covered_from())
            claim = self.claims.update(covered) or self.claims.current()
        if claim is not None and claim.restore_id == restore_id:
            self.owned.note(claim, self.now())
        return claim

    def start_replay(self, claim: Claim, restored_to: RestorePoint | None) -> Claim | None:
        """Start the replay of buffered changes into the target, which is ACTIVE now.

        What is covered is computed once more: a restore takes hours, in which the buffer loses what is two weeks old,
        and the stream may have been replaced.

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
                current = replace(current, window=Window(restored_to.window_start()))
            mapping = self.capture.describe()
            still_covered_from = coverage.still_covered_from(self.now(), mapping, self._misdirected(mapping))
            covered_from = max(current.covered_from or 0, still_covered_from)
            replaying = replace(current, state=ClaimState.REPLAYING, covered_from=covered_from)
            current = self.claims.update(replaying) or self.claims.current()
        if current is None or current.restore_id != claim.restore_id:
            return None
        if current.state is not ClaimState.REPLAYING:
            return None
        # A mapping that was made anew since the claim is as Terraform makes it: disabled.
        self.capture.switch(enabled=True)
        self.replay.switch(enabled=True)
        return current

    def settle(self, claim: Claim, captured: Captured | None, stopped_at: int | None) -> Claim | None:
        """Note since when nothing new was captured, and since when the writers are stopped, as a cutover takes it.

        Returns:
            The claim as it now holds; None where it has changed since it was read.
        """
        return self.claims.update(replace(claim, settling=captured, stopped_at=stopped_at))

    def fence(self, claim: Claim, state: ClaimState, accepted: Sequence[str] = ()) -> Claim | None:
        """Stop replay: it looks at the claim before each round of writes, and writes under `replaying` only.

        What a round has begun goes on: until `fenced_from` a write may still land.

        Args:
            accepted: what stood in the way of a cutover and was accepted.

        Returns:
            The claim as it now holds; None where it has changed since it was read, so that nothing was done.
        """
        fenced_at = claim.fenced_at
        if claim.state is ClaimState.REPLAYING or fenced_at is None:
            fenced_at = int(self.now().timestamp())
        fenced = replace(claim, state=state, fenced_at=fenced_at, accepted=(*claim.accepted, *accepted))
        return self.claims.update(fenced)

    def fenced_from(self, claim: Claim) -> datetime:
        """The time from which the fence is effective: no invocation that was running when it was set can write any more."""
        longest = self.registration.replay_timeout_seconds + _IN_FLIGHT_SECONDS
        return from_epoch((claim.fenced_at or 0) + longest)

    def end(self, claim: Claim, *, replayed: bool) -> None:
        """Switch replay off, and capture where it ran for this restore only, and release the pipeline.

        Args:
            replayed: whether changes went into the target, so that the buffer no longer has them.
        """
        if not self._is_held_by(claim):
            # Ended by an earlier try. The mappings may serve another restore by now.
            return
        self.replay.switch(enabled=False)
        if replayed:
            self.claims.note_consumed(self.now())
        self.capture_switch.stop()
        self._release(claim)

    def watch(self, claim: Claim) -> None:
        """End replay after a cutover, and leave capture on for some minutes: what it captures now, the target lacks."""
        if not self._is_held_by(claim):
            return
        self.replay.switch(enabled=False)
        self.claims.note_consumed(self.now())
        # From when cutover settled on: what was captured while its settings were applied was not replayed either.
        changes = claim.settling.changes if claim.settling else self.progress()[0].changes
        until = self.now() + WATCH + timedelta(seconds=self.registration.batching_window_seconds)
        watched = Captured(int(until.timestamp()), changes)
        self.claims.update(replace(claim, state=ClaimState.WATCHING, watched=watched))

    def end_watch(self, claim: Claim, tell: Callable[[int], object] = lambda _: None) -> int:
        """Stop watching after a cutover, and release the pipeline, unless another restore has it by now.

        Args:
            tell: is told how many changes were captured since the cutover, before the claim is given back.

        Returns:
            How many they were.
        """
        if not self._is_held_by(claim):
            return self.captured_since_cutover(claim)
        self.capture_switch.stop()
        late = self.captured_since_cutover(claim)
        tell(late)
        self._release(claim)
        return late

    def captured_since_cutover(self, claim: Claim) -> int:
        """How many changes were captured since the cutover that is watched; 0 before."""
        if claim.watched is None:
            return 0
        captured, _ = self.progress()
        return captured.changes - claim.watched.changes

    def give_up(self, claim: Claim) -> bool:
        """Release the pipeline before anything was replayed, so that the next restore finds the changes in the buffer.

        Replay must not begin in between: the claim says first that it will not. A window that was chosen is kept before.

        Returns:
            False where the claim has changed since it was read, so that it was not given up.
        """
        self.chosen_windows.keep(claim, self.now())
        given_up = self.claims.update(replace(claim, state=ClaimState.ABANDONING))
        if given_up is None:
            return False
        self.end(given_up, replayed=False)
        return True

    def give_back(self, target: str, restore_id: str | None = None) -> None:
        """Release the pipeline where a restore into `target` has claimed it and has replayed nothing; a person ends
        one that has.

        Args:
            restore_id: which restore into that name; None for whichever it is.
        """
        claim = self.claims.current()
        if claim is None or claim.target != target or restore_id not in (None, claim.restore_id):
            return
        if claim.has_replayed_nothing:
            self.give_up(claim)

    def progress(self) -> tuple[Progress, Progress]:
        """How far capture and replay have come."""
        # Replayed is read first: a bundle that arrives in between makes the answer too cautious, not too bold.
        replayed = self.progress_notes.read(Side.REPLAYED)
        return self.progress_notes.read(Side.CAPTURED), replayed

    def standing(self, claim: Claim) -> Standing:
        """Read everything that may be an obstacle to cutover.

        Raises:
            ClientError, BotoCoreError: from the calls.
        """
        captured, replayed = self.progress()
        depth = self.buffer.depth()
        mapping = self.capture.describe()
        capture = mapping_state("capture", mapping)
        return Standing(
            claim=claim,
            at=int(self.now().timestamp()),
            captured=captured,
            replayed=replayed,
            depth=depth,
            capture=capture,
            replay=mapping_state("replay", self.replay.describe()),
            batching_window_seconds=max(
                capture.batching_window_seconds, self.registration.batching_window_seconds
            ),
            stream_made_at=stream_made_at(mapping),
            in_doubt_until=self._in_doubt_until(claim),
            stuck=self._stuck_since(claim.window.start),
            misdirected=self._misdirected(mapping),
            # After the mappings were looked at: see `find_discarded`.
            discarded=self.discarded(claim.window.start),
            quarantined=sum(1 for _ in self.quarantine(claim).items()),
            set_aside=self.buffer.set_aside(),
        )

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
        mapping = self.capture.describe()
        always = self.registration.mode is CaptureMode.ALWAYS
        return coverage.covered_from(
            self.now(),
            mapping,
            self._misdirected(mapping),
            since=self.progress()[0].since if always else None,
            consumed_until=self.claims.consumed_until(),
        )

    def _stuck_since(self, start: int) -> dict[str, Stuck]:
        """What capture was stuck at in a window; a change is no younger than the last invocation that failed at it."""
        return {sequence: stuck for sequence, stuck in self.stuck.read().items() if stuck.noted_at >= start}

    def _in_doubt_until(self, claim: Claim) -> int | None:
        notes = [doubt for doubt in self.doubts.read() if doubt.restore_id == claim.restore_id]
        return max((doubt.certain_at for doubt in notes), default=None)

    def _misdirected(self, mapping: EventSourceMappingConfigurationResponseTypeDef) -> str | None:
        return misdirected(mapping, describe_table(self._clients, self.source), self.registration)

    def _is_held_by(self, claim: Claim) -> bool:
        current = self.claims.current()
        return current is not None and current.restore_id == claim.restore_id

    def _end_watch_of_another(self, restore_id: str) -> None:
        """A restore that was cut over and is only watched must not block the next one."""
        current = self.claims.current()
        if current and current.state is ClaimState.WATCHING and current.restore_id != restore_id:
            self._release(current)

    def _release(self, claim: Claim) -> None:
        self.claims.release(claim)
        self.owned.clear(claim)


class Pipelines:
    """The pipelines of this account and region.

    Args:
        now: returns the current time, timezone-aware.
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
    """Notes on a replay that an operator must read before relying on it."""
    if not claim.gap_seconds:
        return []
    gap = (
        f"changes from {iso_of(claim.window.start)} to {iso_of(claim.covered_from)} cannot be had: a stream keeps 24 hours, and what an"
        " earlier restore consumed is gone; the target lacks them"
    )
    return [gap]


def _is_half_given_up(claim: Claim, restore_id: str) -> bool:
    """Whether a restore began to give up the pipeline before it replayed anything, and did not come to release it."""
    return (
        claim.restore_id == restore_id and claim.state is ClaimState.ABANDONING and claim.has_replayed_nothing
    )


def _is_capturing(claim: Claim | None, restore_id: str) -> bool:
    return claim is not None and claim.restore_id == restore_id and claim.state is ClaimState.CAPTURING
