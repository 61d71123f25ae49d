"""The time that calls may take: what one costs at most, what every function keeps back for it, and the look before each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

import dynamodb_restore
from dynamodb_restore.aws import (
    ATTEMPT_SECONDS,
    CALL_SECONDS,
    CallNotBegunError,
    Clients,
    ErrorClass,
    classify,
    outcome_unknown,
)
from dynamodb_restore.changes import bundle, capture
from dynamodb_restore.restore import sync
from dynamodb_restore.restore.kept_time import AFTER_A_WAIT_SECONDS, ENDING_SECONDS, QUEUE_SECONDS
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
    "restore.kept_time.QUEUE_SECONDS": 1,
    "restore.kept_time.ENDING_SECONDS": 3,
    "restore.kept_time.AFTER_A_WAIT_SECONDS": 4,
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
                if "RESERVE" in name or module == "restore.kept_time":
                    yield f"{module}.{name}"


def test_every_reserve_is_known_here() -> None:
    assert sorted(kept_constants()) == sorted(RESERVES)


@pytest.mark.parametrize(("constant", "calls"), RESERVES.items())
def test_a_reserve_holds_the_calls_that_come_after_it(constant: str, calls: int) -> None:
    module, _, name = constant.rpartition(".")
    assert getattr(import_module(f"dynamodb_restore.{module}"), name) >= calls * CALL_SECONDS


def test_what_is_kept_leaves_time_for_work() -> None:
    assert SHORTEST_WORKER_SECONDS - AFTER_A_WAIT_SECONDS >= 3 * CALL_SECONDS
    assert WORKER_SECONDS - AFTER_A_WAIT_SECONDS >= sync._FIRST_PATIENCE_SECONDS + sync._PATIENCE_SECONDS
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
        attempts = config.retries["total_max_attempts"]
        backoff = sum(min(2.0**retry, 20) for retry in range(attempts - 1))
        assert config.retries["mode"] == "standard"
        assert attempts * (config.connect_timeout + config.read_timeout) + backoff <= CALL_SECONDS
        # A write or a send that nobody waits for any more is in doubt for a quarter of an hour: it gets all the time.
        longest = CALL_SECONDS if name.endswith("_once") else ATTEMPT_SECONDS
        assert config.connect_timeout + config.read_timeout == longest


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
