"""The roles of the functions under test, as the local AWS has them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.local_aws import LocalAws
from tests.local_aws.permissions import Need, Statement, denial, statements_of

KINDS = ("restore-worker", "operator", "reconciler", "capture", "replay", "upkeep")


@dataclass(frozen=True)
class Role:
    """What one function may do."""

    function: str
    statements: tuple[Statement, ...]
    role: str = ""

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if self.function.endswith(f"-{kind}"))

    def allows(self, need: Need) -> bool:
        return denial(self.statements, need) is None

    @property
    def granted(self) -> set[str]:
        return {
            action
            for statement in self.statements
            if statement.effect == "Allow"
            for action in statement.actions
        }


def roles(aws: LocalAws) -> list[Role]:
    """The roles of all functions of this module that are deployed, with their policies as AWS has them."""
    clients = aws.observer()
    iam = clients.client("iam")
    found = []
    for page in clients.lambda_.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if any(name.endswith(f"-{kind}") for kind in KINDS):
                role = function["Role"].rpartition("/")[2]
                found.append(Role(name, tuple(statements_of(iam, role)), role))
    return found
