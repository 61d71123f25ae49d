"""Follow one restore: judge the target, keep the source's settings, apply them, say how it ended.

One call of `follow` is one delivery of the restore's message. It returns what is to become of the message
and never sends to the restore queue itself: Lambda stops functions that feed their own queue
(docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dynamodb_restore.aws import (
    AwsError,
    Clients,
    ErrorClass,
    TableRef,
    classify,
    describe_table,
    explain,
    retry_after,
)
from dynamodb_restore.changes.pipeline import Claim, ClaimState
from dynamodb_restore.config import Polling, WorkerConfig
from dynamodb_restore.findings.finding import Finding, TableId
from dynamodb_restore.findings.search import find_all
from dynamodb_restore.restore.announce import AnnounceError, Announcer
from dynamodb_restore.restore.control import Treatment, matches_any, treatment
from dynamodb_restore.restore.handover import Handover, NoPipelineError
from dynamodb_restore.restore.outcome import Outcome, Status
from dynamodb_restore.restore.record import RestoreKey, RestoreRecord, RestoreRecords, RestoreState
from dynamodb_restore.restore.report import Report, Result, overall
from dynamodb_restore.restore.request import RestoreRequest, iso
from dynamodb_restore.restore.sync import (
    Desired,
    Pace,
    Plan,
    Sync,
    Unreadable,
    both_plans,
    read_settings,
    with_plan,
)
from dynamodb_restore.restore.waiting import Hopeless, Readiness, Ready, Skip, Wait, judge
from dynamodb_restore.settings.setting import Phase, Setting, State, Table, TableGoneError
from dynamodb_restore.settings.tags import Tags

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


_LEADER_SILENCE = timedelta(minutes=15)
"""How long after its next delivery is due a message may be silent before another of the same restore takes over: it is
hidden for six times the function's timeout where the function died with it."""


_MOST_FINDINGS = 100
"""In one report, which has to fit an event of 256 KB
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html)."""

_FINDINGS_RESERVE_SECONDS = 20.0
"""Left when the search stops: one more call with all its retries, and telling and noting the end."""


@dataclass(frozen=True)
class TryAgain:
    """The message is to come back after `delay_seconds`."""

    reason: str
    delay_seconds: float


@dataclass(frozen=True)
class Finished:
    """The message is done with.

    Attributes:
        report: None where there is nothing to tell: another message of the restore has told it, or will.
        reason: for the log, where there is no report.
    """

    report: Report | None
    reason: str = ""


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
        treated: how this restore is treated.
        kept: the source's portable states that are known already.
        message_id: which message this is a delivery of.
        take_over: whether it is to lead a restore that another message led.
        given_up_before: whether the restore was given up, and its claim on the pipeline with it.
    """

    request: RestoreRequest
    attempt: int
    message_id: str
    description: TableDescriptionTypeDef | None
    key: RestoreKey
    record: RestoreRecord | None
    treated: Treatment
    kept: Mapping[str, State] = field(default_factory=dict)
    take_over: bool = False
    given_up_before: bool = False

    @property
    def begins(self) -> bool:
        """Whether the source's pipeline has not been claimed for this restore yet, or has been given back."""
        return self.record is None or self.given_up_before

    @property
    def restored_to(self) -> datetime | None:
        """The restore point as AWS told it, which it does only while it restores."""
        summary = (self.description or {}).get("RestoreSummary", {})
        return summary.get("RestoreDateTime") or (self.record.restore_point if self.record else None)

    def report(
        self, result: Result, finished_at: datetime, *, notes: Sequence[str] = (), **more: Any
    ) -> Report:
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
            notes=(*self.treated.notes, *notes),
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

    def follow(
        self,
        request: RestoreRequest,
        attempt: int,
        message_id: str | None = None,
        *,
        given_up_before: bool = False,
    ) -> Verdict:
        """Do what one delivery can do for one restore, and report its end where this is it.

        Several messages can be about one restore: it is seen in several ways, and each event may come twice. One
        of them leads; the others come back until it has ended the restore, or has fallen silent.

        Args:
            attempt: the message's receive count, from 1.
            message_id: of the queue's message; by default the event's id, for a caller that has no queue.
            given_up_before: whether it comes from the secondary DLQ. It has another id there than it had when it
                led, so it takes the lead back.
        """
        try:
            return self._follow(request, attempt, message_id or request.event_id, given_up_before)
        except (*AwsError, AnnounceError, NoPipelineError) as error:
            if isinstance(error, AnnounceError):
                retryable = error.retryable
            else:
                retryable = classify(error) is ErrorClass.RETRY
            hint = retry_after(error) or 0.0
            return self.failed(
                request, attempt, "aws_error", explain(error), retryable=retryable, wait_seconds=hint
            )

    def failed(
        self,
        request: RestoreRequest,
        attempt: int,
        code: str,
        reason: str,
        *,
        retryable: bool,
        wait_seconds: float = 0.0,
    ) -> TryAgain | GivenUp:
        """What becomes of a delivery that an error ended before it could decide anything.

        Args:
            wait_seconds: how long the service asked its caller to wait.
        """
        if retryable and attempt < self.config.polling.max_attempts:
            again = self._try_again(reason, attempt, self.config.polling)
            return replace(again, delay_seconds=max(again.delay_seconds, wait_seconds))
        try:
            self._release_pipeline(request)
        except (*AwsError, NoPipelineError) as error:
            reason = f"{reason}; and the pipeline of {request.source.name} was not released: {explain(error)}"
        unknown = RestoreKey(request.target.name, request.target_id or request.event_id)
        delivery = _Delivery(
            request, attempt, request.event_id, None, unknown, None, self._treatment(request)
        )
        return GivenUp(code, reason, delivery.report(Result.FAILED, self.now(), reason=reason))

    def sync_now(self, source_ref: TableRef, target_name: str, *, dry_run: bool) -> Report:
        """Bring any table's settings to those of another, or say what that would take.

        Overrides that match the two tables hold, but for whether they are followed: somebody asked for it.

        Raises:
            TableGoneError: one of the two does not exist.
            ClientError, BotoCoreError: from DescribeTable and the restore table.
        """
        source, target = self.source_table(source_ref), Table(target_name, self.clients)
        source.describe()
        target.describe()
        here = source.clients is self.clients
        claim = self.handover.pipelines.claim(source.name) if here else None
        replaying = claim is not None and claim.target == target_name
        phases = (Phase.ON_ACTIVE,) if replaying else tuple(Phase)
        treated = treatment(self.config, source.name, target_name, None)
        states = read_settings(self._switched_on(treated), source, self.pace)
        sync = self.sync(states, target, treated, phases, source_region=source.region)
        outcomes = sync.rehearse() if dry_run else sync.run()
        result = Result.DRY_RUN if dry_run else overall(outcomes)
        return Report(result, source.name, target_name, finished_at=self.now(), outcomes=outcomes)

    def sync(
        self,
        desired: Desired,
        target: Table,
        treated: Treatment,
        phases: Collection[Phase] = tuple(Phase),
        *,
        source_region: str | None = None,
    ) -> Sync:
        """A run of the settings of `phases` that are switched on for this restore."""
        return Sync(
            self.settings,
            desired,
            target,
            self.pace,
            switches=treated.switches,
            phases=phases,
            source_region=source_region,
        )

    def carry_out(self, sync: Sync, key: RestoreKey, plan: Plan) -> list[Outcome]:
        """Run what has been planned and noted, and say what was done in all, earlier runs included."""
        noted = dict(plan)

        def note(last: Plan) -> None:
            noted.update(both_plans(noted, last))
            self.records.save_plan(key, noted)

        return with_plan(sync.run(note), noted)

    def plan_and_carry_out(self, sync: Sync, key: RestoreKey, earlier: Plan) -> list[Outcome]:
        """The same for a run whose plan is not noted yet.

        Args:
            earlier: what is on record of earlier runs.
        """
        plan = both_plans(earlier, sync.plan())
        self.records.save_plan(key, plan)
        return self.carry_out(sync, key, plan)

    def source_states(
        self, source: TableRef | None, kept: Mapping[str, State], treated: Treatment
    ) -> Desired:
        """The source's portable states: those kept, and the rest read now.

        Args:
            source: None where it is known to be gone.
        """
        unread = [setting for setting in self._switched_on(treated) if setting.name not in kept]
        if not unread:
            return kept
        try:
            if source is None:
                raise TableGoneError("the source was deleted")
            return {**kept, **read_settings(unread, self.source_table(source), self.pace)}
        except TableGoneError as error:
            gone = Unreadable(f"{error}, and this was not read while it did", retryable=False, gone=True)
            return {**kept, **{setting.name: gone for setting in unread}}

    def source_table(self, source: TableRef) -> Table:
        """The source, in its own region, without the capture trigger of its pipeline, which no table must get."""
        clients = self.clients.in_region(source.region) if source.region else self.clients
        pipeline = self.handover.pipelines.registration(source.name) if clients is self.clients else None
        return Table(source.name, clients, own_mappings=[pipeline.capture_mapping] if pipeline else [])

    def treatment_of(self, request: Mapping[str, Any], kept: Mapping[str, State]) -> Treatment:
        """How a restore on record is treated.

        Args:
            request: `RestoreRequest.as_json`.
            kept: the source's portable states on record.
        """
        return treatment(
            self.config, request.get("source", ""), request.get("target", ""), self._choice(kept)
        )

    def _follow(
        self, request: RestoreRequest, attempt: int, message_id: str, given_up_before: bool
    ) -> Verdict:
        patterns = self.config.table_patterns
        if not (
            matches_any(patterns.source, request.source.name)
            and matches_any(patterns.target, request.target.name)
        ):
            # The rule cannot tell: the event of a backup's restore does not name its source.
            return Finished(None, "its tables match no pattern of table_patterns")
        description = describe_table(self.clients, request.target.name)
        readiness = judge(request, description, self.now())
        # A table that is not this restore's has a record that is not this restore's either.
        ours = isinstance(readiness, Ready | Wait)
        key = self._key(request, description if ours else None)
        record = self.records.get(key)
        if record is not None and record.settled:
            return Finished(None, "already finished by an earlier delivery")
        take_over = False
        if record is not None and record.leader not in (None, message_id):
            take_over = given_up_before or self._has_fallen_silent(record)
            if not take_over:
                return self._left_to_leader(attempt)
        delivery = _Delivery(
            request,
            attempt,
            message_id,
            description,
            key,
            record,
            self._treatment(request),
            take_over=take_over,
            given_up_before=given_up_before,
        )
        if ours and description is not None:
            delivery = self._with_choice(delivery)
        ending = self._one_delivery(delivery, readiness)
        if ending is None:
            return self._left_to_leader(attempt)
        if isinstance(ending, _Unfinished):
            polling = delivery.treated.polling
            if attempt < polling.max_attempts:
                return self._try_again(ending.reason, ending.tries, polling)
            reason = f"gave up after {attempt} attempts: {ending.reason}"
            ending = GivenUp(ending.code, reason, replace(ending.report, reason=reason))
        if isinstance(ending, GivenUp):
            self._release_pipeline(request)
        if ending.report is not None:
            report = self._with_findings(delivery, ending.report)
            # First told, then noted: a crash in between tells twice, never not at all.
            self.announcer.announce(report, notify=delivery.treated.notify)
            self.records.save_report(key, report, self.now())
            ending = replace(ending, report=report)
        return ending

    def _with_findings(self, delivery: _Delivery, report: Report) -> Report:
        """The report, where settings were looked at, with what names the source and is not for us to clone."""
        if not report.outcomes or delivery.description is None or not any(self.config.findings.values()):
            return report
        request = delivery.request
        target = TableId.parse(delivery.description["TableArn"])
        source = replace(
            target,
            region=request.source_region,
            account=request.source.account or target.account,
            name=request.source.name,
        )
        found = find_all(
            self.config.findings,
            source,
            target,
            self.clients,
            lambda: self.pace.remaining_seconds() > _FINDINGS_RESERVE_SECONDS,
        )
        more = len(found) - _MOST_FINDINGS
        if more > 0:
            rest = Finding("findings", f"{more} more", "mend these and look again with a new restore")
            found = [*found[:_MOST_FINDINGS], rest]
        return replace(report, findings=found)

    def _has_fallen_silent(self, record: RestoreRecord) -> bool:
        """Whether the leading message has failed, or is long overdue."""
        if record.state in (RestoreState.INCOMPLETE, RestoreState.FAILED) or record.updated_at is None:
            return True
        longest = timedelta(seconds=self.config.polling.backoff.cap_seconds)
        return self.now() - record.updated_at > longest + _LEADER_SILENCE

    def _left_to_leader(self, attempt: int) -> TryAgain | Finished:
        """Another message leads this restore: come back to see it ended, or to take over."""
        reason = "another message of this restore leads"
        if attempt < self.config.polling.max_attempts:
            return self._try_again(reason, attempt, self.config.polling)
        return Finished(None, reason)

    def _out_of_reach(self, request: RestoreRequest) -> tuple[str, str] | None:
        """Code and reason why this deployment cannot read the source of a restore; None where it can."""
        source = request.source
        if request.account and source.account not in (None, request.account):
            return "other_account", (
                f"{source.name} is in account {source.account}: its settings cannot be read from account"
                f" {request.account}"
            )
        if request.source_region not in (request.region, *self.config.source_regions):
            return "cross_region", (
                f"{source.name} is in {request.source_region}, which source_regions does not name: add it there,"
                " apply, and send the message round again"
            )
        return None

    def _with_choice(self, delivery: _Delivery) -> _Delivery:
        """Look what the source's control tag says, once a restore: what was read is kept in the record."""
        request = delivery.request
        kept = dict(delivery.record.settings) if delivery.record else {}
        problem = None
        if self.config.control_tag and Tags.name not in kept and self._out_of_reach(request) is None:
            source = _source_of(request)
            try:
                if source is not None:
                    kept[Tags.name] = Tags().read(self.source_table(source)).state
            except TableGoneError:
                pass  # The report will say so of each setting.
            except ClientError as error:
                if classify(error) is ErrorClass.RETRY:
                    raise
                problem = f"the source's tag {self.config.control_tag} could not be read: {explain(error)}"
        treated = self._treatment(request, kept)
        if problem is not None:
            treated = replace(treated, notes=(*treated.notes, problem))
        return replace(delivery, kept=kept, treated=treated)

    def _treatment(self, request: RestoreRequest, kept: Mapping[str, State] | None = None) -> Treatment:
        return treatment(
            self.config,
            request.source.name,
            request.target.name,
            self._choice(kept or {}),
            by_terraform=request.by_terraform,
        )

    def _choice(self, kept: Mapping[str, State]) -> str | None:
        tags: Mapping[str, str] = kept.get(Tags.name, {}).get("tags", {})
        return tags.get(self.config.control_tag) if self.config.control_tag else None

    def _key(self, request: RestoreRequest, description: TableDescriptionTypeDef | None) -> RestoreKey:
        """Which restore this is: TableId tells one table of a name from the next."""
        target = request.target.name
        restore_id = request.target_id or (description or {}).get("TableId")
        if restore_id is None and description is None:
            restore_id = self.records.restore_id_of_event(target, request.event_id)
        return RestoreKey(target, restore_id or request.event_id)

    def _one_delivery(
        self, delivery: _Delivery, readiness: Readiness
    ) -> _Unfinished | Finished | GivenUp | None:
        """What becomes of this delivery; None where another message leads the restore."""

        def report(result: Result, reason: str) -> Report:
            return delivery.report(result, self.now(), reason=reason)

        if isinstance(readiness, Ready | Wait):
            if delivery.treated.left_alone is not None:
                return Finished(report(Result.SKIPPED, f"left alone: {delivery.treated.left_alone}"))
            out_of_reach = self._out_of_reach(delivery.request)
            if out_of_reach is not None:
                code, reason = out_of_reach
                return GivenUp(code, reason, report(Result.FAILED, reason))
        match readiness:
            case Ready():
                return self._apply_settings(delivery)
            case Wait(reason):
                if delivery.description is not None and not self._prepare(delivery, delivery.description):
                    return None
                return _Unfinished("still_waiting", reason, delivery.attempt, report(Result.FAILED, reason))
            case Skip(reason):
                return Finished(report(Result.SKIPPED, reason))
            case Hopeless(code, reason):
                return GivenUp(code, reason, report(Result.FAILED, reason))

    def _prepare(self, delivery: _Delivery, description: TableDescriptionTypeDef) -> bool:
        """While the target is being restored: start capture, and keep the source's settings.

        A restore takes hours, and sources get deleted meanwhile.

        Returns:
            Whether this message leads the restore.
        """
        request, record = delivery.request, delivery.record
        if delivery.begins or record is None:
            claim = self._begin(delivery)
            owner = claim.restore_id if claim else None
        else:
            owner = record.pipeline_owner
        states = self.source_states(_source_of(request), delivery.kept, delivery.treated)
        leader = self.records.save_waiting(
            delivery.key,
            request,
            settings={name: state for name, state in states.items() if not isinstance(state, Unreadable)},
            summary=description.get("RestoreSummary", {}),
            attempts=delivery.attempt,
            pipeline_owner=owner,
            now=self.now(),
            known=record is not None and record.state is RestoreState.WAITING,
            leader=delivery.message_id,
            take_over=delivery.take_over,
        )
        return leader == delivery.message_id

    def _apply_settings(self, delivery: _Delivery) -> _Unfinished | Finished | GivenUp | None:
        request, key, record, treated = delivery.request, delivery.key, delivery.record, delivery.treated
        claim = self._claim(delivery)
        owned = claim if claim is not None and claim.restore_id == key.restore_id else None
        tries = record.sync_attempts + 1 if record else 1
        desired = self.source_states(_source_of(request), delivery.kept, treated)
        target = Table(request.target.name, self.clients, delivery.description, request.overrides)
        # While changes are replayed, what has effects outside waits for cutover.
        phases = (Phase.ON_ACTIVE,) if owned else tuple(Phase)
        sync = self.sync(desired, target, treated, phases, source_region=request.source_region)
        plan = both_plans(record.plan if record else {}, sync.plan())
        leader = self.records.save_syncing(
            key,
            request,
            attempts=delivery.attempt,
            sync_attempts=tries,
            pipeline_owner=claim.restore_id if claim else None,
            plan=plan,
            now=self.now(),
            known=record is not None and record.state is RestoreState.SYNCING,
            leader=delivery.message_id,
            take_over=delivery.take_over,
        )
        if leader != delivery.message_id:
            return None
        if owned is None and _nothing_is_known(desired):
            return self._source_is_gone(delivery)
        # A setting that failed is no reason to let changes wait; cutover applies all settings once more.
        outcomes = self.carry_out(sync, key, plan)
        if owned is not None:
            owned = self.handover.start_replay(request.source.name, owned, delivery.restored_to)
            if owned is not None:
                notes = replay_notes(owned)
                return Finished(delivery.report(Result.REPLAYING, self.now(), outcomes=outcomes, notes=notes))
            # Abandoned meanwhile: a restore like any other.
            claim = None
            sync = self.sync(desired, target, treated, source_region=request.source_region)
            outcomes = self.plan_and_carry_out(sync, key, plan)
        notes = [_owned_by(request.source.name, claim)] if claim is not None else []
        report = delivery.report(overall(outcomes), self.now(), outcomes=outcomes, notes=notes)
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        if not failed:
            return Finished(report)
        reason = "; ".join(f"{outcome.setting}: {outcome.reason}" for outcome in failed)
        if any(outcome.retryable for outcome in failed):
            return _Unfinished("settings_failed", reason, tries, report)
        return GivenUp("settings_failed", reason, report)

    def _source_is_gone(self, delivery: _Delivery) -> GivenUp:
        request = delivery.request
        reason = (
            f"{request.source.name} was deleted before its settings could be read, so {request.target.name} has"
            " what DynamoDB restores and nothing else; to give it the settings of another table, invoke the"
            ' restore worker with {"source": that table, "target": this one}'
        )
        return GivenUp("source_gone", reason, delivery.report(Result.FAILED, self.now(), reason=reason))

    def _begin(self, delivery: _Delivery) -> Claim | None:
        """Claim the source's pipeline. A table of the same name elsewhere has nothing to do with it."""
        request = delivery.request
        if not request.source_is_here or not delivery.treated.replay:
            return None
        return self.handover.begin(request, delivery.key.restore_id, delivery.restored_to)

    def _claim(self, delivery: _Delivery) -> Claim | None:
        """Who owns the source's pipeline; claims it where nobody has for this restore."""
        if delivery.begins or delivery.record is None:
            return self._begin(delivery)
        if delivery.record.pipeline_owner is None:
            return None
        return self.handover.pipelines.claim(delivery.request.source.name)

    def _release_pipeline(self, request: RestoreRequest) -> None:
        """Give up a claim that has not come to replaying; one that has is a person's to end."""
        if not request.source_is_here:
            return
        source = request.source.name
        claim = self.handover.pipelines.claim(source)
        if claim and claim.target == request.target.name and claim.state is ClaimState.CAPTURING:
            self.handover.end(source, claim, replayed=False)

    def _switched_on(self, treated: Treatment) -> list[Setting]:
        return [setting for setting in self.settings if treated.switches.get(setting.name, False)]

    def _try_again(self, reason: str, tries: int, polling: Polling) -> TryAgain:
        return TryAgain(reason, polling.backoff.delay(tries, self.pace.rng))


def _source_of(request: RestoreRequest) -> TableRef | None:
    """The source as it can be looked at; None where the target has taken its very name."""
    return None if request.replaces_source else request.source


def _nothing_is_known(desired: Desired) -> bool:
    """Whether nothing of the source was ever read, and nothing of it ever will be."""
    return bool(desired) and all(
        isinstance(state, Unreadable) and not state.retryable and state.gone for state in desired.values()
    )


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
