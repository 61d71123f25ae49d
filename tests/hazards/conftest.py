"""A source table with a pipeline, the functions deployed, and the environment that Terraform gives them."""

from __future__ import annotations

from tests.aws.environment import isolate

isolate()

from types import SimpleNamespace  # noqa: E402

import pytest  # noqa: E402

from dynamodb_restore import aws as aws_module  # noqa: E402
from dynamodb_restore.handlers import capture  # noqa: E402
from tests.aws.clock import VirtualClock  # noqa: E402
from tests.faults.conftest import functions  # noqa: E402
from tests.unit.changes.conftest import house  # noqa: E402
from tests.unit.changes.house import FAILURES, House  # noqa: E402
from tests.unit.changes.makers import NOON, RESTORE_TABLE  # noqa: E402
from tests.unit.conftest import aws, clients, clock  # noqa: E402

__all__ = ["aws", "clients", "clock", "functions", "house"]


@pytest.fixture
def capturing(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The capture function, deployed; it is NOON and time passes by sleeping only."""
    environment = {
        "SOURCE_TABLE_NAME": "orders",
        "RESTORE_TABLE_NAME": RESTORE_TABLE,
        "BUFFER_ID": "buffer-1",
        "BUFFER_URL": house.buffer_url,
        "GROUP_COUNT": "16",
        "BYTE_LIMIT": "262144",
        "KEEP_EXPIRIES": "true",
        "TTL_ATTRIBUTE": "",
        "FAILURE_BUCKET": FAILURES,
        "IMAGE_PREFIX": "images/demo-orders/",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_module, "clients", lambda: house.clients)
    time = VirtualClock(NOON)
    monkeypatch.setattr(capture, "time", SimpleNamespace(time=lambda: time.now, sleep=time.sleep))
    return house
