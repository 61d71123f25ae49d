"""What is done for a restore at each stage: while its target is being restored, and once that is ACTIVE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from dynamodb_restore.pipeline.claim import Claim
from dynamodb_restore.pipeline.not_captured import not_captured_reason
from dynamodb_restore.pipeline.pipeline import NoPipelineError, Pipeline, gap_notes
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.delivery import (
    Finished,
    GivenUp,
    KnownRestore,
    LedByAnother,
    Progress,
    Unfinished,
)
from dynamodb_restore.restore.expiries import expiry_notes
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import RestoreRecords, RestoreState
from dynamodb_restore.restore.report import Result, overall
from dynamodb_restore.restore.step_journal import StepJournal
from dynamodb_restore.settings.setting import Phase, Setting, State, Table
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.sync import refusals
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import Desired, Unreadable


@dataclass(frozen=True)
class Stages:
    """What the stages of a restore need.

    Attributes:
        now: returns the current time, timezone-aware.
    """

    records: RestoreRecords
    cloner: Cloner
    now: Callable[[], datetime]

    def prepare(self, restore: KnownRestore) -> bool:
        """While the target is being restored: start capture, and keep the source's settings.

        A restore takes hours, and sources get deleted meanwhile.

        Returns:
            Whether this message leads the restore still.
        """
        record, delivery = restore.record, restore.delivery
        if restore.begins or record is None:
            claim = self._claim_pipeline(restore)
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

    def apply_settings(self, restore: KnownRestore) -> Progress:
        """Once the target is ACTIVE: apply the settings, what protects it first, and start the replay where it has a claim."""
        request, record, delivery = restore.request, restore.record, restore.delivery
        claim = self._current_claim(restore)
        owned = claim if claim is not None and claim.restore_id == restore.key.restore_id else None
        tries = record.sync_attempts + 1 if record else 1
        target = Table(
            request.target.name,
            self.cloner.clients,
            restore.description,
            request.overrides,
            # Settings that have effects outside are applied only where nothing was replayed.
            stream_is_new=restore.steps.tried(Stream.name),
            stream_waits=owned is not None and restore.treated.applies(Stream.name),
        )
        # While changes are replayed, what has effects outside waits for cutover.
        phases = (Phase.ON_ACTIVE,) if owned else tuple(Phase)
        journal = StepJournal(self.records, restore.key, restore.steps, self.cloner.clients.call_time)
        save_syncing = partial(
            self.records.save_syncing,
            restore.key,
            request,
            attempts=delivery.attempt,
            sync_attempts=tries,
            lease=restore.lease,
            identified=restore.identified,
        )
        if not save_syncing(
            pipeline_owner=claim.restore_id if claim else None,
            without_replay=owned is None,
            steps=restore.steps,
            now=self.now(),
            known=record is not None and record.noted is RestoreState.SYNCING,
        ):
            return LedByAnother()
        region = request.source_region
        since = record.syncing_since if record else None
        refusals_may_pass = partial(self._refusals_may_pass, target, since)
        desired: Desired = restore.kept
        outcomes: list[Outcome] = []
        for settings in (self.cloner.protecting, self.cloner.others):
            desired = self._source_states(restore, settings, desired)
            sync = self.cloner.sync(
                desired,
                target,
                restore.treated,
                phases,
                source_region=region,
                settings=settings,
                refusals_may_pass=refusals_may_pass,
            )
            journal.planned(sync.plan())
            # A failed setting does not delay replay; cutover applies all settings again.
            outcomes += sync.run(journal)
        if owned is None and _nothing_is_known(desired):
            return self._source_is_gone(restore)
        outcomes = journal.finish(outcomes)
        if owned is not None and not target.replaced:
            owned = _pipeline_of(restore).start_replay(owned, restore.restored_point)
            if owned is not None:
                notes = [*gap_notes(owned), *expiry_notes(outcomes, desired, restore.restored_to)]
                report = restore.report(Result.REPLAYING, self.now(), outcomes=outcomes, notes=notes)
                return Finished(report)
            # Abandoned meanwhile: a restore like any other.
            claim = None
            target.stream_waits = False
            if not save_syncing(
                pipeline_owner=None, without_replay=True, steps=journal.steps, now=self.now(), known=True
            ):
                return LedByAnother()
            sync = self.cloner.sync(desired, target, restore.treated, source_region=region)
            outcomes = self.cloner.plan_and_carry_out(sync, restore.key, journal.steps)
        if target.replaced:
            return self._target_is_gone(restore, outcomes)
        code = ReasonCode.SOURCE_GONE if _is_gone(desired) else ReasonCode.SETTINGS_FAILED
        notes = expiry_notes(outcomes, desired, restore.restored_to)
        if claim is not None:
            notes.insert(0, _owned_by(request.source.name, claim))
        notes[:0] = _outside_target_patterns(restore)
        return self._progress_of(restore, outcomes, notes, tries, code)

    def _refusals_may_pass(self, target: Table, since: datetime | None) -> bool:
        return refusals.may_pass(target, since, refusals.WHILE_FOLLOWED, self.now())

    def _progress_of(
        self, restore: KnownRestore, outcomes: list[Outcome], notes: list[str], tries: int, code: ReasonCode
    ) -> Progress:
        """What the outcomes of all settings come to.

        Args:
            notes: what else a person should know.
            code: what to call it where some failed.
        """
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
        return GivenUp(ReasonCode.TARGET_GONE, reason, report)

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
        return GivenUp(
            ReasonCode.SOURCE_GONE, reason, restore.report(Result.FAILED, self.now(), reason=reason)
        )

    def _source_states(self, restore: KnownRestore, settings: Sequence[Setting], known: Desired) -> Desired:
        """The source's portable states of `settings`, each kept on record as soon as it is read.

        Args:
            known: those that are known already, on record too where they fit.
        """
        on_record = {name: state for name, state in known.items() if not isinstance(state, Unreadable)}

        def keep(name: str, state: State) -> None:
            source_id = restore.source.table_id
            others = {other: each for other, each in on_record.items() if other != name}
            if self.records.keep_state(restore.key, name, state, others, source_id):
                on_record[name] = state

        read = self.cloner.source_states(
            restore.source.table, dict(on_record), restore.treated, settings=settings, keep=keep
        )
        return {**known, **read}

    def _claim_pipeline(self, restore: KnownRestore) -> Claim | None:
        """Claim the source's pipeline, if it has one."""
        request = restore.request
        pipeline = _pipeline_for(restore)
        if pipeline is None:
            return None
        restore_point = restore.restored_point or request.earliest_restore_point
        return pipeline.begin(restore.key.restore_id, request.target.name, restore_point)

    def _current_claim(self, restore: KnownRestore) -> Claim | None:
        """Who owns the source's pipeline; claims it where nobody has for this restore."""
        if restore.begins or restore.record is None:
            return self._claim_pipeline(restore)
        if restore.record.pipeline_owner is None:
            return None
        return _pipeline_of(restore).claims.current()


def _pipeline_for(restore: KnownRestore) -> Pipeline | None:
    """The pipeline that a restore may ask for; None where there is none, or no changes are to be replayed for it."""
    pipeline = restore.open_pipeline() if restore.treated.replay else None
    if pipeline is None or restore.source.is_another_table():
        # Changes captured from another table of the same name do not belong to this restore.
        return None
    return pipeline


def _outside_target_patterns(restore: KnownRestore) -> list[str]:
    """That nothing was captured for a restore because of its target's name; nothing where that is not so."""
    pipeline = _pipeline_for(restore)
    target = restore.request.target.name
    if pipeline is None:
        return []
    if pipeline.registration.admits(target):
        # It may be admitted since; what counts is what was so when the restore began.
        outside = pipeline.not_captured.read()
        if outside is None or outside.restore_id != restore.key.restore_id:
            return []
        return [not_captured_reason(pipeline.source, target, ())]
    return [not_captured_reason(pipeline.source, target, pipeline.registration.target_patterns)]


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
