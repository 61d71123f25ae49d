"""Histories of simulated worlds, each decided by its seed.

`SIMULATION_HISTORIES=20000` runs more of them; `SIMULATION_SEED=123` runs one again, which is how a failure is
looked into: the message of a failure names its seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.simulation.plan import Ending
from tests.simulation.promises import BrokenPromiseError
from tests.simulation.seeds import HISTORIES, ONE_SEED
from tests.simulation.world import World

_SHARES = 8
"""Parts that can run on several processors."""

_HAZARDS = (
    "batches that Lambda gave up",
    "batches that began late",
    "batches that capture cut short",
    "batches that were begun twice",
    "bring_in interrupted",
    "changes brought in",
    "cutover interrupted",
    "messages redriven",
    "messages that the buffer set aside",
    "pauses of a day or of weeks",
    "repair interrupted",
    "sends that landed late",
    "storms",
    "streams replaced",
    "writes in doubt that were settled",
    "writes that landed late",
)
"""What the histories have to have in them, each several times."""


def _seeds(share: int) -> range:
    if ONE_SEED is not None:
        seed = int(ONE_SEED)
        return range(seed, seed + (share == 0))
    return range(share, HISTORIES, _SHARES)


@pytest.mark.parametrize("share", range(_SHARES))
def test_every_history_ends_as_its_person_was_told(
    share: int, record_property: Callable[[str, object], None]
) -> None:
    census: Counter[str] = Counter()
    for seed in _seeds(share):
        world = World(seed)
        try:
            world.run()
        except BaseException as error:
            error.add_note(f"seed {seed}: run it again with SIMULATION_SEED={seed}; {world.plan}")
            raise
        census["simulated histories"] += 1
        census += world.estate.census
    for what, count in sorted(census.items()):
        record_property(what, count)


def test_a_seed_decides_everything() -> None:
    first, second = World(3), World(3)

    first.run()
    second.run()

    assert first.clock.now == second.clock.now
    assert first.estate.census == second.estate.census
    assert first.estate.target.log == second.estate.target.log
    bodies, again = ([message.body for message in world.estate.buffer.accepted] for world in (first, second))
    assert bodies == again


def test_the_histories_have_all_hazards_in_them() -> None:
    """A simulation in which nothing goes wrong proves nothing."""
    census: Counter[str] = Counter()
    worlds = [World(seed) for seed in range(200)]
    for world in worlds:
        world.run()
        census += world.estate.census
        census["faults"] += world.estate.wire.faults
        census["deaths"] += world.estate.wire.deaths

    assert {hazard: census[hazard] for hazard in _HAZARDS if census[hazard] < 4} == {}
    assert census["faults"] > 1000
    assert census["deaths"] > 100
    assert census[f"ended by {Ending.CUTOVER.value}"] > 40
    assert all(census[f"ended by {ending.value}"] > 4 for ending in Ending)
    assert sum(world.promises.window.end is not None for world in worlds) > 10


def test_a_broken_promise_is_told() -> None:
    world = World(_seed_of(Ending.CUTOVER))
    world.run()
    world.estate.target.items.clear()

    with pytest.raises(BrokenPromiseError, match="its last change made it"):
        world.promises.check_synced()


def test_a_write_after_the_cutover_is_told() -> None:
    world = World(_seed_of(Ending.CUTOVER))
    world.run()
    world.estate.account.items.put("target", next(iter(world.estate.target.items.values())))

    with pytest.raises(BrokenPromiseError, match="written after the cutover"):
        world.promises.check_end(None, clean=True)


def test_a_late_change_that_nobody_was_told_of_is_told() -> None:
    world = World(_seed_of(Ending.CUTOVER_WITH_A_WRITER))
    world.run()

    with pytest.raises(BrokenPromiseError, match="changes after the cutover, and told were None"):
        world.promises.check_end(None, clean=True)


def _seed_of(ending: Ending) -> int:
    """The first seed whose history ends in this way, with something in the target."""
    for seed in range(200):
        world = World(seed)
        if (
            world.plan.ending is not ending
            or not world.plan.keep_expiries
            or world.plan.replaced_at is not None
        ):
            continue
        world.run()
        if world.estate.census[f"ended by {ending.value}"] and world.estate.target.items:
            return seed
    raise AssertionError(f"no history ends by {ending.value}")
