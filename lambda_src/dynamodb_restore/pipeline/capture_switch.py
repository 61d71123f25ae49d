"""Capture on or off: whether the event source mapping from the source's stream hands out changes."""

from __future__ import annotations

from dynamodb_restore.changes.progress import ProgressStore
from dynamodb_restore.pipeline.claim import Claim, ClaimState, ClaimStore
from dynamodb_restore.pipeline.mapping import EventSourceMapping
from dynamodb_restore.pipeline.registration import CaptureMode


class CaptureSwitch:
    """Switches capture of one pipeline, and notes what a pause means for what was captured before it."""

    def __init__(
        self, mode: CaptureMode, mapping: EventSourceMapping, progress: ProgressStore, claims: ClaimStore
    ) -> None:
        self._mode = mode
        self._mapping = mapping
        self._progress = progress
        self._claims = claims

    def start(self) -> None:
        """Let capture read."""
        if self._mode is CaptureMode.ALWAYS and self._mapping.is_off:
            # Somebody disabled it, nobody knows when: what was captured before does not reach up to now.
            self._progress.forget_since()
        self._mapping.switch(enabled=True)

    def stop(self) -> None:
        """Let capture rest, where it runs for restores only."""
        if self._mode is CaptureMode.ON_RESTORE:
            self._mapping.switch(enabled=False)
            # What was captured so far says nothing about what comes after this pause.
            self._progress.forget_since()

    def keep_as_needed(self, claim: Claim | None) -> None:
        """Switch capture on or off where it is not as it has to be: Terraform makes its mapping disabled, also anew for another
        stream, and changes `capture` without touching it.

        Who claims the pipeline, or gives it back, switches it too. So the claim is looked at again after each switch.

        Args:
            claim: as it was read just before.

        Raises:
            ClientError, BotoCoreError: from the calls; the next run looks again.
        """
        always = self._mode is CaptureMode.ALWAYS
        if _needs_capture(claim) or (claim is None and always):
            if self._mapping.is_off:
                self.start()
                if not always and self._claims.current() is None:
                    self.stop()
        elif claim is None and not self._mapping.is_off:
            self.stop()
            if _needs_capture(self._claims.current()):
                self.start()


def _needs_capture(claim: Claim | None) -> bool:
    """Whether a restore is at a stage in which nothing but its end switches capture off."""
    return claim is not None and claim.state in (ClaimState.CAPTURING, ClaimState.REPLAYING)
