"""The AWS of the unit tests, and a source table with a pipeline."""

from __future__ import annotations

from tests.aws.environment import isolate

isolate()

from tests.unit.changes.conftest import house  # noqa: E402
from tests.unit.conftest import aws, clients, clock  # noqa: E402

__all__ = ["aws", "clients", "clock", "house"]
