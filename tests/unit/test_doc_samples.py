"""The sample reports in README.md and docs/report.md are what the code writes for a restore.

The restore runs through the worker, against the AWS of the unit tests. A line `…` of a sample stands for lines that the sample
leaves out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.delivery import Finished
from tests.unit.builders import (
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    request,
)
from tests.unit.fakes import Aws, Clock, table_arn

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = re.compile(r"<!-- sample: [^>]+ -->\n```text\n(.+?)\n```", re.DOTALL)


def sample(document: str) -> str:
    """The one sample report of a document."""
    (found,) = SAMPLE.findall((ROOT / document).read_text(encoding="utf-8"))
    return str(found)


@pytest.fixture
def report(aws: Aws, clients: Clients, clock: Clock) -> str:
    """The text of the report on a restore whose target has a tag of its own."""
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    clients.dynamodb.tag_resource(
        ResourceArn=table_arn("orders-restored"), Tags=[{"Key": "team", "Value": "restore-drill"}]
    )
    restored = {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
        "RestoreInProgress": False,
    }
    aws.describe_as("orders-restored", RestoreSummary=restored)
    verdict = make_worker(clients, clock).follow(delivery(request(), 12))
    assert isinstance(verdict, Finished)
    return verdict.report.text()


def test_the_whole_report_is_as_documented(report: str) -> None:
    assert sample("docs/report.md") == report.rstrip("\n")


def test_the_excerpt_in_the_readme_is_part_of_the_report(report: str) -> None:
    begin = 0
    for part in sample("README.md").split("\n…\n"):
        found = re.compile(rf"^{re.escape(part)}$", re.MULTILINE).search(report, begin)
        assert found, f"not in this order in the report:\n{part}\n\nThe report:\n{report}"
        begin = found.end()


def test_the_excerpt_has_about_a_dozen_lines() -> None:
    assert len(sample("README.md").splitlines()) <= 16
