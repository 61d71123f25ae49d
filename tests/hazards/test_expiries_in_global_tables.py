"""Deletes by time to live that another region made.

DynamoDB names itself as their maker in the region where the item expired only. Replicated, they look like anyone's, and
`keep_expiries = false` captured them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.hazards.capturing import changes, invoke
from tests.unit.changes.house import House
from tests.unit.changes.makers import NOON, key, record

if TYPE_CHECKING:
    import pytest

DAY = 86_400


def _deleted(sequence: int, **old: Any) -> dict[str, Any]:
    found = record("order#1", sequence, event="REMOVE")
    found["dynamodb"]["OldImage"] = {**key("order#1"), **old}
    return found


def test_they_are_told_by_the_old_image(capturing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_EXPIRIES", "false")
    monkeypatch.setenv("TTL_ATTRIBUTE", "expires")
    batch = [
        _deleted(1, expires={"N": str(NOON - DAY)}),
        _deleted(2, expires={"N": str(NOON + DAY)}),
        _deleted(3),
    ]

    assert invoke(batch) is None

    assert [change.sequence for change in changes(capturing)] == ["2", "3"]


def test_they_are_kept_where_expiries_are(capturing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTL_ATTRIBUTE", "expires")

    assert invoke([_deleted(1, expires={"N": str(NOON - DAY)})]) is None

    assert [change.sequence for change in changes(capturing)] == ["1"]
