"""Delays: how they grow, where they end, and how long the defaults of Terraform's `polling` wait in all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.backoff import Backoff
from tests.unit.strategies import backoffs

DEFAULT = Backoff(base_seconds=10, rate=1.5, cap_seconds=100, jitter=0.1)
DEFAULT_ATTEMPTS = 990


def test_delays_grow_to_the_cap_and_stay_there() -> None:
    delays = [DEFAULT.full_delay(attempt) for attempt in range(1, 10)]
    assert delays == [
        10,
        15,
        22.5,
        33.75,
        50.625,
        75.9375,
        100,
        100,
        100,
    ]


def test_the_defaults_wait_for_a_day_even_at_the_shortest() -> None:
    shortest = sum(DEFAULT.full_delay(attempt) * (1 - 0.1) for attempt in range(1, DEFAULT_ATTEMPTS))
    assert shortest == pytest.approx(88_657.03125)
    assert shortest >= 24 * 3600


@pytest.mark.parametrize(
    ("drawn", "expected"), [(0.0, 100.0), (0.5, 75.0), (0.999, 50.05)], ids=["none", "half", "nearly all"]
)
def test_jitter_shortens_by_its_share(monkeypatch: pytest.MonkeyPatch, drawn: float, expected: float) -> None:
    rng = random.Random()
    monkeypatch.setattr(rng, "random", lambda: drawn)
    backoff = Backoff(base_seconds=100, rate=2, cap_seconds=1000, jitter=0.5)
    assert backoff.delay(1, rng) == pytest.approx(expected)


@given(backoffs, st.integers(1, 2_000), st.integers())
def test_a_delay_lies_between_the_jittered_and_the_full_one(
    backoff: Backoff, attempt: int, seed: int
) -> None:
    full = backoff.full_delay(attempt)
    delay = backoff.delay(attempt, random.Random(seed))
    assert 0 <= full * (1 - backoff.jitter) * (1 - 1e-9) <= delay <= full <= backoff.cap_seconds


@given(backoffs, st.integers(1, 500))
def test_full_delays_never_shrink(backoff: Backoff, attempt: int) -> None:
    assert backoff.full_delay(attempt) <= backoff.full_delay(attempt + 1)


@given(backoffs.filter(lambda backoff: backoff.rate > 1.01 and backoff.base_seconds > 0.01))
def test_no_number_of_attempts_is_too_large(backoff: Backoff) -> None:
    assert backoff.full_delay(10**9) == backoff.cap_seconds


def test_a_rate_of_one_keeps_the_delay_constant() -> None:
    constant = Backoff(base_seconds=5, rate=1, cap_seconds=300, jitter=0)
    assert [constant.full_delay(attempt) for attempt in (1, 2, 990)] == [5, 5, 5]
