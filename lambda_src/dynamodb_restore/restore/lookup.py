"""Look up the restore that a message is about: its target, its record, how it is treated, its source's pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from dynamodb_restore.aws import AwsError, ClientError, ErrorClass, classify, describe_table, explain
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.listings import since_call
from dynamodb_restore.patterns import matches_any
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.control import Treatment, choice_of, treatment, treatment_on_record
from dynamodb_restore.restore.delivery import (
    Delivery,
    KnownRestore,
    Lead,
    LedByAnother,
    NothingToDo,
    NotSetAside,
    NotToldYet,
    lead,
)
from dynamodb_restore.restore.evidence import (
    as_recorded_in_trail,
    evidence_of,
    is_too_old,
    noted_evidence,
    without_evidence,
)
from dynamodb_restore.restore.origin import source_id_of
from dynamodb_restore.restore.pins import Pins
from dynamodb_restore.restore.queued import QueuedRestores
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.restore.record import (
    GiveUp,
    Identified,
    Lease,
    RestoreKey,
    RestoreRecord,
    RestoreRecords,
)
from dynamodb_restore.restore.report import Result
from dynamodb_restore.restore.request import FOUND_DETAIL_TYPE, RestoreRequest
from dynamodb_restore.restore.source import Source
from dynamodb_restore.restore.waiting import Hopeless, Readiness, Ready, Skip, Wait, judge
from dynamodb_restore.settings.setting import Identity, State, Table, TableGoneError
from dynamodb_restore.settings.tags import Tags

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


@dataclass(frozen=True)
class Lookup:
    """What looking a restore up needs.

    Attributes:
        now: returns the current time, timezone-aware.
        invocation: the request id of this one.
    """

    config: WorkerConfig
    records: RestoreRecords
    pins: Pins
    pipelines: Pipelines
    cloner: Cloner
    now: Callable[[], datetime]
    invocation: str

    def known(
        self, delivery: Delivery
    ) -> KnownRestore | LedByAnother | NothingToDo | NotSetAside | NotToldYet:
        """The restore as it stands, which is this invocation's to act for from then on; or why it is not.

        Raises:
            ClientError, BotoCoreError: from the calls.
        """
        request = delivery.request
        patterns = self.config.table_patterns
        if not (
            matches_any(patterns.source, request.source.name)
            and matches_any(patterns.target, request.target.name)
        ):
            # The rule cannot tell: the event of a backup's restore does not name its source.
            return NothingToDo("its tables match no pattern of table_patterns")
        found = self._with_record(request, self._look_at_target(request))
        if found.record is not None and found.record.settled:
            return self._finished(delivery, found.key, found.record)
        readiness, evidence = self._with_evidence(request, found)
        on_record = found.record.identified.evidence if found.record else None
        if evidence is None and on_record is None and isinstance(found.target.readiness, Ready | Wait):
            # What nothing bears out must not stand in the way of what tells of that table truly.
            event_key = RestoreKey(request.target.name, request.event_id)
            found = replace(found, key=event_key, record=self.records.get(event_key))
        record, key = found.record, found.key
        if record is not None and record.settled:
            return self._finished(delivery, key, record)
        if record is not None and record.untold and self._lead(record, delivery) is Lead.OVER:
            return NotToldYet(key, record)
        delivery = replace(delivery, request=self._as_called(request, found))
        request = delivery.request
        identified = Identified(found.target.target_id, evidence=evidence) if evidence else Identified()
        lease = self.take_lead(delivery, key, record, identified)
        if not isinstance(lease, Lease):
            return lease
        ours = isinstance(readiness, Ready | Wait)
        open_pipeline = cache(partial(self._open_pipeline, request) if ours else _no_pipeline)
        source_id = record.identified.source_id if record else None
        return KnownRestore(
            delivery,
            found.target.description,
            readiness,
            found.key,
            record,
            self.treatment(request, {}),
            lease,
            open_pipeline=open_pipeline,
            source=Source(partial(self._source_table, request, open_pipeline, source_id), source_id),
            evidence=evidence,
        )

    def _finished(
        self, delivery: Delivery, key: RestoreKey, record: RestoreRecord
    ) -> NothingToDo | NotToldYet:
        """What is left to do for a restore that has ended: to tell who has not heard of it."""
        if record.untold and self._lead(record, delivery) is Lead.LEADS:
            return NotToldYet(key, record)
        return NothingToDo("already finished by an earlier delivery")

    def _lead(self, record: RestoreRecord | None, delivery: Delivery) -> Lead:
        return lead(record, delivery, self._longest_delay_seconds(record), self.now())

    def _look_at_target(self, request: RestoreRequest) -> _Target:
        """The target as it is now; the first look at it pins the event to its TableId."""
        name = request.target.name
        target_id = request.target_id or self.pins.get(request.event_id, name)
        description = describe_table(self.cloner.clients, name)
        readiness = judge(request, description, self.now(), target_id)
        if target_id is None and description is not None and isinstance(readiness, Ready | Wait):
            target_id = self.pins.pin(request.event_id, name, description["TableId"], self.now())
            # Another delivery may have been first, and seen another table.
            readiness = judge(request, description, self.now(), target_id)
        return _Target(target_id, description, readiness)

    def _with_record(self, request: RestoreRequest, target: _Target) -> _TargetWithRecord:
        """The target with the record of its restore.

        A table that is not this request's has a record that is not this request's either: what becomes of such a request
        is noted under its event's id.
        """
        event_key = RestoreKey(request.target.name, request.event_id)
        match target.readiness:
            case Skip() | Hopeless(ReasonCode.OTHER_SOURCE):
                return _TargetWithRecord(target, event_key, self.records.get(event_key))
        key = RestoreKey(request.target.name, target.target_id or request.event_id)
        record = self.records.get(key)
        if record is None or record.is_of(request):
            return _TargetWithRecord(target, key, record)
        other = Hopeless(
            ReasonCode.OTHER_SOURCE,
            f"{request.target.name} was restored from {record.request.get('source')}, as its record says, and not from"
            f" {request.source.name}",
        )
        return _TargetWithRecord(replace(target, readiness=other), event_key, self.records.get(event_key))

    def _with_evidence(
        self, request: RestoreRequest, found: _TargetWithRecord
    ) -> tuple[Readiness, str | None]:
        """What is to be done about a target, and what shows that it was restored as the request says.

        Without evidence nothing is done but to wait for it.
        """
        target, record = found.target, found.record
        if target.description is None or not isinstance(target.readiness, Ready | Wait):
            return target.readiness, None
        if record is not None and record.identified.evidence is not None:
            return target.readiness, record.identified.evidence
        evidence = self._noted_evidence(request, target)
        too_old = is_too_old(request, target.description, self.now()) if evidence is None else None
        if too_old is not None:
            return too_old, None
        evidence = evidence or evidence_of(self.cloner.clients, request, target.description)
        if evidence is None:
            return without_evidence(request, target.description, self.now()), None
        return target.readiness, evidence

    def _as_called(self, request: RestoreRequest, found: _TargetWithRecord) -> RestoreRequest:
        """The request as its call's event told it, where the reconciler found the restore: from the record, or from CloudTrail,
        which may know the call though its event did not come.

        The reconciler knows nothing of what the call decided, nor who made it.

        Raises:
            ClientError, BotoCoreError: from LookupEvents, where it can succeed later.
        """
        description = found.target.description
        noted = as_on_record(request, found.record)
        if request.event_name != FOUND_DETAIL_TYPE or noted is not request or description is None:
            return noted
        try:
            return as_recorded_in_trail(self.cloner.clients, request, description)
        except AwsError as error:
            if classify(error) is ErrorClass.RETRY:
                raise
            unknown = f"CloudTrail could not be asked who made the call and what it decided: {explain(error)}"
            return replace(request, notes=(*request.notes, unknown))

    def _noted_evidence(self, request: RestoreRequest, target: _Target) -> str | None:
        """What the reconciler saw of a restore that it found itself."""
        if request.event_name != FOUND_DETAIL_TYPE or target.target_id is None:
            return None
        queued = QueuedRestores(self.cloner.clients, self.config.restore_table_name)
        return noted_evidence(queued.get(RestoreKey(request.target.name, target.target_id)), request)

    def _source_table(
        self, request: RestoreRequest, open_pipeline: Callable[[], Pipeline | None], source_id: str | None
    ) -> Table | None:
        """The source as it can be looked at; None where the target has taken its very name."""
        if request.replaces_source:
            return None
        table_id = source_id or source_id_of(self.cloner.clients, request.backup_arn)
        identity = Identity(table_id, request.source_existed_at)
        return self.cloner.source_table(
            request.source, open_pipeline(), identity, listings_since=since_call(request.requested_at)
        )

    def treatment(self, request: RestoreRequest, kept: Mapping[str, State]) -> Treatment:
        """How a restore is treated, as far as the source's portable states that are known tell."""
        return treatment(
            self.config,
            request.source.name,
            request.target.name,
            choice_of(self.config.control_tag, kept),
            requested_by=request.requested_by,
            by_terraform=request.by_terraform,
            restore_test=request.restore_test,
        )

    def take_lead(
        self,
        delivery: Delivery,
        key: RestoreKey,
        record: RestoreRecord | None,
        identified: Identified | None = None,
    ) -> Lease | LedByAnother | NothingToDo | NotSetAside:
        """Let this delivery act for a restore, alone; or say why it must not.

        Raises:
            ClientError, BotoCoreError: from UpdateItem.
        """
        match self._lead(record, delivery):
            case Lead.OVER:
                return NothingToDo(
                    "given up; only a redrive of the message that is in the secondary DLQ goes on"
                )
            case Lead.TO_BE_SET_ASIDE:
                return self._not_set_aside(delivery, key, record)
            case Lead.LEFT_TO_ANOTHER:
                return LedByAnother()
        lease = Lease.of(self.invocation, self.now(), self.cloner.pace.remaining_seconds())
        try:
            taken = self.records.take_lead(
                key,
                delivery.request,
                record,
                delivery.message_id,
                lease,
                self.now(),
                identified or Identified(),
                was_set_aside=record is not None and delivery.was_set_aside_with(record),
            )
        except AwsError:
            # It may have been taken all the same; the next delivery would have to wait until it has run out.
            with suppress(*AwsError):
                self.records.give_lead_back(key, lease)
            raise
        return lease if taken else LedByAnother(record.lease_until if record else None)

    def _longest_delay_seconds(self, record: RestoreRecord | None) -> float:
        """How long the message that leads may be hidden between two deliveries. Its request is the one on record, so an
        override that holds for who made its restore call counts, whatever another event of the restore tells."""
        if record is None:
            return self.config.polling.backoff.cap_seconds
        treated = treatment_on_record(self.config, record.request, record.settings)
        return treated.polling.backoff.cap_seconds

    def _not_set_aside(
        self, delivery: Delivery, key: RestoreKey, record: RestoreRecord | None
    ) -> NotSetAside:
        """What the message of a restore that was given up still has to say in the secondary DLQ."""
        give_up = (record.give_up if record else None) or GiveUp(0, ReasonCode.GIVEN_UP, "see the report")
        treated = self.treatment(delivery.request, {})
        report = delivery.report(
            Result.FAILED, self.now(), treated, restore_id=key.restore_id, reason=give_up.reason
        )
        return NotSetAside(give_up.code, give_up.reason, report, give_up.number)

    def _open_pipeline(self, request: RestoreRequest) -> Pipeline | None:
        """The source's pipeline. A table of the same name elsewhere has nothing to do with it."""
        return self.pipelines.open(request.source.name) if request.source_is_here else None

    def with_choice(self, restore: KnownRestore) -> KnownRestore:
        """Look what the source's control tag says, once a restore: what was read is kept in the record.

        Raises:
            ClientError, BotoCoreError: from the calls.
        """
        if restore.evidence is None:
            return restore
        request = restore.request
        kept = dict(restore.record.settings) if restore.record else {}
        problem = None
        if self.config.control_tag and Tags.name not in kept and out_of_reach(self.config, request) is None:
            source = restore.source.table()
            try:
                if source is not None:
                    state = Tags().read(source).state
                    self.records.keep_state(restore.key, Tags.name, state, kept, source.identity.table_id)
                    kept[Tags.name] = state
            except TableGoneError:
                pass  # The report will say so of each setting.
            except ClientError as error:
                if classify(error) is ErrorClass.RETRY:
                    raise
                problem = f"the source's tag {self.config.control_tag} could not be read: {explain(error)}"
        treated = self.treatment(request, kept)
        if problem is not None:
            treated = replace(treated, notes=(*treated.notes, problem))
        return replace(restore, kept=kept, treated=treated)


def as_on_record(request: RestoreRequest, record: RestoreRecord | None) -> RestoreRequest:
    """The request as its call's event told it, where the reconciler found the restore and an event is on record; else as it is."""
    if request.event_name == FOUND_DETAIL_TYPE and record is not None:
        with suppress(KeyError, TypeError, ValueError):
            return RestoreRequest.from_json(record.request, request.target_id)
    return request


@dataclass(frozen=True)
class _Target:
    """The target of a request as one look shows it.

    Attributes:
        target_id: the TableId that the request is about; None where nothing tells it yet.
        description: DescribeTable's answer; None where there is no such table.
    """

    target_id: str | None
    description: TableDescriptionTypeDef | None
    readiness: Readiness


@dataclass(frozen=True)
class _TargetWithRecord:
    """A target with the record that belongs to the request, which need not be that of the table that is there now."""

    target: _Target
    key: RestoreKey
    record: RestoreRecord | None


def _no_pipeline() -> None:
    return None


def out_of_reach(config: WorkerConfig, request: RestoreRequest) -> tuple[ReasonCode, str] | None:
    """Code and reason why this deployment cannot read the source of a restore; None where it can."""
    source = request.source
    if request.account and source.account not in (None, request.account):
        return ReasonCode.OTHER_ACCOUNT, (
            f"{source.name} is in account {source.account}: its settings cannot be read from account"
            f" {request.account}"
        )
    if request.source_region not in (request.region, *config.source_regions):
        return ReasonCode.CROSS_REGION, (
            f"{source.name} is in {request.source_region}, which source_regions does not name: add it there,"
            " apply, and redrive the message"
        )
    return None
