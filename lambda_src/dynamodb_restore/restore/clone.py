"""Cloning: a source's settings onto a target, for whoever has decided that it is to be done now.

The restore worker, an operator's cutover and a direct invocation clone in the same way: read the source's portable
states (or take those that were kept), plan, note the plan, carry it out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.pipeline.claim import ClaimState
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.restore.control import Treatment, treatment
from dynamodb_restore.restore.outcome import Outcome
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords
from dynamodb_restore.restore.report import Report, Result, overall
from dynamodb_restore.restore.step_journal import StepJournal
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.restore.sync import (
    Desired,
    Pace,
    Sync,
    Unreadable,
    read_settings,
)
from dynamodb_restore.settings.setting import (
    AnotherTableError,
    Identity,
    Phase,
    Setting,
    State,
    Table,
    TableGoneError,
)


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

    def source_table(
        self, source: TableRef, pipeline: Pipeline | None, identity: Identity | None = None
    ) -> Table:
        """The source, in its own region, without the capture trigger of its pipeline, which no table must get.

        Args:
            pipeline: the source's; None where it has none, or is in another region.
            identity: which table of that name is meant; None for the one that is there now.
        """
        clients = self.clients.in_region(source.region) if source.region else self.clients
        own_mappings = [pipeline.capture.uuid] if pipeline else []
        return Table(source.name, clients, own_mappings=own_mappings, identity=identity)

    def source_states(
        self, find_source: Callable[[], Table | None], kept: Mapping[str, State], treated: Treatment
    ) -> Desired:
        """The source's portable states: those kept, and the rest read now.

        All are of one table: where another one has its name, or took it while this read, nothing that was read now counts.

        Args:
            find_source: gives the source, None where it is known to be gone; called where something is to be read.

        Raises:
            ClientError, BotoCoreError: from `find_source`, and from DescribeTable.
        """
        unread = [setting for setting in self._switched_on(treated) if setting.name not in kept]
        if not unread:
            return kept
        try:
            source = find_source()
            if source is None:
                raise TableGoneError("the source was deleted")
            states = read_settings(unread, source, self.pace)
            _look_again(source)
            return {**kept, **states}
        except TableGoneError as error:
            why = f"{error}, and this was not read before"
            gone = Unreadable(why, retryable=False, gone=True)
            return {**kept, **{setting.name: gone for setting in unread}}

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
            switched_by={setting.name: treated.switched_by(setting.name) for setting in self.settings},
            phases=phases,
            source_region=source_region,
            attachable=treated.attachable,
        )

    def carry_out(self, sync: Sync, key: RestoreKey, steps: Steps) -> list[Outcome]:
        """Run what has been planned and noted, and say what was done in all, earlier runs included.

        Args:
            steps: those on record, with the plan of this run.
        """
        journal = StepJournal(self.records, key, steps, self.clients.call_time)
        outcomes = sync.run(journal)
        return journal.finish(outcomes)

    def plan_and_carry_out(self, sync: Sync, key: RestoreKey, earlier: Steps) -> list[Outcome]:
        """The same for a run whose plan is not noted yet.

        Args:
            earlier: the steps that are on record of earlier runs.
        """
        steps = earlier.with_plan(sync.plan())
        self.records.save_steps(key, steps)
        return self.carry_out(sync, key, steps)

    def _switched_on(self, treated: Treatment) -> list[Setting]:
        return [setting for setting in self.settings if treated.switches.get(setting.name, False)]


def _look_again(source: Table) -> None:
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
        now: the present instant, aware.
    """

    cloner: Cloner
    config: WorkerConfig
    pipelines: Pipelines
    now: Callable[[], datetime]

    def run(
        self, source_ref: TableRef, target_name: str, *, dry_run: bool, requested_by: str | None = None
    ) -> Report:
        """Bring any table's settings to those of another, or say what that would take.

        Overrides that match the two tables hold, but for whether they are followed: somebody asked for it. Those that are
        for certain callers do not hold: who invokes a function is not told to it.

        Args:
            requested_by: for whom, as the invocation states; for the report alone.

        Raises:
            TableGoneError: one of the two does not exist.
            ClientError, BotoCoreError: from DescribeTable and the restore table.
        """
        clients = self.cloner.clients
        here = source_ref.region in (None, clients.region)
        pipeline = self.pipelines.open(source_ref.name) if here else None
        source = self.cloner.source_table(source_ref, pipeline)
        target = Table(target_name, clients)
        source.describe()
        target.describe()
        claim = pipeline.claims.current() if pipeline else None
        waits_for_cutover = (
            claim is not None and claim.target == target_name and claim.state is not ClaimState.WATCHING
        )
        phases = (Phase.ON_ACTIVE,) if waits_for_cutover else tuple(Phase)
        treated = treatment(self.config, source.name, target_name, None)
        states = self.cloner.source_states(lambda: source, {}, treated)
        sync = self.cloner.sync(states, target, treated, phases, source_region=source.region)
        outcomes = sync.rehearse() if dry_run else sync.run()
        result = Result.DRY_RUN if dry_run else overall(outcomes)
        return Report(
            result,
            source.name,
            target_name,
            finished_at=self.now(),
            requested_by=f"{requested_by or 'not stated'} (by direct invocation, not verified)",
            outcomes=outcomes,
        )
