"""What the tests of searches share: the services of `tests/aws/name_holders.py` in front of moto, and time that passes as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dynamodb_restore.findings.finding import TableId, TimeLeft
from tests.aws.name_holders import NameHolders
from tests.unit.fakes import Aws, table_arn

if TYPE_CHECKING:
    import pytest

SOURCE = TableId.parse(table_arn("orders"))
TARGET = TableId.parse(table_arn("orders-restored"))
ELSEWHERE = TableId("aws", "eu-west-1", SOURCE.account, "orders")
"""The same name in another region."""


class Watch:
    """Time that passes only by sleeping, and with each call."""

    def __init__(self, aws: Aws | None = None, seconds_a_call: float = 0.0) -> None:
        self.naps: list[float] = []
        self._aws = aws
        self._seconds_a_call = seconds_a_call

    def seconds(self) -> float:
        calls = len(self._aws.calls) if self._aws is not None else 0
        return sum(self.naps) + calls * self._seconds_a_call


def time_left(enough: Callable[[], bool] = lambda: True, watch: Watch | None = None) -> TimeLeft:
    """Time enough, unless said otherwise."""
    watch = watch or Watch()
    return TimeLeft(enough, sleep=watch.naps.append, seconds=watch.seconds)


def up_after(looks: int) -> Callable[[], bool]:
    """Time that is up after so many looks at it."""
    answers = iter([True] * looks + [False])
    return lambda: next(answers)


def put_in_front(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> tuple[NameHolders, set[str]]:
    """Let the holders answer what they know; also returns the regions in which they were asked."""
    holders = NameHolders()
    regions: set[str] = set()
    otherwise = aws.answer

    def answer(client: Any, operation: str, parameters: dict[str, Any], moto: Any) -> dict[str, Any]:
        def here(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
            if operation not in holders.operations:
                return dict(moto(client, operation, parameters))
            regions.add(client.meta.region_name)
            return holders.operations[operation](parameters)

        return otherwise(client, operation, parameters, here)

    monkeypatch.setattr(aws, "answer", answer)
    return holders, regions
