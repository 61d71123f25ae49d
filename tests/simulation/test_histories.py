"""Histories of simulated worlds, each decided by its seed.

`SIMULATION_HISTORIES=20000` runs more of them; `SIMULATION_SEED=123` runs one again, which is how a failure is
looked into: the message of a failure names its seed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.promises import BrokenPromiseError
from tests.simulation.seeds import HISTORIES, ONE_SEED
from tests.simulation.world import World

_SHARES = 8
"""Parts that can run on several processors."""


def _seeds(share: int) -> range:
    if ONE_SEED is not None:
        seed = int(ONE_SEED)
        return range(seed, seed + (share == 0))
    return range(share, HISTORIES, _SHARES)


@pytest.mark.parametrize("share", range(_SHARES))
def test_every_history_ends_with_the_target_equal_to_its_source(
    share: int, record_property: Callable[[str, object], None]
) -> None:
    lived = 0
    for seed in _seeds(share):
        world = World(seed)
        try:
            world.run()
        except BaseException as error:
            error.add_note(f"seed {seed}: run it again with SIMULATION_SEED={seed}; {world.plan}")
            raise
        lived += 1
    record_property("simulated histories", lived)


def test_a_seed_decides_everything() -> None:
    first, second = World(3), World(3)

    first.run()
    second.run()

    assert first.clock.now == second.clock.now
    assert first.target.log == second.target.log
    assert [message.body for message in first.buffer.accepted] == [
        message.body for message in second.buffer.accepted
    ]


def test_the_histories_are_eventful() -> None:
    """A simulation in which nothing goes wrong proves nothing."""
    worlds = [World(seed) for seed in range(40)]
    for world in worlds:
        world.run()

    assert sum(world.faults.struck for world in worlds) > 100
    assert sum(len(world.stream.shards) > 1 for world in worlds) > 10
    assert sum(not world.capture_exact for world in worlds) > 5
    assert sum(world.window.end is not None for world in worlds) > 0
    assert sum(len(world.target.log or ()) for world in worlds) > 500


def test_a_broken_promise_is_told() -> None:
    world = World(0)
    world.run()
    world.target.items.clear()

    with pytest.raises(BrokenPromiseError, match="its last change made it"):
        world.promises.check_items()
