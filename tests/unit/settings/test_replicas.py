"""Global-table replicas: one region a call, after a look at what AWS wants first, and watched until they are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.client import BaseClient

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.replicas import Replicas
from dynamodb_restore.settings.setting import CannotApplyError, Difference, Overrides, State, Step, Table
from dynamodb_restore.sync.outcome import Outcome, Status
from dynamodb_restore.sync.run import sync_settings
from tests.unit.builders import make_table, portable, scale
from tests.unit.fakes import ACCOUNT, REGION, Aws, Clock, client_error

IRELAND: Final = "eu-west-1"
STOCKHOLM: Final = "eu-north-1"
TABLE_WRITES: Final = "dynamodb:table:WriteCapacityUnits"
KEY: Final = f"arn:aws:kms:{IRELAND}:{ACCOUNT}:key/11111111-2222-4333-8444-555555555555"

_Call = Callable[[BaseClient, str, dict[str, Any]], dict[str, Any]]


@dataclass
class GlobalTables:
    """DynamoDB's global tables, which moto lacks: a replica takes some looks, and may fail while it is looked at.

    The table is UPDATING and shows no replica at first, then the replica is CREATING, then both are ACTIVE.
    """

    looks_until_done: int = 4
    failure: str | None = None
    replicas: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)

    def answer(
        self, client: BaseClient, operation: str, parameters: dict[str, Any], otherwise: _Call
    ) -> dict[str, Any]:
        name, region = parameters.get("TableName", ""), client.meta.region_name
        if operation == "UpdateTable" and "ReplicaUpdates" in parameters:
            (update,) = parameters["ReplicaUpdates"]
            return self._create(name, update["Create"])
        if operation == "DescribeTable" and region != REGION and self._is_replica(name, region):
            home = {"RegionName": REGION, "ReplicaStatus": "ACTIVE"}
            return {"Table": {"TableName": name, "TableStatus": "CREATING", "Replicas": [home]}}
        answer = otherwise(client, operation, parameters)
        if operation == "DescribeTable" and region == REGION:
            self._look(name, answer["Table"])
        return answer

    def put(self, table: str, region: str, status: str = "ACTIVE", **more: Any) -> None:
        """Give a table a replica without a call."""
        replica = {"RegionName": region, "ReplicaStatus": status, **more}
        self.replicas.setdefault(table, []).append(replica)

    def _is_replica(self, table: str, region: str) -> bool:
        return any(replica["RegionName"] == region for replica in self.replicas.get(table, []))

    def _create(self, table: str, create: Mapping[str, Any]) -> dict[str, Any]:
        if self._looks.get(table):
            raise client_error("UpdateTable", "ResourceInUseException", "The resource is in use.")
        replica = {key: value for key, value in create.items() if key != "TableClassOverride"}
        if "TableClassOverride" in create:
            replica["ReplicaTableClassSummary"] = {"TableClass": create["TableClassOverride"]}
        self.put(table, **{"region": replica.pop("RegionName"), "status": "CREATING", **replica})
        self._looks[table] = self.looks_until_done
        return {"TableDescription": {"TableName": table, "TableStatus": "UPDATING", "Replicas": []}}

    def _look(self, table: str, description: dict[str, Any]) -> None:
        replicas = self.replicas.get(table, [])
        left = self._looks[table] = max(0, self._looks.get(table, 0) - 1)
        if left:
            description["TableStatus"] = "UPDATING"
        for replica in replicas:
            if replica["ReplicaStatus"] == "CREATING" and not left:
                replica["ReplicaStatus"] = "CREATION_FAILED" if self.failure else "ACTIVE"
                replica["ReplicaStatusDescription"] = self.failure or ""
        unlisted = left == self.looks_until_done - 1 and left > 0
        shown = [replica for replica in replicas if not (unlisted and replica["ReplicaStatus"] == "CREATING")]
        if replicas:
            description |= {
                "Replicas": [dict(replica) for replica in shown],
                "GlobalTableVersion": "2019.11.21",
            }


@pytest.fixture
def global_tables(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> GlobalTables:
    fake = GlobalTables()
    everything_else = aws.answer

    def answer(client: BaseClient, operation: str, parameters: dict[str, Any], moto: _Call) -> dict[str, Any]:
        return everything_else(client, operation, parameters, lambda c, o, p: fake.answer(c, o, p, moto))

    monkeypatch.setattr(aws, "answer", answer)
    return fake


@pytest.fixture
def source(global_tables: GlobalTables, clients: Clients) -> Table:
    make_table(clients, "orders", on_demand=True, view_type="NEW_AND_OLD_IMAGES")
    return Table("orders", clients)


@pytest.fixture
def target(global_tables: GlobalTables, clients: Clients) -> Table:
    make_table(clients, "orders-restored", on_demand=True)
    return Table("orders-restored", clients)


def sync(source: Table, target: Table, clock: Clock, *, dry_run: bool = False) -> Outcome:
    """What the engine makes of this setting."""
    desired = {"replicas": portable(Replicas(), source)}
    source.forget()
    target.forget()
    (outcome,) = sync_settings(
        [Replicas()], desired, target, clock.pace(), switches={"replicas": True}, dry_run=dry_run
    )
    return outcome


def created(aws: Aws) -> list[Any]:
    """What was asked of UpdateTable."""
    return [call["ReplicaUpdates"] for call in aws.named("UpdateTable")]


def test_one_region_follows_the_other(
    aws: Aws, global_tables: GlobalTables, source: Table, target: Table, clock: Clock
) -> None:
    global_tables.put("orders", IRELAND)
    global_tables.put("orders", STOCKHOLM)

    outcome = sync(source, target, clock)

    assert outcome.status is Status.APPLIED
    assert outcome.done == ("replicate to eu-north-1", "replicate to eu-west-1")
    assert created(aws) == [
        [{"Create": {"RegionName": STOCKHOLM}}],
        [{"Create": {"RegionName": IRELAND}}],
    ]
    statuses = {r["RegionName"]: r["ReplicaStatus"] for r in global_tables.replicas["orders-restored"]}
    assert statuses == {STOCKHOLM: "ACTIVE", IRELAND: "ACTIVE"}
    aws.calls.clear()
    assert sync(source, target, clock).status is Status.UNCHANGED
    assert aws.writes() == []


def test_a_table_without_replicas_costs_its_description(aws: Aws, source: Table) -> None:
    aws.calls.clear()
    reading = Replicas().read(source)
    assert [call.operation for call in aws.calls] == ["DescribeTable"]
    assert Replicas().diff(reading.state, reading.state) == Difference()


def test_what_a_replica_has_of_its_own_is_carried_over(
    aws: Aws, global_tables: GlobalTables, clients: Clients, clock: Clock
) -> None:
    make_table(clients, "orders", indexes=["by-customer", "by-day"])
    make_table(clients, "orders-restored", indexes=["by-customer"])
    encryption = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY.replace(IRELAND, REGION)}
    for name in ("orders", "orders-restored"):
        aws.describe_as(name, SSEDescription=encryption)
    for resource in ("table/orders-restored", "table/orders-restored/index/by-customer"):
        dimension: Any = "dynamodb:index:WriteCapacityUnits" if "index" in resource else TABLE_WRITES
        scale(clients, resource, dimension, policy="track-writes")
    global_tables.put(
        "orders",
        IRELAND,
        ReplicaArn=f"arn:aws:dynamodb:{IRELAND}:{ACCOUNT}:table/orders",
        KMSMasterKeyId=KEY,
        ReplicaTableClassSummary={"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        ProvisionedThroughputOverride={"ReadCapacityUnits": 20},
        GlobalSecondaryIndexes=[
            {"IndexName": "by-customer", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 30}},
            {"IndexName": "by-day", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 40}},
        ],
    )

    outcome = sync(Table("orders", clients), Table("orders-restored", clients), clock)

    assert outcome.status is Status.APPLIED
    assert outcome.done == (f"replicate to eu-west-1 with key {KEY}, table class STANDARD_INFREQUENT_ACCESS",)
    (update,) = created(aws)
    # The index by-day was not restored.
    assert update == [
        {
            "Create": {
                "RegionName": IRELAND,
                "KMSMasterKeyId": KEY,
                "TableClassOverride": "STANDARD_INFREQUENT_ACCESS",
                "ProvisionedThroughputOverride": {"ReadCapacityUnits": 20},
                "GlobalSecondaryIndexes": [
                    {"IndexName": "by-customer", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 30}}
                ],
            }
        }
    ]


def test_a_replica_that_aws_gives_up_on_is_a_failure(
    global_tables: GlobalTables, source: Table, target: Table, clock: Clock
) -> None:
    global_tables.failure = "The KMS key is disabled"
    global_tables.put("orders", IRELAND)

    first = sync(source, target, clock)
    assert first.status is Status.FAILED
    assert not first.retryable
    assert first.reason == (
        "not seen after it was applied: replicate to eu-west-1, "
        "the replica in eu-west-1 is CREATION_FAILED: The KMS key is disabled"
    )
    # And it is not tried on top of the failed one.
    again = sync(source, target, clock)
    assert again.done == ()
    assert again.reason == (
        "replicate to eu-west-1: the replica in eu-west-1 is CREATION_FAILED: The KMS key is disabled; "
        "mend that or delete it, and run the restore again"
    )
    assert not again.retryable


def test_a_replica_that_takes_longer_comes_back_with_the_message(
    global_tables: GlobalTables, source: Table, target: Table, clock: Clock
) -> None:
    global_tables.looks_until_done = 1000
    global_tables.put("orders", IRELAND)
    outcome = sync(source, target, clock)
    assert outcome.status is Status.FAILED
    assert outcome.retryable
    assert outcome.reason == "not seen after it was applied: the replica in eu-west-1 is CREATING"


def test_a_table_of_that_name_in_the_region_is_left_alone(
    aws: Aws, global_tables: GlobalTables, clients: Clients, source: Table, target: Table, clock: Clock
) -> None:
    make_table(clients.in_region(IRELAND), "orders-restored", on_demand=True)
    global_tables.put("orders", IRELAND)
    outcome = sync(source, target, clock)
    assert outcome.status is Status.FAILED
    assert not outcome.retryable
    assert outcome.reason == (
        "replicate to eu-west-1: eu-west-1 has a table orders-restored of its own; delete it there or restore "
        "to another name, and run the restore again"
    )
    assert created(aws) == []


def test_a_replica_that_is_being_made_is_not_made_again(
    aws: Aws, global_tables: GlobalTables, target: Table
) -> None:
    """The replica's region knows it before the table itself lists it."""
    global_tables.put("orders-restored", IRELAND, "CREATING")
    global_tables.looks_until_done = 3
    target.describe()["Replicas"] = []
    Replicas().apply(target, Step("replicate to eu-west-1", {"region": IRELAND, "create": {}}))
    assert created(aws) == []
    # What it knew of the table is out of date.
    assert target.describe()["Replicas"] != []


@pytest.mark.parametrize(
    ("scaled", "unscaled"),
    [
        ([], "table, index/by-customer, index/by-day"),
        (["table/orders-restored"], "index/by-customer, index/by-day"),
        (["table/orders-restored/index/by-day"], "table, index/by-customer"),
    ],
)
def test_write_capacity_without_a_policy_is_found_before(
    aws: Aws,
    global_tables: GlobalTables,
    clients: Clients,
    source: Table,
    clock: Clock,
    scaled: list[str],
    unscaled: str,
) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer", "by-day"])
    # A target without a policy does not count, nor does scaling of reads.
    scale(clients, "table/orders-restored", TABLE_WRITES)
    scale(clients, "table/orders-restored", "dynamodb:table:ReadCapacityUnits", policy="track-reads")
    for resource in scaled:
        dimension: Any = "dynamodb:index:WriteCapacityUnits" if "index" in resource else TABLE_WRITES
        scale(clients, resource, dimension, policy="track-writes")
    global_tables.put("orders", IRELAND)

    outcome = sync(source, Table("orders-restored", clients), clock)

    assert outcome.reason == (
        f"replicate to eu-west-1: no scaling policy drives the write capacity of {unscaled}, and AWS makes no "
        "replicas of a provisioned table without; let it scale (setting `auto_scaling`) or set the table on "
        "demand, and run the restore again"
    )
    assert not outcome.retryable
    assert created(aws) == []


@pytest.mark.parametrize(
    "message",
    [
        "Table write capacity should either be Pay-Per-Request or AutoScaled.",
        "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: x",
        "Replica encryption is UPDATING. Please retry the request after the status is updated to ENABLED.",
    ],
)
def test_what_aws_does_not_see_yet_is_tried_again(
    aws: Aws, global_tables: GlobalTables, source: Table, target: Table, clock: Clock, message: str
) -> None:
    global_tables.put("orders", IRELAND)
    aws.fail("UpdateTable", "ValidationException", message)
    assert sync(source, target, clock).status is Status.APPLIED
    assert len(created(aws)) == 2


@pytest.mark.parametrize(
    "message",
    [
        "One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica.",
        "KMS validation error for region eu-west-1: Key does not exist",
    ],
)
def test_a_key_that_aws_does_not_take_is_asked_of_a_person(
    aws: Aws, global_tables: GlobalTables, source: Table, target: Table, clock: Clock, message: str
) -> None:
    global_tables.put("orders", IRELAND)
    aws.fail("UpdateTable", "ValidationException", message)
    outcome = sync(source, target, clock)
    assert outcome.status is Status.FAILED
    assert not outcome.retryable
    assert outcome.reason == (
        f"replicate to eu-west-1: AWS does not take the KMS key: {message.rstrip('.')}; add the replica with a "
        "key of eu-west-1: aws dynamodb update-table --region eu-central-1 --table-name orders-restored "
        "--replica-updates 'Create={RegionName=eu-west-1,KMSMasterKeyId=KEY}'"
    )


def test_other_refusals_are_raised(aws: Aws, global_tables: GlobalTables, target: Table) -> None:
    aws.fail("UpdateTable", "ValidationException", "Region eu-west-9 is not supported")
    with pytest.raises(type(client_error("", "")), match="eu-west-9 is not supported"):
        Replicas().apply(target, Step("replicate", {"region": IRELAND, "create": {}}))


def test_a_troubled_replica_of_the_target_is_named(global_tables: GlobalTables, target: Table) -> None:
    global_tables.put("orders-restored", IRELAND, "INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    reading = Replicas().read(target)
    assert reading.failures == (
        "the replica in eu-west-1 is INACCESSIBLE_ENCRYPTION_CREDENTIALS: AWS gives no reason",
    )
    with pytest.raises(CannotApplyError, match="mend that or delete it"):
        Replicas().apply(target, Step("replicate", {"region": IRELAND, "create": {}}))


@pytest.mark.parametrize(
    ("status", "wanted", "in_motion"),
    [
        ("ACTIVE", True, ()),
        ("UPDATING", True, ()),
        ("CREATING", True, ("the replica in eu-west-1 is CREATING",)),
        ("REGION_DISABLED", True, ()),
        ("CREATION_FAILED", False, ()),
        ("DELETING", False, ()),
    ],
)
def test_which_replicas_of_the_source_count(
    global_tables: GlobalTables, source: Table, target: Table, status: str, wanted: bool, in_motion: Any
) -> None:
    # It would become ACTIVE by being looked at.
    global_tables._looks["orders"] = global_tables.looks_until_done = 100
    global_tables.put("orders", IRELAND, status)
    source.describe()
    source.forget()
    reading = Replicas().read(source)
    assert reading.in_motion == in_motion
    difference = Replicas().diff(reading.state, Replicas().read(target).state)
    assert [step.payload["region"] for step in difference.steps] == ([IRELAND] if wanted else [])


@pytest.mark.parametrize(
    ("own", "of_replica", "carried_over"),
    [
        (None, None, {}),
        (None, "STANDARD", {}),
        (None, "STANDARD_INFREQUENT_ACCESS", {"TableClassOverride": "STANDARD_INFREQUENT_ACCESS"}),
        ("STANDARD_INFREQUENT_ACCESS", "STANDARD_INFREQUENT_ACCESS", {}),
        ("STANDARD_INFREQUENT_ACCESS", "STANDARD", {"TableClassOverride": "STANDARD"}),
    ],
)
def test_a_table_class_is_carried_over_where_it_is_the_replicas_own(
    aws: Aws,
    global_tables: GlobalTables,
    source: Table,
    target: Table,
    own: str | None,
    of_replica: str | None,
    carried_over: dict[str, str],
) -> None:
    """Otherwise the target's replica takes the target's."""
    if own:
        aws.describe_as("orders", TableClassSummary={"TableClass": own})
    summary: Any = {"ReplicaTableClassSummary": {"TableClass": of_replica}} if of_replica else {}
    global_tables.put("orders", IRELAND, **summary)
    (step,) = Replicas().diff(portable(Replicas(), source), portable(Replicas(), target)).steps
    assert step.payload["create"] == carried_over


def test_a_table_is_no_replica_of_itself(global_tables: GlobalTables, source: Table, target: Table) -> None:
    global_tables.put("orders", REGION)
    assert portable(Replicas(), source)["replicas"] == {}


def test_a_dry_run_plans_the_same(
    aws: Aws, global_tables: GlobalTables, source: Table, target: Table, clock: Clock
) -> None:
    global_tables.put("orders", IRELAND)
    outcome = sync(source, target, clock, dry_run=True)
    assert (outcome.status, outcome.done) == (Status.PLANNED, ("replicate to eu-west-1",))
    assert created(aws) == []


def test_what_the_restore_call_set_is_read(aws: Aws, clients: Clients, global_tables: GlobalTables) -> None:
    make_table(clients, "orders-restored", indexes=["by-customer"])
    overrides = Overrides(billing_mode="PAY_PER_REQUEST", on_demand_throughput=True)
    state = portable(Replicas(), Table("orders-restored", clients, overrides=overrides))
    assert (state["billing_mode"], state["set_by_call"]) == ("PAY_PER_REQUEST", ["table"])
    overrides = Overrides(index_throughput=["by-customer"])
    state = portable(Replicas(), Table("orders-restored", clients, overrides=overrides))
    assert (state["billing_mode"], state["set_by_call"]) == ("PROVISIONED", ["index/by-customer"])


def replica(**changes: Any) -> State:
    plain: dict[str, Any] = {
        "status": "ACTIVE",
        "account": ACCOUNT,
        "key": None,
        "table_class": None,
        "read_units": None,
        "max_read_units": None,
        "indexes": {},
    }
    return {**plain, **changes}


def state(replicas: Mapping[str, State] | None = None, **changes: Any) -> State:
    plain: dict[str, Any] = {
        "replicas": replicas or {},
        "version": "2019.11.21" if replicas else None,
        "consistency": "EVENTUAL",
        "region": REGION,
        "account": ACCOUNT,
        "view_type": "NEW_AND_OLD_IMAGES",
        "billing_mode": "PAY_PER_REQUEST",
        "max_read_units": None,
        "encrypted": False,
        "indexes": [],
        "set_by_call": [],
    }
    return {**plain, **changes}


NO_STRONG_CONSISTENCY = "strong consistency between regions can be given only to a table without items"
NEEDS_BOTH_IMAGES = "replication needs NEW_AND_OLD_IMAGES"


@pytest.mark.parametrize(
    ("desired", "current", "omitted"),
    [
        (
            state(version="2017.11.29"),
            state(),
            ("the source is a global table of version 2017.11.29: not cloned",),
        ),
        (
            state({IRELAND: replica(), STOCKHOLM: replica()}, consistency="STRONG"),
            state(),
            (f"replicas in {STOCKHOLM}, {IRELAND}: {NO_STRONG_CONSISTENCY}",),
        ),
        (
            state({IRELAND: replica(account="210987654321")}),
            state(),
            ("replica in eu-west-1: it is in account 210987654321; only that account can make one",),
        ),
        (
            state({IRELAND: replica(status="CREATION_FAILED")}),
            state(),
            ("replica in eu-west-1: the source's was never made",),
        ),
        (
            state({IRELAND: replica()}),
            state(view_type="KEYS_ONLY"),
            (f"replica in {IRELAND}: the target's stream shows KEYS_ONLY, {NEEDS_BOTH_IMAGES}",),
        ),
    ],
)
def test_what_cannot_be_made_is_left_out(desired: State, current: State, omitted: tuple[str, ...]) -> None:
    assert Replicas().diff(desired, current) == Difference(omitted=omitted)


@pytest.mark.parametrize("view_type", [None, "NEW_AND_OLD_IMAGES", "KEYS_ONLY"])
def test_a_stream_that_the_source_is_replicated_with_will_do(view_type: str | None) -> None:
    desired = state({IRELAND: replica()}, view_type="KEYS_ONLY")
    difference = Replicas().diff(desired, state(view_type=view_type))
    assert [step.summary for step in difference.steps] == ["replicate to eu-west-1"]
    assert difference.omitted == ()


def test_a_restore_into_a_replicas_region() -> None:
    """The target cannot replicate to where it is, and the source's region was never a replica."""
    desired = state({IRELAND: replica(), STOCKHOLM: replica()})
    difference = Replicas().diff(desired, state(region=IRELAND))
    assert [step.summary for step in difference.steps] == ["replicate to eu-north-1"]
    assert difference.omitted == (
        "replica in eu-west-1: the target itself is there",
        "replica in eu-central-1: it is the source's own region, not a replica of it",
    )


@pytest.mark.parametrize(
    ("wanted", "current", "create"),
    [
        (replica(key=KEY), state(encrypted=False), {}),
        (replica(key=KEY), state(encrypted=True), {"KMSMasterKeyId": KEY}),
        (
            replica(max_read_units=100),
            state(),
            {"OnDemandThroughputOverride": {"MaxReadRequestUnits": 100}},
        ),
        (replica(max_read_units=100), state(billing_mode="PROVISIONED"), {}),
        (replica(max_read_units=100), state(set_by_call=["table"]), {}),
        (replica(read_units=100), state(), {}),
        (
            replica(indexes={"a": {"read_units": None, "max_read_units": 7}}),
            state(indexes=["a"]),
            {
                "GlobalSecondaryIndexes": [
                    {"IndexName": "a", "OnDemandThroughputOverride": {"MaxReadRequestUnits": 7}}
                ]
            },
        ),
        (
            replica(indexes={"a": {"read_units": None, "max_read_units": 7}}),
            state(indexes=["a"], set_by_call=["index/a"]),
            {},
        ),
        (replica(indexes={"a": {"read_units": None, "max_read_units": 7}}), state(indexes=["b"]), {}),
    ],
)
def test_only_what_fits_the_target_is_sent(wanted: State, current: State, create: dict[str, Any]) -> None:
    (step,) = Replicas().diff(state({IRELAND: wanted}), current).steps
    assert step.payload == {"region": IRELAND, "create": create}


CHEAP = "STANDARD_INFREQUENT_ACCESS"


@pytest.mark.parametrize(
    ("wanted", "present", "more", "conflicts"),
    [
        (replica(), replica(), {}, ()),
        (replica(), replica(table_class=CHEAP, max_read_units=5, key=KEY), {"encrypted": True}, ()),
        (replica(read_units=20), replica(read_units=5), {"billing_mode": "PROVISIONED"}, ()),
        (
            replica(table_class=CHEAP),
            replica(),
            {},
            (f"the replica in eu-west-1 has its table's class on the target, {CHEAP} on the source",),
        ),
        (
            replica(max_read_units=100),
            replica(max_read_units=50),
            {},
            ("the replica in eu-west-1 takes 50 reads on the target, 100 on the source",),
        ),
        (
            replica(max_read_units=100),
            replica(),
            {},
            ("the replica in eu-west-1 takes any number of reads on the target, 100 on the source",),
        ),
        # AWS tells a replica's own limit only where it differs from its table's.
        (replica(max_read_units=100), replica(), {"max_read_units": 100}, ()),
        (replica(max_read_units=100), replica(max_read_units=50), {"set_by_call": ["table"]}, ()),
        (
            replica(key=KEY),
            replica(key="alias/other"),
            {"encrypted": True},
            (f"the replica in eu-west-1 has key alias/other on the target, {KEY} on the source",),
        ),
        (replica(key=KEY), replica(), {"encrypted": False}, ()),
    ],
)
def test_what_a_replica_of_the_target_has_otherwise_stays(
    wanted: State, present: State, more: Mapping[str, Any], conflicts: tuple[str, ...]
) -> None:
    difference = Replicas().diff(state({IRELAND: wanted}), state({IRELAND: present}, **more))
    assert difference == Difference(conflicts=conflicts)
