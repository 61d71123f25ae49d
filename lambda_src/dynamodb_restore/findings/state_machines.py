"""State machines of Step Functions whose definition names the source table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, TimeLeft, in_time, noting_unread
from dynamodb_restore.findings.naming import naming_of, spelled
from dynamodb_restore.permissions import NO_RESOURCE, Statement

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_CALLS_PER_SECOND: Final = 10
"""Half of what Step Functions refills for DescribeStateMachine, which is 20 a second after the first 200. Of ListStateMachines 5, after
the first 100 that stand for 100,000 state machines (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""

_UNREADABLE: Final = ("KmsAccessDeniedException", "KmsInvalidStateException")


class StateMachines:
    """State machines whose definition names the source table and not the target, of either type."""

    kind = "state_machines"
    catalogue = CatalogueEntry(
        default=False,
        about="""
            Step Functions state machines whose definition has the source's name or ARN: they go on with the old table. Off by
            default, because it reads the definition of every state machine of the region, with a call for each.
        """,
        found="""
            state machines in the source's region whose definition names the source and not the target. What names a table: its ARN
            anywhere in it; its name as the value of a field with `table` in the field's name (`TableName`), also in a JSONata
            expression; its name as a key of `RequestItems`. One line per state machine.
        """,
        read=f"""
            `ListStateMachines` (one call for 1,000), `DescribeStateMachine` of each; together at most {_CALLS_PER_SECOND} a second.
        """,
        left_out="""
            published versions, also where an alias points to them; names that come from the input or that are put together from
            parts. A table of the same name in another region or account cannot be told apart by its name. Definitions that a
            customer key hides from the worker are named in a finding of their own.
        """,
        sources=(
            "docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachines.html",
            "docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html",
            "docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html",
            "docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
        ),
        statements=(
            Statement("ListStateMachines", ("states:ListStateMachines",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindStateMachines",
                ("states:DescribeStateMachine",),
                ("arn:{partition}:states:{each_region}:{account}:stateMachine:*",),
                reason="Any of them can name the source.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: TimeLeft
    ) -> Iterator[Finding]:
        old, new = naming_of(source, target)
        advice = _advice(*spelled(source, target))
        with noting_unread("definitions of state machines") as unread:
            definitions = _definitions(clients.in_region(source.region).step_functions, enough_time, unread)
            for name, definition in definitions:
                if old.in_definition(definition) and not new.in_definition(definition):
                    yield Finding(self.kind, f"state machine {name}", advice)


def _advice(old: str, new: str) -> str:
    return f"its definition names {old} and not {new}: put {new} there if {old} means this table there"


def _definitions(
    step_functions: SFNClient, enough_time: TimeLeft, unread: list[str]
) -> Iterator[tuple[str, str]]:
    """The names of all state machines with their definitions; the names of those that a key hides go into `unread`."""

    def definition(arn: str) -> str | None:
        try:
            return step_functions.describe_state_machine(stateMachineArn=arn)["definition"]
        except ClientError as error:
            if error_code(error) in _UNREADABLE:
                unread.append(arn.rpartition(":")[2])
                return None
            if error_code(error) == "StateMachineDoesNotExist":
                return None  # deleted since it was listed
            raise

    listing = step_functions.get_paginator("list_state_machines")
    pages = listing.paginate(PaginationConfig={"PageSize": 1000})
    in_turn = enough_time.at_most(_CALLS_PER_SECOND)
    machines = [
        (machine["name"], machine["stateMachineArn"])
        for page in in_time(pages, in_turn, "pages of state machines")
        for machine in page["stateMachines"]
    ]
    found = ((name, definition(arn)) for name, arn in machines)
    for name, text in in_time(found, in_turn, "state machines"):
        if text is not None:
            yield name, text
