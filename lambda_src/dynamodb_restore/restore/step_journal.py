"""Store the steps of a run in its restore's record, as they finish."""

from __future__ import annotations

from collections.abc import Sequence

from dynamodb_restore.aws import CALL_SECONDS, AwsError, CallTime
from dynamodb_restore.pace import ENDING_SECONDS
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecords
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.sync.outcome import Outcome
from dynamodb_restore.sync.step_log import Plan

_KEPT_SECONDS = ENDING_SECONDS - CALL_SECONDS
"""A step that took the last of the time for work is noted all the same."""


class StepJournal:
    """Keeps the record of a restore's steps up to date while they are carried out; a `StepLog`.

    A step that is done is noted at once, so that a run that is killed loses none. Where one note fails, the run goes on:
    the next note has all that the one before had, and `finish` does not return before everything is noted.
    """

    def __init__(
        self,
        records: RestoreRecords,
        key: RestoreKey,
        steps: Steps,
        call_time: CallTime,
        lease: Lease | None = None,
    ) -> None:
        """
        Args:
            steps: what is on record.
            lease: of who has taken an ended restore up; None where it has not ended.
        """
        self._lease = lease
        self._call_time = call_time
        self._records = records
        self._key = key
        self._steps = steps

    @property
    def steps(self) -> Steps:
        """What is on record by now, or is to be with the next note."""
        return self._steps

    def planned(self, plan: Plan) -> None:
        """Note steps that are about to be taken.

        Raises:
            ClientError, BotoCoreError: it could not be noted, so they must not be taken.
        """
        if not plan:
            return
        self._steps = self._steps.with_plan(plan)
        self._records.save_steps(self._key, self._steps, lease=self._lease)

    def done(self, setting: str, step: str) -> None:
        """Store that AWS has accepted a step."""
        self._save(self._steps.with_done(setting, step))

    def not_done(self, setting: str, step: str) -> None:
        """Store that a step was not carried out."""
        self._save(self._steps.with_not_done(setting, step))

    def finish(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Note how the run ended.

        Returns:
            The outcomes, with what earlier runs have done.

        Raises:
            ClientError, BotoCoreError: it could not be noted.
        """
        told = self._steps.with_noted_steps(outcomes)
        with self._call_time.keeping(_KEPT_SECONDS):
            self._records.save_steps(self._key, self._steps, told)
        return told

    def _save(self, steps: Steps) -> None:
        self._steps = steps
        try:
            with self._call_time.keeping(_KEPT_SECONDS):
                self._records.save_steps(self._key, steps, lease=self._lease)
        except AwsError:
            # Nothing is lost yet: the next note tells it too, and the last one raises.
            return
