"""Look up the restore that a message is about: its target, its record, how it is treated, its source's pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dynamodb_restore.aws import ErrorClass, classify, describe_table, explain
from dynamodb_restore.config import WorkerConfig
from dynamodb_restore.pipeline.pipeline import Pipeline, Pipelines
from dynamodb_restore.restore.clone import Cloner
from dynamodb_restore.restore.control import Treatment, choice_of, matches_any, treatment
from dynamodb_restore.restore.delivery import (
    Delivery,
    KnownRestore,
    Lead,
    LedByAnother,
    NothingToDo,
    lead,
)
from dynamodb_restore.restore.record import RestoreKey, RestoreRecords
from dynamodb_restore.restore.request import RestoreRequest
from dynamodb_restore.restore.waiting import Ready, Wait, judge
from dynamodb_restore.settings.setting import State, TableGoneError
from dynamodb_restore.settings.tags import Tags

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef


@dataclass(frozen=True)
class Lookup:
    """What looking a restore up needs.

    Attributes:
        now: the present instant, aware.
    """

    config: WorkerConfig
    records: RestoreRecords
    pipelines: Pipelines
    cloner: Cloner
    now: Callable[[], datetime]

    def known(self, delivery: Delivery) -> KnownRestore | LedByAnother | NothingToDo:
        """The restore as it stands; or why this delivery has nothing to do with it.

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
        description = describe_table(self.cloner.clients, request.target.name)
        readiness = judge(request, description, self.now())
        # A table that is not this restore's has a record that is not this restore's either.
        ours = isinstance(readiness, Ready | Wait)
        key = self._key(request, description if ours else None)
        record = self.records.get(key)
        if record is not None and record.settled:
            return NothingToDo("already finished by an earlier delivery")
        leads = lead(record, delivery, self.config.polling.backoff.cap_seconds, self.now())
        if leads is Lead.LEFT_TO_ANOTHER:
            return LedByAnother()
        restore = KnownRestore(
            delivery,
            description,
            readiness,
            key,
            record,
            self.treatment(request, {}),
            open_pipeline=cache(partial(self._open_pipeline, request) if ours else _no_pipeline),
            takes_over=leads is Lead.TAKES_OVER,
        )
        return self._with_choice(restore) if ours and description is not None else restore

    def treatment(self, request: RestoreRequest, kept: Mapping[str, State]) -> Treatment:
        """How a restore is treated, as far as the source's portable states that are known tell."""
        return treatment(
            self.config,
            request.source.name,
            request.target.name,
            choice_of(self.config.control_tag, kept),
            by_terraform=request.by_terraform,
        )

    def _open_pipeline(self, request: RestoreRequest) -> Pipeline | None:
        """The source's pipeline. A table of the same name elsewhere has nothing to do with it."""
        return self.pipelines.open(request.source.name) if request.source_is_here else None

    def _key(self, request: RestoreRequest, description: TableDescriptionTypeDef | None) -> RestoreKey:
        """Which restore this is: TableId tells one table of a name from the next."""
        target = request.target.name
        restore_id = request.target_id or (description or {}).get("TableId")
        if restore_id is None and description is None:
            restore_id = self.records.restore_id_of_event(target, request.event_id)
        return RestoreKey(target, restore_id or request.event_id)

    def _with_choice(self, restore: KnownRestore) -> KnownRestore:
        """Look what the source's control tag says, once a restore: what was read is kept in the record."""
        request = restore.request
        kept = dict(restore.record.settings) if restore.record else {}
        problem = None
        if self.config.control_tag and Tags.name not in kept and out_of_reach(self.config, request) is None:
            source = self.cloner.source_of(restore)
            try:
                if source is not None:
                    kept[Tags.name] = Tags().read(source).state
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


def _no_pipeline() -> None:
    return None


def out_of_reach(config: WorkerConfig, request: RestoreRequest) -> tuple[str, str] | None:
    """Code and reason why this deployment cannot read the source of a restore; None where it can."""
    source = request.source
    if request.account and source.account not in (None, request.account):
        return "other_account", (
            f"{source.name} is in account {source.account}: its settings cannot be read from account"
            f" {request.account}"
        )
    if request.source_region not in (request.region, *config.source_regions):
        return "cross_region", (
            f"{source.name} is in {request.source_region}, which source_regions does not name: add it there,"
            " apply, and send the message round again"
        )
    return None
