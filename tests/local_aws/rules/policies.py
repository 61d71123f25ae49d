"""Resource-based policies of tables and streams."""

from __future__ import annotations

import json

from typing_extensions import override

from tests.principals import INVALID_PRINCIPAL, names_deleted_principal

from .rule import Ask, Countdown, Request, Response, Rule


class ResourcePolicies(Rule):
    """A policy is JSON, is not there at once, and cannot be changed again at once.

    API reference, API_PutResourcePolicy: "If you issue a GetResourcePolicy request immediately after a
    PutResourcePolicy request, DynamoDB might return your previous policy, if there was one, or return the
    PolicyNotFoundException"; and the same document again gives the same revision. Developer guide,
    rbac-considerations: "Subsequent updates to a policy for a given resource are blocked for 15 seconds
    after a successful update of the policy for the same resource". The emulator does not forget the policy
    of a table that is deleted.

    In place of a user or role that was deleted AWS shows its unique id, and takes no policy that names one: IAM user guide,
    reference_policies_elements_principal; "Invalid principal in policy document":
    github.com/hashicorp/terraform-provider-aws, issue 42933. What a test has put was put while its principals were there.

    Only a function waits for a policy to be seen, and only for one that a function has put: what a test has
    put is as good as old.
    """

    def __init__(self, default_polls: int = 1, default_refusals: int = 1) -> None:
        super().__init__()
        self.default_polls = default_polls
        self.default_refusals = default_refusals
        self._spreading = Countdown()
        self._blocked = Countdown()
        self._before: dict[tuple[str, str], Response] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._before.clear()
        self._spreading.clear()
        self._blocked.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if request.is_call("dynamodb", "DeleteTable"):
            self._forget(request, ask)
        if request.is_call("dynamodb", "GetResourcePolicy"):
            key = _key(request)
            if request.by_function and self._spreading.tick(key):
                with self._lock:
                    return self._before[key]
        if request.is_call("dynamodb", "PutResourcePolicy"):
            return self._put(request, ask)
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if response.ok and request.is_call("dynamodb", "PutResourcePolicy"):
            if request.by_function:
                self._spreading.start(_key(request), self.default_polls)
            self._blocked.start(_key(request), self.default_refusals)
        return response

    def _put(self, request: Request, ask: Ask) -> Response | None:
        arn, policy = request.parameters["ResourceArn"], request.parameters["Policy"]
        try:
            document = json.loads(policy)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not document.get("Statement"):
            return request.refuse("ValidationException", "Invalid policy document: not a JSON policy")
        if request.by_function and names_deleted_principal(document):
            return request.refuse("ValidationException", INVALID_PRINCIPAL)
        present = ask("GetResourcePolicy", {"ResourceArn": arn})
        same = present.ok and json.loads(present.json()["Policy"]) == document
        if same and "ExpectedRevisionId" not in request.parameters:
            return request.answer({"RevisionId": present.json()["RevisionId"]})
        if self._blocked.tick(_key(request)):
            return request.refuse(
                "ResourceInUseException", f"Another policy update of {arn} is not complete yet"
            )
        with self._lock:
            self._before[_key(request)] = present
        return None

    def _forget(self, request: Request, ask: Ask) -> None:
        answer = ask("DescribeTable", {"TableName": request.resource})
        if answer.ok and not answer.json()["Table"]["DeletionProtectionEnabled"]:
            table = answer.json()["Table"]
            for arn in (table["TableArn"], table.get("LatestStreamArn")):
                if arn:
                    ask("DeleteResourcePolicy", {"ResourceArn": arn})
                    self._spreading.clear((request.region, arn))
                    self._blocked.clear((request.region, arn))


def _key(request: Request) -> tuple[str, str]:
    return request.region, str(request.parameters["ResourceArn"])
