from __future__ import annotations

import pytest

from dynamodb_restore.aws import Clients
from tests.unit.changes.house import House, build
from tests.unit.fakes import Aws


@pytest.fixture
def house(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> House:
    return build(aws, clients, monkeypatch)
