"""What the tests of searches share: where their calls went."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fakes import Aws


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
