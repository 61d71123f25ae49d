"""What a seed chooses for its world, and what all worlds have in common."""

from __future__ import annotations

import random
from dataclasses import dataclass

RESTORE_ID = "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10"

COUNTS_LAG_SECONDS = 8.0
"""How long the buffer's counts may be behind."""

REFUSED = "refused"
"""The target has an index on this attribute, as text: DynamoDB refuses an item in which it is anything else."""


@dataclass(frozen=True)
class Plan:
    """What a seed chose for its world."""

    view: str
    group_count: int
    byte_limit: int
    keep_expiries: bool
    window_seconds: int | None
    fault_rate: float
    loses_answers: bool
    loses_deletions: bool
    write_units_per_second: float | None
    keys: int
    steps: int

    @classmethod
    def draw(cls, rng: random.Random) -> Plan:
        view = rng.choice(["NEW_IMAGE", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "KEYS_ONLY", "OLD_IMAGE"])
        images = "NEW" in view
        byte_limit = rng.choice([1024, 4096, 262_144]) if images else 262_144
        fault_rate = rng.choice([0, 0.02, 0.05, 0.15])
        # What is read from the source is its present state, which knows no end of a window and no expiry. So is what
        # settles a doubt, and a call that goes wrong can leave one.
        exact = images and byte_limit == 262_144
        without_doubt = exact and not fault_rate
        loses_answers = rng.random() < 0.5
        return cls(
            view=view,
            group_count=rng.choice([1, 2, 5, 16]),
            byte_limit=byte_limit,
            keep_expiries=not without_doubt or rng.random() < 0.5,
            window_seconds=rng.randint(5, 60) if exact and rng.random() < 0.4 else None,
            fault_rate=fault_rate,
            loses_answers=loses_answers,
            loses_deletions=rng.random() < 0.5,
            write_units_per_second=rng.choice([None, None, 50.0]),
            keys=rng.choice([1, 3, 8, 30, 80]),
            steps=rng.randint(30, 150),
        )
