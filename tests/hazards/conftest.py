"""The hazards meet the functions on the AWS of the unit tests."""

from __future__ import annotations

from tests.unit.conftest import aws, clients

__all__ = ["aws", "clients"]
