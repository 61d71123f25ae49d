"""Auto scaling of the table and its indexes: scalable targets, target-tracking policies, scheduled actions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dynamodb_restore.aws import ClientError, ErrorClass, classify, error_code
from dynamodb_restore.permissions import Condition, Statement, service_linked_role
from dynamodb_restore.settings.catalogue import CatalogueEntry, TableActions
from dynamodb_restore.settings.names import (
    dimensions_with_table,
    dimensions_without_table,
    with_table,
    without_table,
)
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

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.type_defs import ScheduledActionTypeDef

_NAMESPACE: Final = "dynamodb"

_ONCE = re.compile(r"at\((?P<when>[^)]+)\)")
"""A schedule of one instant, in the action's time zone
(docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html)."""


_PASSING: Final = ("does not exist", "unable to assume iam role", "token included in the request is invalid")
"""What RegisterScalableTarget also answers where a table, an index or a role that was just made is not known to it yet
(github.com/terraform-aws-modules/terraform-aws-dynamodb-table, issue 15; github.com/hashicorp/terraform-provider-aws,
internal/service/appautoscaling/target.go; github.com/sbstjn/serverless-dynamodb-autoscaling, issue 29)."""

_PROCESSES: Final = {
    "DynamicScalingInSuspended": "scaling in by policies",
    "DynamicScalingOutSuspended": "scaling out by policies",
    "ScheduledScalingSuspended": "scheduled scaling",
}


class AutoScaling:
    """Portable state, with resources named `table` and `index/NAME`:

    `{"resources": {resource: {"targets": {dimension: {"min", "max", "suspended"}},
    "policies": {dimension: {name: configuration}}, "schedules": {dimension: {name: action}}}},
    "not_cloned": [what and why, …], "unscalable": {resource: why}, "indexes": [name, …]}`

    Dimensions are AWS's (`dynamodb:table:ReadCapacityUnits`), limits are capacity units. The table's
    name inside a policy's name or a metric's dimensions reads `${table}`.
    """

    name = "auto_scaling"
    phase = Phase.ON_ACTIVE
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="scalable targets with suspended states, policies, scheduled actions; for the table and each index that both tables have",
        left_alone="the target is on demand; the restore call set the capacity; an index that the restore dropped; actions that will never run again",
        about="""
            Auto scaling of provisioned capacity: scalable targets, target-tracking policies and scheduled actions of
            the table and of each global secondary index. They live in Application Auto Scaling under the table's
            name, so a restore brings none of them.
        """,
        read="""
            `DescribeScalableTargets` of the table and its indexes in one call; where it finds any,
            `DescribeScalingPolicies` and `DescribeScheduledActions` of each. Suspended processes are part of a
            scalable target.
        """,
        written="""
            `RegisterScalableTarget`, `PutScalingPolicy`, `PutScheduledAction`; the table's name inside policy and
            action names and metric dimensions becomes the target's. A policy or action that AWS refuses because its
            scalable target is missing registers that target again: the second answer tells a target that is not
            visible yet (tried again) from one that AWS refuses (failed at once, with AWS's reason).
        """,
        when="it decides what load the table takes.",
        kept="""
            Other limits, suspended processes, policies for the same metric or schedules on the target are conflicts
            and stay. Skipped with the reason: a target table on demand; capacity that the restore call set, for the
            table and for each index; indexes that were not restored; step scaling and predictive scaling policies,
            which AWS does not support for DynamoDB; scheduled actions that will never run again (their one time or
            their end has passed). The start of a recurring schedule is left out once it has passed: it bounds nothing
            any more. Tags of scalable targets are not copied. Tried again for minutes, then failed with what to do: a
            table, an index or a role that Application Auto Scaling does not know (yet), and a permission that it
            lacks (`FailedResourceAccessException`, unless that tells of a throttle).
        """,
        sources=(
            "docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
            "docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html",
            "docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html",
            "docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html",
        ),
        table_writes=TableActions(tables=("dynamodb:UpdateTable",)),
        # Application Auto Scaling refuses a caller who could not do by hand what it will do for them: it probes the caller's permissions on the
        # table and on CloudWatch alarms
        # (docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html and
        # security_iam_permission_validation.html there).
        asked_for=(
            "dynamodb:UpdateTable",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DeleteAlarms",
            "iam:CreateServiceLinkedRole",
        ),
        statements=(
            Statement(
                "ReadAutoScaling",
                (
                    "application-autoscaling:DescribeScalableTargets",
                    "application-autoscaling:DescribeScalingPolicies",
                    "application-autoscaling:DescribeScheduledActions",
                ),
                ("*",),
                reason="None of these actions knows a resource to name.",
            ),
            Statement(
                "WriteAutoScaling",
                (
                    "application-autoscaling:RegisterScalableTarget",
                    "application-autoscaling:PutScalingPolicy",
                    "application-autoscaling:PutScheduledAction",
                ),
                ("arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*",),
                # docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
                reason="A scalable target's ARN ends in a random id and says nothing of its table; the namespace keeps this to DynamoDB.",
                conditions=(
                    Condition("StringEquals", "application-autoscaling:service-namespace", ("dynamodb",)),
                ),
                writes=True,
            ),
            Statement(
                "ScaleByAlarms",
                ("cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
                ("*",),
                reason="The probes of Application Auto Scaling name no alarm, so a pattern for alarm names would fail them. The worker itself"
                " calls none of the three for auto scaling.",
                writes=True,
            ),
            service_linked_role(
                "CreateAutoScalingRole",
                "dynamodb.application-autoscaling.amazonaws.com",
                "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
            ),
        ),
    )

    def read(self, table: Table) -> Reading:
        indexes = [index["IndexName"] for index in table.describe().get("GlobalSecondaryIndexes", [])]
        resource_ids = [f"table/{table.name}", *(f"table/{table.name}/index/{name}" for name in indexes)]
        client = table.clients.auto_scaling
        listing = client.get_paginator("describe_scalable_targets")
        resources: dict[str, Any] = {}
        for page in listing.paginate(ServiceNamespace=_NAMESPACE, ResourceIds=resource_ids):
            for target in page["ScalableTargets"]:
                resource = _resource(target["ResourceId"], table.name)
                scaling = resources.setdefault(resource, {"targets": {}, "policies": {}, "schedules": {}})
                scaling["targets"][target["ScalableDimension"]] = {
                    "min": target["MinCapacity"],
                    "max": target["MaxCapacity"],
                    "suspended": dict(target.get("SuspendedState", {})),
                }
        not_cloned: list[str] = []
        # Policies and scheduled actions exist only on a registered target, so the others need no calls.
        for resource, scaling in resources.items():
            resource_id = _resource_id(resource, table.name)
            scaling["policies"] = _policies(table, resource_id, not_cloned)
            scaling["schedules"] = _schedules(table, resource_id)
        return Reading(
            {
                "resources": resources,
                "not_cloned": not_cloned,
                "unscalable": _unscalable(table),
                "indexes": indexes,
            }
        )

    def diff(self, desired: State, current: State) -> Difference:
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = list(desired["not_cloned"])
        for resource, scaling in sorted(desired["resources"].items()):
            why_not = current["unscalable"].get(resource)
            if (
                why_not is None
                and resource != "table"
                and resource.removeprefix("index/") not in current["indexes"]
            ):
                why_not = "the restored table has no such index"
            if why_not is not None:
                omitted.append(f"auto scaling of {resource}: {why_not}")
                continue
            have = current["resources"].get(resource, {"targets": {}, "policies": {}, "schedules": {}})
            for part in (_diff_targets, _diff_policies, _diff_schedules):
                more_steps, more_conflicts = part(resource, scaling, have)
                steps.extend(more_steps)
                conflicts.extend(more_conflicts)
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        payload = step.payload
        where: dict[str, Any] = {
            "ServiceNamespace": _NAMESPACE,
            "ResourceId": _resource_id(payload["resource"], table.name),
            "ScalableDimension": payload["dimension"],
        }
        try:
            _carry_out(table, where, payload)
        except ClientError as error:
            advice = _advice(error, where["ResourceId"])
            if advice is None:
                raise
            raise CannotApplyError(advice, passes=True) from error


def _carry_out(table: Table, where: Mapping[str, Any], payload: State) -> None:
    if payload["kind"] == "target":
        _register(table, where, payload["target"])
        return
    try:
        _put(table, where, payload)
    except ClientError as error:
        if error_code(error) == "ObjectNotFoundException" and payload["target"] is not None:
            # The step that registered the target came before this one. Registering it again tells the two
            # causes apart: a target that AWS refuses is refused again, and that ends this step too; one that
            # is just not visible yet is taken again, and the step comes back.
            _register(table, where, payload["target"])
        raise


def _advice(error: ClientError, resource_id: str) -> str | None:
    """What a person can do about a refusal that stands; None for one that is not known, or is only a throttle."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    match error_code(error):
        case "FailedResourceAccessException" if classify(error) is not ErrorClass.RETRY:
            # docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html; a role that was just made is
            # not known everywhere yet (terraform-provider-aws, internal/service/appautoscaling/policy.go).
            return (
                f"Application Auto Scaling may not do its part: {message.rstrip('.')}; let its service-linked role "
                "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable, and whoever runs this, do that (no policy of the "
                "organization may forbid it), and run the restore again"
            )
        case "ValidationException" if any(text in message.lower() for text in _PASSING):
            return (
                f"Application Auto Scaling does not take {resource_id}: {message.rstrip('.')}; if that is there, run the "
                "restore again"
            )
    return None


def _register(table: Table, where: Mapping[str, Any], target: State) -> None:
    limits = {"MinCapacity": target["min"], "MaxCapacity": target["max"]}
    suspended = {"SuspendedState": target["suspended"]} if target["suspended"] else {}
    table.clients.auto_scaling.register_scalable_target(**where, **limits, **suspended)


def _put(table: Table, where: Mapping[str, Any], payload: State) -> None:
    """Put a policy or a scheduled action onto a scalable target."""
    client = table.clients.auto_scaling
    name = with_table(payload["name"], table.name)
    if payload["kind"] == "policy":
        client.put_scaling_policy(
            **where,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=dimensions_with_table(
                payload["configuration"], table.name
            ),
        )
        return
    now = datetime.now(UTC)
    # It may have run on the source while the target was being restored.
    if _spent(payload["action"], now):
        raise StepOmitted("its time has passed")
    client.put_scheduled_action(**where, ScheduledActionName=name, **_startable(payload["action"], now))


def _resource(resource_id: str, table_name: str) -> str:
    inside = resource_id.removeprefix(f"table/{table_name}").removeprefix("/")
    return inside or "table"


def _resource_id(resource: str, table_name: str) -> str:
    return f"table/{table_name}" if resource == "table" else f"table/{table_name}/{resource}"


def _unscalable(table: Table) -> dict[str, str]:
    """Why parts of this table take no auto scaling: what the restore call decided stays as it is."""
    description = table.describe()
    billing_mode = table.overrides.billing_mode or description.get("BillingModeSummary", {}).get(
        "BillingMode"
    )
    if billing_mode == "PAY_PER_REQUEST":
        indexes = [f"index/{index['IndexName']}" for index in description.get("GlobalSecondaryIndexes", [])]
        return dict.fromkeys(["table", *indexes], "the restored table is on demand")
    set_by_call = [f"index/{name}" for name in table.overrides.index_throughput]
    if table.overrides.provisioned_throughput:
        set_by_call.append("table")
    return dict.fromkeys(set_by_call, "the restore call set its capacity")


def _policies(table: Table, resource_id: str, not_cloned: list[str]) -> dict[str, dict[str, Any]]:
    policies: dict[str, dict[str, Any]] = {}
    listing = table.clients.auto_scaling.get_paginator("describe_scaling_policies")
    for page in listing.paginate(ServiceNamespace=_NAMESPACE, ResourceId=resource_id):
        for policy in page["ScalingPolicies"]:
            if policy["ResourceId"] != resource_id:
                continue
            if policy["PolicyType"] != "TargetTrackingScaling":
                # Step scaling is not supported for DynamoDB, predictive scaling is for ECS alone
                # (docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html).
                not_cloned.append(
                    f"scaling policy {policy['PolicyName']}: AWS does not support {policy['PolicyType']} for DynamoDB"
                )
                continue
            configuration = policy["TargetTrackingScalingPolicyConfiguration"]
            name = without_table(policy["PolicyName"], table.name)
            in_dimension = policies.setdefault(policy["ScalableDimension"], {})
            in_dimension[name] = dimensions_without_table(configuration, table.name)
    return policies


def _schedules(table: Table, resource_id: str) -> dict[str, dict[str, Any]]:
    schedules: dict[str, dict[str, Any]] = {}
    listing = table.clients.auto_scaling.get_paginator("describe_scheduled_actions")
    for page in listing.paginate(ServiceNamespace=_NAMESPACE, ResourceId=resource_id):
        for action in page["ScheduledActions"]:
            portable = _portable_action(action)
            if action["ResourceId"] != resource_id or _spent(portable, datetime.now(UTC)):
                continue
            name = without_table(action["ScheduledActionName"], table.name)
            schedules.setdefault(action["ScalableDimension"], {})[name] = portable
    return schedules


def _spent(action: Mapping[str, Any], now: datetime) -> bool:
    """Whether a portable action will never run again: AWS refuses to make a one-time action in the past."""
    end = action.get("EndTime")
    if end is not None and datetime.fromisoformat(end) <= now:
        return True
    once = _ONCE.fullmatch(action["Schedule"])
    if once is None:
        return False
    try:
        zone = ZoneInfo(action.get("Timezone") or "UTC")
        return datetime.fromisoformat(once["when"]).replace(tzinfo=zone) <= now
    except (ValueError, ZoneInfoNotFoundError):
        # AWS knows more time zones than the runtime does; it will say itself what it does not take.
        return False


def _startable(action: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The action without a start that has passed: it only bounds a recurring schedule from below
    (docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html), and a time in the past is
    refused by the sister service (docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html).
    """
    start = action.get("StartTime")
    if start is None or datetime.fromisoformat(start) > now:
        return dict(action)
    return {key: value for key, value in action.items() if key != "StartTime"}


def _portable_action(action: ScheduledActionTypeDef) -> dict[str, Any]:
    fields = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
    present = {key: action[key] for key in fields if action.get(key) is not None}  # type: ignore[literal-required]
    result: dict[str, Any] = json.loads(json.dumps(present, default=datetime.isoformat))
    return result


Part = tuple[list[Step], list[str]]


def _diff_targets(resource: str, desired: State, have: State) -> Part:
    steps: list[Step] = []
    conflicts: list[str] = []
    for dimension, target in sorted(desired["targets"].items()):
        present = have["targets"].get(dimension)
        label = _label(resource, dimension)
        limits = _limits(target)
        if present is None:
            payload = {"kind": "target", "resource": resource, "dimension": dimension, "target": target}
            steps.append(Step(f"scale {label} from {limits}", payload))
            continue
        if _limits(present) != limits:
            conflicts.append(f"{label} scales from {_limits(present)} on the target, {limits} on the source")
        here, there = _suspended(present), _suspended(target)
        conflicts.extend(
            f"{what} of {label} is suspended on the target only" for what in sorted(here - there)
        )
        conflicts.extend(
            f"{what} of {label} is suspended on the source only" for what in sorted(there - here)
        )
    return steps, conflicts


def _diff_policies(resource: str, desired: State, have: State) -> Part:
    steps: list[Step] = []
    conflicts: list[str] = []
    for dimension, name, configuration in _named(desired["policies"]):
        others = have["policies"].get(dimension, {})
        if name not in others and not _same_metric(configuration, others):
            payload = {
                "kind": "policy",
                "resource": resource,
                "dimension": dimension,
                "target": _missing_target(dimension, desired, have),
                "name": name,
                "configuration": configuration,
            }
            goal = configuration["TargetValue"]
            steps.append(Step(f"track {goal:g} on {_label(resource, dimension)}", payload))
        elif others.get(name) != configuration:
            conflicts.append(
                f"{_label(resource, dimension)} has another policy for this metric on the target"
            )
    return steps, conflicts


def _diff_schedules(resource: str, desired: State, have: State) -> Part:
    steps: list[Step] = []
    conflicts: list[str] = []
    for dimension, name, action in _named(desired["schedules"]):
        present = have["schedules"].get(dimension, {}).get(name)
        if present is None:
            payload = {
                "kind": "schedule",
                "resource": resource,
                "dimension": dimension,
                "target": _missing_target(dimension, desired, have),
                "name": name,
                "action": action,
            }
            steps.append(Step(f"schedule {action['Schedule']} on {_label(resource, dimension)}", payload))
        elif not _same_action(action, present):
            conflicts.append(
                f"scheduled action {name} of {_label(resource, dimension)} differs on the target"
            )
    return steps, conflicts


def _missing_target(dimension: str, desired: State, have: State) -> State | None:
    """The scalable target that a step before this one has to register, or None where there is one already."""
    return None if dimension in have["targets"] else desired["targets"].get(dimension)


def _named(by_dimension: State) -> Iterator[tuple[str, str, Any]]:
    for dimension, by_name in sorted(by_dimension.items()):
        for name, value in sorted(by_name.items()):
            yield dimension, name, value


def _label(resource: str, dimension: str) -> str:
    return f"{dimension.rsplit(':', 1)[-1]} of {resource}"


def _limits(target: State) -> str:
    return f"{target['min']} to {target['max']}"


def _suspended(target: State) -> set[str]:
    """What is suspended, in words; a process that is not mentioned is not suspended
    (docs.aws.amazon.com/autoscaling/application/APIReference/API_SuspendedState.html)."""
    return {words for process, words in _PROCESSES.items() if target["suspended"].get(process)}


def _same_action(desired: State, present: State) -> bool:
    """Whether two scheduled actions do the same: one that has begun on the target needs no start any more."""
    if "StartTime" in present:
        return desired == present
    return {key: value for key, value in desired.items() if key != "StartTime"} == present


def _same_metric(configuration: State, others: State) -> bool:
    """Whether a policy on the same metric exists: AWS allows one target-tracking policy a metric."""

    def metric(policy: State) -> Any:
        return policy.get("PredefinedMetricSpecification") or policy.get("CustomizedMetricSpecification")

    return any(metric(configuration) == metric(other) for other in others.values())
