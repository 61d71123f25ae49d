"""CloudWatch alarms on the table and its indexes, and the composite alarms that are built from nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dynamodb_restore.aws import ClientError, Clients, error_code
from dynamodb_restore.permissions import Statement
from dynamodb_restore.settings.catalogue import CatalogueEntry
from dynamodb_restore.settings.names import (
    dimensions_with_table,
    dimensions_without_table,
    escaped,
    fingerprint,
    fitted,
    is_fitted,
    names_table,
    naming_table,
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
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

_TYPES: Final[list[AlarmTypeType]] = ["MetricAlarm", "CompositeAlarm"]
_NAMESPACE = "AWS/DynamoDB"
_LISTING = "alarms"
_MOST_NAMES = 100
"""In one call, as of alarms in one answer (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html)."""
_LONGEST_NAME = 255
_LONGEST_DESCRIPTION = 1024

_COMMON: dict[str, Any] = {
    "AlarmDescription": "",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
    "ActionConfiguration": None,
}
_METRIC_ALARM: dict[str, Any] = {
    **_COMMON,
    "MetricName": None,
    "Namespace": None,
    "Dimensions": [],
    "Statistic": None,
    "ExtendedStatistic": None,
    "Period": None,
    "Unit": None,
    "Metrics": [],
    "ThresholdMetricId": None,
    "EvaluationPeriods": None,
    "DatapointsToAlarm": None,
    "Threshold": None,
    "ComparisonOperator": None,
    "TreatMissingData": "missing",
    "EvaluateLowSampleCountPercentile": "evaluate",
    "EvaluationWindow": {"SlidingWindow": {}},
    "WarmUpConfiguration": None,
}
"""The parameters of PutMetricAlarm that DescribeAlarms shows, with CloudWatch's defaults
(docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)."""
_COMPOSITE_ALARM: dict[str, Any] = {
    **_COMMON,
    "ActionsSuppressor": None,
    "ActionsSuppressorWaitPeriod": None,
    "ActionsSuppressorExtensionPeriod": None,
}
"""Those of PutCompositeAlarm, but for its rule
(docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html)."""
_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")

_SCALES = re.compile(r"arn:[^:]+:autoscaling:[^:]*:[^:]*:scalingPolicy:")
"""An action that runs one scaling policy; the source's would scale the source."""


class CloudWatchAlarms:
    """Portable state: `{"metric_alarms": {name: {"parameters": {…}, "tags": {…}}}, "composite_alarms": {name:
    {"parameters": {…}, "rule": rule, "children": [name, …], "suppressor": name, "tags": {…}}},
    "not_cloned": [what and why, …], "indexes": [name, …]}`

    `parameters` are CloudWatch's own, only those that it returned. In names, descriptions, labels and dimensions the
    table's name reads `${table}`; in a rule `${0}` stands for the first child. `suppressor` is there where that
    alarm is one of these too; any other is among the parameters, by ARN.

    **Names.** Those of alarms are unique in a region. One that has the table's name in it, standing whole, gets the
    target's instead; one that has not gets the target's appended in brackets. What grows too long is cut and
    ends in a fingerprint of the whole, so that a second run finds it.

    **Calls.** No operation lists the alarms of a table: DescribeAlarmsForMetric wants each metric with its dimensions
    and leaves out metric math (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html).
    So the source's reading goes through all alarms of the region, 100 a call, and asks for the tags of those that match;
    restores at the same time share what was listed (`Listings`). The target is asked for the alarms by the names that they get,
    100 a call, and for no others: none where the source has none. Each alarm that is created costs two calls, a composite alarm
    one more for each level of what it is built on.

    **What is looked at.** Alarms on metrics of `AWS/DynamoDB` whose dimension `TableName` is the table, in metric math
    too, and Metrics Insights queries that ask for it; all other tables in these stay. Anomaly detection
    needs nothing beside: CloudWatch makes the model when the alarm is first evaluated. Auto scaling's own alarms
    (`TargetTracking-…`) come with its policies (docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html).
    """

    name = "cloudwatch_alarms"
    phase = Phase.ON_CUTOVER
    lane = Lane.ALONE
    catalogue = CatalogueEntry(
        default=True,
        what="metric, metric-math and composite alarms on the table and its indexes, with actions and tags",
        left_alone="auto scaling's own; an alarm of that name exists",
        about="""
            The CloudWatch alarms that watch the table or one of its indexes: on one metric, on metric math, by
            anomaly detection, by a Metrics Insights query; and the composite alarms that are built from nothing else.
            Alarms belong to CloudWatch and name a table by a dimension, so a restore leaves the new table unwatched.
        """,
        read="""
            `DescribeAlarms`, metric and composite alarms, 100 a call: no operation lists the alarms of a table, and
            `DescribeAlarmsForMetric` leaves out metric math. Restores at the same time share the listing, for a minute and not
            where it began before the restore was asked for. An alarm counts if a metric of `AWS/DynamoDB` in it has
            the dimension `TableName` with exactly this name (in this account), or if a Metrics Insights query on
            `AWS/DynamoDB` asks for `TableName = '…'`. Then `ListTagsForResource` of each of these. A table without
            alarms costs the listing alone: a call for every 100 alarms of the region.
        """,
        written="""
            `DescribeAlarms` of the new names, 100 a call, before and after; for each alarm again right before `PutMetricAlarm` or
            `PutCompositeAlarm` with all that was read: actions, thresholds, periods, statistics, rules for missing data,
            description, tags. Metric alarms come first, each composite alarm after what it is built on, which is looked up by
            name right before.
            In alarms of several tables only the source's dimensions change. In names, descriptions and labels the
            source's name becomes the target's where it stands whole: `prod/orders/reads` becomes
            `prod/orders-restored/reads`. A hyphen is a part of names, so `orders-reads` is not the name of `orders`;
            what does not have the name gets the target's behind it, `orders-reads (orders-restored)`. A name of more
            than 255 characters is cut and ends in a fingerprint.
        """,
        when="""
            alarms act outside the table, and a table that is being replayed into is not what their thresholds were
            chosen for.
        """,
        kept="""
            An alarm that the target has under the new name is kept, and what differs is reported as a conflict; no
            alarm is ever overwritten. Auto scaling's own (`TargetTracking-…`) are left to auto scaling. Skipped with
            the reason: actions that run a scaling policy (they would scale the source), and alarms that do nothing
            else; alarms on an index that was not restored, or on one stream by its label; expressions and PromQL
            queries that name the table in a way that cannot be rewritten safely; composite alarms with a child that
            is not cloned, in a ring, or with a rule that cannot be read; composite alarms whose suppressor watches
            the table and is not cloned. A suppressor that is cloned becomes its clone, one that does not watch the
            table stays the same alarm. An anomaly detection model is made anew by CloudWatch when the alarm is first
            evaluated; time ranges excluded from the source's model are not carried over. Log alarms and mute rules
            are not looked at. Actions stay as they are: CloudWatch does not look whether the topic or function that
            they name exists, and neither does this module. A full quota of alarms fails with what to do.
        """,
        sources=(
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html",
            "docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
        ),
        asked_for=("cloudwatch:TagResource",),
        statements=(
            Statement(
                "ListAlarmsAndPutCompositeAlarms",
                ("cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"),
                ("*",),
                # docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html and API_PutCompositeAlarm.html there
                reason="Composite alarms are listed only for who may list all, and put only for who may put all.",
                writes=True,
            ),
            Statement(
                "ReadTagsOfAlarms",
                ("cloudwatch:ListTagsForResource",),
                ("arn:{partition}:cloudwatch:{each_region}:{account}:alarm:*",),
                reason="An alarm's name need not say which table it watches.",
            ),
            Statement(
                "PutAlarms",
                ("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"),
                ("arn:{partition}:cloudwatch:{region}:{account}:alarm:*",),
                reason="An alarm's name need not say which table it watches. CloudWatch asks for TagResource where an alarm is put with tags.",
                writes=True,
            ),
        ),
    )

    def read(self, table: Table) -> Reading:
        survey = _survey(table)
        lost = [f"alarm {without_table(name, table.name)}: {why}" for name, why in survey.not_cloned]
        state = _state(table, lost)
        for kind, entries in (("metric_alarms", survey.metric), ("composite_alarms", survey.composite)):
            for name, entry in entries.items():
                tags = _tags(table, survey.arns[name])
                if tags is not None:
                    state[kind][without_table(name, table.name)] = {**entry, "tags": tags}
        return Reading(state)

    def read_named(self, table: Table, desired: State, *, applied: bool) -> Reading:
        state = _state(table)
        wanted = _names([*desired["metric_alarms"], *desired["composite_alarms"]]).values()
        named = _named(table, [fitted(name, table.name, _LONGEST_NAME) for name in wanted])
        for name, alarm in named.items():
            kind = "composite_alarms" if "AlarmRule" in alarm else "metric_alarms"
            # CloudWatch takes an alarm with its tags, or not at all.
            tags = None if applied else _tags(table, alarm["AlarmArn"])
            entry = _entry(alarm, named, table)
            state[kind][without_table(name, table.name)] = entry if tags is None else {**entry, "tags": tags}
        return Reading(state)

    def diff(self, desired: State, current: State) -> Difference:
        present = {**current["metric_alarms"], **current["composite_alarms"]}
        names = _names([*desired["metric_alarms"], *desired["composite_alarms"]])
        steps: list[Step] = []
        conflicts: list[str] = []
        omitted: list[str] = list(desired["not_cloned"])

        def settle(kind: str, name: str, alarm: Mapping[str, Any]) -> None:
            there = next((present[other] for other in present if is_fitted(other, name)), None)
            if there is None:
                steps.append(Step(f"create alarm {name}", {"kind": kind, "name": name, **alarm}))
            elif differing := _differing(alarm, there):
                what = ", ".join(differing)
                conflicts.append(f"alarm {name} differs in {what}; the target's is kept")

        ready: list[str] = []
        for name, alarm in sorted(desired["metric_alarms"].items()):
            lacking = sorted(_indexes(alarm["parameters"]) - set(current["indexes"]))
            if lacking:
                omitted.append(f"alarm {name}: the restored table has no index {', '.join(lacking)}")
            else:
                ready.append(name)
                settle("metric", names[name], alarm)
        composite_alarms = desired["composite_alarms"]
        order, missing = _in_order(
            {name: _built_on(alarm) for name, alarm in composite_alarms.items()}, ready
        )
        for name in order:
            settle("composite", names[name], _renamed(composite_alarms[name], names))
        omitted.extend(
            f"alarm {name}: the alarm {child} that it is built on is not cloned"
            for name, child in sorted(missing.items())
        )
        return Difference(tuple(steps), tuple(conflicts), tuple(omitted))

    def apply(self, table: Table, step: Step) -> None:
        payload = step.payload
        name = fitted(payload["name"], table.name, _LONGEST_NAME)
        if _is_there(table, name, payload):
            return
        arguments: dict[str, Any] = {"AlarmName": name, **_for_table(payload["parameters"], table.name)}
        if payload["tags"]:
            arguments["Tags"] = [{"Key": key, "Value": value} for key, value in payload["tags"].items()]
        try:
            if payload["kind"] == "metric":
                table.clients.cloudwatch.put_metric_alarm(**arguments)
            else:
                table.clients.cloudwatch.put_composite_alarm(**arguments, **_built(table, payload))
        except ClientError as error:
            if error_code(error) in ("LimitExceeded", "LimitExceededFault"):
                raise CannotApplyError(
                    "the quota of alarms of this account and region is reached; raise it in Service Quotas and run "
                    "the restore again"
                ) from error
            raise


# Finding ---------------------------------------------------------------------------------------------------------


def _state(table: Table, not_cloned: Sequence[str] = ()) -> dict[str, Any]:
    """A portable state without alarms."""
    return {
        "metric_alarms": {},
        "composite_alarms": {},
        "not_cloned": list(not_cloned),
        "indexes": [index["IndexName"] for index in table.describe().get("GlobalSecondaryIndexes", [])],
    }


@dataclass
class _Survey:
    """The alarms of one table, by name, in their portable form but for their names and tags.

    Attributes:
        metric: those that can be cloned.
        composite: those that have one of the table's alarms among their children, or theirs; whether all of these are
            cloned remains to be seen.
        not_cloned: the others and what is lost of these, each with its reason; not auto scaling's own.
        related: the names of all alarms that watch the table, alone or not.
        arns: by name.
    """

    metric: dict[str, dict[str, Any]] = field(default_factory=dict)
    composite: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_cloned: list[tuple[str, str]] = field(default_factory=list)
    related: set[str] = field(default_factory=set)
    arns: dict[str, str] = field(default_factory=dict)


def _survey(table: Table) -> _Survey:
    survey = _Survey()
    composites: dict[str, _Composite] = {}
    for page in table.clients.listings.pages(_LISTING, partial(_page, table.clients), table.listings_since):
        for alarm in page:
            if "AlarmRule" in alarm:
                composites[alarm["AlarmName"]] = _composite(alarm, table)
                survey.arns[alarm["AlarmName"]] = alarm["AlarmArn"]
            else:
                _add_metric_alarm(survey, alarm, table)
    _add_composites(survey, composites, table)
    return survey


def _page(clients: Clients, token: str | None) -> tuple[list[Any], str | None]:
    """Of a page of all alarms: the composite ones, and those that may be about a table."""
    more: dict[str, Any] = {} if token is None else {"NextToken": token}
    try:
        page = clients.cloudwatch.describe_alarms(AlarmTypes=_TYPES, MaxRecords=_MOST_NAMES, **more)
    except ClientError as error:
        if error_code(error) == "InvalidNextToken":
            clients.listings.forget(_LISTING)
        raise
    metric_alarms = [_shown(alarm, _METRIC_ALARM) for alarm in page.get("MetricAlarms", [])]
    kept: list[Any] = [alarm for alarm in metric_alarms if "dynamodb" in json.dumps(alarm).lower()]
    kept += [_shown(alarm, _COMPOSITE_ALARM) for alarm in page.get("CompositeAlarms", [])]
    return kept, page.get("NextToken")


def _shown(alarm: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What this setting looks at of an alarm; its times are not among it."""
    known = {"AlarmName", "AlarmArn", "AlarmRule", "EvaluationCriteria", *parameters}
    return {key: value for key, value in alarm.items() if key in known}


def _named(table: Table, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The alarms of those names that there are."""
    found: dict[str, Mapping[str, Any]] = {}
    listing = table.clients.cloudwatch.get_paginator("describe_alarms")
    for first in range(0, len(names), _MOST_NAMES):
        some = names[first : first + _MOST_NAMES]
        for page in listing.paginate(AlarmNames=some, AlarmTypes=_TYPES):
            alarms: list[Mapping[str, Any]] = [*page["MetricAlarms"], *page["CompositeAlarms"]]
            found.update((alarm["AlarmName"], alarm) for alarm in alarms)
    return found


def _watching(table: Table, names: Collection[str]) -> set[str]:
    """Which of the alarms of those names watch the table, alone or not, or are built on some that do."""
    watching: set[str] = set()
    composites: dict[str, _Composite] = {}
    asked: set[str] = set()
    while unknown := sorted(set(names) - asked):
        asked.update(unknown)
        for name, alarm in _named(table, unknown).items():
            if "AlarmRule" in alarm:
                composites[name] = _composite(alarm, table)
            elif _metric_alarm(alarm, table) is not None:
                watching.add(name)
        names = {
            child for one in composites.values() for child in one.children if not child.startswith("arn:")
        }
    return _with_composites(watching, composites)


def _with_composites(watching: Collection[str], composites: Mapping[str, _Composite]) -> set[str]:
    """Those alarms, and the composite ones that are built on one of them, or on one that is."""
    related = set(watching)
    while more := {name for name, one in composites.items() if one.names_any(related)} - related:
        related |= more
    return related


def _add_metric_alarm(survey: _Survey, alarm: Mapping[str, Any], table: Table) -> None:
    found = _metric_alarm(alarm, table)
    if found is None:
        return
    name = alarm["AlarmName"]
    survey.related.add(name)
    if name.startswith("TargetTracking-"):
        return
    survey.not_cloned.extend((name, why) for why in found.lost)
    if found.why_not is not None:
        survey.not_cloned.append((name, found.why_not))
    else:
        survey.metric[name] = {"parameters": found.parameters}
        survey.arns[name] = alarm["AlarmArn"]


def _add_composites(survey: _Survey, composites: Mapping[str, _Composite], table: Table) -> None:
    survey.related = _with_composites(survey.related, composites)
    for name in sorted(survey.related & composites.keys()):
        if composites[name].rule is None:
            survey.not_cloned.append((name, "its rule is not of a form that this module can read"))
        else:
            survey.composite[name] = composites[name].entry(survey.related, table)


def _tags(table: Table, alarm_arn: str) -> dict[str, str] | None:
    """An alarm's tags but the reserved ones; None where the alarm was deleted since it was listed."""
    try:
        answer = table.clients.cloudwatch.list_tags_for_resource(ResourceARN=alarm_arn)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return {
        tag["Key"]: tag["Value"]
        for tag in answer.get("Tags", [])
        if not tag["Key"].lower().startswith("aws:")
    }


# Metric alarms ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _MetricAlarm:
    """An alarm that watches the table.

    Attributes:
        why_not: why it cannot be cloned.
        lost: what of it cannot be cloned, and why.
    """

    parameters: dict[str, Any]
    why_not: str | None
    lost: tuple[str, ...]


def _metric_alarm(alarm: Mapping[str, Any], table: Table) -> _MetricAlarm | None:
    parameters = _parameters(alarm, _METRIC_ALARM)
    looks = [_look(parameters, table.name), _promql(alarm, table.name)]
    metrics = []
    for query in parameters.get("Metrics", []):
        # In a monitoring account a metric can be one of another account, whose tables are others.
        own = query.get("AccountId", table.account) == table.account
        expression = _expression(query.get("Expression", ""), table.name if own else None)
        looks += [
            expression.look,
            _look(query.get("MetricStat", {}).get("Metric", {}), table.name if own else None),
        ]
        portable = dimensions_without_table(query, table.name) if own else dict(query)
        if "Label" in portable:
            portable["Label"] = without_table(portable["Label"], table.name)
        if "Expression" in portable:
            portable["Expression"] = expression.portable
        metrics.append(portable)
    if not any(look.watches for look in looks):
        return None
    if metrics:
        parameters["Metrics"] = metrics
    if "Dimensions" in parameters:
        parameters["Dimensions"] = dimensions_without_table(parameters["Dimensions"], table.name)
    lost = _without_scaling(parameters)
    why_not = next((look.why_not for look in looks if look.why_not is not None), None)
    if lost and not any(parameters.get(actions) for actions in _ACTIONS):
        why_not = why_not or "all that it does is to run a scaling policy, which would scale the source"
        lost = ()
    return _MetricAlarm(_described(parameters, table.name), why_not, lost)


def _parameters(alarm: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    present = {key: alarm[key] for key in defaults if alarm.get(key) not in (None, [], "")}
    parameters: dict[str, Any] = json.loads(json.dumps(present))
    return parameters


def _described(parameters: dict[str, Any], table_name: str) -> dict[str, Any]:
    if "AlarmDescription" in parameters:
        parameters["AlarmDescription"] = without_table(parameters["AlarmDescription"], table_name)
    return parameters


def _without_scaling(parameters: dict[str, Any]) -> tuple[str, ...]:
    lost: list[str] = []
    for kind in _ACTIONS:
        actions = parameters.get(kind, [])
        lost.extend(
            f"its action {action} would scale the source" for action in actions if _SCALES.match(action)
        )
        if kept := [action for action in actions if not _SCALES.match(action)]:
            parameters[kind] = kept
        else:
            parameters.pop(kind, None)
    return tuple(lost)


@dataclass(frozen=True)
class _Look:
    """Whether a part of an alarm watches the table, and if so, why it cannot watch another instead."""

    watches: bool = False
    why_not: str | None = None


def _look(metric: Mapping[str, Any], table_name: str | None) -> _Look:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
    if (
        table_name is None
        or metric.get("Namespace") != _NAMESPACE
        or dimensions.get("TableName") != table_name
    ):
        return _Look()
    if "StreamLabel" in dimensions:
        return _Look(True, "it watches one stream by its label, and the target's stream has another")
    return _Look(True)


@dataclass(frozen=True)
class _Expression:
    portable: str
    look: _Look = _Look()


def _expression(expression: str, table_name: str | None) -> _Expression:
    """An expression of metric math, or a Metrics Insights query, which puts names in quotation marks
    (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html)."""
    portable = escaped(expression)
    if table_name is None or "DynamoDB" not in expression:
        return _Expression(portable)
    asked = 0
    if re.match(r"\s*SELECT\b", expression, re.IGNORECASE):
        asks = rf"(?P<asks>\bTableName\"?\s*=\s*)(?P<name>'{re.escape(table_name)}')"
        portable, asked = re.subn(
            asks, lambda match: match["asks"] + without_table(match["name"], table_name), portable
        )
    # A Contributor Insights rule has the name of its table between hyphens.
    named = _quotes(portable, table_name) or (
        "INSIGHT_RULE_METRIC" in portable and f"-{table_name}-" in portable
    )
    if named:
        return _Expression(
            portable, _Look(True, "it names the table in an expression that cannot be rewritten")
        )
    return _Expression(portable, _Look(asked > 0))


def _promql(alarm: Mapping[str, Any], table_name: str) -> _Look:
    query = alarm.get("EvaluationCriteria", {}).get("PromQLCriteria", {}).get("Query", "")
    if "dynamodb" in query.lower() and _quotes(query, table_name):
        return _Look(True, "it names the table in a PromQL query, which cannot be rewritten")
    return _Look()


def _quotes(text: str, table_name: str) -> bool:
    return re.search(rf"""['"]{re.escape(table_name)}['"]""", text) is not None


# Composite alarms ------------------------------------------------------------------------------------------------

_STATE = "ALARM|OK|INSUFFICIENT_DATA"
_TERM = re.compile(
    rf"\b(?P<many>AT_LEAST\s*\(\s*\d+\s*%?\s*,\s*(?:NOT\s+)?(?:{_STATE})\s*,\s*)"
    r"\((?P<names>(?:\"[^\"]*\"|[^()\"])*)\)\s*\)"
    rf"|\b(?P<state>{_STATE})\s*\(\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^()\"]+?))\s*\)"
)
"""The parts of a rule that name alarms, by name or ARN, in quotation marks or not
(docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html)."""
_LISTED = re.compile(r"\"([^\"]*)\"|([^\",\s][^\",]*)")
_OPERATORS = re.compile(r"\b(?:AND|OR|NOT|TRUE|FALSE)\b|[()\s]")


@dataclass(frozen=True)
class _Composite:
    """A composite alarm; `rule` is None where the text of it cannot be read."""

    parameters: dict[str, Any]
    text: str
    rule: str | None
    children: tuple[str, ...]
    suppressor: str | None

    def names_any(self, names: Collection[str]) -> bool:
        if self.rule is None:
            return any(name in self.text for name in names)
        return any(child in names for child in self.children)

    def entry(self, related: Collection[str], table: Table) -> dict[str, Any]:
        parameters = dict(self.parameters)
        suppressor = None
        if self.suppressor is not None:
            if self.suppressor in related:
                suppressor = without_table(self.suppressor, table.name)
            else:
                parameters["ActionsSuppressor"] = _alarm_arn(self.suppressor, table)
        children = [without_table(child, table.name) for child in self.children]
        return {"parameters": parameters, "rule": self.rule, "children": children, "suppressor": suppressor}


def _composite(alarm: Mapping[str, Any], table: Table) -> _Composite:
    parameters = _described(_parameters(alarm, _COMPOSITE_ALARM), table.name)
    suppressor = parameters.pop("ActionsSuppressor", None)
    children: list[str] = []

    def reference(name: str) -> str:
        children.append(_alarm_name(name.strip(), table))
        return f'"${{{len(children) - 1}}}"'

    def referring(match: re.Match[str]) -> str:
        if match["many"] is None:
            return f"{match['state']}({reference(match['quoted'] or match['bare'] or '')})"
        names = ", ".join(reference(quoted or bare) for quoted, bare in _LISTED.findall(match["names"]))
        return f"{match['many']}({names}))"

    text = alarm["AlarmRule"]
    readable = not _OPERATORS.sub("", _TERM.sub("", text))
    rule = " ".join(_TERM.sub(referring, text).split())
    return _Composite(
        parameters,
        text,
        rule if readable else None,
        tuple(children),
        None if suppressor is None else _alarm_name(suppressor, table),
    )


def _alarm_name(name_or_arn: str, table: Table) -> str:
    """The name of an alarm of the table's region and account; the ARN of any other."""
    return name_or_arn.removeprefix(_alarm_arn("", table))


def _alarm_arn(name: str, table: Table) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:{table.partition}:cloudwatch:{table.region}:{table.account}:alarm:{name}"


def _built_on(alarm: Mapping[str, Any]) -> list[str]:
    return [*alarm["children"], *([alarm["suppressor"]] if alarm["suppressor"] is not None else [])]


# Comparing and writing -------------------------------------------------------------------------------------------


def _in_order(
    needs: Mapping[str, Collection[str]], ready: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """The keys of `needs`, each after all that it needs; and, for those that cannot be had, one that is missing."""
    order: list[str] = []
    have = set(ready)
    while more := sorted(name for name in needs.keys() - have if have.issuperset(needs[name])):
        order.extend(more)
        have.update(more)
    missing = {name: next(need for need in needs[name] if need not in have) for name in needs.keys() - have}
    return order, missing


def _names(names: Collection[str]) -> dict[str, str]:
    """What each alarm is to be called on another table, in portable form; no two the same."""
    new: dict[str, str] = {}
    for name in names:
        naming = naming_table(name)
        taken = naming != name and naming in names
        new[name] = f"{naming} {fingerprint(name)}" if taken else naming
    return new


def _renamed(composite: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    suppressor = composite["suppressor"]
    return {
        **composite,
        "children": [names[child] for child in composite["children"]],
        "suppressor": None if suppressor is None else names[suppressor],
    }


def _indexes(parameters: Mapping[str, Any]) -> set[str]:
    """The table's indexes that an alarm watches."""
    metrics = [
        parameters,
        *(query.get("MetricStat", {}).get("Metric", {}) for query in parameters.get("Metrics", [])),
    ]
    found: set[str] = set()
    for metric in metrics:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
        if names_table(dimensions.get("TableName", "")) and "GlobalSecondaryIndexName" in dimensions:
            found.add(dimensions["GlobalSecondaryIndexName"])
    return found


def _differing(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """In what an alarm of the target differs from what it is to be; both portable, names as on the target."""
    if ("rule" in wanted) != ("rule" in there):
        return ["kind"]
    names: list[str] = []
    for key, default in (_COMPOSITE_ALARM if "rule" in wanted else _METRIC_ALARM).items():
        one, other = wanted["parameters"].get(key, default), there["parameters"].get(key, default)
        same = is_fitted(other, one) if key == "AlarmDescription" else _normal(one) == _normal(other)
        if not same:
            names.append(key)
    if "rule" in wanted:
        if wanted["rule"] != there["rule"] or not _same_alarms(wanted["children"], there["children"]):
            names.append("AlarmRule")
        if not _same_alarms([wanted["suppressor"] or ""], [there["suppressor"] or ""]):
            names.append("ActionsSuppressor")
    if "tags" in there and wanted["tags"] != there["tags"]:
        names.append("Tags")
    return list(dict.fromkeys(names))


def _same_alarms(wanted: list[str], there: list[str]) -> bool:
    return len(wanted) == len(there) and all(
        is_fitted(other, one) for one, other in zip(wanted, there, strict=True)
    )


def _normal(value: Any) -> Any:
    """Parameters in the one form that all ways of writing them share: no list of CloudWatch's has an order."""
    if isinstance(value, list):
        return sorted((_normal(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        implied = {"ReturnData": True} if "Id" in value else {}
        return {key: _normal(item) for key, item in (implied | value).items()}
    return value


def _is_there(table: Table, name: str, payload: Mapping[str, Any]) -> bool:
    """Whether the alarm has been created by an earlier try, so that nothing that others made is overwritten.

    Raises:
        StepOmitted: there is another alarm of that name.
    """
    suppressor = payload.get("suppressor")
    related = () if suppressor is None else (fitted(suppressor, table.name, _LONGEST_NAME),)
    there = [_entry(alarm, related, table) for alarm in _named(table, [name]).values()]
    if any(_differing(payload, alarm) for alarm in there):
        raise StepOmitted("there is another alarm of that name, which is kept")
    return bool(there)


def _entry(alarm: Mapping[str, Any], related: Collection[str], table: Table) -> dict[str, Any]:
    """An alarm of the target as `diff` knows it, but for its tags; without parameters where it does not watch the table.

    Args:
        related: the alarms that count as the table's where it has one of them as its suppressor.
    """
    if "AlarmRule" in alarm:
        return _composite(alarm, table).entry(related, table)
    found = _metric_alarm(alarm, table)
    return {"parameters": {} if found is None else found.parameters}


def _for_table(parameters: Mapping[str, Any], table_name: str) -> dict[str, Any]:
    arguments: dict[str, Any] = dimensions_with_table(parameters, table_name)
    if "AlarmDescription" in arguments:
        arguments["AlarmDescription"] = fitted(
            arguments["AlarmDescription"], table_name, _LONGEST_DESCRIPTION
        )
    if "Metrics" in arguments:
        arguments["Metrics"] = [
            {
                key: with_table(value, table_name) if key in ("Label", "Expression") else value
                for key, value in query.items()
            }
            for query in arguments["Metrics"]
        ]
    return arguments


def _built(table: Table, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of PutCompositeAlarm that name other alarms.

    Raises:
        StepOmitted: one of them does not watch this table, or was not created.
    """
    there = _watching(table, [fitted(name, table.name, _LONGEST_NAME) for name in _built_on(payload)])

    def on_target(name: str) -> str:
        real = fitted(name, table.name, _LONGEST_NAME)
        if real not in there:
            raise StepOmitted(f"the alarm {real} that it is built on is not there")
        return real

    children = [on_target(child) for child in payload["children"]]
    arguments = {"AlarmRule": re.sub(r"\$\{(\d+)\}", lambda match: children[int(match[1])], payload["rule"])}
    if payload["suppressor"] is not None:
        arguments["ActionsSuppressor"] = on_target(payload["suppressor"])
    return arguments
