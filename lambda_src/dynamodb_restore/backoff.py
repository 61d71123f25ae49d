"""Exponential backoff with jitter: for the wait between two deliveries and for polls inside one."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Delays that grow from `base_seconds` by `rate` up to `cap_seconds`, each shortened by up to `jitter`.

    `jitter` is a share: 0 gives exact delays, 1 gives anything from zero to the full delay. Jitter only
    ever shortens, so that `cap_seconds` is a true upper bound.
    """

    base_seconds: float
    rate: float
    cap_seconds: float
    jitter: float

    def full_delay(self, attempt: int) -> float:
        """Seconds to wait after attempt number `attempt` (from 1), before jitter."""
        delay = self.base_seconds
        for _ in range(attempt - 1):
            delay *= self.rate
            if delay >= self.cap_seconds or self.rate == 1:
                break
        return min(delay, self.cap_seconds)

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after attempt number `attempt` (from 1), with jitter drawn from `rng`."""
        return self.full_delay(attempt) * (1 - self.jitter * rng.random())
