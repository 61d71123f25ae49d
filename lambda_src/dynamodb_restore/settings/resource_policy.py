"""Resource-based policies: the table's, and its live stream's."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from dynamodb_restore.aws import ClientError, error_code
from dynamodb_restore.patterns import matches
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.names import arns_with_table, arns_without_table, names_live_stream
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    Lane,
    Phase,
    Reading,
    State,
    Step,
    StepOmitted,
    Table,
)
from dynamodb_restore.settings.stream import Stream

Resource = Literal["table", "stream"]
_RESOURCES: tuple[Resource, ...] = ("table", "stream")

NEEDED_ACTIONS: Mapping[Resource, frozenset[str]] = {
    "table": frozenset(
        {
            "BatchWriteItem",
            "DeleteItem",
            "DescribeContinuousBackups",
            "DescribeContributorInsights",
            "DescribeKinesisStreamingDestination",
            "DescribeTable",
            "DescribeTimeToLive",
            "EnableKinesisStreamingDestination",
            "GetResourcePolicy",
            "ListContributorInsights",
            "ListTagsOfResource",
            "PutItem",
            "PutResourcePolicy",
            "TagResource",
            "UpdateContinuousBackups",
            "UpdateContributorInsights",
            "UpdateTable",
            "UpdateTimeToLive",
        }
    ),
    "stream": frozenset(
        {"DescribeStream", "GetRecords", "GetResourcePolicy", "GetShardIterator", "PutResourcePolicy"}
    ),
}
"""What this module's roles still do to a target, and what reads its stream, after it got its policy: settings of a
second run and of cutover, replay, repair."""


class ResourcePolicy:
    """Portable state: `{"table": policy, "stream": policy, "account": id}`, each policy a parsed document or None.
    `"stream_waits": True` stands beside them where the table gets its stream at cutover only: what names it waits till then.

    ARNs of the table, its indexes and its streams have placeholders in them.

    **Locking out.** An explicit Deny in a resource-based policy wins over every Allow, so the source's policy could
    stop this module from finishing the target
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). More roles than the one that
    runs this code still have work there: a change pipeline's replay, the operator's cutover. Their names are not
    known here. So a Deny of something that the module needs keeps the policy from being written, unless it can
    hold for no role of this module: it is confined to principals that are named one by one, to another account, or to
    calls without TLS. Any other condition may hold (a VPC endpoint, an organization, a pattern of role names). Named
    principals are taken to be others, but for the role that runs this: STS is asked for it, only then.

    **Principals that were deleted.** In place of a user or role that was deleted AWS shows its unique id, which nobody ever has
    again and no new policy may name (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
    A statement is for whom it names one by one, so without that name it does what it did; what is left out is told, and
    a statement for nobody else is left out whole. `NotPrincipal` says for whom a statement is not: a policy with such an
    id there is not written at all.

    A policy is written without blanks, because AWS counts them in its 20 KB
    (docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html).
    """

    name = "resource_policy"
    phase = Phase.ON_ACTIVE
    lane = Lane.LAST
    catalogue = CatalogueEntry(
        default=True,
        what="of the table and its stream, with the target's ARNs; last of all",
        left_alone="the target has one; it would lock this module out",
        about="""
            The resource-based policies of the table and of its stream: who may reach them, from which account, under
            which conditions. A restored table has neither.
        """,
        read="`GetResourcePolicy` of the table and, where its stream is on, of the live stream.",
        written="""
            `PutResourcePolicy` where the target has no policy: with `ExpectedRevisionId` `NO_POLICY`, so that one
            that was attached meanwhile is never overwritten, and never with `ConfirmRemoveSelfResourceAccess`. ARNs
            of the source table, its indexes and its streams become the target's, partition, region and account
            included; the table's name has to be there in full, so ARNs of other tables, and patterns like
            `table/orders*`, stay. Names of statements (`Sid`) stay too. Where a Deny names principals one by one,
            `GetCallerIdentity` first, which needs no permission.
        """,
        when="""
            it protects the table. It is the very last setting, because all others are written before it can deny anything.
            What names the stream, as its own policy does, waits for cutover where the stream does.
        """,
        kept="""
            A policy that the target has is kept; it is a conflict where it says something else (lists are compared
            without their order, an account's id is the same as its root ARN, actions have no case). Skipped with the
            reason, and the statement that is the cause: a policy with a Deny that could stop this module's own roles
            from what they still have to do to the target (settings, replay, cutover; reading its stream). That is any
            Deny of such an action, but for one that is confined to principals that are named one by one (in
            `Principal`, or by exact values of `aws:PrincipalArn`) and are not the role that runs this, to services or
            other accounts, or to calls without TLS. Other conditions may hold, so they do not help: a VPC endpoint,
            an organization, a pattern of role names. Likewise skipped: the stream's policy where the target has no
            stream. Left out of the policy, with the statement and the id: a user or role that was deleted, which AWS
            shows by its unique id (`AROA…`, `AIDA…`) and takes in no new policy. The others whom the statement names
            keep what they had; a statement for nobody else is left out whole, and never becomes one for others. Where
            `NotPrincipal` has such an id, the policy is skipped. Failed with what to do: AWS refuses a policy with
            which the caller could not change it any more, at once; one that names a principal which IAM does not
            know, after some minutes, because a role that was just made is not known at once.
        """,
        sources=(
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html",
            "docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html",
            "docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
            "docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
            "docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
            "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        ),
        builds_on=("stream",),
        tag_decides=False,
        table_reads=TableActions(
            tables=("dynamodb:GetResourcePolicy",), streams=("dynamodb:GetResourcePolicy",)
        ),
        table_writes=TableActions(
            tables=("dynamodb:PutResourcePolicy",), streams=("dynamodb:PutResourcePolicy",)
        ),
    )

    def read(self, table: Table) -> Reading:
        state: dict[str, Any] = {"account": table.account}
        for resource in _RESOURCES:
            resource_arn = _resource_arn(table, resource)
            policy = None if resource_arn is None else _policy(table, resource_arn)
            state[resource] = arns_without_table(policy, table.arn, table.live_stream_arn)
        if table.stream_waits and table.live_stream_arn is None:
            state["stream_waits"] = True
        return Reading(state)

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = []
        waiting: list[str] = []
        for resource in _RESOURCES:
            present = current[resource]
            if desired[resource] is None:
                continue
            wanted, deleted = _without_deleted(desired[resource])
            if present is not None and _canonical(wanted) != _canonical(present):
                conflicts.append(f"the {resource} has another resource policy; the target's is kept")
                continue
            omitted.extend(f"the resource policy of the {resource}: {line}" for line in deleted)
            if present is not None or not _statements(wanted):
                continue
            excepted = _excepts_deleted(wanted)
            if excepted is not None:
                omitted.append(f"the resource policy of the {resource}: {excepted}")
                continue
            denied = _denied(wanted, NEEDED_ACTIONS[resource], current["account"])
            if isinstance(denied, str):
                omitted.append(f"the resource policy of the {resource}: {denied}")
                continue
            summary = f"attach the resource policy of the {resource}"
            if current.get("stream_waits") and (resource == "stream" or names_live_stream(wanted)):
                waiting.append(summary)
                continue
            payload = {"resource": resource, "policy": wanted, "denied": denied}
            steps.append(Step(summary, payload))
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted), tuple(waiting))

    def apply(self, table: Table, step: Step) -> None:
        resource_arn = _resource_arn(table, step.payload["resource"])
        if resource_arn is None:
            raise StepOmitted("the target has no stream to attach it to", lacks=Stream.name)
        if step.payload["denied"]:
            caller = table.clients.sts.get_caller_identity()["Arn"]
            for principal in step.payload["denied"]:
                if _is_same_role(caller, principal):
                    raise StepOmitted(f"it denies {principal}, as which this module runs, what it needs")
        try:
            policy = arns_with_table(step.payload["policy"], table.arn, table.live_stream_arn)
        except ValueError as error:
            raise StepOmitted(str(error), lacks=Stream.name) from error
        try:
            table.clients.dynamodb.put_resource_policy(
                ResourceArn=resource_arn,
                Policy=json.dumps(policy, separators=(",", ":"), ensure_ascii=False),
                ExpectedRevisionId="NO_POLICY",
            )
        except ClientError as error:
            if error_code(error) == "PolicyNotFoundException":
                if _holds(table, resource_arn, policy):
                    return
                # Not to be seen yet: the same call, a little later, will find out whose it is.
                raise
            refused = _refused(error)
            if refused is None:
                raise
            raise refused from error


def _resource_arn(table: Table, resource: Resource) -> str | None:
    return table.arn if resource == "table" else table.live_stream_arn


def _policy(table: Table, resource_arn: str) -> Any:
    try:
        answer = table.clients.dynamodb.get_resource_policy(ResourceArn=resource_arn)
    except ClientError as error:
        if error_code(error) == "PolicyNotFoundException":
            return None
        raise
    return json.loads(answer["Policy"])


def _holds(table: Table, resource_arn: str, policy: Any) -> bool:
    """Whether the policy that is there instead of none says the same.

    `NO_POLICY` makes PutResourcePolicy refuse where there is one; reads show a new one only after some seconds
    (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html).

    Raises:
        StepOmitted: it says something else.
    """
    present = _policy(table, resource_arn)
    if present is not None and _canonical(present) != _canonical(policy):
        raise StepOmitted("another policy was attached to the target meanwhile; the target's is kept")
    return present is not None


def _refused(error: ClientError) -> CannotApplyError | None:
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    if error_code(error) != "ValidationException":
        return None
    if "confirmremoveselfresourceaccess" in message:
        return CannotApplyError(
            "AWS refuses it, because with it this module could not change the policy any more; except the module's "
            "roles from its Deny, or attach it yourself once the restore is finished"
        )
    if "invalid principal" in message:
        # So AWS also answers for a role that was just made, until IAM has told it everywhere
        # (github.com/hashicorp/terraform-provider-aws, issue 42933).
        return CannotApplyError(
            "AWS refuses it, because it names a principal that does not exist (any more); remove that from the "
            "source's policy and run the restore again",
            passes=True,
        )
    return None


# Principals that were deleted -------------------------------------------------------------------------------------

_UNIQUE_ID = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}")
"""The unique id of a role or a user
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes)."""


def _without_deleted(policy: Any) -> tuple[Any, list[str]]:
    """A policy without the principals that were deleted, and what that leaves out of it."""
    kept: list[Any] = []
    left_out: list[str] = []
    for number, statement in enumerate(_statements(policy), 1):
        deleted = _deleted(statement.get("Principal"))
        if deleted:
            left_out.append(
                f"its statement {_label(statement, number)}, {statement.get('Effect')}, is for {', '.join(deleted)} too, the id of "
                "a user or role that was deleted, which no policy can name; name whom it is to be for"
            )
            principal = _without(statement["Principal"], deleted)
            if principal:
                kept.append({**statement, "Principal": principal})
        else:
            kept.append(statement)
    return ({**policy, "Statement": kept}, left_out) if left_out else (policy, [])


def _excepts_deleted(policy: Any) -> str | None:
    """Why a policy cannot be written that names deleted principals as those whom a statement is not for."""
    for number, statement in enumerate(_statements(policy), 1):
        if deleted := _deleted(statement.get("NotPrincipal")):
            return (
                f"its statement {_label(statement, number)} excepts {', '.join(deleted)}, the id of a user or role that was "
                "deleted, which no policy can name; name whom it is to except, or attach the policy yourself"
            )
    return None


def _deleted(principal: Any) -> list[str]:
    names = _as_list(principal.get("AWS", [])) if isinstance(principal, dict) else []
    return [str(name) for name in names if _UNIQUE_ID.fullmatch(str(name))]


def _without(principal: Mapping[str, Any], deleted: Collection[str]) -> dict[str, Any]:
    """The principal of a statement without these, empty where nobody is left."""
    rest = [name for name in _as_list(principal["AWS"]) if name not in deleted]
    others = {kind: names for kind, names in principal.items() if kind != "AWS"}
    return {"AWS": rest, **others} if rest else others


def _label(statement: Mapping[str, Any], number: int) -> str:
    return str(statement.get("Sid") or number)


# Which principals a Deny stops -----------------------------------------------------------------------------------


def _denied(policy: Any, needed: frozenset[str], account: str) -> list[str] | str:
    """The principals that a policy denies what is needed, one by one, or why it cannot be told who they are."""
    named: set[str] = set()
    for number, statement in enumerate(_statements(policy), 1):
        if statement.get("Effect") != "Deny":
            continue
        actions = sorted(action for action in needed if _names_action(statement, action))
        if not actions or _never_holds(statement.get("Condition", {}), account):
            continue
        principals = _principals(statement, account)
        if principals is None:
            return (
                f"its statement {_label(statement, number)} denies {', '.join(f'dynamodb:{action}' for action in actions)} to principals "
                "that it does not name one by one, which may stop this module itself; name them, or attach "
                "the policy yourself once the restore is finished"
            )
        named |= principals
    return sorted(named)


def _statements(policy: Any) -> list[Any]:
    return _as_list(policy.get("Statement", []))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    full = f"dynamodb:{action}".lower()

    def named(key: str) -> bool:
        return any(matches(str(pattern).lower(), full) for pattern in _as_list(statement[key]))

    if "Action" in statement:
        return named("Action")
    return "NotAction" not in statement or not named("NotAction")


def _principals(statement: Mapping[str, Any], account: str) -> set[str] | None:
    """The users, roles and sessions that a statement may apply to; None where these can be any of the account."""
    # A statement with NotPrincipal has no Principal, and applies to all but a few.
    listed = _listed(statement.get("Principal", "*"), account)
    return _listed_by_condition(statement.get("Condition", {})) if listed is None else listed


def _listed(principal: Any, account: str) -> set[str] | None:
    if not isinstance(principal, dict):
        return None
    named: set[str] = set()
    # The other kinds (`Service`, `Federated`, `CanonicalUser`) are never an IAM role.
    for name in map(_account_or_name, _as_list(principal.get("AWS", []))):
        if name == account or "*" in name:
            return None
        if not name.isdecimal():
            named.add(name)
    return named


def _listed_by_condition(condition: Mapping[str, Any]) -> set[str] | None:
    for operator, key, values in _conditions(condition):
        says_who = operator in ("ArnEquals", "ArnLike", "StringEquals", "StringLike")
        if says_who and key == "aws:principalarn" and not any(set("*?$") & set(value) for value in values):
            return set(values)
    return None


def _never_holds(condition: Mapping[str, Any], account: str) -> bool:
    """Whether a part of a condition, and so all of it, is false for whatever a role of this account asks."""
    for operator, key, values in _conditions(condition):
        match operator, key:
            case "Bool", "aws:securetransport":
                # The SDK talks to AWS over TLS.
                if set(values) == {"false"}:
                    return True
            case (("StringEquals" | "StringLike"), "aws:principalaccount"):
                if not any("$" in value or matches(value, account) for value in values):
                    return True
            case "StringNotEquals", "aws:principalaccount":
                if account in values:
                    return True
            case "StringNotLike", "aws:principalaccount":
                if any(matches(value, account) for value in values):
                    return True
    return False


def _conditions(condition: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Each operator without its `IfExists` (what is looked at here always exists), key and values."""
    for operator, keys in condition.items():
        for key, values in keys.items():
            yield operator.removesuffix("IfExists"), key.lower(), [_text(value) for value in _as_list(values)]


def _is_same_role(caller: str, principal: str) -> bool:
    return caller == principal or (_role(caller) is not None and _role(caller) == _role(principal))


def _role(arn: str) -> tuple[str, str] | None:
    """The account and name of a role, from its ARN or that of a session, which does not show the role's path."""
    if session := re.fullmatch(r"arn:[^:]+:sts::(\d{12}):assumed-role/([^/]+)/.+", arn):
        return session[1], session[2]
    if role := re.fullmatch(r"arn:[^:]+:iam::(\d{12}):role/(?:.*/)?([^/]+)", arn):
        return role[1], role[2]
    return None


# Comparing -------------------------------------------------------------------------------------------------------


def _canonical(policy: Any) -> Any:
    """A policy in the one form that all ways of writing it share
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html)."""
    statements = {json.dumps(_canonical_statement(one), sort_keys=True) for one in _statements(policy)}
    return {"Version": "2008-10-17", **policy, "Statement": statements}


def _canonical_statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    canonical: dict[str, Any] = {}
    for key, value in statement.items():
        match key:
            case "Action" | "NotAction":
                canonical[key] = sorted({str(action).lower() for action in _as_list(value)})
            case "Resource" | "NotResource":
                canonical[key] = sorted(set(_as_list(value)))
            case "Principal" | "NotPrincipal":
                kinds = value if isinstance(value, dict) else {"AWS": value}
                canonical[key] = {
                    kind: sorted({_account_or_name(name) for name in _as_list(names)})
                    for kind, names in kinds.items()
                }
            case "Condition":
                canonical[key] = {
                    operator: {
                        name.lower(): sorted({_text(item) for item in _as_list(items)})
                        for name, items in keys.items()
                    }
                    for operator, keys in value.items()
                }
            case _:
                canonical[key] = value
    return canonical


def _account_or_name(principal: Any) -> str:
    """An account's id for the account in either form, else the principal as it is written."""
    account = re.fullmatch(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?", str(principal))
    return account[1] if account else str(principal)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
