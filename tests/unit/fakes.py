"""The AWS that the unit tests run against: moto, the rules of the local AWS over it, and in front what moto lacks.

Everything happens where botocore has checked the parameters and would send the request, so the code under
test uses real boto3 clients, paginators included.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.validate import validate_parameters

from dynamodb_restore.pace import Pace
from dynamodb_restore.settings.setting import Difference, Lane, Phase, Reading, State, Step, Table
from tests.aws.botocore_door import tell_of_call
from tests.aws.clock import VirtualClock
from tests.aws.consumers import Consumers
from tests.aws.errors import client_error
from tests.aws.functions import Functions
from tests.aws.kinesis import KinesisDestinations
from tests.aws.mappings import Mappings
from tests.aws.names import ACCOUNT, REGION, function_arn, kinesis_arn, table_arn
from tests.aws.objects import Objects
from tests.aws.trail import Trail
from tests.unit.strict import rules_over_moto

if TYPE_CHECKING:
    from botocore.client import BaseClient

LONG_AGO = datetime(2026, 10, 1, tzinfo=UTC)
"""When the tables of the unit tests were made, but for those that moto restores."""

__all__ = [
    "ACCOUNT",
    "REGION",
    "client_error",
    "function_arn",
    "kinesis_arn",
    "table_arn",
]


@dataclass(frozen=True)
class Call:
    """One request as AWS would have received it."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def mutating(self) -> bool:
        return not self.operation.startswith(("Describe", "List", "Get", "Lookup", "Query"))


class Aws:
    """All services at once: a log of the calls, faults on demand, the rules over moto, and the two fakes."""

    def __init__(self) -> None:
        self.rules = rules_over_moto()
        self.calls: list[Call] = []
        self.kinesis = KinesisDestinations()
        self.triggers = Mappings()
        self.functions = Functions()
        self.objects = Objects(VirtualClock(time.time()))
        self.trail = Trail()
        self.consumers = Consumers()
        self._faults: dict[str, deque[Exception]] = {}
        self._lasting: dict[str, dict[str, Any]] = {}
        self._passing: dict[str, deque[Mapping[str, Any]]] = {}

    def fail(
        self, operation: str, code: str, message: str = "", *, times: int = 1, status: int = 400
    ) -> None:
        """Let the next calls of `operation` fail."""
        errors = [client_error(operation, code, message, status) for _ in range(times)]
        self._faults.setdefault(operation, deque()).extend(errors)

    def describe_as(self, table: str, **description: Any) -> None:
        """Let DescribeTable say this of a table from now on."""
        self._lasting.setdefault(table, {}).update(description)

    def describe_next(self, table: str, *descriptions: Mapping[str, Any]) -> None:
        """Let the next calls of DescribeTable for a table say these things, one after the other."""
        self._passing.setdefault(table, deque()).extend(descriptions)

    def named(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of all calls of one operation."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def writes(self) -> list[str]:
        """The operations that changed something, but for the restore table's own."""
        own = ("GetItem", "PutItem", "UpdateItem", "Query")
        return [call.operation for call in self.calls if call.mutating and call.operation not in own]

    def answer(
        self,
        client: BaseClient,
        operation: str,
        parameters: dict[str, Any],
        otherwise: Callable[[BaseClient, str, dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        tell_of_call(client, operation, parameters)
        shape = client.meta.service_model.operation_model(operation).input_shape
        if shape is not None:
            validate_parameters(parameters, shape)
        self.calls.append(Call(operation, parameters))
        if self._faults.get(operation):
            raise self._faults[operation].popleft()
        services = (
            self.kinesis,
            self.triggers,
            self.functions,
            self.objects,
            self.trail,
            self.consumers,
        )
        for service in services:
            if operation in service.operations:
                return service.operations[operation](parameters)
        answer = otherwise(client, operation, parameters)
        if operation == "DescribeTable":
            table = answer["Table"]
            name = table["TableName"]
            # moto tells no TableId. What a test makes first is there long before its restore call is made.
            table["TableId"] = f"id-of-{name}-{table.get('CreationDateTime', LONG_AGO).timestamp()}"
            if "RestoreSummary" not in table:
                table["CreationDateTime"] = LONG_AGO
            table.update(self._lasting.get(name, {}))
            if self._passing.get(name):
                table.update(self._passing[name].popleft())
        return answer


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, budget_seconds: float = 120.0) -> None:
        self.budget_seconds = budget_seconds
        self.naps: list[float] = []

    @property
    def slept_seconds(self) -> float:
        return sum(self.naps)

    def pace(self) -> Pace:
        return Pace(
            sleep=self.naps.append,
            remaining_seconds=lambda: self.budget_seconds - self.slept_seconds,
            rng=random.Random(7),
        )


class Shelf:
    """A setting in memory: jars, by table. What the source has and the target lacks is a step each."""

    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE

    def __init__(self, name: str = "shelf", jars: Mapping[str, Sequence[str]] | None = None) -> None:
        self.name = name
        self.jars = {table: list(names) for table, names in (jars or {}).items()}
        self.applied: list[str] = []
        self.reads = 0
        self.read_faults: deque[Exception | None] = deque()
        self.looks_until_seen = 0
        self.busy_looks = 0
        self.failures: tuple[str, ...] = ()
        self.conflicts: tuple[str, ...] = ()
        self.omitted: tuple[str, ...] = ()
        self._apply_faults: dict[str, deque[Exception]] = {}
        self._unseen: list[str] = []

    def refuse(self, jar: str, *errors: Exception) -> None:
        """Let the next tries to put a jar fail."""
        self._apply_faults[jar] = deque(errors)

    def put_unseen(self, jar: str) -> None:
        """A jar that somebody else has put, and that reads show only after `looks_until_seen`."""
        self._unseen.append(jar)

    def read(self, table: Table) -> Reading:
        self.reads += 1
        fault = self.read_faults.popleft() if self.read_faults else None
        if fault is not None:
            raise fault
        if self._unseen:
            self.looks_until_seen -= 1
        if self.looks_until_seen <= 0:
            self.jars.setdefault(table.name, []).extend(self._unseen)
            self._unseen.clear()
        in_motion: tuple[str, ...] = ()
        if self.busy_looks > 0:
            self.busy_looks -= 1
            in_motion = ("the shelf is being painted",)
        return Reading({"jars": sorted(self.jars.get(table.name, []))}, in_motion, self.failures)

    def diff(self, desired: State, current: State) -> Difference:
        missing = [jar for jar in desired["jars"] if jar not in current["jars"]]
        steps = tuple(Step(f"put {jar}", {"jar": jar}) for jar in missing)
        return Difference(steps, self.conflicts, self.omitted)

    def apply(self, table: Table, step: Step) -> None:
        jar = step.payload["jar"]
        if self._apply_faults.get(jar):
            raise self._apply_faults[jar].popleft()
        self.applied.append(jar)
        if self.looks_until_seen:
            self._unseen.append(jar)
        else:
            self.jars.setdefault(table.name, []).append(jar)
