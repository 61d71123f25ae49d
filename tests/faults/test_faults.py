"""A fault at every call: whatever goes wrong and passes, redelivery reaches the same end and tells the same report."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from tests.aws.hazards import PASSING, Hazard, Mode, NowAndThen, at
from tests.faults.actions import ACTIONS, Action
from tests.faults.baseline import Baseline, baseline_of
from tests.faults.functions import Functions
from tests.faults.oracle import End, differences, end_of, ended_otherwise, told_otherwise
from tests.faults.share import Share

Recorder = Callable[[str, object], None]

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_SHOWN = 5
_SHARES = 8
"""Parts that can run on several processors."""

_HISTORIES = 400
_ONE_CALL_IN = 150


def end_with(baseline: Baseline, functions: Functions, hazard: Hazard, *, in_time: bool = False) -> End:
    """How the action ends with faults.

    Args:
        in_time: whether no function may have been killed for want of time.
    """
    world = baseline.start.copy(hazard)
    answer = baseline.action.run(functions, world)
    assert world.deaths == world.wire.deaths, "a function went on after its process had died"
    assert not in_time or not world.deaths, "a call that hung ended a function"
    return end_of(world.account, answer)


def problems(action: Action, expected: End, found: End) -> Iterator[str]:
    """In what an end differs from that without faults."""
    yield from ended_otherwise(expected, found)
    yield from told_otherwise(expected, found)
    if not action.counts and found.answer != action.can_be_done:
        yield from differences(expected.answer, found.answer, "answer")


def fail_with(problems: list[str]) -> None:
    more = len(problems) - _SHOWN
    lines = [*problems[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize("mode", PASSING, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_fault_at_every_call(
    functions: Functions, share: Share, record_property: Recorder, action: Action, mode: Mode
) -> None:
    baseline = baseline_of(functions, action)
    numbers = share.of(len(baseline.calls), PASSING.index(mode))
    found = [
        f"call {number}, {baseline.calls[number]}, {mode.value}:\n  " + "\n  ".join(lines)
        for number in numbers
        if (
            lines := list(
                problems(
                    action,
                    baseline.end,
                    end_with(baseline, functions, at(number, mode), in_time=mode.takes_time),
                )
            )
        )
    ]
    record_property("runs with a fault", len(numbers))
    if found:
        fail_with(found)


@pytest.mark.parametrize("part", range(_SHARES))
def test_many_faults_in_one_history(
    functions: Functions, share: Share, record_property: Recorder, part: int
) -> None:
    seeds = share.histories(_HISTORIES)[part::_SHARES]
    found = []
    for seed in seeds:
        baseline = baseline_of(functions, ACTIONS[seed % len(ACTIONS)])
        now_and_then = NowAndThen(random.Random(seed), PASSING, 1 / _ONE_CALL_IN)
        end = end_with(baseline, functions, now_and_then)
        lines = list(problems(baseline.action, baseline.end, end))
        if lines:
            found.append(f"{baseline.action.name}, history {seed}:\n  " + "\n  ".join(lines))
    record_property("runs with many faults", len(seeds))
    if found:
        fail_with(found)
