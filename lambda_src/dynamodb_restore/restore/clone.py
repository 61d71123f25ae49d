"""Cloning: apply a source's settings to a target, when the caller has decided to do it now.

The restore worker, an operator's cutover and a direct invocation clone in the same way: read the source's portable
states (or take those that were kept), plan, note the plan, carry it out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dynamodb_restore.aws import AwsError, Clients, TableRef
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.pace import Pace
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.restore.control import Treatment, treatment
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result, overall
from dynamodb_restore.restore.step_journal import StepJournal
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.settings.registry import COMPARED
from dynamodb_restore.settings.setting import (
    AnotherTableError,
    Identity,
    Lane,
    Phase,
    Setting,
    State,
    Table,
    TableGoneError,
    completed,
    is_incomplete,
)
from dynamodb_restore.settings.stream import Stream
from dynamodb_restore.sync.outcome import Outcome
from dynamodb_restore.sync.reading import Desired, Unreadable, read_settings
from dynamodb_restore.sync.run import Sync


@dataclass(frozen=True)
class Cloner:
    """What cloning settings needs.

    Attributes:
        settings: all settings, in the order in which they are applied.
    """

    clients: Clients
    records: RestoreRecords
    settings: tuple[Setting, ...]
    pace: Pace

    @property
    def protecting(self) -> tuple[Setting, ...]:
        """The settings that are read and applied before anything that another service can delay."""
        return tuple(setting for setting in self.settings if setting.lane is Lane.FIRST)

    @property
    def others(self) -> tuple[Setting, ...]:
        """All settings but those."""
        return tuple(setting for setting in self.settings if setting.lane is not Lane.FIRST)

    def source_table(
        self,
        source: TableRef,
        pipeline: Pipeline | None,
        identity: Identity | None = None,
        *,
        listings_since: float,
    ) -> Table:
        """The source, in its own region, without the capture trigger of its pipeline, which no table must get.

        Args:
            pipeline: the source's; None where it has none, or is in another region.
            identity: which table of that name is meant; None for the one that is there now.
            listings_since: as for `Table`.
        """
        clients = self.clients.in_region(source.region) if source.region else self.clients
        own_mappings = [pipeline.capture.uuid] if pipeline else []
        return Table(
            source.name, clients, own_mappings=own_mappings, identity=identity, listings_since=listings_since
        )

    def source_states(
        self,
        find_source: Callable[[], Table | None],
        kept: Mapping[str, State],
        treated: Treatment,
        *,
        settings: Sequence[Setting] | None = None,
        keep: Callable[[str, State], object] = lambda name, state: None,
    ) -> Desired:
        """The source's portable states: those kept, and the rest read now.

        Of a state that was kept with parts that could not be read, those are read again; where they cannot be now either, or the
        source is gone, it stays as it was kept.

        All are of one table: where another one has its name, or took it while this read, nothing that was read now counts.

        Args:
            find_source: gives the source, None where it is known to be gone; called where something is to be read.
            settings: of which, where they are switched on, or compared all the same; None for all.
            keep: is given each state as soon as it is read, and as it is known to be of that table.

        Raises:
            ClientError, BotoCoreError: from `find_source`, from DescribeTable, and from `keep`.
        """
        wanted = self.settings if settings is None else settings
        needed = [
            setting
            for setting in wanted
            if treated.switches.get(setting.name, False) or setting.name in COMPARED
        ]
        unread = [setting for setting in needed if setting.name not in kept]
        partly = [setting for setting in needed if is_incomplete(kept.get(setting.name, {}))]
        states: Desired = {}
        if unread:
            try:
                states = self._read_source(unread, find_source, keep)
            except TableGoneError as error:
                why = f"{error}, and this was not read before"
                gone = Unreadable(why, retryable=False, gone=True)
                states = {setting.name: gone for setting in unread}
        return {**kept, **self._read_incomplete_again(partly, find_source, kept, keep), **states}

    def _read_source(
        self,
        settings: Sequence[Setting],
        find_source: Callable[[], Table | None],
        keep: Callable[[str, State], object],
    ) -> Desired:
        """Read settings from the source.

        Raises:
            TableGoneError: it is gone, or was while this read.
            ClientError, BotoCoreError: from `find_source`, from DescribeTable, and from `keep`.
        """
        source = find_source()
        if source is None:
            raise TableGoneError("the source was deleted")

        def keep_checked(name: str, state: State) -> None:
            _check_still_same_table(source)
            keep(name, state)

        states = read_settings(settings, source, self.pace, keep_checked)
        _check_still_same_table(source)
        return states

    def _read_incomplete_again(
        self,
        settings: Sequence[Setting],
        find_source: Callable[[], Table | None],
        kept: Mapping[str, State],
        keep: Callable[[str, State], object],
    ) -> dict[str, State]:
        """Of settings whose kept states are incomplete, those that are less so now."""
        if not settings:
            return {}
        try:
            now = self._read_source(settings, find_source, lambda name, state: None)
        except (*AwsError, TableGoneError):
            return {}
        states = {
            name: completed(kept[name], state)
            for name, state in now.items()
            if not isinstance(state, Unreadable)
        }
        states = {name: state for name, state in states.items() if state != kept[name]}
        for name, state in states.items():
            keep(name, state)
        return states

    def sync(
        self,
        desired: Desired,
        target: Table,
        treated: Treatment,
        phases: Collection[Phase] = tuple(Phase),
        *,
        source_region: str | None = None,
        settings: Sequence[Setting] | None = None,
        refusals_may_pass: Callable[[], bool] = lambda: True,
    ) -> Sync:
        """A run of the settings of `phases` that are switched on for this restore.

        Args:
            settings: of which; None for all.
            refusals_may_pass: as for `Sync`.
        """
        return Sync(
            self.settings if settings is None else settings,
            desired,
            target,
            self.pace,
            switches=treated.switches,
            switched_by={setting.name: treated.switched_by(setting.name) for setting in self.settings},
            phases=phases,
            source_region=source_region,
            attachable=treated.attachable,
            held=treated.held,
            compared=COMPARED,
            refusals_may_pass=refusals_may_pass,
        )

    def plan_and_carry_out(self, sync: Sync, key: RestoreKey, earlier: Steps) -> list[Outcome]:
        """Run settings with all steps on record, and say what was done in all, earlier runs included.

        Args:
            earlier: the steps that are on record of earlier runs.
        """
        journal = StepJournal(self.records, key, earlier, self.clients.call_time)
        journal.planned(sync.plan())
        return journal.finish(sync.run(journal))


def _check_still_same_table(source: Table) -> None:
    """Look that what was just read was read from one table.

    Raises:
        AnotherTableError: another table has taken the source's name meanwhile.
        ClientError, BotoCoreError: from DescribeTable.
    """
    source.forget()
    try:
        source.describe()
    except AnotherTableError:
        raise
    except TableGoneError:
        # Deleted, and nobody's yet: what was read was its own.
        return


@dataclass(frozen=True)
class DirectClone:
    """A direct invocation on any two tables.

    Attributes:
        now: returns the current time, timezone-aware.
    """

    cloner: Cloner
    config: WorkerConfig
    pipelines: Pipelines
    now: Callable[[], datetime]

    def run(
        self,
        source_ref: TableRef,
        target_name: str,
        *,
        dry_run: bool,
        requested_by: str | None = None,
        release: Collection[str] = (),
    ) -> Report:
        """Apply the settings of one table to another, or report what that would change.

        Overrides that match the two tables hold, but for whether they are followed: somebody asked for it. Those that are
        for certain callers do not hold: who invokes a function is not told to it.

        Args:
            requested_by: for whom, as the invocation states; for the report alone.
            release: settings that are not to wait for an operator, whatever an override holds.

        Raises:
            TableGoneError: one of the two does not exist.
            ClientError, BotoCoreError: from DescribeTable and the restore table.
        """
        clients = self.cloner.clients
        here = source_ref.region in (None, clients.region)
        pipeline = self.pipelines.open(source_ref.name) if here else None
        source = self.cloner.source_table(source_ref, pipeline, listings_since=self.now().timestamp())
        target = Table(target_name, clients)
        source.describe()
        target.describe()
        claim = pipeline.claims.current() if pipeline else None
        waits_for_cutover = (
            claim is not None and claim.target == target_name and claim.state is not ClaimState.WATCHING
        )
        phases = (Phase.ON_ACTIVE,) if waits_for_cutover else tuple(Phase)
        treated = treatment(self.config, source.name, target_name, None).releasing(release)
        target.stream_waits = waits_for_cutover and treated.applies(Stream.name)
        target.stream_is_new |= self._made_its_stream(source, target)
        outcomes: list[Outcome] = []
        for settings in (self.cloner.protecting, self.cloner.others):
            states = self.cloner.source_states(lambda: source, {}, treated, settings=settings)
            sync = self.cloner.sync(
                states, target, treated, phases, source_region=source.region, settings=settings
            )
            outcomes += sync.rehearse() if dry_run else sync.run()
        result = Result.DRY_RUN if dry_run else overall(outcomes)
        return Report(
            result,
            source.name,
            target_name,
            finished_at=self.now(),
            requested_by=f"{requested_by or 'not stated'} (by direct invocation, not verified)",
            outcomes=outcomes,
        )

    def _made_its_stream(self, source: Table, target: Table) -> bool:
        """Whether the restore of the target from that source has made the target's stream: then it holds nothing else than what
        was written to the target since."""
        key = RestoreKey(target.name, target.describe()["TableId"])
        record = self.cloner.records.get(key)
        if record is None or record.request.get("source") != source.name:
            return False
        return record.steps.tried(Stream.name)
