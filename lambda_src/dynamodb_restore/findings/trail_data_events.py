"""CloudTrail trails that log the data events of the source table by its ARN."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.aws import ClientError, Clients, CloudTrailClient, error_code
from dynamodb_restore.findings.catalogue import CatalogueEntry
from dynamodb_restore.findings.finding import Finding, TableId, in_time
from dynamodb_restore.permissions import NO_RESOURCE, Statement

_TABLE = "AWS::DynamoDB::Table"
_STREAM = "AWS::DynamoDB::Stream"
_ARN = "resources.ARN"
_TYPE = "resources.type"


class TrailDataEvents:
    """Trails of the account that cover the source's region: at most five have a region as their home, and these of other
    regions that cover all (docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html)."""

    kind = "trail_data_events"
    catalogue = CatalogueEntry(
        default=True,
        about="""
            CloudTrail trails that log the data events of the source by its ARN: what is read and written in the restored table is
            not logged, or is logged where the source was left out. On by default.
        """,
        found="""
            trails that cover the source's region, with event selectors on `AWS::DynamoDB::Table`, or advanced event selectors on
            `resources.ARN` of `AWS::DynamoDB::Table` or `AWS::DynamoDB::Stream`, that treat the source and the target otherwise. A
            target that another selector of the trail takes in for the same events, or for more, is covered. One line per trail.
        """,
        read="`DescribeTrails`; `GetEventSelectors` of each trail.",
        left_out="""
            trails of an organization that belong to another account; event data stores of CloudTrail Lake; selectors of network
            activity.
        """,
        sources=(
            "docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html",
            "docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html",
            "docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html",
            "docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html",
            "docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html",
            "docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html",
        ),
        statements=(
            Statement("ListTrails", ("cloudtrail:DescribeTrails",), ("*",), reason=NO_RESOURCE),
            Statement(
                "FindTrailDataEvents",
                ("cloudtrail:GetEventSelectors",),
                ("arn:{partition}:cloudtrail:*:{account}:trail/*",),
                reason="Any trail can log the source, and one that covers all regions has its home in any.",
            ),
        ),
    )

    def find(
        self, source: TableId, target: TableId, clients: Clients, enough_time: Callable[[], bool]
    ) -> Iterator[Finding]:
        cloudtrail = clients.in_region(source.region).cloudtrail
        trails = _trails(cloudtrail, source.account)
        for name, selectors in in_time(trails, enough_time, "trails"):
            if advice := _advice(selectors, source, target):
                yield Finding(self.kind, f"trail {name}", advice)


@dataclass(frozen=True)
class _Selector:
    """Which tables a selector takes in, and of which events.

    Attributes:
        kind: the type of the resources.
        operators: what is asked of the ARN, each with its values; none where any ARN will do.
        events: all other conditions. One selector takes in all that another does if its conditions are among the other's.
    """

    kind: str
    operators: Mapping[str, tuple[str, ...]]
    events: frozenset[str]

    def takes_in(self, table: TableId) -> bool:
        """Whether all that is asked of the ARN holds; of several values of one operator, any, but of the negative ones all
        (docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html)."""
        # A stream's ARN has the time at which it was made: what names any stream of the table is about the table's.
        arn = f"{table.arn}/stream/" if self.kind == _STREAM else table.arn
        for operator, values in self.operators.items():
            holds = any(_HOLDS[operator.removeprefix("Not")](self._cut(value, arn), arn) for value in values)
            if holds is operator.startswith("Not"):
                return False
        return True

    def _cut(self, value: str, arn: str) -> str:
        return arn if self.kind == _STREAM and value.startswith(arn) else value


_HOLDS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, arn: arn == value,
    "StartsWith": lambda value, arn: arn.startswith(value),
    "EndsWith": lambda value, arn: arn.endswith(value),
}
_OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")


def _trails(cloudtrail: CloudTrailClient, account: str) -> Iterator[tuple[str, list[_Selector]]]:
    """The account's trails of this region, each with its selectors."""
    for trail in cloudtrail.describe_trails().get("trailList", []):
        if trail["TrailARN"].split(":")[4] != account:
            continue
        try:
            # By its ARN, because a trail with another home is known by nothing else here
            # (docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html).
            answer = cloudtrail.get_event_selectors(TrailName=trail["TrailARN"])
        except ClientError as error:
            if error_code(error) == "TrailNotFoundException":
                continue  # deleted since it was listed
            raise
        yield trail["Name"], [*_classic(answer), *_advanced(answer)]


def _classic(answer: Mapping[str, Any]) -> Iterator[_Selector]:
    for selector in answer.get("EventSelectors") or []:
        kinds = selector.get("ReadWriteType", "All")
        events = frozenset() if kinds == "All" else frozenset({kinds})
        for resource in selector.get("DataResources", []):
            if resource.get("Type") == _TABLE:
                for value in resource.get("Values", []):
                    # `arn:aws:dynamodb` stands for all tables, and the ARN of one for itself
                    # (docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html).
                    operator = "Equals" if value.partition(":table/")[2] else "StartsWith"
                    yield _Selector(_TABLE, {operator: (value,)}, events)


def _advanced(answer: Mapping[str, Any]) -> Iterator[_Selector]:
    for selector in answer.get("AdvancedEventSelectors") or []:
        fields = {field["Field"]: field for field in selector.get("FieldSelectors", [])}
        kinds = fields.get(_TYPE, {}).get("Equals", [])
        asked = fields.get(_ARN, {})
        operators = {each: tuple(asked[each]) for each in _OPERATORS if asked.get(each)}
        events = frozenset(
            json.dumps(field, sort_keys=True)
            for name, field in fields.items()
            if name not in (_TYPE, _ARN, "eventCategory")
        )
        for kind in kinds:
            if kind in (_TABLE, _STREAM):
                yield _Selector(kind, operators, events)


def _advice(selectors: Iterable[_Selector], source: TableId, target: TableId) -> str | None:
    """What to change in a trail, or None where it logs the same of both tables."""
    selectors = list(selectors)
    if _more_of(source, target, selectors):
        return f"logs data events of {source.name} and not of {target.name}: add {target.arn} to its event selectors"
    if _more_of(target, source, selectors):
        return (
            f"leaves out data events of {source.name} and logs those of {target.name}: leave out {target.arn} too"
            " in its event selectors"
        )
    return None


def _more_of(one: TableId, other: TableId, selectors: list[_Selector]) -> bool:
    """Whether a selector takes in `one` for events for which none takes in `other`."""
    return any(
        selector.takes_in(one)
        and not any(
            each.kind == selector.kind and each.events <= selector.events and each.takes_in(other)
            for each in selectors
        )
        for selector in selectors
    )
