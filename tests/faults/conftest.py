"""How many calls get a fault, and the sums at the end.

`FAULTS=all`: every call. Else every tenth call of every action, beginning with one that `FAULTS_SEED` sets.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from tests.aws.environment import isolate

isolate()
# The same in every run unless somebody chooses: a red run must be one's own doing.
os.environ.setdefault("FAULTS_SEED", "0")

import pytest  # noqa: E402

from tests.faults.functions import Functions  # noqa: E402
from tests.faults.share import ONE_IN, SEED, Share  # noqa: E402

_FOLDER = "tests/faults/"


@pytest.fixture
def functions() -> Iterator[Functions]:
    with Functions().deployed() as deployed:
        yield deployed


@pytest.fixture(scope="session")
def share() -> Share:
    return Share()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests say they have tried."""
    tried: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if report.when == "call" and report.nodeid.startswith(_FOLDER):
                tried.update(
                    {name: count for name, count in report.user_properties if isinstance(count, int)}
                )
    if not tried:
        return
    which = "every call" if ONE_IN == 1 else f"one call in {ONE_IN}, FAULTS_SEED={SEED}"
    sums = ", ".join(f"{count:,} {what}" for what, count in tried.items())
    terminalreporter.write_line(f"faults at {which}: {sums}")
