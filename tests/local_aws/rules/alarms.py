"""CloudWatch alarms, metric and composite."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import override

from ..calls import READ_ONLY_PREFIXES
from .rule import ACCOUNT_ID, Ask, Request, Response, Rule

AlarmName = tuple[str, str]  # region and name
Alarm = dict[str, Any]
_REFERENCE = re.compile(
    r"(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\s]*))\s*\)", re.IGNORECASE
)


class Alarms(Rule):
    """Composite alarms; pages; and tags that only the creation of an alarm sets.

    docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference, API_PutCompositeAlarm; its children exist
    already ("Could not save the composite alarm as alarms ... in the alarm rule do not exist" is what AWS
    says otherwise: github.com/awsdocs/aws-cloudformation-user-guide, issue 911). API_DescribeAlarms: without
    `AlarmTypes` only metric alarms; `MaxRecords` up to 100, 50 if not said. API_PutMetricAlarm: "If you are
    using this operation to update an existing alarm, any tags you specify in this parameter are ignored".
    API_DeleteAlarms: no alarm that a composite alarm depends on. The emulator has no composite alarms, gives
    all alarms in one page, and sets the tags each time.

    Composite alarms are kept here, and nothing evaluates them: they stay INSUFFICIENT_DATA. What the emulator
    has is remembered, for it takes a second to list a thousand alarms.
    """

    DEFAULT_PAGE = 50
    KINDS: Mapping[str, str] = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}

    def __init__(self) -> None:
        super().__init__()
        self._metric: dict[str, dict[str, Alarm]] = {}  # by region and name
        self._changed: dict[str, set[str]] = {}
        self._composites: dict[AlarmName, Alarm] = {}
        self._tags: dict[AlarmName, dict[str, str]] = {}

    @override
    def reset(self) -> None:
        with self._lock:
            self._metric.clear()
            self._changed.clear()
            self._composites.clear()
            self._tags.clear()

    @override
    def before(self, request: Request, ask: Ask) -> Response | None:
        # Only what speaks JSON can be read here; other callers have no composite alarms.
        if request.service != "monitoring" or request.protocol != "json":
            return None
        match request.operation:
            case "PutMetricAlarm":
                return self._put_metric_alarm(request, ask)
            case "PutCompositeAlarm":
                return self._put_composite_alarm(request, ask)
            case "DescribeAlarms":
                return self._describe(request, ask)
            case "DeleteAlarms":
                return self._delete(request)
            case "ListTagsForResource" | "TagResource" | "UntagResource":
                return self._tag(request)
        return None

    @override
    def after(self, request: Request, response: Response, ask: Ask) -> Response:
        if request.is_call("application-autoscaling", "PutScalingPolicy") and response.ok:
            self._note(request.region, [alarm["AlarmName"] for alarm in response.json().get("Alarms", [])])
        elif request.is_call("monitoring", "PutMetricAlarm", "DeleteAlarms") and request.protocol == "json":
            names = request.parameters.get("AlarmNames") or [request.parameters["AlarmName"]]
            self._note(request.region, names)
        elif _may_change_any_alarm(request):
            with self._lock:
                self._metric.pop(request.region, None)
        return response

    def _note(self, region: str, names: Iterable[str]) -> None:
        with self._lock:
            self._changed.setdefault(region, set()).update(names)

    def _alarms(self, region: str, ask: Ask) -> Mapping[str, Alarm]:
        """The metric alarms that the emulator has, by name."""
        with self._lock:
            changed = self._changed.pop(region, set())
            if region not in self._metric:
                self._metric[region] = _by_name(ask("DescribeAlarms", {}).json())
            elif changed:
                found = _by_name(ask("DescribeAlarms", {"AlarmNames": sorted(changed)}).json())
                kept = self._metric[region]
                self._metric[region] = {
                    **{name: alarm for name, alarm in kept.items() if name in found or name not in changed},
                    **found,
                }
            return self._metric[region]

    def _put_metric_alarm(self, request: Request, ask: Ask) -> Response | None:
        sent = dict(request.parameters)
        if "Tags" not in sent or sent["AlarmName"] not in self._alarms(request.region, ask):
            return None
        del sent["Tags"]
        self._note(request.region, [sent["AlarmName"]])
        return ask("PutMetricAlarm", sent)

    def _put_composite_alarm(self, request: Request, ask: Ask) -> Response:
        sent = dict(request.parameters)
        key = (request.region, sent["AlarmName"])
        names = set(self._alarms(request.region, ask))
        with self._lock:
            names |= {name for region, name in self._composites if region == request.region}
            missing = sorted(children_of(sent["AlarmRule"]) - names)
            if missing:
                return request.refuse(
                    "ValidationError",
                    f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm rule "
                    "do not exist",
                )
            tags = {tag["Key"]: tag["Value"] for tag in sent.pop("Tags", [])}
            if key not in self._composites:
                self._tags[key] = tags
            self._composites[key] = {
                "ActionsEnabled": True,
                **dict.fromkeys(("AlarmActions", "OKActions", "InsufficientDataActions"), ()),
                **sent,
                "AlarmArn": f"arn:aws:cloudwatch:{request.region}:{ACCOUNT_ID}:alarm:{sent['AlarmName']}",
                "AlarmConfigurationUpdatedTimestamp": time.time(),
                "StateValue": "INSUFFICIENT_DATA",
                "StateReason": "Unchecked: Initial alarm creation",
                "StateUpdatedTimestamp": time.time(),
            }
        return request.answer({})

    def _describe(self, request: Request, ask: Ask) -> Response | None:
        sent = dict(request.parameters)
        start, size = int(sent.pop("NextToken", 0)), int(sent.pop("MaxRecords", self.DEFAULT_PAGE))
        kinds = sent.pop("AlarmTypes", ["MetricAlarm"])
        if set(sent) - {"AlarmNames", "AlarmNamePrefix"}:
            return None
        found: dict[str, list[Alarm]] = {}
        if "MetricAlarm" in kinds:
            found["MetricAlarms"] = list(self._alarms(request.region, ask).values())
        if "CompositeAlarm" in kinds:
            with self._lock:
                composites = [
                    alarm for (region, _), alarm in self._composites.items() if region == request.region
                ]
            found["CompositeAlarms"] = composites
        listed = [
            (kind, alarm)
            for kind in self.KINDS
            for alarm in found.get(kind, [])
            if _is_asked_for(alarm["AlarmName"], sent)
        ]
        page = listed[start : start + size]
        answer: dict[str, Any] = {
            kind: [alarm for each, alarm in page if each == kind] for kind in self.KINDS
        }
        if start + size < len(listed):
            answer["NextToken"] = str(start + size)
        return request.answer(answer)

    def _delete(self, request: Request) -> Response | None:
        names = set(request.parameters["AlarmNames"])
        with self._lock:
            for (region, name), alarm in self._composites.items():
                depended_on = children_of(alarm["AlarmRule"]) & names
                if region == request.region and name not in names and depended_on:
                    return request.refuse(
                        "ValidationError",
                        f"Cannot delete {', '.join(sorted(depended_on))} as there are composite alarm(s) "
                        "depending on it.",
                    )
            for name in names:
                self._composites.pop((request.region, name), None)
                self._tags.pop((request.region, name), None)
        return None

    def _tag(self, request: Request) -> Response | None:
        key = (request.region, str(request.parameters["ResourceARN"]).partition(":alarm:")[2])
        with self._lock:
            if key not in self._composites:
                return None
            tags = self._tags[key]
            if request.operation == "TagResource":
                tags.update({tag["Key"]: tag["Value"] for tag in request.parameters["Tags"]})
            elif request.operation == "UntagResource":
                for name in request.parameters["TagKeys"]:
                    tags.pop(name, None)
            else:
                return request.answer(
                    {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}
                )
        return request.answer({})


def _by_name(answer: Mapping[str, Any]) -> dict[str, Alarm]:
    return {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}


def _may_change_any_alarm(request: Request) -> bool:
    if request.service == "monitoring":
        return not request.operation.startswith(READ_ONLY_PREFIXES)
    return request.is_call("application-autoscaling", "DeleteScalingPolicy", "DeregisterScalableTarget")


def children_of(rule: str) -> set[str]:
    """The names of the alarms that a composite alarm's rule refers to, by name or by ARN."""
    return {_referred_to(match) for match in _REFERENCE.finditer(rule)}


def by_name(rule: str) -> str:
    """A composite alarm's rule with every reference by name and in quotes."""
    return _REFERENCE.sub(lambda match: f'{match[1].upper()}("{_referred_to(match)}")', rule)


def _referred_to(reference: re.Match[str]) -> str:
    given: str = reference[2] or reference[3] or reference[4] or ""
    return given.partition(":alarm:")[2] or given


def _is_asked_for(name: str, asked: Mapping[str, Any]) -> bool:
    if "AlarmNames" in asked:
        return name in asked["AlarmNames"]
    return name.startswith(asked.get("AlarmNamePrefix", ""))
