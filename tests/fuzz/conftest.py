"""Bad input by the thousand; README.md says what is promised of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.effort import Tried, told
from tests.unit.conftest import clients

__all__ = ["clients"]


def pytest_report_header() -> str:
    return told()


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[Tried]:
    """Counts the inputs of one test, and gives the sum to the test report."""
    counter = Tried()
    yield counter
    record_property("fuzzed inputs", counter.endings.total())
