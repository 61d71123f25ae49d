"""Follow one restore: check the target, store the source's settings, apply them, report how it ended.

One call of `follow` is one delivery of the restore's message. It returns what is to become of the message
and never sends to the restore queue itself: Lambda stops functions that feed their own queue
(docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from dynamodb_restore.aws import AwsError, explain, retry_after
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.findings.search import find_most
from dynamodb_restore.listings import since_call
from dynamodb_restore.pace import ENDING_SECONDS
from dynamodb_restore.pipeline.pipeline import NoPipelineError, Pipelines
from dynamodb_restore.restore.announce import Announcer, Channel, TellError, passes
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.delivery import (
    Delivery,
    Finished,
    GivenUp,
    KnownRestore,
    LedByAnother,
    NothingToDo,
    NotSetAside,
    NotToldYet,
    Progress,
    TryAgain,
    Unfinished,
    Untold,
    Verdict,
)
from dynamodb_restore.restore.ending import Ending
from dynamodb_restore.restore.giving_up import GivingUp
from dynamodb_restore.restore.lookup import Lookup, out_of_reach
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreRecords
from dynamodb_restore.restore.report import FindingsReport, Report, Result
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.stages import Stages
from dynamodb_restore.restore.waiting import Hopeless, Ready, Skip, Wait

_ERRORS = (*TellError, NoPipelineError)


@dataclass(frozen=True)
class Worker:
    """What following a restore needs.

    Attributes:
        now: returns the current time, timezone-aware.
        invocation: the request id of this one.
    """

    config: WorkerConfig
    records: RestoreRecords
    pins: Pins
    announcer: Announcer
    pipelines: Pipelines
    cloner: Cloner
    now: Callable[[], datetime]
    invocation: str

    @property
    def lookup(self) -> Lookup:
        """What tells of the restore that a message is about."""
        return Lookup(
            self.config,
            self.records,
            self.pins,
            self.pipelines,
            self.cloner,
            self.now,
            self.invocation,
        )

    @property
    def giving_up(self) -> GivingUp:
        """What ends a message that cannot be followed."""
        call_time = self.cloner.clients.call_time
        return GivingUp(self.lookup, self.announcer, self.pipelines, call_time, self.now)

    @property
    def ending(self) -> Ending:
        """What tells an end."""
        return Ending(self.announcer, self.records, self.now)

    @property
    def stages(self) -> Stages:
        """What is done for a restore, by how far its target is."""
        return Stages(self.records, self.cloner, self.now)

    def follow(self, delivery: Delivery) -> Verdict:
        """Do what one delivery can do for one restore, and report its end where this is it.

        Several messages can be about one restore: it is seen in several ways, and each event may come twice. One
        of them leads; the others come back until it has ended the restore, or has fallen silent. Of a message that
        is delivered twice at once, one invocation acts.
        """
        try:
            with self._time_for_the_ending():
                known = self.lookup.known(delivery)
        except _ERRORS as error:
            return self._failed_by(error, delivery)
        match known:
            case KnownRestore() as restore:
                return self._act_for(restore)
            case LedByAnother(until):
                return self._left_to_leader(delivery, until)
            case NotToldYet() as ended:
                return self._tell_the_rest(delivery, ended)
            case NothingToDo() | NotSetAside():
                return known

    def failed(
        self,
        delivery: Delivery,
        code: ReasonCode,
        reason: str,
        *,
        retryable: bool,
        wait_seconds: float = 0.0,
        lease: Lease | None = None,
    ) -> Verdict:
        """What becomes of a delivery that an error ended before it could decide anything.

        Args:
            wait_seconds: how long the service asked its caller to wait.
            lease: that this invocation has on the restore; None where it came to none.
        """
        if retryable and delivery.attempt < self.config.polling.max_attempts:
            again = self._try_again(reason, delivery.attempt, self.config.polling)
            return replace(again, delay_seconds=max(again.delay_seconds, wait_seconds))
        verdict = self.giving_up.restore(delivery, code, reason, lease)
        return self._left_to_leader(delivery, verdict.until) if isinstance(verdict, LedByAnother) else verdict

    def _act_for(self, restore: KnownRestore) -> Verdict:
        """Follow a restore that this invocation acts for, and release it."""
        try:
            try:
                with self._time_for_the_ending():
                    restore = self.lookup.with_choice(restore)
                    progress = self._bring_forward(restore)
                verdict = self._tell_and_note(restore, progress)
            except _ERRORS as error:
                verdict = self._failed_by(error, restore.delivery, restore.lease)
        except Exception:
            self._give_lead_back(restore)
            raise
        if isinstance(verdict, TryAgain | NothingToDo | Untold):
            self._give_lead_back(restore)
        return verdict

    def _give_lead_back(self, restore: KnownRestore) -> None:
        # Where this fails, the next delivery has to wait until the lease has run out, with this invocation's time.
        with suppress(*AwsError):
            self.records.give_lead_back(restore.key, restore.lease)

    def _time_for_the_ending(self) -> AbstractContextManager[None]:
        return self.cloner.clients.call_time.keeping(ENDING_SECONDS)

    def _failed_by(self, error: Exception, delivery: Delivery, lease: Lease | None = None) -> Verdict:
        hint = retry_after(error) or 0.0
        return self.failed(
            delivery,
            ReasonCode.AWS_ERROR,
            explain(error),
            retryable=passes(error),
            wait_seconds=hint,
            lease=lease,
        )

    def _bring_forward(self, restore: KnownRestore) -> Progress:
        """Bring the restore as far as its target allows."""

        def report(result: Result, reason: str) -> Report:
            return restore.report(result, self.now(), reason=reason)

        if isinstance(restore.readiness, Ready | Wait):
            if restore.treated.left_alone is not None:
                return Finished(report(Result.SKIPPED, f"left alone: {restore.treated.left_alone}"))
            unreachable = out_of_reach(self.config, restore.request)
            if unreachable is not None:
                code, reason = unreachable
                return GivenUp(code, reason, report(Result.FAILED, reason))
        match restore.readiness:
            case Ready():
                return self.stages.apply_settings(restore)
            case Wait(reason):
                known = restore.description is not None and restore.evidence is not None
                if known and not self.stages.prepare(restore):
                    return LedByAnother()
                failed = report(Result.FAILED, reason)
                return Unfinished(ReasonCode.STILL_WAITING, reason, restore.delivery.attempt, failed)
            case Skip(reason):
                return Finished(report(Result.SKIPPED, reason))
            case Hopeless(code, reason):
                return GivenUp(code, reason, report(Result.FAILED, reason))

    def _tell_and_note(self, restore: KnownRestore, progress: Progress) -> Verdict:
        """Turn how far the restore came into what becomes of its message; tell and note an end."""
        delivery = restore.delivery
        if isinstance(progress, LedByAnother):
            return self._left_to_leader(delivery)
        if isinstance(progress, Unfinished):
            polling = restore.treated.polling
            if delivery.attempt < polling.max_attempts:
                return self._try_again(progress.reason, progress.tries, polling)
            reason = f"gave up after {delivery.attempt} attempts: {progress.reason}"
            progress = GivenUp(progress.code, reason, replace(progress.report, reason=reason))
        if isinstance(progress, GivenUp):
            self._give_pipeline_back(restore.request, restore.key.restore_id)
        number = restore.give_ups + 1
        code = progress.code if isinstance(progress, GivenUp) else None
        why = progress.reason if isinstance(progress, GivenUp) else ""
        ending = self.ending.tell(
            progress.report,
            restore.key,
            notify=restore.treated.notify,
            comes_back=delivery.attempt < self.config.polling.max_attempts,
            give_up=GiveUp(number, code, why) if code is not None else None,
            lease=restore.lease,
        )
        number = number if ending.noted else 0
        if isinstance(progress, GivenUp) or ending.not_noted is not None:
            reason = "; and ".join([*([why] if why else []), *ending.problems])
            given_up = GivenUp(code or ReasonCode.AWS_ERROR, reason, progress.report, number)
            if ending.problems:
                return given_up
            return replace(given_up, not_told=self._tell_findings(restore, progress.report))
        if ending.untold and not ending.noted:
            # Whoever has ended it meanwhile has told of it, or will.
            return self._left_to_leader(delivery)
        not_told = self._tell_findings(restore, progress.report)
        if ending.untold:
            return self._come_back_to_tell(delivery, ending.untold, progress.report, not_told)
        return replace(progress, not_told=not_told)

    def _tell_the_rest(self, delivery: Delivery, ended: NotToldYet) -> Verdict:
        """Tell of a restore that has ended to those who have not heard of it."""
        try:
            with self._time_for_the_ending():
                untold = self.ending.tell_the_rest(ended.key, ended.record)
        except AwsError as error:
            return self._try_again(explain(error), delivery.attempt, self.config.polling)
        if not untold:
            return NothingToDo(f"told now: {', '.join(ended.record.untold)}")
        if ended.record.given_up:
            # It lies in the secondary DLQ, which tells of it too.
            return NothingToDo(f"given up, and {_not_told(untold)}")
        return self._come_back_to_tell(delivery, untold, Report.from_json(ended.record.report), ended=True)

    def _come_back_to_tell(
        self,
        delivery: Delivery,
        untold: Mapping[Channel, str],
        report: Report,
        not_told: str | None = None,
        *,
        ended: bool = False,
    ) -> Verdict:
        """The message comes back to tell who could not be told. After the last attempt it goes to the secondary DLQ, whose
        alarm tells a person; the restore is none the worse for it, and a redrive tells.

        Args:
            not_told: as for `Finished`.
            ended: whether an earlier delivery has ended the restore.
        """
        reason = _not_told(untold)
        if delivery.attempt < self.config.polling.max_attempts:
            again = self._try_again(reason, delivery.attempt, self.config.polling)
            return Untold(reason, again.delay_seconds, None if ended else report, not_told)
        if ended:
            return NotSetAside(ReasonCode.NOT_TOLD, reason, report, 0)
        return GivenUp(ReasonCode.NOT_TOLD, reason, report, not_told=not_told)

    def _tell_findings(self, restore: KnownRestore, report: Report) -> str | None:
        """Look, where settings were looked at, for what names the source and is not for us to clone, and tell it.

        It comes last, because nobody waits for it: the restore has been reported and noted.

        Returns:
            Why it was not told; None where it was, or there was nothing to tell.
        """
        if not report.outcomes or restore.description is None or not any(self.config.findings.values()):
            return None
        request = restore.request
        target = TableId.parse(restore.description["TableArn"])
        source = replace(
            target,
            region=request.source_region,
            account=request.source.account or target.account,
            name=request.source.name,
            listings_since=since_call(request.requested_at),
        )
        cloner = self.cloner
        try:
            with self._time_for_the_ending():
                pipeline = restore.open_pipeline()
                if pipeline is not None:
                    source = replace(source, own_mappings=frozenset({pipeline.capture.uuid}))
                found = find_most(self.config.findings, source, target, cloner.clients, cloner.pace)
            if not found:
                return None
            told = FindingsReport(source.name, target.name, report.restore_id, found)
            untold = self.announcer.announce(told, self.announcer.channels(notify=restore.treated.notify))
            self.records.notes.save_findings(restore.key, found)
        except _ERRORS as error:
            return explain(error)
        return "; and ".join(untold.values()) or None

    def _give_pipeline_back(self, request: RestoreRequest, restore_id: str | None) -> None:
        """Release a claim if replay has not begun. Once replay has begun, only an operator may end it.

        Args:
            restore_id: whose claim; None where it is not known which restore the request is about.
        """
        pipeline = self.pipelines.open(request.source.name) if request.source_is_here else None
        if pipeline is not None:
            pipeline.give_back(request.target.name, restore_id)

    def _left_to_leader(self, delivery: Delivery, until: datetime | None = None) -> TryAgain | NothingToDo:
        """Another message leads this restore: come back to see it ended, or to take over.

        Args:
            until: when another invocation, which acts for it, cannot run any more. It may be one of this very message,
                and may have died: the message comes back after that, whatever its number of attempts.
        """
        if until is not None:
            again = self._try_again("another invocation acts for it", delivery.attempt, self.config.polling)
            left = (until - self.now()).total_seconds() + 1
            return replace(again, delay_seconds=max(again.delay_seconds, left))
        reason = "another message of this restore leads"
        if delivery.attempt < self.config.polling.max_attempts:
            return self._try_again(reason, delivery.attempt, self.config.polling)
        return NothingToDo(reason)

    def _try_again(self, reason: str, tries: int, polling: Polling) -> TryAgain:
        return TryAgain(reason, polling.backoff.delay(tries, self.cloner.pace.rng))


def _not_told(untold: Mapping[Channel, str]) -> str:
    """Who could not be told, and why."""
    return "; and ".join(f"not told to the {channel.value}: {reason}" for channel, reason in untold.items())
