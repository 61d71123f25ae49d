"""One delivery of a restore's message: what it says, what is known with it, how it can end, and who leads."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.pipeline.pipeline import Pipeline
from dynamodb_restore.restore.control import Treatment
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import Identified, Lease, RestoreKey, RestoreRecord
from dynamodb_restore.restore.report import Report, Result
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.source import Source
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.restore.waiting import Readiness
from dynamodb_restore.settings.setting import State
from dynamodb_restore.sync.outcome import Outcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

_LEADER_SILENCE = timedelta(minutes=15)
"""How long after its next delivery is due a message may be silent before another of the same restore takes over: it is
hidden for six times the function's timeout where the function died with it."""


@dataclass(frozen=True)
class Delivery:
    """One delivery of a message about a restore.

    Attributes:
        attempt: the message's receive count, from 1.
        message_id: which message this is a delivery of; the event's id for a caller that has no queue.
        redriven: whether it comes from the secondary DLQ, where a restore that was given up went, and its claim on the
            pipeline with it. It has another id there than it had when it led.
        give_up: which give-up of the restore it says that it was sent there by, counted from 1; 0 where it does not say.
    """

    request: RestoreRequest
    attempt: int
    message_id: str
    redriven: bool = False
    give_up: int = 0

    def was_set_aside_with(self, record: RestoreRecord) -> bool:
        """Whether it comes from the secondary DLQ, where it was sent by the last give-up on record."""
        return record.given_up and self.redriven and self.give_up == record.give_ups

    def report(
        self,
        result: Result,
        finished_at: datetime,
        treated: Treatment,
        *,
        restore_id: str | None = None,
        restore_point: datetime | None = None,
        notes: Sequence[str] = (),
        **more: Any,
    ) -> Report:
        """A report on the restore.

        Args:
            restore_id: by default the target's TableId where the event tells it, else the event's id.
            restore_point: as AWS told it; by default what the call asked for.
        """
        request = self.request
        return Report(
            result,
            request.source.name,
            request.target.name,
            finished_at=finished_at,
            attempts=self.attempt,
            restore_id=restore_id or request.target_id or request.event_id,
            requested_at=request.requested_at,
            requested_by=request.requested_by,
            restore_point=restore_point or request.restore_point,
            notes=(*request.notes, *treated.notes, *notes),
            **more,
        )


@dataclass(frozen=True)
class TryAgain:
    """The message is to come back after `delay_seconds`."""

    reason: str
    delay_seconds: float


@dataclass(frozen=True)
class NothingToDo:
    """The message is finished, and there is nothing to report: another message of the restore has reported it, or will."""

    reason: str


@dataclass(frozen=True)
class Finished:
    """The message is done with, and so is what can be done for its restore by itself.

    Attributes:
        not_told: why what was found to name the source, which is told after the report, was not told; None where it was.
    """

    report: Report
    not_told: str | None = None


@dataclass(frozen=True)
class GivenUp:
    """A person has to help: the message goes to the secondary DLQ.

    Attributes:
        code: why, short and stable, for alarms and filters.
        number: how often the restore has been given up by now; 0 where that could not be noted.
        not_told: as for `Finished`.
    """

    code: ReasonCode
    reason: str
    report: Report
    number: int = 0
    not_told: str | None = None


@dataclass(frozen=True)
class NotSetAside:
    """The restore was given up and that was told, and then the delivery ended: the message still has to go to the secondary
    DLQ.

    Attributes:
        code, reason, number: as for `GivenUp`, from the record, which an earlier release may have written.
        report: who is meant, for the message's attributes; it was told.
    """

    code: str
    reason: str
    report: Report
    number: int


@dataclass(frozen=True)
class Untold:
    """The restore has ended and is on record, and somebody could not be told: the message comes back after `delay_seconds` to
    tell them.

    Attributes:
        reason: who could not be told, and why.
        report: how it ended, where this delivery ended it; None where an earlier one did.
        not_told: as for `Finished`.
    """

    reason: str
    delay_seconds: float
    report: Report | None = None
    not_told: str | None = None


@dataclass(frozen=True)
class NotToldYet:
    """The restore has ended, and its record names somebody who has not heard of it, whom this delivery is to tell."""

    key: RestoreKey
    record: RestoreRecord


Verdict = TryAgain | NothingToDo | Finished | GivenUp | NotSetAside | Untold
"""What happens to a message."""


@dataclass(frozen=True)
class Unfinished:
    """This delivery could not end the restore; a later one may.

    Attributes:
        tries: how often this stage was tried, which sets the delay: the wait for ACTIVE and the tries to
            apply settings back off separately.
        report: what is known so far, in case there is no later delivery.
    """

    code: ReasonCode
    reason: str
    tries: int
    report: Report


@dataclass(frozen=True)
class LedByAnother:
    """Another message leads the restore, or another invocation acts for it just now: this one comes back to see it ended, or
    to take over.

    Attributes:
        until: when that invocation cannot run any more; None where it is another message that leads.
    """

    until: datetime | None = None


Progress = Unfinished | LedByAnother | Finished | GivenUp
"""How far one delivery brought its restore."""


class Lead(enum.Enum):
    """Whether a delivery acts for its restore. Several messages can be about one: it is seen in several ways, and each
    event may come twice."""

    LEADS = enum.auto()
    LEFT_TO_ANOTHER = enum.auto()
    TO_BE_SET_ASIDE = enum.auto()
    """It gave the restore up itself, and came to the secondary DLQ not yet, or not for all that is known."""
    OVER = enum.auto()
    """The restore was given up, and this is not the message that leads out of that."""


def lead(
    record: RestoreRecord | None, delivery: Delivery, longest_delay_seconds: float, now: datetime
) -> Lead:
    """Which message acts for a restore that is on record.

    Args:
        longest_delay_seconds: between two deliveries of the message that leads, as its restore is treated.
    """
    if record is None:
        return Lead.LEADS
    if record.given_up:
        return _lead_out_of_failure(record, delivery)
    # Given up for an error that left no mark in the record: nothing tells a copy of that message from it.
    unmarked = delivery.redriven and not delivery.give_up
    leads_already = record.leader in (None, delivery.message_id)
    if leads_already or unmarked or _has_fallen_silent(record, longest_delay_seconds, now):
        return Lead.LEADS
    return Lead.LEFT_TO_ANOTHER


def _lead_out_of_failure(record: RestoreRecord, delivery: Delivery) -> Lead:
    """A restore that was given up is taken up again once for each give-up, by the message that was set aside with it.

    Of its other events, and of copies of that message, nothing more can come than the same failure. But where it is not known
    to lie there, SQS may have moved the message by itself, and it comes back with another id and says nothing: then any message
    takes the restore up.
    """
    if delivery.was_set_aside_with(record):
        return Lead.LEADS
    if record.leader == delivery.message_id:
        return Lead.OVER if record.set_aside else Lead.TO_BE_SET_ASIDE
    # One that an earlier release gave up is not known not to lie there.
    return Lead.OVER if record.set_aside or record.give_up is None else Lead.LEADS


def _has_fallen_silent(record: RestoreRecord, longest_delay_seconds: float, now: datetime) -> bool:
    """Whether the leading message is overdue."""
    if record.updated_at is None:
        return True
    return now - record.updated_at > timedelta(seconds=longest_delay_seconds) + _LEADER_SILENCE


@dataclass(frozen=True)
class KnownRestore:
    """A restore as one delivery finds it, before anything is decided.

    Attributes:
        description: DescribeTable's answer about the target; None where there is no such table.
        readiness: what that answer means for this restore.
        record: what earlier deliveries left; None for the first.
        treated: how this restore is treated.
        kept: the source's portable states that are known already.
        open_pipeline: gives the source's pipeline, which is read at the first call; None where it has none, or is
            elsewhere, or the target is not this restore's.
        lease: this invocation's, which alone acts for the restore as long as it runs.
        source: the table restored from.
        evidence: what shows that the target was restored as the request says, in words; None where nothing does (yet).
    """

    delivery: Delivery
    description: TableDescriptionTypeDef | None
    readiness: Readiness
    key: RestoreKey
    record: RestoreRecord | None
    treated: Treatment
    lease: Lease
    kept: Mapping[str, State] = field(default_factory=dict)
    open_pipeline: Callable[[], Pipeline | None] = lambda: None
    source: Source = field(default_factory=Source)
    evidence: str | None = None

    @property
    def identified(self) -> Identified:
        """What tells the two tables of this restore from others of their names."""
        return Identified((self.description or {}).get("TableId"), self.source.table_id, self.evidence)

    @property
    def request(self) -> RestoreRequest:
        return self.delivery.request

    @property
    def begins(self) -> bool:
        """Whether the source's pipeline is to be claimed for this restore: it has not been yet, or has been given back."""
        if self.record is None:
            return True
        if self.record.without_replay:
            # Its settings were applied, so the table may be in use: what is replayed now would go over what was written to it.
            return False
        return not self.record.claimed or self.delivery.redriven

    @property
    def give_ups(self) -> int:
        """How often the restore was given up before."""
        return self.record.give_ups if self.record else 0

    @property
    def restored_to(self) -> datetime | None:
        """The restore point as AWS told it, which it does only while it restores."""
        summary = (self.description or {}).get("RestoreSummary", {})
        return summary.get("RestoreDateTime") or (self.record.restore_point if self.record else None)

    @property
    def restored_point(self) -> RestorePoint | None:
        """The same, with what it says of the table's data; None where AWS has not told it."""
        if self.restored_to is None:
            return None
        return RestorePoint(self.restored_to, of_backup=self.request.of_backup)

    @property
    def steps(self) -> Steps:
        """What earlier deliveries have done, and what they may have done."""
        return self.record.steps if self.record else Steps()

    def report(
        self,
        result: Result,
        finished_at: datetime,
        *,
        outcomes: Sequence[Outcome] | None = None,
        **more: Any,
    ) -> Report:
        """A report on this restore; the other arguments are those of `Delivery.report`.

        Args:
            outcomes: as this delivery found the settings; None where it did not look at them, so that the report tells
                what earlier ones have left on record.
        """
        if outcomes is None:
            outcomes = self.record.outcomes if self.record else ()
        return self.delivery.report(
            result,
            finished_at,
            self.treated,
            restore_id=self.key.restore_id,
            restore_point=self.restored_to,
            outcomes=outcomes,
            **more,
        )
