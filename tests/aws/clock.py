"""Virtual time, and an executor that needs no threads: with both, the order of all calls follows from a seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from typing_extensions import override

_Value = TypeVar("_Value")


@dataclass
class VirtualClock:
    """Seconds that pass only when something takes time.

    Attributes:
        now: the true time, epoch seconds.
        offsets: how far the clock of a service, by its name in botocore, is ahead of the true time, in seconds.
    """

    now: float = 0.0
    offsets: dict[str, float] = field(default_factory=dict)
    _agenda: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _entries: int = 0

    def of(self, service: str) -> float:
        """What the clock of a service shows, epoch seconds."""
        return self.now + self.offsets.get(service, 0.0)

    def instant(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def sleep(self, seconds: float) -> None:
        if self._agenda:
            self.wait_until(self.now + seconds)
        elif seconds > 0:
            self.now += seconds

    def wait_until(self, at: float) -> None:
        """Let time pass, with all that is due on the way; it never runs back."""
        while self._agenda and self._agenda[0][0] <= at:
            due, _, action = heapq.heappop(self._agenda)
            self.now = max(self.now, due)
            action()
        self.now = max(self.now, at)

    def call_at(self, at: float, action: Callable[[], object]) -> None:
        """Do something when its time has come.

        Args:
            action: a method, or an object that can be called. It is copied with the account, so no closure.
        """
        self._entries += 1
        heapq.heappush(self._agenda, (at, self._entries, action))


class InlineExecutor(Executor):
    """Runs each call at once, in the caller's thread."""

    @override
    def submit(self, fn: Callable[..., _Value], /, *args: Any, **kwargs: Any) -> Future[_Value]:
        future: Future[_Value] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
