"""What a seed chooses for its world, and what all worlds have in common."""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass

RESTORE_ID = "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10"

COUNTS_LAG_SECONDS = 8.0
"""How long the buffer's counts may be behind."""

REFUSED = "refused"
"""The target has an index on this attribute, as text: DynamoDB refuses an item in which it is anything else."""


class Ending(enum.Enum):
    """How a person ends the replay."""

    CUTOVER = "cutover"
    FORCED = "forced cutover"
    ABANDONED = "abandonment"
    CUTOVER_WITH_A_WRITER = "cutover with a writer that was forgotten"

    @property
    def is_clean(self) -> bool:
        """Whether it comes about only where nothing stands in its way."""
        return self in (Ending.CUTOVER, Ending.CUTOVER_WITH_A_WRITER)


_ENDINGS = (*[Ending.CUTOVER] * 6, Ending.FORCED, Ending.ABANDONED, *[Ending.CUTOVER_WITH_A_WRITER] * 2)


@dataclass(frozen=True)
class Plan:
    """What a seed chose for its world. Shares are of calls, times are in seconds.

    Attributes:
        window_seconds: the length of the window that a person chooses; None for no end.
        dies: whether functions die at calls that go wrong.
        late_share: of the writes of the target and of the sends: they time out and take effect later.
        batching_window: of the capture mapping.
        switching: how long a mapping takes to be what it is switched to.
        pause: how long a mapping that was just switched reads nothing.
        clock_error: how wrong a time in the stream may be.
        of_backup: whether the target was restored from a backup.
        snapshot_error: how much later than it says the restored data was taken.
        most_receives: after which the buffer gives a message up.
        record_age: after which Lambda gives a record up.
        replaced_at: the step at which the source's stream is switched off and on; None for never.
        pause_at: the step before which nothing runs for a day or for weeks; None for never.
        pause_hours: how long that is.
        pause_disables: whether somebody has disabled the capture mapping meanwhile.
    """

    view: str
    group_count: int
    byte_limit: int
    keep_expiries: bool
    window_seconds: int | None
    fault_share: float
    dies: bool
    late_share: float
    loses_answers: bool
    loses_deletions: bool
    batching_window: int
    switching: float
    pause: float
    clock_error: float
    of_backup: bool
    snapshot_error: float
    most_receives: int
    record_age: float
    replaced_at: int | None
    pause_at: int | None
    pause_hours: int
    pause_disables: bool
    write_units_per_second: float | None
    keys: int
    steps: int
    ending: Ending

    @property
    def has_images(self) -> bool:
        return "NEW" in self.view

    @classmethod
    def draw(cls, rng: random.Random) -> Plan:
        view = rng.choice(["NEW_IMAGE", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "KEYS_ONLY", "OLD_IMAGE"])
        images = "NEW" in view
        steps = rng.randint(30, 150)
        of_backup = rng.random() < 0.5

        def seldom(share: float) -> int | None:
            return rng.randrange(steps) if rng.random() < share else None

        return cls(
            view=view,
            group_count=rng.choice([1, 2, 5, 16, 16, 64, 256]),
            byte_limit=rng.choice([1024, 4096, 262_144, 262_144]),
            keep_expiries=not images or rng.random() < 0.5,
            window_seconds=rng.randint(5, 60) if images and rng.random() < 0.25 else None,
            fault_share=rng.choice([0, 0.02, 0.05, 0.15]),
            dies=rng.random() < 0.7,
            late_share=rng.choice([0, 0, 0.03, 0.1]),
            loses_answers=rng.random() < 0.5,
            loses_deletions=rng.random() < 0.5,
            batching_window=rng.choice([0, 0, 0, 10, 60, 300]),
            switching=rng.choice([0.0, 0.0, 20.0, 60.0]),
            pause=rng.choice([0.0, 30.0, 90.0]),
            clock_error=rng.choice([0.0, 1.0, 5.0]),
            of_backup=of_backup,
            snapshot_error=rng.uniform(-60, 60) if of_backup else 0.0,
            most_receives=rng.choice([1000, 1000, 3, 4]),
            record_age=rng.choice([82_800.0, 82_800.0, 600.0]),
            replaced_at=seldom(0.04),
            pause_at=seldom(0.08),
            pause_hours=rng.choice([20, 26, 14 * 24 + 1]),
            pause_disables=rng.random() < 0.3,
            write_units_per_second=rng.choice([None, None, 50.0]),
            keys=rng.choice([1, 3, 8, 30, 80]),
            steps=steps,
            ending=rng.choice(_ENDINGS),
        )
