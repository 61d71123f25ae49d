"""Fixtures of the tests of searches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.name_holders import NameHolders
from tests.unit.fakes import Aws
from tests.unit.findings.holders import put_in_front


@pytest.fixture
def in_front(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> tuple[NameHolders, set[str]]:
    return put_in_front(aws, monkeypatch)


@pytest.fixture
def holders(in_front: tuple[NameHolders, set[str]]) -> NameHolders:
    """What may hold the name of a table, in an empty account."""
    return in_front[0]


@pytest.fixture
def regions(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The regions that were called so far."""
    called: set[str] = set()
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        called.add(client.meta.region_name)
        return otherwise(client, operation, parameters, moto)

    monkeypatch.setattr(aws, "answer", answer)
    return called
