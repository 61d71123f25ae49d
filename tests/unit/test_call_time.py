"""The time that calls may take: what one costs at most, what every function keeps back for it, and the look before each."""

from __future__ import annotations

import ast
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

import dynamodb_restore
from dynamodb_restore import aws
from dynamodb_restore.aws import (
    ATTEMPT_SECONDS,
    CALL_SECONDS,
    CallNotBegunError,
    Clients,
    ErrorClass,
    classify,
    error_code,
    longest_backoff,
    outcome_unknown,
    was_retried,
)
from dynamodb_restore.changes import bundle, capture
from dynamodb_restore.pace import AFTER_A_WAIT_SECONDS, ENDING_SECONDS, QUEUE_SECONDS
from dynamodb_restore.sync import run
from tests.unit.builders import make_table
from tests.unit.fakes import Aws

WORKER_SECONDS = 120.0
"""Of the restore worker, where `lambda.timeout` is not set."""

SHORTEST_WORKER_SECONDS = 90.0
SHORTEST_REPLAY_SECONDS = 45.0
"""The least that `lambda.timeout` may be, in modules/restore-worker and modules/change-pipeline."""

CAPTURE_SECONDS = 240.0

RESERVES = {
    # The last write, and the note of it.
    "handlers.replay._RESERVE_SECONDS": 2,
    "handlers.upkeep._RESERVE_SECONDS": 2,
    # A table that is looked at (what it is, its record, what was queued, the message, its note), and where the run stopped.
    "handlers.reconciler._RESERVE_SECONDS": 6,
    # A look, telling, noting, and giving the pipeline back.
    "actions.context._RESERVE_SECONDS": 4,
    # A call of the search, telling, noting, and what becomes of the message.
    "findings.search._RESERVE_SECONDS": 4,
    "pace.QUEUE_SECONDS": 1,
    "pace.ENDING_SECONDS": 3,
    "pace.AFTER_A_WAIT_SECONDS": 4,
}
"""Constant to how many calls that hang have to fit into it, one after another."""


def kept_constants() -> Iterator[str]:
    """All constants of the code that say how much time is kept."""
    package = Path(dynamodb_restore.__file__).parent
    for file in package.rglob("*.py"):
        module = ".".join(file.relative_to(package).with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if "RESERVE" in name or (module == "pace" and not name.startswith("_")):
                    yield f"{module}.{name}"


def test_every_reserve_is_known_here() -> None:
    assert sorted(kept_constants()) == sorted(RESERVES)


@pytest.mark.parametrize(("constant", "calls"), RESERVES.items())
def test_a_reserve_holds_the_calls_that_come_after_it(constant: str, calls: int) -> None:
    module, _, name = constant.rpartition(".")
    assert getattr(import_module(f"dynamodb_restore.{module}"), name) >= calls * CALL_SECONDS


def test_what_is_kept_leaves_time_for_work() -> None:
    assert SHORTEST_WORKER_SECONDS - AFTER_A_WAIT_SECONDS >= 3 * CALL_SECONDS
    assert WORKER_SECONDS - AFTER_A_WAIT_SECONDS >= run._FIRST_PATIENCE_SECONDS + run._PATIENCE_SECONDS
    assert QUEUE_SECONDS < ENDING_SECONDS < AFTER_A_WAIT_SECONDS
    assert SHORTEST_REPLAY_SECONDS - 2 * CALL_SECONDS >= CALL_SECONDS


def test_capture_ends_in_its_time_although_its_calls_hang() -> None:
    last_send = capture._SEND_SECONDS + CALL_SECONDS
    assert last_send < bundle.LATE_SECONDS
    stored = capture._STORE_SECONDS + 2 * CALL_SECONDS
    # Progress, and where it is stuck: three calls.
    assert stored + max(last_send, capture._DOUBT_SECONDS) + 3 * CALL_SECONDS < CAPTURE_SECONDS


def clients_of(clients: Clients) -> dict[str, BaseClient]:
    names = [name for name in dir(Clients) if not name.startswith("_")]
    found = {name: getattr(clients, name) for name in names}
    return {name: client for name, client in found.items() if isinstance(client, BaseClient)}


def test_no_client_lets_a_call_take_longer(clients: Clients) -> None:
    configured = clients_of(clients)
    assert {"dynamodb", "dynamodb_once", "sqs", "sqs_once", "iam", "cloudwatch"} < configured.keys()
    # Made to wait for as long as a function runs.
    del configured["lambda_invoking"]
    for name, client in configured.items():
        config: Any = client.meta.config
        assert config.retries["mode"] == "standard"
        # A write or a send that nobody waits for any more is in doubt for a quarter of an hour: it gets all the time.
        longest = CALL_SECONDS if name.endswith("_once") else ATTEMPT_SECONDS
        assert config.connect_timeout + config.read_timeout == longest


@dataclass
class Endpoint:
    """DynamoDB behind a client whose requests come here, and time that passes only here and between attempts.

    Attributes:
        takes: seconds of an attempt.
        failure: what it ends with: an exception, or an HTTP status with an error code.
    """

    takes: float
    failure: Exception | tuple[int, str]
    now: float = 1_000.0
    attempts: int = 0

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        self.attempts += 1
        self.now += self.takes
        if isinstance(self.failure, Exception):
            raise self.failure
        status, code = self.failure
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": ""}).encode()
        headers = HTTPHeaders()
        headers["x-amz-crc32"] = str(zlib.crc32(body))
        return AWSResponse(request.url, status, headers, RawResponse(body))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class RawResponse:
    """What urllib3 gives."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def asked(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Exception:
    """How a call of a real client ends, with botocore's longest waits."""
    monkeypatch.setattr(
        "botocore.retries.standard.ExponentialBackoff.delay_amount",
        lambda _, context: longest_backoff(context.attempt_number),
    )
    monkeypatch.setattr("botocore.endpoint.time.sleep", endpoint.sleep)
    monkeypatch.setattr(aws, "time", SimpleNamespace(monotonic=lambda: endpoint.now))
    dynamodb = Clients("eu-central-1").dynamodb
    events: Any = dynamodb.meta.events
    events.register_first("before-send.dynamodb", endpoint)
    with pytest.raises((ClientError, BotoCoreError)) as raised:
        dynamodb.describe_table(TableName="orders")
    return raised.value


THROTTLED = (400, "ThrottlingException")
SLOW = ReadTimeoutError(endpoint_url="https://dynamodb.eu-central-1.amazonaws.com")


@pytest.mark.parametrize(
    ("takes", "failure", "attempts"),
    [
        # Waits of 1 and 2 seconds, and no room for one of 4.
        (0.01, THROTTLED, 3),
        (0.01, (500, "InternalServerError"), 3),
        (4.0, THROTTLED, 2),
        (5.5, SLOW, 2),
        (6.0, SLOW, 1),
        (0.01, (400, "ValidationException"), 1),
    ],
)
def test_a_call_is_tried_as_often_as_fits(
    monkeypatch: pytest.MonkeyPatch, takes: float, failure: Any, attempts: int
) -> None:
    """What AWS refuses for the moment several times, and what hangs no more than twice."""
    endpoint = Endpoint(takes, failure)

    error = asked(endpoint, monkeypatch)

    assert endpoint.attempts == attempts
    assert endpoint.now - 1_000.0 <= CALL_SECONDS
    if isinstance(failure, tuple):
        assert error_code(error) == failure[1]
        assert was_retried(error) is (attempts > 1)
    else:
        assert error is failure


def test_with_short_waits_a_throttled_call_is_tried_four_times(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(0.01, THROTTLED)
    monkeypatch.setattr(endpoint, "sleep", lambda _: None)

    assert error_code(asked(endpoint, monkeypatch)) == "ThrottlingException"

    assert endpoint.attempts == 4


@pytest.fixture
def timed(aws: Aws) -> Clients:
    """Clients whose time is looked at; those of all other tests have all the time in the world."""
    clients = Clients("eu-central-1")
    make_table(clients, "orders")
    return clients


def test_a_call_is_made_only_while_there_is_time_for_it(timed: Clients, aws: Aws) -> None:
    left = CALL_SECONDS + 24
    with timed.call_time.limited(lambda: left, 24):
        timed.dynamodb.describe_table(TableName="orders")
        left -= 0.1
        aws.calls.clear()
        with pytest.raises(CallNotBegunError):
            timed.dynamodb.describe_table(TableName="orders")
        assert aws.calls == []
        with timed.call_time.keeping(23):
            timed.dynamodb.describe_table(TableName="orders")
        with pytest.raises(CallNotBegunError):
            timed.dynamodb.describe_table(TableName="orders")


def test_each_page_is_a_call(timed: Clients) -> None:
    make_table(timed, "customers")
    make_table(timed, "invoices")
    left = [20.0]
    pages = timed.dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1})
    with timed.call_time.limited(lambda: left[0], 0):
        iterator = iter(pages)
        next(iterator), next(iterator)
        left[0] = 1.0
        with pytest.raises(CallNotBegunError):
            next(iterator)


def test_other_regions_share_the_time(timed: Clients) -> None:
    elsewhere = timed.in_region("eu-west-1")
    assert elsewhere.region == "eu-west-1"
    assert timed.in_region("eu-west-1") is elsewhere
    assert timed.in_region("eu-central-1") is timed
    with timed.call_time.limited(lambda: 0.0, 0), pytest.raises(CallNotBegunError):
        elsewhere.dynamodb.list_tables()


def test_an_invocation_leaves_nothing_behind(timed: Clients) -> None:
    with pytest.raises(ZeroDivisionError), timed.call_time.limited(lambda: 0.0, 0):
        raise ZeroDivisionError
    timed.dynamodb.list_tables()


def test_a_call_that_was_not_made_can_be_made_later_and_did_nothing() -> None:
    assert classify(CallNotBegunError()) is ErrorClass.RETRY
    assert not outcome_unknown(CallNotBegunError())
