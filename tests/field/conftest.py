"""The surroundings of the functions, the AWS of the unit tests, and a source table with a pipeline."""

from __future__ import annotations

from tests.aws.environment import isolate

isolate()

from collections.abc import Iterator  # noqa: E402

import pytest  # noqa: E402

from tests.faults.functions import Functions  # noqa: E402
from tests.unit.changes.conftest import house  # noqa: E402
from tests.unit.conftest import aws, clients, clock  # noqa: E402

__all__ = ["aws", "clients", "clock", "house"]


@pytest.fixture(scope="module")
def functions() -> Iterator[Functions]:
    """The deployed functions, which run on any world."""
    with Functions().deployed() as deployed:
        yield deployed
