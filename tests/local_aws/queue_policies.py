"""Who may send to a queue: the queue's policy and the caller's own, judged together as IAM documents it.

The emulator does not enforce the policies of queues; the gateway does (rules/authorization.py). Within one account an Allow in either of the two is enough, and a Deny in either
of them wins; a service has no policy of its own
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .permissions import Need, Statement, statements_in


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        arn: of the role (not of its session), the user or the account; None for a service.
        service: a service that calls in its own name, such as `events.amazonaws.com`.
        source_arn: the resource on whose behalf a service calls.
        statements: of the caller's own policies.
    """

    arn: str | None = None
    service: str | None = None
    source_arn: str | None = None
    statements: Sequence[Statement] = field(default_factory=tuple)

    @property
    def context(self) -> Mapping[str, Sequence[str]]:
        """The condition keys that AWS fills in
        (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html)."""
        keys = {
            "aws:PrincipalArn": self.arn,
            "aws:PrincipalIsAWSService": "false" if self.service is None else "true",
            "aws:SourceArn": self.source_arn,
            "aws:SecureTransport": "true",
        }
        return {key: [value] for key, value in keys.items() if value is not None}

    def is_meant_by(self, principal: Any) -> bool:
        """Whether a statement's `Principal` names this caller.

        Raises:
            ValueError: it names an account, which neither allows nor denies by itself: nothing here knows of that.
        """
        if principal == "*":
            return True
        named = principal.get("AWS" if self.service is None else "Service", ())
        names = [named] if isinstance(named, str) else named
        if any(name.isdigit() or name.endswith(":root") for name in names):
            raise ValueError(f"an account is named: {principal}")
        return "*" in names or (self.service or self.arn) in names


def may_send(caller: Caller, queue_arn: str, policy: Mapping[str, Any]) -> bool:
    """Whether a caller of the queue's account may send to it, as both policies have it."""
    return may(caller, Need("sqs:SendMessage", queue_arn, caller.context), policy)


def may(caller: Caller, need: Need, policy: Mapping[str, Any]) -> bool:
    """Whether a caller of the queue's account may do what is needed, as both policies have it."""
    effects = {statement.effect for statement in caller.statements if statement.covers(need)}
    effects |= set(_effects(policy, caller, need))
    return "Allow" in effects and "Deny" not in effects


def denies(policy: Mapping[str, Any], caller: Caller, need: Need) -> bool:
    """Whether a queue's policy denies what is needed, whatever the caller's own policies say."""
    return "Deny" in _effects(policy, caller, need)


def _effects(policy: Mapping[str, Any], caller: Caller, need: Need) -> Iterator[str]:
    for written, statement in zip(policy["Statement"], statements_in(policy), strict=True):
        if caller.is_meant_by(written["Principal"]) and statement.covers(need):
            yield statement.effect
