"""Global-table replicas (version 2019.11.21): the other regions that have a copy of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from dynamodb_restore.aws import ClientError, describe_table, error_code
from dynamodb_restore.permissions import Condition, Statement, service_linked_role
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
    Phase,
    Reading,
    State,
    Step,
    StepOmitted,
    Table,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import ReplicaDescriptionTypeDef, TableDescriptionTypeDef

_LEGACY: Final = "2017.11.29"
"""Made by other operations, of empty tables only
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_versions.html)."""

_IN_TROUBLE: Final = (
    "CREATION_FAILED",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    "REGION_DISABLED",
    "REPLICATION_NOT_AUTHORIZED",
    "ARCHIVING",
    "ARCHIVED",
)
"""What AWS calls a replica that takes no changes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicaDescription.html)."""


class Replicas:
    """Portable state, regions as keys of `replicas`:

    `{"replicas": {region: {"status", "account", "key", "table_class", "read_units", "max_read_units",
    "indexes": {name: {"read_units", "max_read_units"}}}}, "version", "consistency", "region", "account",
    "view_type", "billing_mode", "max_read_units", "encrypted": bool, "indexes": [name, …],
    "set_by_call": [resource, …]}`

    Of a replica, everything that is as in the table itself reads None: capacity and table class are then
    inherited. `set_by_call` names what the restore call set the capacity of: `table`, `index/NAME`.
    """

    name = "replicas"
    phase = Phase.ON_ACTIVE
    # A new replica copies what the table has by then, and AWS makes none of a provisioned table before its write
    # capacity scales (docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html).
    lane = Lane.LAST
    catalogue = CatalogueEntry(
        default=False,
        what="the regions of a global table",
        left_alone="what AWS requires first is missing: the report says what",
        about="""
            The regions that a global table (version 2019.11.21) replicates to. A restored table is a table of one
            region: restores never bring replicas back. Off by default, because each replica is a paid copy of the
            whole table, and because undoing one is a decision for a person (AWS refuses to delete a table for 24
            hours after it was the source of a new replica).
        """,
        read="""
            `DescribeTable`: `Replicas` (region, status, KMS key, table class, capacity overrides of the table and its
            indexes), `GlobalTableVersion`, `MultiRegionConsistency`, the stream's view type, billing mode,
            encryption. Nothing else is called to read.
        """,
        written="""
            `UpdateTable` with `ReplicaUpdates`, one `Create` a call; AWS makes one replica after another, so the next
            region follows when the one before is `ACTIVE`. Right before each, what AWS wants first is looked up:
            `DescribeTable` of the target's name in the replica's region, and on a provisioned table
            `DescribeScalingPolicies` of the table and each index. The target's replica gets the KMS key of the
            source's replica (a key belongs to its region), its table class where that differs from the source's own,
            and its read capacity overrides.
        """,
        when="""
            it is in the lane of the last settings, because replicas copy what the table has by then (indexes, stream, TTL,
            capacity and its auto scaling), and need the auto scaling.
        """,
        kept="""
            A replica that the target has is kept, differences in key, table class and on-demand maximum are
            conflicts; its provisioned read capacity is not compared, because auto scaling moves it. Skipped with the
            reason: replicas of a table with strong consistency (AWS makes those of empty tables only) and its
            witness, of a global table of version 2017.11.29, and of a global table across accounts; a replica in the
            target's own region; the source's own region, where the target is elsewhere; replicas whose creation
            failed on the source; a target whose stream shows something else than `NEW_AND_OLD_IMAGES` and than the
            source's (a stream that is off is turned on by AWS, with `NEW_AND_OLD_IMAGES`); a replica whose KMS key
            does not exist (any more). Failed with what to do: a table of the target's name exists in that region,
            write capacity without a scaling policy, a KMS key that AWS does not take there. A disabled key AWS
            answers as if encryption were changing: where the table shows nothing that changes, that is tried again
            for minutes and then told with advice about the key. Read capacity overrides are left out where the
            restore call set the capacity or changed the billing mode, and for indexes that were not restored. **What
            AWS itself carries to a new replica:** key schema, indexes, capacity mode, write capacity with its auto
            scaling, read capacity (unless overridden), TTL, the stream's view type, encryption type, table class
            (unless overridden), warm throughput, on-demand maximums. **What it does not, and this module neither:**
            tags, point-in-time recovery, deletion protection, resource policies, Contributor Insights, Kinesis
            destinations, stream triggers and alarms of the replicas; set those in their regions.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_versions.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateReplicationGroupMemberAction.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html",
        ),
        builds_on=("stream", "auto_scaling"),
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
        # DynamoDB asks for the caller's permissions on the table that it makes in the other region, and for all that keeps the two the same
        # afterwards; the worker itself calls DescribeTable alone
        # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html).
        asked_for=(
            "dynamodb:CreateTable",
            "dynamodb:CreateTableReplica",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            "iam:CreateServiceLinkedRole",
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
            "kms:CreateGrant",
        ),
        statements=(
            Statement(
                "CreateReplicas",
                (
                    "dynamodb:DescribeTable",
                    "dynamodb:CreateTable",
                    "dynamodb:CreateTableReplica",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:BatchWriteItem",
                ),
                ("arn:{partition}:dynamodb:*:{account}:table/{each_target}",),
                reason="In which regions a source has replicas is known only when it is restored.",
                writes=True,
            ),
            Statement(
                "ReadAutoScalingForReplicas",
                ("application-autoscaling:DescribeScalingPolicies",),
                ("*",),
                reason="The action knows no resource to name. A provisioned table gets replicas only if it scales.",
                writes=True,
            ),
            service_linked_role(
                "CreateReplicationRole",
                "replication.dynamodb.amazonaws.com",
                "AWSServiceRoleForDynamoDBReplication",
            ),
            Statement(
                "UseKeysOfReplicas",
                (
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                    "kms:CreateGrant",
                ),
                ("arn:{partition}:kms:*:{account}:key/*",),
                reason="The customer keys of replicas are known no sooner than their regions; they are used through DynamoDB alone. Actions that"
                " end in `*` are DynamoDB's own wording.",
                conditions=(Condition("StringLike", "kms:ViaService", ("dynamodb.*.{dns_suffix}",)),),
                writes=True,
            ),
        ),
    )

    def read(self, table: Table) -> Reading:
        description = table.describe()
        stream = description.get("StreamSpecification", {})
        found = [
            replica
            for replica in description.get("Replicas", [])
            if replica["RegionName"] != table.region and replica.get("ReplicaStatus") != "DELETING"
        ]
        state = {
            "replicas": {replica["RegionName"]: _portable(replica, description) for replica in found},
            "version": description.get("GlobalTableVersion"),
            "consistency": description.get("MultiRegionConsistency", "EVENTUAL"),
            "region": table.region,
            "account": table.account,
            "view_type": stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
            "billing_mode": _billing_mode(table),
            "max_read_units": _most_reads(description),
            "encrypted": description.get("SSEDescription", {}).get("SSEType") == "KMS",
            "indexes": [index["IndexName"] for index in description.get("GlobalSecondaryIndexes", [])],
            "set_by_call": _set_by_call(table),
        }
        in_motion = tuple(
            f"the replica in {replica['RegionName']} is CREATING"
            for replica in found
            if replica.get("ReplicaStatus") == "CREATING"
        )
        failures = tuple(
            _trouble(replica) for replica in found if replica.get("ReplicaStatus") in _IN_TROUBLE
        )
        return Reading(state, in_motion, failures)

    def diff(self, desired: State, current: State) -> Difference:
        if desired["version"] == _LEGACY:
            return Difference(omitted=(f"the source is a global table of version {_LEGACY}: not cloned",))
        replicas = desired["replicas"]
        if not replicas:
            return Difference()
        if desired["consistency"] == "STRONG":
            # docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
            regions = ", ".join(sorted(replicas))
            why = "strong consistency between regions can be given only to a table without items"
            return Difference(omitted=(f"replicas in {regions}: {why}",))
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = []
        for region, replica in sorted(replicas.items()):
            present = current["replicas"].get(region)
            why_not = _why_not(region, replica, desired, current)
            if present is not None and present["status"] not in _IN_TROUBLE:
                conflicts.extend(_conflicts(region, replica, present, current))
            elif why_not is not None:
                omitted.append(f"replica in {region}: {why_not}")
            else:
                steps.append(_step(region, replica, current))
        if desired["region"] not in (current["region"], *current["replicas"]):
            omitted.append(
                f"replica in {desired['region']}: it is the source's own region, not a replica of it"
            )
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        region = step.payload["region"]
        for replica in table.describe().get("Replicas", []):
            if replica["RegionName"] == region and replica.get("ReplicaStatus") in _IN_TROUBLE:
                raise CannotApplyError(
                    f"{_trouble(replica)}; mend that or delete it, and run the restore again"
                )
        namesake = describe_table(table.clients.in_region(region), table.name)
        if namesake is not None:
            if any(replica["RegionName"] == table.region for replica in namesake.get("Replicas", [])):
                # AWS is making it already; the target's own description tells so a little later.
                table.forget()
                return
            raise CannotApplyError(
                f"{region} has a table {table.name} of its own; delete it there or restore to another name, "
                "and run the restore again"
            )
        if _billing_mode(table) == "PROVISIONED":
            _require_write_scaling(table)
        create: Any = {"RegionName": region, **step.payload["create"]}
        try:
            table.clients.dynamodb.update_table(TableName=table.name, ReplicaUpdates=[{"Create": create}])
        except ClientError as error:
            _explain_key(table, create, error)
            raise
        table.forget()


def _portable(replica: ReplicaDescriptionTypeDef, description: TableDescriptionTypeDef) -> dict[str, Any]:
    own_class = description.get("TableClassSummary", {}).get("TableClass", "STANDARD")
    table_class = replica.get("ReplicaTableClassSummary", {}).get("TableClass")
    arn = replica.get("ReplicaArn")
    return {
        "status": replica.get("ReplicaStatus"),
        "account": arn.split(":")[4] if arn else None,
        "key": replica.get("KMSMasterKeyId"),
        "table_class": table_class if table_class != own_class else None,
        **_capacity(replica),
        "indexes": {
            index["IndexName"]: _capacity(index) for index in replica.get("GlobalSecondaryIndexes", [])
        },
    }


def _capacity(part: Any) -> dict[str, int | None]:
    """What a replica, or an index of one, has of its own; AWS tells nothing where it is as in the table."""
    return {
        "read_units": part.get("ProvisionedThroughputOverride", {}).get("ReadCapacityUnits"),
        "max_read_units": part.get("OnDemandThroughputOverride", {}).get("MaxReadRequestUnits"),
    }


def _billing_mode(table: Table) -> str:
    told = table.describe().get("BillingModeSummary", {}).get("BillingMode")
    return table.overrides.billing_mode or told or "PROVISIONED"


def _most_reads(description: TableDescriptionTypeDef) -> int | None:
    return description.get("OnDemandThroughput", {}).get("MaxReadRequestUnits")


def _set_by_call(table: Table) -> list[str]:
    of_table = table.overrides.provisioned_throughput or table.overrides.on_demand_throughput
    indexes = [f"index/{name}" for name in sorted(table.overrides.index_throughput)]
    return ["table", *indexes] if of_table else indexes


def _trouble(replica: ReplicaDescriptionTypeDef) -> str:
    why = replica.get("ReplicaStatusDescription") or "AWS gives no reason"
    return f"the replica in {replica['RegionName']} is {replica.get('ReplicaStatus')}: {why}"


def _why_not(region: str, replica: State, desired: State, current: State) -> str | None:
    """Why the target gets no replica in this region, or None."""
    if region == current["region"]:
        return "the target itself is there"
    if replica["status"] == "CREATION_FAILED":
        return "the source's was never made"
    if replica["account"] not in (None, desired["account"]):
        # docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_MA_HowItWorks.html
        return f"it is in account {replica['account']}; only that account can make one"
    # AWS replicates with a stream of both images, which it turns on itself where there is none
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html). A source that is
    # replicated with another stream shows that AWS takes that one too.
    if current["view_type"] not in (None, "NEW_AND_OLD_IMAGES", desired["view_type"]):
        return f"the target's stream shows {current['view_type']}, replication needs NEW_AND_OLD_IMAGES"
    return None


def _step(region: str, replica: State, current: State) -> Step:
    create: dict[str, Any] = {}
    told = []
    # All replicas have the same kind of key, each one of its own region; the key that AWS owns is not named
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html).
    if replica["key"] and current["encrypted"]:
        create["KMSMasterKeyId"] = replica["key"]
        told.append(f"key {replica['key']}")
    if replica["table_class"]:
        create["TableClassOverride"] = replica["table_class"]
        told.append(f"table class {replica['table_class']}")
    create |= _overrides("table", replica, current)
    indexes = [
        {"IndexName": name, **overrides}
        for name, capacity in sorted(replica["indexes"].items())
        if name in current["indexes"] and (overrides := _overrides(f"index/{name}", capacity, current))
    ]
    if indexes:
        create["GlobalSecondaryIndexes"] = indexes
    details = f" with {', '.join(told)}" if told else ""
    return Step(f"replicate to {region}{details}", {"region": region, "create": create})


def _overrides(resource: str, capacity: State, current: State) -> dict[str, Any]:
    if resource in current["set_by_call"]:
        return {}
    if current["billing_mode"] == "PROVISIONED":
        units = capacity["read_units"]
        return {"ProvisionedThroughputOverride": {"ReadCapacityUnits": units}} if units else {}
    units = capacity["max_read_units"]
    return {"OnDemandThroughputOverride": {"MaxReadRequestUnits": units}} if units else {}


def _conflicts(region: str, desired: State, present: State, current: State) -> Iterator[str]:
    # Not the provisioned read capacity: auto scaling moves it, on the source's replicas and on the target's.
    if desired["key"] and current["encrypted"] and present["key"] != desired["key"]:
        yield f"the replica in {region} has key {present['key']} on the target, {desired['key']} on the source"
    if desired["table_class"] and present["table_class"] != desired["table_class"]:
        kept = present["table_class"] or "its table's class"
        yield f"the replica in {region} has {kept} on the target, {desired['table_class']} on the source"
    most, kept_most = desired["max_read_units"], present["max_read_units"] or current["max_read_units"]
    if _overrides("table", desired, current) and most and kept_most != most:
        limit = kept_most or "any number of"
        yield f"the replica in {region} takes {limit} reads on the target, {most} on the source"


def _require_write_scaling(table: Table) -> None:
    """AWS replicates a provisioned table only where policies scale all of its write capacity
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html)."""
    indexes = [index["IndexName"] for index in table.describe().get("GlobalSecondaryIndexes", [])]
    parts = {"table": f"table/{table.name}"} | {
        f"index/{name}": f"table/{table.name}/index/{name}" for name in indexes
    }
    listing = table.clients.auto_scaling.get_paginator("describe_scaling_policies")
    unscaled = [
        part
        for part, resource_id in parts.items()
        if not any(
            policy["ScalableDimension"].endswith(":WriteCapacityUnits")
            for page in listing.paginate(ServiceNamespace="dynamodb", ResourceId=resource_id)
            for policy in page["ScalingPolicies"]
            if policy["ResourceId"] == resource_id
        )
    ]
    if unscaled:
        raise CannotApplyError(
            f"no scaling policy drives the write capacity of {', '.join(unscaled)}, and AWS makes no replicas of a "
            "provisioned table without; let it scale (setting `auto_scaling`) or set the table on demand, and run "
            "the restore again"
        )


def _explain_key(table: Table, create: State, refusal: ClientError) -> None:
    """Tell what a refusal has to do with the replica's KMS key, if anything. AWS passes on in KMS' own words what is wrong with
    it; but a key that is disabled it answers with the text for encryption that is changing, and then nothing changes
    (ack-api-quirks, DDB-TABLE-312 and DDB-TABLE-442: what AWS answered to its probes).

    Raises:
        StepOmitted: there is no such key.
        CannotApplyError: AWS does not take the key.
    """
    message = str(refusal.response.get("Error", {}).get("Message", ""))
    text = message.lower()
    if error_code(refusal) != "ValidationException":
        return
    advice = _key_text(table, create["RegionName"], message)
    if "kms" in text and "notfoundexception" in text and "KMSMasterKeyId" in create:
        raise StepOmitted(
            f"KMS does not know the key of the source's replica (any more): {advice}"
        ) from refusal
    if "kms" in text:
        raise CannotApplyError(advice) from refusal
    if "retry the request after" in text and not _is_changing(table):
        raise CannotApplyError(
            f"{advice}; or enable the keys of the table and of its replicas, and run the restore again",
            passes=True,
        ) from refusal


def _is_changing(table: Table) -> bool:
    """Whether the table shows anything that AWS is still carrying out and that a replica has to wait for."""
    table.forget()
    description = table.describe()
    replicas = description.get("Replicas", [])
    return (
        description.get("SSEDescription", {}).get("Status") in ("ENABLING", "UPDATING")
        or description["TableStatus"] != "ACTIVE"
        or any(replica.get("ReplicaStatus") in ("CREATING", "UPDATING") for replica in replicas)
    )


def _key_text(table: Table, region: str, message: str) -> str:
    return (
        f"AWS does not take the KMS key: {message.rstrip('.')}; add the replica with a key of {region}: aws dynamodb "
        f"update-table --region {table.region} --table-name {table.name} --replica-updates "
        f"'Create={{RegionName={region},KMSMasterKeyId=KEY}}'"
    )
