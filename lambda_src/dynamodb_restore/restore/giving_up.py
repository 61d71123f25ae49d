"""Give up a restore that could not be followed to its end: an error outside the settings, or a message with too little data.

Whatever the error was, it is reported: the event, the notification and the record are each tried separately, so that the
error that ended the restore blocks as little as possible.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from dynamodb_restore.aws import CALL_SECONDS, AwsError, CallTime, TableRef, explain
from dynamodb_restore.pace import ENDING_SECONDS
from dynamodb_restore.pipeline.pipeline import NoPipelineError, Pipelines
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.delivery import (
    Delivery,
    GivenUp,
    LedByAnother,
    NothingToDo,
    NotSetAside,
)
from dynamodb_restore.restore.ending import Ending
from dynamodb_restore.restore.lookup import Lookup, as_on_record
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreKey, RestoreRecord
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest, Sighting

_FOR_TELLING_SECONDS = ENDING_SECONDS + CALL_SECONDS
"""Kept while it is looked what else there is to tell: the event, the notification and the record come first."""

_UNREADABLE = (*AwsError, KeyError, TypeError, ValueError)
"""What reading a record can raise: from the calls, and where it is not as this release writes it."""


@dataclass(frozen=True)
class GivingUp:
    """What giving up needs.

    Attributes:
        now: returns the current time, timezone-aware.
    """

    lookup: Lookup
    announcer: Announcer
    pipelines: Pipelines
    call_time: CallTime
    now: Callable[[], datetime]

    def restore(
        self, delivery: Delivery, code: ReasonCode, reason: str, lease: Lease | None = None
    ) -> GivenUp | LedByAnother | NothingToDo | NotSetAside:
        """Give up one restore, with what is on record of it in the report.

        Args:
            code, reason: as in `GivenUp`.
            lease: that this invocation has on the restore; None where it came to none.
        """
        request = delivery.request
        with self.call_time.keeping(_FOR_TELLING_SECONDS):
            key, record = self._on_record(request.target.name, request.target_id, request.event_id)
            if record is not None and not record.is_of(request):
                # Another restore's, which such a message must not end.
                key = record = None
            if record is not None and record.settled:
                return NothingToDo("already finished by an earlier delivery")
            request = as_on_record(request, record)
            delivery = replace(delivery, request=request)
            if lease is None and key is not None and record is not None:
                # Where the restore table takes no notes, people and machines hear of it all the same.
                with suppress(*AwsError):
                    leads = self.lookup.take_lead(delivery, key, record)
                    if not isinstance(leads, Lease):
                        return leads
                    lease = leads
            reason = "; and ".join([reason, *self._given_back(request, key)])
        treated = self.lookup.treatment(request, record.settings if record else {})
        report = delivery.report(
            Result.FAILED,
            self.now(),
            treated,
            restore_id=key.restore_id if key else None,
            restore_point=record.restore_point if record else None,
            outcomes=record.outcomes if record else (),
            reason=reason,
        )
        number = record.give_ups + 1 if record else 1
        return self._told(code, report, key, notify=treated.notify, number=number, lease=lease)

    def message(self, seen: Sighting | None, code: ReasonCode, reason: str, attempt: int) -> GivenUp:
        """Give up a message that names no restore which could be followed.

        Args:
            seen: what it tells of one; None where it tells nothing.
        """
        if seen is None:
            report = Report(
                Result.FAILED, None, None, finished_at=self.now(), attempts=attempt, reason=reason
            )
            return self._told(code, report, None, notify=True)
        key = None
        if seen.target is not None:
            with self.call_time.keeping(_FOR_TELLING_SECONDS):
                key, _ = self._on_record(seen.target.name, seen.target_id, seen.event_id)
        report = Report(
            Result.FAILED,
            seen.source.name if seen.source else None,
            seen.target.name if seen.target else None,
            finished_at=self.now(),
            attempts=attempt,
            restore_id=key.restore_id if key else seen.event_id,
            requested_at=seen.requested_at,
            requested_by=seen.requested_by,
            restore_point=seen.restore_point,
            reason=reason,
        )
        return self._told(code, report, key, notify=True)

    def followed_by(self, target: TableRef, event_id: str) -> RestoreRequest | None:
        """The restore that an event's earlier deliveries have followed, and that has not ended; None where there is none."""
        with self.call_time.keeping(_FOR_TELLING_SECONDS):
            key, record = self._on_record(target.name, None, event_id)
        if key is None or record is None or record.settled or record.given_up:
            return None
        try:
            return RestoreRequest.from_json(record.request, key.restore_id)
        except (KeyError, TypeError, ValueError):
            return None

    def note_set_aside(self, verdict: GivenUp | NotSetAside) -> None:
        """Note that the verdict's message is in the secondary DLQ; where that fails, any message may take the restore up."""
        report = verdict.report
        if not verdict.number or report.target is None or report.restore_id is None:
            return
        with suppress(*AwsError), self.call_time.keeping(0):
            self.lookup.records.notes.note_set_aside(
                RestoreKey(report.target, report.restore_id), verdict.number
            )

    def _on_record(
        self, target: str, target_id: str | None, event_id: str
    ) -> tuple[RestoreKey | None, RestoreRecord | None]:
        """A restore's key and record, without a look at its target.

        Returns:
            None for the key where nobody has seen the target's TableId, and for what cannot be read.
        """
        records = self.lookup.records
        key = RestoreKey(target, target_id) if target_id else None
        try:
            if key is None:
                restore_id = self.lookup.pins.get(event_id, target)
                key = RestoreKey(target, restore_id) if restore_id else None
            return key, records.get(key) if key else None
        except _UNREADABLE:
            # It may be the very error that ended the restore, which the report tells.
            return key, None

    def _given_back(self, request: RestoreRequest, key: RestoreKey | None) -> list[str]:
        """Give up a claim on the source's pipeline that has not come to replaying; say why where that failed.

        A restore whose table nobody has seen has claimed nothing.
        """
        if key is None:
            return []
        source = request.source.name
        try:
            pipeline = self.pipelines.open(source) if request.source_is_here else None
            if pipeline is not None:
                pipeline.give_back(request.target.name, key.restore_id)
        except (*AwsError, NoPipelineError) as error:
            return [f"the pipeline of {source} was not released: {explain(error)}"]
        return []

    def _told(
        self,
        code: ReasonCode,
        report: Report,
        key: RestoreKey | None,
        *,
        notify: bool,
        number: int = 1,
        lease: Lease | None = None,
    ) -> GivenUp:
        """The verdict, once everybody has been told who can be."""
        ending = Ending(self.announcer, self.lookup.records, self.now)
        give_up = GiveUp(number, code, str(report.reason))
        told = ending.tell(report, key, notify=notify, comes_back=False, give_up=give_up, lease=lease)
        # Where it is not on record, nothing tells one copy of its message from another.
        reason = "; and ".join([give_up.reason, *told.problems])
        return GivenUp(code, reason, report, number if told.noted else 0)
