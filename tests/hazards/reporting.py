"""A restore with all settings switched on, and what people and machines were told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dynamodb_restore.aws import Clients
from dynamodb_restore.restore.worker import Worker
from tests.unit.builders import make_full_source, make_restore_table, make_target, make_worker
from tests.unit.fakes import Aws, Clock

TARGET = "orders-restored"


def make_restore(aws: Aws, clients: Clients, clock: Clock) -> Worker:
    """A worker, a source with all settings, and a restored table that is ACTIVE."""
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)
    return make_worker(clients, clock)


def told(aws: Aws) -> list[dict[str, Any]]:
    """The reports on the event bus."""
    return [json.loads(call["Entries"][0]["Detail"]) for call in aws.named("PutEvents")]


def by_setting(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of a report by their names."""
    return {outcome["setting"]: outcome for outcome in report["settings"]}


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """How each setting of a report ended."""
    return {name: outcome["status"] for name, outcome in by_setting(report).items()}
