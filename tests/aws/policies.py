"""DynamoDB's resource-based policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error
from tests.principals import INVALID_PRINCIPAL, names_deleted_principal


@dataclass
class Policies:
    """Documents by the ARN of their table or stream.

    Reads show a new one at the second look, and for some seconds after a write no other one is taken
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html).
    """

    documents: dict[str, str] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    cooling: set[str] = field(default_factory=set)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"GetResourcePolicy": self._get, "PutResourcePolicy": self._put}

    def _get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = parameters["ResourceArn"]
        if arn in self.unseen or arn not in self.documents:
            self.unseen.discard(arn)
            raise client_error(
                "GetResourcePolicy", "PolicyNotFoundException", "Resource-based policy not found"
            )
        return {"Policy": self.documents[arn], "RevisionId": "1"}

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        arn = parameters["ResourceArn"]
        if arn in self.cooling:
            self.cooling.discard(arn)
            raise client_error(
                "PutResourcePolicy",
                "ThrottlingException",
                f"Resource-based policy for {arn} modified within the previous 15000 milliseconds. Please try again.",
            )
        if names_deleted_principal(json.loads(parameters["Policy"])):
            raise client_error("PutResourcePolicy", "ValidationException", INVALID_PRINCIPAL)
        if parameters.get("ExpectedRevisionId") == "NO_POLICY" and arn in self.documents:
            raise client_error(
                "PutResourcePolicy",
                "PolicyNotFoundException",
                "Requested policy update expecting none to be present, but a policy exists",
            )
        self.documents[arn] = parameters["Policy"]
        self.unseen.add(arn)
        self.cooling.add(arn)
        return {"RevisionId": "1"}
