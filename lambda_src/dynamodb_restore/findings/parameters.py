"""Parameters of Systems Manager that hold the source table's name or ARN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dynamodb_restore.aws import Clients
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, TimeLeft, in_time
from dynamodb_restore.findings.naming import IN_VALUE, naming_of, spelled
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.literals import ParameterTypeType

_CALLS_PER_SECOND: Final = 10
"""Of each of the two calls. A quarter of the 40 that an account has for GetParameter, GetParameters and GetParametersByPath together
(docs.aws.amazon.com/general/latest/gr/ssm.html): functions that start need them. For DescribeParameters AWS names no rate."""

_READ: Final[tuple[ParameterTypeType, ...]] = ("String", "StringList")

_NAMES_A_CALL: Final = 10
"""That GetParameters takes (docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html)."""


class Parameters:
    """Parameters of the types String and StringList whose value names the source table, and not the target.

    A SecureString is not asked for, and nothing is decrypted. A value is never told.
    """

    kind = "parameters"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            Parameters of Systems Manager that hold the source's name or ARN: whoever reads them goes on with the old table.
            Off by default, because it reads every parameter of the region that is no SecureString.
        """,
        found=f"""
            parameters of the types String and StringList, in the source's region and account, whose value names the source and not
            the target. What names a table: {IN_VALUE.strip()}. One line per parameter, with its name; values are not told.
        """,
        read=f"""
            `DescribeParameters` of these types (one call for 50 parameters), `GetParameters` without decryption (one for
            {_NAMES_A_CALL}); of each at most {_CALLS_PER_SECOND} a second.
        """,
        left_out="""
            parameters of the type SecureString; earlier versions; parameters that other accounts share. A table of the same name in
            another region or account cannot be told apart by its name.
        """,
        sources=(
            "docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html",
            "docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html",
            "docs.aws.amazon.com/general/latest/gr/ssm.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html",
        ),
        statements=(
            Statement("ListParameters", ("ssm:DescribeParameters",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindParameters",
                ("ssm:GetParameters",),
                ("arn:{partition}:ssm:{each_region}:{account}:parameter/*",),
                reason="Any of them can hold the source's name. IAM knows no types of parameters: the code leaves SecureStrings out.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
    ) -> Iterator[Finding]:
        old, new = naming_of(source, target)
        advice = _advice(*spelled(source, target))
        for name, value in _values(clients.in_region(source.region).ssm, enough_time):
            if old.in_value(value) and not new.in_value(value):
                yield Finding(self.kind, f"parameter {name}", advice)


def _advice(old: str, new: str) -> str:
    return f"names {old} and not {new}: put {new} there if {old} means this table there"


def _values(ssm: SSMClient, enough_time: TimeLeft) -> Iterator[tuple[str, str]]:
    """The names of all parameters that are no secrets, with their values."""
    names = list(_names(ssm, enough_time))
    batches = (names[start : start + _NAMES_A_CALL] for start in range(0, len(names), _NAMES_A_CALL))
    # One that was deleted meanwhile is missing in the answer.
    answers = (ssm.get_parameters(Names=batch, WithDecryption=False) for batch in batches)
    what = f"batches of {_NAMES_A_CALL} parameters"
    for answer in in_time(answers, enough_time.at_most(_CALLS_PER_SECOND), what):
        for parameter in answer["Parameters"]:
            # It can have become a secret since it was listed.
            if parameter.get("Type") in _READ:
                yield parameter["Name"], parameter["Value"]


def _names(ssm: SSMClient, enough_time: TimeLeft) -> Iterator[str]:
    pages = ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[{"Key": "Type", "Option": "Equals", "Values": list(_READ)}],
        PaginationConfig={"PageSize": 50},
    )
    for page in in_time(pages, enough_time.at_most(_CALLS_PER_SECOND), "pages of parameters"):
        for parameter in page["Parameters"]:
            if parameter.get("Type") in _READ:
                yield parameter["Name"]
