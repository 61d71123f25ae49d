"""Follow one restore: judge the target, keep the source's settings, apply them, say how it ended.

One call of `follow` is one delivery of the restore's message. It returns what is to become of the message
and never sends to the restore queue itself: Lambda stops functions that feed their own queue
(docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from dynamodb_restore.aws import AwsError, explain, retry_after
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.findings.search import find_most
from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.pipeline import NoPipelineError, Pipeline, Pipelines, gap_notes
from dynamodb_restore.restore.announce import Announcer
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.delivery import (
    Delivery,
    Finished,
    GivenUp,
    KnownRestore,
    LedByAnother,
    NothingToDo,
    NotSetAside,
    Progress,
    TryAgain,
    Unfinished,
    Verdict,
)
from dynamodb_restore.restore.ending import Ending, TellError, passes
from dynamodb_restore.restore.giving_up import GivingUp
from dynamodb_restore.restore.kept_time import ENDING_SECONDS
from dynamodb_restore.restore.lookup import Lookup, out_of_reach
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.record import GiveUp, Lease, RestoreRecords, RestoreState
from dynamodb_restore.restore.report import FindingsReport, Report, Result, overall
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.step_journal import StepJournal
from dynamodb_restore.restore.sync import Desired, Unreadable
from dynamodb_restore.restore.waiting import Hopeless, Ready, Skip, Wait
from dynamodb_restore.settings.setting import Phase, Setting, State, Table

_ERRORS = (*TellError, NoPipelineError)


@dataclass(frozen=True)
class Worker:
    """What following a restore needs.

    Attributes:
        now: the present instant, aware.
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
            case NothingToDo() | NotSetAside():
                return known

    def failed(
        self,
        delivery: Delivery,
        code: str,
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
        """Follow a restore that is this invocation's to act for, and let go of it."""
        try:
            try:
                with self._time_for_the_ending():
                    restore = self.lookup.with_choice(restore)
                    progress = self._advance(restore)
                verdict = self._conclude(restore, progress)
            except _ERRORS as error:
                verdict = self._failed_by(error, restore.delivery, restore.lease)
        except Exception:
            self._let_go(restore)
            raise
        if isinstance(verdict, TryAgain | NothingToDo):
            self._let_go(restore)
        return verdict

    def _let_go(self, restore: KnownRestore) -> None:
        # Where this fails, the next delivery has to wait until the lease has run out, with this invocation's time.
        with suppress(*AwsError):
            self.records.give_lead_back(restore.key, restore.lease)

    def _time_for_the_ending(self) -> AbstractContextManager[None]:
        return self.cloner.clients.call_time.keeping(ENDING_SECONDS)

    def _failed_by(self, error: Exception, delivery: Delivery, lease: Lease | None = None) -> Verdict:
        hint = retry_after(error) or 0.0
        return self.failed(
            delivery,
            "aws_error",
            explain(error),
            retryable=passes(error),
            wait_seconds=hint,
            lease=lease,
        )

    def _advance(self, restore: KnownRestore) -> Progress:
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
                return self._apply_settings(restore)
            case Wait(reason):
                known = restore.description is not None and restore.evidence is not None
                if known and not self._prepare(restore):
                    return LedByAnother()
                failed = report(Result.FAILED, reason)
                return Unfinished("still_waiting", reason, restore.delivery.attempt, failed)
            case Skip(reason):
                return Finished(report(Result.SKIPPED, reason))
            case Hopeless(code, reason):
                return GivenUp(code, reason, report(Result.FAILED, reason))

    def _conclude(self, restore: KnownRestore, progress: Progress) -> Verdict:
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
        ending = Ending(self.announcer, self.records, self.now).tell(
            progress.report,
            restore.key,
            notify=restore.treated.notify,
            comes_back=delivery.attempt < self.config.polling.max_attempts,
            give_up=GiveUp(number, code, why) if code is not None else None,
            number=number,
            lease=restore.lease,
        )
        number = number if ending.noted else 0
        if ending.untold:
            told = "; and ".join([*([why] if why else []), *ending.untold])
            return GivenUp(code or "aws_error", told, progress.report, number)
        if isinstance(progress, GivenUp):
            progress = replace(progress, number=number)
        return replace(progress, not_told=self._tell_findings(restore, progress.report))

    def _tell_findings(self, restore: KnownRestore, report: Report) -> str | None:
        """Look, where settings were looked at, for what names the source and is not for us to clone, and tell it.

        It comes last, because nobody waits for it: the restore has been reported and noted.

        Returns:
            Why it was not told; None where it was, or there was nothing to tell.
        """
        if not report.outcomes or restore.description is None:
            return None
        request = restore.request
        target = TableId.parse(restore.description["TableArn"])
        source = replace(
            target,
            region=request.source_region,
            account=request.source.account or target.account,
            name=request.source.name,
        )
        cloner = self.cloner
        try:
            with self._time_for_the_ending():
                found = find_most(
                    self.config.findings, source, target, cloner.clients, cloner.pace.remaining_seconds
                )
            if found:
                told = FindingsReport(source.name, target.name, report.restore_id, found)
                self.announcer.announce_findings(told, notify=restore.treated.notify)
                self.records.save_findings(restore.key, found)
        except _ERRORS as error:
            return explain(error)
        return None

    def _prepare(self, restore: KnownRestore) -> bool:
        """While the target is being restored: start capture, and keep the source's settings.

        A restore takes hours, and sources get deleted meanwhile.

        Returns:
            Whether this message leads the restore still.
        """
        record, delivery = restore.record, restore.delivery
        if restore.begins or record is None:
            claim = self._begin(restore)
            owner = claim.restore_id if claim else None
        else:
            owner = record.pipeline_owner
        leads = self.records.save_waiting(
            restore.key,
            restore.request,
            summary=(restore.description or {}).get("RestoreSummary", {}),
            attempts=delivery.attempt,
            pipeline_owner=owner,
            now=self.now(),
            known=record is not None and record.noted is RestoreState.WAITING,
            lease=restore.lease,
            identified=restore.identified,
        )
        if leads:
            self._source_states(restore, self.cloner.settings, restore.kept)
        return leads

    def _apply_settings(self, restore: KnownRestore) -> Progress:
        request, record, delivery = restore.request, restore.record, restore.delivery
        claim = self._claim(restore)
        owned = claim if claim is not None and claim.restore_id == restore.key.restore_id else None
        tries = record.sync_attempts + 1 if record else 1
        target = Table(request.target.name, self.cloner.clients, restore.description, request.overrides)
        # While changes are replayed, what has effects outside waits for cutover.
        phases = (Phase.ON_ACTIVE,) if owned else tuple(Phase)
        journal = StepJournal(self.records, restore.key, restore.steps, self.cloner.clients.call_time)
        leads = self.records.save_syncing(
            restore.key,
            request,
            attempts=delivery.attempt,
            sync_attempts=tries,
            pipeline_owner=claim.restore_id if claim else None,
            steps=restore.steps,
            now=self.now(),
            known=record is not None and record.noted is RestoreState.SYNCING,
            lease=restore.lease,
            identified=restore.identified,
        )
        if not leads:
            return LedByAnother()
        region = request.source_region
        desired: Desired = restore.kept
        outcomes: list[Outcome] = []
        for settings in (self.cloner.protecting, self.cloner.others):
            desired = self._source_states(restore, settings, desired)
            sync = self.cloner.sync(
                desired, target, restore.treated, phases, source_region=region, settings=settings
            )
            journal.planned(sync.plan())
            # A setting that failed is no reason to let changes wait; cutover applies all settings once more.
            outcomes += sync.run(journal)
        if owned is None and _nothing_is_known(desired):
            return self._source_is_gone(restore)
        outcomes = journal.finish(outcomes)
        if owned is not None and not target.replaced:
            owned = _pipeline_of(restore).start_replay(owned, restore.restored_point)
            if owned is not None:
                notes = gap_notes(owned)
                report = restore.report(Result.REPLAYING, self.now(), outcomes=outcomes, notes=notes)
                return Finished(report)
            # Abandoned meanwhile: a restore like any other.
            claim = None
            sync = self.cloner.sync(desired, target, restore.treated, source_region=region)
            outcomes = self.cloner.plan_and_carry_out(sync, restore.key, journal.steps)
        if target.replaced:
            return self._target_is_gone(restore, outcomes)
        code = "source_gone" if _is_gone(desired) else "settings_failed"
        return self._synced(restore, outcomes, claim, tries, code)

    def _synced(
        self, restore: KnownRestore, outcomes: list[Outcome], claim: Claim | None, tries: int, code: str
    ) -> Progress:
        """What the outcomes of all settings come to.

        Args:
            claim: another restore's hold on the source's pipeline; None where there is none.
            code: what to call it where some failed.
        """
        notes = [_owned_by(restore.request.source.name, claim)] if claim is not None else []
        report = restore.report(overall(outcomes), self.now(), outcomes=outcomes, notes=notes)
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        if not failed:
            return Finished(report)
        reason = "; ".join(f"{outcome.setting}: {outcome.reason}" for outcome in failed)
        if any(outcome.retryable for outcome in failed):
            return Unfinished(code, reason, tries, report)
        return GivenUp(code, reason, report)

    def _target_is_gone(self, restore: KnownRestore, outcomes: list[Outcome]) -> GivenUp:
        name = restore.request.target.name
        reason = (
            f"{name} was deleted while its settings were being applied; the table of that name is another one now, and"
            " nothing more was written"
        )
        report = restore.report(overall(outcomes), self.now(), outcomes=outcomes, reason=reason)
        return GivenUp("target_gone", reason, report)

    def _source_is_gone(self, restore: KnownRestore) -> GivenUp:
        source, target = restore.request.source.name, restore.request.target.name
        earlier = restore.record.outcomes if restore.record else ()
        applied = any(outcome.done or outcome.in_doubt for outcome in earlier)
        has = "what earlier deliveries applied" if applied else "nothing else"
        another = restore.source.table()
        successor = (
            "; the table of that name is another one now, and nothing of it was cloned"
            if another is not None and another.replaced
            else ""
        )
        reason = (
            f"{source} was deleted before its settings could be read{successor}, so {target} has what DynamoDB restores"
            f" and {has}; to give it the settings of another table, invoke the restore worker with"
            ' {"source": that table, "target": this one}'
        )
        return GivenUp("source_gone", reason, restore.report(Result.FAILED, self.now(), reason=reason))

    def _source_states(self, restore: KnownRestore, settings: Sequence[Setting], known: Desired) -> Desired:
        """The source's portable states of `settings`, each kept on record as soon as it is read.

        Args:
            known: those that are known already, on record too where they fit.
        """
        on_record = {name: state for name, state in known.items() if not isinstance(state, Unreadable)}

        def keep(name: str, state: State) -> None:
            source_id = restore.source.table_id
            if self.records.keep_state(restore.key, name, state, on_record, source_id):
                on_record[name] = state

        read = self.cloner.source_states(
            restore.source.table, dict(on_record), restore.treated, settings=settings, keep=keep
        )
        return {**known, **read}

    def _begin(self, restore: KnownRestore) -> Claim | None:
        """Claim the source's pipeline, if it has one."""
        request = restore.request
        pipeline = restore.open_pipeline() if restore.treated.replay else None
        if pipeline is None or restore.source.is_another_table():
            # What is captured from a table of the source's name is not of this restore.
            return None
        restore_point = restore.restored_point or request.earliest_restore_point
        return pipeline.begin(restore.key.restore_id, request.target.name, restore_point)

    def _claim(self, restore: KnownRestore) -> Claim | None:
        """Who owns the source's pipeline; claims it where nobody has for this restore."""
        if restore.begins or restore.record is None:
            return self._begin(restore)
        if restore.record.pipeline_owner is None:
            return None
        return _pipeline_of(restore).claims.current()

    def _give_pipeline_back(self, request: RestoreRequest, restore_id: str | None) -> None:
        """Give up a claim that has not come to replaying; one that has is a person's to end.

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


def _pipeline_of(restore: KnownRestore) -> Pipeline:
    """The pipeline that the restore's record says it uses.

    Raises:
        NoPipelineError: there is none any more.
    """
    pipeline = restore.open_pipeline()
    if pipeline is None:
        raise NoPipelineError(
            f"{restore.request.source.name} has no pipeline: its module was destroyed while a restore used it"
        )
    return pipeline


def _nothing_is_known(desired: Desired) -> bool:
    """Whether nothing of the source was ever read, and nothing of it ever will be."""
    return bool(desired) and all(
        isinstance(state, Unreadable) and not state.retryable and state.gone for state in desired.values()
    )


def _is_gone(desired: Desired) -> bool:
    """Whether some of the source's settings can never be read any more."""
    return any(isinstance(state, Unreadable) and state.gone for state in desired.values())


def _owned_by(source: str, claim: Claim) -> str:
    return (
        f"the pipeline of {source} belongs to the restore into {claim.target}: no changes are replayed"
        " into this table"
    )
