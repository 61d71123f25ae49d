"""Lambda functions whose environment names the source table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, TimeLeft, in_time, listed, noting_unread
from dynamodb_restore.findings.naming import IN_VALUE, naming_of, spelled
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_CALLS_PER_SECOND: Final = 5
"""A third of the 15 that Lambda lets an account make of all its control plane
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): deployments need it too."""

_OWN_HANDLERS: Final = "dynamodb_restore.handlers."
_OWN_NAMESPACE: Final = "DynamoDBRestore"


class FunctionEnvironments:
    """Functions with a variable that names the source table, and none that names the target.

    A variable's value is never told: it can be a secret.
    """

    kind = "function_environments"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            Lambda functions that have the source's name or ARN in an environment variable: they go on with the old table.
            Off by default, because it reads the environment variables of every function of the region, which hold secrets in some
            accounts.
        """,
        found=f"""
            functions in the source's region with a variable whose value names the source, and none that names the target. What
            names a table: {IN_VALUE.strip()}. One line per function, with the names of the variables; values are not told.
        """,
        read=f"""
            `ListFunctions`: one call for 50 functions, at most {_CALLS_PER_SECOND} a second.
        """,
        left_out=f"""
            the module's own functions (handler `{_OWN_HANDLERS}*`); published versions, also where an alias points to them; names
            that a function makes up itself or reads elsewhere. A table of the same name in another region or account cannot be
            told apart by its name. Environments that Lambda cannot decrypt for the worker (customer key) are named in a finding of
            their own.
        """,
        sources=(
            "docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html",
            "docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html",
            "docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
        ),
        statements=(
            Statement("FindFunctionEnvironments", ("lambda:ListFunctions",), ("*",), reason=NO_RESOURCE),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
    ) -> Iterator[Finding]:
        old, new = naming_of(source, target)
        listing = clients.in_region(source.region).lambda_.get_paginator("list_functions")
        pages = in_time(listing.paginate(), enough_time.at_most(_CALLS_PER_SECOND), "pages of functions")
        with noting_unread("environments of functions") as unread:
            for page in pages:
                for function in page.get("Functions", []):
                    environment = function.get("Environment", {})
                    variables = environment.get("Variables", {})
                    if _is_own(function, variables):
                        continue
                    if environment.get("Error"):
                        unread.append(function["FunctionName"])
                    naming = [name for name, value in variables.items() if old.in_value(value)]
                    if naming and not any(new.in_value(value) for value in variables.values()):
                        yield Finding(
                            self.kind,
                            f"function {function['FunctionName']}",
                            _advice(naming, *spelled(source, target)),
                        )


def _is_own(function: FunctionConfigurationTypeDef, variables: Mapping[str, str]) -> bool:
    """Whether it is a function of this module, of whichever deployment: Terraform gives those their tables. Of one whose environment
    a key hides, the handler tells."""
    namespace = variables.get("POWERTOOLS_METRICS_NAMESPACE", _OWN_NAMESPACE)
    return function.get("Handler", "").startswith(_OWN_HANDLERS) and namespace == _OWN_NAMESPACE


def _advice(naming: list[str], old: str, new: str) -> str:
    several = len(naming) > 1
    return (
        f"names {old} and not {new} in variable{'s' * several} {listed(naming)}: "
        f"set {'them' if several else 'it'} to {new} if {old} means this table there"
    )
