"""Follow one restore: judge the target, keep the source's settings, apply them, say how it ended.

One call of `follow` is one delivery of the restore's message. It returns what is to become of the message
and never sends to the restore queue itself: Lambda stops functions that feed their own queue
(docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, describe_table, explain
from dynamodb_restore.changes.pipeline import Claim, ClaimState
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.restore.announce import AnnounceError, Announcer
from dynamodb_restore.restore.handover import Handover, NoPipelineError
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord, RestoreRecords, RestoreState
from dynamodb_restore.restore.report import Report, Result, overall
from dynamodb_restore.restore.request import RestoreRequest, iso
from dynamodb_restore.restore.sync import Desired, Pace, Unreadable, read_settings, sync_settings
from dynamodb_restore.restore.waiting import Hopeless, Readiness, Ready, Skip, Wait, judge
from dynamodb_restore.settings.setting import Phase, Setting, Table, TableGoneError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


@dataclass(frozen=True)
class TryAgain:
    """The message is to come back after `delay_seconds`."""

    reason: str
    delay_seconds: float


@dataclass(frozen=True)
class Finished:
    """The message is done with; `report` is None where an earlier delivery has already reported."""

    report: Report | None


@dataclass(frozen=True)
class GivenUp:
    """Only a person can help: the message goes to the secondary DLQ.

    Attributes:
        code: short and stable, for alarms and filters.
    """

    code: str
    reason: str
    report: Report


Verdict = TryAgain | Finished | GivenUp


@dataclass(frozen=True)
class _Unfinished:
    """This delivery could not end the restore; a later one may.

    Attributes:
        tries: how often this stage was tried, which sets the delay: the wait for ACTIVE and the tries to
            apply settings back off separately.
        report: what is known so far, in case there is no later delivery.
    """

    code: str
    reason: str
    tries: int
    report: Report


@dataclass(frozen=True)
class _Delivery:
    """One delivery: the request, and what was read about it before anything is decided.

    Attributes:
        attempt: the message's receive count, from 1.
        description: DescribeTable's answer about the target; None where there is no such table.
        record: what earlier deliveries left; None for the first.
    """

    request: RestoreRequest
    attempt: int
    description: TableDescriptionTypeDef | None
    key: RestoreKey
    record: RestoreRecord | None

    @property
    def restored_to(self) -> datetime | None:
        """The restore point as AWS told it, which it does only while it restores."""
        summary = (self.description or {}).get("RestoreSummary", {})
        return summary.get("RestoreDateTime") or (self.record.restore_point if self.record else None)

    def report(self, result: Result, finished_at: datetime, **more: Any) -> Report:
        """A report on this restore."""
        return Report(
            result,
            self.request.source.name,
            self.request.target.name,
            finished_at=finished_at,
            attempts=self.attempt,
            restore_id=self.key.restore_id,
            requested_at=self.request.requested_at,
            requested_by=self.request.requested_by,
            restore_point=self.restored_to or self.request.restore_point,
            **more,
        )


@dataclass(frozen=True)
class Worker:
    """What following a restore needs.

    Attributes:
        settings: all settings, in the order in which they are applied.
        now: the present instant, aware.
    """

    clients: Clients
    config: WorkerConfig
    records: RestoreRecords
    announcer: Announcer
    handover: Handover
    settings: tuple[Setting, ...]
    pace: Pace
    now: Callable[[], datetime]

    def follow(self, request: RestoreRequest, attempt: int) -> Verdict:
        """Do what one delivery can do for one restore, and report its end where this is it.

        Args:
            attempt: the message's receive count, from 1.
        """
        try:
            return self._follow(request, attempt)
        except (*AwsError, AnnounceError, NoPipelineError) as error:
            if isinstance(error, AnnounceError):
                retryable = error.retryable
            else:
                retryable = classify(error) is ErrorClass.RETRY
            return self.failed(request, attempt, "aws_error", explain(error), retryable=retryable)

    def failed(
        self, request: RestoreRequest, attempt: int, code: str, reason: str, *, retryable: bool
    ) -> TryAgain | GivenUp:
        """What becomes of a delivery that an error ended before it could decide anything."""
        if retryable and attempt < self.config.polling.max_attempts:
            return self._try_again(reason, attempt)
        try:
            self._release_pipeline(request)
        except (*AwsError, NoPipelineError) as error:
            reason = f"{reason}; and the pipeline of {request.source.name} was not released: {explain(error)}"
        unknown = RestoreKey(request.target.name, request.target_id or request.event_id)
        delivery = _Delivery(request, attempt, None, unknown, None)
        return GivenUp(code, reason, delivery.report(Result.FAILED, self.now(), reason=reason))

    def sync_now(self, source_name: str, target_name: str, *, dry_run: bool) -> Report:
        """Bring any table's settings to those of another, or say what that would take.

        Raises:
            TableGoneError: one of the two does not exist.
            ClientError, BotoCoreError: from DescribeTable and the restore table.
        """
        source, target = self._source_table(source_name), Table(target_name, self.clients)
        source.describe()
        target.describe()
        claim = self.handover.pipelines.claim(source_name)
        replaying = claim is not None and claim.target == target_name
        phases = (Phase.ON_ACTIVE,) if replaying else tuple(Phase)
        outcomes = self.sync(read_settings(self._switched_on(), source), target, phases, dry_run=dry_run)
        result = Result.DRY_RUN if dry_run else overall(outcomes)
        return Report(result, source_name, target_name, finished_at=self.now(), outcomes=outcomes)

    def sync(
        self, desired: Desired, target: Table, phases: Collection[Phase], *, dry_run: bool = False
    ) -> list[Outcome]:
        """Apply the settings of `phases` that are switched on."""
        return sync_settings(
            self.settings,
            desired,
            target,
            self.pace,
            switches=self.config.switches,
            phases=phases,
            dry_run=dry_run,
        )

    def source_states(self, source: str, record: RestoreRecord | None) -> Desired:
        """The source's portable states: those kept in the record, the rest read now."""
        kept = record.settings if record else {}
        unread = [setting for setting in self._switched_on() if setting.name not in kept]
        if not unread:
            return kept
        try:
            return {**kept, **read_settings(unread, self._source_table(source))}
        except TableGoneError as error:
            gone = Unreadable(f"{error}, and this was not read while it did", retryable=False)
            return {**kept, **{setting.name: gone for setting in unread}}

    def _follow(self, request: RestoreRequest, attempt: int) -> Verdict:
        description = describe_table(self.clients, request.target.name)
        readiness = judge(request, description, self.now())
        # A table that is not this restore's has a record that is not this restore's either.
        ours = isinstance(readiness, Ready | Wait)
        key = self._key(request, description if ours else None)
        delivery = _Delivery(request, attempt, description, key, self.records.get(key))
        if delivery.record is not None and delivery.record.settled:
            return Finished(None)
        ending = self._one_delivery(delivery, readiness)
        if isinstance(ending, _Unfinished):
            if attempt < self.config.polling.max_attempts:
                return self._try_again(ending.reason, ending.tries)
            reason = f"gave up after {attempt} attempts: {ending.reason}"
            ending = GivenUp(ending.code, reason, replace(ending.report, reason=reason))
        if isinstance(ending, GivenUp):
            self._release_pipeline(request)
        if ending.report is not None:
            # First told, then noted: a crash in between tells twice, never not at all.
            self.announcer.announce(ending.report)
            self.records.save_report(key, ending.report, self.now())
        return ending

    def _key(self, request: RestoreRequest, description: TableDescriptionTypeDef | None) -> RestoreKey:
        """Which restore this is: TableId tells one table of a name from the next."""
        target = request.target.name
        restore_id = request.target_id or (description or {}).get("TableId")
        if restore_id is None and description is None:
            restore_id = self.records.restore_id_of_event(target, request.event_id)
        return RestoreKey(target, restore_id or request.event_id)

    def _one_delivery(self, delivery: _Delivery, readiness: Readiness) -> _Unfinished | Finished | GivenUp:
        def report(result: Result, reason: str) -> Report:
            return delivery.report(result, self.now(), reason=reason)

        match readiness:
            case Ready():
                return self._apply_settings(delivery)
            case Wait(reason):
                if delivery.description is not None:
                    self._prepare(delivery, delivery.description)
                return _Unfinished("still_waiting", reason, delivery.attempt, report(Result.FAILED, reason))
            case Skip(reason):
                return Finished(report(Result.SKIPPED, reason))
            case Hopeless(code, reason):
                return GivenUp(code, reason, report(Result.FAILED, reason))

    def _prepare(self, delivery: _Delivery, description: TableDescriptionTypeDef) -> None:
        """While the target is being restored: start capture, and keep the source's settings.

        A restore takes hours, and sources get deleted meanwhile.
        """
        request, record = delivery.request, delivery.record
        if record is None:
            claim = self.handover.begin(request, delivery.key.restore_id, delivery.restored_to)
            owner = claim.restore_id if claim else None
        else:
            owner = record.pipeline_owner
        states = self.source_states(request.source.name, record)
        self.records.save_waiting(
            delivery.key,
            request,
            settings={name: state for name, state in states.items() if not isinstance(state, Unreadable)},
            summary=description.get("RestoreSummary", {}),
            attempts=delivery.attempt,
            pipeline_owner=owner,
            now=self.now(),
            known=record is not None and record.state is RestoreState.WAITING,
        )

    def _apply_settings(self, delivery: _Delivery) -> _Unfinished | Finished | GivenUp:
        request, key, record = delivery.request, delivery.key, delivery.record
        claim = self._claim(delivery)
        owns_pipeline = claim is not None and claim.restore_id == key.restore_id
        tries = record.sync_attempts + 1 if record else 1
        self.records.save_syncing(
            key,
            request,
            attempts=delivery.attempt,
            sync_attempts=tries,
            pipeline_owner=claim.restore_id if claim else None,
            now=self.now(),
            known=record is not None and record.state is RestoreState.SYNCING,
        )
        desired = self.source_states(request.source.name, record)
        target = Table(request.target.name, self.clients, delivery.description, request.overrides)
        if claim is not None and owns_pipeline:
            # A setting that failed is no reason to let changes wait; cutover applies all settings once more.
            outcomes = self.sync(desired, target, (Phase.ON_ACTIVE,))
            claim = self.handover.start_replay(request.source.name, claim, delivery.restored_to)
            if claim is not None:
                notes = replay_notes(claim)
                return Finished(delivery.report(Result.REPLAYING, self.now(), outcomes=outcomes, notes=notes))
            # Abandoned meanwhile: a restore like any other.
            claim = None
        outcomes = self.sync(desired, target, tuple(Phase))
        notes = [_owned_by(request.source.name, claim)] if claim is not None else []
        report = delivery.report(overall(outcomes), self.now(), outcomes=outcomes, notes=notes)
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        if not failed:
            return Finished(report)
        reason = "; ".join(f"{outcome.setting}: {outcome.reason}" for outcome in failed)
        if any(outcome.retryable for outcome in failed):
            return _Unfinished("settings_failed", reason, tries, report)
        return GivenUp("settings_failed", reason, report)

    def _claim(self, delivery: _Delivery) -> Claim | None:
        """Who owns the source's pipeline; claims it where this delivery is the first to see the restore."""
        source = delivery.request.source.name
        if delivery.record is None:
            return self.handover.begin(delivery.request, delivery.key.restore_id, delivery.restored_to)
        if delivery.record.pipeline_owner is None:
            return None
        return self.handover.pipelines.claim(source)

    def _release_pipeline(self, request: RestoreRequest) -> None:
        """Give up a claim that has not come to replaying; one that has is a person's to end."""
        source = request.source.name
        claim = self.handover.pipelines.claim(source)
        if claim and claim.target == request.target.name and claim.state is ClaimState.CAPTURING:
            self.handover.end(source, claim, replayed=False)

    def _source_table(self, name: str) -> Table:
        """The source without the capture trigger of its pipeline, which no restored table must get."""
        pipeline = self.handover.pipelines.registration(name)
        return Table(name, self.clients, own_mappings=[pipeline.capture_mapping] if pipeline else [])

    def _switched_on(self) -> list[Setting]:
        return [setting for setting in self.settings if self.config.switches.get(setting.name, False)]

    def _try_again(self, reason: str, tries: int) -> TryAgain:
        return TryAgain(reason, self.config.polling.backoff.delay(tries, self.pace.rng))


def replay_notes(claim: Claim) -> list[str]:
    """What a person must know about a replay before trusting it."""
    if not claim.gap_seconds:
        return []
    start = datetime.fromtimestamp(claim.window.start, UTC)
    covered = datetime.fromtimestamp(claim.covered_from or 0, UTC)
    gap = (
        f"changes from {iso(start)} to {iso(covered)} cannot be had: a stream keeps 24 hours, and what an"
        " earlier restore consumed is gone; the target lacks them"
    )
    return [gap]


def _owned_by(source: str, claim: Claim) -> str:
    return (
        f"the pipeline of {source} belongs to the restore into {claim.target}: no changes are replayed"
        " into this table"
    )
