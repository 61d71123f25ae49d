"""A table can be restored from a backup of another region, and DescribeBackup knows the backups of its own region alone.

The target's region was asked, which answers that there is no such backup: when it was made, and of which of the tables that had
the source's name, stayed unknown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.restore.origin import find_origin
from dynamodb_restore.restore.request import Sighting
from dynamodb_restore.restore.request_events import parse_event
from tests.unit.builders import event
from tests.unit.fakes import Aws

if TYPE_CHECKING:
    import pytest

MADE_AT = datetime(2026, 11, 21, 23, 33, 20, tzinfo=UTC)
ELSEWHERE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/backup/01768000000000-ab12cd34"


def seen() -> Sighting:
    seen = parse_event(event("backup_without_answer"))
    assert isinstance(seen, Sighting)
    return replace(seen, backup_arn=ELSEWHERE)


def asked_in(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    regions: list[str] = []
    answer = aws.answer

    def noting(client: Any, operation: str, parameters: dict[str, Any], otherwise: Any) -> dict[str, Any]:
        if operation != "DescribeBackup":
            return answer(client, operation, parameters, otherwise)
        regions.append(client.meta.region_name)
        return {"BackupDescription": {"BackupDetails": {"BackupCreationDateTime": MADE_AT}}}

    monkeypatch.setattr(aws, "answer", noting)
    return regions


def test_the_backups_own_region_is_asked(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = asked_in(aws, monkeypatch)
    request = find_origin(clients, seen(), ["eu-west-1"])
    assert regions == ["eu-west-1"]
    assert request.source == TableRef("orders", "eu-west-1", "123456789012")
    assert request.restore_point == MADE_AT


def test_one_that_may_not_be_looked_at_is_not_asked(
    aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report then says which region to add to `source_regions`, and not that a permission is missing."""
    regions = asked_in(aws, monkeypatch)
    request = find_origin(clients, seen())
    assert regions == []
    assert (request.source.region, request.restore_point) == ("eu-west-1", None)
