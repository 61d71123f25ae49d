"""What an action comes to when nothing goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

from tests.aws.hazards import Call
from tests.faults.actions import Action
from tests.faults.functions import Functions, World
from tests.faults.oracle import End, end_of


@dataclass(frozen=True)
class Baseline:
    """An action without a fault.

    Attributes:
        start: the world that it begins in; to be copied.
        world: the world that it ended in; to be copied.
    """

    action: Action
    start: World
    world: World
    end: End

    @property
    def calls(self) -> list[Call]:
        return self.world.wire.calls


_known: dict[str, Baseline] = {}


def baseline_of(functions: Functions, action: Action) -> Baseline:
    """Run an action once, with every answer of AWS held against botocore's model of it; kept for later tests."""
    if action.name not in _known:
        start = action.start(functions)
        world = start.copy()
        world.wire.checks_answers = True
        answer = action.run(functions, world)
        world.wire.checks_answers = False
        _known[action.name] = Baseline(action, start, world, end_of(world.account, answer))
    return _known[action.name]
