"""The permissions of functions, and the policies of the queues that they send to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from typing_extensions import override

from ..calls import READ_ONLY_PREFIXES
from ..permissions import FunctionOf, Need, Statement, denial, needs, no_mapping
from ..queue_policies import Caller, denies
from .rule import ACCOUNT_ID, Ask, Request, Response, Rule

REFUSALS = {
    "sqs": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "monitoring": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
    "lambda": ("AccessDeniedException", 403),
    "backup": ("AccessDeniedException", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "osis": ("AccessDeniedException", 403),
    "redshift": ("AccessDenied", 403),
}
"""How a service refuses, from its list of common errors, where not as DynamoDB does: AccessDeniedException, 400."""


class Authorization(Rule):
    """A function may do what the policies of its role allow, and is told what it lacks.

    ministack judges too, by an evaluation of its own (ministack_iam.py), but sees no call that a rule answers or moto
    serves. Only functions are judged: everyone else here is an administrator. Policies are read again after every
    change of IAM, so that one takes effect at once; on AWS it takes some seconds
    (docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html, "eventual consistency").
    """

    def __init__(self) -> None:
        super().__init__()
        self.policies_of: Callable[[str], Iterable[Statement]] | None = None
        """The statements of a role, by its name; until it is set nobody is judged."""
        self.function_of: FunctionOf = no_mapping
        """What an event source mapping invokes."""
        self._statements: dict[str, tuple[Statement, ...]] = {}
        self._changes = 0

    @override
    def reset(self) -> None:
        with self._lock:
            self._changes += 1
            self._statements.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.role or self.policies_of is None:
            return None
        try:
            needed = needs(request, ACCOUNT_ID, self.function_of)
        except KeyError as unknown:
            # To let it pass would be to show nothing by all calls that pass.
            return request.refuse(
                "NotImplemented", f"it is not known which permission is asked: {unknown}", status=501
            )
        statements = self._of(request.role, self.policies_of)
        for need in needed:
            why = denial(statements, need)
            if why is not None:
                code, status = REFUSALS.get(request.service, ("AccessDeniedException", 400))
                function = request.caller.partition("/")[2]
                user = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{request.role}/{function}"
                return request.refuse(
                    code,
                    f"User: {user} is not authorized to perform: {need.action} on resource: {need.resource} {why}",
                    status=status,
                )
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if request.service == "iam" and not request.operation.startswith(READ_ONLY_PREFIXES):
            self.reset()
        return response

    def _of(self, role: str, policies_of: Callable[[str], Iterable[Statement]]) -> tuple[Statement, ...]:
        with self._lock:
            changes, statements = self._changes, self._statements.get(role)
        if statements is None:
            statements = tuple(policies_of(role))
            with self._lock:
                # What was read while IAM changed holds for this call and no other.
                if changes == self._changes:
                    self._statements[role] = statements
        return statements


class QueuePolicies(Rule):
    """What a queue's own policy denies, a function may not send there, whatever its role allows.

    docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-using-identity-based-policies.html. As with IAM,
    only functions are judged.
    """

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        if not request.role or not request.is_call("sqs", "SendMessage", "SendMessageBatch"):
            return None
        url = request.parameters["QueueUrl"]
        answer = ask("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["Policy", "QueueArn"]})
        # A queue that is not there is the emulator's to tell.
        attributes = answer.json().get("Attributes", {}) if answer.ok else {}
        if not attributes.get("Policy"):
            return None
        caller = Caller(arn=f"arn:aws:iam::{ACCOUNT_ID}:role/{request.role}")
        need = Need("sqs:SendMessage", attributes["QueueArn"], caller.context)
        if not denies(json.loads(attributes["Policy"]), caller, need):
            return None
        function = request.caller.partition("/")[2]
        user = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{request.role}/{function}"
        return request.refuse(
            "AccessDenied",
            f"User: {user} is not authorized to perform: {need.action} on resource: {need.resource} with an explicit"
            " deny in a resource-based policy",
            status=403,
        )
