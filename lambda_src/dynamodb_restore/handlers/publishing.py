"""Publish metrics: those that `dynamodb_restore.metrics` lists, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_restore.metrics import Metric

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics


def publish(metrics: Metrics, metric: Metric, value: float) -> None:
    """Add a value of a metric to what the invocation publishes when it ends.

    Args:
        metrics: the function's own, with its dimensions.
    """
    metrics.add_metric(metric.value, metric.unit, value)
