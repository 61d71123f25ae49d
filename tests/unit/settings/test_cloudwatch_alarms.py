"""CloudWatch alarms: found by what they watch, rewritten for the target, created and never overwritten."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients, ErrorClass, classify
from dynamodb_restore.settings.cloudwatch_alarms import CloudWatchAlarms
from dynamodb_restore.settings.names import fingerprint
from dynamodb_restore.settings.setting import (
    CannotApplyError,
    Difference,
    State,
    StepOmitted,
    Table,
)
from tests.unit.builders import carry_over, make_table, portable
from tests.unit.fakes import ACCOUNT, REGION, Aws, client_error, function_arn

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"
SCALES = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:6d3e:resource/dynamodb/table/orders:policyName/reads"


def alarm_arn(name: str, region: str = REGION) -> str:
    return f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"


class Alarms:
    """What moto lacks of CloudWatch: composite alarms, pages, kinds, and parameters of metric alarms that it drops."""

    page_size = 2
    # moto forgets the account of a metric, and all of the others.
    dropped = (
        "Metrics",
        "EvaluationWindow",
        "WarmUpConfiguration",
        "ActionConfiguration",
        "EvaluationCriteria",
    )

    def __init__(self) -> None:
        self.composites: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.kept: dict[str, dict[str, Any]] = {}
        self.refuses_next_page: str | None = None

    def answer(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        match operation:
            case "PutCompositeAlarm":
                name = parameters["AlarmName"]
                shown = {key: value for key, value in parameters.items() if key != "Tags"}
                self.composites[name] = {"ActionsEnabled": True, **shown, "AlarmArn": alarm_arn(name)}
                self.tags[alarm_arn(name)] = list(parameters.get("Tags", []))
                return {}
            case "ListTagsForResource" if parameters["ResourceARN"] in self.tags:
                return {"Tags": self.tags[parameters["ResourceARN"]]}
            case "PutMetricAlarm":
                kept = {key: parameters[key] for key in self.dropped if key in parameters}
                self.kept[parameters["AlarmName"]] = kept
        return None

    def describe(self, parameters: Mapping[str, Any], moto: Mapping[str, Any]) -> dict[str, Any]:
        code, self.refuses_next_page = self.refuses_next_page, None
        if code is not None and "NextToken" not in parameters:
            self.refuses_next_page = code
        elif code is not None:
            raise client_error("DescribeAlarms", code)
        kinds = parameters.get("AlarmTypes", ["MetricAlarm"])
        found = [
            *[("MetricAlarms", {**alarm, **self.kept[alarm["AlarmName"]]}) for alarm in moto["MetricAlarms"]],
            *[("CompositeAlarms", alarm) for alarm in self.composites.values()],
        ]
        found = [
            (kind, alarm)
            for kind, alarm in sorted(found, key=lambda one: one[1]["AlarmName"])
            if kind.removesuffix("s") in kinds
            and alarm["AlarmName"] in parameters.get("AlarmNames", [alarm["AlarmName"]])
        ]
        start = int(parameters.get("NextToken", "0"))
        page = found[start : start + self.page_size]
        answer: dict[str, Any] = {
            kind: [alarm for other, alarm in page if other == kind]
            for kind in ("MetricAlarms", "CompositeAlarms")
        }
        if start + self.page_size < len(found):
            answer["NextToken"] = str(start + self.page_size)
        return answer


@pytest.fixture
def alarms(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Alarms:
    fake = Alarms()
    without = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        def fake_or_moto(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            faked = fake.answer(operation, parameters)
            if faked is not None:
                return faked
            moto: dict[str, Any] = otherwise(client, operation, parameters)
            return fake.describe(parameters, moto) if operation == "DescribeAlarms" else moto

        return without(client, operation, parameters, fake_or_moto)

    monkeypatch.setattr(aws, "answer", answer)
    return fake


@pytest.fixture
def source(alarms: Alarms, clients: Clients) -> Table:
    make_table(clients, "orders", indexes=["by-customer"])
    return Table("orders", clients)


@pytest.fixture
def target(alarms: Alarms, clients: Clients) -> Table:
    make_table(clients, "orders-restored", indexes=["by-customer"])
    return Table("orders-restored", clients)


def metric(table: str = "orders", name: str = "ReadThrottleEvents", **dimensions: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/DynamoDB",
        "MetricName": name,
        "Dimensions": [
            {"Name": key, "Value": value} for key, value in {"TableName": table, **dimensions}.items()
        ],
    }


CONDITION: dict[str, Any] = {
    "EvaluationPeriods": 3,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
}


def watch(clients: Clients, name: str, table: str = "orders", **more: Any) -> None:
    """Put an alarm on one metric."""
    arguments = {"Statistic": "Sum", "Period": 60, **metric(table), **CONDITION, **more}
    clients.cloudwatch.put_metric_alarm(
        AlarmName=name, **{key: value for key, value in arguments.items() if value is not None}
    )


def query(number: int, table: str = "orders", **more: Any) -> dict[str, Any]:
    statistic = {"Metric": metric(table), "Period": 60, "Stat": "Sum"}
    return {"Id": f"m{number}", "MetricStat": statistic, "ReturnData": False, **more}


def compute(clients: Clients, name: str, *metrics: Mapping[str, Any], **more: Any) -> None:
    """Put an alarm on metric math."""
    arguments: dict[str, Any] = {**CONDITION, "Metrics": metrics, **more}
    clients.cloudwatch.put_metric_alarm(
        AlarmName=name, **{key: value for key, value in arguments.items() if value is not None}
    )


def combine(clients: Clients, name: str, rule: str, **more: Any) -> None:
    clients.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)


def synced(aws: Aws, source: Table, target: Table) -> Difference:
    """Carry over; the log of calls then has only what that did."""
    source.describe()
    target.describe()
    aws.calls.clear()
    return carry_over(CloudWatchAlarms(), source, target)


def puts(aws: Aws, operation: str = "PutMetricAlarm") -> dict[str, Mapping[str, Any]]:
    return {parameters["AlarmName"]: parameters for parameters in aws.named(operation)}


# Metric alarms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"AlarmDescription": "orders is throttled; see runbook/orders"},
        {"ActionsEnabled": False, "AlarmActions": [TOPIC]},
        {"AlarmActions": [TOPIC], "OKActions": [function_arn("heal")], "InsufficientDataActions": [TOPIC]},
        {"DatapointsToAlarm": 2, "TreatMissingData": "breaching"},
        {"Threshold": 0, "ComparisonOperator": "LessThanThreshold"},
        {"Threshold": 0.5, "Unit": "Count"},
        {"Statistic": None, "ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "ignore"},
        {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 10}},
        {"EvaluationWindow": {"WallClockWindow": {"Timezone": "Europe/Zurich"}}},
        {"EvaluationWindow": {"SlidingWindow": {}}},
        {"ActionConfiguration": {"AlarmTagsPropagation": {"Enabled": True, "IncludedTagKeys": ["team"]}}},
    ],
)
def test_every_parameter_is_carried_over(
    aws: Aws, clients: Clients, source: Table, target: Table, more: dict[str, Any]
) -> None:
    watch(clients, "orders/throttled", **more)
    (made,) = aws.named("PutMetricAlarm")
    difference = synced(aws, source, target)
    assert [step.summary for step in difference.steps] == ["create alarm ${table}/throttled"]
    described = {
        key: "orders-restored is throttled; see runbook/orders-restored"
        for key in made
        if key == "AlarmDescription"
    }
    # What its maker left to CloudWatch and CloudWatch says in words is sent in words; nothing else is added.
    assert aws.named("PutMetricAlarm") == [
        {
            "ActionsEnabled": True,
            **made,
            **metric("orders-restored"),
            "AlarmName": "orders-restored/throttled",
            **described,
        }
    ]
    assert synced(aws, source, target) == Difference()


def test_tags_are_carried_over_but_the_reserved_ones(
    aws: Aws, alarms: Alarms, clients: Clients, source: Table, target: Table
) -> None:
    watch(clients, "orders/throttled", Tags=[{"Key": "team", "Value": "checkout"}])
    alarms.tags[alarm_arn("orders/throttled")] = [
        {"Key": "aws:cloudformation:stack-name", "Value": "orders"},
        {"Key": "team", "Value": "checkout"},
    ]
    synced(aws, source, target)
    assert puts(aws)["orders-restored/throttled"]["Tags"] == [{"Key": "team", "Value": "checkout"}]
    assert synced(aws, source, target) == Difference()


@pytest.mark.parametrize(
    ("name", "new_name"),
    [
        ("orders", "orders-restored"),
        ("prod/orders/reads", "prod/orders-restored/reads"),
        ("checkout is slow", "checkout is slow (orders-restored)"),
        ("orders-archive is slow", "orders-archive is slow (orders-restored)"),
        ("orders-is-slow", "orders-is-slow (orders-restored)"),
        ("${table}", "${table} (orders-restored)"),
    ],
)
def test_names(aws: Aws, clients: Clients, source: Table, target: Table, name: str, new_name: str) -> None:
    watch(clients, name)
    synced(aws, source, target)
    assert list(puts(aws)) == [new_name]
    assert synced(aws, source, target) == Difference()


def test_two_alarms_never_get_one_name(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    watch(clients, "slow")
    watch(clients, "slow (orders)", Threshold=9)
    synced(aws, source, target)
    new = puts(aws)
    assert {name: alarm["Threshold"] for name, alarm in new.items()} == {
        f"slow (orders-restored) {fingerprint('slow')}": 5,
        "slow (orders-restored)": 9,
    }
    assert synced(aws, source, target) == Difference()


def test_a_name_or_description_that_grows_too_long_is_cut_and_found_again(
    aws: Aws, clients: Clients, source: Table
) -> None:
    name = "a" * 150
    make_table(clients, name)
    target = Table(name, clients)
    watch(clients, "orders " + "x" * 245, AlarmDescription="orders " + "y" * 1000)
    watch(clients, "orders " + "x" * 245 + "y", Threshold=9)
    combine(clients, "z" * 250, f'ALARM("orders {"x" * 245}")')
    assert len(synced(aws, source, target).steps) == 3
    assert all(len(new) == 255 for new in puts(aws) | puts(aws, "PutCompositeAlarm"))
    assert [len(alarm.get("AlarmDescription", "")) for alarm in puts(aws).values()] == [1024, 0]
    assert synced(aws, source, target) == Difference()


def test_an_index_is_watched_on(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    watch(clients, "orders index", **metric("orders", GlobalSecondaryIndexName="by-customer"))
    synced(aws, source, target)
    assert puts(aws)["orders-restored index"]["Dimensions"] == [
        {"Name": "TableName", "Value": "orders-restored"},
        {"Name": "GlobalSecondaryIndexName", "Value": "by-customer"},
    ]


def test_an_index_that_was_not_restored_cannot_be_watched(aws: Aws, clients: Clients, source: Table) -> None:
    make_table(clients, "orders-restored")
    watch(clients, "orders index", **metric("orders", GlobalSecondaryIndexName="by-customer"))
    index_of_math = query(1)
    index_of_math["MetricStat"]["Metric"] = metric("orders", GlobalSecondaryIndexName="by-customer")
    compute(clients, "orders index math", {**index_of_math, "ReturnData": True})
    combine(clients, "orders any", 'ALARM("orders index") OR ALARM("orders index math")')
    assert synced(aws, source, Table("orders-restored", clients)) == Difference(
        omitted=(
            "alarm ${table} index: the restored table has no index by-customer",
            "alarm ${table} index math: the restored table has no index by-customer",
            "alarm ${table} any: the alarm ${table} index that it is built on is not cloned",
        )
    )
    assert "PutMetricAlarm" not in aws.writes()


@pytest.mark.parametrize(
    "other",
    [
        {"Dimensions": [{"Name": "TableName", "Value": "orders-archive"}]},
        {"Dimensions": [{"Name": "TableName", "Value": "Orders"}]},
        {"Dimensions": [{"Name": "Table", "Value": "orders"}]},
        {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "TableName", "Value": "orders"}]},
        {"Dimensions": None, "MetricName": "AccountMaxReads"},
    ],
)
def test_alarms_on_other_things_are_left_alone(
    aws: Aws, clients: Clients, source: Table, target: Table, other: dict[str, Any]
) -> None:
    watch(clients, "orders/throttled", AlarmDescription="told to those who run DynamoDB", **other)
    assert synced(aws, source, target) == Difference()
    assert "ListTagsForResource" not in {call.operation for call in aws.calls}


def test_auto_scaling_keeps_its_own_alarms(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    watch(clients, "TargetTracking-table/orders-AlarmHigh-6d3e", AlarmActions=[SCALES])
    assert synced(aws, source, target) == Difference()


def test_an_action_that_would_scale_the_source_is_left_out(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    watch(clients, "orders both", AlarmActions=[SCALES, TOPIC], OKActions=[SCALES])
    watch(clients, "orders scales", AlarmActions=[SCALES])
    difference = synced(aws, source, target)
    assert difference.omitted == (
        f"alarm ${{table}} both: its action {SCALES} would scale the source",
        f"alarm ${{table}} both: its action {SCALES} would scale the source",
        "alarm ${table} scales: all that it does is to run a scaling policy, which would scale the source",
    )
    (new,) = aws.named("PutMetricAlarm")
    assert (new["AlarmName"], new["AlarmActions"], new.get("OKActions")) == (
        "orders-restored both",
        [TOPIC],
        None,
    )
    assert synced(aws, source, target).steps == ()


def test_a_stream_is_not_watched_by_anothers_label(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    watch(
        clients,
        "orders stream",
        **metric("orders", Operation="GetRecords", StreamLabel="2026-11-22T07:00:00.000"),
    )
    assert synced(aws, source, target).omitted == (
        "alarm ${table} stream: it watches one stream by its label, and the target's stream has another",
    )


# Metric math -----------------------------------------------------------------------------------------------------


def test_only_the_sources_metrics_in_metric_math_change(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    custom = {
        "Namespace": "Shop",
        "MetricName": "Slow",
        "Dimensions": [{"Name": "TableName", "Value": "orders"}],
    }
    compute(
        clients,
        "orders/share",
        {
            "Id": "e",
            "Expression": "100*(m1+orders)/m2",
            "Label": "orders ${LAST} of orders-archive",
            "ReturnData": True,
        },
        query(1),
        query(2, "orders-archive", Label="orders-archive"),
        {"Id": "orders", "MetricStat": {"Metric": custom, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        AlarmDescription="orders against orders-archive",
    )
    synced(aws, source, target)
    new = puts(aws)["orders-restored/share"]
    assert new["AlarmDescription"] == "orders-restored against orders-archive"
    assert new["Metrics"] == [
        {
            "Id": "e",
            "Expression": "100*(m1+orders)/m2",
            "Label": "orders-restored ${LAST} of orders-archive",
            "ReturnData": True,
        },
        query(1, "orders-restored"),
        query(2, "orders-archive", Label="orders-archive"),
        {
            "Id": "orders",
            "MetricStat": {
                "Metric": {**custom, "Dimensions": [{"Name": "TableName", "Value": "orders-restored"}]},
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
    ]
    assert new.keys().isdisjoint({"Dimensions", "Namespace", "MetricName", "Period", "Statistic", "Unit"})
    assert synced(aws, source, target) == Difference()


def test_anomaly_detection_is_carried_over(aws: Aws, clients: Clients, source: Table, target: Table) -> None:
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True}
    compute(
        clients,
        "orders/odd",
        {**query(1), "ReturnData": True},
        band,
        Threshold=None,
        ThresholdMetricId="band",
        ComparisonOperator="GreaterThanUpperThreshold",
    )
    synced(aws, source, target)
    new = puts(aws)["orders-restored/odd"]
    assert new["ThresholdMetricId"] == "band"
    assert new["Metrics"][1] == band
    assert "Threshold" not in new
    assert synced(aws, source, target) == Difference()


def test_a_table_of_that_name_in_another_account_is_another(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    theirs = query(1, AccountId="210987654321")
    compute(clients, "theirs", {**theirs, "ReturnData": True})
    compute(
        clients,
        "both",
        {"Id": "e", "Expression": "m1/m2"},
        theirs,
        query(2, AccountId=ACCOUNT),
    )
    synced(aws, source, target)
    assert list(puts(aws)) == ["both (orders-restored)"]
    assert puts(aws)["both (orders-restored)"]["Metrics"][1:] == [
        theirs,
        query(2, "orders-restored", AccountId=ACCOUNT),
    ]


@pytest.mark.parametrize(
    ("asks", "asks_then"),
    [
        (
            "SELECT SUM(x) FROM SCHEMA(\"AWS/DynamoDB\", TableName) WHERE TableName = 'orders'",
            "SELECT SUM(x) FROM SCHEMA(\"AWS/DynamoDB\", TableName) WHERE TableName = 'orders-restored'",
        ),
        (
            "select max(x) from \"AWS/DynamoDB\" where \"TableName\"='orders' or TableName = 'orders-archive'",
            "select max(x) from \"AWS/DynamoDB\" where \"TableName\"='orders-restored' or TableName = 'orders-archive'",
        ),
    ],
)
def test_a_query_that_asks_for_the_table_is_rewritten(
    aws: Aws, clients: Clients, source: Table, target: Table, asks: str, asks_then: str
) -> None:
    compute(clients, "orders/asked", {"Id": "q", "Expression": asks, "Period": 60, "ReturnData": True})
    synced(aws, source, target)
    (new,) = aws.named("PutMetricAlarm")
    assert new["Metrics"][0]["Expression"] == asks_then
    assert synced(aws, source, target) == Difference()


@pytest.mark.parametrize(
    "expression",
    [
        "SELECT SUM(x) FROM \"AWS/DynamoDB\" WHERE TableName != 'orders'",
        "SELECT SUM(x) FROM \"AWS/DynamoDB\" WHERE TableName = 'orders' AND Operation != 'orders'",
        "SELECT SUM(x) FROM \"AWS/DynamoDB\" WHERE TableName IN ('orders', 'carts')",
        "SUM(SEARCH('{AWS/DynamoDB,TableName} TableName=\"orders\"', 'Sum'))",
        "INSIGHT_RULE_METRIC('DynamoDBContributorInsights-PKC-orders-1700000000', 'MaxContributorValue')",
    ],
)
def test_an_expression_that_names_the_table_in_other_ways_is_reported(
    aws: Aws, clients: Clients, source: Table, target: Table, expression: str
) -> None:
    compute(clients, "odd", {"Id": "q", "Expression": expression, "ReturnData": True})
    assert synced(aws, source, target) == Difference(
        omitted=("alarm odd: it names the table in an expression that cannot be rewritten",)
    )


@pytest.mark.parametrize(
    "expression",
    [
        "SELECT SUM(x) FROM \"AWS/DynamoDB\" WHERE TableName = 'orders-archive'",
        'SELECT SUM(x) FROM "AWS/DynamoDB" GROUP BY TableName',
        "SELECT SUM(x) FROM \"Shop\" WHERE TableName = 'orders'",
        "SUM(SEARCH('{AWS/SQS,QueueName} QueueName=\"orders\"', 'Sum'))",
        "orders * 2",
    ],
)
def test_an_expression_that_does_not_ask_for_the_table_is_left_alone(
    aws: Aws, clients: Clients, source: Table, target: Table, expression: str
) -> None:
    compute(clients, "orders/asked", {"Id": "q", "Expression": expression, "ReturnData": True})
    assert synced(aws, source, target) == Difference()


@pytest.mark.parametrize(
    ("prom_query", "omitted"),
    [
        (
            'rate({"aws.dynamodb.table"="orders"}[5m]) > 1',
            ("alarm ${table}/rate: it names the table in a PromQL query, which cannot be rewritten",),
        ),
        ('rate({"aws.dynamodb.table"="orders-archive"}[5m]) > 1', ()),
        ('rate({"service"="orders"}[5m]) > 1', ()),
    ],
)
def test_a_promql_query_that_names_the_table_is_reported(
    aws: Aws, clients: Clients, source: Table, target: Table, prom_query: str, omitted: tuple[str, ...]
) -> None:
    clients.cloudwatch.put_metric_alarm(
        AlarmName="orders/rate",
        EvaluationCriteria={"PromQLCriteria": {"Query": prom_query}},
        EvaluationInterval=60,
    )
    assert synced(aws, source, target) == Difference(omitted=omitted)


# Composite alarms ------------------------------------------------------------------------------------------------


@pytest.fixture
def two(clients: Clients, source: Table, target: Table) -> None:
    """Two alarms of the source, one with the table's name in its own."""
    watch(clients, "orders/reads")
    watch(clients, "writes (slow)", **metric("orders", "WriteThrottleEvents"))


READS, WRITES = "orders-restored/reads", "writes (slow) (orders-restored)"


@pytest.mark.parametrize(
    ("rule", "rule_then"),
    [
        ('ALARM("orders/reads")', f'ALARM("{READS}")'),
        ("ALARM(orders/reads)", f'ALARM("{READS}")'),
        ('ALARM( "orders/reads" ) AND NOT OK("writes (slow)")', f'ALARM("{READS}") AND NOT OK("{WRITES}")'),
        (
            f'(INSUFFICIENT_DATA("{alarm_arn("orders/reads")}") OR\n  ALARM({alarm_arn("orders/reads")})) AND TRUE',
            f'(INSUFFICIENT_DATA("{READS}") OR ALARM("{READS}")) AND TRUE',
        ),
        (
            'AT_LEAST(50%, NOT OK, ("orders/reads", "writes (slow)")) OR FALSE',
            f'AT_LEAST(50%, NOT OK, ("{READS}", "{WRITES}")) OR FALSE',
        ),
        (
            f"AT_LEAST(1, ALARM, (orders/reads,{alarm_arn('orders/reads')}))",
            f'AT_LEAST(1, ALARM, ("{READS}", "{READS}"))',
        ),
    ],
)
def test_a_rule_is_rewritten_to_the_clones(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None, rule: str, rule_then: str
) -> None:
    combine(
        clients,
        "orders/any",
        rule,
        AlarmDescription="anything of orders",
        AlarmActions=[TOPIC],
        ActionsEnabled=False,
        Tags=[{"Key": "team", "Value": "checkout"}],
    )
    difference = synced(aws, source, target)
    assert [step.summary for step in difference.steps] == [
        "create alarm ${table}/reads",
        "create alarm writes (slow) (${table})",
        "create alarm ${table}/any",
    ]
    assert aws.named("PutCompositeAlarm") == [
        {
            "AlarmName": "orders-restored/any",
            "AlarmRule": rule_then,
            "AlarmDescription": "anything of orders-restored",
            "AlarmActions": [TOPIC],
            "ActionsEnabled": False,
            "Tags": [{"Key": "team", "Value": "checkout"}],
        }
    ]
    assert synced(aws, source, target) == Difference()


def test_composite_alarms_come_after_what_they_are_built_on(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/a", "ALARM(orders/b) OR ALARM(orders/reads)")
    combine(
        clients,
        "orders/b",
        "ALARM(orders/c)",
        ActionsSuppressor="orders/d",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=0,
    )
    combine(clients, "orders/c", 'ALARM("writes (slow)")')
    combine(clients, "orders/d", "OK(orders/reads)")
    synced(aws, source, target)
    assert list(puts(aws, "PutCompositeAlarm")) == [
        "orders-restored/c",
        "orders-restored/d",
        "orders-restored/b",
        "orders-restored/a",
    ]
    assert puts(aws, "PutCompositeAlarm")["orders-restored/b"] == {
        "AlarmName": "orders-restored/b",
        "AlarmRule": 'ALARM("orders-restored/c")',
        "ActionsEnabled": True,
        "ActionsSuppressor": "orders-restored/d",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 0,
    }
    assert synced(aws, source, target) == Difference()


@pytest.mark.parametrize("by_arn", [False, True])
def test_a_suppressor_that_does_not_watch_the_table_stays_the_same(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None, by_arn: bool
) -> None:
    watch(clients, "deploying", **metric("carts"))
    combine(
        clients,
        "orders/any",
        "ALARM(orders/reads)",
        ActionsSuppressor=alarm_arn("deploying") if by_arn else "deploying",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=60,
    )
    synced(aws, source, target)
    assert puts(aws, "PutCompositeAlarm")["orders-restored/any"]["ActionsSuppressor"] == alarm_arn(
        "deploying"
    )
    assert synced(aws, source, target) == Difference()


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (
            "ALARM(orders/reads) OR ALARM(carts-reads)",
            "the alarm carts-reads that it is built on is not cloned",
        ),
        (
            "ALARM(orders/reads) OR ALARM(TargetTracking-table/orders-AlarmHigh-1)",
            "the alarm TargetTracking-table/orders-AlarmHigh-1 that it is built on is not cloned",
        ),
        (
            "ALARM(orders/any) OR ALARM(orders/reads)",
            "the alarm ${table}/any that it is built on is not cloned",
        ),
        (
            "OK(orders/reads) AND OK(orders/reeds)",
            "the alarm ${table}/reeds that it is built on is not cloned",
        ),
        (
            f"ALARM(orders/reads) OR ALARM({alarm_arn('orders/reads', 'us-east-1')})",
            f"the alarm {alarm_arn('${table}/reads', 'us-east-1')} that it is built on is not cloned",
        ),
        (
            "ALARM(orders/reads) XOR ALARM(orders/reads)",
            "its rule is not of a form that this module can read",
        ),
        ("MOST(ALARM, (orders/reads))", "its rule is not of a form that this module can read"),
    ],
)
def test_a_composite_alarm_that_needs_more_than_clones_is_reported(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None, rule: str, why: str
) -> None:
    watch(clients, "carts-reads", **metric("carts"))
    watch(clients, "TargetTracking-table/orders-AlarmHigh-1")
    combine(clients, "orders/any", rule)
    difference = synced(aws, source, target)
    assert difference.omitted == (f"alarm ${{table}}/any: {why}",)
    assert puts(aws, "PutCompositeAlarm") == {}


def test_what_is_built_on_a_composite_alarm_that_is_not_cloned_is_not_cloned(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/any", "ALARM(orders/reads) OR ALARM(carts-reads)")
    combine(clients, "shop", "ALARM(orders/any)")
    combine(clients, "orders/ring-1", "ALARM(orders/ring-2)")
    combine(clients, "orders/ring-2", "ALARM(orders/ring-1) OR ALARM(orders/reads)")
    watch(clients, "TargetTracking-table/orders-AlarmLow-1")
    combine(
        clients, "muted", "ALARM(orders/reads)", ActionsSuppressor="TargetTracking-table/orders-AlarmLow-1"
    )
    assert set(synced(aws, source, target).omitted) == {
        "alarm ${table}/any: the alarm carts-reads that it is built on is not cloned",
        "alarm shop: the alarm ${table}/any that it is built on is not cloned",
        "alarm ${table}/ring-1: the alarm ${table}/ring-2 that it is built on is not cloned",
        "alarm ${table}/ring-2: the alarm ${table}/ring-1 that it is built on is not cloned",
        "alarm muted: the alarm TargetTracking-table/orders-AlarmLow-1 that it is built on is not cloned",
    }


def test_composite_alarms_of_other_things_are_left_alone(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/lambda", "ALARM(carts-reads) OR TRUE")
    combine(clients, "orders/odd", "MOST(ALARM, (carts-reads))")
    difference = synced(aws, source, target)
    assert (len(difference.steps), difference.omitted) == (2, ())


def test_a_composite_alarm_without_one_of_its_clones_is_left_out(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/any", 'ALARM(orders/reads) OR ALARM("writes (slow)")')
    # Somebody's own, under the name that the clone would have.
    watch(clients, WRITES, **metric("carts"))
    difference = CloudWatchAlarms().diff(
        portable(CloudWatchAlarms(), source), CloudWatchAlarms().read(target).state
    )
    reads, writes, composite = difference.steps
    CloudWatchAlarms().apply(target, reads)
    with pytest.raises(StepOmitted, match="another alarm of that name, which is kept"):
        CloudWatchAlarms().apply(target, writes)
    with pytest.raises(
        StepOmitted, match=r"the alarm writes \(slow\) \(orders-restored\) that it is built on is not there"
    ):
        CloudWatchAlarms().apply(target, composite)
    assert "orders-restored/any" not in puts(aws, "PutCompositeAlarm")


# What the target has ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "differing"),
    [
        ({}, None),
        ({"AlarmActions": [function_arn("heal"), TOPIC], "TreatMissingData": "missing"}, None),
        ({"Threshold": 5.0, "EvaluateLowSampleCountPercentile": "evaluate"}, None),
        ({"EvaluationWindow": {"SlidingWindow": {}}}, None),
        ({"Threshold": 6}, "Threshold"),
        ({"AlarmActions": [TOPIC]}, "AlarmActions"),
        ({"ActionsEnabled": False, "Statistic": "Maximum"}, "ActionsEnabled, Statistic"),
        ({"AlarmDescription": "ours"}, "AlarmDescription"),
        (
            {
                "Dimensions": [
                    *metric("orders-restored")["Dimensions"],
                    {"Name": "Operation", "Value": "Scan"},
                ]
            },
            "Dimensions",
        ),
        ({"Tags": [{"Key": "team", "Value": "platform"}]}, "Tags"),
    ],
)
def test_an_alarm_of_that_name_is_kept(
    aws: Aws, clients: Clients, source: Table, target: Table, more: dict[str, Any], differing: str | None
) -> None:
    watch(clients, "orders/throttled", AlarmActions=[TOPIC, function_arn("heal")])
    theirs = {"AlarmActions": [TOPIC, function_arn("heal")], **metric("orders-restored"), **more}
    watch(clients, "orders-restored/throttled", **theirs)
    conflict = f"alarm ${{table}}/throttled differs in {differing}; the target's is kept"
    assert synced(aws, source, target) == Difference(conflicts=(conflict,) if differing else ())
    assert puts(aws) == {}


@pytest.mark.parametrize(
    ("rule", "more", "differing"),
    [
        (f'ALARM({READS}) OR ALARM("{WRITES}")', {}, None),
        (f'ALARM({READS}) AND ALARM("{WRITES}")', {}, "AlarmRule"),
        (f"ALARM({READS}) OR ALARM({READS})", {}, "AlarmRule"),
        (f'ALARM({READS}) OR ALARM("{WRITES}")', {"ActionsSuppressor": READS}, "ActionsSuppressor"),
        (f'ALARM({READS}) OR ALARM("{WRITES}")', {"ActionsSuppressor": "deploying"}, "ActionsSuppressor"),
    ],
)
def test_a_composite_alarm_of_that_name_is_kept(
    aws: Aws,
    clients: Clients,
    source: Table,
    target: Table,
    two: None,
    rule: str,
    more: dict[str, Any],
    differing: str | None,
) -> None:
    synced(aws, source, target)
    combine(clients, "orders/any", 'ALARM(orders/reads) OR ALARM("writes (slow)")')
    combine(clients, "orders-restored/any", rule, **more)
    conflict = f"alarm ${{table}}/any differs in {differing}; the target's is kept"
    assert synced(aws, source, target) == Difference(conflicts=(conflict,) if differing else ())


def test_a_metric_alarm_where_a_composite_one_belongs_is_kept(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/any", "ALARM(orders/reads)")
    watch(clients, "orders-restored/any", **metric("orders-restored"))
    assert synced(aws, source, target).conflicts == (
        "alarm ${table}/any differs in kind; the target's is kept",
    )


def test_what_cloudwatch_implies_and_the_order_of_lists_make_no_difference(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    share = {"Id": "e", "Expression": "m1/m2"}
    compute(clients, "orders/share", share, query(1), query(2, "carts"))
    compute(
        clients,
        "orders-restored/share",
        query(2, "carts"),
        query(1, "orders-restored"),
        {**share, "ReturnData": True},
    )
    assert synced(aws, source, target) == Difference()
    compute(
        clients,
        "orders-restored/share",
        {**share, "ReturnData": False},
        {**query(1, "orders-restored"), "ReturnData": True},
        query(2, "carts"),
    )
    assert synced(aws, source, target).conflicts == (
        "alarm ${table}/share differs in Metrics; the target's is kept",
    )


def test_an_alarm_that_appears_meanwhile_is_kept(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/any", "ALARM(orders/reads)")
    setting = CloudWatchAlarms()
    reads, writes, composite = setting.diff(portable(setting, source), setting.read(target).state).steps
    watch(clients, READS, **metric("orders-restored"), Threshold=99)
    combine(clients, "orders-restored/any", "ALARM(orders/reads)")
    before = len(aws.named("PutMetricAlarm")), len(aws.named("PutCompositeAlarm"))
    for step in (reads, composite):
        with pytest.raises(StepOmitted, match="another alarm of that name, which is kept"):
            setting.apply(target, step)
    assert before == (len(aws.named("PutMetricAlarm")), len(aws.named("PutCompositeAlarm")))
    setting.apply(target, writes)


def test_an_alarm_that_an_earlier_try_created_is_enough(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    combine(clients, "orders/any", "ALARM(orders/reads)", ActionsSuppressor="writes (slow)")
    setting = CloudWatchAlarms()
    steps = setting.diff(portable(setting, source), setting.read(target).state).steps
    for step in [*steps, *steps]:
        setting.apply(target, step)
    assert len(aws.named("PutMetricAlarm")) == 4
    assert len(aws.named("PutCompositeAlarm")) == 2


def test_alarms_of_the_target_alone_are_nothing_to_do(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    watch(clients, "orders-restored/own", **metric("orders-restored"))
    assert synced(aws, source, target) == Difference()


def test_a_clone_of_a_clone_is_named_for_its_own_table(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    synced(aws, source, target)
    make_table(clients, "orders-2")
    synced(aws, target, Table("orders-2", clients))
    assert sorted(puts(aws)) == ["orders-2/reads", "writes (slow) (orders-2)"]


# Calls and errors ------------------------------------------------------------------------------------------------


def test_a_table_without_alarms_costs_the_listing_alone(
    aws: Aws, alarms: Alarms, clients: Clients, source: Table
) -> None:
    for number in range(5):
        watch(clients, f"carts-{number}", **metric("carts"))
    source.describe()
    aws.calls.clear()
    assert CloudWatchAlarms().read(source).state == {
        "metric_alarms": {},
        "composite_alarms": {},
        "not_cloned": [],
        "indexes": ["by-customer"],
    }
    assert [call.operation for call in aws.calls] == ["DescribeAlarms"] * 3
    assert aws.calls[0].parameters == {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}


def test_the_target_is_asked_for_the_alarms_that_it_gets_and_for_no_others(
    aws: Aws, alarms: Alarms, clients: Clients, source: Table, target: Table, two: None
) -> None:
    for number in range(20):
        watch(clients, f"carts-{number}", **metric("carts"))
    combine(clients, "orders/any", "ALARM(orders/reads)", ActionsSuppressor="writes (slow)")
    setting = CloudWatchAlarms()
    desired = portable(setting, source)
    difference = setting.diff(desired, setting.read_named(target, desired, applied=False).state)
    alarms.page_size = 100
    aws.calls.clear()
    for step in difference.steps:
        setting.apply(target, step)
    again = setting.diff(desired, setting.read_named(target, desired, applied=True).state)
    assert again == Difference()
    names = ["orders-restored/any", "orders-restored/reads", "writes (slow) (orders-restored)"]
    assert [sorted(parameters["AlarmNames"]) for parameters in aws.named("DescribeAlarms")] == [
        names[1:2],
        names[2:],
        names[:1],
        names[1:],
        names,
    ]
    assert aws.named("ListTagsForResource") == []


def test_a_table_that_gets_no_alarms_is_not_asked_for_any(
    aws: Aws, clients: Clients, source: Table, target: Table
) -> None:
    setting = CloudWatchAlarms()
    desired = portable(setting, source)
    target.describe()
    aws.calls.clear()
    assert setting.read_named(target, desired, applied=False).state["metric_alarms"] == {}
    assert aws.calls == []


@pytest.mark.parametrize("kind", ["metric", "composite"])
def test_an_alarm_of_that_name_that_watches_something_else_is_a_conflict_before_anything_is_written(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None, kind: str
) -> None:
    if kind == "metric":
        watch(clients, "orders-restored/reads", **metric("carts"))
    else:
        watch(clients, "carts-reads", **metric("carts"))
        combine(clients, "orders-restored/reads", "ALARM(carts-reads)")
    difference = synced(aws, source, target)
    assert [step.summary for step in difference.steps] == ["create alarm writes (slow) (${table})"]
    (conflict,) = difference.conflicts
    assert conflict.startswith("alarm ${table}/reads differs in ")
    assert list(puts(aws)) == ["writes (slow) (orders-restored)"]


def test_restores_at_the_same_time_share_the_listing_of_the_sources(
    aws: Aws, clients: Clients, source: Table, two: None
) -> None:
    since = time.time()
    others = [Table(name, clients, listings_since=since) for name in ("orders", "carts")]
    make_table(clients, "carts")
    watch(clients, "carts/reads", **metric("carts"))
    states = []
    for table in others:
        aws.calls.clear()
        states.append(portable(CloudWatchAlarms(), table))
    assert [list(state["metric_alarms"]) for state in states] == [
        ["${table}/reads", "writes (slow)"],
        ["${table}/reads"],
    ]
    assert [call.operation for call in aws.calls] == ["DescribeTable", "ListTagsForResource"]


@pytest.mark.parametrize(
    ("code", "asked_again"),
    [
        pytest.param("Throttling", ["2"], id="a page that failed"),
        pytest.param("InvalidNextToken", [None, "2"], id="a token that is not taken any more"),
    ],
)
def test_a_listing_that_fails_goes_on_where_cloudwatch_takes_its_token(
    aws: Aws, alarms: Alarms, clients: Clients, source: Table, two: None, code: str, asked_again: list[Any]
) -> None:
    combine(clients, "orders/any", "ALARM(orders/reads)")
    table = Table("orders", clients, listings_since=time.time())
    alarms.refuses_next_page = code
    with pytest.raises(ClientError):
        CloudWatchAlarms().read(table)
    aws.calls.clear()
    assert list(CloudWatchAlarms().read(table).state["metric_alarms"]) == ["${table}/reads", "writes (slow)"]
    assert [parameters.get("NextToken") for parameters in aws.named("DescribeAlarms")] == asked_again


def test_the_portable_state_does_not_name_its_table(clients: Clients, source: Table, two: None) -> None:
    compute(clients, "orders/share", {"Id": "e", "Expression": "m1*2", "Label": "orders"}, query(1))
    combine(clients, "orders/any", "ALARM(orders/reads)", ActionsSuppressor="orders/share")
    combine(clients, "orders/part", "ALARM(orders/reads) OR ALARM(carts)")
    assert "orders" not in json.dumps(portable(CloudWatchAlarms(), source))


def test_an_alarm_that_is_deleted_while_it_is_read_is_gone(
    aws: Aws, clients: Clients, source: Table, two: None
) -> None:
    aws.fail("ListTagsForResource", "ResourceNotFoundException")
    assert list(portable(CloudWatchAlarms(), source)["metric_alarms"]) == ["writes (slow)"]


@pytest.mark.parametrize(
    ("operation", "code", "meaning"),
    [
        ("DescribeAlarms", "Throttling", ErrorClass.RETRY),
        ("DescribeAlarms", "AccessDenied", ErrorClass.GIVE_UP),
        ("ListTagsForResource", "Throttling", ErrorClass.RETRY),
    ],
)
def test_errors_of_a_read_are_raised(
    aws: Aws, clients: Clients, source: Table, two: None, operation: str, code: str, meaning: ErrorClass
) -> None:
    aws.fail(operation, code)
    with pytest.raises(ClientError) as caught:
        CloudWatchAlarms().read(source)
    assert classify(caught.value) is meaning


@pytest.mark.parametrize("code", ["LimitExceeded", "LimitExceededFault"])
def test_a_full_quota_says_what_to_do(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None, code: str
) -> None:
    aws.fail("PutMetricAlarm", code)
    with pytest.raises(CannotApplyError, match=r"quota of alarms .* raise it in Service Quotas"):
        carry_over(CloudWatchAlarms(), source, target)


def test_other_errors_of_a_write_are_raised(
    aws: Aws, clients: Clients, source: Table, target: Table, two: None
) -> None:
    aws.fail("PutMetricAlarm", "ValidationError", "Invalid region")
    with pytest.raises(type(client_error("", "")), match="Invalid region"):
        carry_over(CloudWatchAlarms(), source, target)


def test_a_state_that_was_kept_in_whole_numbers_is_the_same(
    clients: Clients, source: Table, target: Table, two: None
) -> None:
    """DynamoDB gives 5.0 back as 5."""
    state: State = portable(CloudWatchAlarms(), source)
    assert state["metric_alarms"]["${table}/reads"]["parameters"]["Threshold"] == 5.0
    carry_over(CloudWatchAlarms(), source, target)
    state["metric_alarms"]["${table}/reads"]["parameters"]["Threshold"] = 5
    assert CloudWatchAlarms().diff(state, CloudWatchAlarms().read(target).state) == Difference()
