"""What holds a table's name or ARN and is no part of it: pipes, functions, parameters, state machines, APIs.

All of it only reads. Pages have one row, whatever is asked for, so that nobody gets by with the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION, function_arn

_MOST_NAMES = 10


@dataclass
class NameHolders:
    """Pipes, functions' configurations, parameters, definitions and data sources, all by name.

    Attributes:
        pipes: name to the source's ARN.
        functions: name to the configuration as ListFunctions tells it, without its name.
        parameters: name to type and value.
        state_machines: name to the definition; None where a key hides it.
        apis: name to data sources by name, as ListDataSources tells them.
        gone: ARNs of state machines and ids of APIs that are listed and were deleted just then.
    """

    pipes: dict[str, str] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, tuple[str, str]] = field(default_factory=dict)
    state_machines: dict[str, str | None] = field(default_factory=dict)
    apis: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListPipes": self._list_pipes,
            "ListFunctions": self._list_functions,
            "DescribeParameters": self._describe_parameters,
            "GetParameters": self._get_parameters,
            "ListStateMachines": self._list_state_machines,
            "DescribeStateMachine": self._describe_state_machine,
            "ListGraphqlApis": self._list_apis,
            "ListDataSources": self._list_data_sources,
        }

    def add_function(self, name: str, handler: str = "index.handler", **variables: str) -> None:
        self.functions[name] = {"Handler": handler, "Environment": {"Variables": variables}}

    def add_data_source(self, api: str, name: str, table: str, region: str = REGION, **more: Any) -> None:
        config = {"tableName": table, "awsRegion": region, **more}
        self.apis.setdefault(api, {})[name] = {"type": "AMAZON_DYNAMODB", "dynamodbConfig": config}

    def _list_pipes(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_ListPipes.html"""
        rows = [
            {"Name": name, "Source": source}
            for name, source in sorted(self.pipes.items())
            if source.startswith(parameters.get("SourcePrefix", ""))
        ]
        return _page("Pipes", rows, parameters, "NextToken")

    def _list_functions(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html"""
        rows = [
            {"FunctionName": name, "FunctionArn": function_arn(name), **configuration}
            for name, configuration in sorted(self.functions.items())
        ]
        return _page("Functions", rows, parameters, "Marker", "NextMarker")

    def _describe_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html"""
        (wanted,) = (each["Values"] for each in parameters["ParameterFilters"] if each["Key"] == "Type")
        rows = [
            {"Name": name, "Type": kind}
            for name, (kind, _) in sorted(self.parameters.items())
            if kind in wanted
        ]
        return _page("Parameters", rows, parameters, "NextToken")

    def _get_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html"""
        names = parameters["Names"]
        if len(names) > _MOST_NAMES:
            raise client_error("GetParameters", "ValidationException", "length less than or equal to 10")
        found = [
            {"Name": name, "Type": self.parameters[name][0], "Value": self._value(name, parameters)}
            for name in names
            if name in self.parameters
        ]
        missing = [name for name in names if name not in self.parameters]
        return {"Parameters": found, **({"InvalidParameters": missing} if missing else {})}

    def _value(self, name: str, parameters: Mapping[str, Any]) -> str:
        kind, value = self.parameters[name]
        return value if kind != "SecureString" or parameters.get("WithDecryption") else "AQICAHexample"

    def _list_state_machines(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachines.html"""
        rows = [
            {
                "stateMachineArn": state_machine_arn(name),
                "name": name,
                "type": "STANDARD",
                "creationDate": 1_790_000_000,
            }
            for name in sorted(self.state_machines)
        ]
        return _page("stateMachines", rows, parameters, "nextToken")

    def _describe_state_machine(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html"""
        arn = parameters["stateMachineArn"]
        name = arn.rpartition(":")[2]
        if arn in self.gone or name not in self.state_machines:
            raise client_error(
                "DescribeStateMachine", "StateMachineDoesNotExist", "State Machine Does Not Exist"
            )
        definition = self.state_machines[name]
        if definition is None:
            raise client_error(
                "DescribeStateMachine", "KmsAccessDeniedException", "not authorized to kms:Decrypt"
            )
        return {
            "stateMachineArn": arn,
            "name": name,
            "definition": definition,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/steps",
            "type": "STANDARD",
            "creationDate": 1_790_000_000,
        }

    def _list_apis(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/appsync/latest/APIReference/API_ListGraphqlApis.html"""
        rows = [{"apiId": f"id-{name}", "name": name, "owner": ACCOUNT} for name in sorted(self.apis)]
        return _page("graphqlApis", rows, parameters, "nextToken")

    def _list_data_sources(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """docs.aws.amazon.com/appsync/latest/APIReference/API_ListDataSources.html"""
        api = parameters["apiId"].removeprefix("id-")
        if parameters["apiId"] in self.gone or api not in self.apis:
            raise client_error("ListDataSources", "NotFoundException", "GraphQL API not found.", 404)
        rows = [{"name": name, **data_source} for name, data_source in sorted(self.apis[api].items())]
        return _page("dataSources", rows, parameters, "nextToken")


def state_machine_arn(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def _page(
    key: str,
    rows: Sequence[dict[str, Any]],
    parameters: Mapping[str, Any],
    asked: str,
    answered: str | None = None,
) -> dict[str, Any]:
    start = int(parameters.get(asked, "0"))
    more: dict[str, Any] = {answered or asked: str(start + 1)} if start + 1 < len(rows) else {}
    return {key: list(rows[start : start + 1]), **more}
