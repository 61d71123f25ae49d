"""A missing permission or key makes replay fail at once and for ever: its messages come back until SQS moves them to the
FIFO DLQ, and nobody is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamodb_restore.aws import Clients
from dynamodb_restore.handlers import replay
from tests.hazards.pipeline_functions import PipelineFunctions, replaying
from tests.unit.changes.house import UPKEEP_CONTEXT
from tests.unit.changes.makers import put, read
from tests.unit.fakes import Aws, client_error


@pytest.fixture
def pipeline(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> PipelineFunctions:
    return replaying(aws, clients, monkeypatch)


def refusals(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """Of the metric with the dimensions that the alarm has."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert sorted(directive["Dimensions"][0]) == ["service", "table"]
        assert line["table"] == "orders"
    return [value for line in lines for value in line.get("ReplayRefused", [])]


def test_a_write_that_is_not_allowed(pipeline: PipelineFunctions, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline.house.aws.fail("BatchWriteItem", "AccessDeniedException")

    replay.handler({"Records": pipeline.buffered(put("a"))}, UPKEEP_CONTEXT)

    assert refusals(capsys) == [1.0]


def test_a_single_write_that_is_not_allowed(
    pipeline: PipelineFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.house.aws.fail("BatchWriteItem", "ValidationException")
    pipeline.house.aws.fail("PutItem", "AccessDeniedException")

    replay.handler({"Records": pipeline.buffered(put("a"))}, UPKEEP_CONTEXT)

    assert refusals(capsys) == [1.0]


def test_a_read_of_the_source_that_is_not_allowed(
    pipeline: PipelineFunctions, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = pipeline.buffered(read("a"))
    answer = pipeline.house.aws.answer

    def denied(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> Any:
        if operation == "BatchGetItem" and "orders" in parameters["RequestItems"]:
            raise client_error(operation, "KMSAccessDeniedException", "no")
        return answer(client, operation, parameters, otherwise)

    monkeypatch.setattr(pipeline.house.aws, "answer", denied)

    replay.handler({"Records": records}, UPKEEP_CONTEXT)

    assert refusals(capsys) == [1.0]


def test_a_restore_table_that_may_not_be_read(
    pipeline: PipelineFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.house.aws.fail("BatchGetItem", "AccessDeniedException")

    with pytest.raises(ClientError):
        replay.handler({"Records": pipeline.buffered(put("a"))}, UPKEEP_CONTEXT)

    assert refusals(capsys) == [1.0]


def test_what_passes_by_itself_is_not_told(
    pipeline: PipelineFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.house.aws.fail("BatchWriteItem", "ThrottlingException")
    replay.handler({"Records": pipeline.buffered(put("a"))}, UPKEEP_CONTEXT)
    pipeline.house.aws.fail("BatchGetItem", "ThrottlingException")
    with (
        pytest.warns(UserWarning, match="No application metrics to publish"),
        pytest.raises(ClientError),
    ):
        replay.handler({"Records": pipeline.buffered(put("b"), group=7)}, UPKEEP_CONTEXT)

    assert refusals(capsys) == []
