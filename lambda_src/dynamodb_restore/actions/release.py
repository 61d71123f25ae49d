"""`{"action": "release", "target": …}`: apply settings that were held for the operator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from dynamodb_restore.actions.action import RESTORED_TABLE, Action, ActionCall
from dynamodb_restore.actions.context import ActionContext, OperatorError, answer
from dynamodb_restore.actions.permissions import REPORT, TABLES, Permission, on_records
from dynamodb_restore.aws import AwsError
from dynamodb_restore.payload import Field, Kind
from dynamodb_restore.pipeline.pipeline import Pipelines
from dynamodb_restore.restore.control import Treatment, treatment_on_record
from dynamodb_restore.restore.expiries import expiry_notes
from dynamodb_restore.restore.record import Lease, RestoreKey, RestoreRecord, RestoreState
from dynamodb_restore.restore.report import Report, Result, held, overall
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.step_journal import StepJournal
from dynamodb_restore.settings.registry import setting_names
from dynamodb_restore.settings.setting import Identity, Setting, Table, TableGoneError
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.reading import Desired

_NOT_ENDED = {
    RestoreState.WAITING: "it is still followed: release once its report has come",
    RestoreState.SYNCING: "it is still followed: release once its report has come",
    RestoreState.REPLAYING: "changes are replayed into it: cut over first, what is held stays held then",
}

_ACTED_FOR = "another invocation acts for this restore just now and nothing was done: try again later"

_NOT_NOTED = (
    "the restore was taken up again meanwhile, so its record has no word of this: what was applied stays applied; once"
    " its report has come, release again"
)


def release(
    context: ActionContext, pipelines: Pipelines, target: str, settings: Sequence[str]
) -> dict[str, Any]:
    """Apply settings that an override held, from the source's states on record, and report.

    What fails stays held, so that the same call can be made again. So does a setting that builds on another one which is not
    applied yet. Each call sends and stores a report: the stream may be on already although its trigger failed.

    Returns:
        The report (`Report.as_json`); with `next` where some setting can still be applied.

    Raises:
        OperatorError: there is no such restore, it has not ended, or does not hold these settings.
        ClientError, BotoCoreError: from the calls; the same call can be made again.
    """
    restore = _held_restore(context, target)
    _check(restore, settings)
    now = context.now()
    lease = Lease.of(context.invocation, now, context.cloner.pace.remaining_seconds())
    if not context.records.take_up(restore.key, restore.record, lease, now):
        raise OperatorError(_ACTED_FOR)
    try:
        # Another release may have ended since the first look.
        restore = replace(restore, record=context.records.get(restore.key) or restore.record)
        _check(restore, settings)
        return _Release(context, pipelines, restore, settings, lease).carry_out()
    finally:
        # Where this fails, the next try has to wait until the lease has run out.
        with suppress(*AwsError):
            context.records.give_lead_back(restore.key, lease)


@dataclass(frozen=True)
class _HeldRestore:
    """A restore on record, and its target as it is now."""

    key: RestoreKey
    record: RestoreRecord
    target: Table

    @property
    def held(self) -> tuple[str, ...]:
        return held(self.record.outcomes)

    @property
    def request(self) -> RestoreRequest:
        return RestoreRequest.from_json(self.record.request, self.key.restore_id)


def _held_restore(context: ActionContext, target: str) -> _HeldRestore:
    clients = context.cloner.clients
    try:
        table_id = Table(target, clients).describe()["TableId"]
    except TableGoneError as error:
        raise OperatorError(f"{error}: there is nothing to release") from error
    key = RestoreKey(target, table_id)
    record = context.records.get(key)
    if record is None:
        raise OperatorError(
            f"no restore into {target} is on record: it was not followed, or its record has expired"
            " (restore_table.record_retention_days); to apply a setting, invoke the restore worker on its source and it, with"
            ' "release": [setting, …]'
        )
    return _HeldRestore(
        key, record, Table(target, clients, overrides=record.overrides, identity=Identity(table_id))
    )


def _check(restore: _HeldRestore, settings: Sequence[str]) -> None:
    """Check that a restore has ended, and holds the settings to release.

    Raises:
        OperatorError: it has not, or does not.
    """
    name, record = restore.key.target, restore.record
    why = _NOT_ENDED.get(record.state)
    if why is not None:
        raise OperatorError(f"the restore into {name} is {record.state.value}; {why}")
    holds = f"the restore into {name} holds {', '.join(restore.held) or 'nothing'}"
    if not settings:
        raise OperatorError(f'send "settings": {holds}')
    status = {outcome.setting: outcome.status.value for outcome in record.outcomes}
    others = [
        f"{setting} ({status.get(setting, 'not looked at')})"
        for setting in settings
        if setting not in restore.held
    ]
    if others:
        raise OperatorError(f"{holds}, and not {', '.join(others)}; nothing was done")


@dataclass(frozen=True)
class _Release:
    """Applies settings to a restore that this invocation acts for."""

    context: ActionContext
    pipelines: Pipelines
    restore: _HeldRestore
    settings: Sequence[str]
    lease: Lease

    def carry_out(self) -> dict[str, Any]:
        context, restore, record = self.context, self.restore, self.restore.record
        treated = treatment_on_record(context.config, record.request, record.settings)
        # Another release, or a delivery, may have made the stream; its triggers are to miss nothing since.
        restore.target.stream_is_new |= record.steps.tried(Stream.name)
        states = self._states(treated)
        applied = {outcome.setting: outcome for outcome in self._apply(states, treated)}
        outcomes = _with_held([applied.get(each.setting, each) for each in record.outcomes], record.outcomes)
        ended = [outcome for outcome in outcomes if outcome.setting in applied]
        report = self._report(outcomes, expiry_notes(ended, states, record.told_restore_point))
        untold = context.announce(report, notify=treated.notify)
        noted = context.records.save_report(
            restore.key, report, context.now(), taken_up=True, lease=self.lease, untold=untold
        )
        if not noted:
            raise OperatorError(_NOT_NOTED)
        told = answer(report, untold)
        if any(outcome.status is Status.FAILED and outcome.retryable for outcome in ended):
            return {**told, "next": "release again: some settings can still be applied"}
        return told

    def _states(self, treated: Treatment) -> Desired:
        """The source's states: those on record, and read now what had no room there."""
        record, cloner = self.restore.record, self.context.cloner

        def find_source() -> Table | None:
            request = self.restore.request
            if request.replaces_source:
                return None
            pipeline = self.pipelines.open(request.source.name) if request.source_is_here else None
            identity = Identity(record.identified.source_id, request.source_existed_at)
            since = self.context.now().timestamp()
            return cloner.source_table(request.source, pipeline, identity, listings_since=since)

        return cloner.source_states(
            find_source, record.settings, self._released(treated), settings=self._chosen
        )

    def _apply(self, states: Desired, treated: Treatment) -> list[Outcome]:
        cloner, record = self.context.cloner, self.restore.record
        sync = cloner.sync(
            states,
            self.restore.target,
            self._released(treated),
            source_region=self.restore.request.source_region,
            settings=self._chosen,
        )
        journal = StepJournal(
            self.context.records, self.restore.key, record.steps, cloner.clients.call_time, self.lease
        )
        journal.planned(sync.plan())
        outcomes = sync.run(journal)
        return journal.steps.with_noted_steps(outcomes)

    @property
    def _chosen(self) -> list[Setting]:
        return [setting for setting in self.context.cloner.settings if setting.name in self.settings]

    def _released(self, treated: Treatment) -> Treatment:
        """How these settings are handled now: the operator asks for them, whatever the overrides say by now."""
        switches = {**treated.switches, **dict.fromkeys(self.settings, True)}
        return replace(treated.releasing(self.settings), switches=switches)

    def _report(self, outcomes: Sequence[Outcome], notes: Sequence[str]) -> Report:
        record, request = self.restore.record, self.restore.request
        released = f"an operator released {', '.join(self.settings)}"
        told = record.report
        # Releasing a setting does not change how a restore ended that was given up or abandoned.
        judged = record.state in (RestoreState.SYNCED, RestoreState.INCOMPLETE)
        return Report(
            overall(outcomes) if judged else Result(record.state.value),
            request.source.name,
            self.restore.key.target,
            finished_at=self.context.now(),
            attempts=record.attempts,
            restore_id=self.restore.key.restore_id,
            requested_at=request.requested_at,
            requested_by=request.requested_by,
            restore_point=record.told_restore_point,
            outcomes=outcomes,
            reason=told.get("reason"),
            # An earlier release that failed is already in the notes.
            notes=list(dict.fromkeys([*told.get("notes", ()), released, *notes])),
        )


def _with_held(outcomes: Sequence[Outcome], earlier: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes after a release, each with what of it another release can still apply.

    Args:
        earlier: those before, in the same order; the same ones where nothing was released.
    """
    # What is held, or has failed and can be mended, may yet be there for what builds on it.
    to_come = {each.setting for each in outcomes if each.held or each.status is Status.FAILED}
    return [
        now if now is before else _still_held(before, now, to_come)
        for now, before in zip(outcomes, earlier, strict=True)
    ]


def _still_held(before: Outcome, now: Outcome, to_come: Collection[str]) -> Outcome:
    """How a setting stands after its release: what of it failed, or lacks a setting that is to come, waits for the next one."""
    out = now.left_out_steps
    left = tuple(step for step in now.still_open or () if step not in out or out[step] in to_come)
    if not left and now.status is Status.FAILED:
        left = before.held
    return replace(now, held=left, switch=before.switch)


def _run(call: ActionCall) -> dict[str, Any]:
    return release(call.context, call.pipelines, call.values[RESTORED_TABLE.name], call.values["settings"])


ACTION = Action(
    name="release",
    summary="Applies settings that an override held; the report of a restore names them in `held`.",
    fields=(
        RESTORED_TABLE,
        Field(
            "settings",
            Kind("list of names of settings", setting_names),
            "the settings to apply; without any, the answer names those that are held",
            default=(),
            example=["ttl"],
        ),
    ),
    permissions=(on_records("GetItem"), Permission(TABLES, ("dynamodb:DescribeTable",)), *REPORT),
    applies_settings=True,
    run=_run,
    in_command={RESTORED_TABLE.name: "TARGET_TABLE", "settings": ["ttl"]},
)
