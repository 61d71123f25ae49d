"""A source table with a pipeline, on the AWS of the unit tests."""

from __future__ import annotations

from tests.unit.changes.conftest import house
from tests.unit.conftest import aws, clients, clock

__all__ = ["aws", "clients", "clock", "house"]
