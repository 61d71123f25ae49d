"""One AWS account in memory: every call that the functions make, and all that they leave behind.

Nothing in it depends on real time, and on chance only where `choices` says so. It copies itself in a millisecond, and it
can be compared whole: that is what a fault at every call needs, and what an emulator does not give. How calls get here is
the matter of the doors, and what goes wrong on the way that of the wire.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.backups import Backups
from tests.aws.choices import Choices
from tests.aws.clock import VirtualClock
from tests.aws.cloudwatch import CloudWatch
from tests.aws.consumers import Consumers
from tests.aws.errors import UnknownCallError
from tests.aws.functions import Functions
from tests.aws.item_batches import ItemBatches
from tests.aws.items import Items
from tests.aws.kinesis import KinesisDestinations
from tests.aws.mappings import Mappings
from tests.aws.messaging import Messaging
from tests.aws.name_holders import NameHolders
from tests.aws.names import REGION
from tests.aws.objects import Objects
from tests.aws.policies import Policies
from tests.aws.queues import Queues
from tests.aws.references import References
from tests.aws.scaling import Scaling
from tests.aws.streams import Streams
from tests.aws.table_settings import TableSettings
from tests.aws.tables import Tables
from tests.aws.trail import Trail

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]
"""A call's parameters as boto3 has them, to its answer as boto3 returns it; raises ClientError as AWS refuses it."""


@dataclass
class Account:
    """One account in one region.

    Attributes:
        elsewhere: accounts that stand for other regions. A region that is not among them has nothing but the replicas
            of tables of this one.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    choices: Choices = field(default_factory=Choices)
    region: str = REGION
    elsewhere: dict[str, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.streams = Streams(self.clock, self.choices)
        self.tables = Tables(self.streams, self.region)
        self.table_settings = TableSettings(self.tables)
        self.items = Items(self.choices, exists=self.tables.usable, written=self.streams.note)
        self.item_batches = ItemBatches(self.items)
        self.queues = Queues(self.clock, self.choices)
        self.mappings = Mappings(self.clock)
        self.functions = Functions()
        self.objects = Objects(self.clock)
        self.messaging = Messaging()
        self.kinesis = KinesisDestinations(looks_until_done=1)
        self.policies = Policies()
        self.cloudwatch = CloudWatch()
        self.scaling = Scaling(self.cloudwatch)
        self.tables.write_scaling = self.scaling.scales_writes
        self.references = References()
        self.name_holders = NameHolders()
        self.consumers = Consumers()
        self.backups = Backups()
        self.trail = Trail()

    def copy(self) -> Account:
        """The same account, clock included; both go on by themselves."""
        # Bound methods of this account's services: the copy has others.
        operations = self.__dict__.pop("_operations", None)
        twin = copy.deepcopy(self)
        if operations is not None:
            self._operations = operations
        return twin

    def knows(self, operation: str) -> bool:
        return operation in self._operations

    @property
    def operations(self) -> frozenset[str]:
        """The names of all calls that it knows."""
        return frozenset(self._operations)

    def answer(self, operation: str, parameters: Mapping[str, Any], region: str = REGION) -> dict[str, Any]:
        """Carry out one call now. Parameters and answers may be parts of the account: neither is to be changed.

        Args:
            operation: its name in AWS's API reference (`GetItem`).
            parameters: as boto3 takes them.

        Raises:
            ClientError: as AWS refuses it.
            UnknownCallError: this account does not know the call.
        """
        if region in (self.region, "aws-global"):
            carry_out = self._operations.get(operation)
            if carry_out is None:
                raise UnknownCallError(operation)
            return carry_out(parameters)
        if region in self.elsewhere:
            return self.elsewhere[region].answer(operation, parameters, region)
        if operation == "DescribeTable":
            return self.tables.elsewhere(region, parameters)
        raise UnknownCallError(f"{operation} in {region}")

    def answer_late(
        self, at: float, operation: str, parameters: Mapping[str, Any], region: str = REGION
    ) -> None:
        """Carry out a call when the clock passes an instant: nobody hears the answer."""
        self.clock.call_at(at, _LateCall(self, operation, parameters, region))

    def settle(self) -> None:
        """Finish all that AWS does in the background."""
        for table in self.tables.tables.values():
            while table.jobs:
                table.look()
            table.tags |= table.unseen_tags
            table.unseen_tags = {}
            for entry in table.insights.values():
                entry["ContributorInsightsStatus"] = "ENABLED"
            if table.ttl["TimeToLiveStatus"] == "ENABLING":
                table.ttl["TimeToLiveStatus"] = "ENABLED"
        for destinations in self.kinesis.destinations.values():
            for destination in destinations:
                destination["DestinationStatus"] = "ACTIVE"
        self.mappings.settle()

    @cached_property
    def _operations(self) -> Mapping[str, Operation]:
        services = (
            self.tables,
            self.table_settings,
            self.items,
            self.item_batches,
            self.streams,
            self.queues,
            self.mappings,
            self.functions,
            self.objects,
            self.messaging,
            self.kinesis,
            self.policies,
            self.cloudwatch,
            self.scaling,
            self.references,
            self.name_holders,
            self.consumers,
            self.backups,
            self.trail,
        )
        found: dict[str, Operation] = {}
        for service in services:
            if twice := found.keys() & service.operations.keys():
                raise ValueError(f"two services answer {sorted(twice)}")
            found |= service.operations
        return found


@dataclass(frozen=True)
class _LateCall:
    """A request that is still on its way."""

    account: Account
    operation: str
    parameters: Mapping[str, Any]
    region: str

    def __call__(self) -> None:
        with suppress(ClientError):
            self.account.answer(self.operation, self.parameters, self.region)
