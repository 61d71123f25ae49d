"""One AWS account in memory: every call that the functions make, and all that they leave behind.

It stands where botocore has checked a call's parameters and would send it, so the functions use real boto3 clients,
paginators included. Nothing in it depends on time or chance, it copies itself in a millisecond, and it can be compared
whole: that is what a fault at every call needs, and what an emulator does not give.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

from tests.faults.account.cloudwatch import CloudWatch
from tests.faults.account.items import Items
from tests.faults.account.mappings import Mappings
from tests.faults.account.messaging import Messaging
from tests.faults.account.policies import Policies
from tests.faults.account.references import References
from tests.faults.account.scaling import Scaling
from tests.faults.account.tables import Tables
from tests.unit.fakes import REGION, KinesisDestinations, Objects

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel


class UnknownCallError(BaseException):
    """A call that this account does not know: an error of the test, which no function may take for one of AWS."""


@dataclass
class Account:
    """The services.

    Attributes:
        checks_answers: whether every answer is held against botocore's model of it; slow.
        invoke: runs the function that an Invoke names, and returns Lambda's answer.
    """

    tables: Tables = field(default_factory=Tables)
    items: Items = field(default_factory=Items)
    kinesis: KinesisDestinations = field(default_factory=lambda: KinesisDestinations(looks_until_done=1))
    mappings: Mappings = field(default_factory=Mappings)
    policies: Policies = field(default_factory=Policies)
    cloudwatch: CloudWatch = field(default_factory=CloudWatch)
    references: References = field(default_factory=References)
    messaging: Messaging = field(default_factory=Messaging)
    objects: Objects = field(default_factory=Objects)
    checks_answers: bool = False
    invoke: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        self.scaling = Scaling(self.cloudwatch)
        self.tables.write_scaling = self.scaling.scales_writes

    def copy(self) -> Account:
        operations = self.__dict__.pop("_operations", None)
        twin = copy.deepcopy(self)
        if operations is not None:
            self._operations = operations
        return twin

    def answer(self, client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one call.

        Raises:
            ClientError: as AWS refuses it.
            UnknownCallError: this account does not know the call.
        """
        model = client.meta.service_model.operation_model(operation)
        if model.input_shape is not None:
            validate_parameters(parameters, model.input_shape)
        parameters = _copied(parameters)
        region = client.meta.region_name
        if region in (REGION, "aws-global") and operation in self._operations:
            answer = self._operations[operation](parameters)
        elif operation == "Invoke" and self.invoke is not None:
            answer = self.invoke(parameters)
        elif operation == "DescribeTable":
            answer = self.tables.elsewhere(region, parameters)
        else:
            raise UnknownCallError(f"{operation} in {region}")
        if self.checks_answers:
            _check(answer, model)
        copied: dict[str, Any] = _copied(answer)
        return copied

    def settle(self) -> None:
        """Carry out all that was begun."""
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
        for mapping in self.mappings.mappings:
            mapping["State"] = mapping.pop("_becomes", mapping["State"])

    @cached_property
    def _operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        services = (
            self.tables,
            self.items,
            self.kinesis,
            self.mappings,
            self.policies,
            self.cloudwatch,
            self.references,
            self.messaging,
            self.objects,
            self.scaling,
        )
        return {name: carry_out for service in services for name, carry_out in service.operations.items()}


def _copied(value: Any) -> Any:
    """A copy of JSON values, times and bytes: what goes over the wire belongs to one side only."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _check(answer: Mapping[str, Any], model: OperationModel) -> None:
    # The one answer in which botocore turns text into values: policy documents.
    if model.output_shape is None or model.name == "GetAccountAuthorizationDetails":
        return
    try:
        validate_parameters(answer, model.output_shape)
    except ParamValidationError as error:
        raise UnknownCallError(f"{model.name} does not answer like that: {error}") from error
