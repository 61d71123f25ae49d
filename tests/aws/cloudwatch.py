"""CloudWatch: alarms, metric and composite, and dashboards."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.aws.errors import client_error
from tests.aws.names import ACCOUNT, REGION

_CHILD = re.compile(r"(?:ALARM|OK)\(\"([^\"]*)\"\)")


@dataclass
class CloudWatch:
    """Alarms by name, with what they were put with.

    Attributes:
        page_size: alarms in one answer.
    """

    metric_alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    composite_alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    dashboards: dict[str, str] = field(default_factory=dict)
    page_size: int = 4

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "DescribeAlarms": self._describe,
            "DescribeAlarmsForMetric": self._describe_for_metric,
            "PutMetricAlarm": self._put_metric,
            "PutCompositeAlarm": self._put_composite,
            "ListTagsForResource": self._list_tags,
            "ListDashboards": self._list_dashboards,
            "GetDashboard": self._get_dashboard,
        }

    def put_alarm(self, name: str, *, tags: Mapping[str, str] | None = None, **parameters: Any) -> None:
        """A metric alarm, without a call."""
        condition = {
            "EvaluationPeriods": 3,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "Statistic": "Sum",
            "Period": 60,
        }
        self._put(self.metric_alarms, {**condition, **parameters, "AlarmName": name}, tags or {})

    def put_composite_alarm(self, name: str, rule: str) -> None:
        """A composite alarm, without a call."""
        self._put(self.composite_alarms, {"AlarmName": name, "AlarmRule": rule}, {})

    def _put(
        self, kind: dict[str, dict[str, Any]], parameters: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        name = parameters["AlarmName"]
        # "If you are using this operation to update an existing alarm, any tags you specify are ignored"
        # (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
        if name not in kind:
            self.tags[alarm_arn(name)] = dict(tags)
        kind[name] = {key: value for key, value in parameters.items() if key != "Tags"}

    def _put_metric(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._put(self.metric_alarms, parameters, _by_key(parameters))
        return {}

    def _put_composite(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        children = _CHILD.findall(parameters["AlarmRule"])
        missing = [name for name in children if name not in self.metric_alarms | self.composite_alarms]
        if missing:
            raise client_error(
                "PutCompositeAlarm",
                "ValidationError",
                f"Could not save the composite alarm as alarms {missing} in the alarm rule do not exist",
            )
        self._put(self.composite_alarms, parameters, _by_key(parameters))
        return {}

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        kinds = {"MetricAlarms": self.metric_alarms, "CompositeAlarms": self.composite_alarms}
        asked = parameters.get("AlarmTypes", ["MetricAlarm"])
        found = [
            (kind, {"ActionsEnabled": True, **alarm, "AlarmArn": alarm_arn(name), "StateValue": "OK"})
            for kind, alarms in kinds.items()
            if kind.removesuffix("s") in asked
            for name, alarm in sorted(alarms.items())
            if name in parameters.get("AlarmNames", [name])
        ]
        start = int(parameters.get("NextToken", "0"))
        page = found[start : start + self.page_size]
        answer: dict[str, Any] = {kind: [alarm for other, alarm in page if other == kind] for kind in kinds}
        end = start + self.page_size
        return answer if end >= len(found) else {**answer, "NextToken": str(end)}

    def _describe_for_metric(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Alarms on this one metric, with these dimensions and no other, and none of metric math
        (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html)."""
        asked = ("Namespace", "MetricName", "Dimensions")
        return {
            "MetricAlarms": [
                alarm
                for _, alarm in sorted(self.metric_alarms.items())
                if all(alarm.get(key) == parameters[key] for key in asked)
            ]
        }

    def _list_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        tags = self.tags[parameters["ResourceARN"]]
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _list_dashboards(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        names = sorted(self.dashboards)
        start = int(parameters.get("NextToken", "0"))
        more = {"NextToken": str(start + 1)} if start + 1 < len(names) else {}
        return {"DashboardEntries": [{"DashboardName": name} for name in names[start : start + 1]], **more}

    def _get_dashboard(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["DashboardName"]
        return {"DashboardName": name, "DashboardBody": self.dashboards[name]}


def alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def _by_key(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])}
