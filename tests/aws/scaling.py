"""Application Auto Scaling: scalable targets, policies with their alarms, scheduled actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.cloudwatch import CloudWatch
from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION

_PAGE_SIZE = 2
_Place = tuple[str, str]
"""A resource's id and its dimension."""


@dataclass
class Scaling:
    """All of it, by place.

    Attributes:
        unseen: targets just registered, which the next call that builds on one does not see yet.
    """

    cloudwatch: CloudWatch
    targets: dict[_Place, dict[str, Any]] = field(default_factory=dict)
    policies: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    actions: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    unseen: set[_Place] = field(default_factory=set)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "RegisterScalableTarget": self._register,
            "PutScalingPolicy": self._put_policy,
            "PutScheduledAction": self._put_action,
            "DescribeScalableTargets": self._describe_targets,
            "DescribeScalingPolicies": self._describe_policies,
            "DescribeScheduledActions": self._describe_actions,
        }

    def scales_writes(self, table: str) -> bool:
        """Whether policies drive the write capacity of a table and of its index."""
        return all(
            any((resource, dimension) == place[:2] for place in self.policies)
            for resource, dimension in (
                (f"table/{table}", "dynamodb:table:WriteCapacityUnits"),
                (f"table/{table}/index/by-customer", "dynamodb:index:WriteCapacityUnits"),
            )
        )

    def _register(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        place = _place(parameters)
        if place not in self.targets:
            self.unseen.add(place)
        self.targets[place] = {**self.targets.get(place, {}), **parameters}
        return {}

    def _put_policy(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._require_target("PutScalingPolicy", parameters)
        name = parameters["PolicyName"]
        resource, dimension = _place(parameters)
        self.policies[resource, dimension, name] = dict(parameters)
        arn = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:1:resource/dynamodb/{resource}:policyName/{name}"
        table = resource.split("/")[1]
        self.cloudwatch.put_alarm(
            f"TargetTracking-{resource}-AlarmHigh-{dimension}",
            Namespace="AWS/DynamoDB",
            MetricName="ConsumedReadCapacityUnits",
            Dimensions=[{"Name": "TableName", "Value": table}],
            AlarmActions=[arn],
        )
        return {"PolicyARN": arn}

    def _put_action(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._require_target("PutScheduledAction", parameters)
        self.actions[(*_place(parameters), parameters["ScheduledActionName"])] = dict(parameters)
        return {}

    def _require_target(self, operation: str, parameters: Mapping[str, Any]) -> None:
        place = _place(parameters)
        if place in self.targets and place not in self.unseen:
            return
        self.unseen.discard(place)
        raise client_error(operation, "ObjectNotFoundException", "No scalable target registered")

    def _describe_targets(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        wanted = parameters["ResourceIds"]
        found = [
            {**target, "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/autoscaling", "CreationTime": 0}
            for (resource, _), target in sorted(self.targets.items())
            if resource in wanted
        ]
        return _page("ScalableTargets", found, parameters)

    def _describe_policies(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            {**policy, "PolicyARN": f"arn:aws:autoscaling:{name}", "CreationTime": 0}
            for (resource, _, name), policy in sorted(self.policies.items())
            if resource == parameters["ResourceId"]
        ]
        return _page("ScalingPolicies", found, parameters)

    def _describe_actions(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            {**action, "ScheduledActionARN": f"arn:aws:autoscaling:{name}", "CreationTime": 0}
            for (resource, _, name), action in sorted(self.actions.items())
            if resource == parameters["ResourceId"]
        ]
        return _page("ScheduledActions", found, parameters)


def _place(parameters: Mapping[str, Any]) -> _Place:
    return parameters["ResourceId"], parameters["ScalableDimension"]


def _page(key: str, rows: Iterable[dict[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    rows = list(rows)
    start = int(parameters.get("NextToken", "0"))
    more = {"NextToken": str(start + _PAGE_SIZE)} if start + _PAGE_SIZE < len(rows) else {}
    return {key: rows[start : start + _PAGE_SIZE], **more}
