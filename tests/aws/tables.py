"""DynamoDB's control plane: tables as DescribeTable tells them, and what becomes of a change.

AWS carries much of it out in the background. Here that takes looks instead of seconds: what was begun with two looks
to come is done at the third, whether the table is described or refuses a change. Where AWS does not document what it answers, it answers here as it was
seen to: to a setting that is sent again as it is, for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION, table_arn
from tests.aws.streams import Streams

_Operation = Callable[[Mapping[str, Any]], dict[str, Any]]

ON_DEMAND_START = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
AWS_MANAGED_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/aws-managed"
"""What alias/aws/dynamodb stands for."""

_KINDS = (
    "StreamSpecification",
    "TableClass",
    "SSESpecification",
    "BillingMode",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
    "GlobalSecondaryIndexUpdates",
    "ReplicaUpdates",
)


@dataclass
class Job:
    """Something that AWS carries out in the background.

    Attributes:
        looks: how many more answers show the table as it was.
        part: what of the table's description changes: nothing for the table itself, an index, or a replica's region.
        change: what becomes of it.
        busy: whether the table is UPDATING meanwhile.
    """

    looks: int
    change: dict[str, Any]
    part: str = ""
    busy: bool = True


@dataclass
class TableState:
    """One table.

    Attributes:
        description: DescribeTable's `Table`.
        tags, unseen_tags: those that reads show, and those that they will.
        ttl: DescribeTimeToLive's description.
        recovery_days: None where point-in-time recovery is off.
        recovery_refusals: how often it is still "being enabled" and cannot be changed.
        insights: index name (the table's own: none) to its entry.
        jobs: what is under way.
    """

    description: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    unseen_tags: dict[str, str] = field(default_factory=dict)
    ttl: dict[str, str] = field(default_factory=lambda: {"TimeToLiveStatus": "DISABLED"})
    recovery_days: int | None = None
    recovery_refusals: int = 1
    insights: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)

    @property
    def creating(self) -> bool:
        return bool(self.description["TableStatus"] == "CREATING")

    @property
    def busy(self) -> bool:
        return any(job.busy for job in self.jobs)

    def part(self, name: str) -> dict[str, Any]:
        """The table's own description, or that of an index."""
        if not name:
            return self.description
        (found,) = (one for one in self.description["GlobalSecondaryIndexes"] if one["IndexName"] == name)
        return found  # type: ignore[no-any-return]

    def look(self) -> None:
        """One more answer that shows the table."""
        for job in list(self.jobs):
            job.looks -= 1
            if job.looks < 0:
                self.part(job.part).update(job.change)
                self.jobs.remove(job)


@dataclass
class Tables:
    """All tables of one region, by name; what is known of other regions here are replicas.

    Attributes:
        write_scaling: whether policies drive a table's write capacity.
    """

    streams: Streams = field(default_factory=Streams)
    region: str = REGION
    tables: dict[str, TableState] = field(default_factory=dict)
    write_scaling: Callable[[str], bool] = field(default=lambda _: True)

    @property
    def operations(self) -> Mapping[str, _Operation]:
        return {
            "ListTables": self._list,
            "DescribeTable": self._describe,
            "UpdateTable": self._update,
        }

    def make(
        self, name: str, created: datetime, *, indexes: tuple[str, ...] = (), on_demand: bool
    ) -> TableState:
        """A table with nothing but keys and capacity."""
        capacity: dict[str, Any] = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
        warm: dict[str, Any] = {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 5, "Status": "ACTIVE"}
        if on_demand:
            capacity = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
            warm = {**ON_DEMAND_START, "Status": "ACTIVE"}
        described: dict[str, Any] = {
            "TableName": name,
            "TableArn": table_arn(name, self.region),
            "TableId": f"id-of-{name}",
            "TableStatus": "ACTIVE",
            "CreationDateTime": created,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "ProvisionedThroughput": dict(capacity),
            "WarmThroughput": dict(warm),
            "DeletionProtectionEnabled": False,
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": index,
                    "IndexArn": f"{table_arn(name, self.region)}/index/{index}",
                    "IndexStatus": "ACTIVE",
                    "ProvisionedThroughput": dict(capacity),
                    "WarmThroughput": dict(warm),
                }
                for index in indexes
            ],
        }
        if on_demand:
            described["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
        table = self.tables[name] = TableState(described)
        return table

    def restore(self, source: str, target: str, created: datetime, restored_to: datetime) -> None:
        """Begin to restore a table: it is CREATING, and has of its source what DynamoDB restores."""
        of = self.tables[source].description
        table = self.make(
            target,
            created,
            indexes=tuple(index["IndexName"] for index in of["GlobalSecondaryIndexes"]),
            on_demand="BillingModeSummary" in of,
        )
        table.description["TableStatus"] = "CREATING"
        table.description["RestoreSummary"] = {
            "SourceTableArn": table_arn(source),
            "RestoreDateTime": restored_to,
            "RestoreInProgress": True,
        }

    def finish_restore(self, target: str) -> None:
        """The target is ACTIVE, and AWS forgets what it was restored from
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreSummary.html)."""
        description = self.tables[target].description
        description["TableStatus"] = "ACTIVE"
        description.pop("RestoreSummary", None)

    def usable(self, name: str) -> bool:
        """Whether items can be read and written, as far as the control plane has a say."""
        return name not in self.tables or not self.tables[name].creating

    def elsewhere(self, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeTable in another region."""
        name = parameters["TableName"]
        replicas = self.tables[name].description.get("Replicas", []) if name in self.tables else []
        under_way = (
            [job.change.get("Replicas", []) for job in self.tables[name].jobs] if name in self.tables else []
        )
        for replica in [*replicas, *(one for change in under_way for one in change)]:
            if replica["RegionName"] == region:
                home = {"RegionName": self.region, "ReplicaStatus": "ACTIVE"}
                return {"Table": {"TableName": name, "TableStatus": "CREATING", "Replicas": [home]}}
        raise _not_found("DescribeTable")

    # Calls ---------------------------------------------------------------------------------------------------------

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        after = parameters.get("ExclusiveStartTableName", "")
        names = [name for name in sorted(self.tables) if name > after]
        page = names[:2]
        return {
            "TableNames": page,
            **({"LastEvaluatedTableName": page[-1]} if len(names) > len(page) else {}),
        }

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters["TableName"] not in self.tables:
            raise _not_found("DescribeTable")
        table = self.tables[parameters["TableName"]]
        table.look()
        status = "UPDATING" if table.busy else table.description["TableStatus"]
        return {"Table": {**table.description, "TableStatus": status}}

    def _update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One kind of change a call; all but two of them make the table UPDATING
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html)."""
        table = self.active("UpdateTable", parameters["TableName"])
        (kind,) = [kind for kind in _KINDS if kind in parameters and not _goes_along(kind, parameters)]
        if kind == "DeletionProtectionEnabled":
            table.description["DeletionProtectionEnabled"] = parameters[kind]
        elif kind == "WarmThroughput" or _warms_indexes(parameters):
            self._warm_up(table, parameters)
        else:
            if table.busy:
                table.look()
                raise client_error(
                    "UpdateTable",
                    "ResourceInUseException",
                    f"Attempt to change a resource which is still in use: Table is being updated: {parameters['TableName']}",
                )
            change = {
                "StreamSpecification": self._stream,
                "TableClass": self._table_class,
                "SSESpecification": self._encrypt,
                "BillingMode": self._bill,
                "OnDemandThroughput": self._limit,
                "GlobalSecondaryIndexUpdates": self._limit,
                "ReplicaUpdates": self._replicate,
            }
            change[kind](table, parameters)
        return {"TableDescription": {**table.description, "TableStatus": "UPDATING"}}

    def _stream(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        """A stream that is switched off stays where LatestStreamArn says for a day; the next one is another."""
        name, wanted = parameters["TableName"], parameters["StreamSpecification"]
        enabled = table.description.get("StreamSpecification", {}).get("StreamEnabled", False)
        if wanted["StreamEnabled"] == enabled:
            already = "already has an enabled" if enabled else "has no enabled"
            raise _invalid("UpdateTable", f"Table {already} stream: TableName: {name}")
        if enabled:
            del table.description["StreamSpecification"]
            self.streams.switch_off(name)
        else:
            table.description["StreamSpecification"] = dict(wanted)
            stream = self.streams.switch_on(name, wanted["StreamViewType"])
            table.description["LatestStreamArn"] = stream.arn
        table.jobs.append(Job(1, {}))

    def _table_class(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        # A class that the table has already is accepted, and nothing happens.
        if (
            table.description.get("TableClassSummary", {}).get("TableClass", "STANDARD")
            != parameters["TableClass"]
        ):
            table.jobs.append(Job(2, {"TableClassSummary": {"TableClass": parameters["TableClass"]}}))

    def _encrypt(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        """A key that is not named is the one that AWS manages for DynamoDB in this account
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html)."""
        key_arn = parameters["SSESpecification"].get("KMSMasterKeyId", AWS_MANAGED_KEY)
        encrypted = {"SSEType": "KMS", "KMSMasterKeyArn": key_arn}
        table.description["SSEDescription"] = {
            **table.description.get("SSEDescription", encrypted),
            "Status": "UPDATING",
        }
        table.jobs.append(Job(2, {"SSEDescription": {**encrypted, "Status": "ENABLED"}}))

    def _bill(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        units = dict(
            parameters.get("ProvisionedThroughput", {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0})
        )
        table.jobs.append(
            Job(
                1,
                {
                    "BillingModeSummary": {"BillingMode": parameters["BillingMode"]},
                    "ProvisionedThroughput": units,
                },
            )
        )
        for one in _index_updates(parameters):
            capacity = dict(one["Update"]["ProvisionedThroughput"])
            table.jobs.append(Job(1, {"ProvisionedThroughput": capacity}, one["Update"]["IndexName"]))

    def _limit(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        if "BillingModeSummary" not in table.description:
            raise _invalid(
                "UpdateTable",
                "One or more parameter values were invalid: MaxReadRequestUnits for OnDemandThroughput cannot be"
                " specified when the table BillingMode is PROVISIONED",
            )
        changes = [("", parameters)] if "OnDemandThroughput" in parameters else []
        changes += [(one["Update"]["IndexName"], one["Update"]) for one in _index_updates(parameters)]
        for part, change in changes:
            present = table.part(part).get("OnDemandThroughput", {})
            table.jobs.append(
                Job(1, {"OnDemandThroughput": {**present, **change["OnDemandThroughput"]}}, part)
            )

    def _warm_up(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        """The table stays ACTIVE, and the last request wins
        (docs.aws.amazon.com/amazondynamodb/latest/developerguide/update-warm-throughput.html)."""
        changes = [("", parameters)] if "WarmThroughput" in parameters else []
        changes += [(one["Update"]["IndexName"], one["Update"]) for one in _index_updates(parameters)]
        for part, change in changes:
            present = table.part(part)["WarmThroughput"]
            for unit, value in change["WarmThroughput"].items():
                if value < present[unit]:
                    raise _invalid(
                        "UpdateTable",
                        f"One or more parameter values were invalid: Requested {unit} for WarmThroughput for table is"
                        " lower than current WarmThroughput, decreasing WarmThroughput is not supported",
                    )
            warmed = {**present, **change["WarmThroughput"], "Status": "ACTIVE"}
            present["Status"] = "UPDATING"
            table.jobs.append(Job(2, {"WarmThroughput": warmed}, part, busy=False))

    def _replicate(self, table: TableState, parameters: Mapping[str, Any]) -> None:
        """UPDATING and not shown, then CREATING, then ACTIVE
        (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html)."""
        (update,) = parameters["ReplicaUpdates"]
        region = update["Create"]["RegionName"]
        present = table.description.get("Replicas", [])
        if any(replica["RegionName"] == region for replica in present):
            raise _invalid(
                "UpdateTable",
                f"Failed to create a the new replica of table with name: '{parameters['TableName']}' because one or more"
                " replicas already existed as tables.",
            )
        if "BillingModeSummary" not in table.description and not self.write_scaling(parameters["TableName"]):
            raise _invalid(
                "UpdateTable", "Table write capacity should either be Pay-Per-Request or AutoScaled."
            )
        shown = [*present, {"RegionName": region, "ReplicaStatus": "CREATING"}]
        done = [*present, {"RegionName": region, "ReplicaStatus": "ACTIVE"}]
        global_table = {"GlobalTableVersion": "2019.11.21"}
        table.jobs.append(Job(1, {"Replicas": shown, **global_table}))
        table.jobs.append(Job(3, {"Replicas": done, **global_table}))

    def active(self, operation: str, name: str, code: str = "ResourceNotFoundException") -> TableState:
        """A table that is not CREATING: to all calls but DescribeTable one that is does not exist
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html)."""
        table = self.tables.get(name)
        if table is None or table.creating:
            raise _not_found(operation, code)
        return table


def _goes_along(kind: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a part of the request only adds indexes to a change of the table of the same kind."""
    return kind == "GlobalSecondaryIndexUpdates" and not parameters.keys().isdisjoint(
        ("WarmThroughput", "BillingMode")
    )


def _warms_indexes(parameters: Mapping[str, Any]) -> bool:
    return any("WarmThroughput" in one["Update"] for one in _index_updates(parameters))


def _index_updates(parameters: Mapping[str, Any]) -> list[Any]:
    return list(parameters.get("GlobalSecondaryIndexUpdates", []))


def _not_found(operation: str, code: str = "ResourceNotFoundException") -> Exception:
    return client_error(operation, code, "Requested resource not found")


def _invalid(operation: str, message: str) -> Exception:
    return client_error(operation, "ValidationException", message)
