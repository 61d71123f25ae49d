"""What the tests of the account in memory share."""

from __future__ import annotations

from tests.aws.environment import isolate

isolate()

import pytest  # noqa: E402

from tests.aws.account import Account  # noqa: E402
from tests.aws.clock import VirtualClock  # noqa: E402


@pytest.fixture
def account() -> Account:
    """An empty account, at noon of the 22nd of November 2026."""
    return Account(VirtualClock(1_795_348_800.0))
