"""The restore request: what is known of a restore that somebody asked for, and nothing that is not needed.

What an event says about one is read in `restore/request_events.py`. Not every event names the source: what is known then is a
`Sighting`, and `restore/origin.py` finds the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dynamodb_restore.aws import TableRef
from dynamodb_restore.instants import from_iso, iso
from dynamodb_restore.pipeline.boundary import RestorePoint
from dynamodb_restore.restore.bounds import shortened
from dynamodb_restore.restore.reasons import ReasonCode
from dynamodb_restore.settings.setting import Overrides

POINT_IN_TIME_CALL = "RestoreTableToPointInTime"
BACKUP_CALLS = ("RestoreTableFromBackup", "RestoreTableFromAwsBackup")
"""The second is AWS Backup's own, made on behalf of a restore job
(docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html). It is no operation of the public API, so
CloudTrail may record it as an event of the service
(docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html)."""

RESTORE_TEST_PREFIX = "awsbackup-restore-test-"
"""How the names of tables begin that AWS Backup's restore testing makes
(docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html)."""

LATEST_RESTORABLE_AGE = timedelta(minutes=15)
"""How far before the call "the latest" may lie; typically five minutes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html). Replaying from too
early writes what is there already; from too late would lose changes."""

FOUND_SOURCE = "dynamodb-restore"
FOUND_DETAIL_TYPE = "DynamoDB Table Restore Found"


class RequestError(Exception):
    """The message is no restore request that can be followed.

    Attributes:
        reason: short and stable, for the message attribute `reason` on the secondary DLQ.
    """

    def __init__(self, reason: ReasonCode, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class NothingToFollow(Exception):  # noqa: N818 - not an error: the event is about a call that restored nothing
    """The event is well-formed and there is no restore behind it; the text says why."""


@dataclass(frozen=True)
class RestoreJob:
    """A restore job of AWS Backup, as DescribeRestoreJob tells it.

    Attributes:
        source: the table that the recovery point was made of; None where AWS Backup does not say.
        target: the table that it makes; None where AWS Backup has not named it yet.
        completed_at: when it was done, and so the latest that its table can have been made; None before that.
    """

    job_id: str
    source: TableRef | None = None
    target: TableRef | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True)
class RestoreRequest:
    """One restore that somebody asked for.

    Attributes:
        event_id: CloudTrail's id of the call; the same in every delivery of the event.
        event_name: the API call.
        source, target: the table restored from and the table that is made.
        region, account: where the call was made; the target is there.
        requested_at: when, to the second.
        requested_by: ARN or kind of the caller, for the report.
        restore_point: the instant restored to; None for "the latest", which AWS tells while it restores.
        target_id: the target's TableId where the event carries the call's answer.
        overrides: what the call itself decided about the target.
        backup_arn: the backup or recovery point restored from; None for a point in time.
        job: the job of AWS Backup that makes the table, as AWS Backup tells it; None where it was not asked.
        by_terraform: whether Terraform made the call, for a table of its own.
        restore_test: whether it is a test of AWS Backup's restore testing, which deletes the table again.
        notes: what a person should know about what was asked for.
    """

    event_id: str
    event_name: str
    source: TableRef
    target: TableRef
    region: str
    account: str
    requested_at: datetime
    requested_by: str
    restore_point: datetime | None
    target_id: str | None
    overrides: Overrides
    backup_arn: str | None = None
    job: RestoreJob | None = None
    by_terraform: bool = False
    restore_test: bool = False
    notes: tuple[str, ...] = ()

    @property
    def source_region(self) -> str:
        """Where the source is, or was."""
        return self.source.region or self.region

    @property
    def source_account(self) -> str | None:
        """Whose the source is; None where neither the event nor its envelope tells an account."""
        return self.source.account or self.account or None

    @property
    def source_is_here(self) -> bool:
        """Whether the source is in the target's region and account."""
        same_account = not self.account or self.source.account in (None, self.account)
        return self.source_region == self.region and same_account

    @property
    def replaces_source(self) -> bool:
        """Whether the target has the very name of its source, which so must have been deleted before."""
        return self.source_is_here and self.source.name == self.target.name

    @property
    def of_backup(self) -> bool:
        """Whether it is a backup, or a recovery point, that is restored, and not a point in time."""
        return self.backup_arn is not None

    @property
    def source_existed_at(self) -> datetime:
        """An instant at which the source was there: nothing that did not exist yet can be restored."""
        return min(self.requested_at, self.restore_point or self.requested_at)

    @property
    def earliest_restore_point(self) -> RestorePoint:
        """The restore point; for "the latest", which AWS tells only while it restores, the earliest that it can be."""
        at = self.restore_point or self.requested_at - LATEST_RESTORABLE_AGE
        return RestorePoint(at, of_backup=self.of_backup)

    def as_json(self) -> dict[str, Any]:
        """The request as JSON values, for the restore record."""
        return {
            "event_id": self.event_id,
            "event_name": self.event_name,
            "source": self.source.name,
            "source_region": self.source_region,
            "source_account": self.source_account,
            "target": self.target.name,
            "region": self.region,
            "account": self.account,
            "requested_at": iso(self.requested_at),
            "requested_by": shortened(self.requested_by),
            "restore_point": iso(self.restore_point) if self.restore_point else None,
            "backup_arn": self.backup_arn,
            "overrides": {
                **asdict(self.overrides),
                "index_throughput": list(self.overrides.index_throughput),
                "index_warm_throughput": list(self.overrides.index_warm_throughput),
                "indexes": list(self.overrides.indexes),
            },
            "by_terraform": self.by_terraform,
            "restore_test": self.restore_test,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], target_id: str | None) -> RestoreRequest:
        """The request that `as_json` wrote; what an earlier release left out is as if its event had not told it.

        Raises:
            KeyError, TypeError, ValueError: it was written otherwise.
        """
        restore_point = value.get("restore_point")
        source = TableRef(value["source"], value.get("source_region"), value.get("source_account"))
        return cls(
            event_id=value["event_id"],
            event_name=value["event_name"],
            source=source,
            target=TableRef(value["target"]),
            region=value["region"],
            account=value["account"],
            requested_at=from_iso(value["requested_at"]),
            requested_by=value["requested_by"],
            restore_point=from_iso(restore_point) if restore_point else None,
            target_id=target_id,
            overrides=noted_overrides(optional_mapping(value.get("overrides"))),
            backup_arn=value.get("backup_arn"),
            by_terraform=value.get("by_terraform", False),
            restore_test=value.get("restore_test", False),
            notes=tuple(value.get("notes", ())),
        )


@dataclass(frozen=True)
class Sighting:
    """A restore that was seen, with what its event leaves open as None.

    Attributes:
        job_id: of AWS Backup's restore job, which can be asked.
        job: its answer.
        Others as for `RestoreRequest`.
    """

    event_id: str
    event_name: str
    region: str
    account: str
    requested_at: datetime
    requested_by: str
    source: TableRef | None = None
    target: TableRef | None = None
    target_id: str | None = None
    restore_point: datetime | None = None
    backup_arn: str | None = None
    job_id: str | None = None
    job: RestoreJob | None = None
    overrides: Overrides = field(default_factory=Overrides)
    by_terraform: bool = False
    restore_test: bool = False
    notes: tuple[str, ...] = ()

    def complete(self, source: TableRef, target: TableRef) -> RestoreRequest:
        """The request, now that both tables are known."""
        return RestoreRequest(
            event_id=self.event_id,
            event_name=self.event_name,
            source=source,
            target=target,
            region=self.region,
            account=self.account,
            requested_at=self.requested_at,
            requested_by=self.requested_by,
            restore_point=self.restore_point,
            target_id=self.target_id,
            overrides=self.overrides,
            backup_arn=self.backup_arn,
            job=self.job,
            by_terraform=self.by_terraform,
            restore_test=self.restore_test or target.name.startswith(RESTORE_TEST_PREFIX),
            notes=self.notes,
        )


def optional_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def noted_overrides(noted: Mapping[str, Any]) -> Overrides:
    """What a call decided about the target, as `RestoreRequest.as_json` notes it."""

    def names(key: str) -> tuple[str, ...]:
        indexes = noted.get(key)
        return tuple(map(str, indexes)) if isinstance(indexes, list) else ()

    return Overrides(
        billing_mode=optional_text(noted.get("billing_mode")),
        provisioned_throughput=bool(noted.get("provisioned_throughput")),
        on_demand_throughput=bool(noted.get("on_demand_throughput")),
        index_throughput=names("index_throughput"),
        index_warm_throughput=names("index_warm_throughput"),
        indexes=names("indexes"),
        encryption=bool(noted.get("encryption")),
    )
