"""A restore as the worker meets it, for the hazards that are about which table is meant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dynamodb_restore.restore.delivery import Finished, GivenUp, Verdict
from tests.unit.fakes import Aws, table_arn

TARGET = "orders-restored"
RESTORED_TO = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
MADE_IN_TIME = datetime(2026, 11, 22, 7, 0, 2, tzinfo=UTC)
RESTORING: Mapping[str, Any] = {
    "TableStatus": "CREATING",
    "RestoreSummary": {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": RESTORED_TO,
        "RestoreInProgress": True,
    },
}


def forgets_its_origin(aws: Aws, target: str = TARGET) -> None:
    """What AWS documents of `RestoreSummary` holds for a table that is being restored: an ACTIVE one need not have it."""
    aws.describe_as(target, RestoreSummary={})


def given_up(verdict: Verdict) -> tuple[str, str]:
    """The code, and the result of the report."""
    assert isinstance(verdict, GivenUp), verdict
    return verdict.code, verdict.report.result.value


def statuses(verdict: Verdict) -> dict[str, str]:
    assert isinstance(verdict, Finished | GivenUp), verdict
    return {outcome.setting: outcome.status.value for outcome in verdict.report.outcomes}
