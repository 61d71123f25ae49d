"""Time and rates, as one invocation of a function sees them: how long it may still run, what of that is kept for what, and
how long it waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

from dynamodb_restore.aws import CALL_SECONDS

QUEUE_SECONDS = CALL_SECONDS
"""What a delivery of a restore's message keeps for what becomes of the message: one call to SQS. One endpoint that does not
answer may cost any part of a delivery a call, and never the delivery."""

ENDING_SECONDS = QUEUE_SECONDS + 2 * CALL_SECONDS
"""What it keeps for what follows the work: the report and the record. A call of these that fails ends the delivery; one that
takes long and succeeds leaves time for the next."""

AFTER_A_WAIT_SECONDS = ENDING_SECONDS + CALL_SECONDS
"""Left when nothing is waited for any more: what follows the work, and the call that was waited for."""

_PARALLEL_CALLS = 8


def parallel_calls() -> Executor:
    """Where an invocation's calls run beside each other; leaving it waits for all of them."""
    return ThreadPoolExecutor(_PARALLEL_CALLS)


@dataclass(frozen=True)
class Pace:
    """Time, as bringing settings over sees it: for work that is waited for.

    Attributes:
        sleep: waits so many seconds.
        remaining_seconds: how long the function may still run.
        rng: draws the jitter.
    """

    sleep: Callable[[float], None]
    remaining_seconds: Callable[[], float]
    rng: random.Random


@dataclass(frozen=True)
class Clock:
    """Time, as capture and replay see it: for writes that must not begin late.

    Attributes:
        monotonic: seconds that never run back.
        deadline: the monotonic second at which no more writes may begin.
        now: epoch seconds.
        reserve_seconds: from the deadline to the end of the invocation, kept for what has to be noted.
    """

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    deadline: float
    rng: random.Random
    now: Callable[[], float] = time.time
    reserve_seconds: float = 5.0

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.monotonic() >= self.deadline

    @property
    def remaining_seconds(self) -> float:
        """How long the invocation can still run; never below zero."""
        return max(0.0, self.deadline + self.reserve_seconds - self.monotonic())

    @property
    def ends_at(self) -> float:
        """The epoch second after which this invocation sends nothing any more."""
        return self.now() + self.remaining_seconds

    def pause(self, seconds: float) -> bool:
        """Sleep, unless the deadline would pass meanwhile; False then."""
        if self.monotonic() + seconds >= self.deadline:
            return False
        self.sleep(seconds)
        return True

    def within(self, share: float) -> Clock:
        """The same clock with a deadline nearer by: this share of the time that is left."""
        now = self.monotonic()
        deadline = now + max(0.0, self.deadline - now) * share
        return replace(
            self, deadline=deadline, reserve_seconds=self.deadline + self.reserve_seconds - deadline
        )

    def for_notes(self) -> Clock:
        """The same clock for what has to be stored after the last write: it may use half of the reserve."""
        half = self.reserve_seconds / 2
        return replace(self, deadline=self.deadline + half, reserve_seconds=half)


class UnitRate:
    """A limit on read or write units a second, shared by parallel calls."""

    def __init__(self, units_per_second: float | None, clock: Clock) -> None:
        self._units_per_second = units_per_second
        self._clock = clock
        self._free_at = clock.monotonic()
        self._lock = threading.Lock()

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._units_per_second is not None

    def units_in(self, seconds: float) -> float:
        """How many units this many seconds allow; infinite where there is no limit."""
        return float("inf") if self._units_per_second is None else self._units_per_second * seconds

    def take(self, units: float) -> bool:
        """Wait until `units` may be used; False where the deadline comes first."""
        if self._units_per_second is None:
            return True
        with self._lock:
            start = max(self._free_at, self._clock.monotonic())
            self._free_at = start + units / self._units_per_second
        wait = start - self._clock.monotonic()
        return wait <= 0 or self._clock.pause(wait)

    def spend(self, units: float) -> None:
        """Count units that turned out to be used; whoever comes next waits for them."""
        if self._units_per_second is not None:
            with self._lock:
                self._free_at = max(self._free_at, self._clock.monotonic()) + units / self._units_per_second
