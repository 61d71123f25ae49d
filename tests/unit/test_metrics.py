"""All metrics are listed once, and what Terraform puts an alarm on is among them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Final, cast

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from dynamodb_restore.handlers.publishing import publish
from dynamodb_restore.metrics import NAMESPACE, Metric
from dynamodb_restore.restore.report import Result

ROOT: Final = Path(__file__).resolve().parents[2]
TERRAFORM: Final = "\n".join(path.read_text() for path in sorted(ROOT.glob("modules/*/*.tf")))
HANDLERS: Final = ROOT / "lambda_src" / "dynamodb_restore" / "handlers"

OF_AWS: Final = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "AsyncEventsDropped",
    "DroppedEventCount",
    "Duration",
    "Errors",
    "NumberOfMessagesSent",
    "OnFailureDestinationDeliveredEventCount",
}
"""Metrics of Lambda and SQS (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html)."""


def test_terraform_has_alarms_on_what_is_published_and_the_list_names_them() -> None:
    watched = set(re.findall(r'^\s*metric(?:_name)?\s*=\s*"(\w+)"', TERRAFORM, flags=re.MULTILINE)) - OF_AWS
    assert watched == {metric.value for metric in Metric if metric.alarm}


@pytest.mark.parametrize(
    "metric", [metric for metric in Metric if metric.alarm], ids=lambda metric: metric.value
)
def test_the_alarm_has_that_name(metric: Metric) -> None:
    assert re.search(rf'"(\$\{{var\.name\}}-)?{re.escape(metric.alarm)}"', TERRAFORM)


def test_the_namespace_is_that_of_terraform() -> None:
    given = re.findall(r'(?:POWERTOOLS_METRICS_NAMESPACE\s*=|namespace\s*=)\s*"(?!AWS/)(\w+)"', TERRAFORM)
    assert set(given) == {NAMESPACE}


@pytest.mark.parametrize("metric", Metric, ids=lambda metric: metric.value)
def test_a_metric_is_explained(metric: Metric) -> None:
    assert metric.meaning.endswith(".")
    assert metric.unit in {unit.value for unit in MetricUnit}
    assert metric.function in {"worker", "reconciler", "capture", "replay", "upkeep"}


def test_each_result_has_its_metric() -> None:
    names = {f"Restores{result.name.title().replace('_', '')}" for result in Result}
    assert names <= {metric.value for metric in Metric}


def test_handlers_publish_nothing_but_what_is_listed() -> None:
    """Neither by name, nor past `publish`; and what is listed is published."""
    used: set[str] = set()
    for path in sorted(HANDLERS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "add_metric":
                assert path.name == "publishing.py"
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "Metric"
            ):
                used.add(node.attr)
    by_name = {metric.name for metric in Metric if metric.name.startswith(("RESTORES_", "SETTINGS_"))}
    assert {metric.name for metric in Metric} - by_name <= used


def test_a_value_is_published_with_the_unit_of_its_metric() -> None:
    metrics = Metrics(namespace=NAMESPACE, service="test")
    try:
        publish(metrics, Metric.SECONDS_FROM_REQUEST_TO_SYNCED, 1.5)
        published = cast("dict[str, Any]", metrics.serialize_metric_set())
    finally:
        metrics.clear_metrics()
    assert published["SecondsFromRequestToSynced"] == [1.5]
    (definition,) = published["_aws"]["CloudWatchMetrics"]
    assert definition["Metrics"] == [{"Name": "SecondsFromRequestToSynced", "Unit": "Seconds"}]
