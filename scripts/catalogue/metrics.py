"""Metrics: the table of docs/metrics.md."""

from __future__ import annotations

from pathlib import Path

from dynamodb_restore.metrics import Metric
from scripts.catalogue.pages import code, codes, table, with_part


def outputs(root: Path) -> dict[Path, str]:
    page = root / "docs" / "metrics.md"
    return {page: with_part(page, "metrics", listed())}


def listed() -> str:
    return table(
        ["Metric", "Published by", "Unit", "Dimensions", "What it says", "Alarm"],
        [
            [
                code(metric.value),
                metric.function,
                metric.unit,
                codes(metric.dimensions),
                metric.meaning,
                code(f"…-{metric.alarm}") if metric.alarm else "",
            ]
            for metric in Metric
        ],
    )
